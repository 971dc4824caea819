"""What can happen in a game day, one frozen type each. Its journal is a list of these, and all else is read from it.

`t` is seconds since the day began, by the wall clock: a day that is taken up again went on while nobody played it.
Every event is on the disk before what it tells of is done.
"""

from msgspec import Struct

from chaos_runner.gameday.model import Kind


class DayEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    """The root of everything that can happen."""

    t: float


class Planned(Struct, frozen=True, kw_only=True):
    """An item as the journal has it from the first line on: of a sealed one neither title nor file."""

    kind: Kind
    text: str
    role: str = ""
    of: tuple[str, ...] = ()
    file: str = ""
    sealed: bool = False
    at_most_s: float | None = None
    observe_s: float = 0.0


class Committed(Struct, frozen=True, kw_only=True):
    """What was planned, as a digest (SHA-256, hex) that nobody can change afterwards. `item` is None for the day's own
    file. That of a sealed experiment is taken of the day's file and the experiment's, one after the other: whoever
    has only the experiments cannot find out which it is.
    """

    item: int | None
    name: str
    digest: str


class DayBegan(DayEvent, frozen=True, kw_only=True, tag=True):
    """The first line: what is planned, who plays, and what was committed to. `by` is who sits at the keyboard."""

    day: str
    title: str
    file: str
    env: str
    description: str
    by: str
    host: str
    started: str
    version: str
    roles: dict[str, str]
    agenda: tuple[Planned, ...]
    committed: tuple[Committed, ...]
    attended: bool


class DayResumed(DayEvent, frozen=True, kw_only=True, tag=True):
    """Somebody took the day up again, after its process was gone."""

    by: str
    host: str


class DayLeft(DayEvent, frozen=True, kw_only=True, tag=True):
    """Nobody plays any more, for now: a signal came, or the terminal is gone."""

    why: str


class ItemBegan(DayEvent, frozen=True, kw_only=True, tag=True):
    """The day has come to this item."""

    item: int


class ItemDone(DayEvent, frozen=True, kw_only=True, tag=True):
    """The day goes on to the next item."""

    item: int
    by: str


class ItemSkipped(DayEvent, frozen=True, kw_only=True, tag=True):
    """This item is left out."""

    item: int
    by: str
    why: str


class Retried(DayEvent, frozen=True, kw_only=True, tag=True):
    """This item is played once more, from its beginning."""

    item: int
    by: str


class Answered(DayEvent, frozen=True, kw_only=True, tag=True):
    """A role said go, or no-go."""

    item: int
    role: str
    go: bool
    by: str
    why: str = ""


class RunBegan(DayEvent, frozen=True, kw_only=True, tag=True):
    """A run is started: on the disk before its process is. `changed`: its file is not what was committed to."""

    item: int
    run: str
    by: str
    changed: bool = False


class RunOver(DayEvent, frozen=True, kw_only=True, tag=True):
    """A run has ended. What its outcome says is kept here too, should its folder be lost."""

    item: int
    run: str
    verdict: str
    restored: str
    exit: int
    sentence: str = ""
    recorded: bool = True


class Held(DayEvent, frozen=True, kw_only=True, tag=True):
    """Nothing begins until somebody says so."""

    by: str
    why: str


class WentOn(DayEvent, frozen=True, kw_only=True, tag=True):
    """The hold is over."""

    by: str


class Extended(DayEvent, frozen=True, kw_only=True, tag=True):
    """There is more time for this item."""

    item: int
    by: str
    more_s: float


class Noted(DayEvent, frozen=True, kw_only=True, tag=True):
    """Somebody wrote down what they saw, or with `action` what is to be done, and by whom."""

    item: int
    by: str
    text: str
    action: bool = False
    owner: str = ""


class Found(Struct, frozen=True, kw_only=True):
    """A committed file at the end of the day. `now` is its digest then; "" where it cannot be read."""

    item: int | None
    name: str
    title: str
    committed: str
    now: str


class Opened(DayEvent, frozen=True, kw_only=True, tag=True):
    """What was sealed is told, and whether the files still are what was committed to."""

    files: tuple[Found, ...]


class DayEnded(DayEvent, frozen=True, kw_only=True, tag=True):
    """The day is over. `aborted`: somebody ended it before its agenda did."""

    verdict: str
    exit: int
    sentence: str
    by: str
    aborted: bool = False
    why: str = ""


AnyDayEvent = (DayBegan | DayResumed | DayLeft | ItemBegan | ItemDone | ItemSkipped | Retried | Answered | RunBegan
               | RunOver | Held | WentOn | Extended | Noted | Opened | DayEnded)
