"""http.status, http.latency and http.value, against servers that behave and servers that do not."""

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import BadQuestion, NoData, Unreachable
from chaos_runner.probes import _http
from chaos_runner.probes._http import Request
from chaos_runner.probes.http import JsonRequest, TimedRequest
from chaos_runner.units import Unit

Act = Callable[[socket.socket], None]
Serve = Callable[[Act], str]
status = shelf.probe("http.status")
latency = shelf.probe("http.latency")
value = shelf.probe("http.value")


class Server:
    """Answers each connection with an act, on a thread, until closed. Keeps what was asked."""

    def __init__(self, act: Act) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._act = act
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line = self._listening.accept()[0]
            except OSError:
                return
            with line:
                try:
                    self._act(line)
                except OSError:
                    continue

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def serving(act: Act) -> str:
        servers.append(Server(act))
        return f"http://127.0.0.1:{servers[-1].port}"

    yield serving
    for server in servers:
        server.close()


def answering(answer: bytes, asked: list[bytes] | None = None) -> Act:
    def act(line: socket.socket) -> None:
        said = line.recv(65536)
        if asked is not None:
            asked.append(said)
        line.sendall(answer)

    return act


def whole(code: int, body: bytes = b"ok") -> bytes:
    return b"HTTP/1.1 %d Word\r\nContent-Length: %d\r\n\r\n%s" % (code, len(body), body)


@pytest.mark.parametrize("code", [200, 204, 302, 404, 503])
def test_a_status_is_a_value_whatever_it_is(serve: Serve, code: int) -> None:
    url = serve(answering(whole(code, b"")))
    assert status.read(Request(url=f"{url}/there?a=b#c")).value == code
    assert status.unit is Unit.COUNT


def test_what_is_asked_for_is_what_is_sent(serve: Serve) -> None:
    asked: list[bytes] = []

    def listen(line: socket.socket) -> None:
        said = b""
        while not said.endswith("höi".encode()):
            said += line.recv(1000)
        asked.append(said)
        line.sendall(whole(200))

    url = serve(listen)
    headers = {"X-Mine": "1", "User-Agent": "me"}
    status.read(Request(url=f"{url}/päy now?q=%20a", method="POST", headers=headers, body="höi"))
    head, _, body = asked[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /p%C3%A4y%20now?q=%20a HTTP/1.1"
    assert {b"x-mine: 1", b"user-agent: me", b"connection: close", b"Content-Length: 4"} <= set(lines)
    assert body == "höi".encode()
    assert sum(line.lower().startswith(b"user-agent") for line in lines) == 1


INCIDENTS = (b'{"status": {"page": "up", "open": 2, "frozen": false, "since": null}, "incidents": ['
             b'{"id": 7, "state": "open"}, {"id": 8, "state": "closed"}, {"id": 9, "state": "open"}], "done": []}')


@pytest.mark.parametrize(("path", "found"), [
    (".status.page", "up"), ("$.status.open", 2), (".status.frozen", False), (".incidents[0].id", 7),
    ('.incidents[?(@.id==8)].state', "closed")])
def test_a_value_is_what_stands_at_its_path(serve: Serve, path: str, found: object) -> None:
    read = value.read(JsonRequest(url=serve(answering(whole(200, INCIDENTS))), path=path)).value
    assert (read, type(read)) == (found, type(found))


@pytest.mark.parametrize(("path", "count"), [
    (".incidents", 3), (".incidents[*]", 3), ('.incidents[?(@.state=="open")]', 2), ('.incidents[?(@.state=="x")]', 0),
    (".done", 0), ('.done[?(@.state=="open")]', 0)])
def test_what_stands_at_a_path_can_be_counted(serve: Serve, path: str, count: int) -> None:
    url = serve(answering(whole(200, INCIDENTS)))
    assert value.read(JsonRequest(url=url, path=path, count=True)).value == count


@pytest.mark.parametrize(("path", "counted", "said"), [
    (".status.pages", False, "nothing stands"), (".status", False, "a mapping"), (".incidents", False, "a list"),
    (".status.since", False, "null"), (".incidents[*].id", False, "3 things"), (".incidnets", True, "no list"),
    (".status", True, "no list"), ('.incidents[?(@.stat=="open")]', True, "none of the 3")])
def test_what_does_not_stand_there_is_no_data_and_never_none(
        serve: Serve, path: str, said: str, *, counted: bool) -> None:
    url = serve(answering(whole(200, INCIDENTS)))
    with pytest.raises(NoData, match=said):
        value.read(JsonRequest(url=url, path=path, count=counted))


def test_an_answer_that_is_no_json_or_not_well_has_no_value(serve: Serve) -> None:
    with pytest.raises(NoData, match="no JSON"):
        value.read(JsonRequest(url=serve(answering(whole(200, b"<html>"))), path=".a"))
    with pytest.raises(Unreachable, match="answered 503"):
        value.read(JsonRequest(url=serve(answering(whole(503, b"{}"))), path=".a"))
    with pytest.raises(BadQuestion):
        value.read(JsonRequest(url=serve(answering(whole(200, b"{}"))), path=" "))


def test_latency_lasts_until_the_whole_body_was_read(serve: Serve) -> None:
    def dawdle(line: socket.socket) -> None:
        line.recv(1000)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
        time.sleep(0.15)
        line.sendall(b"k")

    assert 0.15 <= latency.read(TimedRequest(url=serve(dawdle))).value < 1
    assert latency.unit is Unit.SECONDS


@pytest.mark.parametrize(("code", "expected", "good"), [
    (200, None, True), (302, None, True), (404, None, True), (500, None, False), (503, None, False),
    (200, 200, True), (404, 200, False), (503, [200, 503], True),
])
def test_a_status_that_is_not_expected_is_no_latency(
    serve: Serve, code: int, expected: int | list[int] | None, *, good: bool,
) -> None:
    asked = TimedRequest(url=serve(answering(whole(code))), expect_status=expected)
    if good:
        assert latency.read(asked).value > 0
    else:
        with pytest.raises(Unreachable, match=f"^answered {code}$"):
            latency.read(asked)


def test_a_server_that_drips_is_cut_at_the_timeout_and_not_at_each_drop(serve: Serve) -> None:
    def drip(line: socket.socket) -> None:
        line.recv(1000)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(60):
            time.sleep(0.05)
            line.sendall(b".")

    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"^no answer within 300 ms$"):
        status.read(Request(url=serve(drip), timeout=0.3))
    assert 0.3 <= time.monotonic() - began < 0.6


