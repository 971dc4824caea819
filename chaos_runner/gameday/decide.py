"""What comes next in a game day, and what a person's word means at this moment: decided from the day alone."""

from collections.abc import Sequence

from msgspec import Struct

from chaos_runner.gameday.day import Day, ItemState
from chaos_runner.gameday.events import (
    Answered,
    DayEvent,
    Extended,
    Held,
    ItemBegan,
    ItemDone,
    ItemSkipped,
    Noted,
    Retried,
    WentOn,
)
from chaos_runner.gameday.model import Kind
from chaos_runner.gameday.words import Abort, Extend, GoOn, Hold, Note, Retry, Skip, Word
from chaos_runner.units import spoken_seconds

BY_YES = "--yes"
"""Who answers where nobody is asked."""
_LEFT = ("not-restored", "unknown")


class Begin(Struct, frozen=True):
    """Comes to an item."""

    item: int


class AskRole(Struct, frozen=True):
    """A role is to say go or no-go."""

    item: int
    role: str


class AskToRun(Struct, frozen=True):
    """An experiment is shown, and somebody has to say go."""

    item: int


class Settle(Struct, frozen=True):
    """A run is under way that nobody listens to: its end has to be found out, and never a new one started."""

    item: int
    run: str


class Wait(Struct, frozen=True):
    """Somebody has to say that it goes on. `until_t` is when the time is over, `why` what is waited for."""

    item: int
    why: str
    until_t: float | None = None


class Done(Struct, frozen=True):
    """An item is over without anybody's word."""

    item: int


class Close(Struct, frozen=True):
    """The agenda is over."""


Step = Begin | AskRole | AskToRun | Settle | Wait | Done | Close


class Refusal(Struct, frozen=True):
    """A word that means nothing at this moment, and what would."""

    text: str


def next_step(day: Day) -> Step:
    """What is to be done now."""
    if day.under_way:
        item, run = day.under_way
        return Settle(item, run.run)
    number = day.current
    if day.held:
        return Wait(-1 if number is None else number, f"on hold{_because(day.held.why)}")
    if number is None:
        return Close()
    state = day.items[number]
    return _within(day, number, state) if state.began_t is not None else Begin(number)


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _within(day: Day, number: int, state: ItemState) -> Step:
    planned = day.planned(number)
    match planned.kind:
        case Kind.EXPERIMENT if state.last_run is None:
            return AskToRun(number)
        case Kind.ASK:
            return _question(number, planned.of, state)
        case Kind.NOTE:
            return Done(number)
        case _:
            pass
    return Wait(number, "look on" if planned.kind is Kind.EXPERIMENT else "do it", day.ends_t(number))


def _question(number: int, roles: Sequence[str], state: ItemState) -> Step:
    if state.said_no:
        names = ", ".join(answer.role for answer in state.said_no)
        return Wait(number, f"no-go from {names}")
    waiting = [role for role in roles if role not in state.answers]
    return AskRole(number, waiting[0]) if waiting else Done(number)


# ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────────

def heard(day: Day, word: Word, by: str, t: float) -> list[DayEvent] | Refusal:
    """What a word leads to. Answers, runs, and the end of the day are the caller's: these need more than a word."""
    number = day.current
    match word:
        case Note():
            item = number if number is not None else len(day.items) - 1
            return [Noted(t=t, item=item, by=word.by or by, text=word.text, action=word.action, owner=word.owner)]
        case Hold():
            return Refusal("it is on hold already") if day.held else [Held(t=t, by=by, why=word.why)]
        case Extend():
            return _extended(day, word, by, t)
        case Retry():
            return _retried(day, by, t)
        case Skip():
            return _skipped(day, word.why, by, t)
        case GoOn():
            return _gone_on(day, by, t)
        case Abort():
            return Refusal("it takes effect at once")
        case _:
            pass
    return Refusal("go and no-go answer a question, or begin an experiment")


