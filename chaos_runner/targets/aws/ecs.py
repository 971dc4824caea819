"""What stands in ECS: services, their tasks, and the EC2 instances that tasks run on.

Services and tasks are called by their ARNs, of which only the long form tells the cluster. The machines of a cluster
are called by their EC2 instances: these bear the tags, and stay the same when their agent registers anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from chaos_runner.errors import Gone, Refused
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, pick
from chaos_runner.targets.aws.ec2 import INSTANCE, Ec2Tagging
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind

ECS: Final = "ecs"
_SERVICES_AT_ONCE: Final = 10
_AT_ONCE: Final = 100
_ZONE: Final = "ecs.availability-zone"
_OF_SERVICE: Final = "service:"
_TAGS: Final = ("ecs:ListTagsForResource", "ecs:TagResource", "ecs:UntagResource")


class EcsTagging(Struct, frozen=True):
    """Tags of services and of tasks."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        return _unpaired(at.ask(ECS, "list_tags_for_resource", resourceArn=thing).get("tags"))

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        said = [{"key": key, "value": value} for key, value in tags.items()]
        at.ask(ECS, "tag_resource", resourceArn=thing, tags=said)

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask(ECS, "untag_resource", resourceArn=thing, tagKeys=list(keys))

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        """All services are asked for their tags, ten at a time. We never tag tasks."""
        for cluster in at.every(ECS, "list_clusters", "clusterArns[]"):
            for seen in _services(at, cluster):
                if RUN in (tags := _unpaired(seen.get("tags"))):
                    yield seen["serviceArn"], tags


SERVICE: Final = Kind("ECS service", EcsTagging(), "arn:aws:ecs:{region}:{account}:service/{thing}", _TAGS)
TASK: Final = Kind("ECS task", EcsTagging(), "arn:aws:ecs:{region}:{account}:task/{thing}", _TAGS)
MACHINE: Final = Kind("container instance", Ec2Tagging("instance"), INSTANCE.arn, INSTANCE.tags)


class ServiceTarget(Picked, frozen=True, kw_only=True):
    """Which services of a `cluster`: every key that is given must hold. `ids` are their names."""

    cluster: str

    @property
    def within(self) -> list[str]:
        return [f"cluster {self.cluster}"]


class TaskTarget(Picked, frozen=True, kw_only=True):
    """Which tasks of a `cluster`, of one `service` or of any: every key that is given must hold."""

    cluster: str
    service: str = ""

    @property
    def within(self) -> list[str]:
        return [f"cluster {self.cluster}", *([f"service {self.service}"] if self.service else [])]


class MachineTarget(Picked, frozen=True, kw_only=True):
    """Which EC2 instances of a `cluster`: every key that is given must hold. `ids` are those of the EC2 instances,
    `tags` are those of the container instances.
    """

    cluster: str

    @property
    def within(self) -> list[str]:
        return [f"cluster {self.cluster}"]


def find_services(target: ServiceTarget, seed: int) -> Chosen:
    """The services that are meant, active ones."""
    at = target.account()
    return pick(at, SERVICE, target, [
        Thing(thing=one["serviceArn"], seen=one, tags=_unpaired(one.get("tags")), name=one["serviceName"],
              arn=one["serviceArn"]) for one in _services(at, target.cluster) if one["status"] == "ACTIVE"], seed)


def find_tasks(target: TaskTarget, seed: int) -> Chosen:
    """The tasks that are meant, running ones. A service that is named is a choice of all of its tasks."""
    at = target.account()
    found = [one for one in tasks(at, target.cluster, target.service) if one["lastStatus"] == "RUNNING"]
    things = [Thing(thing=one["taskArn"], seen=one, tags=_unpaired(one.get("tags")), name=_last(one["taskArn"]),
                    az=one.get("availabilityZone", ""), arn=one["taskArn"]) for one in found]
    whole = target.service and not (target.ids or target.arns or target.tags or target.az or target.count)
    return pick(at, TASK, structs.replace(target, percent=target.percent or 1.0) if whole else target, things, seed)


