"""JUnit XML for pipelines: one suite a run; a case for the verdict, one per probe and phase, and one for the undo.

The verdict is a case of its own because green probes alone prove nothing: a fault without effect leaves them green.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec import Struct

from chaos_runner.journal.record import Record
from chaos_runner.report import axis, marks, times
from chaos_runner.report.sections import hypothesis, verdict
from chaos_runner.report.story import Story
from chaos_runner.report.text import short, visible
from chaos_runner.run.events import Phase, RestoredState, Verdict
from chaos_runner.run.run import Run
from chaos_runner.run.verdict import restored_state


class Case(Struct, frozen=True, kw_only=True):
    """One line of a pipeline's test report. `outcome` is empty for a case that passed."""

    name: str
    outcome: str = ""
    message: str = ""
    text: str = ""
    time_s: float = 0.0


def xml(run: Run, records: Sequence[Record]) -> str:
    """The document, as pipelines read it."""
    story = Story.of(run, records)
    cases = [_verdict_case(story), *_probe_cases(story), _restored_case(story)]
    suite = Element("testsuite", {
        "name": _attribute(run.plan.experiment.title), "hostname": _attribute(run.plan.origin.host),
        "timestamp": times.iso(run, 0.0), "time": f"{run.t:.3f}", "tests": str(len(cases)),
        **{counted: str(sum(case.outcome == outcome for case in cases)) for counted, outcome in _COUNTED}})
    _properties(suite, run)
    for case in cases:
        _place(suite, run, case)
    suites = Element("testsuites")
    suites.append(suite)
    indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suites, encoding="unicode")}\n'


def _properties(suite: Element, run: Run) -> None:
    targets = sorted({aim.label for aims in run.checked.values() for aim in aims})
    values = {"run": run.plan.run, "file": run.plan.experiment.file, "digest": run.plan.digest,
              "seed": str(run.plan.seed), "targets": ", ".join(short(label) for label in targets[:50]),
              "verdict": str(run.ended.verdict) if run.ended else "none",
              "restored": str(run.ended.restored if run.ended else restored_state(run)),
              "exit": str(run.ended.exit) if run.ended else ""}
    properties = SubElement(suite, "properties")
    for name, value in values.items():
        SubElement(properties, "property", name=name, value=visible(value))


def _place(suite: Element, run: Run, case: Case) -> None:
    element = SubElement(suite, "testcase", classname=_attribute(run.plan.experiment.title),
                         name=_attribute(case.name), time=f"{case.time_s:.3f}")
    if not case.outcome:
        return
    outcome = SubElement(element, case.outcome, message=_attribute(case.message))
    outcome.text = visible(case.text) or None


def _verdict_case(story: Story) -> Case:
    run = story.run
    if run.ended is None:
        return Case(name="verdict", outcome="error", message="the run was cut off: its journal has no end")
    reasons = "\n".join(f"{reason.code} {reason.text}" for reason in run.ended.reasons)
    return Case(name="verdict", outcome=_OUTCOMES[run.ended.verdict], text=reasons, time_s=run.t,
                message=f"{run.ended.verdict}: {run.ended.sentence}")


def _probe_cases(story: Story) -> Iterator[Case]:
    view = hypothesis.view(story)
    lasted = {phase: end - begin for phase, begin, end in axis.phase_times(story.run)}
    for row in view.probes if view else []:
        for cell in row.cells:
            yield _probe_case(row, cell, lasted.get(cell.phase, 0.0))


def _probe_case(row: hypothesis.Row, cell: hypothesis.Cell, time_s: float) -> Case:
    name = f"{row.name}, {_WHEN[cell.phase]}"
    told = ", ".join(part for part in (cell.worst, cell.counts, cell.extent, cell.when, cell.note) if part)
    message = f"{cell.mark.word}: {told} (limit {row.limit})" if told else cell.mark.word
    outcome = {marks.BROKEN: "failure", marks.JUDGED_UNKNOWN: "error", marks.NOT_READ: "skipped"}.get(cell.mark, "")
    return Case(name=name, outcome=outcome, message=message, time_s=time_s)


def _restored_case(story: Story) -> Case:
    run, view = story.run, verdict.view(story)
    restored = run.ended.restored if run.ended else restored_state(run)
    if restored not in (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN):
        return Case(name=RESTORED)
    lines = [view.recover, *(f"{left.name}: {left.why}\n{left.command}" for left in view.left)]
    return Case(name=RESTORED, outcome="failure" if restored is RestoredState.NOT_RESTORED else "error",
                message=f"{view.restored.word}: {view.restored_text}", text="\n".join(lines))


def _attribute(text: str) -> str:
    return short(visible(text), 1000)


RESTORED: Final = "everything restored"
_COUNTED: Final = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
_WHEN: Final = {Phase.BEFORE: "before the fault", Phase.DURING: "during the fault", Phase.AFTER: "after the fault"}
_OUTCOMES: Final = {
    Verdict.PASSED: "", Verdict.DEVIATED: "failure", Verdict.ABORTED: "failure", Verdict.NOT_STARTED: "skipped",
    Verdict.INCONCLUSIVE: "error", Verdict.ERROR: "error", Verdict.INTERRUPTED: "error",
}