def _gone_on(day: Day, by: str, t: float) -> list[DayEvent] | Refusal:
    if day.held:
        return [WentOn(t=t, by=by)]
    match next_step(day):
        case Wait(item, why) if not why.startswith("no-go"):
            return [ItemDone(t=t, item=item, by=by)]
        case Wait():
            return Refusal("somebody said no-go: retry asks all of them again, skip leaves out what depends on it")
        case AskToRun():
            return Refusal("say go to begin this experiment, or skip")
        case _:
            pass
    return Refusal("say go or no-go")


def _extended(day: Day, word: Extend, by: str, t: float) -> list[DayEvent] | Refusal:
    number = day.current
    if number is None or day.items[number].began_t is None:
        return Refusal("no item is under way that could have more time")
    return [Extended(t=t, item=number, by=by, more_s=word.more_s)]


def _retried(day: Day, by: str, t: float) -> list[DayEvent] | Refusal:
    if day.under_way:
        return Refusal("its run is still under way")
    number = again(day)
    return Refusal("nothing has been tried yet that could be tried again") if number is None else [
        *([WentOn(t=t, by=by)] if day.held else []), Retried(t=t, item=number, by=by)]


def again(day: Day) -> int | None:
    """The item that `retry` means: the current one when it has come to something, else the last before it that was an
    experiment or a question.
    """
    number = day.current
    if number is not None:
        state = day.items[number]
        if state.last_run or state.answers:
            return number
    before = range((len(day.items) if number is None else number) - 1, -1, -1)
    return next((one for one in before if day.planned(one).kind in (Kind.EXPERIMENT, Kind.ASK)
                 and (day.items[one].runs or day.items[one].answers or day.items[one].skipped is not None)), None)


def _skipped(day: Day, why: str, by: str, t: float) -> list[DayEvent] | Refusal:
    number = day.current
    if number is None:
        return Refusal("the agenda is over: there is nothing to skip")
    if day.under_way:
        return Refusal("its run is under way: abort stops and undoes it")
    if not why:
        return Refusal("say why: skip: …")
    went_on: list[DayEvent] = [WentOn(t=t, by=by)] if day.held else []
    return [*went_on, *(ItemSkipped(t=t, item=item, by=by, why=reason) for item, reason in _left_out(day, number, why))]


def _left_out(day: Day, number: int, why: str) -> list[tuple[int, str]]:
    """The item; and for a question that nobody said go to, what stands behind it too, up to the next question."""
    found = [(number, why)]
    if day.planned(number).kind is not Kind.ASK:
        return found
    for item in range(number + 1, len(day.items)):
        kind = day.planned(item).kind
        if kind is Kind.ASK:
            break
        if kind is Kind.EXPERIMENT and day.items[item].open:
            found.append((item, f"no go from item {number + 1}: {why}"))
    return found


def begun(item: int, t: float) -> list[DayEvent]:
    """The day comes to an item."""
    return [ItemBegan(t=t, item=item)]


def by_itself(day: Day, step: Step, t: float) -> list[DayEvent]:
    """What happens where nobody plays: questions are answered, and what people would do is left out and told so."""
    match step:
        case AskRole(item, role):
            return [Answered(t=t, item=item, role=role, go=True, by=BY_YES)]
        case Wait(item) if day.planned(item).kind is Kind.MANUAL:
            return [ItemSkipped(t=t, item=item, by=BY_YES, why="nobody was there to do it")]
        case Wait(item):
            return [ItemDone(t=t, item=item, by=BY_YES)]
        case _:
            return []


def hold_after(day: Day, t: float) -> list[DayEvent]:
    """After a run that somebody interrupted, or that left something, nothing goes on by itself."""
    over = day.runs[-1][1].over if day.runs else None
    if over is None or day.held:
        return []
    if over.restored in _LEFT or over.exit == _NOT_RESTORED_EXIT:
        return [Held(t=t, by="chaos-runner", why=f"run {over.run} has left something: chaos-runner recover {over.run}")]
    if over.verdict == "interrupted":
        return [Held(t=t, by="chaos-runner", why="the run was interrupted")]
    return []


_NOT_RESTORED_EXIT = 6


def room_words(day: Day, item: int) -> str:
    """How long an item may take, in words; "" where nothing says so."""
    at_most_s = day.planned(item).at_most_s
    return f"at most {spoken_seconds(at_most_s)}" if at_most_s else ""
