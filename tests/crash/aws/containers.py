"""Scenes in ECS and EKS."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from chaos_runner.lab.aws.world.containers import definition, machine
from chaos_runner.targets.aws.access import Account, account
from tests.aws.eks_server import CLUSTER, serving
from tests.crash.aws.ec2 import instances
from tests.crash.aws.picturing import normalised
from tests.crash.scenes import Scene

PATIENCE_S = 30.0
TAGS = [{"key": "team", "value": "shop"}]


@contextmanager
def cluster(at: Account, count: int) -> Iterator[tuple[str, list[str]]]:
    """An ECS cluster of its own with so many instances, and a service of so many tasks: its name, and their ids."""
    name = f"crash-{uuid4().hex[:8]}"
    at.ask("ecs", "create_cluster", clusterName=name)
    with instances(at, count) as (_, ids):
        machines = [machine(at, name, one) for one in ids]
        task = definition(at, name)
        at.ask("ecs", "create_service", cluster=name, serviceName="checkout", taskDefinition=task, launchType="EC2",
               desiredCount=count, tags=TAGS)
        at.ask("ecs", "update_service", cluster=name, service="checkout", desiredCount=count)  # now they run, for moto
        at.ask("ecs", "start_task", cluster=name, taskDefinition=task, containerInstances=machines,
               group="service:checkout", startedBy="ecs-svc/1")
        yield name, ids
        at.ask("ecs", "delete_service", cluster=name, service="checkout", force=True)


def picture_of_machines(at: Account, name: str, ids: list[str]) -> Any:
    """The instances of a cluster as ECS describes them, and as EC2 does, with their tags."""
    arns = at.ask("ecs", "list_container_instances", cluster=name)["containerInstanceArns"]
    return normalised([at.ask("ecs", "describe_container_instances", cluster=name, containerInstances=arns),
                       at.ask("ec2", "describe_instances", InstanceIds=ids)])


def picture_of_service(at: Account, name: str) -> Any:
    """A service as ECS describes it, with its tags."""
    said = at.ask("ecs", "describe_services", cluster=name, services=["checkout"], include=["TAGS"])["services"]
    return normalised([{**one, "tags": sorted(one.get("tags", ()), key=lambda tag: str(tag["key"]))} for one in said])


@contextmanager
def _drained(_: Path) -> Iterator[Scene]:
    at = account()
    with cluster(at, 2) as (name, ids):
        yield Scene({"target": {"cluster": name, "ids": ids}}, lambda: picture_of_machines(at, name, ids), (),
                    PATIENCE_S)


@contextmanager
def _scaled(_: Path) -> Iterator[Scene]:
    at = account()
    with cluster(at, 2) as (name, _ids):
        step = {"target": {"cluster": name, "ids": ["checkout"]}, "arguments": {"desired": 0}}
        yield Scene(step, lambda: picture_of_service(at, name), (), PATIENCE_S)


@contextmanager
def _nodes(_: Path) -> Iterator[Scene]:
    with serving() as there:
        step = {"target": {"cluster": CLUSTER, "ids": [there.name]}, "arguments": {"desired": 1}}
        yield Scene(step, lambda: dict(there.seen), (), PATIENCE_S)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.ecs_drain": _drained,
    "aws.ecs_scale": _scaled,
    "aws.eks_nodegroup_scale": _nodes,
}
