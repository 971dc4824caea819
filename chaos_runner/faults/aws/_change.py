"""A fault that is nothing but other values of a thing's settings, until undone.

AWS knows no change that tags at the same moment. So our tags go on first and come off last: there is no moment at which
the thing is changed and not marked. Undo compares: a setting that somebody else has changed meanwhile is left as it is.
"""

import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from chaos_runner.contracts import NOTHING, Act, Answer, Evidence, Group, Marked, Restored, Setting
from chaos_runner.errors import ActFailed, Gone, NoEffect, NoTarget, Refused
from chaos_runner.faults.aws._fault import AwsFault, check_credentials, check_free, ref_of
from chaos_runner.mark import Mark, parse
from chaos_runner.targets.aws.access import Account, way_of
from chaos_runner.targets.aws.choosing import Chosen, Placed, Thing
from chaos_runner.targets.aws.marks import RUN, Told, check_room, ours, tags_of, told
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import check_rights

T = TypeVar("T", bound=Placed)
A = TypeVar("A")
Values = Mapping[str, Any]
"""Settings by name, as plain data."""
_TAGS_MOST: Final = 50
_SETTLED_S: Final = 10.0
"""How long AWS may take to tell what it has done: what is read right afterwards may be as it was before."""
_AGAIN_S: Final = 0.5


class Wanted(NamedTuple):
    """One thing, and the values that its settings are to have. `how`: what else writing them has to know."""

    ref: Ref
    values: Values
    group: Group | None
    tags: Mapping[str, str]
    how: Values = NOTHING

    @classmethod
    def of(cls, chosen: Chosen, thing: Thing, values: Values, how: Values = NOTHING) -> "Wanted":
        """For one of those that a target has chosen."""
        return cls(chosen.ref(thing), values, chosen.group, thing.tags, how)


class Order(NamedTuple):
    """Values to be written. `signs` are our tags, for what is made; on the way back there are none."""

    at: Account
    thing: str
    values: Values
    how: Values
    signs: Mapping[str, str] = {}


class _Do(Struct, frozen=True, omit_defaults=True):
    mark: str
    values: dict[str, Any]
    how: dict[str, Any] = {}


class _Was(Struct, frozen=True):
    values: dict[str, Any]


