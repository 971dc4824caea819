"""`chaos-runner notify test`, as people and programs call it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.runner import COMMAND, Ran
from tests.notify.receiver import Answer, Receiver, receiving
from tests.schedule.test_files import SCHEDULE, project

pytestmark = pytest.mark.slow


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as up:
        yield up


def notify_test(folder: Path, *words: str, **environment: str) -> Ran:
    """Runs the command in a folder."""
    done = subprocess.run([*COMMAND, "notify", "test", *words], capture_output=True, text=True, timeout=60, cwd=folder,
                          env={**os.environ, "NO_COLOR": "1", **environment}, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def everywhere(folder: Path, url: str) -> None:
    """A project with a channel in its chaos.yaml, in an environment, and in a schedule."""
    (folder / "chaos.yaml").write_text(
        "notify: [{slack: {type: env, key: HOOK}}]\n"
        f"environments: {{staging: {{notify: [{{webhook: '{url}?env', name: night watch}}]}}}}\n")
    project(folder, SCHEDULE + f"notify: [{{webhook: '{url}?own', events: [missed]}}]\n")


def test_each_channel_is_tried_and_its_answer_told(tmp_path: Path, receiver: Receiver) -> None:
    everywhere(tmp_path, receiver.url)
    ran = notify_test(tmp_path, HOOK=receiver.url)
    assert (ran.exit, ran.err) == (0, "")
    assert [line.partition("-")[0] for line in ran.out.splitlines()] == [
        "told  project/slack", "told  env staging/night watch", "told  schedule weekly/webhook"]
    assert all(line.endswith(": HTTP 200 'ok'") for line in ran.out.splitlines())
    assert [heard.path.partition("?")[2] for heard in receiver.heard] == ["", "env", "own"]
    assert receiver.heard[1].data["kind"] == "test"
    assert "s3cr3t" not in ran.out


def test_what_was_not_told_is_said_and_is_no_secret(tmp_path: Path, receiver: Receiver) -> None:
    everywhere(tmp_path, receiver.url)
    receiver.answers = [Answer(status=404, body=f"no {receiver.url} \x1b[31m".encode()), Answer(status=500), Answer()]
    ran = notify_test(tmp_path, "--json", HOOK=receiver.url)
    assert ran.exit == 5
    first, second, third = ran.outcome["channels"]
    assert (first["told"], first["answer"], first["final"]) == (False, "HTTP 404 'no [redacted] \\x1b[31m'", True)
    assert (second["told"], second["final"], third["told"]) == (False, False, True)
    assert third["events"] == ["missed"]
    missing = notify_test(tmp_path, "chaos.yaml")
    assert missing.exit == 5
    assert "not told  project/slack" in missing.out
    assert "the environment variable HOOK is not set" in missing.out


def test_a_file_or_a_schedule_s_name_narrows_it(tmp_path: Path, receiver: Receiver) -> None:
    everywhere(tmp_path, receiver.url)
    for word in ("weekly", "schedules/weekly.yaml"):
        channels = notify_test(tmp_path, word, "--json", HOOK=receiver.url).outcome["channels"]
        assert [row["way"] for row in channels] == ["slack", "webhook"]
    channels = notify_test(tmp_path, "chaos.yaml", "--json", HOOK=receiver.url).outcome["channels"]
    assert [row["channel"].partition("/")[0] for row in channels] == ["project", "env staging"]


def test_mistakes_are_told_with_their_place_and_nothing_is_sent(tmp_path: Path, receiver: Receiver) -> None:
    everywhere(tmp_path, receiver.url)
    (tmp_path / "chaos.yaml").write_text("notify: [{slack: https://hooks.slack.com/services/s3cr3t}]\n")
    for words in ((), ("chaos.yaml",), ("weekly",)):
        ran = notify_test(tmp_path, *words)
        assert (ran.exit, ran.out) == (2, "")
        assert "chaos.yaml:1:18" in ran.err
        assert "E411" in ran.err
        assert "s3cr3t" not in ran.err
    assert receiver.heard == []


@pytest.mark.parametrize(("words", "said"), [
    (("wekly",), 'did you mean "weekly"?'), (("none/chaos.yaml",), "No such file"), ((), "nobody is to be told")])
def test_where_there_is_nobody_to_tell_it_says_so(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    project(tmp_path)
    ran = notify_test(tmp_path, *words)
    assert (ran.exit, ran.out) == (2, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
