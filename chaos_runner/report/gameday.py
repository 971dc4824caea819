"""A game day's report: the day on one axis, every run with its verdict, who said what, and what is to be done.

A fold of the day's journal and of its runs' outcomes; as every page here it is whole without scripts and a network.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.gameday import events as ev
from chaos_runner.gameday.day import Day, DayRun, ItemState
from chaos_runner.gameday.model import Kind
from chaos_runner.history.reading import OutcomeUnreadable, read_outcome
from chaos_runner.report import axis as ax
from chaos_runner.report import day_postmortem, marks, text, times
from chaos_runner.report.axis import Axis, Span, Tick
from chaos_runner.report.day_telling import told
from chaos_runner.report.many import Frame
from chaos_runner.report.marks import Mark
from chaos_runner.report.rendering import rendered
from chaos_runner.report.writing import write
from chaos_runner.run.events import RestoredState, Verdict
from chaos_runner.run.outcome import Outcome
from chaos_runner.units import spoken_seconds

NAME: Final = "report.html"
POSTMORTEM: Final = "postmortem.md"
KINDS: Final = {Kind.EXPERIMENT: "run", Kind.MANUAL: "do", Kind.ASK: "ask", Kind.NOTE: "note"}
_QUIET: Final = (RestoredState.RESTORED, RestoredState.NOTHING)
_GO: Final = Mark("go", "check", "good")
_NO_GO: Final = Mark("no-go", "cross", "bad")
_SKIPPED: Final = Mark("skipped", "slash", "warn")
_DONE: Final = Mark("done", "check", "good")
_NEVER: Final = Mark("not reached", "dash", "quiet")
_OPEN: Final = Mark("not ended", "question", "warn")
_SAME: Final = Mark("as committed", "check", "good")
_CHANGED: Final = Mark("changed since", "cross", "bad")
_GONE: Final = Mark("not there any more", "question", "warn")
_LEFT: Final = Mark("Left", "pause", "warn")
_STRANGE: Final = Mark("Unknown", "question", "warn")


class Point(Struct, frozen=True, kw_only=True):
    """A note on the axis. `number` is the one it has below."""

    x: float
    number: int
    words: str
    action: bool


class Lane(Struct, frozen=True, kw_only=True):
    """An item on the axis: the time it took, its runs, and in these the stretches in which a fault acted."""

    anchor: str
    name: str
    words: str
    spans: list[Span]
    bands: list[Span]
    acted: list[Span]


class RunLine(Struct, frozen=True, kw_only=True):
    """One run. `href` is empty where it has no report, or may not be told yet."""

    marks: list[Mark]
    title: str
    item: int
    href: str
    sentence: str
    began: str
    detected: str
    detected_by: str
    recovered: str
    took: str
    by: str
    note: str


class ItemLine(Struct, frozen=True, kw_only=True):
    """One item of the agenda, and what became of it."""

    number: int
    kind: str
    words: str
    mark: Mark
    began: str
    took: str
    beside: str


class Said(Struct, frozen=True, kw_only=True):
    """Something that somebody said: a note, an answer, a decision, an action item."""

    number: int
    anchor: str
    when: str
    elapsed: str
    by: str
    text: str
    item: int
    mark: Mark | None = None
    beside: str = ""


class File(Struct, frozen=True, kw_only=True):
    """A file that was committed to. `how` is what checks it."""

    name: str
    title: str
    digest: str
    mark: Mark
    how: str


class View(Struct, frozen=True, kw_only=True):
    """The page."""

    mark: Mark
    sentence: str
    figures: list[tuple[str, str, str]]
    about: str
    ticks: list[Tick]
    lanes: list[Lane]
    points: list[Point]
    holds: list[Span]
    runs: list[RunLine]
    agenda: list[ItemLine]
    answers: list[Said]
    notes: list[Said]
    actions: list[Said]
    decisions: list[Said]
    files: list[File]
    opened: bool
    postmortem: str


def write_day(day: Day, reports: Path, folder: Path) -> list[Path]:
    """Writes the page and the beginning of a postmortem into the day's folder. Raises OSError."""
    skeleton = day_postmortem.text(day, reports)
    write(folder / POSTMORTEM, skeleton)
    write(folder / NAME, html(day, view(day, reports, skeleton)))
    return [folder / NAME, folder / POSTMORTEM]


