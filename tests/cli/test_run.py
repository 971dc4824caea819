"""`chaos-runner run`, as a user meets it: real processes, real signals, real files."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.host import Process
from chaos_runner.targets.proxy import ProxyApi
from tests.cli.runner import all_files, chaos_runner, journal, run, running, wait_for, write
from tests.run.samples import action, experiment, single

pytestmark = pytest.mark.slow


@pytest.fixture
def victim() -> Iterator[Process]:
    """A process to hurt."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
    yield Process.of(child.pid)
    child.kill()
    child.wait()


def pause(victim: Process, **keys: Any) -> dict[str, Any]:
    return {"name": "pause it", "fault": "host.process_pause", "target": {"pid": victim.pid}, "duration": "30s", **keys}


def sleep(seconds: float, name: str = "sleep") -> dict[str, Any]:
    return action(name, module="tests.cli.steps", func="busy", arguments={"seconds": seconds})


def test_a_run_that_passes_leaves_every_file_and_exit_code_0(tmp_path: Path) -> None:
    ran = run(experiment(action(), probes=[single()]), tmp_path)
    assert (ran.exit, ran.outcome["verdict"]) == (0, "passed")
    folder = tmp_path / "reports" / "latest"
    assert {file.name for file in folder.iterdir()} == {
        "journal.ndjson", "outcome.json", "report.html", "report.md", "junit.xml", "journal.json",
        "lock", "watchdog.log"}
    assert json.loads((folder / "outcome.json").read_text()) == ran.outcome


def test_standard_output_holds_one_json_object_and_nothing_else(tmp_path: Path) -> None:
    ran = run(experiment(action(module="builtins", func="print", arguments={}), probes=[single()]), tmp_path)
    assert ran.outcome["schema"] == 1


def test_a_pause_is_proven_undone_and_verified(tmp_path: Path, victim: Process) -> None:
    ran = run(experiment(pause(victim, duration="300ms"), probes=[single()]), tmp_path)
    [fault] = ran.outcome["faults"]
    assert (fault["grade"], fault["restored"]) == ("proven", "restored")
    assert victim.at(victim.key).state == "running"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_signal_inside_a_python_action_interrupts_undoes_and_exits_with_its_code(
        tmp_path: Path, victim: Process, number: signal.Signals) -> None:
    with running(experiment(pause(victim, background=True), sleep(60), probes=[single()]), tmp_path) as process:
        wait_for(tmp_path, "Applied")
        wait_for(tmp_path, "StepBegan")
        process.send_signal(number)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    outcome = json.loads(out)
    assert (outcome["verdict"], outcome["restored"]) == ("interrupted", "restored")
    assert victim.at(victim.key).state == "running"


def test_the_undo_does_not_wait_for_a_busy_step(tmp_path: Path, victim: Process) -> None:
    with running(experiment(pause(victim, background=True), sleep(60), probes=[single()]), tmp_path) as process:
        wait_for(tmp_path, "Applied")
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    events = journal(tmp_path)
    stopped = next(event["t"] for event in events if event["type"] == "SignalCame")
    undone = next(event["t"] for event in events if event["type"] == "Undone")
    assert undone - stopped < 0.2
    assert any(event["type"] == "StepAbandoned" for event in events)


def test_a_busy_process_step_is_ended_with_its_group(tmp_path: Path) -> None:
    step = {"type": "action", "name": "long", "provider": {"type": "process", "path": "sh",
                                                          "arguments": "-c 'sleep 63; true'"}}
    with running(experiment(step, probes=[single()]), tmp_path) as process:
        wait_for(tmp_path, "StepBegan")
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 143
    assert not [line for line in _commands() if "sleep 63" in line]


