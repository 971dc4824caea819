"""An IAM policy with the least rights for what is demanded."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from chaos_runner.mark import PREFIX
from chaos_runner.targets.aws.choosing import Picked, Placed
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind
from chaos_runner.targets.aws.rights import DO, LOOK, UNDO, Need, Permissions

_ID: Final = re.compile(r"[a-z]+-[0-9a-f]{8,17}")
"""What is an id for EC2, and no name that a tag gives."""
_BY_TAG: Final = ("ec2:", "rds:", "ecs:", "autoscaling:", "elasticloadbalancing:")
"""Services of which every action that changes something can be bound to the tags of what it is done to."""


class Demand(NamedTuple):
    """One action on some things. `purpose` is LOOK, DO or UNDO; `only` are the tags that they must bear."""

    purpose: str
    action: str
    arns: tuple[str, ...]
    only: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class Seeking(Protocol):
    """A probe's arguments: say themselves which actions asking takes."""

    @property
    def looks(self) -> tuple[str, ...]:
        """The IAM actions, on all things."""


@runtime_checkable
class Demanding(Protocol):
    """What says, without asking AWS, what it needs there."""

    def demands(self, target: Placed) -> list[Demand]:
        """All that is needed for this target."""


def demands(permissions: Permissions, kind: Kind, target: Placed) -> list[Demand]:
    """What a fault needs for what its target says, without asking AWS."""
    each = [(LOOK, permissions.look), (DO, permissions.do), (UNDO, permissions.undo)]
    return [*looks(target), *(_placed(purpose, need, kind, target) for purpose, needs in each for need in needs)]


def looks(target: Placed) -> list[Demand]:
    """What finding takes beside listing, by what a target says."""
    found = [Demand(LOOK, "sts:AssumeRole", (target.assume_role,))] if target.assume_role else []
    if isinstance(target, Picked):
        found += [Demand(LOOK, "cloudformation:ListStackResources", ("*",))] if target.stack else []
        found += [Demand(LOOK, "resource-groups:ListGroupResources", ("*",))] if target.resource_group else []
    return found


def policy(found: Iterable[Demand]) -> dict[str, Any]:
    """The policy's document: one statement for all actions that are allowed alike."""
    alike: dict[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], set[str]] = {}
    for one in found:
        alike.setdefault((one.arns, one.only), set()).add(one.action)
    everywhere = alike.get((("*",), ()), set())
    return {"Version": "2012-10-17", "Statement": [
        _statement(arns, only, sorted(actions)) for (arns, only), wanted in sorted(alike.items())
        if (actions := wanted if (arns, only) == (("*",), ()) else wanted - everywhere)]}


def _placed(purpose: str, need: Need, kind: Kind, target: Placed) -> Demand:
    """On what: the ARN that the need names, else the very things of the target, else all of the kind with its tags."""
    region = target.region or "*"
    if need.tagged:
        return Demand(purpose, need.action, (_filled(need.on or kind.arn, region, "*"),), ((RUN, f"{PREFIX}*"),))
    if need.on:
        return Demand(purpose, need.action, (_filled(need.on, region, "*"),))
    things = _things(kind, target)
    if things:
        return Demand(purpose, need.action, tuple(one if one.startswith("arn:") else _filled(kind.arn, region, one)
                                                  for one in things))
    tags = getattr(target, "tags", {}) if need.action.startswith(_BY_TAG) else {}
    return Demand(purpose, need.action, (_filled(kind.arn, region, "*"),), tuple(sorted(tags.items())))


def _things(kind: Kind, target: Placed) -> list[str]:
    """What a target names for good. Names are not enough where several things may have one."""
    named = [*getattr(target, "arns", ()), *getattr(target, "ids", ())]
    return named if all(one.startswith("arn:") or kind.named or _ID.fullmatch(one) for one in named) else []


def _filled(arn: str, region: str, thing: str) -> str:
    return arn.format(region=region, account="*", thing=thing)


def _statement(arns: Sequence[str], only: Iterable[tuple[str, str]], actions: Sequence[str]) -> dict[str, Any]:
    conditions: Mapping[str, str] = {f"aws:ResourceTag/{key}": value for key, value in only}
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(arns) if len(arns) > 1 else arns[0],
            **({"Condition": {"StringLike": conditions}} if conditions else {})}
