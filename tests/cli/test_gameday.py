"""`gameday`: a day played on a terminal, left, killed, taken up again, sealed, and where there is no terminal."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from chaos_runner.gameday import events as ev
from chaos_runner.gameday.day import Day
from chaos_runner.journal.days import read_day
from tests.cli.runner import COMMAND, Ran, chaos_runner
from tests.cli.terminal import Terminal

SECRET = "SECRETWORD"
PROBE = {"name": "all is well", "type": "probe", "tolerance": True,
         "provider": {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": "/"}}}
SLEEP = {"name": "wait", "type": "action", "provider": {"type": "process", "path": "sleep", "arguments": "0.1"}}


def experiment(title: str = "a quick one", *, well: bool = True, step: dict[str, Any] = SLEEP) -> dict[str, Any]:
    return {"title": title, "description": "a description", "method": [step],
            "steady-state-hypothesis": {"title": "well", "probes": [{**PROBE, "tolerance": well}]}}


def pause(pid: int, duration: str) -> dict[str, Any]:
    return {"name": "pause it", "fault": "host.process_pause", "target": {"pid": pid}, "duration": duration}


def written(folder: Path, agenda: list[dict[str, Any]], **experiments: dict[str, Any]) -> Path:
    """A game day, and its experiments by name."""
    for name, data in experiments.items():
        (folder / f"{name}.json").write_text(json.dumps(data))
    file = folder / "day.json"
    file.write_text(json.dumps({"title": "a day", "roles": {"lead": "Anna", "ops": ""}, "agenda": agenda}))
    return file


def the_day(folder: Path) -> Day:
    return read_day(folder / "reports" / "gamedays" / "latest" / "day.ndjson")


def page(folder: Path) -> str:
    return (folder / "reports" / "gamedays" / "latest" / "report.html").read_text()


def words(folder: Path, *more: str) -> list[str]:
    return ["gameday", *more, "--reports", str(folder / "reports"), "--by", "Cleo"]


def unattended(folder: Path, *more: str) -> Ran:
    return chaos_runner(*words(folder, str(folder / "day.json"), *more))


def playing(folder: Path, *more: str) -> Terminal:
    return Terminal(words(folder, *(more or (str(folder / "day.json"),))), columns=120, rows=40)


def reply(terminal: Terminal, prompt: str, line: str) -> None:
    """Types a line once the last line of the screen asks that."""
    terminal.wait_for(lambda screen: prompt in screen.lines[-1], 30)
    terminal.type(f"{line}\n")
    terminal.wait_for(lambda screen: line in screen.text)


@contextmanager
def sleeper() -> Iterator[psutil.Process]:
    """A process to hurt."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def eventually(met: Any, within_s: float = 15) -> bool:
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        if met():
            return True
        time.sleep(0.05)
    return False


# ── where there is no terminal ──────────────────────────────────────────────────────────────────────────────────────

def test_without_a_terminal_a_day_is_refused_unless_yes_is_said(tmp_path: Path) -> None:
    written(tmp_path, [{"ask": "well?"}])
    done = unattended(tmp_path)
    assert done.exit == 3
    assert "--yes" in done.err
    assert not (tmp_path / "reports").exists()


@pytest.mark.slow
def test_with_yes_the_record_says_who_answered_and_the_worst_run_decides(tmp_path: Path) -> None:
    written(tmp_path, [{"manual": "look"}, {"ask": "well?"}, {"experiment": "good.json"}, {"experiment": "bad.json"}],
            good=experiment(), bad=experiment("a bad one", well=False))
    done = unattended(tmp_path, "--yes", "--json")
    told = json.loads(done.out)
    assert (done.exit, told["verdict"], told["exit"]) == (3, "not-started", 3)
    assert [run["verdict"] for run in told["runs"]] == ["passed", "not-started"]
    assert {(one["role"], one["go"], one["by"]) for one in told["answers"]} == {
        ("lead", True, "--yes"), ("ops", True, "--yes")}
    assert [(one["item"], one["why"]) for one in told["skipped"]] == [(1, "nobody was there to do it")]
    assert all(one["committed"] == one["now"] for one in told["committed"])
    assert "\x1b" not in done.err
    assert "--yes answered" in page(tmp_path)


