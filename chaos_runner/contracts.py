"""What a fault and a probe promise, and the data they exchange with whoever calls them.

A fault is three verbs and a look back; a probe is one function. Both are plain and blocking: the engine alone owns
threads, time, retries, deadlines and the journal. Everything that crosses this border is data that any later version on
any machine can read.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Generic, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from chaos_runner.errors import ActFailed
from chaos_runner.mark import NO_KEY, Key
from chaos_runner.mark import Mark as Mark  # noqa: PLC0414 -- it belongs to the contract
from chaos_runner.units import Unit

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
UNDO_ATTEMPTS: Final = 3
UNDO_S: Final = 20.0
"""After this an undo that has not come back counts as failed, unless its fault says that it takes longer."""
Seconds = Annotated[float, Unit.SECONDS]
Share = Annotated[float, Unit.SHARE]
Size = Annotated[int, Unit.BYTES]


class Grade(StrEnum):
    """How sure we are that a fault acted: measured, told by whoever did it, or not at all."""

    PROVEN = "proven"
    REPORTED = "reported"
    NONE = "none"


class Group(Struct, frozen=True, kw_only=True):
    """The set that a target was chosen from: how people call it, and how many it has."""

    name: str
    size: int


class Where(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a target stands, as far as its platform has such places, and its labels or tags. Limits speak of these.

    `namespaces` are those that are hit through a target that stands in none: what runs on a node.
    """

    context: str = ""
    namespace: str = ""
    namespaces: list[str] = []
    account: str = ""
    region: str = ""
    labels: dict[str, str] = {}


