"""The console as a person at a terminal meets it: on a pty, at several widths, passed, deviated, stopped, cut off."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.targets.host import Process
from tests.cli.runner import chaos_runner, journal, wait_for, write
from tests.cli.terminal import Screen, Terminal
from tests.run.samples import action, experiment, single

pytestmark = pytest.mark.slow

HOSTILE = "a\x1b[2Jb\x1b]0;owned\x07c\u202egnp.exe\u200b\x9b31m\x00"


@pytest.fixture
def victim() -> Iterator[Process]:
    """A process to hurt."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    yield Process.of(child.pid)
    child.kill()
    child.wait()


def pause(victim: Process, **keys: Any) -> dict[str, Any]:
    return {"name": "pause it", "fault": "host.process_pause", "target": {"pid": victim.pid}, "duration": "30s", **keys}


def there(path: Path, name: str = "it is there", **keys: Any) -> dict[str, Any]:
    """A sampled probe that holds while a file is not there."""
    provider = {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": str(path)}}
    return {"name": name, "type": "probe", "every": "100ms", "tolerance": False, "provider": provider, **keys}


def gone(path: Path) -> dict[str, Any]:
    """A single-shot probe that holds while a file is not there."""
    provider = {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": str(path)}}
    return {"name": "it is gone", "type": "probe", "tolerance": False, "provider": provider}


def words(data: dict[str, Any], folder: Path, *more: str) -> list[str]:
    return ["run", str(write(data, folder)), "--reports", str(folder / "reports"), *more]


def outcome(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "reports" / "latest" / "outcome.json").read_text())
    return found


@pytest.mark.parametrize("columns", [80, 40, 120])
def test_the_live_view_shows_stages_faults_probes_and_what_ctrl_c_will_do(
        tmp_path: Path, victim: Process, columns: int) -> None:
    data = experiment(pause(victim), probes=[there(tmp_path / "flag")], baseline="1s")
    with Terminal(words(data, tmp_path), columns) as terminal:
        terminal.wait_for("measuring the steady state")
        terminal.wait_for("Ctrl-C stops: nothing has been")
        terminal.wait_for("━")
        terminal.wait_for("▨ pause it")
        (tmp_path / "flag").touch()
        screen = terminal.wait_for("✖ bad for 0:0")
        for word in ("✔ before", "● during", "○ undo", "○ after", "1 ready", "left", "it is there", "undoes 1 change"):
            assert word in screen.text, word
        assert max(map(len, screen.lines)) <= columns
        terminal.type("\x03")
        assert terminal.end() == 1
    assert "RESTORED" in screen.text
    assert screen.text.count("Ctrl-C") == 0, "the view is taken off the screen"
    assert not screen.strange


def test_a_window_that_is_made_narrower_and_wider_keeps_one_clean_view(tmp_path: Path, victim: Process) -> None:
    data = experiment(pause(victim), probes=[there(tmp_path / "flag")], baseline="300ms")
    with Terminal(words(data, tmp_path)) as terminal:
        terminal.wait_for("▨ pause it")
        for columns in (45, 80, 30):
            terminal.resize(columns)
            time.sleep(0.6)
            screen = terminal.wait_for("▨ pause it")
            assert sum("○ after" in line for line in screen.lines) == 1
            assert max(map(len, screen.lines)) <= columns
        terminal.type("\x03")
        assert terminal.end() == 130


@pytest.mark.parametrize("columns", [80, 40])
def test_the_closing_block_says_what_to_type_next(tmp_path: Path, columns: int) -> None:
    with Terminal(words(experiment(action(), probes=[single()]), tmp_path), columns) as terminal:
        assert terminal.end() == 0
        text = terminal.screen.text.replace("\n", "")
    assert "✔ PASSED" in text
    assert "✔ NOTHING-TO-RESTORE" in text
    assert f"chaos-runner show latest --reports {tmp_path}/reports" in text
    assert "report.html" in text
    assert "exit 0" in text


def test_after_a_deviated_run_one_is_shown_how_to_compare_it_and_where_to_write_down_what_was_learned(
    tmp_path: Path,
) -> None:
    flag = tmp_path / "flag"
    create = action("make the flag", func="mkdir", arguments={"path": str(flag)})
    asked = words(experiment(create, probes=[gone(flag)]), tmp_path)
    alone = chaos_runner(*asked)
    assert alone.exit == 1
    assert f"learn     chaos-runner postmortem latest --reports {tmp_path}/reports" in alone.err
    assert "compare" not in alone.err
    flag.rmdir()
    again = chaos_runner(*asked)
    (line,) = [line.split() for line in again.err.splitlines() if line.startswith("  compare ")]
    assert chaos_runner(*line[2:]).exit == 0


def test_a_green_run_says_no_more_than_it_must(tmp_path: Path) -> None:
    asked = words(experiment(action(), probes=[single()]), tmp_path)
    for ran in (chaos_runner(*asked), chaos_runner(*asked)):
        assert ran.exit == 0
        assert not re.search("^  (compare|learn) ", ran.err, re.MULTILINE)


def test_without_a_terminal_there_is_one_line_per_change_and_no_escape_sequence(tmp_path: Path) -> None:
    ran = chaos_runner(*words(experiment(action(), probes=[single()]), tmp_path), NO_COLOR="", TERM="xterm-256color")
    assert "\x1b" not in ran.err
    assert "T+" in ran.err


def test_force_color_colours_lines_in_a_pipe_and_no_color_outranks_it(tmp_path: Path) -> None:
    asked = words(experiment(action(), probes=[single()]), tmp_path)
    assert "\x1b[" in chaos_runner(*asked, NO_COLOR="", FORCE_COLOR="1").err
    assert "\x1b" not in chaos_runner(*asked, NO_COLOR="1", FORCE_COLOR="1").err
    assert "\x1b" not in chaos_runner(*asked, "--no-color", NO_COLOR="", FORCE_COLOR="1").err
    assert "\x1b" not in chaos_runner("--no-color", *asked, NO_COLOR="", FORCE_COLOR="1").err


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": ""}])
def test_a_dumb_terminal_gets_lines_and_no_escape_sequence(tmp_path: Path, environment: dict[str, str]) -> None:
    data = experiment(action(), probes=[there(tmp_path / "flag")], baseline="600ms")
    with Terminal(words(data, tmp_path), environment=environment) as terminal:
        terminal.end()
        assert "\x1b" not in terminal.written
        assert "T+" in terminal.screen.text


@pytest.mark.parametrize(("more", "environment"), [((), {"NO_COLOR": "1"}), (("--no-color",), {})])
def test_the_live_view_does_without_colour(tmp_path: Path, more: tuple[str, ...], environment: dict[str, str]) -> None:
    data = experiment(action(), probes=[there(tmp_path / "flag")], baseline="600ms")
    with Terminal(words(data, tmp_path, *more), environment=environment) as terminal:
        terminal.wait_for("measuring the steady state")
        terminal.end()
        assert not terminal.screen.coloured


def test_plain_says_lines_on_a_terminal_too(tmp_path: Path) -> None:
    with Terminal(words(experiment(action(), probes=[single()]), tmp_path, "--plain")) as terminal:
        terminal.end()
        assert "T+" in terminal.screen.text
        assert not [code for code in ("\x1b[J", "\x1b[K") if code in terminal.written]


def test_quiet_says_only_the_end_on_a_terminal_too(tmp_path: Path) -> None:
    with Terminal(words(experiment(action(), probes=[single()]), tmp_path, "--quiet")) as terminal:
        terminal.end()
        assert terminal.screen.lines[1].startswith("✔ PASSED")


def test_what_a_step_prints_stands_above_the_view_with_its_escapes_written_out(tmp_path: Path) -> None:
    chat = action("chat", module="tests.cli.steps", func="say", arguments={"text": HOSTILE})
    data = experiment(chat, probes=[there(tmp_path / "flag")], baseline="300ms")
    with Terminal(words(data, tmp_path)) as terminal:
        terminal.end()
        assert "│ a\\x1b[2Jb\\x1b]0;owned" in terminal.screen.text
        assert not terminal.screen.strange


@pytest.mark.parametrize("text", [HOSTILE, "x" * 1_000_000, "界" * 3000, "\u0301" * 500, "a\nb\rc\td"])
def test_hostile_names_and_notes_never_reach_the_terminal_raw(tmp_path: Path, text: str) -> None:
    broken = action(f"act {text}", module="tests.cli.steps", func="fail", arguments={"text": text})
    data = {**experiment(broken, probes=[there(tmp_path / "flag", name=f"probe {text}")], baseline="600ms"),
            "title": f"title {text}"}
    for more in ((), ("--plain",)):
        with Terminal(words(data, tmp_path, *more)) as terminal:
            assert terminal.end() == 5
            assert not terminal.screen.strange
            assert not [character for character in ("\u202e", "\u200b", "\x07") if character in terminal.written]
            assert len(terminal.written) < 60_000


@pytest.mark.parametrize(("more", "acts"), [((), "▨ pause it"), (("--plain",), "acted")])
def test_a_terminal_that_goes_away_stops_the_run_and_undoes(
        tmp_path: Path, victim: Process, more: tuple[str, ...], acts: str) -> None:
    data = experiment(pause(victim), probes=[there(tmp_path / "flag")], baseline="300ms",
                      rollbacks=[action("slow", module="tests.cli.steps", func="busy", arguments={"seconds": 1})])
    said = tmp_path / "said"
    with Terminal(words(data, tmp_path, "--json", *more), out=said) as terminal:
        terminal.wait_for(acts)
        terminal.hang_up()
        terminal.process.send_signal(signal.SIGHUP)  # a shell passes on what it was told itself
        assert terminal.process.wait(timeout=15) == 129
    found = outcome(tmp_path)
    assert (found["verdict"], found["restored"], found["exit"]) == ("interrupted", "reported", 129)
    assert json.loads(said.read_text()) == found
    assert victim.at(victim.key).state == "running"
    assert (tmp_path / "reports" / "latest" / "report.html").exists()


@pytest.mark.parametrize("files", [1, 2])
def test_runs_under_nohup_outlive_their_terminal(tmp_path: Path, files: int) -> None:
    data = experiment(action(module="tests.cli.steps", func="busy", arguments={"seconds": 1}), probes=[single()])
    more = [str(tmp_path / "experiment.json")] * (files - 1)
    command = ["nohup", sys.executable, "-m", "chaos_runner", *words(data, tmp_path, *more)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               stdin=subprocess.DEVNULL, start_new_session=True)
    wait_for(tmp_path, "StepBegan")
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=20) == 0


