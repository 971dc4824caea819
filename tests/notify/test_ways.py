"""The two ways, against a receiver that really listens."""

import base64
import hashlib
import hmac
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from chaos_runner.notify import channel as channels
from chaos_runner.notify.channel import Channel, NotTold, NoWay, way, way_names
from chaos_runner.notify.elsewhere import Env, File
from chaos_runner.notify.notice import Kind
from chaos_runner.notify.ways import slack
from tests.notify.notices import NOTICE, hook, notice
from tests.notify.receiver import Answer, Receiver, receiving

KEY = base64.b64encode(bytes(range(32))).decode()
SECRET = f"whsec_{KEY}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as up:
        yield up


def kept(folder: Path, text: str) -> File:
    """A file that holds a secret."""
    (folder / "secret").write_text(f"{text}\n")
    return File(path=str(folder / "secret"))


def to_slack(receiver: Receiver, folder: Path, report_url: str = "") -> Channel:
    settings = slack.Settings(slack=kept(folder, receiver.url), report_url=report_url)
    return Channel(key="project/slack-1", way="slack", settings=settings)


def refusal(channel: Channel) -> NotTold:
    with pytest.raises(NotTold) as caught:
        channel.send(NOTICE)
    assert "s3cr3t" not in str(caught.value)
    return caught.value


def test_ways_are_found_by_name() -> None:
    assert way_names() == ("slack", "webhook")
    assert {name: type(way(name)).__name__ for name in way_names()} == {"slack": "Slack", "webhook": "Webhook"}
    for name in ("teams", "", "../channel", "__init__"):
        with pytest.raises(NoWay):
            way(name)


def test_a_webhook_hears_the_notice_as_json(receiver: Receiver) -> None:
    channel = hook(receiver.url, headers={"X-Team": "shop"}, report_url="https://chaos.example/reports/")
    assert channel.send(NOTICE) == "HTTP 200 'ok'"
    [heard] = receiver.heard
    assert heard.data["version"] == 1
    assert heard.data["notice"] == NOTICE.notice
    assert (heard.data["kind"], heard.data["report"]) == ("ended", "https://chaos.example/reports/runs/R1/report.html")
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["x-team"] == "shop"
    assert "webhook-signature" not in heard.headers


def test_a_signature_is_that_of_standard_webhooks(receiver: Receiver, tmp_path: Path) -> None:
    hook(receiver.url, secret=kept(tmp_path, SECRET)).send(NOTICE)
    [heard] = receiver.heard
    name, at = heard.headers["webhook-id"], heard.headers["webhook-timestamp"]
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in bytes(range(32)).ljust(64, b"\0"))  # HMAC, as RFC 2104 has it
                           + f"{name}.{at}.".encode() + heard.body).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in bytes(range(32)).ljust(64, b"\0")) + inner).digest()
    assert heard.headers["webhook-signature"] == "v1," + base64.b64encode(outer).decode()
    assert abs(int(at) - time.time()) < 5
    assert re.fullmatch("msg_[0-9a-f]{32}", name)


