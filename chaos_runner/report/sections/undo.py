"""The way back of every act, and the look that proved it."""


from msgspec import Struct

from chaos_runner.report import marks, text, times
from chaos_runner.report.marks import Mark
from chaos_runner.report.story import Story
from chaos_runner.report.text import NOTE_MOST
from chaos_runner.run.events import RestoredState
from chaos_runner.run.run import Entry, EntryState, Run
from chaos_runner.run.verdict import entry_state
from chaos_runner.units import spoken_seconds


class Row(Struct, frozen=True, kw_only=True):
    """One recorded act."""

    key: str
    step: str
    label: str
    applied: str
    undone: str
    acted_for: str
    attempts: int
    mark: Mark
    diff: str
    by_hand: str
    act: str
    aftermath: list[str]


class View(Struct, frozen=True, kw_only=True):
    """Every act that was recorded, newest last."""

    entries: list[Row]


def view(story: Story) -> View | None:
    """None when nothing was recorded."""
    run = story.run
    if not run.entries:
        return None
    return View(entries=[_row(run, entry) for entry in run.entries.values()])


def _row(run: Run, entry: Entry) -> Row:
    acted_for, left = "", entry_state(entry) in _LEFT
    if entry.applied_t is not None and entry.undone_t is not None:
        acted_for = spoken_seconds(max(0.0, entry.undone_t - entry.applied_t))
    return Row(
        key=entry.key, step=text.short(run.plan.step(entry.step).name), label=text.short(entry.label),
        applied=times.elapsed(entry.applied_t), undone=times.elapsed(entry.undone_t), acted_for=acted_for,
        attempts=entry.attempts, mark=mark_of(run, entry), diff=_difference(run, entry),
        by_hand=text.cut(entry.by_hand) if left else "", act=_act(entry) if left else "",
        aftermath=[text.short(line, NOTE_MOST) for line in entry.aftermath or []])


def _act(entry: Entry) -> str:
    """What was recorded, for whoever has to finish the undo without a command."""
    if entry.act is None:
        return text.cut(text.written(entry.undo.call.spec)) if entry.undo else ""
    return text.cut(text.written({"target": entry.act.target, "do": entry.act.do, "was": entry.act.was}))


def mark_of(run: Run, entry: Entry) -> Mark:
    """Whether this act is back, in one word."""
    if not entry.reversible:
        return marks.IRREVERSIBLE
    if entry.state is EntryState.REFUSED:
        return marks.REFUSED
    if entry.answer is not None:
        return marks.ANSWERS[entry.answer]
    if entry.undo_error:
        return marks.FAILED
    if entry.blind:
        return marks.REPORTED_UNDO
    return marks.NOT_KNOWN if run.ended or entry.attempts else marks.UNDER_WAY


def _difference(run: Run, entry: Entry) -> str:
    if not entry.reversible:
        return f"healed by {run.plan.cards[entry.step].healed_by}"
    parts = [part for part in (entry.undo_error, entry.diff) if part]
    return text.short("; ".join(parts), NOTE_MOST)


_LEFT = (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN)
