"""On a machine that is thrown away, what could not be found and undone from elsewhere is refused."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.clock import FakeClock
from chaos_runner.contracts import Fault
from chaos_runner.errors import Refused
from chaos_runner.experiment.loading import load_data
from chaos_runner.experiment.project import InvalidSettings, Project, Surroundings, read_project
from chaos_runner.experiment.values import Values
from chaos_runner.plan.aim import FindFault
from chaos_runner.plan.build import Wishes, plan_for
from chaos_runner.plan.unmarked import is_thrown_away
from chaos_runner.testing import FakeFault
from tests.run.samples import experiment, single

STOP: dict[str, Any] = {"name": "stop", "type": "action", "provider": {
    "type": "python", "module": "chaosaws.ec2.actions", "func": "stop_instances",
    "arguments": {"instance_ids": ["i-0abc"]}}}
PAUSE: dict[str, Any] = {"name": "pause", "fault": "host.process_pause", "target": {"name": "x"}, "duration": "1s"}
LATENCY: dict[str, Any] = {"name": "slow", "fault": "proxy.latency", "target": {"proxy": "db"}, "duration": "1s",
                           "arguments": {"latency": "200ms"}}


def planned(data: dict[str, Any], find_fault: FindFault = shelf.fault, **wishes: Any) -> None:
    """Plans it on a machine that is thrown away."""
    loaded = load_data(data)
    assert loaded.experiment, loaded.findings
    plan_for(loaded.experiment, Values(configuration={}, secrets={}), Wishes(**{"thrown_away": True, **wishes}),
             find_fault, FakeClock().now())


def test_a_machine_says_that_it_is_thrown_away() -> None:
    assert is_thrown_away({"CI": "true"})
    assert not is_thrown_away({"CI": "false"})
    assert not is_thrown_away({})


def test_what_bears_a_mark_and_what_hurts_the_machine_itself_may_be_done() -> None:
    planned(experiment(PAUSE, LATENCY, probes=[single()]))


def test_an_action_on_another_machine_is_refused_by_the_name_that_allows_it() -> None:
    data = experiment(STOP, probes=[single()])
    with pytest.raises(Refused, match=r"--allow-unmarked chaosaws\.ec2\.actions\.stop_instances"):
        planned(data)
    planned(data, allow_unmarked=("chaosaws.ec2.actions.stop_instances",))
    planned(data, surroundings=Surroundings(project=Project(allow_unmarked=("chaosaws.ec2.actions.stop_instances",))))
    planned(data, thrown_away=False)
    planned(data, hypothesis_only=True)


def test_every_fault_of_ours_bears_a_mark_or_heals_or_hurts_the_machine_itself() -> None:
    from chaos_runner.plan.unmarked import _is_unmarked

    assert [name for name in shelf.fault_names() if _is_unmarked(name, shelf.fault)] == []


def test_a_fault_that_another_package_brought_without_marks_is_refused() -> None:
    def find(_: str) -> Fault[Any, Any]:
        return FakeFault()

    with pytest.raises(Refused, match=r"proxy.latency leaves no mark"):
        planned(experiment(LATENCY, probes=[single()]), find)


def test_chaos_yaml_allows_by_name(tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text("allow-unmarked: [other.fault]\n")
    assert read_project(tmp_path / "chaos.yaml").allow_unmarked == ("other.fault",)
    (tmp_path / "chaos.yaml").write_text("allow-unmarked: [3]\n")
    with pytest.raises(InvalidSettings):
        read_project(tmp_path / "chaos.yaml")


@pytest.mark.slow
def test_a_run_in_a_pipeline_is_refused_before_it_has_a_folder(tmp_path: Path) -> None:
    import subprocess
    import sys

    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(experiment(STOP, probes=[single()])))
    for command in (["run", "--reports", str(tmp_path / "reports")], ["plan"]):
        done = subprocess.run([sys.executable, "-m", "chaos_runner", *command, str(file)], capture_output=True,
                              text=True, env={**os.environ, "CI": "true"}, check=False)
        assert (done.returncode, "leaves no mark on what it hits" in done.stderr) == (3, True), done.stderr
    assert not (tmp_path / "reports").exists()