def find_machines(target: MachineTarget, seed: int) -> Chosen:
    """The EC2 instances of a cluster that are meant."""
    at = target.account()
    there = [one for one in machines(at, target.cluster) if "ec2InstanceId" in one]
    return pick(at, MACHINE, target, [
        Thing(thing=one["ec2InstanceId"], seen=one, tags=_unpaired(one.get("tags")), az=_zone(one),
              arn=one["containerInstanceArn"]) for one in there], seed)


def tasks(at: Account, cluster: str, service: str = "") -> Iterator[dict[str, Any]]:
    """The tasks of a cluster that are to run, or those of one service."""
    asked = {"serviceName": service} if service else {}
    arns = list(at.every(ECS, "list_tasks", "taskArns[]", cluster=cluster, desiredStatus="RUNNING", **asked))
    for some in _slices(arns, _AT_ONCE):
        for seen in at.ask(ECS, "describe_tasks", cluster=cluster, tasks=some, include=["TAGS"])["tasks"]:
            if not service or of_service(seen) == service:
                yield seen


def of_service(task: Mapping[str, Any]) -> str:
    """The name of the service that started a task. "" for a task on its own."""
    group = str(task.get("group", ""))
    return group.removeprefix(_OF_SERVICE) if group.startswith(_OF_SERVICE) else ""


def machines(at: Account, cluster: str, asked: str = "") -> Iterator[dict[str, Any]]:
    """The container instances of a cluster; `asked` is a filter in its own language."""
    more = {"filter": asked} if asked else {}
    arns = list(at.every(ECS, "list_container_instances", "containerInstanceArns[]", cluster=cluster, **more))
    for some in _slices(arns, _AT_ONCE):
        yield from at.ask(ECS, "describe_container_instances", cluster=cluster, containerInstances=some,
                          include=["TAGS"])["containerInstances"]


def read_machine(at: Account, instance: str) -> dict[str, Any]:
    """What ECS says now of an EC2 instance, and the cluster that has it. Raises Gone when none has."""
    for cluster in at.every(ECS, "list_clusters", "clusterArns[]"):
        for seen in machines(at, cluster, f"ec2InstanceId == {instance}"):
            if seen.get("ec2InstanceId") == instance:
                return {**seen, "cluster": cluster}
    raise Gone(f"the instance {instance} is in no ECS cluster")


def read_service(at: Account, arn: str) -> dict[str, Any]:
    """What ECS says of a service now. Raises Gone also when it is being deleted."""
    found = at.ask(ECS, "describe_services", cluster=cluster_of(arn), services=[arn])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        raise Gone(f"the ECS service {_last(arn)} is deleted")
    seen: dict[str, Any] = found[0]
    return seen


def cluster_of(arn: str) -> str:
    """The name of the cluster that a service or a task is in. Raises Refused for an ARN of the old form."""
    words = arn.rpartition(":")[2].split("/")
    if len(words) != 3:
        raise Refused(f"{arn} does not tell its cluster: it is an ARN of the old form, which cannot be tagged either")
    return words[1]


def _services(at: Account, cluster: str) -> Iterator[dict[str, Any]]:
    arns = list(at.every(ECS, "list_services", "serviceArns[]", cluster=cluster))
    for some in _slices(arns, _SERVICES_AT_ONCE):
        yield from at.ask(ECS, "describe_services", cluster=cluster, services=some, include=["TAGS"])["services"]


def _zone(machine: Mapping[str, Any]) -> str:
    return next((str(one["value"]) for one in machine.get("attributes", ()) if one["name"] == _ZONE), "")


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _slices(all_: Sequence[str], most: int) -> Iterator[list[str]]:
    return (list(all_[start:start + most]) for start in range(0, len(all_), most))


def _unpaired(tags: Any) -> dict[str, str]:
    """ECS writes its tags in lower case."""
    return {one["key"]: one["value"] for one in tags or ()}
