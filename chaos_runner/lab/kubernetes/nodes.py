"""Simulated nodes: objects that kwok keeps alive, each in one of three zones."""

from typing import Any, Final

from chaos_runner.lab.kubernetes.api import Api
from chaos_runner.lab.kubernetes.servers import SIMULATED_MARK

ZONES: Final = "abc"
_ROOM: Final = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "512Gi", "pods": "1000"}


def name_of(number: int) -> str:
    """The name of the n-th node, from 1."""
    return f"node-{number}"


def zone_of(number: int) -> str:
    """Its zone: a, b, c in turn."""
    return ZONES[(number - 1) % len(ZONES)]


def add(api: Api, count: int, *, apart: bool) -> None:
    """Adds this many. `apart`: with a taint, so that pods meant for a real node do not come to be simulated."""
    for number in range(1, count + 1):
        api.create("/api/v1/nodes", _node(number, apart=apart))


def ready(api: Api) -> int:
    """How many nodes are ready."""
    return sum(condition["type"] == "Ready" and condition["status"] == "True"
               for node in api.get("/api/v1/nodes")["items"] for condition in node["status"].get("conditions", []))


def _node(number: int, *, apart: bool) -> dict[str, Any]:
    key, value = SIMULATED_MARK
    name = name_of(number)
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
              "node.kubernetes.io/instance-type": "simulated", "topology.kubernetes.io/region": "lab",
              "topology.kubernetes.io/zone": zone_of(number)}
    taints = [{"key": key, "value": value, "effect": "NoSchedule"}] if apart else []
    return {
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {key: value}},
        "spec": {"taints": taints},
        "status": {"capacity": _ROOM, "allocatable": _ROOM},
    }
