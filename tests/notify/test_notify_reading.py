"""`notify:` in chaos.yaml and in a schedule, right and wrong."""

from pathlib import Path

import pytest

from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.project import InvalidSettings, Project, read_project
from chaos_runner.notify.elsewhere import Env, File
from chaos_runner.notify.notice import CHOICES, USUAL, Kind
from chaos_runner.notify.ways import slack, webhook
from chaos_runner.schedule.loading import load
from tests.schedule.test_files import SCHEDULE, project

SLACK = "{slack: {type: env, key: SLACK_URL}}"


def read(folder: Path, text: str) -> Project:
    (folder / "chaos.yaml").write_text(text)
    return read_project(folder / "chaos.yaml")


def complaints(folder: Path, member: str) -> list[str]:
    """Code, line and column of each complaint about one channel."""
    with pytest.raises(InvalidSettings) as caught:
        read(folder, f"notify:\n  - {member}\n")
    return [f"{one.code} {one.place.line}:{one.place.column}" for one in caught.value.findings]


def test_channels_are_read_with_all_they_may_say(tmp_path: Path) -> None:
    [hook, team] = read(tmp_path, """
notify:
  - webhook: https://example.org/hook
    secret: {type: file, path: /run/secrets/hook}
    headers: {Authorization: {type: env, key: TOKEN}, X-Team: shop}
    events: [missed, not-restored]
    report-url: https://chaos.example
  - slack: {type: env, key: SLACK_URL}
    name: on call
""").notify
    assert hook.settings == webhook.Settings(
        webhook="https://example.org/hook", secret=File(path="/run/secrets/hook"),
        headers={"Authorization": Env(key="TOKEN"), "X-Team": "shop"}, report_url="https://chaos.example")
    assert hook.kinds == {Kind.MISSED, Kind.NOT_RESTORED}
    assert team.settings == slack.Settings(slack=Env(key="SLACK_URL"))
    assert team.key.startswith("project/on call-")


def test_what_is_usual_is_all_but_started_and_skipped(tmp_path: Path) -> None:
    [channel] = read(tmp_path, f"notify: [{SLACK}]").notify
    assert channel.kinds == USUAL == set(CHOICES) - {Kind.STARTED, Kind.SKIPPED}
    assert Kind.TEST not in CHOICES


def test_project_environment_and_schedule_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text(
        f"notify: [{SLACK}]\nenvironments:\n  staging: {{notify: [{{webhook: http://a.example}}]}}\n"
        "  other: {notify: [{webhook: http://b.example}]}\n")
    file = project(tmp_path, SCHEDULE + "env: staging\nnotify: [{webhook: http://c.example, events: [started]}]\n")
    loaded = load(file)
    assert [channel.key.rpartition("-")[0] for channel in loaded.notify] == [
        "project/slack", "env staging/webhook", "schedule weekly/webhook"]
    assert loaded.schedule
    assert loaded.schedule.notify == loaded.notify[2:]


@pytest.mark.parametrize(("member", "wanted"), [
    ("{slak: {type: env, key: A}}", ["E101 2:6"]),
    ("{events: [missed]}", ["E410 2:5"]),
    ("{telegram: x}", ["E410 2:5"]),
    ("{slack: {type: env, key: A}, webhook: http://a}", ["E410 2:5"]),
    ("{webhook: 12}", ["E103 2:15"]),
    ("{webhook: {type: vault, path: x}}", ["E103 2:15"]),
    ("{webhook: {type: env}}", ["E103 2:15"]),
    ("{webhook: {type: env, key: A, default: x}}", ["E103 2:15"]),
    ("{webhook: http://a, event: [missed]}", ["E101 2:25"]),
    ("{webhook: http://a, colour: red}", ["W101 2:25"]),
    ("{webhook: http://a, events: [mised]}", ["E104 2:34"]),
    ("{webhook: http://a, events: [test]}", ["E104 2:34"]),
    ("{webhook: http://a, events: [[missed]]}", ["E104 2:34"]),
    ("{webhook: http://a, events: missed}", ["E103 2:33"]),
    ("{webhook: http://a, events: []}", ["E102 2:33"]),
    ("{webhook: http://a, headers: [x]}", ["E103 2:34"]),
    ("{webhook: http://a, headers: {X: 1}}", ["E103 2:34"]),
    ("{webhook: http://a, report-url: 3}", ["E103 2:37"]),
    ("{webhook: http://a, name: ''}", ["E102 2:31"]),
    ("{webhook: http://a, name: \"a\\nb\"}", ["E103 2:31"]),
    ("{webhook: http://a, secret: hunter2}", ["E411 2:33"]),
    ("{webhook: http://a, headers: {X-Api-Key: hunter2}}", ["E411 2:46"]),
    ("{slack: https://hooks.slack.com/services/hunter2}", ["E411 2:13"]),
    ("{webhook: http://a}\n  - {webhook: http://a, events: [missed]}", ["E412 3:5"]),
    ("just text", ["E103 2:5"]),
])
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, member: str, wanted: list[str]) -> None:
    assert complaints(tmp_path, member) == wanted


def test_notify_is_a_list(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        read(tmp_path, f"notify: {SLACK}\n")
    assert [finding.code for finding in caught.value.findings] == ["E103"]


def test_a_misspelt_event_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        read(tmp_path, "notify: [{webhook: http://a, events: [brech]}]\n")
    assert caught.value.findings[0].help == 'did you mean "breach"?'


@pytest.mark.parametrize("member", [
    "{slack: https://hooks.slack.com/services/hunter2, evens: [x]}", "{webhook: http://a, secret: hunter2}"])
def test_a_secret_that_stands_in_a_file_is_not_repeated(tmp_path: Path, member: str) -> None:
    with pytest.raises(InvalidSettings) as caught:
        read(tmp_path, f"notify:\n  - {member}\n")
    problem = caught.value
    told = render(problem.findings, {problem.document.file: problem.document.text})
    assert "E411" in told
    assert "hunter2" not in told + str(problem.findings)


def test_a_schedule_that_tells_nobody_right_is_not_followed(tmp_path: Path) -> None:
    loaded = load(project(tmp_path, SCHEDULE + "notify: [{slak: x}]\n"))
    assert loaded.schedule is None
    assert [(one.code, one.place.line, one.place.column) for one in loaded.findings] == [("E101", 4, 11)]
