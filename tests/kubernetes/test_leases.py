"""Leases on groups of targets: one run at a time, none is left, and what a dead run held is found and taken over."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act, Holding
from chaos_runner.errors import Refused
from chaos_runner.mark import NO_KEY, Mark, moment
from chaos_runner.targets.kubernetes import leases
from chaos_runner.targets.kubernetes.access import cluster
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, LEASE
from chaos_runner.targets.kubernetes.leases import Lease
from chaos_runner.targets.kubernetes.objects import Whole
from tests import turns
from tests.cli.runner import chaos_runner, run
from tests.kubernetes.ground import Ground, ground, prepared

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]
HOUR = timedelta(hours=1)
PROBE = {"name": "p", "type": "probe", "tolerance": 0, "provider": {"type": "process", "path": "true"}}


@pytest.fixture
def mine() -> Iterator[Ground]:
    with ground() as made:
        yield made


def aimed(mine: Ground, fault: str = "pod_kill", **arguments: Any) -> Act:
    target = {"namespace": mine.space, "workload": "deployment/web"}
    (act,) = prepared(fault, target if arguments else {**target, "count": 1}, arguments)
    return act


def hold(act: Act, run: str, fault: str = "pod_kill", lasts: timedelta = HOUR) -> None:
    held_by(fault).hold(act, Mark(run=run, number=0, expires=moment(datetime.now(UTC) + lasts)), NO_KEY)


def held_by(fault: str) -> Holding:
    found = shelf.fault(f"kubernetes.{fault}")
    assert isinstance(found, Holding)
    return found


def let_go(act: Act, run: str) -> None:
    held_by("pod_kill").let_go([act], Mark(run=run, number=0, expires=""))


def there(mine: Ground) -> list[Lease]:
    return leases.ours(mine.at, mine.space)


def test_a_lease_is_named_after_the_workload_and_says_whose_it_is_and_until_when(mine: Ground) -> None:
    mine.workload(2)
    act = aimed(mine)
    hold(act, "01ONE")
    (lease,) = there(mine)
    workload = mine.at.get(DEPLOYMENT.path(mine.space, "web"), Whole).metadata
    assert lease.metadata.name == f"chaos-runner-{workload.uid}"
    assert (lease.run, lease.metadata.labels) == ("01ONE", {"chaos-runner.io/run": "01ONE"})
    assert abs((lease.until - datetime.now(UTC) - HOUR).total_seconds()) < 10


def test_the_same_run_may_hold_it_twice_and_another_is_refused_in_words(mine: Ground) -> None:
    mine.workload(2)
    act = aimed(mine)
    hold(act, "01ONE")
    hold(act, "01ONE", "pod_evict")
    with pytest.raises(Refused, match=r"run 01ONE has hold of what .* belongs to, until .* \(lease .*chaos-runner-"):
        hold(act, "01TWO")
    with pytest.raises(Refused, match="run 01ONE has hold of what"):
        aimed(mine, "scale", replicas=1)
    notes = shelf.fault("kubernetes.pod_kill").notes([act])
    assert [note for note in notes if note.startswith("another run is at work here: run 01ONE has hold")]
    let_go(act, "01TWO")
    assert len(there(mine)) == 1
    let_go(act, "01ONE")
    assert there(mine) == []
    assert aimed(mine, "scale", replicas=1).label == f"deployment {mine.space}/web"


@turns.SCAN
def test_one_that_has_expired_is_taken_over(mine: Ground) -> None:
    mine.workload(2)
    act = aimed(mine)
    hold(act, "01DEAD", lasts=-HOUR)
    path = LEASE.path(mine.space, there(mine)[0].metadata.name)
    mine.at.patch(path, {"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}})
    hold(aimed(mine), "01NEXT")
    (lease,) = there(mine)
    assert (lease.run, lease.spec.lease_transitions, lease.metadata.labels) == (
        "01NEXT", 1, {"chaos-runner.io/run": "01NEXT"})


@pytest.mark.parametrize("fault", [
    {"fault": "kubernetes.pod_kill", "arguments": {"grace": "0s"}},
    {"fault": "kubernetes.scale", "arguments": {"replicas": 1}, "duration": "1s"},
])
def test_a_run_holds_its_group_while_it_lasts_and_leaves_nothing(mine: Ground, fault: dict[str, Any],
                                                                tmp_path: Path) -> None:
    mine.workload(2)
    looks = {"name": "held", "type": "probe", "pauses": {"before": 0.7}, "provider": {
        "type": "python", "module": "tests.kubernetes.test_leases", "func": "count",
        "arguments": {"space": mine.space}}}
    hit = {"name": "hit", "target": {"namespace": mine.space, "workload": "deployment/web"}, "background": True,
           **fault}
    ran = run({"title": "t", "description": "d", "steady-state-hypothesis": {"title": "h", "probes": [PROBE]},
               "method": [hit, looks]}, tmp_path)
    assert ran.exit == 0, ran.err
    journal = next(tmp_path.rglob("journal.ndjson"))
    events = [json.loads(line)["event"] for line in journal.read_text().splitlines()]
    assert [event["output"] for event in events if event["type"] == "StepEnded"] == [1]
    assert [event for event in events if event["type"] == "WasLetGo"] != []
    assert there(mine) == []


def count(space: str) -> int:
    """How many Leases of ours there are: a probe for the runs here."""
    return len(leases.ours(cluster(), space))


def test_who_may_not_write_leases_does_without_and_the_plan_says_so(mine: Ground, tmp_path: Path) -> None:
    mine.workload(2)
    everything = ["get", "list", "delete", "create", "patch"]
    theirs = mine.as_somebody(tmp_path, [
        (everything, "", ["pods", "events", "namespaces", "services"]), (["get", "list"], "apps", ["*"]),
        (["list"], "policy", ["*"]), (["list"], "autoscaling", ["*"]), (["list"], "networking.k8s.io", ["*"]),
        (["list"], "coordination.k8s.io", ["leases"])])
    before = os.environ["KUBECONFIG"]
    os.environ["KUBECONFIG"] = theirs
    cluster.cache_clear()
    try:
        act = aimed(mine)
        hold(act, "01ONE")
        notes = shelf.fault("kubernetes.pod_kill").notes([act])
    finally:
        os.environ["KUBECONFIG"] = before
        cluster.cache_clear()
    assert there(mine) == []
    assert [note for note in notes if note.startswith("other runs are not kept off what is hit: no right to create")]


@turns.SCAN
def test_what_a_dead_run_holds_is_found_by_scan_and_doctor_and_let_go_when_it_expired(
        mine: Ground, tmp_path: Path) -> None:
    mine.workload(2)
    hold(aimed(mine), "01DEAD", lasts=-HOUR)
    label = f"lease {mine.space}/{there(mine)[0].metadata.name}"
    told = chaos_runner("doctor", "kubernetes", "--reports", str(tmp_path), "--json").outcome["checkups"][0]["ours"]
    assert [(one["run"], one["held"]) for one in told if one["what"] == label] == [("01DEAD", False)]
    scanned = chaos_runner("recover", "--scan", "kubernetes", "--expired", "--json", "--reports", str(tmp_path)).outcome
    (row,) = [one for one in scanned["runs"] if one["run"] == "01DEAD"]
    assert (row["undone"], row["restored"]) == ([label], "restored")
    assert there(mine) == []


@turns.SCAN
def test_what_a_run_that_may_live_holds_is_left_alone_by_an_unattended_scan(mine: Ground, tmp_path: Path) -> None:
    mine.workload(2)
    hold(aimed(mine), "01LIVES")
    chaos_runner("recover", "--scan", "kubernetes", "--expired", "--reports", str(tmp_path))
    assert len(there(mine)) == 1
