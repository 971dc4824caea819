import json
from datetime import datetime
from typing import Any

import pytest
from msgspec import structs

from chaos_runner.report.chaostoolkit import experiment, journal
from chaos_runner.report.text import as_json
from tests.report import stories

KEYS = ["chaoslib-version", "platform", "node", "experiment", "start", "status", "deviated", "steady_states", "run",
        "rollbacks", "end", "duration"]


def told(name: str) -> dict[str, Any]:
    written = json.loads(as_json(journal(*stories.TOLD[name]())))
    assert isinstance(written, dict)
    return written


@pytest.mark.parametrize("name", stories.TOLD)
def test_every_journal_has_the_keys_that_chaoslib_writes(name: str) -> None:
    written = told(name)
    assert list(written) == KEYS
    assert list(written["steady_states"]) == ["before", "after", "during"]
    assert datetime.fromisoformat(written["start"]) <= datetime.fromisoformat(written["end"])


@pytest.mark.parametrize(("name", "status", "deviated"), [
    ("passed", "completed", False), ("deviated", "completed", True), ("not-started", "completed", False),
    ("interrupted", "interrupted", False), ("aborted", "aborted", False), ("cut-off", "interrupted", False),
    ("nothing", "completed", False), ("reported-only", "completed", True)])
def test_status_and_deviated_are_chaoslibs(name: str, status: str, *, deviated: bool) -> None:
    written = told(name)
    assert (written["status"], written["deviated"]) == (status, deviated)


def test_the_steady_state_after_is_what_was_read_before_the_undo() -> None:
    after = told("reported-only")["steady_states"]["after"]
    assert after["steady_state_met"] is False
    assert [(probe["status"], probe["output"], probe["tolerance_met"]) for probe in after["probes"]] == [
        ("succeeded", 503, False)]


def test_a_state_ends_with_its_first_probe_that_is_not_met() -> None:
    states = told("deviated")["steady_states"]
    assert len(states["after"]["probes"]) == 1
    assert len(states["before"]["probes"]) == 3


def test_a_method_that_was_never_run_has_no_state_after() -> None:
    written = told("not-started")
    assert written["steady_states"]["after"] is None
    assert written["run"] == []


def test_samples_during_the_fault_stand_as_rounds() -> None:
    during = told("passed")["steady_states"]["during"]
    assert len(during) == 60
    assert [probe["activity"]["name"] for probe in during[0]["probes"]] == [
        "p99 latency of checkout", "ready share of checkout"]


def test_a_step_is_recorded_as_an_activity_with_its_output() -> None:
    written = told("passed")
    (record,) = [record for record in written["run"] if record["activity"]["name"] == "clear the cache"]
    assert record["status"] == "succeeded"
    assert record["output"]["stdout"] == "cleared 812 keys\n"
    assert record["activity"]["provider"] == {"type": "process", "path": "./clear-cache.sh", "arguments": ["--all"]}
    assert record["activity"]["pauses"] == {"after": 5.0}
    assert [record["activity"]["name"] for record in written["rollbacks"]] == ["warm the cache"]


def test_what_is_written_in_our_own_format_is_told_as_activities_of_chaos_toolkits() -> None:
    told_of = told("deviated")["experiment"]
    activities = [*told_of["method"], *told_of["steady-state-hypothesis"]["probes"]]
    assert [activity["type"] for activity in activities] == ["action", "action", "action", "probe", "probe", "probe"]
    assert all(activity["name"] and activity["provider"]["type"] for activity in activities)
    assert all("tolerance" in activity for activity in activities if activity["type"] == "probe")


def test_a_file_in_chaos_toolkits_format_stands_there_as_it_was_written() -> None:
    run, _ = stories.passed()
    method = [{"type": "action", "name": "say", "provider": {"type": "process", "path": "true"}, "x-own": 1}]
    source = json.dumps({"title": "say", "contributions": {"reliability": "high"}, "method": method})
    asked = structs.replace(run.plan.experiment, source=source, file="say.json")
    written = experiment(structs.replace(run, plan=structs.replace(run.plan, experiment=asked)))
    assert written == {**json.loads(source), "title": asked.title}


@pytest.mark.parametrize("source", ["method: 5", "method: [5, [], null]", "steady-state-hypothesis: []", "[]", "a"])
def test_a_source_that_is_no_experiment_breaks_nothing(source: str) -> None:
    run, _ = stories.passed()
    asked = structs.replace(run.plan.experiment, source=source)
    assert experiment(structs.replace(run, plan=structs.replace(run.plan, experiment=asked)))["title"] == asked.title


def test_a_failed_activity_carries_its_exception() -> None:
    written = journal(*stories.hostile("boom"))
    assert written["run"][-1]["status"] == "failed"
    assert written["run"][-1]["exception"] == ["boom"]


def test_the_shape_of_a_run_record_is_that_of_chaoslib_itself() -> None:
    from chaoslib.activity import execute_activity

    activity = {"type": "action", "name": "say", "provider": {"type": "process", "path": "true", "arguments": []}}
    theirs = execute_activity({}, activity, {}, {}, None)  # type: ignore[arg-type]  # chaoslib's own runs pass None too
    ours = next(record for record in told("passed")["run"] if record["activity"]["name"] == "clear the cache")
    assert set(ours) == set(theirs)
    assert set(ours["output"]) == set(theirs["output"])


def test_half_characters_and_unknown_types_can_be_written() -> None:
    json.loads(as_json({"a": "\ud800", "b": object()}))
