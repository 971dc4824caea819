"""What is told of what the daemon does. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import structs

from chaos_runner.clock import rfc3339
from chaos_runner.ledger.occurrences import Row, State
from chaos_runner.ledger.pauses import Pause
from chaos_runner.notify.notice import Kind, Notice

_UNTOLD: Final = (State.ASKED, State.CLAIMED, State.QUEUED, State.DEFERRED)
_KINDS: Final = {State.RUNNING: Kind.STARTED, State.SKIPPED: Kind.SKIPPED, State.MISSED: Kind.MISSED}
_LEFT: Final = ("not-restored", "unknown")


def of_rows(rows: Iterable[Row], now: datetime) -> list[Notice]:
    """What is told of rows that have become what they are just now."""
    at = rfc3339(now)
    return [notice for row in rows if row.state not in _UNTOLD for notice in _of_row(row, at)]


def of_stop(row: Row, why: str, now: datetime) -> Notice:
    """That a run is asked to stop and undo."""
    return _notice(row, Kind.STOPPED, rfc3339(now), f"is stopped and undone: {why}")


def of_breach(row: Row, probe: int, says: str, now: datetime) -> Notice:
    """That a probe of the hypothesis has left its tolerance: one notice for each probe and run."""
    notice = _notice(row, Kind.BREACH, rfc3339(now), f"breach: {says}")
    return structs.replace(notice, notice=f"{notice.notice}/{probe}")


def of_pause(pause: Pause, row: Row, now: datetime) -> Notice:
    """That a schedule is paused because it failed."""
    return _notice(row, Kind.PAUSED, rfc3339(now), pause.words)


def _of_row(row: Row, now: str) -> list[Notice]:
    if row.state is not State.RAN:
        return [_notice(row, _KINDS[row.state], now, _sentence(row))]
    found = [_notice(row, Kind.ENDED, now, _sentence(row))]
    if row.recovered_by:
        found.append(_notice(row, Kind.RECOVERED, now, f"was recovered by {row.recovered_by}: {row.restored}"))
    if row.restored in _LEFT:
        found.append(_notice(row, Kind.NOT_RESTORED, now, f"is {row.restored}: chaos-runner recover {row.run}"))
    return found


def _sentence(row: Row) -> str:
    match row.state:
        case State.RUNNING:
            return "started"
        case State.RAN:
            restored = f", {row.restored}" if row.restored else ""
            return f"{row.verdict}{restored}{f': {row.reason}' if row.reason else ''}"
        case _:
            return f"{row.state}: {row.reason}"


def _notice(row: Row, kind: Kind, at: str, says: str) -> Notice:
    return Notice(notice=f"{row.schedule}/{row.due}/{row.run or '-'}/{kind}", kind=kind, at=at,
                  sentence=f"{row.schedule} (due {row.due}) {says}", schedule=row.schedule, due=row.due,
                  experiment=row.experiment, environment=row.env, run=row.run, verdict=row.verdict,
                  restored=row.restored, host=row.host)
