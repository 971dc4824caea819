"""`chaos-runner schedule`, as people and programs call it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.runner import COMMAND, Ran
from tests.schedule.test_files import SCHEDULE, project

pytestmark = pytest.mark.slow


def schedule(folder: Path, *words: str) -> Ran:
    """Runs the command in a folder."""
    done = subprocess.run([*COMMAND, "schedule", *words], capture_output=True, text=True, timeout=60, cwd=folder,
                          env={**os.environ, "NO_COLOR": "1"}, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def test_a_preview_tells_of_skips_changes_of_the_clocks_and_collisions(tmp_path: Path) -> None:
    project(tmp_path, SCHEDULE + "days: mon-fri\n")
    (tmp_path / "schedules" / "other.yaml").write_text(SCHEDULE.replace("'0 10", "'1 10"))
    ran = schedule(tmp_path, "preview", "--from", "2027-03-26", "--days", "3")
    assert (ran.exit, ran.err) == (0, "")
    assert "● Fri 2027-03-26 10:00:00 CET   09:00:00Z  due      weekly\n" in ran.out
    assert "○ Sat 2027-03-27 10:00:00 CET   09:00:00Z  skipped  weekly  not on a Saturday\n" in ran.out
    assert "◆ Sun 2027-03-28 02:00 becomes 03:00  01:00:00Z  Europe/Berlin\n" in ran.out
    assert ("collision: weekly and other (targets: proxy {proxy: orders-db}), once 2027-03-26 09:01:00Z to 09:03:00Z\n"
            in ran.out)
    assert ran.out.endswith("4 due, 2 skipped\n")


def test_a_preview_for_programs_is_as_promised(tmp_path: Path) -> None:
    project(tmp_path, SCHEDULE + "days: mon-fri\n")
    ran = schedule(tmp_path, "preview", "schedules/weekly.yaml", "--from", "2027-03-26", "--days", "2", "--json")
    first, second = ran.outcome["occurrences"]
    assert {key: first[key] for key in ("schedule", "due", "local", "status", "reason")} == {
        "schedule": "weekly", "due": "2027-03-26T09:00:00Z", "local": "2027-03-26T10:00:00+01:00", "status": "due",
        "reason": ""}
    assert (second["status"], second["reason"], second["why"]) == ("skipped", "not on a Saturday", "day")


def test_a_schedule_that_cannot_be_followed_is_told_with_file_line_and_column(tmp_path: Path) -> None:
    project(tmp_path, SCHEDULE + "blackout: [2026-12-24]\n")
    for words in (("preview",), ("next", "weekly"), ("enable", "weekly"), ("due", "weekly")):
        ran = schedule(tmp_path, *words)
        assert ran.exit == 2
        assert "schedules/weekly.yaml:4:1" in ran.err
        assert 'did you mean "blackouts"?' in ran.err
    assert "enabled" not in (tmp_path / "schedules" / "weekly.yaml").read_text()
    checked = schedule(tmp_path, "check", "--json")
    assert (checked.exit, [finding["code"] for finding in checked.outcome["findings"]]) == (2, ["E101"])
    assert "not valid: schedules/weekly.yaml" in schedule(tmp_path, "list").out


def test_check_finds_what_is_never_due(tmp_path: Path) -> None:
    file = project(tmp_path, SCHEDULE + "window: 10:00-10:01\n")
    ran = schedule(tmp_path, "check", file)
    assert ran.exit == 2
    assert "E405" in ran.out


def test_switching_on_and_off_shows_in_the_list(tmp_path: Path) -> None:
    file = Path(project(tmp_path))
    file.chmod(0o640)
    before = file.read_bytes()
    assert schedule(tmp_path, "enable", "weekly").out == "schedules/weekly.yaml: is enabled\n"
    assert schedule(tmp_path, "enable", "weekly").out == "schedules/weekly.yaml: was enabled already\n"
    assert file.read_bytes() == before + b"enabled: true\n"
    assert file.stat().st_mode & 0o777 == 0o640
    [listed] = schedule(tmp_path, "list", "--json").outcome["schedules"]
    assert (listed["enabled"], listed["longest_s"]) == (True, 180.0)
    assert listed["words"] == "at 10:00 every day Europe/Berlin"
    assert schedule(tmp_path, "disable", "weekly").exit == 0
    assert file.read_bytes() == before + b"enabled: false\n"


def test_the_next_times_are_told_in_words_in_their_zone_and_in_utc(tmp_path: Path) -> None:
    project(tmp_path)
    ran = schedule(tmp_path, "next", "weekly", "--from", "2026-11-23T10:00+01:00", "--count", "2")
    assert ran.out == ("weekly (not enabled): at 10:00 every day Europe/Berlin\n"
                       "  ● Mon 2026-11-23 10:00:00 CET   09:00:00Z  due      weekly\n"
                       "  ● Tue 2026-11-24 10:00:00 CET   09:00:00Z  due      weekly\n")


def test_another_cron_may_ask_whether_it_is_due(tmp_path: Path) -> None:
    file = Path(project(tmp_path, SCHEDULE.replace("0 10", "* *") + "enabled: true\n"))
    assert schedule(tmp_path, "due", "weekly", "--within", "2m").exit == 0
    file.write_text(SCHEDULE.replace("0 10", "* *"))
    assert (schedule(tmp_path, "due", "weekly").exit, schedule(tmp_path, "due", "weekly").out) == (
        3, "weekly: not enabled\n")
    file.write_text(SCHEDULE.replace("0 10 * * *", "0 0 29 2 *") + "enabled: true\n")
    assert json.loads(schedule(tmp_path, "due", "weekly", "--json").out)["reason"] == "not due"


def test_an_export_is_a_manifest(tmp_path: Path) -> None:
    project(tmp_path)
    ran = schedule(tmp_path, "export", "weekly", "--kubernetes", "--image", "chaos:1")
    assert ran.out.startswith("apiVersion: batch/v1\nkind: CronJob\n")


@pytest.mark.parametrize(("words", "said"), [
    (("preview", "--from", "soon"), "a date such as"), (("preview", "--from", "9999-12-31"), "a year from"),
    (("next", "weakly"), 'did you mean "weekly"?'), (("due", "weekly", "--within", "5"), "a duration such as")])
def test_what_cannot_be_followed_is_refused_in_a_sentence(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    project(tmp_path)
    ran = schedule(tmp_path, *words)
    assert (ran.exit, "Traceback" in ran.err) == (2, False)
    assert said in ran.err


def test_without_a_folder_of_schedules_a_file_must_be_named(tmp_path: Path) -> None:
    assert "there is no folder schedules here or above" in schedule(tmp_path, "list").err
