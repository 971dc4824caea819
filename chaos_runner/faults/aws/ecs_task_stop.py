"""aws.ecs_task_stop: stops ECS tasks; their service starts others."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import to_builtins

from chaos_runner.contracts import Act, Answer, Band, Evidence, Example, NoArguments, Restored, Setting
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused
from chaos_runner.faults.aws._fault import AwsFault, ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Thing
from chaos_runner.targets.aws.ecs import ECS, TASK, TaskTarget, cluster_of, find_tasks, of_service, tasks
from chaos_runner.targets.aws.rights import Need, Permissions

_REASON: Final = "chaos-runner: aws.ecs_task_stop"
_STOPPED: Final = "STOPPED"
_SHOWN_MOST: Final = 10


class EcsTaskStop(AwsFault[TaskTarget, NoArguments]):
    """Stops running tasks: their containers get SIGTERM, and SIGKILL after the time that they ask for, 30 s by default.

    A task that no service started, and so would start again, is refused.
    """

    target = TaskTarget
    band = Band(word="stopped")
    kind = TASK
    healed_by = "their service, which starts other tasks"
    permissions = Permissions(
        look=(Need("ecs:ListTasks", on="*"), Need("ecs:DescribeTasks", on="*"), Need("ecs:DescribeServices", on="*")),
        do=(Need("ecs:StopTask"),))
    example = Example(target={"cluster": "shop", "service": "checkout", "count": 1})

    @property
    def all_permissions(self) -> Permissions:
        """Nothing is tagged: nothing is undone."""
        return self.permissions

    def prepare(self, target: TaskTarget, arguments: NoArguments, setting: Setting) -> list[Act]:  # noqa: ARG002
        found = find_tasks(target, setting.seed)
        for one in found.things:
            _check_healed(one)
        self.check_allowed([found.ref(one) for one in found.things], setting)
        return [Act(target=to_builtins(ref := found.ref(one)), do={}, was={"service": of_service(one.seen)},
                    label=ref.label, group=found.group, where=ref.where(one.tags)) for one in found.things]

    def apply(self, act: Act) -> Evidence:
        ref, at = ref_of(act), ref_of(act).at()
        status = _status(at, ref.thing)
        if status != "RUNNING":
            raise NoTarget(f"{ref.label} was {status.lower()} before it was hit")
        at.ask(ECS, "stop_task", cluster=cluster_of(ref.thing), task=ref.thing, reason=_REASON)
        [seen] = at.ask(ECS, "describe_tasks", cluster=cluster_of(ref.thing), tasks=[ref.thing])["tasks"]
        if seen["desiredStatus"] != _STOPPED:
            raise ActFailed(f"{ref.label} was to stop, and is to be {seen['desiredStatus']}")
        return Evidence(before="RUNNING", after=f"to be {_STOPPED}, {seen['lastStatus']} now")

    def undo(self, act: Act) -> None:
        """Nothing: its service starts another."""

    def verify(self, act: Act) -> Restored:
        return Restored(answer=Answer.GONE,
                        diff=f"{act.label} does not come back; its service {act.was['service']} starts another")

    def notes(self, acts: Sequence[Act]) -> list[str]:
        services = {(cluster_of(ref_of(act).thing), act.was["service"]) for act in acts}
        at = ref_of(acts[0]).at()
        left = [note for cluster, service in sorted(services) for note in _left(at, cluster, service, acts)]
        return [*super().notes(acts), *left]

    def aftermath(self, act: Act, since: datetime) -> list[str]:
        ref, service = ref_of(act), act.was["service"]
        at, cluster = ref.at(), cluster_of(ref.thing)
        started = [one for one in tasks(at, cluster, service)
                   if one.get("createdAt") and one["createdAt"] >= since.replace(microsecond=0)]
        lines = [f"{one['taskArn'].rpartition('/')[2]} was made at {one['createdAt'].astimezone(UTC):%H:%M:%S} UTC: "
                 f"{one['lastStatus']}" for one in started[:_SHOWN_MOST]]
        seen = at.ask(ECS, "describe_services", cluster=cluster, services=[service])["services"]
        return [*lines, *(f"the service {service} runs {one['runningCount']} of {one['desiredCount']} tasks"
                          for one in seen)]


def _check_healed(one: Thing) -> None:
    if not of_service(one.seen):
        raise Refused(f"the ECS task {one.name} belongs to no service: nothing would start it again")


def _status(at: Account, arn: str) -> str:
    try:
        found = at.ask(ECS, "describe_tasks", cluster=cluster_of(arn), tasks=[arn])["tasks"]
    except Gone:
        return "GONE"
    return str(found[0]["lastStatus"]) if found else "GONE"


def _left(at: Account, cluster: str, service: str, acts: Sequence[Act]) -> list[str]:
    hit = {ref_of(act).thing for act in acts}
    there = {one["taskArn"] for one in tasks(at, cluster, service)}
    return [f"no task of the service {service} keeps running"] if there <= hit else []