def test_the_signature_of_the_specification_s_example_is_ours() -> None:
    from chaos_runner.notify.ways.webhook import signature_headers

    secret, body = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), b'{"test": 2432232314}'
    made = signature_headers(NOTICE, body, secret, 1614265330)
    signed = f"{made['webhook-id']}.1614265330.".encode() + body
    assert made["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def test_a_notice_that_is_told_again_has_the_same_id_and_body(receiver: Receiver) -> None:
    channel = hook(receiver.url)
    for each in (NOTICE, NOTICE, notice(2)):
        channel.send(each)
    first, again, other = receiver.heard
    assert (first.headers["webhook-id"], first.body) == (again.headers["webhook-id"], again.body)
    assert first.headers["webhook-id"] != other.headers["webhook-id"]


def test_a_header_may_be_kept_in_the_environment(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "Bearer s3cr3t-token")
    hook(receiver.url, headers={"Authorization": Env(key="HOOK_TOKEN")}).send(NOTICE)
    assert receiver.heard[0].headers["authorization"] == "Bearer s3cr3t-token"


def test_slack_hears_text_and_blocks_with_a_link(receiver: Receiver, tmp_path: Path) -> None:
    assert to_slack(receiver, tmp_path, "https://chaos.example").send(NOTICE) == "HTTP 200 'ok'"
    sent = receiver.heard[0].data
    assert sent["text"] == f"ended: {NOTICE.sentence}"
    section, about = sent["blocks"]
    assert section["text"]["text"].endswith("<https://chaos.example/runs/R1/report.html|Report>")
    assert about["elements"][0] == {"type": "plain_text", "text": "schedule: weekly  ·  run: R1", "emoji": False}


@pytest.mark.parametrize("hostile", [
    "<!channel> click <https://evil.example|here>", "<@U123> & <#C1>", "a\x00b\x1b[31m\u202e\nc", "x" * 100_000,
    "\ud800", "&lt;!here&gt;"])
def test_no_text_becomes_a_mention_a_link_or_a_broken_message(hostile: str) -> None:
    made = slack.message_of(notice(sentence=hostile.encode("utf-8", "replace").decode(), schedule=hostile[:300],
                                   kind=Kind.BREACH))
    shown = [made["text"], made["blocks"][0]["text"]["text"], made["blocks"][1]["elements"][0]["text"]]
    assert all("<" not in text and ">" not in text and text.isprintable() for text in shown)
    assert all(len(text) <= 3000 for text in shown)
    assert all(re.fullmatch("(?:[^&]|&(?:amp|lt|gt);)*", text) for text in shown)


@pytest.mark.parametrize(("status", "for_good"), [
    (500, False), (503, False), (408, False), (429, False), (400, True), (404, True), (410, True), (302, True)])
def test_what_an_answer_means_for_a_second_try(receiver: Receiver, *, status: int, for_good: bool) -> None:
    receiver.answers = [Answer(status=status, body=b"no", headers={"Location": "http://127.0.0.1:9/s3cr3t"})]
    problem = refusal(hook(receiver.url))
    assert (str(problem), problem.for_good, problem.wait_s) == (f"HTTP {status} 'no'", for_good, None)
    assert len(receiver.heard) == 1


@pytest.mark.parametrize(("told", "least_s", "most_s"), [
    ("7", 7, 7), ("999999999999", 3600, 3600), ("0", 0, 0), ("soon", None, None), ("-5", None, None),
    ("Fri, 20 Nov 2020 11:00:00 GMT", 0, 0), ("Fri, 20 Nov 9020 11:00:00 GMT", 3600, 3600)])
def test_a_receiver_may_say_how_long_it_wants_to_be_left_alone(
        receiver: Receiver, told: str, least_s: float | None, most_s: float | None) -> None:
    receiver.answers = [Answer(status=429, headers={"Retry-After": told})]
    wait_s = refusal(hook(receiver.url)).wait_s
    if least_s is None or most_s is None:
        assert wait_s is None
    else:
        assert wait_s is not None
        assert least_s <= wait_s <= most_s


def test_it_may_say_until_when(receiver: Receiver) -> None:
    until = datetime.now(UTC) + timedelta(minutes=2)
    receiver.answers = [Answer(status=503, headers={"Retry-After": format_datetime(until, usegmt=True)})]
    wait_s = refusal(hook(receiver.url)).wait_s
    assert wait_s is not None
    assert 110 <= wait_s <= 120


def test_a_receiver_that_repeats_its_secret_address_is_not_repeated(receiver: Receiver, tmp_path: Path) -> None:
    receiver.answers = [Answer(status=500, body=f"{receiver.url} /hook/s3cr3t-path \x1b[31m".encode())]
    assert str(refusal(to_slack(receiver, tmp_path))) == "HTTP 500 '[redacted] [redacted] \\x1b[31m'"
    receiver.answers = [Answer(status=404, body=b"https://hooks.slack.com/services/T0/B0/s3cr3t no_team")]
    assert str(refusal(to_slack(receiver, tmp_path))) == "HTTP 404 '[redacted] no_team'"


def test_nobody_there_may_be_there_later() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    problem = refusal(hook(f"http://127.0.0.1:{port}/s3cr3t"))
    assert (str(problem), problem.for_good) == ("no connection", False)


def test_a_receiver_that_is_no_web_server_may_be_one_later() -> None:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:
        def rude() -> None:
            line, _ = server.accept()
            with line:
                line.recv(65536)
                line.sendall(b"220 smtp.example ready\r\n")

        thread = threading.Thread(target=rude, daemon=True)
        thread.start()
        problem = refusal(hook(f"http://127.0.0.1:{server.getsockname()[1]}/s3cr3t"))
        thread.join()
    assert not problem.for_good


@pytest.mark.slow
def test_a_receiver_that_hangs_is_not_waited_for(receiver: Receiver) -> None:
    receiver.answers = [Answer(slow_s=12)]
    began = time.monotonic()
    assert str(refusal(hook(receiver.url))) == "no answer within 10 s"
    assert time.monotonic() - began < 11.5


@pytest.mark.parametrize(("url", "said"), [
    ("s3cr3t", "no URL"), ("ftp://s3cr3t.example/x", "no URL"), ("http://[s3cr3t", "no URL"),
    ("http://u:s3cr3t@127.0.0.1/x", "a password in its address"), ("http://127.0.0.1:99999/s3cr3t", "no URL")])
def test_an_address_that_is_none_is_told_without_repeating_it(url: str, said: str) -> None:
    problem = refusal(hook(url))
    assert said in str(problem)
    assert not problem.for_good


@pytest.mark.parametrize("text", [
    "", "whsec_", "hunter2", "whsec_###", KEY, "whsec_" + base64.b64encode(b"short").decode()])
def test_a_secret_that_is_none_sends_nothing(receiver: Receiver, tmp_path: Path, text: str) -> None:
    problem = refusal(hook(receiver.url, secret=kept(tmp_path, text)))
    assert not problem.for_good
    assert "hunter2" not in str(problem)
    assert receiver.heard == []


def test_what_is_kept_elsewhere_and_is_not_there_is_told(receiver: Receiver, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert str(refusal(hook(receiver.url, secret=Env(key="NOT_SET_HERE")))) == \
        "the environment variable NOT_SET_HERE is not set"
    assert str(refusal(hook(receiver.url, secret=File(path=str(missing))))) == \
        f"{missing} cannot be read: No such file or directory"
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    assert "holds no text" in str(refusal(hook(receiver.url, secret=File(path=str(tmp_path / "bytes")))))


def test_a_header_that_cannot_be_sent_is_told_without_its_value(receiver: Receiver, tmp_path: Path) -> None:
    for value in ("a\r\nX-Evil: s3cr3t", "s3cr3t-ключ"):
        assert "cannot be sent" in str(refusal(hook(receiver.url, headers={"X-Key": kept(tmp_path, value)})))
    assert receiver.heard == []


def test_a_channel_s_key_changes_with_its_address_and_holds_none_of_it() -> None:
    one, other = (channels.key_of("project", "", "webhook", f"https://example.org/s3cr3t-{name}") for name in "ab")
    assert one != other
    assert re.fullmatch("project/webhook-[0-9a-f]{8}", one)
    assert channels.key_of("schedule weekly", "on call", "slack", Env(key="X")).startswith("schedule weekly/on call-")