def test_a_day_without_a_run_never_passes(tmp_path: Path) -> None:
    written(tmp_path, [{"note": "hello"}])
    assert unattended(tmp_path, "--yes").exit == 5


@pytest.mark.parametrize(("more", "said"), [
    (("--resume", "latest"), "holds no game day yet"), (("--resume", "../x"), "no game day"), ((), "name the FILE")])
def test_a_day_that_is_not_there_is_a_clear_error(tmp_path: Path, more: tuple[str, ...], said: str) -> None:
    done = chaos_runner("gameday", *more, "--yes", "--reports", str(tmp_path))
    assert done.exit == 2
    assert said in done.err
    assert "Traceback" not in done.err


def test_check_says_what_is_wrong_or_what_is_committed_to_and_plays_nothing(tmp_path: Path) -> None:
    written(tmp_path, [{"experiment": "one.json", "sealed": True}], one=experiment(SECRET))
    done = unattended(tmp_path, "--check")
    assert done.exit == 0
    assert re.search(r"[0-9a-f]{64}  item 1, sealed experiment", done.out)
    assert SECRET not in done.out + done.err
    written(tmp_path, [{"experiment": "none.json"}])
    wrong = unattended(tmp_path, "--check")
    assert wrong.exit == 2
    assert "E504" in wrong.err
    assert not (tmp_path / "reports").exists()


# ── on a terminal ───────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.slow
def test_a_day_is_played_with_hold_extend_skip_retry_notes_and_abort(tmp_path: Path) -> None:
    written(tmp_path, [{"note": "welcome"}, {"manual": "look", "at-most": "9m"}, {"ask": "all well?"},
                       {"experiment": "one.json"}, {"manual": "drink"}, {"manual": "never come to"}], one=experiment())
    with playing(tmp_path) as at:
        reply(at, "do it", "Anna: the graphs are <b>green</b>")
        reply(at, "do it", "extend 5m")
        reply(at, "do it", "hold: a real incident")
        reply(at, "on hold: a real incident", "")
        reply(at, "do it", "")
        reply(at, "lead (Anna): go", "no-go: not yet")
        reply(at, "who says so? [Anna]", "")
        reply(at, "no-go from lead", "retry")
        reply(at, "lead (Anna): go", "go")
        reply(at, "who says so? [Anna]", "")
        reply(at, "ops: go", "go: Ben")
        at.wait_for("longest", 30)
        reply(at, "begin item 4: go?", "go")
        reply(at, "look on", "retry")
        reply(at, "begin item 4: go?", "go")
        reply(at, "look on", "")
        reply(at, "do it", "skip")
        reply(at, "skip: why?", "no time")
        reply(at, "do it", "action: write a runbook @ben")
        reply(at, "do it", "abort: it is late")
        assert at.end(30) == 4
        assert not at.screen.strange
    day = the_day(tmp_path)
    assert [(one.role, one.go, one.by) for one in day.heard] == [
        ("lead", False, "Anna"), ("lead", True, "Anna"), ("ops", True, "Ben")]
    assert [run.over.verdict for _, run in day.runs if run.over] == ["passed", "passed"]
    assert [(note.by, note.action, note.owner) for note in day.notes] == [("Anna", False, ""), ("Cleo", True, "ben")]
    assert day.items[4].skipped == "no time"
    assert day.items[1].more_s == 300
    assert day.ended
    assert (day.ended.verdict, day.ended.why, day.ended.by) == ("aborted", "it is late", "Cleo")
    told = page(tmp_path)
    assert "&lt;b&gt;green&lt;/b&gt;" in told
    assert told.count("/report.html") == 2
    assert "write a runbook" in (tmp_path / "reports" / "gamedays" / "latest" / "postmortem.md").read_text()


@pytest.mark.slow
def test_abort_while_a_run_is_under_way_stops_and_undoes_it(tmp_path: Path) -> None:
    with sleeper() as target:
        written(tmp_path, [{"experiment": "one.json"}], one=experiment(step=pause(target.pid, "60s")))
        with playing(tmp_path) as at:
            reply(at, "begin item 1: go?", "go")
            at.wait_for("acted", 30)
            at.type("the page hangs\n")
            at.wait_for("note kept")
            at.type("abort: customers complain\n")
            assert at.end(30) == 4
        assert target.status() != psutil.STATUS_STOPPED
    day = the_day(tmp_path)
    [(_, run)] = day.runs
    assert run.over
    assert (run.over.verdict, run.over.restored) == ("aborted", "restored")
    assert "customers complain" in run.over.sentence
    assert [note.text for note in day.notes] == ["the page hangs"]