class ChangeFault(AwsFault[T, A], Generic[T, A]):
    """Other values in some settings of things. Its name is that of its file."""

    tags_most: ClassVar[int] = _TAGS_MOST
    undone_by = "the settings get their former values back, unless somebody else has changed them"

    @abstractmethod
    def wanted(self, target: T, arguments: A, setting: Setting) -> list[Wanted]:
        """What is to be changed in which things. Raises Refused, NoTarget, UsageError."""

    @abstractmethod
    def read(self, at: Account, thing: str) -> Values:
        """The settings that this fault changes, as they are now; on their way to a value: that one. Raises Gone."""

    @abstractmethod
    def write(self, order: Order) -> None:
        """Gives settings values. Done twice it does no harm."""

    @abstractmethod
    def touches(self, values: Values) -> bool:
        """Whether this fault ever writes or finds such values: a mark that says others is not ours."""

    def clear(self, at: Account, thing: str, mark: str) -> None:
        """Removes what was made for that thing under this mark and is there yet, whether or not it came into use.
        Nothing, where nothing is made. The thing itself may be gone.
        """

    def prepare(self, target: T, arguments: A, setting: Setting) -> list[Act]:
        acts = [self._act(one, setting) for one in self.wanted(target, arguments, setting)]
        for act in () if setting.looking else acts:
            check_rights(self.rights(act))
        return acts

    def apply(self, act: Act) -> Evidence:
        ref, do, was = ref_of(act), _do(act), _was(act)
        try:
            self._sign(ref, do, was)
        except Gone as gone:
            raise NoTarget(f"{ref.label} was gone before it was hit") from gone
        self._write(ref, do, was)
        return self.evidence(ref, do.values, was.values)

    def evidence(self, ref: Ref, values: Values, was: Values) -> Evidence:
        """What shows that it acted, right after it did. Raises ActFailed when nothing does."""
        now = self._settled(ref.at(), ref.thing, values)
        if now != values:
            raise ActFailed(f"{ref.label} was to have {_said(values)}, and has {_said(now)}")
        return Evidence(before=_said(was), after=f"read back: {_said(now)}")

    def undo(self, act: Act) -> None:
        ref, at = ref_of(act), ref_of(act).at()
        try:
            self._change_back(at, act)
        except Gone as gone:
            self._check_gone(at, ref, gone)
            self._cleared(at, ref, _do(act).mark)
        except Refused as denied:
            raise ActFailed(str(denied)) from denied

    def _change_back(self, at: Account, act: Act) -> None:
        ref, do, was = ref_of(act), _do(act), _was(act)
        now = self.read(at, ref.thing)
        back = {key: was.values[key] for key, value in do.values.items() if _value(now, key) == value}
        if back:
            self.write(Order(at, ref.thing, back, do.how))
            self._settled(at, ref.thing, back)
        self.clear(at, ref.thing, do.mark)
        self._unsign(at, ref, do.mark)

    def _check_gone(self, at: Account, ref: Ref, gone: Gone) -> None:
        """Raises ActFailed when it is not the thing that is gone, but what it had before."""
        try:
            self.read(at, ref.thing)
        except Gone:
            return
        raise ActFailed(f"{ref.label} cannot be as it was: {gone}") from gone

    def _cleared(self, at: Account, ref: Ref, mark: str) -> None:
        try:
            self.clear(at, ref.thing, mark)
        except Refused as denied:
            raise ActFailed(f"{ref.label} is gone, and what was made for it is not: {denied}") from denied

    def let_go(self, act: Act) -> None:
        """Takes our tags off, whatever is there: for what can never be as it was."""
        ref = ref_of(act)
        self._unsign(ref.at(), ref, _do(act).mark)

    def is_signed(self, act: Act) -> bool:
        """Whether it still bears this act's mark."""
        ref = ref_of(act)
        return self.kind.tagging.read(ref.at(), ref.thing).get(RUN) == _do(act).mark

    def verify(self, act: Act) -> Restored:
        ref, do, was = ref_of(act), _do(act), _was(act)
        try:
            now = _only(self.read(ref.at(), ref.thing), do.values)
            signed = self.is_signed(act)
        except Gone as gone:
            return Restored(answer=Answer.GONE, diff=str(gone))
        left = [key for key, value in do.values.items() if _value(now, key) == value != was.values[key]]
        if left or signed:
            return Restored(answer=Answer.NOT_RESTORED,
                            diff=f"{ref.label}: {', '.join(left) or 'our mark'} is as we left it")
        drift = {key: value for key, value in now.items() if value != was.values[key]}
        if drift:
            return Restored(answer=Answer.DRIFT, diff=f"somebody changed {ref.label}: {_said(drift)}; left as it is")
        return Restored(answer=Answer.RESTORED)

    def marked(self, where: str) -> list[Marked]:
        """What bears a mark of this fault there: "[PROFILE@]REGION"."""
        at = way_of(where)
        return [self._marked(at, thing, said, where) for thing, tags in self.kind.tagging.bearers(at)
                if (said := told(tags)) and said.fault == self.name]

    def _act(self, wanted: Wanted, setting: Setting) -> Act:
        ref, at = wanted.ref, wanted.ref.at()
        check_credentials(at, setting.mark)
        check_free(ref, dict(wanted.tags))
        was = _only(self.read(at, ref.thing), wanted.values)
        if was == wanted.values:
            raise NoEffect(f"{ref.label} already has {_said(wanted.values)}")
        mark = setting.mark.signed(setting.key, self.name, ref.identity)
        do = _Do(str(mark), dict(wanted.values), dict(wanted.how))
        check_room(ref.label, wanted.tags, self._signs(do, _Was(was)), self.tags_most)
        return Act(target=msgspec.to_builtins(ref), do=msgspec.to_builtins(do), was={"values": was}, label=ref.label,
                   group=wanted.group, where=ref.where(wanted.tags))

    def _sign(self, ref: Ref, do: _Do, was: _Was) -> None:
        """Puts our tags on. Raises Refused for what is not as it was, or somebody else's by now."""
        at = ref.at()
        tags = self.kind.tagging.read(at, ref.thing)
        if tags.get(RUN) == do.mark:
            return
        check_free(ref, tags)
        now = _only(self.read(at, ref.thing), was.values)
        if now != was.values:
            raise Refused(f"{ref.label} has changed since it was looked at: it has {_said(now)}")
        self.kind.tagging.put(at, ref.thing, self._signs(do, was))

    def _write(self, ref: Ref, do: _Do, was: _Was) -> None:
        """What AWS refuses to change is not changed, and then not marked either; unless a part of it is changed."""
        at = ref.at()
        try:
            self.write(Order(at, ref.thing, do.values, do.how, self._signs(do, was)))
        except (Refused, Gone) as problem:
            if _only(self.read(at, ref.thing), was.values) != was.values:
                raise ActFailed(str(problem)) from problem
            self.clear(at, ref.thing, do.mark)
            self._unsign(at, ref, do.mark)
            if isinstance(problem, Refused):
                raise
            raise Refused(str(problem)) from problem

    def _settled(self, at: Account, thing: str, values: Values) -> Values:
        """Its values, read again while they are not these."""
        until_s = time.monotonic() + _SETTLED_S
        while (now := _only(self.read(at, thing), values)) != values and time.monotonic() < until_s:
            time.sleep(_AGAIN_S)
        return now

    def _unsign(self, at: Account, ref: Ref, mark: str) -> None:
        tags = self.kind.tagging.read(at, ref.thing)
        if tags.get(RUN) == mark:
            self.kind.tagging.remove(at, ref.thing, ours(tags))

    def _signs(self, do: _Do, was: _Was) -> dict[str, str]:
        said = {key: value for key, value in msgspec.to_builtins(do).items() if key != "mark"}
        return tags_of(_mark(do), self.name, said, {"values": was.values})

    def _marked(self, at: Account, thing: str, said: Told, where: str) -> Marked:
        ref = Ref.of(at, self.kind, thing)
        act = Act(target=msgspec.to_builtins(ref), do={**said.do, "mark": str(said.mark)}, was=said.was,
                  label=ref.label)
        return Marked(mark=said.mark, act=act, fault=self.name, where=where, target=ref.identity,
                      doubt=self._doubt(act))

    def _doubt(self, act: Act) -> str:
        """Why it cannot be a mark that we made."""
        try:
            do, was = _do(act).values, _was(act).values
        except msgspec.ValidationError:
            return f"{self.name} never writes such a mark"
        alike = do.keys() == was.keys() and self.touches(do) and self.touches(was)
        return "" if alike else f"{self.name} never changes {_said(do)}"


def _only(now: Values, keys: Values) -> dict[str, Any]:
    return {key: _value(now, key) for key in keys}


def _value(now: Values, key: str) -> Any:
    """How a setting is now; None when it is not there."""
    try:
        return now[key]
    except KeyError:
        return None


def _said(values: Values) -> str:
    return ", ".join(f"{key} {'none' if value is None else value}" for key, value in values.items())


def _do(act: Act) -> _Do:
    return msgspec.convert(act.do, _Do)


def _was(act: Act) -> _Was:
    return msgspec.convert(act.was, _Was)


def _mark(do: _Do) -> Mark:
    found = parse(do.mark)
    assert found is not None  # noqa: S101 -- prepare wrote it
    return found
