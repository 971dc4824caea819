"""How a workload's pods come back, told change by change."""

from typing import Any

import msgspec
import pytest

from chaos_runner.targets.kubernetes.kinds import WORKLOADS
from chaos_runner.targets.kubernetes.recovering import Disturbance, Recovering, Restarted
from chaos_runner.targets.kubernetes.seen import SeenPod, SeenWorkload, pods

DEPLOYMENT = WORKLOADS["deployment"]
_SPACE = pods("shop")


def web(replicas: int = 2, uid: str = "d1") -> SeenWorkload:
    return msgspec.convert({"metadata": {"name": "web", "namespace": "shop", "uid": uid},
                            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}}}, SeenWorkload)


def pod(name: str, state: str = "ready", *, at_s: float = 0.0, old: SeenPod | None = None, restarts: int = 0,
        owner: str = "web-abc") -> SeenPod:
    """A pod as the API has it: "created", "scheduled", "started", "ready" or "ending"."""
    far = ["created", "scheduled", "started", "ready", "ending"].index(state)
    status: dict[str, Any] = {
        "phase": "Running" if far >= 2 else "Pending",
        "conditions": [{"type": "Ready", "status": "True" if far >= 3 else "False"}],
        "containerStatuses": [{"restartCount": restarts, "state": {"running": {}} if far >= 2
                               else {"waiting": {"reason": "ContainerCreating"}}}]}
    body = {"metadata": {"name": name, "uid": name, "labels": {"app": "web", "pod-template-hash": "abc"},
                         "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "uid": "r", "controller": True}],
                         **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if state == "ending" else {})},
            "spec": {"nodeName": "n"} if far >= 1 else {}, "status": status}
    return _SPACE.see(old, msgspec.convert(body, _SPACE.item), at_s)


class Story:
    """A Deployment of two pods, both ready, and what happens to it."""

    def __init__(self) -> None:
        self.record = Recovering(DEPLOYMENT, "web")
        self.now: dict[str, SeenPod] = {}
        self.record.workloads.changed(None, web(), 0.0)
        self.turn("a", "ready", 0.0)
        self.turn("b", "ready", 0.0)
        self.record.begin(0.0)

    def turn(self, name: str, state: str, at_s: float, **more: Any) -> None:
        old = self.now.get(name)
        self.now[name] = pod(name, state, at_s=at_s, old=old, **more)
        self.record.pods.changed(old, self.now[name], at_s)

    def vanish(self, name: str, at_s: float) -> None:
        self.record.pods.changed(self.now.pop(name), None, at_s)

    @property
    def last(self) -> Disturbance:
        return self.record.disturbances()[-1]


def test_a_workload_that_was_always_whole_was_not_disturbed() -> None:
    story = Story()
    story.turn("a", "ready", 5.0)
    assert story.record.disturbances() == []


def test_the_time_is_from_the_first_pod_missing_to_the_last_one_ready_again() -> None:
    story = Story()
    story.turn("a", "ending", 10.0)
    story.vanish("a", 10.5)
    story.turn("c", "created", 10.1)
    story.turn("c", "scheduled", 10.4)
    story.turn("c", "started", 12.0)
    assert story.last.ended_s is None
    assert story.last.lasted(11.0) == 1.0
    story.turn("c", "ready", 13.0)
    assert (story.last.lasted(99.0), story.last.fewest) == (3.0, 1)
    assert str(story.last.returns[0]) == "c scheduled after 400 ms, started 2 s, ready 3 s"


def test_a_disturbance_shorter_than_any_interval_is_seen() -> None:
    story = Story()
    story.turn("a", "started", 10.0)
    story.turn("a", "ready", 10.02)
    assert story.last.lasted(99.0) == pytest.approx(0.02)


def test_a_container_that_was_started_again_counts_from_then() -> None:
    story = Story()
    story.turn("a", "scheduled", 10.0)
    story.turn("a", "started", 11.0, restarts=1)
    story.turn("a", "ready", 12.0, restarts=1)
    [back] = story.last.returns
    assert (back.scheduled, back.started, back.ready) == (0.0, 1.0, 2.0)


def test_two_disturbances_are_two() -> None:
    story = Story()
    for at_s in (10.0, 20.0):
        story.turn("a", "started", at_s)
        story.turn("a", "ready", at_s + at_s / 10)
    assert [one.lasted(99.0) for one in story.record.disturbances()] == [1.0, 2.0]


def test_pods_of_another_workload_of_nearly_that_name_do_not_count() -> None:
    story = Story()
    story.turn("a", "ending", 10.0)
    story.turn("x", "ready", 10.1, owner="web-api-abc")
    assert story.last.ended_s is None


def test_a_workload_that_wants_more_is_not_whole_until_it_has_them() -> None:
    story = Story()
    story.record.workloads.changed(web(), web(3), 10.0)
    story.turn("c", "ready", 12.0)
    assert story.last.lasted(99.0) == 2.0


def test_a_workload_that_is_deleted_is_not_whole() -> None:
    story = Story()
    story.record.workloads.changed(web(), None, 10.0)
    assert story.last.ended_s is None


def test_restarts_of_pods_that_are_gone_are_kept() -> None:
    kept = Restarted()
    first = pod("a", restarts=2)
    kept.changed(pod("a", restarts=3, old=first), None, 0.0)
    kept.changed(pod("b", restarts=4), None, 0.0)
    assert [each.name for each in kept.gone] == ["a"]
