"""EventBridge: rules that are switched, changed, made and deleted, and their targets."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from chaos_runner.errors import ActFailed, Gone
from chaos_runner.inverses.chaosaws._inverse import Arguments, Find
from chaos_runner.inverses.chaosaws._settings import Settings, Values, Wish
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need

_THERE: Final = "there"
_STATE: Final = "State"
_TARGET: Final = "target "
_FIELDS: Final = ("ScheduleExpression", "EventPattern", _STATE, "Description", "RoleArn")
_ENABLED: Final = "ENABLED"


class _Rule(Settings):
    """Whether it is `there`, what it says, and each of its targets. What is not said is not changed."""

    kind = "event rule"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        rule = _rule(at, thing)
        targets = _targets(at, thing) if rule and any(key.startswith(_TARGET) for key in keys) else {}
        found = {_THERE: bool(rule), **{key: (rule or {}).get(key) for key in _FIELDS}, **targets}
        return {key: found.get(key) for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        """A rule cannot be deleted while it has targets, and has none before it is there."""
        _retarget(at, thing, {key: value for key, value in values.items() if key.startswith(_TARGET) and value is None})
        if values.get(_THERE) is False:
            at.ask("events", "delete_rule", Name=thing)
            return
        if said := {key: value for key, value in values.items() if key in _FIELDS}:
            rule = {**_spoken(_rule(at, thing) or {}), **said}
            at.ask("events", "put_rule", Name=thing, **{key: value for key, value in rule.items() if value})
        _retarget(at, thing, {key: value for key, value in values.items() if key.startswith(_TARGET) and value})

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        arn = f"arn:aws:events:{ref.region}:{ref.account}:rule/{ref.thing}"
        gone = [value is None for key, value in was.items() if key.startswith(_TARGET)]
        actions = (("DeleteRule", was.get(_THERE) is False), ("RemoveTargets", any(gone)),
                   ("PutTargets", not all(gone)), ("PutRule", was.get(_THERE, True) and _has_fields(was)))
        return [Need(f"events:{action}", on=arn) for action, is_needed in actions if is_needed]

    def by_hand(self, ref: Ref, was: Values) -> str:
        if was.get(_THERE) is False:
            return ref.command("events", "delete-rule", "--name", ref.thing)
        if was.keys() == {_STATE}:
            verb = "enable-rule" if was[_STATE] == _ENABLED else "disable-rule"
            return ref.command("events", verb, "--name", ref.thing)
        said = {"Name": ref.thing, **{key: value for key, value in was.items() if key in _FIELDS and value}}
        targets = [value for key, value in was.items() if key.startswith(_TARGET) and value]
        words = [ref.command("events", "put-rule", "--cli-input-json", msgspec.json.encode(said).decode())]
        words += [ref.command("events", "put-targets", "--rule", ref.thing, "--targets",
                              msgspec.json.encode(targets).decode())] if targets else []
        return " && ".join(words if _has_fields(was) else words[1:])


def _has_fields(values: Values) -> bool:
    return any(key in _FIELDS for key in values)


def _rule(at: Account, name: str) -> dict[str, Any] | None:
    try:
        return at.ask("events", "describe_rule", Name=name)
    except Gone:
        return None


def _spoken(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {key: rule.get(key) for key in _FIELDS}


def _targets(at: Account, name: str) -> dict[str, Any]:
    return {f"{_TARGET}{one['Id']}": one for one in at.every("events", "list_targets_by_rule", "Targets[]", Rule=name)}


def _retarget(at: Account, name: str, values: Values) -> None:
    """AWS answers well to this also where some of it has failed, and says so inside."""
    away = [key.removeprefix(_TARGET) for key, value in values.items() if value is None]
    there = [value for value in values.values() if value]
    answers = [at.ask("events", "remove_targets", Rule=name, Ids=away)] if away and _rule(at, name) else []
    answers += [at.ask("events", "put_targets", Rule=name, Targets=there)] if there else []
    failed = [one for answer in answers for one in answer.get("FailedEntries") or ()]
    if failed:
        raise ActFailed(f"the targets of {name} could not be changed: {failed[0].get('ErrorMessage')}")


RULE: Final = _Rule()


# ── what the package's actions do ───────────────────────────────────────────────────────────────────────────────────

def switched(state: str) -> Find:
    """Rules that fire, or do not."""
    def find(at: Account, given: Arguments) -> Iterator[Wish]:
        if _rule(at, given["rule_name"]):
            yield Wish(RULE, given["rule_name"], {_STATE: state})

    return find


def put(at: Account, given: Arguments) -> Iterator[Wish]:
    """A rule that is made, or all of which is said anew: what is left out is then empty."""
    names = ("schedule_expression", "event_pattern", "state", "description", "role_arn")
    said = {field: given.get(name) or None for field, name in zip(_FIELDS, names, strict=True)}
    yield Wish(RULE, given["rule_name"], {_THERE: True, **said, _STATE: said[_STATE] or _ENABLED})


def deleted(at: Account, given: Arguments) -> Iterator[Wish]:
    """A rule that is deleted; with `force`, its targets before it."""
    name = given["rule_name"]
    if _rule(at, name):
        targets = dict.fromkeys(_targets(at, name)) if given.get("force") else {}
        yield Wish(RULE, name, {_THERE: False, **dict.fromkeys(_FIELDS), **targets})


def targeted(at: Account, given: Arguments) -> Iterator[Wish]:
    """Targets that a rule gets."""
    yield Wish(RULE, given["rule_name"], {f"{_TARGET}{one['Id']}": dict(one) for one in given["targets"]})


def untargeted(at: Account, given: Arguments) -> Iterator[Wish]:
    """Targets that a rule loses: those that are named, else all."""
    ids, name = given.get("target_ids"), given["rule_name"]
    keys = list(_targets(at, name)) if ids is None else [f"{_TARGET}{one}" for one in ids]
    yield Wish(RULE, name, dict.fromkeys(keys))
