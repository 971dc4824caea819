"""JUnit XML for pipelines: one suite a run; a case for the verdict, one per probe and phase, and one for the undo.

The verdict is a case of its own because green probes alone prove nothing: a fault without effect leaves them green.
The document is valid by Ant's schema (windyroad/JUnit-Schema) and by that of Jenkins' xUnit plugin. GitLab shows the
text of a failure and not its message, so the text holds all of it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec import Struct

from chaos_runner.journal.record import Record
from chaos_runner.report import axis, marks, times
from chaos_runner.report.notices import GotWorse, NoRun, Subject, notices
from chaos_runner.report.sections import hypothesis, verdict
from chaos_runner.report.story import Story
from chaos_runner.report.text import cut, short, visible
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
    kind: str = "probe"
    """What sort of failure it is: the verdict's or the restored's word, else "probe"."""


def xml(run: Run, records: Sequence[Record]) -> str:
    """The document of one run."""
    return suites([Story.of(run, records)])


def suites(subjects: Sequence[Subject]) -> str:
    """The document of several runs, a suite each. What never became a run is a suite with one case in error."""
    root = Element("testsuites")
    for number, subject in enumerate(subjects):
        root.append(_suite_of(subject, number))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite_of(subject: Subject, number: int) -> Element:
    if isinstance(subject, NoRun):
        return _no_suite(subject, number)
    return _worse_suite(subject, number) if isinstance(subject, GotWorse) else _suite(subject, number)


def _suite(story: Story, number: int) -> Element:
    run = story.run
    title = run.plan.experiment.title
    cases = [_verdict_case(story), *_probe_cases(story), _restored_case(story)]
    suite = _empty_suite(_Head(title, number, run.plan.origin.host, times.utc_plain(run, 0.0), run.t), cases)
    _properties(suite, run)
    _place(suite, title, cases)
    return suite


def _no_suite(none: NoRun, number: int) -> Element:
    lines = [f"{notice.place or none.name}: {notice.code} {notice.text}" for notice in notices(none)]
    case = Case(name=VERDICT, outcome="skipped" if none.verdict is Verdict.NOT_STARTED else "error",
                message=none.text or lines[0], text="\n".join(lines), kind=str(none.verdict))
    return _single(none.name, number, case)


def _worse_suite(found: GotWorse, number: int) -> Element:
    """What got worse is a failure only where the build fails for it: else a pipeline would be red that is not."""
    said = "\n".join(found.lines)
    case = Case(name=f"worse than {found.baseline}", outcome="failure" if found.fails else "skipped",
                message=found.lines[0], text=said, kind="worse")
    return _single(found.name, number, case)


def _single(name: str, number: int, case: Case) -> Element:
    suite = _empty_suite(_Head(name, number, "", _NEVER, 0.0), [case])
    SubElement(suite, "properties")
    _place(suite, name, [case])
    return suite


class _Head(NamedTuple):
    """What a suite says of itself."""

    name: str
    number: int
    host: str
    timestamp: str
    time_s: float


def _empty_suite(head: _Head, cases: Sequence[Case]) -> Element:
    counts = {counted: str(sum(case.outcome == outcome for case in cases)) for counted, outcome in _COUNTED}
    return Element("testsuite", {
        "name": _named(head.name), "package": _named(head.name), "id": str(head.number),
        "hostname": _attribute(head.host) or "localhost", "timestamp": head.timestamp, "time": f"{head.time_s:.3f}",
        "tests": str(len(cases)), **counts})


def _properties(suite: Element, run: Run) -> None:
    targets = sorted({aim.label for aims in run.checked.values() for aim in aims})
    values = {"run": run.plan.run, "file": run.plan.experiment.file, "digest": run.plan.digest,
              "seed": str(run.plan.seed), "targets": ", ".join(short(label) for label in targets[:50]),
              "verdict": str(run.ended.verdict) if run.ended else "none",
              "restored": str(run.ended.restored if run.ended else restored_state(run)),
              "exit": str(run.ended.exit) if run.ended else "", "started": times.iso(run, 0.0)}
    properties = SubElement(suite, "properties")
    for name, value in values.items():
        SubElement(properties, "property", name=name, value=visible(value[:_CHARACTERS_MOST]))


def _place(suite: Element, title: str, cases: Sequence[Case]) -> None:
    """The cases, each under a name of its own: of two that are called alike a pipeline would keep one."""
    seen: Counter[str] = Counter()
    for case in cases:
        seen[case.name] += 1
        name = f"{case.name} ({seen[case.name]})" if seen[case.name] > 1 else case.name
        element = SubElement(suite, "testcase", classname=_named(title), name=_named(name), time=f"{case.time_s:.3f}")
        if case.outcome:
            outcome = SubElement(element, case.outcome, message=_attribute(case.message))
            if case.outcome != "skipped":
                outcome.set("type", case.kind)
            outcome.text = visible(cut(case.text or case.message, TEXT_MOST))
    SubElement(suite, "system-out")
    SubElement(suite, "system-err")


def _verdict_case(story: Story) -> Case:
    run = story.run
    if run.ended is None:
        return Case(name=VERDICT, outcome="error", message="the run was cut off: its journal has no end", kind="no-end")
    told = [f"{notice.place or run.plan.experiment.file}: {notice.code} {notice.text}" for notice in notices(story)]
    return Case(name=VERDICT, outcome=_OUTCOMES[run.ended.verdict], text="\n".join(told), time_s=run.t,
                message=f"{run.ended.verdict}: {run.ended.sentence}", kind=str(run.ended.verdict))


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
    said = f"{view.restored.word}: {view.restored_text}"
    lines = [said, view.recover, *(f"{left.name}: {left.why}\n{left.command}" for left in view.left)]
    return Case(name=RESTORED, outcome="failure" if restored is RestoredState.NOT_RESTORED else "error",
                message=said, text="\n".join(lines), kind=str(restored))


def _attribute(text: str) -> str:
    return short(visible(text[:_CHARACTERS_MOST]), 1000)


def _named(name: str) -> str:
    return _attribute(name) or "unnamed"


VERDICT: Final = "verdict"
RESTORED: Final = "everything restored"
TEXT_MOST: Final = 16_384
"""Characters of the text of one case."""
_CHARACTERS_MOST: Final = 8_192
_NEVER: Final = "1970-01-01T00:00:00"
"""The schema wants a moment also of what never began."""
_COUNTED: Final = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
_WHEN: Final = {Phase.BEFORE: "before the fault", Phase.DURING: "during the fault", Phase.AFTER: "after the fault"}
_OUTCOMES: Final = {
    Verdict.PASSED: "", Verdict.DEVIATED: "failure", Verdict.ABORTED: "failure", Verdict.NOT_STARTED: "skipped",
    Verdict.INCONCLUSIVE: "error", Verdict.ERROR: "error", Verdict.INTERRUPTED: "error",
}
