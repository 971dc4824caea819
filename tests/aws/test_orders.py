"""Faults that AWS carries out itself when it is told: documents of Systems Manager, and experiments of FIS."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.contracts import Act, Answer, Grade, Setting
from chaos_runner.errors import ActFailed, ChaosRunnerError, Refused, UsageError
from chaos_runner.experiment.arguments import convert
from chaos_runner.mark import Mark
from chaos_runner.shelf import fault
from chaos_runner.targets.aws.access import Account, account
from tests.aws.ssm_server import Ssm
from tests.cli.runner import run
from tests.crash.aws.ec2 import instances
from tests.crash.aws.orders import active, recorded, template
from tests.run.samples import experiment, single

pytestmark = pytest.mark.usefixtures("aws")
FAR = "20991121T000000Z"
STRESS = {"document": "AWSFIS-Run-CPU-Stress", "parameters": {"LoadPercent": 80}}


@pytest.fixture
def server(aws: None) -> Iterator[Ssm]:
    with recorded() as found:
        yield found


@pytest.fixture
def name(server: Ssm) -> Iterator[str]:
    with instances(account(), 1) as (found, _):
        yield found


def prepared(which: str, target: dict[str, Any], arguments: dict[str, Any], expires: str = FAR) -> list[Act]:
    found = fault(which)
    setting = Setting(mark=Mark(run="01TEST", number=0, expires=expires), seed=1, configuration={})
    return found.prepare(convert(found.target, target), convert(found.arguments, arguments), setting)


def documented(name: str, **arguments: Any) -> list[Act]:
    return prepared("aws.ssm_document", {"tags": {"crash": name}}, arguments)


# ── documents ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_document_is_told_to_end_by_itself_and_is_cancelled_before(server: Ssm, name: str) -> None:
    found = fault("aws.ssm_document")
    [act] = documented(name, **STRESS, lasts="90s")
    said = found.apply(act)
    [command] = server.commands
    assert (command["Parameters"], command["TimeoutSeconds"]) == (
        {"LoadPercent": ["80"], "DurationSeconds": ["90"]}, 30)
    assert said.grade is Grade.REPORTED
    assert server.active() == ["AWSFIS-Run-CPU-Stress"]
    assert found.verify(act).answer is Answer.NOT_RESTORED
    found.undo(act)
    found.undo(act)
    assert server.active() == []
    assert found.verify(act).answer is Answer.RESTORED


def test_no_document_outlives_the_longest_end_of_its_run(server: Ssm, name: str) -> None:
    from datetime import UTC, datetime, timedelta

    ends = (datetime.now(UTC) + timedelta(seconds=40)).strftime("%Y%m%dT%H%M%SZ")
    [act] = prepared("aws.ssm_document", {"tags": {"crash": name}}, {**STRESS, "lasts": "1h"}, ends)
    fault("aws.ssm_document").apply(act)
    assert 30 <= int(server.commands[0]["Parameters"]["DurationSeconds"][0]) <= 40
    fault("aws.ssm_document").undo(act)


def test_a_script_is_ended_by_its_timeout(server: Ssm, name: str) -> None:
    [act] = documented(name, document="AWS-RunShellScript", parameters={"commands": ["sleep 60"]}, lasts="60s")
    fault("aws.ssm_document").apply(act)
    assert server.commands[0]["Parameters"] == {"commands": ["sleep 60"], "executionTimeout": ["60"]}
    fault("aws.ssm_document").undo(act)


def test_a_command_that_has_ended_by_itself_needs_nothing(server: Ssm, name: str) -> None:
    found = fault("aws.ssm_document")
    [act] = documented(name, **STRESS)
    found.apply(act)
    server.commands[0]["Status"] = "Success"
    found.undo(act)
    assert found.verify(act).answer is Answer.RESTORED


def test_a_command_of_somebody_else_is_left_running(server: Ssm, name: str) -> None:
    [act] = documented(name, **STRESS)
    found = fault("aws.ssm_document")
    found.apply(act)
    server.commands.append({**server.commands[0], "CommandId": "0" * 36, "Comment": "patching",
                            "DocumentName": "AWS-RunPatchBaseline"})
    found.undo(act)
    assert server.active() == ["AWS-RunPatchBaseline"]


def test_a_command_that_fails_is_no_fault(server: Ssm, name: str) -> None:
    [act] = documented(name, **STRESS)
    server.failing.add("AWSFIS-Run-CPU-Stress")
    with pytest.raises(ActFailed, match="is Failed"):
        fault("aws.ssm_document").apply(act)
    fault("aws.ssm_document").undo(act)
    assert fault("aws.ssm_document").verify(act).answer is Answer.RESTORED


@pytest.mark.parametrize(("arguments", "error", "says"), [
    ({"document": "AWSFIS-Run-Kill-Process", "parameters": {"ProcessName": "web"}}, Refused, "nothing would end"),
    ({"document": "AWSFIS-Run-CPU-Stress", "parameters": {"LoadPercnt": 80}}, UsageError, "LoadPercent"),
    ({"document": "AWSFIS-Run-CPU-Stress", "parameters": {"DurationSeconds": 80}}, UsageError, "lasts: 60s"),
    ({"document": "AWS-RunShellScript"}, UsageError, "needs to be told commands"),
    ({"document": "AWSFIS-Run-Nothing"}, ChaosRunnerError, "InvalidDocument"),
])
def test_what_cannot_be_sent_is_refused(
        server: Ssm, name: str, arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        documented(name, **arguments)
    assert not server.commands


def test_an_instance_whose_agent_is_silent_is_refused(server: Ssm, name: str) -> None:
    server.silent |= {one["InstanceId"] for some in account().ask("ec2", "describe_instances", Filters=[
        {"Name": "tag:crash", "Values": [name]}])["Reservations"] for one in some["Instances"]}
    with pytest.raises(Refused, match="agent does not answer"):
        documented(name, **STRESS)


# ── experiments of FIS ──────────────────────────────────────────────────────────────────────────────────────────────

def fis(number: str) -> list[Act]:
    return prepared("aws.fis_template", {"ids": [number]}, {})


def test_an_experiment_of_fis_runs_and_is_stopped(at: Account) -> None:
    found = fault("aws.fis_template")
    with template(at) as number:
        [act] = fis(number)
        assert "is running" in found.apply(act).after
        assert active(at, number) == ["running"]
        assert found.verify(act).answer is Answer.NOT_RESTORED
        found.undo(act)
        found.undo(act)
        assert active(at, number) == []
        assert found.verify(act).answer is Answer.RESTORED


def test_a_template_that_somebody_follows_already_is_refused(at: Account) -> None:
    with template(at) as number:
        at.ask("fis", "start_experiment", clientToken="theirs", experimentTemplateId=number)
        with pytest.raises(Refused, match="already runs"):
            fis(number)


def test_what_surrounds_a_template_is_told(at: Account) -> None:
    kill = {"kill": {"actionId": "aws:ec2:terminate-instances", "targets": {"Instances": "web"}}}
    target = {"web": {"resourceType": "aws:ec2:instance", "selectionMode": "ALL", "resourceTags": {"a": "b"}}}
    with template(at) as number:
        at.ask("fis", "update_experiment_template", id=number, actions=kill, targets=target)
        said = " ".join(fault("aws.fis_template").notes(fis(number)))
    assert "no stop condition of its own" in said
    assert "aws:ec2:terminate-instances" in said


@pytest.mark.slow
def test_a_run_starts_and_stops_both(at: Account, server: Ssm, name: str, tmp_path: Path) -> None:
    with template(account()) as number:
        method = [{"name": "stress", "fault": "aws.ssm_document", "target": {"tags": {"crash": name}},
                   "arguments": STRESS, "duration": "1s"},
                  {"name": "follow", "fault": "aws.fis_template", "target": {"ids": [number]}, "duration": "1s"}]
        ran = run(experiment(*method, probes=[single()]), tmp_path)
        assert (ran.exit, ran.outcome["restored"]) == (0, "restored"), json.dumps(ran.outcome, indent=1)
        assert {one["grade"] for one in ran.outcome["faults"]} == {"reported"}
        assert (server.active(), active(account(), number)) == ([], [])
