"""What was planned and what was done, step by step."""

from typing import Final

from msgspec import Struct

from chaos_runner.experiment.model import Native, Step, StepKind
from chaos_runner.report import marks, text, times
from chaos_runner.report.marks import Mark
from chaos_runner.report.story import Story
from chaos_runner.run.events import Refusal
from chaos_runner.run.run import Run, StepRun
from chaos_runner.units import spoken_seconds


class Proof(Struct, frozen=True, kw_only=True):
    """What was measured around one act."""

    label: str
    before: str
    after: str


DETAILED_MOST: Final = 50
"""Steps that are told in full. Of more than that, those that simply answered are told in a line each."""


class Row(Struct, frozen=True, kw_only=True):
    """One step. Times are as people write them. `brief` stands for all the rest where there are very many."""

    key: str
    name: str
    call: str
    planned: str
    began: str
    ended: str
    took: str
    mark: Mark
    proofs: list[Proof]
    more_proofs: int
    note: str
    output: str
    error: str
    brief: str = ""


class View(Struct, frozen=True, kw_only=True):
    """The method's steps and the author's rollbacks."""

    method: list[Row]
    rollbacks: list[Row]


def view(story: Story) -> View | None:
    """Every step of the file, run or not. None when it has none."""
    run = story.run
    if not run.plan.experiment.steps:
        return None
    method = run.plan.experiment.method
    return View(method=[_row(run, step) if number < DETAILED_MOST or _matters(run, step) else _brief_row(run, step)
                        for number, step in enumerate(method)],
                rollbacks=[_row(run, step) for step in run.plan.experiment.rollbacks])


def _matters(run: Run, step: Step) -> bool:
    """Whether it was to change something, or did not end well."""
    return step.is_fault or run.step(step.key).ok is not True


def _brief_row(run: Run, step: Step) -> Row:
    state = run.step(step.key)
    mark = mark_of(step, state)
    return Row(key=step.key, name=text.short(step.name), call="", planned="", began="", ended="", took="", mark=mark,
               proofs=[], more_proofs=0, note="", output="", error="",
               brief=f"{times.elapsed(state.began_t)}, {_took(state)}, {mark.word}")


def call_words(step: Step) -> str:
    """What a step calls: "fault proxy.latency", "action chaosaws.ec2.actions.stop_instances"."""
    if isinstance(step.call, Native):
        return f"{'fault' if step.is_fault else step.kind} {step.call.name}"
    spec = step.call.spec
    match step.call.kind:
        case "python":
            called = f"{spec.get('module', '')}.{spec.get('func', '')}"
        case "process":
            called = f"process {spec.get('path', '')}"
        case "http":
            called = f"http {spec.get('method', 'GET')} {spec.get('url', '')}"
        case other:
            called = other
    return text.short(f"{step.kind} {called}", 120)


def mark_of(step: Step, state: StepRun) -> Mark:
    """What became of a step, in one word."""
    if state.abandoned:
        return marks.LEFT_BEHIND
    if state.ok is None:
        return marks.NOT_RUN if state.began_t is None else marks.UNDER_WAY
    if not state.ok:
        return marks.FAILED if state.refusal is None else _REFUSALS[state.refusal]
    if step.kind is StepKind.PROBE:
        return marks.ANSWERED
    return marks.GRADES[state.grade]


def _row(run: Run, step: Step) -> Row:
    state = run.step(step.key)
    entries = [entry for entry in run.entries_of(step.key) if entry.evidence] if step.is_fault else []
    proofs = [Proof(label=text.short(entry.label), before=text.short(entry.evidence.before),
                    after=text.short(entry.evidence.after)) for entry in entries[:_PROOFS_MOST] if entry.evidence]
    return Row(
        key=step.key, name=text.short(step.name), call=call_words(step), planned=_planned(step),
        began=times.elapsed(state.began_t), ended=times.elapsed(state.ended_t), took=_took(state),
        mark=mark_of(step, state), proofs=proofs, more_proofs=len(entries) - len(proofs),
        note=text.short(state.note, text.NOTE_MOST), output=text.cut(text.written(state.output)),
        error=text.cut("".join(state.error)))


def _planned(step: Step) -> str:
    parts = [
        f"after {_pause(step.pause_before)}" if step.pause_before else "",
        f"every {spoken_seconds(step.every_s)}" if step.every_s is not None else "",
        f"lasts {spoken_seconds(step.duration_s)}" if step.duration_s is not None else "",
        "to the end of the method" if step.is_fault and step.duration_s is None else "",
        "in the background" if step.background else "",
        f"then {_pause(step.pause_after)}" if step.pause_after else "",
    ]
    return ", ".join(part for part in parts if part)


def _pause(pause: float | str) -> str:
    return f"a pause of {pause if isinstance(pause, str) else spoken_seconds(pause)}"


def _took(state: StepRun) -> str:
    if state.began_t is None or state.ended_t is None:
        return times.UNKNOWN
    return spoken_seconds(max(0.0, state.ended_t - state.began_t))


_PROOFS_MOST = 20
_REFUSALS = {Refusal.REFUSED: marks.REFUSED, Refusal.NO_TARGET: Mark("no target", "slash", "warn"),
             Refusal.NO_EFFECT: Mark("would have no effect", "slash", "warn")}
