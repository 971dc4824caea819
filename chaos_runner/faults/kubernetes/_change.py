"""A fault that is nothing but other values in an object's fields, until undone.

Our annotations go on in the same patch as the values, and come off with them: there is no moment at which the object is
changed and not marked. Undo compares: a field that somebody else has changed meanwhile is left as it is.
"""

import random
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, structs

from chaos_runner.contracts import (
    Act,
    Answer,
    Candidate,
    Evidence,
    Group,
    Marked,
    PartlyRead,
    Restored,
    Setting,
)
from chaos_runner.errors import ActFailed, Gone, NoEffect, NoTarget, Refused
from chaos_runner.faults.kubernetes._fault import KubernetesFault
from chaos_runner.faults.kubernetes._workloads import workloads_there
from chaos_runner.targets.kubernetes.access import (
    JSON_PATCH,
    Cluster,
    Conflict,
    Denied,
    Forbidden,
    cluster,
    compact,
    same_cluster,
)
from chaos_runner.targets.kubernetes.events import ENDED, INJECTED, tell
from chaos_runner.targets.kubernetes.fields import Field, merged, value_at, with_fields
from chaos_runner.targets.kubernetes.kinds import Kind, Ref
from chaos_runner.targets.kubernetes.marks import KEYS, RUN, annotations, told
from chaos_runner.targets.kubernetes.objects import Meta, Whole
from chaos_runner.targets.kubernetes.rights import HIT, Aim, Hit, Need, Permissions

NEEDS: Final = "a Kubernetes cluster, and the right to change its objects"
_PATIENCE_S: Final = 5.0
_PAUSE_MOST_S: Final = 0.05
"""How long, and how soon, a patch is made anew because somebody else wrote the object at the same moment."""
_READ: Final = Need("get", HIT)
_WRITE: Final = Need("patch", HIT)
T = TypeVar("T", bound=Aim)
A = TypeVar("A")
_Done = TypeVar("_Done")


class Wanted(NamedTuple):
    """One object, and the values that its fields are to have."""

    at: Cluster
    ref: Ref
    fields: list[Field]
    group: Group | None = None


class _Do(Struct, frozen=True):
    mark: str
    fields: list[Field]


class _Was(Struct, frozen=True):
    fields: list[Field]