def html(day: Day, found: View) -> str:
    """The page."""
    frame = Frame(title=text.short(day.began.title), above=f"game day {day.began.day}",
                  about=text.short(day.began.description, text.NOTE_MOST))
    return rendered("gameday.html", frame=frame, view=found)


def view(day: Day, reports: Path, skeleton: str) -> View:
    """What stands in the page."""
    axis = Axis(max(day.t, 1.0))
    outcomes = {run.run: _outcome(day, number, run, reports) for number, run in day.runs}
    return View(
        mark=_mark(day), sentence=_sentence(day), figures=list(_figures(day, outcomes)), about=_about(day),
        ticks=ax.ticks_of(axis, lambda t: _utc(day, t)),
        lanes=[_lane(day, axis, number, outcomes) for number, item in enumerate(day.items)
               if item.began_t is not None or item.past],
        points=_points(day, axis), holds=_holds(day, axis),
        runs=[_run_line(day, number, run, outcomes[run.run]) for number, run in day.runs],
        agenda=[_item_line(day, number, item) for number, item in enumerate(day.items)],
        answers=[_answer(day, number, one) for number, one in enumerate(day.heard, start=1)],
        notes=[_note(day, number, one) for number, one in enumerate(day.notes, start=1) if not one.action],
        actions=[_note(day, number, one) for number, one in enumerate(day.notes, start=1) if one.action],
        decisions=list(_decisions(day)), files=[_file(day, one) for one in day.opened] or list(_sealed(day)),
        opened=bool(day.opened), postmortem=skeleton)


def _outcome(day: Day, number: int, run: DayRun, reports: Path) -> Outcome | None:
    if not day.tells(number):
        return None
    try:
        return read_outcome(reports / "runs" / run.run)
    except OutcomeUnreadable:
        return None


def _mark(day: Day) -> Mark:
    if day.ended is None:
        return _LEFT
    if day.ended.exit == 6:
        return marks.RESTORED[RestoredState.NOT_RESTORED]
    return _verdict(day.ended.verdict)


def _verdict(word: str) -> Mark:
    return next((mark for verdict, mark in marks.VERDICTS.items() if verdict == word), _STRANGE)


def _restored(word: str) -> Mark:
    return next((mark for state, mark in marks.RESTORED.items() if state == word), _STRANGE)


def _sentence(day: Day) -> str:
    if day.ended:
        return f"{text.short(day.ended.sentence, text.NOTE_MOST)}."
    why = f" ({text.short(day.left.why)})" if day.left else ""
    return f"The day is not over: it was left{why} and can be taken up again."


def _about(day: Day) -> str:
    began = day.began
    env = f", environment {text.short(began.env)}" if began.env else ""
    roles = ", ".join(f"{text.short(role, 60)}{f' ({text.short(name, 60)})' if name else ''}"
                      for role, name in began.roles.items())
    asked = "" if began.attended else "; nobody was asked: --yes answered"
    return (f"{text.short(began.file)}{env}, played by {text.short(began.by)} on {text.short(began.host)}"
            f"{f'; roles: {roles}' if roles else ''}{asked}")


def _figures(day: Day, outcomes: dict[str, Outcome | None]) -> Iterator[tuple[str, str, str]]:
    verdicts = [run.over.verdict for _, run in day.runs if run.over]
    passed = sum(verdict == Verdict.PASSED for verdict in verdicts)
    planned = sum(planned.kind is Kind.EXPERIMENT for planned in day.began.agenda)
    yield "runs passed", f"{passed} of {len(verdicts)}", f"{text.count(planned, 'experiment')} planned"
    found = [one for one in outcomes.values() if one]
    seen = [one.detected.after_s for one in found if one.detected]
    yield "slowest detection", _spoken(max(seen, default=None)), f"of {text.count(len(seen), 'run')}"
    well = [one.time_to_recover_s for one in found if one.time_to_recover_s is not None]
    yield "slowest recovery", _spoken(max(well, default=None)), f"of {text.count(len(well), 'run')}"
    actions = [note for note in day.notes if note.action]
    owned = sum(bool(note.owner) for note in actions)
    yield "action items", f"{len(actions)}", f"{owned} with an owner"
    yield "the day took", spoken_seconds(day.t), f"{text.count(len(day.notes) - len(actions), 'note')}"


def _spoken(value_s: float | None) -> str:
    return times.UNKNOWN if value_s is None else spoken_seconds(value_s)