@pytest.mark.slow
def test_ctrl_c_stops_the_run_and_holds_the_day_and_at_a_prompt_leaves_it(tmp_path: Path) -> None:
    with sleeper() as target:
        written(tmp_path, [{"experiment": "one.json"}, {"manual": "drink"}],
                one=experiment(step=pause(target.pid, "60s")))
        with playing(tmp_path) as at:
            reply(at, "begin item 1: go?", "go")
            at.wait_for("acted", 30)
            at.type("\x03")
            at.wait_for(lambda screen: "on hold: the run was interrupted" in screen.lines[-1], 30)
            assert target.status() != psutil.STATUS_STOPPED
            at.type("\x03")
            assert at.end() == 130
            assert "--resume" in at.screen.text
    day = the_day(tmp_path)
    assert day.left
    assert day.ended is None
    with playing(tmp_path, "--resume", "latest") as at:
        reply(at, "on hold: the run was interrupted", "")
        reply(at, "look on", "")
        reply(at, "do it", "")
        assert at.end() == 130
    ended = the_day(tmp_path).ended
    assert ended
    assert ended.verdict == "interrupted"


@pytest.mark.slow
def test_a_day_that_is_killed_takes_its_run_along_and_is_taken_up_again_without_injecting_anew(tmp_path: Path) -> None:
    with sleeper() as target:
        written(tmp_path, [{"experiment": "one.json"}], one=experiment(step=pause(target.pid, "120s")))
        with playing(tmp_path) as at:
            reply(at, "begin item 1: go?", "go")
            at.wait_for("acted", 30)
            assert target.status() == psutil.STATUS_STOPPED
            at.process.send_signal(signal.SIGKILL)
            at.process.wait()
        assert eventually(lambda: target.status() != psutil.STATUS_STOPPED)
        assert the_day(tmp_path).under_way
        with playing(tmp_path, "--resume", "latest") as at:
            at.wait_for("interrupted", 30)
            reply(at, "on hold: the run was interrupted", "")
            reply(at, "look on", "")
            assert at.end() == 143
        assert target.status() != psutil.STATUS_STOPPED
    day = the_day(tmp_path)
    [(_, run)] = day.runs
    assert run.over
    assert (run.over.verdict, run.over.restored) == ("interrupted", "restored")
    assert len(list((tmp_path / "reports" / "runs").iterdir())) == 1
    assert chaos_runner(*words(tmp_path, "--resume", "latest", "--yes")).exit == 2


@pytest.mark.slow
def test_a_day_and_its_run_that_are_killed_together_are_undone_by_the_watchdog(tmp_path: Path) -> None:
    with sleeper() as target:
        written(tmp_path, [{"experiment": "one.json", "sealed": True}, {"experiment": "one.json"}],
                one=experiment(step=pause(target.pid, "120s")))
        with playing(tmp_path) as at:
            reply(at, "begin item 1: go?", "go")
            assert eventually(lambda: at.read(0.01) and target.status() == psutil.STATUS_STOPPED)
            family = [psutil.Process(at.process.pid), *psutil.Process(at.process.pid).children()]
            for process in family:
                process.suspend()  # none may see another die
            for process in family:
                process.kill()
            at.process.wait()
        assert eventually(lambda: target.status() != psutil.STATUS_STOPPED)
        done = chaos_runner(*words(tmp_path, "--resume", "latest", "--yes"))
        assert target.status() != psutil.STATUS_STOPPED
    assert done.exit == 4
    day = the_day(tmp_path)
    [(_, run)] = day.runs
    assert run.over
    assert (run.over.verdict, run.over.restored, run.over.exit) == ("interrupted", "restored", 137)
    assert day.ended
    assert "nobody is there" in day.ended.why