class ChangeFault(KubernetesFault[T, A], Generic[T, A]):
    """Other values in some fields of objects. Its name is that of its file."""

    kinds: ClassVar[Sequence[Kind]]
    """The kinds of objects on which it may leave its mark."""
    even_unchanged: ClassVar[bool] = False
    """Whether an object that has these values already is hit all the same: where the values are not all there is."""
    permissions = Permissions(look=(_READ,), do=(_WRITE,), undo=(_READ, _WRITE))
    needs = NEEDS
    undone_by = "the fields get their former values back, unless somebody else has changed them"

    @abstractmethod
    def wanted(self, target: T, arguments: A, setting: Setting) -> list[Wanted]:
        """What is to be changed in which objects. Raises Refused, NoTarget, UsageError."""

    @abstractmethod
    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        """Whether this fault ever changes that field: a mark that says so of another is not ours."""

    def prepare(self, target: T, arguments: A, setting: Setting) -> list[Act]:
        found = self.wanted(target, arguments, setting)
        self.check_allowed([one.ref for one in found], setting)
        return [self._act(one, setting) for one in found]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return workloads_there(given)

    def hit(self, target: T, space: str) -> Hit:
        """The target's own object, or the one kind that belongs to it: a workload's autoscaler."""
        found = target.hits(space)
        return found if found.kind in self.kinds else Hit(self.kinds[0], found.namespace)

    def apply(self, act: Act) -> Evidence:
        ref, do, was = _ref(act), _do(act), _was(act)
        signs = annotations(_mark(do), self.name, _bare(act.do), act.was, ref.uid)
        evidence = again(partial(self._apply_once, ref, do, was, signs))
        tell(_at(ref), ref, INJECTED, f"{self.name}: {', '.join(map(_said, do.fields))}; mark {do.mark}")
        return evidence

    def undo(self, act: Act) -> None:
        ref, do = _ref(act), _do(act)
        try:
            undone = again(partial(_undo_once, ref, do, _was(act)))
        except Gone:
            return
        except Denied as denied:
            raise ActFailed(str(denied)) from denied
        if undone:
            tell(_at(ref), ref, ENDED, f"{self.name} is undone; mark {do.mark}")

    def verify(self, act: Act) -> Restored:
        ref, do, was = _ref(act), _do(act), _was(act)
        try:
            there = read(_at(ref), ref)
        except Gone as gone:
            return Restored(answer=Answer.GONE, diff=str(gone))
        left = [field.name for field, before in zip(do.fields, was.fields, strict=True)
                if value_at(there, field.path) == field.value != before.value]
        if left or _signed(there) == do.mark:
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{ref.label}: {', '.join(left) or 'our mark'} is as we "
                                                             "left it")
        drift = [_said(Field(field.path, value_at(there, field.path))) for field in was.fields
                 if value_at(there, field.path) != field.value]
        if drift:
            return Restored(answer=Answer.DRIFT,
                            diff=f"somebody changed {ref.label}: {', '.join(drift)}; left as it is")
        return Restored(answer=Answer.RESTORED)

    def by_hand(self, act: Act) -> str:
        """A merge of the former values. Members of lists that have names need the strategic one, which knows names."""
        fields = [*_was(act).fields, *(Field(["metadata", "annotations", key]) for key in KEYS)]
        named = any(isinstance(part, dict) for field in fields for part in field.path)
        return _ref(act).command("patch", f"--type={'strategic' if named else 'merge'}", "-p",
                                 compact(merged(fields)))

    def marked(self, where: str) -> list[Marked]:
        """What bears a mark of this fault in the cluster of that context. Kinds that this user may not list do not keep
        the others from it.
        """
        at, found, unread = cluster(where), list[Marked](), list[str]()
        for kind in self.kinds:
            try:
                found += [self._marked(at, kind, one.metadata) for one in _all(at, kind)
                          if (said := told(one.metadata)) and said.fault == self.name]
            except Denied as denied:
                unread.append(str(denied))
        if unread:
            raise PartlyRead(unread, found)
        return found

    def _act(self, wanted: Wanted, setting: Setting) -> Act:
        at, ref = wanted.at, wanted.ref
        there = read(at, ref)
        meta = msgspec.convert(there, Whole).metadata
        _check_free(ref, meta)
        was = [Field(field.path, value_at(there, field.path)) for field in wanted.fields]
        same = all(field.value == before.value for field, before in zip(wanted.fields, was, strict=True))
        if same and not self.even_unchanged:
            raise NoEffect(f"{ref.label} already has {', '.join(map(_said, wanted.fields))}")
        fields = _tried(wanted, there, setting)
        mark = setting.mark.signed(setting.key, self.name, ref.uid)
        return Act(target=msgspec.to_builtins(ref), do={"mark": str(mark), "fields": msgspec.to_builtins(fields)},
                   was={"fields": msgspec.to_builtins(was)}, label=ref.label, group=wanted.group,
                   where=ref.where(meta.labels))

    def _apply_once(self, ref: Ref, do: _Do, was: _Was, signs: Mapping[str, str]) -> Evidence:
        at = _at(ref)
        there = _still(ref, do, was)
        if _signed(there) != do.mark:
            signed = [Field(["metadata", "annotations", key], value) for key, value in signs.items()]
            there = msgspec.json.decode(at.patch(ref.path, with_fields(there, [*do.fields, *signed]), JSON_PATCH))
        now = [Field(field.path, value_at(there, field.path)) for field in do.fields]
        if any(field.value != wanted.value for field, wanted in zip(now, do.fields, strict=True)):
            raise ActFailed(f"{ref.label} was to have {', '.join(map(_said, do.fields))}, and has "
                            f"{', '.join(map(_said, now))}")
        return Evidence(before=", ".join(map(_said, was.fields)), after=f"read back: {', '.join(map(_said, now))}")

    def _marked(self, at: Cluster, kind: Kind, meta: Meta) -> Marked:
        said = told(meta)
        assert said is not None  # noqa: S101 -- told by the caller
        ref = Ref(context=at.context, server=at.server, kind=kind.name, namespace=meta.namespace, name=meta.name,
                  uid=meta.uid)
        act = Act(target=msgspec.to_builtins(ref), do={**said.do, "mark": str(said.mark)}, was=said.was,
                  label=ref.label)
        return Marked(mark=said.mark, act=act, fault=self.name, where=at.context, target=meta.uid,
                      doubt=self._doubt(act))

    def _doubt(self, act: Act) -> str:
        """Why it cannot be a mark that we made."""
        try:
            do, was = _do(act).fields, _was(act).fields
        except msgspec.ValidationError:
            return f"{self.name} never writes such a mark"
        alike = [field.path for field in do] == [field.path for field in was]
        strange = [field.name for field in (*do, *was) if not self.touches(field.path)]
        return "" if alike and not strange else f"{self.name} never changes {', '.join(strange) or 'such fields'}"