class Act(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change to one target, complete enough to undo and verify it in any process.

    `target` identifies it for good (a pid only together with its start time), `do` is what is done, `was` is what
    `prepare` saw, `label` is how people call the target. `group` is None for a target that was named, not chosen.
    """

    target: dict[str, Any]
    do: dict[str, Any]
    was: dict[str, Any]
    label: str
    group: Group | None = None
    where: Where = Where()


class Right(Struct, frozen=True, kw_only=True):
    """Something that acting or undoing needs: `verb` is "do" or "undo". `lacks` says what is missing, if anything."""

    verb: str
    needs: str
    lacks: str = ""


class Evidence(Struct, frozen=True, kw_only=True):
    """What was measured right after `apply` that shows it acted."""

    grade: Grade = Grade.PROVEN
    before: str = ""
    after: str = ""


class Answer(StrEnum):
    """What looking back found: as it was, no longer there, changed by someone else, or still as we left it."""

    RESTORED = "restored"
    GONE = "gone"
    DRIFT = "drift"
    NOT_RESTORED = "not-restored"


class Restored(Struct, frozen=True, kw_only=True):
    """The answer of `verify`, and the difference in words where there is one."""

    answer: Answer
    diff: str = ""


class Setting(Struct, frozen=True, kw_only=True):
    """What surrounds one `prepare`: our mark and the key to sign it, the seed for random choice, and the experiment's
    configuration.

    `looking` is for a plan, which somebody may make who must not act: then a missing right is told by `rights`, and
    `prepare` does not refuse for it.
    """

    mark: Mark
    seed: int
    configuration: Mapping[str, Any]
    key: Key = NO_KEY
    looking: bool = False


class Band(Struct, frozen=True, kw_only=True):
    """How the report draws the time a fault lasted: a word and a pattern, never colour alone."""

    word: str
    pattern: str = "hatch"


class Example(Struct, frozen=True, kw_only=True):
    """A target and arguments as they would stand in a file, for help pages and for `new`: "200ms", not 0.2."""

    target: dict[str, Any] = {}
    arguments: dict[str, Any] = {}


class Candidate(Struct, frozen=True, kw_only=True):
    """Something that a fault could hit now: what `target:` would say, how people call it, what the experiment's
    configuration has to say for it, and the TCP port at which it answers on this machine, if it is known.
    """

    target: dict[str, Any]
    label: str
    configuration: dict[str, Any] = {}
    port: int | None = None


class NoArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """For faults that need nothing but a target."""


T = TypeVar("T")
A = TypeVar("A")


class Fault(ABC, Generic[T, A]):
    """A way to hurt a target, and the way back.

    `Refused` from `prepare` or `apply` means nothing changed; any other error from `apply` means something may have,
    so the act is undone. `undo` goes to the known good state, so it may run zero, one or many times, and changes back
    only what still is as `apply` left it.
    """

    target: ClassVar[type[Struct]]
    arguments: ClassVar[type[Struct]] = NoArguments
    band: ClassVar[Band]
    healed_by: ClassVar[str] = ""
    """Who brings the target back when the fault cannot be undone. Empty for faults that can."""
    undone_by: ClassVar[str] = ""
    """How `undo` brings the target back, in a few words."""
    undo_s: ClassVar[float] = UNDO_S
    """The longest that one undo of one act may take: some targets cannot be started while they are still stopping."""
    outlives_machine: ClassVar[bool] = True
    """Whether what it did is still there when the machine that runs us is gone. False for what hurts that very machine.
    """
    needs: ClassVar[str] = ""
    """The system, tools and rights without which it refuses, in a few words. Empty where any user can."""
    example: ClassVar[Example] = Example()
    """A target and arguments to begin with: careful ones."""

    @abstractmethod
    def prepare(self, target: T, arguments: A, setting: Setting) -> list[Act]:
        """Looks, refuses, changes nothing. Raises Refused, NoTarget or NoEffect."""

    @abstractmethod
    def apply(self, act: Act) -> Evidence:
        """Changes the target and measures that it changed. Raises Refused when nothing was changed, else ActFailed."""

    @abstractmethod
    def undo(self, act: Act) -> None:
        """Brings the target back to `act.was`. Raises ActFailed. A target that is gone needs nothing."""

    @abstractmethod
    def verify(self, act: Act) -> Restored:
        """Reads the target back and compares. Raises ActFailed when it cannot be read."""

    def rights(self, act: Act) -> list[Right]:  # noqa: ARG002 -- for those who override it
        """The rights to do and to undo this act, checked without acting. Empty where `prepare` alone finds out."""
        return []

    def notes(self, acts: Sequence[Act]) -> list[str]:  # noqa: ARG002 -- for those who override it
        """What somebody should know before all these acts are done, beyond what is refused. Looks, changes nothing."""
        return []

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:  # noqa: ARG002 -- for those who override it
        """What could be hit now and agrees with `given`, keys of a target that are settled. Looks, changes nothing.

        Raises ActFailed or UsageError when it cannot be found out. Empty also where there is nothing to choose.
        """
        return []

    def aftermath(self, act: Act, since: datetime) -> list[str]:  # noqa: ARG002 -- for those who override it
        """What became of the target since the act, line by line for the report: who replaced it, when it was ready.

        Asked once, when the system has had its time to recover. Looks, changes nothing. Raises ActFailed.
        """
        return []

    def by_hand(self, act: Act) -> str:  # noqa: ARG002 -- for those who override it
        """The command a person can type to finish the undo, where there is one."""
        return ""


class Marked(Struct, frozen=True, kw_only=True):
    """A mark that was found at `where`, and the act that leads back from it, as far as the target itself tells.

    `fault` is the shelf's name of the fault that would have left it, `target` what makes its target this very one: both
    are what the mark is signed with. `doubt` says why it cannot be ours although it is named so: it is only shown.
    """

    mark: Mark
    act: Act
    fault: str
    where: str
    target: str
    doubt: str = ""
    hold: bool = False
    """Whether it hurts nobody, and only keeps other runs off: see Holding."""


class PartlyRead(ActFailed):
    """Some of what may bear a mark could not be looked at, and `unread` says why; `found` is what the rest bears."""

    def __init__(self, unread: Sequence[str], found: Sequence[Marked]) -> None:
        super().__init__("; ".join(unread))
        self.unread = unread
        self.found = found


@runtime_checkable
class Scannable(Protocol):
    """A fault whose marks can be found on the platform, without a journal."""

    def marked(self, where: str) -> list[Marked]:
        """What bears a mark of this fault at an address of the platform. Raises ActFailed when it cannot be read,
        PartlyRead when a part of it can.
        """


@runtime_checkable
class Holding(Protocol):
    """A fault that keeps our other runs off what it hits, from just before its first apply to the end of its run."""

    def hold(self, act: Act, mark: Mark, key: Key) -> None:
        """Takes hold for the mark's run, until the mark expires at the latest. May be done twice, for several acts.

        Raises Refused when another run has hold of it.
        """

    def let_go(self, acts: Sequence[Act], mark: Mark) -> None:
        """Lets go of whatever the mark's run holds around these acts. May be done twice. Raises ActFailed."""

    def held(self, where: str) -> list[Marked]:
        """All that any run holds at an address of the platform, by whichever fault. Raises as `marked` does."""

    def release(self, act: Act) -> Restored:
        """Lets go of one that `held` has found, if it still is as it was found, and reads back. Raises ActFailed."""


class Reading(Struct, frozen=True, kw_only=True):
    """What a probe read: a number in its unit, or whatever a Chaos Toolkit provider returned."""

    value: Any
    note: str = ""


class Unreachable(Exception):
    """The system under test did not answer: a bad sample, the outage we came to see."""


class NoData(Exception):
    """The measuring system did not answer, or had nothing to say: a missing sample."""


class BadQuestion(Exception):
    """What was asked can have no answer, a mistake in the file: nothing can be said, however long one waits."""


class Nearness(StrEnum):
    """How near another run is to ours: on the same targets, with faults of the same family, or neither."""

    TARGETS = "targets"
    FAMILY = "family"
    NOTHING = "nothing"


class Neighbour(Struct, frozen=True, kw_only=True):
    """Another run that lives, or that died and `left` something; `why` is what both share, in words."""

    run: str
    title: str
    nearness: Nearness
    why: str = ""
    left: bool = False


Neighbours = Callable[[Sequence[Path]], list[Neighbour]]
"""The runs beside the one that asks: in its own reports, and in these folders of others. Raises NoData."""


class NativeProbe(Struct, frozen=True, kw_only=True):
    """A probe on the shelf: how to read it, its arguments, and the unit of what it reads, or the words it may give.

    `read` is given the arguments; where it is `of_runs`, also Neighbours.
    """

    name: str
    arguments: type[Struct]
    unit: Unit
    read: Callable[..., Reading]
    says: str
    words: tuple[str, ...] = ()
    example: Mapping[str, Any] = {}
    of_runs: bool = False


def probe(
    arguments: type[A], unit: Unit, words: tuple[str, ...] = (), example: Mapping[str, Any] = NOTHING,
) -> Callable[[Callable[[A], Reading]], NativeProbe]:
    """Puts a function on the shelf of probes. The module and the function are its name: `http.latency`.

    `words` are all that it may give, for one that gives words: a file that waits for another is refused. `example` is
    what a file may say beside `name` and `probe`: arguments and a limit.
    """

    def shelve(read: Callable[[A], Reading]) -> NativeProbe:
        return _shelved(read, arguments=arguments, unit=unit, words=words, example=example)

    return shelve


def probe_of_runs(
    arguments: type[A], unit: Unit, example: Mapping[str, Any] = NOTHING,
) -> Callable[[Callable[[A, Neighbours], Reading]], NativeProbe]:
    """Puts a function on the shelf that asks what other runs there are beside the one that reads it."""

    def shelve(read: Callable[[A, Neighbours], Reading]) -> NativeProbe:
        return _shelved(read, arguments=arguments, unit=unit, example=example, of_runs=True)

    return shelve


def _shelved(read: Callable[..., Reading], **more: Any) -> NativeProbe:
    name = f"{read.__module__.rpartition('.')[2]}.{read.__name__}"
    return NativeProbe(name=name, read=read, says=(read.__doc__ or "").strip().partition("\n")[0], **more)
