"""What becomes of a row when its run is over. Pure."""

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from chaos_runner.daemon.book import Planned
from chaos_runner.daemon.runs import Outcome
from chaos_runner.ledger.occurrences import Row, State
from chaos_runner.ledger.pauses import Pause, Scope
from chaos_runner.run.events import Verdict

FAILED: Final = frozenset({Verdict.DEVIATED, Verdict.ABORTED, Verdict.ERROR})
"""What counts as a failure of the system or of the experiment, as for production's latch."""
US: Final = "chaos-runner"
_NO_OUTCOME: Final = {2: "the experiment cannot be followed", 3: "refused"}


def ended(row: Row, found: Outcome, now: str) -> Row:
    """The row of a run that has an outcome. One that was not started is skipped, or tried again when a gate says so."""
    told = structs.replace(row, verdict=found.verdict, exit=found.exit, restored=found.restored, ended=now)
    if found.verdict != Verdict.NOT_STARTED:
        return structs.replace(told, state=State.RAN, reason=row.stop or row.reason)
    if found.again_at:
        return structs.replace(told, state=State.DEFERRED, again=found.again_at, why="gate", reason=found.sentence)
    return structs.replace(told, state=State.SKIPPED, why="not-started", reason=found.sentence)


def without_outcome(row: Row, exit_code: int, said: str, now: str) -> Row:
    """The row of a process that left without an outcome: it was refused before it had one, or it died."""
    if exit_code in _NO_OUTCOME:
        return structs.replace(row, state=State.SKIPPED, why="not-started", verdict=Verdict.NOT_STARTED, exit=exit_code,
                               reason=said or _NO_OUTCOME[exit_code], ended=now)
    verdict = Verdict.INTERRUPTED if exit_code < 0 else Verdict.ERROR
    code = 128 - exit_code if exit_code < 0 else exit_code or 70
    return structs.replace(row, state=State.RAN, verdict=verdict, exit=code, ended=now,
                           reason=said or "it left no outcome")


def never_started(row: Row, hindrance: str) -> Row:
    """The row of what was claimed, and nobody started in time."""
    return structs.replace(row, state=State.MISSED, why="late", run="", reason=f"{hindrance}, and then it was too late")


def never_seen(row: Row, now: str) -> Row:
    """The row of a run that a dead daemon was about to start, and that has left no trace: nothing was injected."""
    return structs.replace(row, state=State.RAN, verdict=Verdict.INTERRUPTED, exit=143, ended=now,
                           restored="nothing-to-restore", reason="its daemon died as it was about to start it")


def out_of_sight(row: Row, now: str) -> Row:
    """The row of a run on a machine that is gone: what it left there nobody here can know."""
    return structs.replace(row, state=State.RAN, verdict=Verdict.INTERRUPTED, exit=6, ended=now, restored="unknown",
                           reason=f"its daemon on {row.host} is gone, and its report is out of reach: "
                                  f"chaos-runner recover {row.run} there, or recover --scan")


def failures_allowed(planned: Planned) -> int:
    """After how many failures in a row it is paused; 0 for never. In production the first is enough, unless the
    schedule says otherwise.
    """
    return planned.schedule.pause_after or int(planned.production)


def pause_after(most: int, last: Sequence[Row], now: str) -> Pause | None:
    """The pause that so many failures in a row lead to. `last` are the schedule's runs, the newest first."""
    if len(last) < most or any(row.verdict not in FAILED for row in last):
        return None
    times = "it failed" if most == 1 else f"it failed {most} times in a row"
    return Pause(pause=f"{last[0].schedule} {last[0].run}", scope=Scope.SCHEDULE, name=last[0].schedule, by=US,
                 why=f"{times}, last in run {last[0].run}", since=now)
