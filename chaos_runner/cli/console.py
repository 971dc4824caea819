"""The console: one line per change on standard error, and the two answers at the end. Plain enough for a CI log."""

import sys
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Any, Final, TextIO

from chaos_runner.cli.ink import Ink
from chaos_runner.cli.wrapping import NARROW, Paper, brief, wrapped
from chaos_runner.contracts import Answer
from chaos_runner.experiment.complaints import escaped
from chaos_runner.run import events as ev
from chaos_runner.run.conditions import should_roll_back
from chaos_runner.run.events import Event, Phase, RestoredState, Stage, Verdict
from chaos_runner.run.gates import GateResult, gate_answer
from chaos_runner.run.outcome import Outcome
from chaos_runner.run.run import Run
from chaos_runner.run.sentences import limit_words, value_words
from chaos_runner.units import spoken_seconds

ALIVE_S: Final = 30.0
ALSO_MOST: Final = 10
"""Further reasons that are named; the report has all."""
_GOOD: Final = {Verdict.PASSED, RestoredState.RESTORED, RestoredState.NOTHING}
_BAD: Final = {Verdict.DEVIATED, Verdict.ERROR, RestoredState.NOT_RESTORED, RestoredState.UNKNOWN}


class Console:
    """Watches a run and says what changes, and every half a minute that it is alive."""

    def __init__(self, ink: Ink, stream: TextIO = sys.stderr) -> None:
        self._ink = ink
        self._stream = stream
        self._said_t = 0.0
        self._heard: tuple[Run, float] | None = None

    def __call__(self, run: Run, events: Sequence[Event]) -> None:
        self._heard = run, monotonic()
        for event in events:
            for line in lines_of(run, event):
                self._say(event.t, *line)
        self._alive(run, run.t)

    def beat(self) -> None:
        """Says that the run is alive also where nothing happens in it."""
        if self._heard:
            run, heard_s = self._heard
            self._alive(run, run.t + monotonic() - heard_s)

    def close(self) -> None:
        """Nothing is left to say."""

    def _alive(self, run: Run, t: float) -> None:
        if t - self._said_t > ALIVE_S and not run.over:
            self._say(t, "alive", f"{run.stage} for {spoken_seconds(t - run.stages.get(run.stage, 0.0))}")

    def _say(self, t: float, word: str, text: str) -> None:
        self._said_t = t
        stamp = self._ink.dim(f"T+{t:7.2f}s")
        named = coloured(word, self._ink) + " " * max(0, 8 - len(word))
        self._stream.write(f"{stamp}  {named}  {escaped(brief(text))}\n")
        self._stream.flush()


def lines_of(run: Run, event: Event) -> Iterator[tuple[str, str]]:
    """What an event changes: a word and a text. Nothing, where it changes nothing that people follow."""
    say = _LINES.get(type(event))
    line = say(run, event) if say else None
    if line:
        yield line


def coloured(word: str, ink: Ink) -> str:
    """The word of a change, in the colour of what it means."""
    paint = {"breach": ink.red, "failed": ink.red, "stop": ink.yellow, "fault": ink.bold, "undone": ink.green,
             "back": ink.green}.get(word, str)
    return paint(word)


def ending(found: Outcome, ink: Ink, width: int | None = None) -> list[str]:
    """The last lines of a run: the verdict, whether everything is restored, and what to do if not."""
    column = max(12, len(found.verdict), len(found.restored)) if width is None or width >= NARROW else 0
    lines = [_answer(found.verdict, found.sentence, column, Paper(ink, width)),
             _answer(found.restored, _restored_words(found), column, Paper(ink, width))]
    for left in found.unrestored:
        lines.append(_indented(f"{left.target}: {left.diff or left.restored}", width))
        if left.by_hand:  # never wrapped nor cut: it is to be copied
            lines.append(f"    finish it with:  {escaped(left.by_hand)}")
    also = [f"also      {reason.code} {reason.text}" for reason in found.reasons[1:ALSO_MOST + 1]]
    if len(found.reasons) > ALSO_MOST + 1:
        also.append(f"also      {len(found.reasons) - ALSO_MOST - 1} reasons more, in the report")
    return [*lines, *(_indented(one, width, 2, 15) for one in also)]