def _commands() -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def test_a_stop_rule_undoes_while_a_step_sleeps(tmp_path: Path, victim: Process) -> None:
    flag = tmp_path / "down"
    rule = {"name": "down", "type": "probe", "every": "50ms", "tolerance": False,
            "provider": {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": str(flag)}}}
    data = experiment(pause(victim, background=True), sleep(60), probes=[single()], stop_when=[rule])
    with running(data, tmp_path) as process:
        wait_for(tmp_path, "Applied")
        flag.touch()
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 4
    assert json.loads(out)["stop"]["sample_to_undo_ms"] < 300
    assert victim.at(victim.key).state == "running"


def test_a_process_that_is_already_paused_is_left_as_it_was(tmp_path: Path, victim: Process) -> None:
    os.kill(victim.pid, signal.SIGSTOP)
    victim.wait_for_state("stopped")
    ran = run(experiment(pause(victim), probes=[single()]), tmp_path)
    assert (ran.exit, ran.outcome["verdict"]) == (5, "inconclusive")
    assert victim.at(victim.key).state == "stopped"


def test_a_target_that_does_not_exist_is_never_green(tmp_path: Path) -> None:
    fault = {"name": "p", "fault": "host.process_pause", "target": {"name": "no-such-process"}, "duration": "1s"}
    ran = run(experiment(fault, probes=[single()]), tmp_path)
    assert (ran.exit, ran.outcome["verdict"], ran.outcome["reasons"][0]["code"]) == (3, "not-started", "V101")


def test_the_proxy_s_api_gone_before_the_undo_is_not_restored_and_the_command_is_printed(tmp_path: Path) -> None:
    with ProxyProcess() as proxy:
        ProxyApi(proxy.address).create("db", "127.0.0.1:0", "127.0.0.1:9")
        fault = {"name": "cut", "fault": "proxy.latency", "target": {"proxy": "db", "api": proxy.address},
                 "arguments": {"latency": "100ms"}, "duration": "1s"}
        with running(experiment(fault, probes=[single()]), tmp_path) as process:
            wait_for(tmp_path, "Applied")
            os.kill(proxy.pid, signal.SIGKILL)
            out, err = process.communicate(timeout=20)
    assert process.returncode == 6
    assert json.loads(out)["restored"] in ("not-restored", "unknown")
    assert "curl -X DELETE" in err
    assert "curl -X DELETE" in json.loads(out)["unrestored"][0]["by_hand"]


def test_a_typo_in_a_key_is_an_error_with_its_place(tmp_path: Path) -> None:
    data = experiment(action(), probes=[single()])
    data["steady-state-hypotesis"] = data.pop("steady-state-hypothesis")
    ran = run(data, tmp_path)
    assert ran.exit == 2
    assert "E101" in ran.err
    assert 'did you mean "steady-state-hypothesis"' in ran.err
    assert not (tmp_path / "reports").exists()


def test_a_tolerance_that_raises_is_not_green(tmp_path: Path) -> None:
    probe = single(tolerance={"type": "range", "range": [1, 2], "target": "x"})
    ran = run(experiment(action(), probes=[probe]), tmp_path)
    assert (ran.exit, ran.outcome["reasons"][0]["code"]) == (3, "V103")


def test_hostile_output_does_not_reach_the_report_as_markup(tmp_path: Path) -> None:
    code = ("import sys; sys.stdout.buffer.write(b'<script>alert(1)</script> \\xff\\xfe ' + b'y' * 50_000_000); "
            "print('hunter2secret', file=sys.stderr)")
    step = {"type": "action", "name": "shout", "provider": {"type": "process", "path": sys.executable,
                                                           "arguments": ["-c", code]}}
    data = experiment(step, probes=[single()], secrets={"db": {"password": "hunter2secret"}})
    ran = run(data, tmp_path)
    assert ran.exit == 0
    report = (tmp_path / "reports" / "latest" / "report.html").read_text()
    assert "<script>alert" not in report
    assert len(report) < 300_000
    assert "hunter2secret" not in all_files(tmp_path)
    assert "hunter2secret" not in ran.out + ran.err
    assert "were cut" in all_files(tmp_path)


def test_an_action_that_returns_a_set_can_be_recorded(tmp_path: Path) -> None:
    ran = run(experiment(action(module="tests.cli.steps", func="a_set"), probes=[single()]), tmp_path)
    assert ran.exit == 0
    [ended] = [event for event in journal(tmp_path) if event["type"] == "StepEnded"]
    assert ended["output"] == ["a", "b"]


def test_an_action_that_leaves_the_process_is_a_failed_step(tmp_path: Path) -> None:
    ran = run(experiment(action(module="tests.cli.steps", func="leave"), probes=[single()]), tmp_path)
    assert (ran.exit, ran.outcome["verdict"]) == (5, "error")


def test_a_report_folder_that_cannot_be_written_is_found_before_the_first_fault(
        tmp_path: Path, victim: Process) -> None:
    file = write(experiment(pause(victim), probes=[single()]), tmp_path)
    ran = chaos_runner("run", str(file), "--reports", "/dev/null/reports")
    assert ran.exit == 3
    assert "cannot be written" in ran.err
    assert "Traceback" not in ran.err
    assert victim.at(victim.key).state == "running"


def test_null_sections_count_as_absent(tmp_path: Path) -> None:
    data = {**experiment(action(), probes=[single()]), "rollbacks": None, "configuration": None, "secrets": None,
            "tags": None}
    assert run(data, tmp_path).exit == 0


def test_bad_json_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"title": "x",\n  "method": [}\n')
    ran = chaos_runner("run", str(tmp_path / "bad.json"))
    assert ran.exit == 2
    assert "bad.json:2:" in ran.err
    assert "Traceback" not in ran.err


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    ran = chaos_runner("run", str(tmp_path / "nothing.yaml"))
    assert (ran.exit, "Traceback" in ran.err) == (2, False)
    assert "No such file" in ran.err


def test_an_experiment_may_come_from_standard_input(tmp_path: Path) -> None:
    data = json.dumps(experiment(action(), probes=[single()]))
    ran = chaos_runner("run", "-", "--json", "--reports", str(tmp_path), text=data)
    assert (ran.exit, ran.outcome["file"]) == (0, "<stdin>")


def test_several_files_run_in_order_and_have_one_verdict(tmp_path: Path) -> None:
    good = write(experiment(action(), probes=[single()]), tmp_path)
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(experiment(action(), probes=[single(tolerance=False)])))
    ran = chaos_runner("run", str(good), str(bad), "--json", "--reports", str(tmp_path / "reports"))
    assert ran.exit == 3
    assert [one["verdict"] for one in ran.outcome["runs"]] == ["passed", "not-started"]
    assert ran.outcome["verdict"] == "not-started"


def test_the_configuration_may_be_overridden(tmp_path: Path) -> None:
    provider = {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": "${where}"}}
    probe = single(provider=provider)
    data = experiment(action(), probes=[probe], configuration={"where": "/nowhere"})
    assert run(data, tmp_path).exit == 3
    assert run(data, tmp_path, "--var", "where=/").exit == 0
    ran = run(data, tmp_path, "--var", "wher=/")
    assert ran.exit == 2
    assert "declares no such key" in ran.err


def test_a_missing_environment_variable_is_named(tmp_path: Path) -> None:
    data = experiment(action(), probes=[single()], configuration={"url": {"type": "env", "key": "NO_SUCH_VARIABLE_X"}})
    ran = run(data, tmp_path)
    assert ran.exit == 2
    assert "NO_SUCH_VARIABLE_X" in ran.err


def test_events_are_streamed_as_they_are_in_the_journal(tmp_path: Path) -> None:
    file = write(experiment(action(), probes=[single()]), tmp_path)
    ran = chaos_runner("run", str(file), "--events", "-", "--reports", str(tmp_path / "reports"))
    assert [json.loads(line) for line in ran.out.splitlines()] == journal(tmp_path)


def test_after_sigkill_the_journal_tells_what_was_under_way(tmp_path: Path, victim: Process) -> None:
    with running(experiment(pause(victim), probes=[single()]), tmp_path) as process:
        wait_for(tmp_path, "Applied")
        process.send_signal(signal.SIGKILL)
        process.communicate()
    [prepared] = [event for event in journal(tmp_path) if event["type"] == "Prepared"]
    assert prepared["acts"][0]["target"] == victim.key


def test_nothing_is_coloured_when_nobody_looks(tmp_path: Path) -> None:
    ran = run(experiment(action(), probes=[single()]), tmp_path)
    assert "\x1b" not in ran.err
    assert "\x1b[" in run(experiment(action(), probes=[single()]), tmp_path, NO_COLOR="", FORCE_COLOR="1").err


def test_a_run_can_be_shown_and_reported_again(tmp_path: Path) -> None:
    first = run(experiment(action(), probes=[single()]), tmp_path).outcome
    reports = str(tmp_path / "reports")
    assert chaos_runner("show", first["run"][:12], "--json", "--reports", reports).outcome == first
    report = tmp_path / "reports" / "latest" / "report.html"
    before = report.read_text()
    report.unlink()
    assert chaos_runner("report", "latest", "--reports", reports).exit == 0
    assert report.read_text() == before
    chosen = ("--format", "junit,md", "--out", str(tmp_path / "ci"))
    junit = chaos_runner("report", "latest", "--reports", reports, *chosen)
    assert junit.out.split() == [str(tmp_path / "ci" / "junit.xml"), str(tmp_path / "ci" / "report.md")]
    assert "there are html" in chaos_runner("report", "latest", "--reports", reports, "--format", "docx").err
    assert "holds no run" in chaos_runner("show", "XYZ", "--reports", reports).err
