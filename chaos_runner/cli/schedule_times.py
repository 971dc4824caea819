"""Instants as they are typed."""

from datetime import UTC, datetime, timedelta

from chaos_runner.errors import UsageError


def now() -> datetime:
    """Now, in UTC."""
    from chaos_runner.clock import SystemClock

    return SystemClock().now()


def moment(text: str) -> datetime:
    """An instant in UTC; now where nothing is said. Raises UsageError."""
    if not text:
        return now().replace(microsecond=0)
    from chaos_runner.calendar import zones

    try:
        said = datetime.fromisoformat(text)
        found = (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise UsageError(f"--from {text}: a date such as 2026-11-23, or a time such as 2026-11-23T10:00+01:00") \
            from problem
    if not zones.YEARS[0] < found.year <= zones.YEARS[1]:
        raise UsageError(f"--from {text}: a year from {zones.YEARS[0] + 1} to {zones.YEARS[1]}")
    return found


def until(text: str) -> str:
    """An instant as RFC 3339, also when it is said as a duration from now; empty for none. Raises UsageError."""
    from chaos_runner.clock import rfc3339
    from chaos_runner.units import NoUnit, seconds

    if not text:
        return ""
    try:
        return rfc3339(now() + timedelta(seconds=seconds(text)))
    except NoUnit:
        return rfc3339(moment(text))
