"""aws.elb_deregister: takes targets out of load balancing; undo registers them again."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import structs

from chaos_runner.contracts import Act, Band, Example, NoArguments, Setting
from chaos_runner.errors import ActFailed, NoTarget, Refused
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws import elb
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.autoscaling import REPLACING, read_group, suspended
from chaos_runner.targets.aws.choosing import Picked, Thing, choose, pick, spoken
from chaos_runner.targets.aws.ec2 import OVER
from chaos_runner.targets.aws.elb import ELB, TARGET_GROUP, Registered, TargetGroupTarget, registered
from chaos_runner.targets.aws.rights import Need, Permissions

REGISTERED: Final = "registered"
OUT: Final = "out"
_ENDED: Final = "ended"
_DELAY: Final = "deregistration_delay.timeout_seconds"
_DELAY_MOST_S: Final = 300
_STARTING_S: Final = 60.0
_AGAIN_S: Final = 2.0
_AT_ONCE: Final = 50
"""Auto Scaling tells of so many instances in one answer."""


class ElbDeregister(ChangeFault[TargetGroupTarget, NoArguments]):
    """Deregisters targets from target groups: the load balancer sends them no new requests. What they are answering
    they may finish, for the group's deregistration delay.

    An instance that ended meanwhile cannot be registered again: that is told as drift. A target that is an address can
    be registered again only when that delay is over: undo waits for it, and a delay of more than 300 s is refused.
    """

    target = TargetGroupTarget
    band = Band(word="deregistered")
    kind = TARGET_GROUP
    undone_by = "the targets are registered again"
    undo_s = _DELAY_MOST_S + 30.0
    permissions = Permissions(
        look=(Need("elasticloadbalancing:DescribeTargetGroups", on="*"),
              Need("elasticloadbalancing:DescribeTargetGroupAttributes", on="*"),
              Need("elasticloadbalancing:DescribeTargetHealth", on="*"),
              Need("autoscaling:DescribeAutoScalingInstances", on="*"),
              Need("autoscaling:DescribeAutoScalingGroups", on="*"),
              Need("ec2:DescribeInstances", on="*"), Need("ec2:DescribeNetworkInterfaces", on="*")),
        do=(Need("elasticloadbalancing:DeregisterTargets"),), undo=(Need("elasticloadbalancing:RegisterTargets"),))
    example = Example(target={"ids": ["shop-web"], "count": 1})

    def wanted(self, target: TargetGroupTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        at = target.account()
        groups = pick(at, TARGET_GROUP, _groups_only(target), elb.group_things(at), setting.seed)
        chosen = {one.thing: _chosen(at, one.thing, target, setting.seed) for one in groups.things}
        if not any(chosen.values()):
            raise NoTarget(f"{spoken(TARGET_GROUP, target)}: no target is registered there")
        for one in groups.things:
            _check_returns(at, one, chosen[one.thing])
        return [Wanted.of(groups, one, {str(target): OUT for target in chosen[one.thing]})
                for one in groups.things if chosen[one.thing]]

    def read(self, at: Account, thing: str) -> Values:
        return _Seen(at, {str(target) for target in registered(at, thing)})

    def write(self, order: Order) -> None:
        there = {str(target) for target in registered(order.at, order.thing)}
        leaving = [one for one, wanted in order.values.items() if wanted == OUT and one in there]
        if leaving:
            order.at.ask(ELB, "deregister_targets", TargetGroupArn=order.thing, Targets=_asked(leaving))
        coming = [one for one, wanted in order.values.items() if wanted == REGISTERED and one not in there]
        if coming:
            _wait_until_ready(order, coming)
            order.at.ask(ELB, "register_targets", TargetGroupArn=order.thing, Targets=_asked(coming))

    def touches(self, values: Values) -> bool:
        return set(values.values()) <= {OUT, REGISTERED}

    def notes(self, acts: Sequence[Act]) -> list[str]:
        return [*super().notes(acts), *(note for act in acts for note in _notes(act))]

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        said = [f"Id={one.id}" + (f",Port={one.port}" if one.port else "")
                + (f",AvailabilityZone={one.zone}" if one.zone else "") for one in map(Registered.parsed, _named(act))]
        return ref.command(ELB, "register-targets", "--target-group-arn", ref.thing, "--targets", *said)


class _Seen(Mapping[str, str]):
    """How targets are: those that are registered, and of any other that is asked for whether it could be."""

    def __init__(self, at: Account, there: Collection[str]) -> None:
        self._at = at
        self._there = there

    def __iter__(self) -> Iterator[str]:
        return iter(self._there)

    def __len__(self) -> int:
        return len(self._there)

    def __getitem__(self, words: str) -> str:
        if words in self._there:
            return REGISTERED
        id_ = Registered.parsed(words).id
        there = elb.instances(self._at, [id_]) if id_.startswith("i-") else [{}]
        return OUT if any(_lives(one) for one in there) else _ENDED


def _groups_only(target: TargetGroupTarget) -> Picked:
    """What says which groups. A zone alone means all groups: those of them that have a target there."""
    said = structs.replace(target, az="", count=None, percent=None, per_az=False)
    named = said.ids or said.arns or said.tags or said.stack or said.resource_group
    return said if named or not (target.az or target.percent) else structs.replace(said, percent=1.0)


def _chosen(at: Account, group: str, target: TargetGroupTarget, seed: int) -> list[Registered]:
    there = registered(at, group)
    zones = elb.zones(at, [one.id for one in there]) if target.az or target.per_az else {}
    things = [Thing(thing=str(one), az=zones.get(one.id, "")) for one in there]
    return [Registered.parsed(one.thing) for one in choose(
        [one for one in things if target.az in ("", one.az)], target, seed)]


def _check_returns(at: Account, group: Thing, chosen: Sequence[Registered]) -> None:
    if not any(_is_address(one) for one in chosen):
        return
    said = at.ask(ELB, "describe_target_group_attributes", TargetGroupArn=group.thing)["Attributes"]
    delay_s = next((int(one["Value"]) for one in said if one["Key"] == _DELAY), _DELAY_MOST_S)
    if delay_s > _DELAY_MOST_S:
        raise Refused(f"target group {group.name} has a deregistration delay of {delay_s} s: its addresses could not "
                      f"be registered again before, and at most {_DELAY_MOST_S} s are waited for")


def _wait_until_ready(order: Order, targets: Sequence[str]) -> None:
    """Instances must run before they are registered, and addresses be gone."""
    machines = [one.id for one in map(Registered.parsed, targets) if one.id.startswith("i-")]
    addresses = {words for words in targets if _is_address(Registered.parsed(words))}
    _wait(_STARTING_S, "starting", lambda: [
        one["InstanceId"] for one in elb.instances(order.at, machines) if one["State"]["Name"] == "pending"])
    _wait(float(_DELAY_MOST_S), "draining", lambda: sorted(
        addresses & elb.on_their_way_out(order.at, order.thing)) if addresses else [])


def _wait(most_s: float, word: str, pending: Callable[[], list[str]]) -> None:
    until_s = time.monotonic() + most_s
    while left := pending():
        if time.monotonic() > until_s:
            raise ActFailed(f"{', '.join(left)} is still {word} after {most_s:g} s, and cannot be registered before")
        time.sleep(_AGAIN_S)


def _notes(act: Act) -> list[str]:
    """What becomes of a group, and of its instances."""
    ref, named = ref_of(act), _named(act)
    at = ref.at()
    left = [one for one in registered(at, ref.thing) if str(one) not in named]
    replaced = _replaced(at, [one.id for one in map(Registered.parsed, named) if one.id.startswith("i-")])
    said = f"{ref.label}: {len(named)} of {len(named) + len(left)} targets are deregistered"
    return [said if left else f"{said}: nobody is served by it"] + (
        [_REPLACES.format(", ".join(replaced))] if replaced else [])


_REPLACES: Final = ("{} asks the load balancer how its instances are, and may replace what is deregistered: hold it "
                    "with aws.asg_suspend")


def _replaced(at: Account, machines: Sequence[str]) -> list[str]:
    """The Auto Scaling groups of these instances that go by the load balancer's health checks."""
    there = [one for start in range(0, len(machines), _AT_ONCE) for one in at.ask(
        "autoscaling", "describe_auto_scaling_instances",
        InstanceIds=list(machines[start:start + _AT_ONCE]))["AutoScalingInstances"]]
    groups = {one["AutoScalingGroupName"]: read_group(at, one["AutoScalingGroupName"]) for one in there}
    return sorted(name for name, seen in groups.items()
                  if "ELB" in seen["HealthCheckType"] and not suspended(seen) & REPLACING)


def _lives(seen: Mapping[str, Any]) -> bool:
    return not seen or seen["State"]["Name"] not in OVER


def _asked(targets: Sequence[str]) -> list[dict[str, Any]]:
    return [Registered.parsed(one).asked for one in targets]


def _is_address(target: Registered) -> bool:
    return not target.id.startswith(("i-", "arn:"))


def _named(act: Act) -> list[str]:
    return list(act.do["values"])
