"""The experiment file as its author wrote it, and the reusable probes that it uses."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from chaos_runner.contracts import Answer
from chaos_runner.experiment.findings import Place
from chaos_runner.experiment.model import Used
from chaos_runner.report import marks, text
from chaos_runner.report.marks import Mark
from chaos_runner.report.samples import broke, is_stop_rule
from chaos_runner.report.sections import steps, verdict
from chaos_runner.report.story import Story
from chaos_runner.run.verdict import entry_state

MOST = 65_536
"""Characters of the file in the page."""
MOST_OF_A_PART = 8_192


class Part(Struct, frozen=True, kw_only=True):
    """A reusable probe: its name, its file, and what stands there of it."""

    name: str
    file: str
    source: str


class Piece(Struct, frozen=True, kw_only=True):
    """Some lines of the file; one line with what became of it, where it matters."""

    text: str
    mark: Mark | None = None
    line: int = 0


class View(Struct, frozen=True, kw_only=True):
    """A file's name, its lines and its text, and what `use:` has brought from other files."""

    file: str
    lines: int
    pieces: list[Piece]
    marked: int
    used: list[Part]


def view(story: Story) -> View | None:
    """None when the journal does not hold the file's text."""
    run = story.run
    source = run.plan.experiment.source
    if not source:
        return None
    marked = _marked(story)
    return View(file=text.short(run.plan.experiment.file), lines=len(source.splitlines()), marked=len(marked),
                pieces=list(_pieces(text.cut(source, MOST), marked)),
                used=[_part(used) for used in run.plan.experiment.used])


def _marked(story: Story) -> dict[int, Mark]:
    """The lines that decided: probes and stop rules that broke, steps that failed, what is not restored."""
    run, file = story.run, story.run.plan.experiment.file
    found: list[tuple[Place, Mark]] = []
    for number, probe in enumerate(run.plan.watched):
        if broke(run, number):
            found.append((probe.place, marks.TRIPPED if is_stop_rule(run, number) else marks.BROKEN))
    for step in run.plan.experiment.steps:
        if run.step(step.key).ok is False:
            found.append((step.place, steps.mark_of(step, run.step(step.key))))
        if any(entry_state(entry) in verdict.LEFT for entry in run.entries_of(step.key)):
            found.append((step.place, marks.ANSWERS[Answer.NOT_RESTORED]))
    return {place.line: mark for place, mark in found if place.file == file}


def _pieces(source: str, marked: Mapping[int, Mark]) -> Iterator[Piece]:
    plain: list[str] = []
    for number, line in enumerate(source.split("\n"), start=1):
        if number in marked:
            if plain:
                yield Piece(text="\n".join(plain))
            yield Piece(text=text.short(line, 500) if len(line) > 500 else line, mark=marked[number], line=number)
            plain = []
        else:
            plain.append(line)
    if plain:
        yield Piece(text="\n".join(plain))


def _part(used: Used) -> Part:
    return Part(name=text.short(used.name), file=text.short(used.file), source=text.cut(used.text, MOST_OF_A_PART))
