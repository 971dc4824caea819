"""Choosing things on AWS: what every target says, and how some of a group are chosen."""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from msgspec import Struct, field, structs

from chaos_runner.contracts import Group, Share
from chaos_runner.errors import NoTarget, UsageError
from chaos_runner.targets.aws.access import Account, Way, account
from chaos_runner.targets.aws.refs import Kind, Ref
from chaos_runner.targets.choosing import how_many, meant

OPT_OUT: Final = "chaos-runner:exclude"
"""A tag on a thing. Any value but "false" spares it."""


class Placed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab", omit_defaults=True):
    """Where: a profile of the configuration, a region, and a role to assume; as it is configured where nothing is said.
    """

    profile: str = ""
    region: str = ""
    assume_role: str = ""

    def account(self) -> Account:
        """Where it leads to. Raises UsageError."""
        return account(Way(profile=self.profile, region=self.region, assume_role=self.assume_role))


class Picked(Placed, frozen=True, kw_only=True):
    """Which: every key that is given must hold. `ids` may be ids, names or ARNs; `stack` is a CloudFormation stack,
    `resource-group` a group of AWS Resource Groups.

    `count` or `percent` of those that match, chosen at random, with `per-az` of those in each zone; without them all.
    """

    ids: list[str] = field(default_factory=list)
    arns: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    stack: str = ""
    resource_group: str = ""
    az: str = ""
    count: int | None = None
    percent: Share | None = None
    per_az: bool = False

    @property
    def within(self) -> list[str]:
        """What else says which, in words, for targets that have more keys: "cluster shop"."""
        return []


_WHERE: Final = {*Placed.__struct_fields__, "per_az"}
"""What says nothing of which."""
_COMMON: Final = set(Picked.__struct_fields__)


class Thing(Struct, frozen=True, kw_only=True):
    """One thing as it was listed. `seen` is what the service says of it."""

    thing: str
    seen: dict[str, Any] = {}
    tags: dict[str, str] = {}
    name: str = ""
    az: str = ""
    arn: str = ""

    @property
    def names(self) -> set[str]:
        """All that a target may call it."""
        return {self.thing, self.arn, self.name} - {""}


class Chosen(Struct, frozen=True, kw_only=True):
    """The things to hit, and the group they were chosen from; None for things that were named."""

    at: Account
    kind: Kind
    things: list[Thing]
    group: Group | None

    def ref(self, thing: Thing) -> Ref:
        """What an act keeps of one of them."""
        return Ref.of(self.at, self.kind, thing.thing, thing.name)


def pick(at: Account, kind: Kind, target: Picked, there: Sequence[Thing], seed: int) -> Chosen:
    """Those to hit. The same seed chooses the same among the same. Raises Refused, NoTarget, UsageError."""
    if not any(value for key, value in structs.asdict(target).items() if key not in _WHERE):
        raise UsageError(f"which {kind.name}? `ids`, `tags`, `stack`, `resource-group` or `az` says it; for all of the "
                         "region say `percent: 100%`")
    matching = [one for one in _matching(at, kind, target, there) if one.tags.get(OPT_OUT, "false") == "false"]
    if not matching:
        raise NoTarget(f"no {kind.name} in {at.region} of account {at.number} matches {spoken(kind, target)}")
    named = bool(target.ids or target.arns)
    group = None if named else Group(name=spoken(kind, target), size=len(matching))
    return Chosen(at=at, kind=kind, things=choose(matching, target, seed), group=group)


def choose(matching: Sequence[Thing], target: Picked, seed: int) -> list[Thing]:
    """As many of these as the target says, in each zone or in all. Raises Refused, UsageError."""
    return sorted((one for some in _groups(matching, target) for one in _some(some, target, seed)), key=_id)


def spoken(kind: Kind, target: Picked) -> str:
    """The group in words: "instances tier=web, zone eu-west-1a"."""
    said = [f"{key}={value}" for key, value in target.tags.items()]
    said += [f"zone {target.az}"] if target.az else []
    said += [f"stack {target.stack}"] if target.stack else []
    said += [f"resource group {target.resource_group}"] if target.resource_group else []
    said += [f"{key} {value}" for key, value in structs.asdict(target).items() if value and key not in _COMMON]
    said += [*target.within, *target.ids, *target.arns]
    return f"{kind.plural} {', '.join(said) or 'in this region'}"


def _matching(at: Account, kind: Kind, target: Picked, there: Sequence[Thing]) -> list[Thing]:
    found = [one for one in there if target.tags.items() <= one.tags.items() and target.az in ("", one.az)]
    for within in _within(at, target):
        found = [one for one in found if one.names & within]
    wanted = [*target.ids, *target.arns]
    missing = [name for name in wanted if not any(name in one.names for one in found)]
    if missing:
        known = [name for one in there for name in one.names]
        raise NoTarget(f"no {kind.name} in {at.region} of account {at.number} is {', '.join(missing)} and is as the "
                       f"target says{meant(missing[0], known)}")
    return [one for one in found if not wanted or one.names & set(wanted)]


def _within(at: Account, target: Picked) -> Iterator[set[str]]:
    """The ids and ARNs of what it must be part of."""
    if target.stack:
        yield {one["PhysicalResourceId"] for one in at.every(
            "cloudformation", "list_stack_resources", "StackResourceSummaries[]", StackName=target.stack)
            if "PhysicalResourceId" in one}
    if target.resource_group:
        arns = [one["Identifier"]["ResourceArn"] for one in at.every(
            "resource-groups", "list_group_resources", "Resources[]", Group=target.resource_group)]
        yield {*arns, *(arn.rpartition("/")[2].rpartition(":")[2] for arn in arns)}


def _groups(matching: Sequence[Thing], target: Picked) -> list[list[Thing]]:
    if not target.per_az:
        return [list(matching)] if matching else []
    return [list(some) for _, some in groupby(sorted(matching, key=_zone), key=_zone)]


def _some(matching: list[Thing], target: Picked, seed: int) -> list[Thing]:
    count = how_many(target.count, target.percent, len(matching))
    return random.Random(seed).sample(sorted(matching, key=_id), count)  # noqa: S311 (chance, no secret)


def _id(thing: Thing) -> str:
    return thing.thing


def _zone(thing: Thing) -> str:
    return thing.az


def filters(said: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Filters as EC2 wants them, those that say something."""
    return [{"Name": name, "Values": list(values)} for name, values in said.items() if values]