# ── times ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def _moment(day: Day, t: float) -> datetime:
    return datetime.fromisoformat(day.began.started).astimezone(UTC) + timedelta(seconds=t)


def _utc(day: Day, t: float) -> str:
    return f"{_moment(day, t):%H:%M:%S}"


def _at(day: Day, moment: str | None) -> float | None:
    """A wall time of an outcome as seconds of the day."""
    if moment is None:
        return None
    began = datetime.fromisoformat(day.began.started)
    try:
        return (datetime.fromisoformat(moment) - began).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


# ── the axis ────────────────────────────────────────────────────────────────────────────────────────────────────────

def _lane(day: Day, axis: Axis, number: int, outcomes: dict[str, Outcome | None]) -> Lane:
    planned, state = day.planned(number), day.items[number]
    name = f"{number + 1} {KINDS[planned.kind]}: {text.short(day.name(number), 80)}"
    stretches = [*state.past, *_present(day, state)]
    return Lane(
        anchor=f"item-{number + 1}", name=name, words=_lane_words(state, stretches),
        spans=[axis.span(from_t, to_t, name) for from_t, to_t in stretches],
        bands=[_band(day, axis, run) for run in state.runs],
        acted=[span for run in state.runs for span in _acted(day, axis, run, outcomes[run.run])])


def _present(day: Day, state: ItemState) -> list[tuple[float, float]]:
    """When the item was played for the last time."""
    if state.began_t is None:
        return []
    return [(state.began_t, day.t if state.done_t is None else state.done_t)]


def _lane_words(state: ItemState, stretches: Sequence[tuple[float, float]]) -> str:
    if state.skipped is not None:
        return "skipped"
    verdicts = [run.over.verdict if run.over else "not ended" for run in state.runs]
    return ", ".join([*verdicts, _summed(stretches)])


def _summed(stretches: Sequence[tuple[float, float]]) -> str:
    return spoken_seconds(round(sum(to_t - from_t for from_t, to_t in stretches), 1))


def _band(day: Day, axis: Axis, run: DayRun) -> Span:
    mark = _verdict(run.over.verdict) if run.over else _OPEN
    end_t = day.t if run.end_t is None else run.end_t
    span = axis.span(run.began_t, end_t)
    title = f"run {run.run}: {mark.word}, {_utc(day, run.began_t)} to {_utc(day, end_t)}"
    return Span(x=span.x, width=span.width, title=title, kind=mark.tone,
                word=mark.word.lower() if span.width >= 2 * ax.ROOM_FOR_A_WORD else "")


def _acted(day: Day, axis: Axis, run: DayRun, outcome: Outcome | None) -> Iterator[Span]:
    for fault in outcome.faults if outcome else ():
        from_t, to_t = _at(day, fault.applied), _at(day, fault.undone)
        if from_t is not None:
            until_t = to_t if to_t is not None else from_t
            yield axis.span(from_t, until_t, f"{text.short(fault.name, 80)}: {_utc(day, from_t)} to "
                                             f"{_utc(day, until_t)} ({run.run})")


def _points(day: Day, axis: Axis) -> list[Point]:
    return [Point(x=axis.percent(note.t), number=number, action=note.action,
                  words=f"{_utc(day, note.t)} {text.short(note.by, 40)}: {text.short(note.text, 120)}")
            for number, note in enumerate(day.notes, start=1)]


def _holds(day: Day, axis: Axis) -> list[Span]:
    """When nothing was to begin, and when nobody played."""
    spans, begun, why = [], None, ""
    for event in day.happened:
        if isinstance(event, ev.Held | ev.DayLeft) and begun is None:
            begun, why = event.t, f"{'on hold' if isinstance(event, ev.Held) else 'left'}: {text.short(event.why, 120)}"
        elif isinstance(event, ev.WentOn | ev.DayResumed) and begun is not None:
            spans.append(axis.span(begun, event.t, why))
            begun = None
    return spans + ([axis.span(begun, day.t, why)] if begun is not None else [])


