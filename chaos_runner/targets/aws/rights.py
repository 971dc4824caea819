"""What is asked of AWS, said once: for checking before anything is done, and for a policy that has no more."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from chaos_runner.contracts import NOTHING, Right
from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.targets.aws.access import Account, Denied, Forbidden
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind, Ref

LOOK: Final = "look"
DO: Final = "do"
UNDO: Final = "undo"
MORE: Final = "..."
"""Among the parameters of a dry run: those that the act itself names."""
_ASSUMED: Final = re.compile(r"arn:(aws[a-z-]*):sts::(\d+):assumed-role/([^/]+)/.*")


class Need(NamedTuple):
    """One IAM action: "ec2:StopInstances".

    `dry` are the parameters of a call that EC2 only goes through, "{thing}" standing for what is hit, and other names
    for what else the act's `how` says; without them, or where EC2 is only stood in for, IAM is asked. `on` is the ARN
    it is needed for, with {region}, {account} and {thing}: "" for the very thing that is hit, "*" where there is
    nothing narrower. `tagged`: only on what bears our tag, as what we make does.
    """

    action: str
    dry: Mapping[str, Any] = NOTHING
    on: str = ""
    tagged: bool = False


class Permissions(NamedTuple):
    """What a fault needs for its verbs: to do it, to undo it from any process, and to look. Tagging is added to them.
    """

    do: tuple[Need, ...] = ()
    undo: tuple[Need, ...] = ()
    look: tuple[Need, ...] = ()


def tagging(kind: Kind) -> Permissions:
    """What our tags on a kind of thing take. EC2 can go through it; IAM has to be asked of other services."""
    read, write, remove = kind.tags
    dry = {"Resources": ["{thing}"], "Tags": [{"Key": RUN, "Value": ""}]} if write.startswith("ec2:") else NOTHING
    return Permissions(do=(Need(write, dry),), undo=(Need(remove, dry),), look=(Need(read, on="*"),))


def rights(
    at: Account, permissions: Permissions, ref: Ref, kind: Kind, how: Mapping[str, Any] = NOTHING,
) -> list[Right]:
    """Whether this identity may do it to that very thing, and undo it: of what AWS tells beforehand."""
    asked = [(DO, need) for need in permissions.do] + [(UNDO, need) for need in permissions.undo]
    return [Right(verb=verb, needs=f"{need.action} on {_place(need, ref, kind)}",
                  lacks=_lacks(at, need, (ref, kind, how)))
            for verb, need in asked if _told_by(at, need)]


def check_rights(found: Sequence[Right]) -> None:
    """Raises Refused when this identity may not do it, or may not undo it: then nothing may be done."""
    lacking = list(dict.fromkeys(one.lacks for one in found if one.lacks and one.verb == DO))
    stuck = list(dict.fromkeys(one.lacks for one in found if one.lacks and one.verb == UNDO))
    said = [*lacking, *([f"it could not be undone: {'; '.join(stuck)}"] if stuck else [])]
    if said:
        raise Refused("; ".join(said))


def check_undo(at: Account, needs: Sequence[Need], ref: Ref) -> None:
    """Raises Refused when this identity may not undo. Each of these needs says itself what it is on."""
    stuck = [said for need in needs if (need.dry or _simulates(at))
             and (said := _tried(at, need, ref) if need.dry else _simulated(at, need.action, need.on))]
    if stuck:
        raise Refused(f"it could not be undone: {'; '.join(stuck)}")


def unchecked(at: Account, permissions: Permissions) -> list[str]:
    """The actions of which AWS does not tell beforehand whether they are allowed."""
    return [need.action for need in (*permissions.do, *permissions.undo) if not _told_by(at, need)]


def _told_by(at: Account, need: Need) -> bool:
    return _can_try(at, need) or _simulates(at)


def _can_try(at: Account, need: Need) -> bool:
    service, _, action = need.action.partition(":")
    return bool(need.dry) and at.tries(service, action)


def _place(need: Need, ref: Ref, kind: Kind) -> str:
    """What it is needed for, as people call it."""
    return _arn(need, ref, kind).rpartition(":")[2] if need.on else ref.label


def _arn(need: Need, ref: Ref, kind: Kind) -> str:
    return kind._replace(arn=need.on or kind.arn).arn_at(ref.at(), ref.thing)


def _lacks(at: Account, need: Need, about: tuple[Ref, Kind, Mapping[str, Any]]) -> str:
    ref, kind, how = about
    if _can_try(at, need):
        return _tried(at, need, ref, how)
    return _simulated(at, need.action, _arn(need, ref, kind), tagged=need.tagged)


def _tried(at: Account, need: Need, ref: Ref, how: Mapping[str, Any] = NOTHING) -> str:
    """A dry run tells of rights first. What else is against it is for the act itself to find."""
    service, _, action = need.action.partition(":")
    asked = {key: _filled(value, {**how, "thing": ref.thing}) for key, value in need.dry.items()}
    more = asked.pop(MORE, {})
    try:
        at.tried(service, action, **asked, **more)
    except Forbidden as forbidden:
        return f"no right to {need.action} on {ref.label}: {forbidden}"
    except (Denied, Gone):
        return ""
    return ""


def _simulated(at: Account, action: str, arn: str, *, tagged: bool = False) -> str:
    ours = {"ContextKeyName": f"aws:ResourceTag/{RUN}", "ContextKeyValues": ["ours"], "ContextKeyType": "string"}
    answer = at.ask("iam", "simulate_principal_policy", PolicySourceArn=principal(at), ActionNames=[action],
                    ResourceArns=[arn], ContextEntries=[ours] if tagged else [])
    decision = answer["EvaluationResults"][0]["EvalDecision"]
    return "" if decision == "allowed" else f"no right to {action} on {arn}: {decision}"


@cache
def _simulates(at: Account) -> bool:
    """Whether this identity may ask IAM what it may do."""
    try:
        _simulated(at.once(), "sts:GetCallerIdentity", "*")
    except (Denied, Gone, ActFailed):
        return False
    return True


def principal(at: Account) -> str:
    """The user or role whose policies count: a session's name is no part of its role's."""
    return _ASSUMED.sub(r"arn:\1:iam::\2:role/\3", at.caller)


def _filled(value: Any, said: Mapping[str, Any]) -> Any:
    """The value with what is said in the place of names. A name that stands alone may stand for any data."""
    if isinstance(value, str):
        alone = value.startswith("{") and value.endswith("}") and value[1:-1] in said
        return said[value[1:-1]] if alone else value
    return [_filled(one, said) for one in value] if isinstance(value, list | tuple) else value
