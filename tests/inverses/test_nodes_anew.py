"""A node as it could be made again, and whether the one that was made is that."""

from typing import Any

from chaos_runner.inverses.chaosk8s._state import alike, anew

OWN = {"key": "team", "value": "checkout", "effect": "NoSchedule"}
SICK = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
OUT = {"key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute"}


def node(*taints: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one", "uid": "u", "resourceVersion": "7"},
            "spec": {**spec, "taints": list(taints)}, "status": {}}


def test_what_follows_from_how_a_node_is_is_not_made_again_and_what_people_have_said_is() -> None:
    assert anew(node(OWN, SICK, OUT, podCIDR="10.0.0.0/24")) == {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"},
        "spec": {"podCIDR": "10.0.0.0/24", "taints": [OWN, OUT]}}
    bare = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}, "spec": {}}
    assert alike(anew(node(SICK)), bare)


def test_a_new_node_that_is_not_ready_yet_is_the_old_one() -> None:
    assert alike(anew(node(OWN)), anew(node(SICK, OWN)))
    assert alike(anew(node(SICK, OWN)), anew(node(OWN)))
    assert not alike(anew(node(OWN)), anew(node(SICK)))


def test_of_other_kinds_everything_is_kept() -> None:
    pool = {**node(SICK), "kind": "NodePool"}
    assert anew(pool)["spec"]["taints"] == [SICK]
