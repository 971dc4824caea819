"""Two runs side by side: their answers, and everything that is not the same."""

from itertools import groupby
from operator import attrgetter
from typing import Final

from msgspec import Struct

from chaos_runner.history.comparing import Compared, Difference
from chaos_runner.history.rows import run_row
from chaos_runner.report import many, text
from chaos_runner.report.many import Frame, Line
from chaos_runner.report.marks import RESTORED, Mark
from chaos_runner.report.rendering import rendered
from chaos_runner.run.outcome import Outcome

_TURNS: Final = {"better": many.BETTER, "worse": many.WORSE, "changed": many.CHANGED}
_PARTS: Final = {"verdict": "Verdict", "restored": "Restored", "experiment": "Experiment", "probe": "Probes",
                 "limit": "Limits", "time": "Times", "fault": "Faults", "targets": "Targets", "plan": "Plan",
                 "origin": "Who and where"}


class Side(Struct, frozen=True, kw_only=True):
    """One of the two runs."""

    word: str
    line: Line
    restored: Mark


class Change(Struct, frozen=True, kw_only=True):
    """One thing that is not the same."""

    name: str
    before: str
    after: str
    mark: Mark


class Part(Struct, frozen=True, kw_only=True):
    """Changes of one kind."""

    name: str
    changes: list[Change]


class View(Struct, frozen=True, kw_only=True):
    """The page."""

    sides: list[Side]
    summary: str
    parts: list[Part]
    notes: list[str]


def html(found: Compared, to_reports: str) -> str:
    """The page of a comparison. `to_reports` leads from the page to the folder of reports."""
    same = found.before.title == found.after.title
    title = text.short(found.after.title) if same else "Two runs"
    about = "Numbers that differ by less than a tenth are left out."
    frame = Frame(title=title, above="two runs compared", about=about)
    return rendered("difference.html", frame=frame, view=view(found, to_reports))


def view(found: Compared, to_reports: str) -> View:
    """What stands in the page."""
    parts = [Part(name=_PARTS.get(part, part), changes=[_change(one) for one in group])
             for part, group in groupby(found.differences, attrgetter("part"))]
    return View(sides=[_side("before", found.before, to_reports), _side("after", found.after, to_reports)],
                summary=_summary(found.differences), parts=parts, notes=[text.short(note, 300) for note in found.notes])


def _side(word: str, one: Outcome, to_reports: str) -> Side:
    return Side(word=word, line=many.line(run_row(one), to_reports), restored=RESTORED[one.restored])


def _summary(differences: list[Difference]) -> str:
    """How many things are better, worse, or only other."""
    if not differences:
        return "No difference."
    turns = [one.turn for one in differences]
    counted = [f"{turns.count(turn)} {turn}" for turn in ("worse", "better", "changed") if turn in turns]
    return f"{', '.join(counted)}."


def _change(one: Difference) -> Change:
    return Change(name=text.short(one.name), before=text.short(one.before, 300), after=text.short(one.after, 300),
                  mark=_TURNS[one.turn])
