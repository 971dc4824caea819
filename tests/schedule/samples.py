"""Schedules as their files would say them, and moments as a wall shows them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import structs

from chaos_runner.experiment.document import parse
from chaos_runner.experiment.findings import Finding
from chaos_runner.schedule import reading
from chaos_runner.schedule.model import Schedule
from chaos_runner.schedule.occurrences import Occurrence, Status, occurrences

BERLIN, NEW_YORK, LORD_HOWE, KOLKATA = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"
ZONES = (BERLIN, NEW_YORK, LORD_HOWE, KOLKATA)


def read(text: str, folder: Path = Path("/nowhere")) -> tuple[Schedule | None, list[Finding]]:
    """What comes of a file: the schedule, or why there is none."""
    return reading.schedule(parse(text.encode(), str(folder / "weekly.yaml")))


def scheduled(when: str, zone: str = BERLIN, *more: str, longest_s: float = 0.0, folder: Path = Path("/nowhere")) \
        -> Schedule:
    """A schedule that says when, and these lines more."""
    text = "\n".join(["experiment: a.yaml", when, f"timezone: {zone}", *more])
    found, findings = read(text, folder)
    assert found, findings
    return structs.replace(found, longest_s=longest_s)


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def over(schedule: Schedule, since: str, days: float = 1) -> list[Occurrence]:
    """The occurrences from a day on."""
    return occurrences(schedule, at(since), at(since) + timedelta(days=days))


def due(schedule: Schedule, since: str, days: float = 1) -> list[str]:
    """When it is due, as the wall shows it: "2027-03-28 03:00+02:00"."""
    return [told(one, schedule) for one in over(schedule, since, days) if one.status is Status.DUE]


def skipped(schedule: Schedule, since: str, days: float = 1) -> list[str]:
    """Why it is skipped, with the day: "2026-12-25 holiday: Christmas Day (DE-BE)"."""
    return [f"{one.due.astimezone(schedule.zone):%Y-%m-%d} {one.reason}" for one in over(schedule, since, days)
            if one.status is Status.SKIPPED]


def told(one: Occurrence, schedule: Schedule) -> str:
    """Its start as the wall shows it, with the offset."""
    return one.starts.astimezone(schedule.zone).isoformat(sep=" ", timespec="minutes")
