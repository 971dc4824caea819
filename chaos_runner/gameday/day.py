"""A game day as it stands: the one fold of its events. Console, report and resuming all read it."""

from collections.abc import Iterable

from msgspec import Struct, structs

from chaos_runner.gameday import events as ev
from chaos_runner.gameday.events import Answered, DayBegan, DayEnded, DayEvent, Found, Held, Noted, Planned, RunOver


class DayRun(Struct, frozen=True, kw_only=True):
    """One run of an item; `over` is None while it is under way, or nobody knows its end yet."""

    run: str
    began_t: float
    by: str
    changed: bool = False
    over: RunOver | None = None

    @property
    def end_t(self) -> float | None:
        return self.over.t if self.over else None


class ItemState(Struct, frozen=True, kw_only=True):
    """What has become of an item. `answers` are those since it was last begun; `past` is when it was played before."""

    began_t: float | None = None
    done_t: float | None = None
    skipped: str | None = None
    by: str = ""
    runs: tuple[DayRun, ...] = ()
    tries: int = 0
    answers: dict[str, Answered] = {}
    more_s: float = 0.0
    held_s: float = 0.0
    past: tuple[tuple[float, float], ...] = ()

    @property
    def open(self) -> bool:
        """Whether it is neither done nor left out."""
        return self.done_t is None and self.skipped is None

    @property
    def last_run(self) -> DayRun | None:
        """The run since it was last begun, if there is one."""
        return self.runs[-1] if len(self.runs) == self.tries and self.runs else None

    @property
    def said_no(self) -> list[Answered]:
        """Those who said no-go."""
        return [answer for answer in self.answers.values() if not answer.go]


class Day(Struct, frozen=True, kw_only=True):
    """The day after all that has happened so far. `heard` are all answers ever given, `runs` under way included."""

    began: DayBegan
    items: tuple[ItemState, ...]
    t: float = 0.0
    held: Held | None = None
    left: ev.DayLeft | None = None
    notes: tuple[Noted, ...] = ()
    heard: tuple[Answered, ...] = ()
    happened: tuple[DayEvent, ...] = ()
    opened: tuple[Found, ...] = ()
    ended: DayEnded | None = None

    @classmethod
    def of(cls, events: Iterable[DayEvent]) -> "Day":
        """The day that these events tell of. Raises ValueError when they do not fit together."""
        first, *rest = events
        if not isinstance(first, DayBegan):
            raise TypeError("a game day begins with its plan")
        day = cls(began=first, items=tuple(ItemState() for _ in first.agenda), happened=(first,))
        return day.after(rest)

    def after(self, events: Iterable[DayEvent]) -> "Day":
        """The day after these. Raises LookupError, TypeError or ValueError for what cannot have happened."""
        day = self
        for event in events:
            day = structs.replace(_after(day, event), t=max(day.t, event.t), happened=(*day.happened, event))
        return day

    @property
    def current(self) -> int | None:
        """The item that the day has come to: the first that is open. None when there is none."""
        return next((number for number, item in enumerate(self.items) if item.open), None)

    def planned(self, item: int) -> Planned:
        """What was planned for an item."""
        return self.began.agenda[item]

    def name(self, item: int) -> str:
        """What an item may be called just now: its text, once what was sealed is opened."""
        opened = next((found.title for found in self.opened if found.item == item), "")
        return opened or self.planned(item).text

    def tells(self, item: int) -> bool:
        """Whether anything but its answers may be told of an item: what is sealed is opened at the end of the day."""
        return bool(self.opened) or not self.planned(item).sealed

    @property
    def runs(self) -> list[tuple[int, DayRun]]:
        """Every run with the number of its item, in the order in which they began."""
        found = [(number, run) for number, item in enumerate(self.items) for run in item.runs]
        return sorted(found, key=lambda one: one[1].began_t)

    @property
    def under_way(self) -> tuple[int, DayRun] | None:
        """The run whose end is not known."""
        return next(((number, run) for number, run in self.runs if run.over is None), None)

    def ends_t(self, item: int) -> float | None:
        """When the time of an item is over. None where it has no limit, or has not begun."""
        planned, state = self.planned(item), self.items[item]
        since_t, room_s = state.began_t, planned.at_most_s
        if planned.kind == "experiment":
            over = state.last_run.over if state.last_run else None
            since_t, room_s = (over.t, planned.observe_s or None) if over else (None, None)
        if since_t is None or room_s is None:
            return None
        return since_t + room_s + state.more_s + state.held_s


def _after(day: Day, event: DayEvent) -> Day:
    if day.ended or not 0 <= event.t < _LATEST_S:
        raise ValueError("nothing happens after the end of a day" if day.ended else f"no time: {event.t}")
    match event:
        case ev.DayResumed():
            return structs.replace(day, left=None)
        case ev.DayLeft():
            return structs.replace(day, left=event)
        case Held():
            return structs.replace(day, held=event)
        case ev.WentOn():
            return _went_on(day, event)
        case Noted():
            return structs.replace(day, notes=(*day.notes, event))
        case ev.Opened():
            return structs.replace(day, opened=event.files)
        case DayEnded():
            return structs.replace(day, ended=event)
        case DayBegan():
            raise ValueError("a day begins once")
        case _:
            pass
    return _after_for_item(day, event)


_LATEST_S = 1e9


def _went_on(day: Day, event: ev.WentOn) -> Day:
    """A hold costs nobody any of the time of the item it fell in."""
    current = day.current
    if current is None or day.held is None:
        return structs.replace(day, held=None)
    state = day.items[current]
    longer = structs.replace(state, held_s=state.held_s + max(0.0, event.t - day.held.t))
    return structs.replace(_with(day, current, longer), held=None)


def _after_for_item(day: Day, event: DayEvent) -> Day:
    number: int = event.item  # type: ignore[attr-defined]  # all that are left have one
    if number < 0:
        raise LookupError(f"no item {number}")
    state = day.items[number]
    if isinstance(event, Answered):
        day = structs.replace(day, heard=(*day.heard, event))
    return _with(day, number, _item_after(state, event))


def _item_after(state: ItemState, event: DayEvent) -> ItemState:
    match event:
        case ev.ItemBegan():
            return structs.replace(state, began_t=event.t, tries=len(state.runs) + 1)
        case ev.ItemDone():
            return structs.replace(state, done_t=event.t, by=event.by)
        case ev.ItemSkipped():
            return structs.replace(state, skipped=event.why, done_t=event.t, by=event.by)
        case ev.Retried():
            return _again(state, event.t)
        case Answered():
            return structs.replace(state, answers={**state.answers, event.role: event})
        case ev.RunBegan():
            run = DayRun(run=event.run, began_t=event.t, by=event.by, changed=event.changed)
            return structs.replace(state, runs=(*state.runs, run))
        case RunOver():
            return structs.replace(state, runs=tuple(
                structs.replace(run, over=event) if run.run == event.run else run for run in state.runs))
        case ev.Extended():
            return structs.replace(state, more_s=state.more_s + event.more_s)
        case _:
            pass
    raise TypeError(f"no event of a game day: {type(event).__name__}")


def _again(state: ItemState, t: float) -> ItemState:
    """The item as it is before it is played once more."""
    if state.began_t is None:
        return ItemState(runs=state.runs, past=state.past)
    return ItemState(runs=state.runs, past=(*state.past, (state.began_t, t if state.done_t is None else state.done_t)))


def _with(day: Day, number: int, state: ItemState) -> Day:
    items = list(day.items)
    items[number] = state
    return structs.replace(day, items=tuple(items))
