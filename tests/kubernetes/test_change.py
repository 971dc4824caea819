"""Faults that change fields of objects: what they refuse, and how they bring things back when others write too."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.clock import SystemClock
from chaos_runner.contracts import Act, Answer, Setting
from chaos_runner.errors import NoEffect, NoTarget, Refused, UsageError
from chaos_runner.experiment.arguments import convert
from chaos_runner.mark import Key, Mark, moment
from chaos_runner.targets.kubernetes.access import MERGE, Cluster, cluster
from chaos_runner.targets.kubernetes.kinds import AUTOSCALER, DEPLOYMENT, NAMESPACE, body_of
from chaos_runner.targets.kubernetes.marks import RUN, UNDO
from tests.crash.cluster import make_workload, namespace, normalised

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]
Look = Callable[[], Any]


@pytest.fixture
def at() -> Cluster:
    return cluster()


@pytest.fixture
def space(at: Cluster) -> Iterator[str]:
    with namespace(at) as name:
        make_workload(at, name)
        yield name


def setting() -> Setting:
    return Setting(mark=Mark(run="01TEST", number=0, expires=moment(SystemClock().now())), seed=7, configuration={})


def prepared(name: str, space: str, arguments: dict[str, Any], **target: Any) -> list[Act]:
    fault = shelf.fault(f"kubernetes.{name}")
    aimed = convert(fault.target, {"namespace": space, "workload": "deployment/web", **target})
    return fault.prepare(aimed, convert(fault.arguments, arguments), setting())


def web(at: Cluster, space: str) -> Any:
    return at.get(DEPLOYMENT.path(space, "web"), dict)


def change(at: Cluster, space: str, body: dict[str, Any]) -> None:
    at.patch(DEPLOYMENT.path(space, "web"), body, MERGE)


def test_it_comes_back_to_the_last_field(at: Cluster, space: str) -> None:
    fault, before = shelf.fault("kubernetes.scale"), normalised(web(at, space))
    (act,) = prepared("scale", space, {"replicas": 0})
    fault.apply(act)
    assert web(at, space)["spec"]["replicas"] == 0
    fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED
    assert normalised(web(at, space)) == before


def test_apply_and_undo_may_come_twice(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.scale")
    (act,) = prepared("scale", space, {"replicas": 1})
    for _ in range(2):
        assert fault.apply(act).after == "read back: spec.replicas 1"
    for _ in range(2):
        fault.undo(act)
    assert web(at, space)["spec"]["replicas"] == 2


def test_what_somebody_else_changed_meanwhile_is_left_and_told(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.scale")
    (act,) = prepared("scale", space, {"replicas": 0})
    fault.apply(act)
    change(at, space, {"spec": {"replicas": 5}})
    fault.undo(act)
    told = fault.verify(act)
    assert told.answer is Answer.DRIFT
    assert "spec.replicas 5" in told.diff
    assert web(at, space)["spec"]["replicas"] == 5
    assert RUN not in web(at, space)["metadata"].get("annotations", {})


def test_one_changed_field_of_two_does_not_keep_the_other_from_coming_back(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.resources_limit")
    (act,) = prepared("resources_limit", space, {"cpu": "10m", "memory": "32Mi"})
    fault.apply(act)
    container = web(at, space)["spec"]["template"]["spec"]["containers"][0]
    container["resources"]["limits"]["memory"] = "64Mi"
    change(at, space, {"spec": {"template": {"spec": {"containers": [container]}}}})
    fault.undo(act)
    resources = web(at, space)["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources["limits"] == {"memory": "64Mi"}
    assert resources["requests"]["cpu"] == "20m"


def test_it_is_restored_while_others_write_the_object_all_the_time(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.scale")
    (act,) = prepared("scale", space, {"replicas": 1})
    fault.apply(act)
    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(_write_labels, at, space)
        fault.undo(act)
        writing.result()
    assert fault.verify(act).answer is Answer.RESTORED
    assert web(at, space)["metadata"]["labels"]["round"] == "39"


def _write_labels(at: Cluster, space: str) -> None:
    for number in range(40):
        change(at, space, {"metadata": {"labels": {"round": str(number)}}})


def test_what_is_gone_needs_no_undo(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.scale")
    (act,) = prepared("scale", space, {"replicas": 1})
    fault.apply(act)
    at.delete(DEPLOYMENT.path(space, "web"), {})
    fault.undo(act)
    assert fault.verify(act).answer is Answer.GONE


def test_another_object_of_the_same_name_is_not_hit(at: Cluster, space: str) -> None:
    (act,) = prepared("scale", space, {"replicas": 0})
    at.delete(DEPLOYMENT.path(space, "web"), {})
    make_workload(at, space)
    with pytest.raises(NoTarget):
        shelf.fault("kubernetes.scale").apply(act)
    assert web(at, space)["spec"]["replicas"] == 2


def test_what_changed_since_it_was_looked_at_is_refused(at: Cluster, space: str) -> None:
    (act,) = prepared("scale", space, {"replicas": 0})
    change(at, space, {"spec": {"replicas": 4}})
    with pytest.raises(Refused, match=r"has changed since it was looked at: spec\.replicas"):
        shelf.fault("kubernetes.scale").apply(act)


def test_a_second_fault_on_the_same_object_is_refused(space: str) -> None:
    (act,) = prepared("scale", space, {"replicas": 0})
    shelf.fault("kubernetes.scale").apply(act)
    with pytest.raises(Refused, match="already bears a mark"):
        prepared("rollout_pause", space, {})


def test_what_the_server_would_refuse_is_refused_before_anything_is_touched(space: str) -> None:
    with pytest.raises(Refused, match=r"quantit|unable to parse"):
        prepared("resources_limit", space, {"cpu": "a lot"})


def test_a_number_is_kept_as_the_server_writes_it(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.resources_limit")
    (act,) = prepared("resources_limit", space, {"cpu": "0.1"})
    fault.apply(act)
    assert fault.verify(act).answer is Answer.NOT_RESTORED
    fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED


def test_what_already_is_so_has_no_effect(space: str) -> None:
    with pytest.raises(NoEffect, match=r"already has spec\.replicas 2"):
        prepared("scale", space, {"replicas": 2})


def test_a_misspelt_workload_is_found(space: str) -> None:
    with pytest.raises(NoTarget, match="did you mean 'web'"):
        prepared("scale", space, {"replicas": 2}, workload="deployment/wbe")


def test_a_kind_that_cannot_be_hit_so_is_refused(space: str) -> None:
    with pytest.raises(UsageError, match="a job cannot be hit so"):
        prepared("scale", space, {"replicas": 2}, workload="job/web")


def test_a_protected_namespace_is_refused() -> None:
    with pytest.raises(Refused, match="protected"):
        prepared("scale", "kube-system", {"replicas": 0})


def test_a_namespace_that_is_not_there_is_told() -> None:
    with pytest.raises(NoTarget, match="there is no namespace"):
        prepared("scale", "nowhere", {"replicas": 0})


@pytest.mark.parametrize("where", ["workload", "namespace"])
def test_what_has_opted_out_is_spared(at: Cluster, space: str, where: str) -> None:
    path = DEPLOYMENT.path(space, "web") if where == "workload" else NAMESPACE.path("", space)
    at.patch(path, {"metadata": {"labels": {"chaos-runner.io/exclude": "true"}}}, MERGE)
    with pytest.raises(Refused, match="opted out"):
        prepared("scale", space, {"replicas": 0})


def test_its_mark_leads_back_without_a_journal(at: Cluster, space: str) -> None:
    fault, before = shelf.fault("kubernetes.scale"), normalised(web(at, space))
    (act,) = prepared("scale", space, {"replicas": 0})
    fault.apply(act)
    (found,) = [one for one in fault.marked(at.context) if one.act.label == act.label]  # type: ignore[attr-defined]
    assert (found.doubt, str(found.mark)) == ("", act.do["mark"])
    fault.undo(found.act)
    assert fault.verify(found.act).answer is Answer.RESTORED
    assert normalised(web(at, space)) == before


def test_a_mark_of_a_field_that_the_fault_never_changes_is_doubted(at: Cluster, space: str) -> None:
    fault = shelf.fault("kubernetes.scale")
    (act,) = prepared("scale", space, {"replicas": 0})
    fault.apply(act)
    forged = web(at, space)["metadata"]["annotations"][UNDO].replace('"replicas"', '"paused"')
    change(at, space, {"metadata": {"annotations": {UNDO: forged}}})
    (found,) = [one for one in fault.marked(at.context) if one.act.label == act.label]  # type: ignore[attr-defined]
    assert "never changes spec.paused" in found.doubt


def test_a_signed_mark_is_bound_to_its_object(at: Cluster, space: str) -> None:
    fault, key = shelf.fault("kubernetes.scale"), Key("secret")
    signed = Setting(mark=setting().mark, seed=7, configuration={}, key=key)
    target = convert(fault.target, {"namespace": space, "workload": "deployment/web"})
    (act,) = fault.prepare(target, convert(fault.arguments, {"replicas": 0}), signed)
    fault.apply(act)
    (found,) = [one for one in fault.marked(at.context) if one.act.label == act.label]  # type: ignore[attr-defined]
    assert found.mark.is_signed_by(key, "kubernetes.scale", act.target["uid"])
    assert not found.mark.is_signed_by(key, "kubernetes.scale", "another")


def test_a_workload_with_an_autoscaler_is_not_scaled(at: Cluster, space: str) -> None:
    aimed = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    at.create(AUTOSCALER.path(space), body_of(AUTOSCALER, metadata={"name": "web"}, spec={
        "minReplicas": 1, "maxReplicas": 9, "scaleTargetRef": aimed}))
    with pytest.raises(Refused, match="scaled by the autoscaler web"):
        prepared("scale", space, {"replicas": 0})


def test_what_could_be_hit_is_offered(space: str) -> None:
    (found,) = shelf.fault("kubernetes.pod_kill").candidates({"namespace": space})
    assert found.target == {"namespace": space, "workload": "deployment/web", "count": 1}