def _answer(word: Verdict | RestoredState, text: str, column: int, paper: Paper) -> str:
    indent = column + 4 if column else 2
    body = wrapped(escaped(brief(text)), paper.width, indent, indent if column else len(word) + 4)
    return f"{_icon(word, paper.ink)} {paper.ink.bold(word.upper())}{' ' * max(2, column + 2 - len(word))}{body}"


def _indented(text: str, width: int | None, by: int = 4, hanging: int = 6) -> str:
    narrow = width is not None and width < NARROW
    return " " * by + wrapped(escaped(brief(text)), width, by + 2 if narrow else hanging, by)


def _icon(word: Verdict | RestoredState, ink: Ink) -> str:
    if word in _GOOD:
        return ink.green("✔")
    return ink.red("✖") if word in _BAD else ink.yellow("▲")


def _restored_words(found: Outcome) -> str:
    hit = [fault for fault in found.faults if fault.restored]
    healed = [f"{fault.name} (irreversible; healed by {fault.irreversible})"
              for fault in found.faults if fault.irreversible]
    untracked = [f"{fault.name} (untracked: no known way back)" for fault in found.faults if fault.untracked]
    match found.restored:
        case RestoredState.RESTORED:
            words = f"{len(hit)} of {len(hit)} faults undone and verified"
        case RestoredState.REPORTED:
            words = "undone as reported, not verified"
        case RestoredState.NOTHING:
            words = "nothing was changed that has a way back" if found.faults else "nothing was touched"
        case RestoredState.UNKNOWN:
            words = "it is not known whether everything is back"
        case RestoredState.NOT_RESTORED:
            words = "something is still as we left it"
    return "; ".join([words, *healed, *untracked])


Line = tuple[str, str] | None


def _started(_: Run, event: ev.RunStarted) -> Line:
    return "run", f"{event.plan.run}  {event.plan.experiment.title}  ({event.plan.started})"


def _checked(run: Run, event: ev.Checked) -> Line:
    step, card = run.plan.step(event.step), run.plan.cards[event.step]
    ends = "to the end of the method" if step.duration_s is None else f"for {spoken_seconds(step.duration_s)}"
    undo = "undone and verified" if card.reversible else f"irreversible, healed by {card.healed_by}"
    targets = _few([aim.label for aim in event.targets])
    again = f"every {spoken_seconds(step.every_s)} {ends}" if step.every_s else "once"
    return "plan", f"{step.name} → {targets} ({ends if card.reversible else again}; {undo})"


def _few(labels: Sequence[str], most: int = 5) -> str:
    """The first of them by name, and how many more there are."""
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")


def _limited(_: Run, event: ev.Limited) -> Line:
    return "refused", event.text


def _rehearsed(run: Run, event: ev.Rehearsed) -> Line:
    name = run.plan.watched[event.probe].name
    said = f"an undo was ready {spoken_seconds(event.took_s)} after a bad sample" if event.trips else "it does not trip"
    return "rehearsed", f"{name}: {said}"


def _declined(run: Run, event: ev.Declined) -> Line:
    return "refused", f"{run.plan.step(event.step).name}: {event.text}"


def _stage(run: Run, event: ev.StageBegan) -> Line:
    sampled = sum(1 for probe in run.plan.watched if probe.every_s)
    match event.stage:
        case Stage.BEFORE if run.plan.watched:
            lasts = f" for {spoken_seconds(run.plan.baseline_s)}" if run.plan.baseline_s else ""
            probes = f"{len(run.plan.watched)} probe{'s' if len(run.plan.watched) > 1 else ''}"
            return "before", f"reading {probes}{lasts}{f' ({sampled} all the time)' if sampled else ''}"
        case Stage.UNDOING if run.acted and _has_to_undo(run):
            return "undo", "undoing everything, newest first"
        case Stage.AFTER:
            return "after", f"waiting for the steady state, at most {spoken_seconds(run.plan.recovers_within_s)}"
        case _:
            return None


def _has_to_undo(run: Run) -> bool:
    rolls_back = bool(run.plan.experiment.rollbacks) and should_roll_back(run)
    return rolls_back or not all(entry.settled for entry in run.entries.values())


def _prepared(run: Run, event: ev.Prepared) -> Line:
    return "fault", f"{run.plan.step(event.step).name} → {_few([act.label for act in event.acts])}"


def _applied(run: Run, event: ev.Applied) -> Line:
    evidence = event.evidence
    return "acted", f"{run.entries[event.entry].label}: {evidence.grade} ({evidence.before} → {evidence.after})"


