"""The beginning of a postmortem in Markdown: what the journal knows is filled in, what people know is asked for."""

from collections.abc import Iterator, Sequence
from typing import Final

from chaos_runner.journal.record import Record
from chaos_runner.report import telling, times
from chaos_runner.report.markdown import escaped
from chaos_runner.report.sections import hypothesis, verdict
from chaos_runner.report.story import Story
from chaos_runner.report.text import count
from chaos_runner.run import events as ev
from chaos_runner.run import measures, sentences
from chaos_runner.run.events import Phase
from chaos_runner.run.run import Run
from chaos_runner.units import spoken_seconds

LINES_MOST: Final = 200
_TOLD: Final = (ev.RunStarted, ev.StageBegan, ev.Limited, ev.Declined, ev.Applied, ev.ApplyFailed, ev.StepBegan,
                ev.StepEnded, ev.SignalCame, ev.Stopped, ev.Verified, ev.UndoFailed, ev.StepAbandoned, ev.RunnerDied,
                ev.RunEnded)
"""Events that stand in the timeline as they are. Samples stand in it where a probe turns bad or well."""
TODO: Final = "_…_"
_ASKED: Final = (("Root cause", ("why the system did what it did, not who did it",)),
                 ("What went well", ()), ("What went wrong", ()), ("Where we were lucky", ()))


def text(run: Run, records: Sequence[Record]) -> str:
    """The whole document."""
    return "\n".join(_lines(Story.of(run, records))) + "\n"


def _lines(story: Story) -> Iterator[str]:
    run, top = story.run, verdict.view(story)
    yield f"# Postmortem: {escaped(run.plan.experiment.title)}\n"
    yield f"Run {escaped(run.plan.run)} · {escaped(times.utc_date(run, 0.0))} · {_who(run)}  "
    yield f"Authors: {TODO} · Status: draft\n"
    yield from _section("Summary", [f"{top.verdict.word}: {escaped(top.sentence)}",
                                    f"{top.restored.word}: {escaped(top.restored_text)}"])
    yield from _section("Impact", [*_impact(story), f"For whom, and how many: {TODO}"])
    yield from _section("Trigger", _trigger(run))
    yield from _section("Detection", [_detection(run), f"Who or what would have seen it in production: {TODO}"])
    yield from _section("Resolution", _resolution(run))
    yield "## Timeline\n\n| UTC | since the start | what |\n|---|---|---|"
    yield from _timeline(story)
    yield ""
    for title, hints in _ASKED:
        yield from _section(title, [f"{TODO} {hint}" for hint in hints] or [TODO])
    yield "## Action items\n\n| what | kind (prevent, detect, mitigate) | owner | ticket |\n|---|---|---|---|"
    yield f"| {TODO} | {TODO} | {TODO} | {TODO} |"


def _section(title: str, points: Sequence[str]) -> Iterator[str]:
    yield f"## {title}\n"
    yield from (f"- {point}" for point in points)
    yield ""


def _who(run: Run) -> str:
    plan = run.plan
    where = f", environment {escaped(plan.environment)}" if plan.environment else ""
    return f"{escaped(plan.experiment.file)} by {escaped(plan.origin.user)} on {escaped(plan.origin.host)}{where}"


def _impact(story: Story) -> Iterator[str]:
    """What every probe that was bad read, and for how long."""
    view = hypothesis.view(story)
    for row in view.probes if view else ():
        for cell in row.cells:
            if cell.tally.bad and cell.phase is not Phase.BEFORE:
                told = ", ".join(part for part in (cell.counts, cell.extent) if part) or "bad"
                where = f"{escaped(row.name)} (limit {escaped(row.limit)}), {cell.phase}"
                yield f"{where}: {escaped(cell.worst)}; {escaped(told)}"
    if not any(story.run.tally(number, phase).bad for number in range(len(story.run.plan.probes)) for phase in Phase):
        yield "No probe of the hypothesis left its limit"


def _trigger(run: Run) -> list[str]:
    found = [f"{escaped(step.name)} at {times.utc(run, state.began_t)} ({times.elapsed(state.began_t)}), {state.grade}"
             for step, state in run.actions_begun()]
    return found or ["Nothing was done to the system"]


def _detection(run: Run) -> str:
    found = measures.detected(run)
    if found is None:
        return "No probe and no stop rule of the experiment saw harm"
    return f"{escaped(found.by)} ({found.kind}), {spoken_seconds(found.after_s)} after the first fault"


def _resolution(run: Run) -> list[str]:
    took_s = measures.all_recovered_s(run)
    well = "not seen by the end of the run" if took_s is None else f"{spoken_seconds(took_s)} after the undo"
    undone = times.utc(run, run.first_undo_t) if run.first_undo_t is not None else "never"
    return [f"The undo began: {undone}", f"The steady state was back: {well}"]


def _timeline(story: Story) -> Iterator[str]:
    rows = list(_happened(story))
    for t, words in rows[:LINES_MOST]:
        yield f"| {times.utc(story.run, t)} | {times.elapsed(t)} | {escaped(words)} |"
    if len(rows) > LINES_MOST:
        yield f"| | | and {count(len(rows) - LINES_MOST, 'more event')}: the report's event log has all of them |"


def _happened(story: Story) -> Iterator[tuple[float, str]]:
    good: dict[int, bool] = {}
    for record in story.records:
        event = record.event
        if isinstance(event, ev.Sampled):
            turned = event.good is not None and good.get(event.probe, True) is not event.good
            if event.good is not None:
                good[event.probe] = event.good
            if turned:
                yield event.t, _turned(story.run, event)
        elif isinstance(event, _TOLD):
            yield event.t, ": ".join(part for part in telling.told(story.run, event) if part)


def _turned(run: Run, sample: ev.Sampled) -> str:
    probe = run.plan.watched[sample.probe]
    read = sample.note or "no answer" if sample.value is None else sentences.value_words(sample.value, probe.unit)
    return f"{probe.name} {'is well again' if sample.good else 'is bad'}: {read} ({sentences.limit_words(probe)})"
