"""Moments of a run as people write them: seconds since it began, and the wall clock in UTC."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from chaos_runner.run.run import Run

UNKNOWN: Final = "-"


def elapsed(t: float | None, digits: int = 1) -> str:
    """Seconds since the run began: "T+0:12.3", "T+1:02:05.0"."""
    if t is None:
        return UNKNOWN
    whole = round(t, digits)
    minutes, seconds = divmod(whole, 60)
    width = 3 + digits if digits else 2
    hours, minutes = divmod(int(minutes), 60)
    clock = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"T+{clock}:{seconds:0{width}.{digits}f}"


def moment(run: Run, t: float) -> datetime | None:
    """The wall clock at `t`, in UTC. None when the plan's own time cannot be read."""
    began = _began(run.plan.started)
    return began + timedelta(seconds=t) if began else None


@lru_cache(maxsize=8)
def _began(started: str) -> datetime | None:
    try:
        return datetime.fromisoformat(started).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def utc(run: Run, t: float | None) -> str:
    """The time of day at `t`: "11:02:41"."""
    at = None if t is None else moment(run, t)
    return f"{at:%H:%M:%S}" if at else UNKNOWN


def utc_date(run: Run, t: float) -> str:
    """Day and time at `t`: "20 Nov 2026 11:02:41 UTC"."""
    at = moment(run, t)
    return f"{at.day} {at:%b %Y %H:%M:%S} UTC" if at else UNKNOWN


def iso(run: Run, t: float) -> str:
    """RFC 3339, as Chaos Toolkit and JUnit write it: "2026-11-20T11:02:41.500000+00:00"."""
    at = moment(run, t)
    return at.isoformat(timespec="microseconds") if at else run.plan.started


def utc_plain(run: Run, t: float) -> str:
    """UTC without saying so, in whole seconds, as Ant's JUnit schema wants it: "2026-11-20T11:02:41"."""
    at = moment(run, t) or datetime.fromtimestamp(0, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}"
