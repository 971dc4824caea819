"""Every event in words: what kind it is, and what happened. For the event log and for whoever reads a journal aloud."""

from collections.abc import Callable
from typing import Any, Final

from chaos_runner.report import text
from chaos_runner.run import events as ev
from chaos_runner.run import sentences
from chaos_runner.run.run import Run
from chaos_runner.units import spoken_seconds

Words = tuple[str, str]


def told(run: Run, event: ev.Event) -> Words:
    """The kind of an event and the rest of its story."""
    return _WORDS[type(event)](run, event)


def _label(run: Run, entry: str) -> str:
    known = run.entries.get(entry)
    return f"{known.label} [{entry}]" if known else entry


def _name(run: Run, step: str) -> str:
    return f"“{run.plan.step(step).name}”"


def _many(labels: list[str]) -> str:
    rest = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    return ", ".join(text.short(label, 80) for label in labels[:3]) + rest


def _rehearsal(event: ev.Rehearsed) -> str:
    return f"an undo was ready {spoken_seconds(event.took_s)} later" if event.trips else "it does not trip"


def _applied(run: Run, event: ev.Applied) -> Words:
    change = f": {event.evidence.before} → {event.evidence.after}" if event.evidence.after else ""
    return "applied", f"{_label(run, event.entry)}, {event.evidence.grade}{change}"


def _apply_failed(run: Run, event: ev.ApplyFailed) -> Words:
    may = "; something may have been changed" if event.may_have_changed else "; nothing was changed"
    return "apply failed", f"{_label(run, event.entry)}: {event.text}{may}"


def _step_ended(run: Run, event: ev.StepEnded) -> Words:
    note = f": {event.note}" if event.note else ""
    return "step ended" if event.ok else "step failed", f"{_name(run, event.step)}, {event.grade}{note}"


def _sampled(run: Run, event: ev.Sampled) -> Words:
    probe = run.plan.watched[event.probe]
    how = "not known" if event.good is None else "good" if event.good else "bad"
    read = "no data" if event.value is None else sentences.value_words(event.value, probe.unit)
    found = event.doubt or event.note or read
    return f"sample {how}", f"{probe.name}: {found} ({event.phase})"


def _controlled(_: Run, event: ev.Controlled) -> Words:
    about = " ".join(filter(None, (event.moment, event.level, event.subject, event.reading)))
    said = "; it did not come back" if event.late else f": {event.interrupt}" if event.interrupt else ""
    return "controls", f"{about}{said}"


def _verified(run: Run, event: ev.Verified) -> Words:
    answer = event.answer or ("no way to look" if event.blind else "not known")
    return "verified", f"{_label(run, event.entry)}: {answer}{f' ({event.diff})' if event.diff else ''}"


def _looked(run: Run, event: ev.Looked) -> Words:
    seen = _many([act.label for act in event.acts]) or "nothing that it would change"
    return "looked", f"{_name(run, event.step)}: {event.refused or seen}"


_WORDS: Final[dict[type[ev.Event], Callable[[Run, Any], Words]]] = {
    ev.RunStarted: lambda _, event: ("run began", f"{event.plan.run}, {event.plan.experiment.title}"),
    ev.StageBegan: lambda _, event: ("stage", str(event.stage)),
    ev.Checked: lambda run, event: (
        "checked", f"{_name(run, event.step)}: {_many([aim.label for aim in event.targets])}"),
    ev.Limited: lambda _, event: ("limited", event.text),
    ev.Tripped: lambda run, event: ("rehearsal", f"{run.plan.watched[event.probe].name}: a bad sample is invented"),
    ev.Rehearsed: lambda run, event: ("rehearsal", f"{run.plan.watched[event.probe].name}: {_rehearsal(event)}"),
    ev.Declined: lambda run, event: ("declined", f"{_name(run, event.step)}, {event.why}: {event.text}"),
    ev.Prepared: lambda run, event: (
        "recorded", f"{_name(run, event.step)}: {_many([act.label for act in event.acts])}"),
    ev.Applied: _applied,
    ev.ApplyFailed: _apply_failed,
    ev.Looked: _looked,
    ev.StepBegan: lambda run, event: ("step began", _name(run, event.step)),
    ev.StepEnded: _step_ended,
    ev.StepSkipped: lambda run, event: ("dry", f"{_name(run, event.step)} was not called"),
    ev.Controlled: _controlled,
    ev.StepAbandoned: lambda run, event: ("left behind", f"{_name(run, event.step)} was still busy"),
    ev.Sampled: _sampled,
    ev.UndoBegan: lambda run, event: ("undo began", _label(run, event.entry)),
    ev.Undone: lambda run, event: ("undone", _label(run, event.entry)),
    ev.UndoFailed: lambda run, event: ("undo failed", f"{_label(run, event.entry)}: {event.text}"),
    ev.Verified: _verified,
    ev.LookedBack: lambda run, event: (
        "aftermath", f"{_label(run, event.entry)}: {'; '.join(event.lines) or 'nothing was told'}"),
    ev.WasLetGo: lambda run, event: (
        "let go", f"{_name(run, event.step)}{f': {event.note}' if event.note else ''}"),
    ev.SignalCame: lambda _, event: ("signal", event.signal),
    ev.StopRequested: lambda _, event: ("stop asked", f"by {event.by}"),
    ev.RunnerDied: lambda _, event: ("runner died", f"{event.by} undoes what it left"),
    ev.JournalLost: lambda _, event: ("journal lost", event.text),
    ev.Stopped: lambda _, event: ("stopped", f"{event.kind}: {event.text}"),
    ev.BugMet: lambda _, event: ("bug", event.text),
    ev.RunEnded: lambda _, event: ("run ended", f"{event.verdict}, {event.restored}, exit {event.exit}"),
}
