"""The way back of every action of the package: what they have in common."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from chaos_runner.contracts import UNDO_S, Act, Answer, Restored
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused, UsageError
from chaos_runner.inverses._looking import Access, Asked, Call, Looking
from chaos_runner.inverses.chaosaws._settings import Change, Settings, Values, Wish, check_open
from chaos_runner.targets.aws.access import Account, Keys, Way, account
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import check_undo

Arguments = Mapping[str, Any]
Find = Callable[[Account, Arguments], Iterable[Wish]]
"""What an action with these arguments would make of what. Raises NoTarget, Gone where there is nothing, Refused where
there would be no way back, and KeyError for an argument that is not there.
"""
_ASKED_MOST: Final = 25
"""Of so many things AWS is asked whether they may be undone: of thousands it would take longer than a look may."""
_ROUNDS: Final = 2
"""What is given back may bring another setting to where the action has it."""
_REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")


class Known(Looking):
    """An action of chaostoolkit-aws, by what it changes."""

    def __init__(self, find: Find, says: str, kinds: Iterable[Settings], undo_s: float = UNDO_S) -> None:
        self._find = find
        self._kinds = {one.kind: one for one in kinds}
        self.says = says
        self.undo_s = undo_s

    def look(self, asked: Asked) -> list[Act]:
        at = _account_of(asked.call)
        try:
            wishes = list(self._find(at, asked.call.arguments))
            found = [change for wish in wishes if (change := _change(at, wish))]
        except Gone as gone:
            raise NoTarget(str(gone)) from gone
        except (KeyError, TypeError, AttributeError, ValueError) as problem:  # what the package stumbles over as well
            raise NoTarget(f"its arguments cannot be understood: {problem}") from problem
        earlier = [Change.of(act) for act in asked.earlier if "account" in act.target]
        changes = [since for one in found if (since := one.since(earlier))]
        for change in changes:
            check_open(change.ref.label, change.was)
        for change in changes[:_ASKED_MOST]:
            check_undo(at, self._settings(change).needs(change.ref, change.was), change.ref)
        return [change.act for change in changes]

    def undo(self, act: Act, access: Access) -> None:
        change = Change.of(act)
        at = change.ref.at(_keys(access))
        try:
            for _ in range(_ROUNDS):
                self._give_back(at, change)
        except Gone:
            return
        except Refused as denied:
            raise ActFailed(str(denied)) from denied

    def _give_back(self, at: Account, change: Change) -> None:
        settings, thing = self._settings(change), change.ref.thing
        now = settings.read(at, thing, change.do)
        back = {key: change.was[key] for key, value in change.do.items() if now[key] == value}
        if back:
            settings.write(at, thing, back)

    def verify(self, act: Act, access: Access) -> Restored:
        change = Change.of(act)
        label = change.ref.label
        try:
            now = self._settings(change).read(change.ref.at(_keys(access)), change.ref.thing, change.do)
        except Gone as gone:
            return Restored(answer=Answer.GONE, diff=str(gone))
        left = {key: value for key, value in now.items() if value == change.do[key]}
        if left:
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{label} still has {_said(left)}")
        drift = {key: value for key, value in now.items() if value != change.was[key]}
        if drift:
            return Restored(answer=Answer.DRIFT, diff=f"somebody changed {label}: {_said(drift)}; left as it is")
        return Restored(answer=Answer.RESTORED)

    def by_hand(self, act: Act) -> str:
        change = Change.of(act)
        return self._settings(change).by_hand(change.ref, change.was)

    def _settings(self, change: Change) -> Settings:
        return self._kinds[change.ref.kind]


def _change(at: Account, wish: Wish) -> Change | None:
    settings = wish.settings
    way = at.way
    ref = Ref(kind=settings.kind, thing=wish.thing, name=wish.name, account=at.number, region=at.region,
              profile=way.profile, assume_role=way.assume_role)
    was = settings.read(at, wish.thing, wish.values) if wish.was is None else dict(wish.was)
    found = Change(ref=ref, do=dict(wish.values), was=was).changing()
    if found is None:
        return None
    tags = settings.tags(at, wish.thing) if wish.tags is None else dict(wish.tags)
    return msgspec.structs.replace(found, tags=tags)


def _account_of(call: Call) -> Account:
    """Where the package acts, by its own rules. Raises NoTarget where it cannot either."""
    settings = call.configuration
    region = settings.get("aws_region") or next((os.environ[key] for key in _REGIONS if key in os.environ), "")
    if not region:
        raise NoTarget("chaosaws needs a region: `aws_region` in the configuration, or AWS_DEFAULT_REGION")
    try:
        return account(Way(profile=str(settings.get("aws_profile_name") or ""), region=str(region),
                           assume_role=str(settings.get("aws_assume_role_arn") or "")), _keys(call.access))
    except UsageError as error:
        raise NoTarget(str(error)) from error


def _keys(access: Access) -> Keys | None:
    """The keys among the secrets that the author gave to the action."""
    key, secret = access.get("aws_access_key_id"), access.get("aws_secret_access_key")
    return Keys(str(key), str(secret), str(access.get("aws_session_token") or "")) if key and secret else None


def _said(values: Values) -> str:
    return ", ".join(f"{key} {'nothing' if value is None else msgspec.json.encode(value).decode()}"
                     for key, value in values.items())