def test_a_terminal_that_takes_nothing_does_not_hold_up_the_run(tmp_path: Path, victim: Process) -> None:
    noisy = [there(tmp_path / "flag", name=f"probe {number}") for number in range(20)]
    data = experiment(pause(victim, duration="2s"), probes=noisy, baseline="500ms")
    with Terminal(words(data, tmp_path)) as terminal:
        assert wait_for(tmp_path, "Undone")["t"] < 5, "nobody has read a word until now"
        wait_for(tmp_path, "RunEnded")
        assert terminal.end() == 0


def _slowly_undone(tmp_path: Path, victim: Process, seconds: float) -> dict[str, Any]:
    """A fault of ours below one whose undo takes long: that one comes first."""
    flag = str(tmp_path / "hurt")
    undo = {"type": "python", "module": "tests.cli.steps", "func": "remove_slowly",
            "arguments": {"path": flag, "seconds": seconds}}
    slow = {**action("hurt it", module="tests.cli.steps", func="make", arguments={"path": flag}, pauses={"before": 1}),
            "undo": {"provider": undo, "verify": there(tmp_path / "hurt", every="1s")}}
    slow["undo"]["verify"].pop("every")
    wait = action("wait", module="tests.cli.steps", func="busy", arguments={"seconds": 60})
    return experiment(pause(victim, background=True), slow, wait, probes=[single()])