@pytest.mark.slow
def test_a_journal_that_cannot_be_written_any_more_stops_and_undoes_the_run(tmp_path: Path) -> None:
    with sleeper() as target:
        written(tmp_path, [{"experiment": "one.json"}], one=experiment(step=pause(target.pid, "120s")))
        with playing(tmp_path) as at:
            reply(at, "begin item 1: go?", "go")
            at.wait_for("acted", 30)
            resource.prlimit(at.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            at.type("a note that nobody can keep\n")
            assert at.end(30) == 3
            assert "cannot be written" in at.screen.text
        assert target.status() != psutil.STATUS_STOPPED
    assert the_day(tmp_path).under_way


@pytest.mark.slow
def test_a_day_whose_file_was_changed_is_not_taken_up_again(tmp_path: Path) -> None:
    file = written(tmp_path, [{"manual": "drink"}])
    with playing(tmp_path) as at:
        reply(at, "do it", "a note")
        at.type("\x03")
        assert at.end() == 130
    file.write_text(file.read_text().replace("drink", "eat"))
    done = chaos_runner(*words(tmp_path, "--resume", "latest", "--yes"))
    assert done.exit == 2
    assert "not what the day was begun with" in done.err


@pytest.mark.slow
def test_who_says_no_when_asked_for_a_name_has_not_said_go(tmp_path: Path) -> None:
    written(tmp_path, [{"ask": "well?", "of": ["lead"]}])
    with playing(tmp_path) as at:
        reply(at, "lead (Anna): go", "go")
        reply(at, "who says so? [Anna]", "no-go")
        at.wait_for("nothing was answered")
        reply(at, "lead (Anna): go", "go: abort")
        reply(at, "lead (Anna): go", "no-go: too loud")
        reply(at, "who says so? [Anna]", "Joe")
        reply(at, "no-go from lead", "abort: it is late")
        assert at.end() == 4
    assert [(one.go, one.by, one.why) for one in the_day(tmp_path).heard] == [(False, "Joe", "too loud")]


# ── sealed, and hostile ─────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.slow
def test_what_is_sealed_reaches_no_console_process_list_or_file_of_the_day_before_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "day"
    folder.mkdir()
    with sleeper() as target:
        step = {**pause(target.pid, "2s"), "name": f"{SECRET} step"}
        written(folder, [{"experiment": f"{SECRET}.json", "sealed": True, "title": f"{SECRET} item"},
                         {"manual": "drink"}], **{SECRET: experiment(f"{SECRET} title", step=step)})
        with playing(folder) as at:
            reply(at, "begin item 1: go?", "go")
            arguments = seen_while(at, lambda: "look on" in at.screen.lines[-1])
            reply(at, "look on", "")
            at.wait_for(lambda screen: "do it" in screen.lines[-1])
            day = the_day(folder)
            written_so_far = (folder / "reports" / "gamedays" / "latest" / "day.ndjson").read_text()
            assert SECRET not in at.written
            assert SECRET not in arguments
            assert "--named-aside" in arguments
            assert SECRET not in written_so_far
            assert [run.over.verdict for _, run in day.runs if run.over] == ["passed"]
            reply(at, "do it", "")
            assert at.end() == 0
    assert f"{SECRET} item" in page(folder)
    opened = the_day(folder).opened
    assert [one.title for one in opened] == ["a day", f"{SECRET} item"]
    assert all(one.committed == one.now for one in opened)


def seen_while(at: Terminal, until: Any) -> str:
    """The arguments of every process below the day's, while it goes on."""
    found: set[str] = set()
    top = psutil.Process(at.process.pid)
    deadline_s = time.monotonic() + 30
    while not until() and time.monotonic() < deadline_s:
        at.read(0.02)
        for process in [top, *top.children(recursive=True), *_watchdogs()]:
            try:
                found.add(" ".join(process.cmdline()))
            except psutil.Error:
                continue
    return "\n".join(found)


def _watchdogs() -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"])
            if any("chaos-runner-" in word for word in process.info["cmdline"] or ())]


@pytest.mark.slow
def test_a_day_left_with_a_sealed_run_does_not_tell_it_in_its_files(tmp_path: Path) -> None:
    written(tmp_path, [{"experiment": "hidden.json", "sealed": True}, {"manual": "drink"}], hidden=experiment(SECRET))
    with playing(tmp_path) as at:
        reply(at, "begin item 1: go?", "go")
        reply(at, "look on", "")
        at.wait_for(lambda screen: "do it" in screen.lines[-1])
        at.type("\x03")
        assert at.end() == 130
    folder = tmp_path / "reports" / "gamedays" / "latest"
    for name in ("report.html", "postmortem.md", "day.json", "day.ndjson"):
        assert SECRET not in (folder / name).read_text()
        assert "hidden.json" not in (folder / name).read_text()


