"""The run in a few lines of Markdown, for a ticket, a pull request or a pipeline's summary."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from chaos_runner.experiment.model import Step
from chaos_runner.journal.record import Record
from chaos_runner.report import marks, times
from chaos_runner.report.notices import GotWorse, NoRun, Subject, notices
from chaos_runner.report.sections import hypothesis, reasons, verdict
from chaos_runner.report.story import Story
from chaos_runner.report.text import NOTE_MOST, count, short, visible
from chaos_runner.run.run import Run, StepRun
from chaos_runner.run.verdict import entry_state, worst_of

BYTES_MOST: Final = 1024 * 1024
ACTIONS_MOST: Final = 100
_MORE: Final = "\n\n… there is more: see report.html in the run's folder\n"
_FENCE: Final = r"(`{3,})"
_SPECIAL: Final = r"([\\`*_\[\]|~$#]|(?<=:)/(?=/)|(?<=[wW]{3})\.)"
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;\u2060"}
_ICONS: Final = {"check": "✅", "cross": "❌", "slash": "⛔", "stop": "🛑", "question": "❔", "bang": "⚠️", "pause": "⏸️",
                 "info": "🟡", "dash": "⚪"}


def text(run: Run, records: Sequence[Record]) -> str:
    """Verdict, sentence, restored, the hypothesis as a table, what was done, the reasons."""
    return texts([Story.of(run, records)])


def texts(subjects: Sequence[Subject], most: int = BYTES_MOST) -> str:
    """That of each run, one after the other, within so many bytes: GitHub shows nothing of a summary above its limit.
    """
    lines: list[str] = []
    for subject in subjects:
        lines += ["", "---", ""] if lines else []
        lines += _lines_of(subject)
    return fitted("\n".join(lines) + "\n", most)


def fitted(written: str, most: int) -> str:
    """Whole lines of it, at most so many bytes as UTF-8, and a line that says that there was more. An open block is
    closed. Nothing where not even that fits.
    """
    if len(written.encode()) <= most:
        return written
    room = most - len(_MORE.encode())
    kept, fence = "", ""
    for line in written.splitlines(keepends=True):
        room -= len(line.encode())
        if room < len(fence) + 1:
            break
        kept += line
        ticks = re.match(_FENCE, line)
        fence = fence if not ticks else "" if fence else ticks[1]
    return f"{kept}{fence}{_MORE}" if most > len(_MORE.encode()) else ""


def escaped(value: str) -> str:
    """One line in which nothing is Markdown, HTML, a link or a mention."""
    line = re.sub(_SPECIAL, r"\\\1", visible(short(value, NOTE_MOST)))
    return "".join(_HTML.get(character, character) for character in line)


def _lines_of(subject: Subject) -> Iterator[str]:
    if isinstance(subject, NoRun):
        return _lines_of_no_run(subject)
    return _lines_of_worse(subject) if isinstance(subject, GotWorse) else _lines(subject)


def _lines(story: Story) -> Iterator[str]:
    run, top = story.run, verdict.view(story)
    yield f"# {_mark(top.verdict)}: {escaped(run.plan.experiment.title)}"
    yield ""
    yield f"**{escaped(top.sentence)}**"
    yield ""
    yield f"{_mark(top.restored)}: {escaped(top.restored_text)}"
    yield from _commands(top)
    yield from (f"\n- {escaped(note)}" for note in top.notes)
    yield from _figures(top)
    view = hypothesis.view(story)
    yield from _table(view)
    yield from _rules(view)
    yield from _actions(run)
    yield from _reasons(reasons.view(story))
    yield ""
    yield (f"Run {escaped(run.plan.run)}, {escaped(times.utc_date(run, 0.0))}, {escaped(run.plan.experiment.file)}, "
           f"by {escaped(run.plan.origin.user)} on {escaped(run.plan.origin.host)}, seed {run.plan.seed}")


def _lines_of_no_run(none: NoRun) -> Iterator[str]:
    yield f"# {_mark(marks.VERDICTS[none.verdict])}: {escaped(none.name)}"
    yield f"\n**Nothing was run and nothing was touched** (exit code {none.exit})"
    if none.text:
        yield f"\n{escaped(none.text)}"
    if none.findings:
        yield ""
    yield from (f"- {notice.code} {escaped(str(notice.place or none.name))}: {escaped(notice.text)}"
                for notice in notices(none) if none.findings)


def _lines_of_worse(found: GotWorse) -> Iterator[str]:
    yield f"# 📉 Worse than {escaped(found.baseline)}: {escaped(found.title or found.file)}"
    yield ""
    yield from (f"- {escaped(line)}" for line in found.lines)


def _mark(mark: marks.Mark) -> str:
    return f"{_ICONS[mark.icon]} {mark.word}"


def _commands(top: verdict.View) -> Iterator[str]:
    if top.recover:
        yield from _fenced(top.recover)
    for left in top.left:
        yield f"\n- {escaped(left.name)}: {escaped(left.why)}"
        if left.command:
            yield from _fenced(left.command)


def _fenced(command: str) -> Iterator[str]:
    """A block that its own text cannot close."""
    inside = visible(command)
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in re.findall(r"`+", inside) or [""]))
    yield f"\n{fence}sh\n{inside}\n{fence}"


def _figures(top: verdict.View) -> Iterator[str]:
    yield ""
    yield " · ".join(escaped(f"{figure.name} {figure.value} ({figure.beside})") for figure in top.figures)


def _table(view: hypothesis.View | None) -> Iterator[str]:
    if view is None or not view.probes:
        return
    yield f"\n## {escaped(view.title)}\n"
    yield "| probe | limit | before | during | after |"
    yield "|---|---|---|---|---|"
    for row in view.probes:
        cells = " | ".join(_cell(cell) for cell in row.cells)
        yield f"| {_ICONS[row.mark.icon]} {escaped(row.name)} | {escaped(row.limit)} | {cells} |"


def _rules(view: hypothesis.View | None) -> Iterator[str]:
    """The stop rules that tripped, the gates that closed: the others have nothing to say here."""
    for row in view.stop_rules if view else ():
        if row.mark in (marks.TRIPPED, marks.CLOSED, marks.NOT_READABLE, marks.DEFERS):
            limit = f" (limit {row.limit})" if row.kind == "gate" else f", {row.limit}"
            yield f"\n{_mark(row.mark)}: {row.kind} {escaped(row.name)}{escaped(limit)}"


def _actions(run: Run) -> Iterator[str]:
    begun = list(run.actions_begun())
    if not begun:
        return
    yield "\n## What was done\n"
    yield "| action | target | acted | restored |"
    yield "|---|---|---|---|"
    yield from (_action(run, step, state) for step, state in begun[:ACTIONS_MOST])
    if len(begun) > ACTIONS_MOST:
        yield f"\nand {count(len(begun) - ACTIONS_MOST, 'action')} more"


def _action(run: Run, step: Step, state: StepRun) -> str:
    entries = run.entries_of(step.key)
    labels = [entry.label for entry in entries if entry.act]
    more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
    seen = next((entry.evidence for entry in entries if entry.evidence and entry.evidence.after), None)
    change = f": {seen.before} → {seen.after}" if seen else ""
    answers = [answer for entry in entries if (answer := entry_state(entry))]
    back = _mark(marks.RESTORED[worst_of(answers)]) if answers else _unmarked(run, step)
    names = f"{', '.join(short(label) for label in labels[:5])}{more}"
    return f"| {escaped(step.name)} | {escaped(names)} | {_acted(state)}{escaped(change)} | {back} |"


def _acted(state: StepRun) -> str:
    return _mark(marks.FAILED if state.ok is False else marks.GRADES[state.grade])


def _unmarked(run: Run, step: Step) -> str:
    if healed_by := run.plan.healed_by(step):
        return f"{_mark(marks.IRREVERSIBLE)}, healed by {escaped(healed_by)}"
    return "nothing to undo" if step.known else "untracked"


def _cell(cell: hypothesis.Cell) -> str:
    told = ", ".join(part for part in (cell.counts, cell.extent, cell.when) if part)
    beside = f" ({escaped(told)})" if cell.tally.bad or cell.tally.missing else ""
    return f"{_mark(cell.mark)} {escaped(cell.worst)}{beside}".strip()


def _reasons(view: reasons.View | None) -> Iterator[str]:
    if view is None:
        return
    yield f"\n## Reasons (exit code {view.exit})\n"
    yield from (f"- {reason.code} {escaped(reason.text)}" for reason in view.reasons)
