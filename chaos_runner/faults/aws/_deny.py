"""A fault that is nothing but a statement of ours in a thing's own policy, which denies for a time and then no longer.

The statement ends by itself when the run must be over, whoever is still there to remove it. Its Sid is our mark. What
others say in the policy stays, and so does what they change meanwhile.
"""

import re
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Evidence, Marked, PartlyRead, Restored, Setting
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused, UsageError
from chaos_runner.faults.aws._fault import AwsFault, check_credentials, ref_of
from chaos_runner.mark import Mark
from chaos_runner.targets.aws.access import Account, NoPolicy, way_of
from chaos_runner.targets.aws.choosing import Chosen, Placed, Thing
from chaos_runner.targets.aws.policies import Document, Policies, Policy, Statement, ourselves, sid_of, written
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Permissions

T = TypeVar("T", bound=Placed)
A = TypeVar("A", bound="DenyArguments")
_SHOWN_S: Final = 20.0
"""How long AWS may take to tell what it has done."""
_LATE_S: Final = 2.0
"""How long an undo looks for a statement that may have been put there a moment ago."""
_AGAIN_S: Final = 0.5
_ATTEMPTS: Final = 5
_ACTION: Final = re.compile(r"[a-z0-9]+:[A-Za-z*?]+")
_MOMENT: Final = "%Y%m%dT%H%M%SZ"


class DenyArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`actions` are what is denied, IAM's words for it, with * and ?. `principals`: to whom, as ARNs with * and ?;
    without them to all but whoever runs this.
    """

    actions: list[str] = []
    principals: list[str] = []


class DenyFault(AwsFault[T, A], Generic[T, A]):
    """Some actions on things are denied. Its name is that of its file."""

    policies: ClassVar[Policies]
    denied: ClassVar[tuple[str, ...]]
    """The actions that are denied where the arguments name none."""
    kept: ClassVar[tuple[str, ...]]
    """The actions that must stay possible: those of the undo."""
    spared: ClassVar[tuple[str, ...]] = ()
    """Whom it spares beside ourselves, where nobody is named."""
    undone_by = "our statement is taken out of the policy; all others stay. Without us it ends by itself"
    undo_s = _SHOWN_S + 40.0

    @abstractmethod
    def find(self, target: T, seed: int) -> Chosen:
        """What is to be hit. Raises Refused, NoTarget, UsageError."""

    @abstractmethod
    def resources(self, arn: str) -> list[str]:
        """What in a thing of this ARN is denied."""

    @property
    def all_permissions(self) -> Permissions:
        """The mark is in the policy, so nothing is tagged."""
        return self.permissions

    def prepare(self, target: T, arguments: A, setting: Setting) -> list[Act]:
        self._check_actions(arguments.actions)
        found = self.find(target, setting.seed)
        check_credentials(found.at, setting.mark)
        self.check_allowed([found.ref(one) for one in found.things], setting)
        return [self._act(found, one, arguments, setting) for one in found.things]

    def apply(self, act: Act) -> Evidence:
        ref, at, statement = ref_of(act), ref_of(act).at(), act.do["statement"]
        try:
            _check_free(ref, self.policies.read(at, ref.thing), statement["Sid"])
            self._change(at, ref, lambda policy: policy.adding(statement))
        except Gone as gone:
            raise NoTarget(f"{ref.label} was gone before it was hit") from gone
        if not self._waited(at, ref, statement["Sid"], there=True):
            raise ActFailed(f"our statement does not show in the policy of {ref.label}")
        return Evidence(before="not denied by us", after=f"read back: denied are {', '.join(statement['Action'])}")

    def undo(self, act: Act) -> None:
        ref, at, sid = ref_of(act), ref_of(act).at(), act.do["statement"]["Sid"]
        try:
            self._waited(at, ref, sid, there=True, wait_s=_LATE_S)
            self._change(at, ref, lambda policy: policy.removing(sid))
            self._waited(at, ref, sid, there=False)
        except Gone:
            return
        except Refused as denied:
            raise ActFailed(str(denied)) from denied

    def verify(self, act: Act) -> Restored:
        ref = ref_of(act)
        try:
            left = self.policies.read(ref.at(), ref.thing).denied_as(act.do["statement"]["Sid"])
        except Gone as gone:
            return Restored(answer=Answer.GONE, diff=str(gone))
        if left:
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{ref.label}: our statement is in its policy")
        return Restored(answer=Answer.RESTORED)

    def marked(self, where: str) -> list[Marked]:
        """The statements of ours there: "[PROFILE@]REGION". Every policy is read; those that cannot be are told."""
        at, found, unread = way_of(where), list[Marked](), list[str]()
        for thing in self.policies.things(at):
            try:
                marks = list(self.policies.read(at, thing).marks())
            except Gone:
                continue
            except (Refused, ActFailed) as problem:
                unread.append(f"{self.kind.name} {thing}: {problem}")
                continue
            found += [self._marked(Ref.of(at, self.kind, thing), mark, one, where) for mark, one in marks]
        if unread:
            raise PartlyRead(unread, found)
        return found

    def notes(self, acts: Sequence[Act]) -> list[str]:
        condition = acts[0].do["statement"]["Condition"]
        whom = condition.get("ArnLike", {}).get("aws:PrincipalArn")
        said = (f"it is denied to {', '.join(whom)}" if whom else
                "it is denied to all but this identity, to services of AWS that act for you there, too")
        return [*super().notes(acts), f"{said}; it ends by itself at {condition['DateLessThan']['aws:CurrentTime']}"]

    def _act(self, found: Chosen, thing: Thing, arguments: A, setting: Setting) -> Act:
        ref = found.ref(thing)
        mark = setting.mark.signed(setting.key, self.name, ref.identity)
        statement = self._statement(found.at, thing, arguments, mark)
        policy = self.policies.read(found.at, ref.thing)
        _check_free(ref, policy, statement["Sid"])
        written(policy.adding(statement) or {})
        return Act(target=msgspec.to_builtins(ref), do={"statement": statement}, was={"policy": bool(policy.document)},
                   label=ref.label, group=found.group, where=ref.where(thing.tags))

    def _statement(self, at: Account, thing: Thing, arguments: A, mark: Mark) -> dict[str, Any]:
        whom = {"ArnLike": {"aws:PrincipalArn": arguments.principals}} if arguments.principals else {}
        spared = ourselves(at) + ([] if arguments.principals else [at.in_partition(one) for one in self.spared])
        return {"Sid": sid_of(mark), "Effect": "Deny", "Principal": "*",
                "Action": arguments.actions or list(self.denied), "Resource": self.resources(thing.arn),
                "Condition": {"DateLessThan": {"aws:CurrentTime": _iso(mark)},
                              "ArnNotLike": {"aws:PrincipalArn": spared}, **whom}}

    def _check_actions(self, actions: Sequence[str]) -> None:
        service = self.denied[0].partition(":")[0]
        for action in actions:
            if not _ACTION.fullmatch(action) or not action.startswith(f"{service}:"):
                raise UsageError(f"actions: {action!r} is no action of {service}; they are written like "
                                 f"{self.denied[0]!r}")
            locked = [one for one in self.kept if fnmatchcase(one.lower(), action.lower())]
            if locked:
                raise Refused(f"actions: {action!r} would deny {', '.join(locked)} too, which the undo needs")

    def _change(self, at: Account, ref: Ref, change: Callable[[Policy], Document | None]) -> None:
        """Changes the policy as it is now, and begins anew when somebody was faster."""
        for _ in range(_ATTEMPTS):
            policy = self.policies.read(at, ref.thing)
            document = change(policy)
            if document == policy.document:
                return
            try:
                self.policies.write(at, ref.thing, document, policy)
            except NoPolicy:
                time.sleep(_AGAIN_S)
                continue
            return
        raise ActFailed(f"the policy of {ref.label} is changed by others again and again")

    def _waited(self, at: Account, ref: Ref, sid: str, *, there: bool, wait_s: float = _SHOWN_S) -> bool:
        """Whether our statement shows, or no longer shows, as soon as it does."""
        until_s = time.monotonic() + wait_s
        while bool(self.policies.read(at, ref.thing).denied_as(sid)) != there:
            if time.monotonic() > until_s:
                return False
            time.sleep(_AGAIN_S)
        return True

    def _marked(self, ref: Ref, mark: Mark, statement: Statement, where: str) -> Marked:
        act = Act(target=msgspec.to_builtins(ref), do={"statement": dict(statement)}, was={}, label=ref.label)
        doubt = "" if _is_ours(statement, mark) else f"{self.name} never writes such a statement"
        return Marked(mark=mark, act=act, fault=self.name, where=where, target=ref.identity, doubt=doubt)


def _check_free(ref: Ref, policy: Policy, sid: str) -> None:
    """Raises Refused when the policy has a statement of another run of ours."""
    others = [str(mark) for mark, one in policy.marks() if one["Sid"] != sid]
    if others:
        raise Refused(f"{ref.label} already bears a mark of chaos-runner, {others[0]}: one fault at a time on one "
                      "thing; `chaos-runner recover --scan aws` undoes what a dead run left")


def _is_ours(statement: Statement, mark: Mark) -> bool:
    condition = statement.get("Condition")
    ends = condition.get("DateLessThan") if isinstance(condition, Mapping) else None
    return statement.get("Effect") == "Deny" and ends == {"aws:CurrentTime": _iso(mark)}


def _iso(mark: Mark) -> str:
    """When it ends by itself, as IAM writes it."""
    return f"{datetime.strptime(mark.expires, _MOMENT).replace(tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}"
