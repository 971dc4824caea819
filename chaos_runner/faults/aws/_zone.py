"""What a zone without power is made of: acts of other faults, on what stands in the zone.

In this order: its Auto Scaling groups are held, then its targets taken out of load balancing, then its instances
stopped. The undo goes the other way round, so that no group judges instances that are not yet up again.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from msgspec import field, structs

from chaos_runner.contracts import Act, Group, Setting
from chaos_runner.errors import Gone, NoTarget
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.faults.aws.asg_suspend import ACTIVE, PROCESSES, SUSPENDED, states
from chaos_runner.faults.aws.elb_deregister import OUT, ElbDeregister
from chaos_runner.faults.aws.instance_stop import InstanceStop, InstanceStopArguments, check_can_stop
from chaos_runner.targets.aws import elb
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.autoscaling import GROUP, LOOKING, GroupTarget, find_groups, read_group
from chaos_runner.targets.aws.choosing import Chosen, Placed, Thing, filters
from chaos_runner.targets.aws.ec2 import INSTANCE, InstanceTarget, find_instances
from chaos_runner.targets.aws.headroom import ASG
from chaos_runner.targets.aws.rights import Need, Permissions

NAME: Final = "aws.az_power"
_SUBNETS: Final = "subnets"
_HELD: Final = ("AZRebalance", "HealthCheck", "ReplaceUnhealthy", "Terminate")
"""What would end stopped instances, or those in a zone that the group has left."""
_WELL_S: Final = 300.0
_AGAIN_S: Final = 5.0
_ON_THE_WAY: Final = ("initial", "unhealthy")


class ZoneTarget(Placed, frozen=True, kw_only=True):
    """Which zone, and in it what: instances with these tags, in this VPC; without them all of the region."""

    az: str
    tags: dict[str, str] = field(default_factory=dict)
    vpc: str = ""

    @property
    def instances(self) -> InstanceTarget:
        """The instances that are meant, as other faults name them."""
        return InstanceTarget(profile=self.profile, region=self.region, assume_role=self.assume_role, az=self.az,
                              tags=self.tags, filters={"vpc-id": [self.vpc]} if self.vpc else {})


class ZonePart(ChangeFault[ZoneTarget, InstanceStopArguments]):
    """One of the things that are done to a zone."""

    target = ZoneTarget

    @property
    def name(self) -> str:
        return NAME


class Held(ZonePart):
    """Auto Scaling groups that reach into the zone launch nothing there, and end nothing that stands still."""

    kind = GROUP
    undo_s = _WELL_S + 60.0
    permissions = Permissions(
        look=(Need(LOOKING, on="*"), Need("ec2:DescribeSubnets", on="*"), Need("ec2:DescribeInstances", on="*"),
              Need("elasticloadbalancing:DescribeTargetHealth", on="*")),
        do=(Need("autoscaling:UpdateAutoScalingGroup"), Need("autoscaling:SuspendProcesses")),
        undo=(Need("autoscaling:UpdateAutoScalingGroup"), Need("autoscaling:ResumeProcesses")))

    def wanted(self, target: ZoneTarget, arguments: InstanceStopArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found, lost = _groups(target), _subnets(target)
        mine = {one.tags.get(ASG) for one in zone_instances(target).things}
        return [Wanted.of(found, one, _without(one.seen, lost),
                          {"az": target.az, _SUBNETS: one.seen.get("VPCZoneIdentifier", "")})
                for one in found.things if one.thing in mine or _reaches(one, target, lost)]

    def read(self, at: Account, thing: str) -> Values:
        seen = read_group(at, thing)
        return {**states(seen), _SUBNETS: sorted(_named(seen))}

    def write(self, order: Order) -> None:
        if SUSPENDED in order.values.values():
            _switch(order, "suspend_processes", SUSPENDED)
        if _SUBNETS in order.values:
            order.at.ask("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=order.thing,
                         VPCZoneIdentifier=_in_order(order.values[_SUBNETS], order.how[_SUBNETS]))
        if ACTIVE in order.values.values():
            _wait_until_well(order.at, order.thing, order.how["az"])
            _switch(order, "resume_processes", ACTIVE)

    def touches(self, values: Values) -> bool:
        return all(isinstance(value, list) if key == _SUBNETS else key in PROCESSES and value in (SUSPENDED, ACTIVE)
                   for key, value in values.items())

    def by_hand(self, act: Act) -> str:
        ref, was = ref_of(act), act.was["values"]
        group = ("--auto-scaling-group-name", ref.thing)
        active = [process for process, state in was.items() if state == ACTIVE]
        subnets = [ref.command("autoscaling", "update-auto-scaling-group", *group, "--vpc-zone-identifier",
                               act.do["how"][_SUBNETS])] if _SUBNETS in was else []
        resumed = [ref.command("autoscaling", "resume-processes", *group, "--scaling-processes", *active)]
        return " && ".join([*subnets, *(resumed if active else [])])


class Likewise(ZonePart):
    """A part that does to its things what a fault of its own does."""

    _like: ClassVar[ChangeFault[Any, Any]]

    def read(self, at: Account, thing: str) -> Values:
        return self._like.read(at, thing)

    def write(self, order: Order) -> None:
        self._like.write(order)

    def touches(self, values: Values) -> bool:
        return self._like.touches(values)

    def by_hand(self, act: Act) -> str:
        return self._like.by_hand(act)


class OutOfReach(Likewise):
    """The instances of the zone are no targets of load balancers."""

    kind = elb.TARGET_GROUP
    _like = ElbDeregister()
    permissions = ElbDeregister.permissions
    undo_s = ElbDeregister.undo_s

    def wanted(self, target: ZoneTarget, arguments: InstanceStopArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        chosen = zone_instances(target)
        mine, at = {one.thing for one in chosen.things}, chosen.at
        groups = Chosen(at=at, kind=self.kind, group=None, things=elb.group_things(at) if mine else [])
        there = {one.thing: [target for target in elb.registered(at, one.thing) if target.id in mine]
                 for one in groups.things}
        return [Wanted.of(groups, one, {str(target): OUT for target in there[one.thing]})
                for one in groups.things if there[one.thing]]


class Stopped(Likewise):
    """The instances of the zone are stopped."""

    kind = INSTANCE
    _like = InstanceStop()
    permissions = InstanceStop.permissions
    undo_s = InstanceStop.undo_s

    def wanted(self, target: ZoneTarget, arguments: InstanceStopArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = zone_instances(target)
        for one in found.things:
            check_can_stop(one)
        how = {"force": True} if arguments.force else {}
        return [Wanted.of(found, one, {"state": "stopped"}, how) for one in found.things]

    def notes(self, acts: Sequence[Act]) -> list[str]:
        return self._like.notes(acts)


def zone_instances(target: ZoneTarget) -> Chosen:
    """The instances that run in the zone. For limits their share is of the same in all zones. Raises NoTarget."""
    named = target.instances
    found = find_instances(named, 0, ("pending", "running"))
    wide = find_instances(structs.replace(named, az="", percent=1.0), 0, ("pending", "running"))
    said = ", ".join(f"{key}={value}" for key, value in target.tags.items())
    group = Group(name=f"instances {said or target.vpc or 'of the region'}, in all zones", size=len(wide.things))
    return structs.replace(found, group=group)


def _groups(target: ZoneTarget) -> Chosen:
    """All Auto Scaling groups: of which some are meant. They were not chosen from a group."""
    everyone = GroupTarget(profile=target.profile, region=target.region, assume_role=target.assume_role, percent=1.0)
    try:
        return structs.replace(find_groups(everyone, 0), group=None)
    except NoTarget:
        return Chosen(at=target.account(), kind=GROUP, things=[], group=None)


def _subnets(target: ZoneTarget) -> set[str]:
    """The subnets of the zone."""
    asked = {"availability-zone": [target.az], "vpc-id": [target.vpc] if target.vpc else []}
    return {str(one) for one in target.account().every("ec2", "describe_subnets", "Subnets[].SubnetId",
                                                       Filters=filters(asked))}


def _reaches(one: Thing, target: ZoneTarget, lost: set[str]) -> bool:
    """Whether it may launch what is meant into the zone."""
    within = not target.vpc or bool(lost & set(_named(one.seen)))
    return within and target.az in one.seen["AvailabilityZones"] and target.tags.items() <= one.tags.items()


def _without(seen: Mapping[str, Any], lost: set[str]) -> dict[str, Any]:
    """How a group is when it is held. One that has subnets nowhere else keeps them, and launches nothing at all."""
    left = sorted(subnet for subnet in _named(seen) if subnet not in lost)
    if not left:
        return dict.fromkeys(("Launch", *_HELD), SUSPENDED)
    return {**dict.fromkeys(_HELD, SUSPENDED), _SUBNETS: left}


def _named(seen: Mapping[str, Any]) -> list[str]:
    return [one.strip() for one in seen.get("VPCZoneIdentifier", "").split(",") if one.strip()]


def _in_order(subnets: Sequence[str], former: str) -> str:
    """Subnets as AWS wants them: in their former order, when they are the same."""
    same = sorted(_named({"VPCZoneIdentifier": former})) == list(subnets)
    return former if same else ",".join(subnets)


def _switch(order: Order, operation: str, state: str) -> None:
    named = [process for process, wanted in order.values.items() if process != _SUBNETS and wanted == state]
    if named:  # none would be all
        order.at.ask("autoscaling", operation, AutoScalingGroupName=order.thing, ScalingProcesses=named)


def _wait_until_well(at: Account, group: str, zone: str) -> None:
    """A group that looks again too early ends what is only starting. After its time it may look all the same."""
    until_s = time.monotonic() + _WELL_S
    while _starting(at, group, zone) and time.monotonic() < until_s:
        time.sleep(_AGAIN_S)


def _starting(at: Account, group: str, zone: str) -> bool:
    """Whether some of its instances in the zone are on their way, themselves or behind their load balancer."""
    seen = read_group(at, group)
    mine = [one["InstanceId"] for one in seen["Instances"] if one["AvailabilityZone"] == zone]
    states_ = {one["InstanceId"]: one["State"]["Name"] for one in elb.instances(at, mine)}
    if "pending" in states_.values():
        return True
    running = {thing for thing, state in states_.items() if state == "running"}
    return "ELB" in seen["HealthCheckType"] and any(_is_starting(at, arn, running) for arn in seen["TargetGroupARNs"])


def _is_starting(at: Account, target_group: str, running: Iterable[str]) -> bool:
    try:
        return any(one["Target"]["Id"] in running and one["TargetHealth"]["State"] in _ON_THE_WAY
                   for one in elb.health(at, target_group))
    except Gone:
        return False
