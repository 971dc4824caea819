"""aws.asg_suspend: an Auto Scaling group stops doing what it does by itself; undo lets it go on."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import Struct, field

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.errors import NoEffect, UsageError
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.autoscaling import GROUP, LOOKING, GroupTarget, find_groups, read_group, suspended
from chaos_runner.targets.aws.choosing import spoken
from chaos_runner.targets.aws.rights import Need, Permissions

Process = Literal["Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck",
                  "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions"]
PROCESSES: Final = ("Launch", "Terminate", "AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck",
                    "InstanceRefresh", "ReplaceUnhealthy", "ScheduledActions")
SUSPENDED: Final = "suspended"
ACTIVE: Final = "active"


class AsgSuspendArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which processes, as AWS calls them: Launch, Terminate, AddToLoadBalancer, AlarmNotification, AZRebalance,
    HealthCheck, InstanceRefresh, ReplaceUnhealthy, ScheduledActions.
    """

    processes: list[Process] = field(default_factory=lambda: ["Launch"])


class AsgSuspend(ChangeFault[GroupTarget, AsgSuspendArguments]):
    """Suspends processes of Auto Scaling groups, such as launching instances. A process that was suspended before stays
    so when this is undone.

    What a group would have done meanwhile it does afterwards: a group that is short of instances launches them then.
    """

    target = GroupTarget
    arguments = AsgSuspendArguments
    band = Band(word="suspended")
    kind = GROUP
    undone_by = "the processes that were suspended go on, unless somebody else has let them"
    permissions = Permissions(
        look=(Need(LOOKING, on="*"),), do=(Need("autoscaling:SuspendProcesses"),),
        undo=(Need("autoscaling:ResumeProcesses"),))
    example = Example(target={"ids": ["shop-web"]}, arguments={"processes": ["Launch"]})

    def wanted(self, target: GroupTarget, arguments: AsgSuspendArguments, setting: Setting) -> list[Wanted]:
        if not arguments.processes:
            raise UsageError("`processes` names none")
        found = find_groups(target, setting.seed)
        active = {one.thing: set(arguments.processes) - suspended(one.seen) for one in found.things}
        if not any(active.values()):
            raise NoEffect(f"{spoken(GROUP, target)}: {', '.join(arguments.processes)} suspended already")
        return [Wanted.of(found, one, dict.fromkeys(sorted(active[one.thing]), SUSPENDED))
                for one in found.things if active[one.thing]]

    def read(self, at: Account, thing: str) -> Values:
        return states(read_group(at, thing))

    def write(self, order: Order) -> None:
        for operation, state in (("suspend_processes", SUSPENDED), ("resume_processes", ACTIVE)):
            named = [process for process, wanted in order.values.items() if wanted == state]
            if named:  # none would be all
                order.at.ask("autoscaling", operation, AutoScalingGroupName=order.thing, ScalingProcesses=named)

    def touches(self, values: Values) -> bool:
        return values.keys() <= set(PROCESSES) and set(values.values()) <= {SUSPENDED, ACTIVE}

    def notes(self, acts: Sequence[Act]) -> list[str]:
        stuck = [act.label for act in acts if "Launch" in _named(act) and "Terminate" not in _named(act)]
        return [*super().notes(acts), *([_SHRINKS.format(", ".join(stuck))] if stuck else [])]

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        return ref.command("autoscaling", "resume-processes", "--auto-scaling-group-name", ref.thing,
                           "--scaling-processes", *_named(act))


_SHRINKS: Final = ("{} can lose instances and launches none while Launch is suspended: AZRebalance and health checks "
                   "terminate them all the same, unless Terminate is suspended too")


def states(seen: dict[str, Any]) -> dict[str, str]:
    """How each process of a group is."""
    held = suspended(seen)
    return {process: SUSPENDED if process in held else ACTIVE for process in PROCESSES}


def _named(act: Act) -> list[str]:
    return list(act.do["values"])