def test_a_second_ctrl_c_still_waits_for_the_undo(tmp_path: Path, victim: Process) -> None:
    with Terminal(words(_slowly_undone(tmp_path, victim, 2), tmp_path)) as terminal:
        _once_hurt(tmp_path)
        terminal.type("\x03")
        terminal.wait_for("again skips the waits, and still undoes")
        time.sleep(0.3)  # sooner it would be the same one, passed on by somebody
        terminal.type("\x03")
        terminal.wait_for("once more leaves at once; the watchdog finishes")
        assert terminal.end() == 130
    assert outcome(tmp_path)["restored"] == "restored"
    assert not (tmp_path / "hurt").exists()


def test_a_third_ctrl_c_prints_the_commands_leaves_at_once_and_the_watchdog_finishes(
        tmp_path: Path, victim: Process) -> None:
    said = tmp_path / "said"
    with Terminal(words(_slowly_undone(tmp_path, victim, 8), tmp_path, "--json"), out=said) as terminal:
        _once_hurt(tmp_path)
        for _ in range(3):
            terminal.type("\x03")
            terminal.read(0.1)
            time.sleep(0.5)
        began_s = time.monotonic()
        assert terminal.end() == 6
        assert time.monotonic() - began_s < 3
        text = " ".join(terminal.screen.text.split())
        assert f"finish it with: kill -CONT {victim.pid}" in text
        assert "the watchdog goes on with the undo" in text
        assert victim.at(victim.key).state == "stopped"
    told = json.loads(said.read_text())
    assert (told["verdict"], told["restored"], told["exit"]) == ("interrupted", "unknown", 6)
    assert _within(25, (tmp_path / "reports" / "latest" / "outcome.json").exists)
    found = outcome(tmp_path)
    assert (found["verdict"], found["restored"], found["exit"]) == ("interrupted", "restored", 130)
    assert victim.at(victim.key).state == "running"
    assert not (tmp_path / "hurt").exists()
    assert [event["by"] for event in journal(tmp_path) if event["type"] == "RunnerDied"] == ["the watchdog"]