def _all(at: Cluster, kind: Kind) -> list[Whole]:
    """Every object of a kind; none of a kind that the cluster does not know."""
    try:
        return at.list(kind.path(""), Whole).items
    except Gone:
        return []


def check_still(act: Act) -> None:
    """For who does more than change fields, and does it first. Raises Refused and NoTarget as `apply` would."""
    _still(_ref(act), _do(act), _was(act))


def _still(ref: Ref, do: _Do, was: _Was) -> Any:
    """The object, which is as it was, or as we made it. Raises NoTarget, Refused."""
    try:
        there = read(_at(ref), ref)
    except Gone as gone:
        raise NoTarget(str(gone)) from gone
    if _signed(there) != do.mark:
        _check_free(ref, msgspec.convert(there, Whole).metadata)
        _check_as_it_was(ref, there, was)
    return there


def again(act: Callable[[], _Done]) -> _Done:
    """Makes a patch, anew when somebody else wrote the object at that moment. Raises ActFailed after a while."""
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return act()
        except Conflict as conflict:
            if time.monotonic() >= until_s:
                raise ActFailed(f"others write it all the time: {conflict}") from conflict
            time.sleep(random.uniform(0, _PAUSE_MOST_S))  # noqa: S311 -- to fall out of step with another who tries


def _undo_once(ref: Ref, do: _Do, was: _Was) -> bool:
    """Whether there was something to undo."""
    at = _at(ref)
    there = read(at, ref)
    back = [before for field, before in zip(do.fields, was.fields, strict=True)
            if value_at(there, field.path) == field.value]
    signs = [Field(["metadata", "annotations", key]) for key in KEYS] if _signed(there) == do.mark else []
    if back or signs:
        at.patch(ref.path, with_fields(there, [*back, *signs]), JSON_PATCH)
    return bool(back or signs)


def _tried(wanted: Wanted, there: Any, setting: Setting) -> list[Field]:
    """The values as they would be stored. Who only looks may have no right to try."""
    try:
        return _as_the_server_says(wanted.at, wanted.ref, there, wanted.fields)
    except Forbidden:
        if setting.looking:
            return wanted.fields
        raise


def _as_the_server_says(at: Cluster, ref: Ref, there: Any, fields: list[Field]) -> list[Field]:
    """The values as the server would store them ("0.5" of a core becomes "500m"), by a patch that is only tried: what
    a webhook or a rule forbids is refused here, before anything is touched.
    """
    try:
        tried = msgspec.json.decode(at.patch(ref.path, with_fields(there, fields), JSON_PATCH, {"dryRun": "All"}))
    except Conflict:
        return _as_the_server_says(at, ref, read(at, ref), fields)
    except Denied as denied:
        if "dry run" in str(denied):  # a webhook that cannot be tried
            return fields
        raise
    return [structs.replace(field, value=value_at(tried, field.path)) for field in fields]


def _check_free(ref: Ref, meta: Meta) -> None:
    if meta.annotations.get(RUN):
        raise Refused(f"{ref.label} already bears a mark of chaos-runner, {meta.annotations[RUN]}: one fault at a time "
                      "on one object; `chaos-runner recover --scan kubernetes` undoes what a dead run left")
    if meta.deletion_timestamp:
        raise Refused(f"{ref.label} is being deleted")


def _check_as_it_was(ref: Ref, there: Any, was: _Was) -> None:
    changed = [field.name for field in was.fields if value_at(there, field.path) != field.value]
    if changed:
        raise Refused(f"{ref.label} has changed since it was looked at: {', '.join(changed)}")


def read(at: Cluster, ref: Ref) -> Any:
    """The object as it is now. Raises Gone also when another has its name."""
    there = at.get(ref.path, dict)
    if there["metadata"]["uid"] != ref.uid:
        raise Gone(f"{ref.label} is no longer there: another of that name is")
    return there


def _at(ref: Ref) -> Cluster:
    return same_cluster(ref.context, ref.server)


def _signed(there: Any) -> str:
    return str(value_at(there, ["metadata", "annotations", RUN]) or "")


def _ref(act: Act) -> Ref:
    return msgspec.convert(act.target, Ref)


def _do(act: Act) -> _Do:
    return msgspec.convert(act.do, _Do)


def _was(act: Act) -> _Was:
    return msgspec.convert(act.was, _Was)


def _bare(do: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in do.items() if key != "mark"}


def _mark(do: _Do) -> Any:
    from chaos_runner.mark import parse

    return parse(do.mark)


def _said(field: Field) -> str:
    shown = "nothing" if field.value is None else msgspec.json.encode(field.value).decode()
    return f"{field.name} {shown}"
