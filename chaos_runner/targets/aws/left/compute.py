"""Auto Scaling groups whose processes are suspended, and container hosts that drain."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.left.whose import command, is_ours, tool_of
from chaos_runner.targets.leftover import Leftover

_SINCE: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)")
_HOSTS_MOST: Final = 100
"""As many as one call describes."""


def suspended(at: Account) -> Iterator[Leftover]:
    """Auto Scaling groups that do not do all that they should."""
    for group in at.every("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups[]"):
        tags = unpaired(group.get("Tags"))
        if group["SuspendedProcesses"] and not is_ours(tags):
            yield _of_group(at, group, tags)


def _of_group(at: Account, group: dict[str, Any], tags: dict[str, str]) -> Leftover:
    name, processes = group["AutoScalingGroupName"], sorted(one["ProcessName"] for one in group["SuspendedProcesses"])
    return Leftover(
        code="suspended", what=f"Auto Scaling group {name}", says=f"suspended: {', '.join(processes)}",
        undo=command(at, "autoscaling", "resume-processes", "--auto-scaling-group-name", name, "--scaling-processes",
                     *processes),
        whose=tool_of(tags), since=_since(group["SuspendedProcesses"]), first="nobody has suspended them on purpose")


def _since(processes: list[dict[str, str]]) -> datetime | None:
    """AWS tells when, in the middle of a sentence: "User suspended at 2026-11-20T11:02:10Z"."""
    found = [match[1] for one in processes if (match := _SINCE.search(one.get("SuspensionReason", "")))]
    return min((datetime.fromisoformat(text).replace(tzinfo=UTC) for text in found), default=None)


def draining(at: Account) -> Iterator[Leftover]:
    """Container hosts on which ECS starts nothing."""
    for cluster in at.every("ecs", "list_clusters", "clusterArns[]"):
        arns = list(at.every("ecs", "list_container_instances", "containerInstanceArns[]", cluster=cluster,
                             status="DRAINING"))
        for start in range(0, len(arns), _HOSTS_MOST):
            hosts = at.ask("ecs", "describe_container_instances", cluster=cluster, include=["TAGS"],
                           containerInstances=arns[start:start + _HOSTS_MOST])["containerInstances"]
            yield from (_of_host(at, cluster, host) for host in hosts if not is_ours(_tags(host)))


def _of_host(at: Account, cluster: str, host: dict[str, Any]) -> Leftover:
    return Leftover(
        code="draining", what=f"container instance {host.get('ec2InstanceId') or host['containerInstanceArn']}",
        says=f"drains: ECS starts nothing on it ({host.get('runningTasksCount', 0)} tasks left)",
        undo=command(at, "ecs", "update-container-instances-state", "--cluster", cluster, "--status", "ACTIVE",
                     "--container-instances", host["containerInstanceArn"]),
        whose=tool_of(_tags(host)), first="it is not being replaced")


def _tags(host: dict[str, Any]) -> dict[str, str]:
    return {one["key"]: one.get("value", "") for one in host.get("tags") or ()}