def test_without_its_watchdog_a_run_does_not_leave(tmp_path: Path, victim: Process) -> None:
    with Terminal(words(_slowly_undone(tmp_path, victim, 3), tmp_path)) as terminal:
        _once_hurt(tmp_path)
        _end_watchdog_of(terminal.process.pid)
        for _ in range(4):
            terminal.type("\x03")
            terminal.read(0.1)
            time.sleep(0.4)
        assert terminal.end() == 130
    assert outcome(tmp_path)["restored"] == "restored"
    assert victim.at(victim.key).state == "running"


def _once_hurt(tmp_path: Path) -> None:
    assert _within(15, lambda: sum(event["type"] == "StepBegan" for event in journal(tmp_path)) >= 2)
    assert (tmp_path / "hurt").exists()


def _within(seconds: float, met: Any) -> bool:
    until_s = time.monotonic() + seconds
    while not met() and time.monotonic() < until_s:
        time.sleep(0.05)
    return bool(met())


def _end_watchdog_of(pid: int) -> None:
    """Ends the child of that process that waits for its end."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == "sh" and rest.split()[1] == str(pid):
            os.kill(int(stat.parent.name), signal.SIGKILL)


@pytest.mark.parametrize("columns", [80, 40])
def test_the_plan_fits_the_terminal(tmp_path: Path, victim: Process, columns: int) -> None:
    long = "a name that is so long that it has to go on in the next line " * 2
    data = experiment(pause(victim, name=long), probes=[single(name=long)])
    with Terminal(["plan", str(write(data, tmp_path))], columns) as terminal:
        assert terminal.end() == 0
        screen: Screen = terminal.screen
    body = [line for line in terminal.written.replace("\r", "").split("\n") if "\x1b" not in line]
    assert max(map(len, body)) <= columns
    assert "undo let" in screen.text
    assert not screen.strange


def test_several_files_have_their_live_views_one_after_the_other_and_hear_ctrl_c(
        tmp_path: Path, victim: Process) -> None:
    first = write(experiment(action(), probes=[there(tmp_path / "flag")], baseline="600ms"), tmp_path)
    second = first.rename(tmp_path / "second.json")
    first = write(experiment(pause(victim), probes=[single()]), tmp_path)
    with Terminal(["run", str(second), str(first), "--reports", str(tmp_path / "reports")]) as terminal:
        terminal.wait_for("✔ PASSED")
        terminal.wait_for("▨ pause it")
        terminal.type("\x03")
        assert terminal.end() == 130
    assert victim.at(victim.key).state == "running"
    assert not terminal.screen.strange