def test_headers_that_drip_are_cut_as_well(serve: Serve) -> None:
    def drip(line: socket.socket) -> None:
        line.recv(1000)
        for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + 60 * b"a":
            time.sleep(0.02)
            line.sendall(bytes([letter]))

    began = time.monotonic()
    with pytest.raises(Unreachable, match="no answer within 200 ms"):
        status.read(Request(url=serve(drip), timeout=0.2))
    assert time.monotonic() - began < 0.5


def test_silence_ends_at_the_timeout(serve: Serve) -> None:
    with pytest.raises(Unreachable, match=r"^no answer within 100 ms$"):
        status.read(Request(url=serve(lambda _: time.sleep(0.3)), timeout=0.1))


def test_nobody_there_is_a_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match=r"^connection refused$"):
        status.read(Request(url=f"http://127.0.0.1:{port}"))


def test_a_reset_is_told_as_one(serve: Serve) -> None:
    def reset(line: socket.socket) -> None:
        line.recv(1000)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with pytest.raises(Unreachable, match=r"^connection reset$"):
        status.read(Request(url=serve(reset)))


@pytest.mark.parametrize(("answer", "words"), [
    (b"", "^connection closed without an answer$"),
    (b"nonsense\r\n\r\n", r"^no HTTP answer \(BadStatusLine\)$"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "^the answer was cut short$"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort", "^the answer was cut short$"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "^the answer was cut short$"),
    (b"HTTP/1.1 200 OK\r\n" + 70_000 * b"x", r"^no HTTP answer \(LineTooLong\)$"),
])
def test_half_an_answer_is_none(serve: Serve, answer: bytes, words: str) -> None:
    with pytest.raises(Unreachable, match=words):
        status.read(Request(url=serve(answering(answer))))


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" + whole(200),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
])
def test_every_way_to_end_a_body_is_understood(serve: Serve, answer: bytes) -> None:
    assert status.read(Request(url=serve(answering(answer)))).value == 200


def test_a_head_request_has_no_body_to_wait_for(serve: Serve) -> None:
    url = serve(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"))
    assert status.read(Request(url=url, method="HEAD")).value == 200


def test_a_body_without_end_is_read_up_to_the_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "BODY_BYTES_MAX", 2**20)

    def pour(line: socket.socket) -> None:
        line.recv(1000)
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            line.sendall(bytes(65536))

    assert latency.read(TimedRequest(url=serve(pour))).note == "only the first 1 MiB were read"


def test_each_reading_is_a_connection_of_its_own_past_any_proxy(
    serve: Serve, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    asked: list[bytes] = []
    url = serve(answering(whole(200), asked))
    for _ in range(3):
        status.read(Request(url=url))
    assert len(asked) == 3


@pytest.mark.parametrize(("url", "words"), [
    ("127.0.0.1:80", "a URL such as"), ("ftp://x/", "a URL such as"), ("http://", "a URL such as"),
    ("http://x:port/", "a URL such as"), ("http://[x/", "a URL such as"),
    ("http://me:secret@127.0.0.1/", "would end up in reports"),
])
def test_a_url_that_is_none_is_no_data_and_no_outage(url: str, words: str) -> None:
    with pytest.raises(NoData, match=words):
        status.read(Request(url=url))


def test_a_header_that_would_smuggle_another_is_not_sent(serve: Serve) -> None:
    url = serve(answering(whole(200)))
    with pytest.raises(NoData, match="cannot be sent: Invalid header value"):
        status.read(Request(url=url, headers={"a": "b\r\nc: d"}))
    with pytest.raises(NoData, match="cannot be sent"):
        status.read(Request(url=url, method="GET /\r\n"))


# ── TLS ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    file = tmp_path_factory.mktemp("tls") / "self-signed.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-keyout", file, "-out", file.with_suffix(".crt")],
                   check=True, capture_output=True)
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


def test_a_certificate_nobody_vouches_for_is_an_outage_unless_told_otherwise(serve: Serve, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def encrypt(line: socket.socket) -> None:
        with context.wrap_socket(line, server_side=True) as secured:
            answering(whole(200))(secured)

    url = serve(encrypt).replace("http:", "https:")
    with pytest.raises(Unreachable, match=r"^TLS: certificate not trusted: self.signed certificate$"):
        status.read(Request(url=url))
    assert status.read(Request(url=url, verify_tls=False)).value == 200


def test_a_plain_server_does_not_speak_tls(serve: Serve) -> None:
    url = serve(answering(whole(200))).replace("http:", "https:")
    with pytest.raises(Unreachable, match=r"^TLS: wrong version number$"):
        status.read(Request(url=url))


def test_a_handshake_without_answer_ends_at_the_timeout(serve: Serve) -> None:
    url = serve(lambda _: time.sleep(0.3)).replace("http:", "https:")
    with pytest.raises(Unreachable, match="no answer within 100 ms"):
        status.read(Request(url=url, timeout=0.1))
