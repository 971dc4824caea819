"""The run in a few lines of Markdown, for a ticket, a pull request or a pipeline's summary."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from chaos_runner.journal.record import Record
from chaos_runner.report import marks, times
from chaos_runner.report.sections import hypothesis, reasons, verdict
from chaos_runner.report.story import Story
from chaos_runner.report.text import NOTE_MOST, short, visible
from chaos_runner.run.run import Run

_SPECIAL: Final = re.compile(r"([\\`*_\[\]|~$#]|(?<=:)/(?=/)|(?<=[wW]{3})\.)")
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;\u2060"}
_ICONS: Final = {"check": "✅", "cross": "❌", "slash": "⛔", "stop": "🛑", "question": "❔", "bang": "⚠️", "pause": "⏸️",
                 "info": "🟡", "dash": "⚪"}


def text(run: Run, records: Sequence[Record]) -> str:
    """Verdict, sentence, restored, the hypothesis as a table, the reasons."""
    return "\n".join(_lines(Story.of(run, records))) + "\n"


def escaped(value: str) -> str:
    """One line in which nothing is Markdown, HTML, a link or a mention."""
    line = _SPECIAL.sub(r"\\\1", visible(short(value, NOTE_MOST)))
    return "".join(_HTML.get(character, character) for character in line)


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
    yield from _table(hypothesis.view(story))
    yield from _reasons(reasons.view(story))
    yield ""
    yield (f"Run {escaped(run.plan.run)}, {escaped(times.utc_date(run, 0.0))}, {escaped(run.plan.experiment.file)}, "
           f"by {escaped(run.plan.origin.user)} on {escaped(run.plan.origin.host)}, seed {run.plan.seed}")


def _mark(mark: marks.Mark) -> str:
    return f"{_ICONS[mark.icon]} {mark.word}"


def _commands(top: verdict.View) -> Iterator[str]:
    if top.recover:
        yield from _fenced(top.recover)
    for left in top.left:
        yield f"\n{escaped(left.name)}: {escaped(left.why)}"
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


def _cell(cell: hypothesis.Cell) -> str:
    told = ", ".join(part for part in (cell.counts, cell.extent, cell.when) if part)
    beside = f" ({escaped(told)})" if cell.tally.bad or cell.tally.missing else ""
    return f"{_mark(cell.mark)} {escaped(cell.worst)}{beside}".strip()


def _reasons(view: reasons.View | None) -> Iterator[str]:
    if view is None:
        return
    yield f"\n## Reasons (exit code {view.exit})\n"
    yield from (f"- {reason.code} {escaped(reason.text)}" for reason in view.reasons)