def _apply_failed(run: Run, event: ev.ApplyFailed) -> Line:
    return "failed", f"{run.entries[event.entry].label}: {event.text}"


def _step_began(run: Run, event: ev.StepBegan) -> Line:
    step = run.plan.step(event.step)
    return "rollback" if event.step.startswith("r") else str(step.kind), step.name


def _step_ended(run: Run, event: ev.StepEnded) -> Line:
    if event.ok and not event.note:
        return None
    return "ended" if event.ok else "failed", f"{run.plan.step(event.step).name}: {event.note}"


def _sampled(run: Run, event: ev.Sampled) -> Line:
    """Only what changes: a probe that breaks its limit, and one that comes back."""
    tally = run.tally(event.probe, event.phase)
    probe = run.plan.watched[event.probe]
    if event.probe in run.plan.gates:
        return _gate(run, event)
    if event.probe >= len(run.plan.probes):
        return None
    if tally.bad_in_a_row == 1 and not event.good and event.good is not None:
        value = event.note if event.value is None else value_words(event.value, probe.unit)
        return "breach", f"{probe.name}: {value} (limit {limit_words(probe)}, {event.phase})"
    if event.good and tally.good_in_a_row == 1 and tally.bad and event.phase is not Phase.BEFORE:
        return "back", f"{probe.name}: {value_words(event.value, probe.unit)}"
    return ("doubt", f"{probe.name}: {event.doubt}") if event.doubt else None


def _gate(run: Run, event: ev.Sampled) -> Line:
    """What it said the first time. A watched one that closes later ends the run, and that is said."""
    if event.phase is not Phase.BEFORE or run.tally(event.probe, event.phase).readings > 1:
        return None
    said = gate_answer(run, event.probe)
    return "gate", f"{said.name}: {_RESULTS[said.result]} ({said.read})"


_RESULTS: Final = {GateResult.PASS: "open", GateResult.DEFER: "closed for now", GateResult.DENY: "closed"}


def _skipped(run: Run, event: ev.StepSkipped) -> Line:
    return "dry", f"{run.plan.step(event.step).name}: not called"


def _controlled(_: Run, event: ev.Controlled) -> Line:
    """Only what changes the run: most controls do their work unseen."""
    about = " ".join(filter(None, (event.moment, event.level, event.subject)))
    if event.late:
        return "control", f"{about}: it did not come back, and no control is called any more"
    return ("control", f"{about} asks to stop: {event.interrupt}") if event.interrupt else None


def _stopped(_: Run, event: ev.Stopped) -> Line:
    return "stop", event.text


def _verified(run: Run, event: ev.Verified) -> Line:
    answer = event.answer or ("not verified" if event.blind else "unknown")
    told = f"{_what(run, event.entry)}: {answer}{f' ({event.diff})' if event.diff else ''}"
    back = event.blind or event.answer not in (None, Answer.NOT_RESTORED)
    return ("undone", told) if back else ("failed", f"undo of {told}")


def _looked_back(run: Run, event: ev.LookedBack) -> Line:
    return ("after", f"{_what(run, event.entry)}: {event.lines[0]}") if event.lines else None


def _undo_failed(run: Run, event: ev.UndoFailed) -> Line:
    return "failed", f"undo of {_what(run, event.entry)}: {event.text}"


def _what(run: Run, entry: str) -> str:
    """What people call an entry: its target, or the action whose author said how it is undone."""
    found = run.entries[entry]
    return found.label if found.act else run.plan.step(found.step).name


def _abandoned(run: Run, event: ev.StepAbandoned) -> Line:
    return "left", f"{run.plan.step(event.step).name} is still busy and cannot be cut; it ends with this process"


_LINES: Final[dict[type[Event], Callable[[Run, Any], Line]]] = {
    ev.RunStarted: _started, ev.Checked: _checked, ev.Limited: _limited,
    ev.Rehearsed: _rehearsed, ev.Declined: _declined, ev.StageBegan: _stage,
    ev.Prepared: _prepared, ev.Applied: _applied, ev.ApplyFailed: _apply_failed, ev.StepBegan: _step_began,
    ev.StepEnded: _step_ended, ev.Sampled: _sampled, ev.Stopped: _stopped, ev.Verified: _verified,
    ev.StepSkipped: _skipped, ev.Controlled: _controlled, ev.UndoFailed: _undo_failed, ev.StepAbandoned: _abandoned,
    ev.LookedBack: _looked_back,
}
