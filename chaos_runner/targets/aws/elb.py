"""What stands in Elastic Load Balancing: target groups with their targets, listeners with their rules.

Its things are called by their ARNs.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct, structs

from chaos_runner.targets.aws.access import Account, pairs, unpaired
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, filters, pick
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind

ELB: Final = "elbv2"
_TAGS: Final = ("elasticloadbalancing:DescribeTags", "elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags")
_TAGGED_AT_ONCE: Final = 20
_FILTERED_AT_ONCE: Final = 100
_ARN: Final = "arn:aws:elasticloadbalancing:{region}:{account}"
DRAINING: Final = "draining"
_GOING: Final = (DRAINING, "unhealthy.draining")


class _Tagging(Struct, frozen=True):
    """Tags of what is named by an ARN."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        return dict(_tags(at, [thing]))[thing]

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        at.ask(ELB, "add_tags", ResourceArns=[thing], Tags=pairs(tags))

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask(ELB, "remove_tags", ResourceArns=[thing], TagKeys=list(keys))


class TargetGroupTagging(_Tagging, frozen=True):
    """Tags of target groups."""

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        """There is no list of tags here: all groups are asked for theirs, twenty at a time."""
        return _marked(at, [one["TargetGroupArn"] for one in target_groups(at)])


class ListenerTagging(_Tagging, frozen=True):
    """Tags of listeners."""

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        """All listeners are asked for theirs."""
        return _marked(at, [one["ListenerArn"] for one in listeners(at)])


TARGET_GROUP: Final = Kind("target group", TargetGroupTagging(), f"{_ARN}:targetgroup/{{thing}}", _TAGS)
LISTENER: Final = Kind("listener", ListenerTagging(), f"{_ARN}:listener/{{thing}}", _TAGS)


class TargetGroupTarget(Picked, frozen=True, kw_only=True):
    """Which target groups, by `ids` (their names), `arns`, `tags`, `stack` or `resource-group`; and which of the
    targets in each: those in the zone `az`, `count` or `percent` of them, `per-az` in each zone; without these all.
    """


class ListenerTarget(Picked, frozen=True, kw_only=True):
    """Which listeners: every key that is given must hold. `ids` are load balancers with ports ("shop-web:443"),
    `load-balancer` is one of them by its name or ARN, `tags` are the listeners' own.
    """

    load_balancer: str = ""

    @property
    def within(self) -> list[str]:
        return [f"load balancer {self.load_balancer}"] if self.load_balancer else []


class Registered(NamedTuple):
    """One target of a group. `zone` is the one that it was registered for: "" for its own, "all" for any."""

    id: str
    port: int | None
    zone: str = ""

    @classmethod
    def parsed(cls, words: str) -> "Registered":
        """The target that is written so."""
        id_, _, rest = words.partition(" ")
        port, _, zone = rest.partition(" ")
        return cls(id_, int(port) if port else None, zone)

    def __str__(self) -> str:
        return " ".join([self.id, *([str(self.port)] if self.port else []), *([self.zone] if self.zone else [])])

    @property
    def asked(self) -> dict[str, Any]:
        """The same for the API."""
        said = {"Id": self.id, "Port": self.port, "AvailabilityZone": self.zone}
        return {key: value for key, value in said.items() if value}


def target_groups(at: Account) -> Iterator[dict[str, Any]]:
    """All there are."""
    return at.every(ELB, "describe_target_groups", "TargetGroups[]")


def listeners(at: Account, balancer: str = "") -> Iterator[dict[str, Any]]:
    """All there are, of all load balancers or of one; `Name` is that of the load balancer with the port."""
    for one in at.every(ELB, "describe_load_balancers", "LoadBalancers[]"):
        arn, name = one["LoadBalancerArn"], one["LoadBalancerName"]
        if balancer in ("", arn, name):
            for seen in at.every(ELB, "describe_listeners", "Listeners[]", LoadBalancerArn=arn):
                yield {**seen, "Name": f"{name}:{seen.get('Port', '')}"}


