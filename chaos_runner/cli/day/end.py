"""The end of a game day: its verdict, what was sealed is opened, and what is kept for programs and for people."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from chaos_runner.errors import UsageError
from chaos_runner.gameday import events as ev
from chaos_runner.gameday.day import Day, DayRun
from chaos_runner.gameday.loading import digest_for, digest_of
from chaos_runner.gameday.model import GameDay, Kind
from chaos_runner.history.reading import OutcomeUnreadable, read_outcome
from chaos_runner.report.writing import write
from chaos_runner.run.events import Verdict
from chaos_runner.run.merge import ORDER, merged

SCHEMA: Final = 1
NAME: Final = "day.json"
_ABORTED_EXIT: Final = 4
_SKIPPED_EXIT: Final = 3
_NOTHING_EXIT: Final = 5


class RunSummary(Struct, frozen=True, kw_only=True):
    """One run. Times to detect and to recover are its outcome's, None where there was nothing to see."""

    item: int
    run: str
    title: str
    verdict: str
    restored: str
    exit: int
    sentence: str
    began_s: float
    ended_s: float | None
    changed: bool
    detected_s: float | None = None
    detected_by: str = ""
    recovered_s: float | None = None


class Summary(Struct, frozen=True, kw_only=True):
    """What is printed with --json and kept as day.json. `_s` are seconds since the day began, items count from 1."""

    schema: int = SCHEMA
    day: str
    title: str
    file: str
    verdict: str
    exit: int
    sentence: str
    started: str
    took_s: float
    aborted: bool
    why: str
    report: str
    runs: list[RunSummary]
    skipped: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    committed: list[dict[str, Any]]


def found(plan: GameDay, day: Day) -> tuple[ev.Found, ...]:
    """What was committed to, by its name, and what its file says now."""
    return tuple(_found(plan, one) for one in day.began.committed)


def _found(plan: GameDay, one: ev.Committed) -> ev.Found:
    try:
        now = digest_of(plan.file) if one.item is None else digest_for(plan, one.item)
    except UsageError:
        now = ""
    item = None if one.item is None else plan.agenda[one.item]
    return ev.Found(item=one.item, name=item.file if item else plan.file, title=item.text if item else plan.title,
                    committed=one.digest, now=now)


def up_to_date(day: Day, reports: Path) -> list[ev.RunOver]:
    """The runs of which their folders say more by now than is known: somebody has recovered them, or they were sealed.
    """
    return [over for number, run in day.runs if run.over and (over := _now(number, run, run.over, reports))]


def _now(number: int, run: DayRun, over: ev.RunOver, reports: Path) -> ev.RunOver | None:
    try:
        outcome = read_outcome(reports / "runs" / run.run)
    except OutcomeUnreadable:
        return None
    said = structs.replace(over, item=number, verdict=str(outcome.verdict), restored=str(outcome.restored),
                           exit=outcome.exit, sentence=outcome.sentence, recorded=True)
    return None if said == over else said


def ended(day: Day, aborted: str | None, by: str, t: float) -> ev.DayEnded:
    """The end: the verdict of all runs together. Every run counts, also one that was tried again."""
    verdict, exit_code = merged(list(_ends(day, aborted)))
    return ev.DayEnded(t=t, verdict=verdict, exit=exit_code, sentence=sentence(day, aborted), by=by,
                       aborted=aborted is not None, why=aborted or "")


def _ends(day: Day, aborted: str | None) -> Iterator[tuple[Verdict, int]]:
    yield from ((Verdict(run.over.verdict), run.over.exit) for _, run in day.runs if run.over)
    yield from ((Verdict.NOT_STARTED, _SKIPPED_EXIT) for _ in _not_run(day))
    if aborted is not None:
        yield Verdict.ABORTED, _ABORTED_EXIT
    elif not any(planned.kind is Kind.EXPERIMENT for planned in day.began.agenda):
        yield Verdict.INCONCLUSIVE, _NOTHING_EXIT


def _not_run(day: Day) -> list[int]:
    """Experiments of which there is no run."""
    return [number for number, item in enumerate(day.items)
            if day.planned(number).kind is Kind.EXPERIMENT and not item.runs]


def sentence(day: Day, aborted: str | None) -> str:
    """The day in a sentence: how many runs ended how, what the worst of them found, what was left out."""
    overs = [run.over for _, run in day.runs if run.over]
    verdicts = [over.verdict for over in overs]
    counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in ORDER if verdict in verdicts]
    worst = min(overs, key=lambda over: ORDER.index(Verdict(over.verdict)), default=None)
    told = f": {worst.sentence}" if worst and worst.verdict != Verdict.PASSED and worst.sentence else ""
    runs = f"{len(overs)} run{'' if len(overs) == 1 else 's'}, {', '.join(counts)}{told}" if overs else "no run"
    left = len(_not_run(day))
    parts = [runs, f"{left} experiment{'' if left == 1 else 's'} not run" if left else "",
             f"aborted: {aborted}" if aborted else ""]
    return "; ".join(filter(None, parts))


# ── what is kept ────────────────────────────────────────────────────────────────────────────────────────────────────

def summary(day: Day, reports: Path, folder: Path) -> Summary:
    """All of it as data. For a day that is over."""
    end, began = day.ended, day.began
    return Summary(
        day=began.day, title=began.title, file=began.file, verdict=end.verdict if end else "",
        exit=end.exit if end else 0, sentence=end.sentence if end else "", started=began.started, took_s=day.t,
        aborted=bool(end and end.aborted), why=end.why if end else "", report=str(folder / "report.html"),
        runs=[_run_summary(day, number, run, reports) for number, run in day.runs],
        skipped=[{"item": number + 1, "title": day.name(number), "by": item.by, "why": item.skipped}
                 for number, item in enumerate(day.items) if item.skipped is not None],
        answers=[{"item": one.item + 1, "role": one.role, "go": one.go, "by": one.by, "why": one.why, "at_s": one.t}
                 for one in day.heard],
        notes=[{"item": one.item + 1, "by": one.by, "text": one.text, "at_s": one.t}
               for one in day.notes if not one.action],
        actions=[{"text": one.text, "owner": one.owner, "by": one.by, "at_s": one.t}
                 for one in day.notes if one.action],
        committed=[{**msgspec.structs.asdict(one), "item": None if one.item is None else one.item + 1}
                   for one in day.opened])


def _run_summary(day: Day, number: int, run: DayRun, reports: Path) -> RunSummary:
    over = run.over
    bare = RunSummary(
        item=number + 1, run=run.run, title=day.name(number), verdict=over.verdict if over else "",
        restored=over.restored if over else "", exit=over.exit if over else 0, sentence=over.sentence if over else "",
        began_s=run.began_t, ended_s=run.end_t, changed=run.changed)
    if not day.tells(number):
        return bare
    try:
        outcome = read_outcome(reports / "runs" / run.run)
    except OutcomeUnreadable:
        return bare
    seen = outcome.detected
    return structs.replace(bare, detected_s=seen.after_s if seen else None, detected_by=seen.by if seen else "",
                           recovered_s=outcome.time_to_recover_s)


def keep(told: Summary, folder: Path) -> None:
    """Writes it as day.json. Raises OSError."""
    write(folder / NAME, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