@pytest.mark.slow
def test_hostile_notes_and_names_act_neither_on_the_terminal_nor_in_the_page(tmp_path: Path) -> None:
    hostile = "</pre><script>alert(1)</script> \x1b[2Jgone \u202eturned ::error::x AKIAABCDEFGHIJKLMNOP"
    file = written(tmp_path, [{"manual": "look"}])
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "title": hostile, "roles": {hostile: hostile}, "agenda": [
        {"manual": hostile, "role": hostile}, {"ask": hostile}]}))
    with playing(tmp_path) as at:
        for line in (hostile, f"action: {hostile} @<b>", "x" * 3000):
            at.wait_for(lambda screen: "do it" in screen.lines[-1])
            at.type(f"{line.replace(chr(27), '')}\n")
            at.read(0.3)
        at.wait_for(lambda screen: "do it" in screen.lines[-1])
        at.type("\n")
        at.wait_for(lambda screen: "go or no-go" in screen.lines[-1])
        at.type("go: <i>me</i>\n")
        assert at.end() == 5
        assert "\x1b[2J" not in at.written
    told = page(tmp_path)
    assert "<script>alert" not in told
    assert "\u202e" not in told
    assert "AKIAABCDEFGHIJKLMNOP" not in the_day(tmp_path).notes[0].text
    assert "<i>me" not in told


def test_a_journal_that_was_changed_is_refused_and_a_cut_line_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, [{"note": "hello"}])
    assert unattended(tmp_path, "--yes").exit == 5
    path = tmp_path / "reports" / "gamedays" / "latest" / "day.ndjson"
    text = path.read_bytes()
    path.write_bytes(text[:-20])
    assert the_day(tmp_path).ended is None
    path.write_bytes(text.replace(b"hello", b"hallo"))
    done = chaos_runner(*words(tmp_path, "--resume", "latest", "--yes"))
    assert done.exit == 2
    assert "chain of hashes is broken" in done.err


def test_every_line_of_a_day_s_journal_is_an_event_with_its_number_and_time(tmp_path: Path) -> None:
    written(tmp_path, [{"note": "hello"}])
    unattended(tmp_path, "--yes")
    lines = [json.loads(line) for line in (tmp_path / "reports" / "gamedays" / "latest" / "day.ndjson").open()]
    assert [line["n"] for line in lines] == list(range(len(lines)))
    assert [line["event"]["type"] for line in lines] == [
        kind.__name__ for kind in (ev.DayBegan, ev.ItemBegan, ev.ItemDone, ev.Opened, ev.DayEnded)]


def test_two_do_not_play_one_day(tmp_path: Path) -> None:
    written(tmp_path, [{"manual": "look"}])
    with playing(tmp_path) as at:
        at.wait_for(lambda screen: "do it" in screen.lines[-1])
        done = chaos_runner(*words(tmp_path, "--resume", "latest", "--yes"))
        assert done.exit == 2
        assert f"process {at.process.pid}" in done.err


def test_a_run_takes_an_id_that_is_one_and_a_file_that_is_named_aside(tmp_path: Path) -> None:
    written(tmp_path, [{"note": "x"}], one=experiment())
    wrong = chaos_runner("run", "x.json", "--run-id", "../../x")
    assert wrong.exit == 2
    run_id = "01KTESTTESTTESTTESTTESTTES"
    done = subprocess.run(
        [*COMMAND, "run", "--named-aside", "--json", "--run-id", run_id, "--reports", str(tmp_path / "reports")],
        input=f"{tmp_path / 'one.json'}\n", capture_output=True, text=True, timeout=60, env={**os.environ}, check=False)
    assert json.loads(done.stdout)["run"] == run_id
    again = chaos_runner("run", str(tmp_path / "one.json"), "--run-id", run_id, "--reports", str(tmp_path / "reports"))
    assert again.exit == 3
    assert "File exists" in again.err