# ── lines ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def _run_line(day: Day, number: int, run: DayRun, outcome: Outcome | None) -> RunLine:
    over = run.over
    answers = [_verdict(over.verdict) if over else _OPEN]
    if over and over.restored not in _QUIET:
        answers.append(_restored(over.restored))
    end_t = run.end_t
    recovered = outcome.time_to_recover_s if outcome else None
    seen = outcome.detected if outcome else None
    return RunLine(
        marks=answers, title=text.short(day.name(number)), item=number + 1,
        href=f"../../runs/{run.run}/report.html" if outcome else "",
        sentence=text.short(over.sentence, 240) if over and day.tells(number) else "", began=_utc(day, run.began_t),
        detected=_spoken(seen.after_s if seen else None), detected_by=text.short(seen.by, 60) if seen else "",
        recovered=_spoken(recovered), took=_spoken(None if end_t is None else round(end_t - run.began_t, 1)),
        by=text.short(run.by, 60), note="its file was not what was committed to" if run.changed else "")


def _item_line(day: Day, number: int, state: ItemState) -> ItemLine:
    planned = day.planned(number)
    mark = (_SKIPPED if state.skipped is not None else _DONE if state.done_t is not None
            else _OPEN if state.began_t is not None else _NEVER)
    stretches = [*state.past, *_present(day, state)]
    began = _utc(day, stretches[0][0]) if stretches else times.UNKNOWN
    took = _summed(stretches) if stretches else times.UNKNOWN
    return ItemLine(number=number + 1, kind=KINDS[planned.kind], words=text.short(day.name(number), text.NOTE_MOST),
                    mark=mark, began=began, took=took, beside="; ".join(_beside(planned, state)))


def _beside(planned: ev.Planned, state: ItemState) -> Iterator[str]:
    if planned.sealed:
        yield "was sealed"
    if planned.role:
        yield text.short(planned.role, 60)
    if planned.at_most_s:
        yield f"at most {spoken_seconds(planned.at_most_s)}"
    if state.more_s:
        yield f"extended by {spoken_seconds(state.more_s)}"
    if state.past:
        yield f"{len(state.past) + 1} times"
    if state.skipped:
        yield f"skipped by {text.short(state.by, 60)}: {text.short(state.skipped, text.NOTE_MOST)}"


def _answer(day: Day, number: int, one: ev.Answered) -> Said:
    question = text.short(day.name(one.item), text.NOTE_MOST)
    return Said(number=number, anchor=f"answer-{number}", when=_utc(day, one.t), elapsed=times.elapsed(one.t, 0),
                by=text.short(one.by), text=question, item=one.item + 1, mark=_GO if one.go else _NO_GO,
                beside=text.short(f"for {one.role}{f': {one.why}' if one.why else ''}", text.NOTE_MOST))


def _note(day: Day, number: int, one: ev.Noted) -> Said:
    return Said(number=number, anchor=f"note-{number}", when=_utc(day, one.t), elapsed=times.elapsed(one.t, 0),
                by=text.short(one.by), text=text.cut(one.text), item=one.item + 1, beside=text.short(one.owner))


_DECISIONS: Final = (ev.Held, ev.WentOn, ev.Extended, ev.ItemSkipped, ev.Retried, ev.DayLeft, ev.DayResumed,
                     ev.DayEnded)


def _decisions(day: Day) -> Iterator[Said]:
    """Holds, extensions, skips, retries, and who left or took up the day."""
    events = [(event, said) for event in day.happened
              if isinstance(event, _DECISIONS) and (said := told(day, event))]
    for number, (event, (who, words)) in enumerate(events, start=1):
        yield Said(number=number, anchor=f"decision-{number}", when=_utc(day, event.t), item=0,
                   elapsed=times.elapsed(event.t, 0), by=text.short(who), text=text.short(words, text.NOTE_MOST))


def _file(day: Day, one: ev.Found) -> File:
    mark = _GONE if not one.now else _SAME if one.now == one.committed else _CHANGED
    sealed = one.item is not None and day.planned(one.item).sealed
    names: Sequence[str] = (day.began.file, one.name) if sealed else (one.name,)
    return File(name=text.short(one.name), title=text.short(one.title), digest=one.committed, mark=mark,
                how=text.short(f"cat {' '.join(names)} | sha256sum", text.NOTE_MOST) if sealed else "")


def _sealed(day: Day) -> Iterator[File]:
    """What was committed to, while nothing is opened."""
    for one in day.began.committed:
        title = day.began.title if one.item is None else day.name(one.item)
        yield File(name=text.short(one.name), title=text.short(title), digest=one.digest, mark=_OPEN, how="")