def find_listeners(target: ListenerTarget, seed: int) -> Chosen:
    """The listeners that are meant. A load balancer that is named is a choice of all of its listeners."""
    at = target.account()
    seen = {one["ListenerArn"]: one for one in listeners(at, target.load_balancer)}
    things = [Thing(thing=arn, seen=seen[arn], tags=tags, name=seen[arn]["Name"], arn=arn)
              for arn, tags in _tags(at, list(seen))]
    whole = target.load_balancer and not (target.ids or target.arns or target.tags or target.stack or target.count)
    return pick(at, LISTENER, structs.replace(target, percent=target.percent or 1.0) if whole else target, things, seed)


def rules(at: Account, listener: str) -> list[dict[str, Any]]:
    """The rules of a listener, without its default. Raises Gone."""
    return [one for one in at.every(ELB, "describe_rules", "Rules[]", ListenerArn=listener) if not one["IsDefault"]]


def our_rules(at: Account, there: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those of these rules that bear a mark of ours."""
    known = {one["RuleArn"]: dict(one) for one in there}
    return [known[arn] for arn, _ in _marked(at, list(known))]


def group_things(at: Account) -> list[Thing]:
    """All target groups, with their tags."""
    seen = {one["TargetGroupArn"]: one for one in target_groups(at)}
    return [Thing(thing=arn, seen=seen[arn], tags=tags, name=seen[arn]["TargetGroupName"], arn=arn)
            for arn, tags in _tags(at, list(seen))]


def health(at: Account, arn: str) -> list[dict[str, Any]]:
    """How each target of a group is, those on their way out included. Raises Gone."""
    found: list[dict[str, Any]] = at.ask(ELB, "describe_target_health", TargetGroupArn=arn)["TargetHealthDescriptions"]
    return found


def registered(at: Account, arn: str) -> list[Registered]:
    """The targets of a group that are not on their way out. Raises Gone."""
    return [_target(one) for one in health(at, arn) if one["TargetHealth"]["State"] not in _GOING]


def on_their_way_out(at: Account, arn: str) -> set[str]:
    """The targets of a group that take no new requests and still answer old ones."""
    return {str(_target(one)) for one in health(at, arn) if one["TargetHealth"]["State"] in _GOING}


def zones(at: Account, ids: Sequence[str]) -> dict[str, str]:
    """The zones of instances and of addresses in this account's networks, as far as they are in one."""
    machines = [one for one in ids if one.startswith("i-")]
    addresses = [one for one in ids if not one.startswith(("i-", "arn:"))]
    found = {seen["InstanceId"]: seen["Placement"]["AvailabilityZone"] for seen in instances(at, machines)}
    for some in _slices(addresses, _FILTERED_AT_ONCE):
        for seen in at.every("ec2", "describe_network_interfaces", "NetworkInterfaces[]",
                             Filters=filters({"addresses.private-ip-address": some})):
            found |= {one["PrivateIpAddress"]: seen["AvailabilityZone"] for one in seen["PrivateIpAddresses"]}
    return found


def instances(at: Account, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Those of these instances that there are."""
    for some in _slices(ids, _FILTERED_AT_ONCE):
        yield from at.every("ec2", "describe_instances", "Reservations[].Instances[]",
                            Filters=filters({"instance-id": some}))


def _target(seen: Mapping[str, Any]) -> Registered:
    said = seen["Target"]
    return Registered(said["Id"], said.get("Port"), said.get("AvailabilityZone", ""))


def _marked(at: Account, arns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    return ((arn, tags) for arn, tags in _tags(at, arns) if RUN in tags)


def _tags(at: Account, arns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    for some in _slices(arns, _TAGGED_AT_ONCE):
        answer = at.ask(ELB, "describe_tags", ResourceArns=list(some))["TagDescriptions"]
        yield from ((one["ResourceArn"], unpaired(one["Tags"])) for one in answer)


def _slices(all_: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (all_[start:start + most] for start in range(0, len(all_), most))
