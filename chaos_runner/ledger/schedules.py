"""Since when each schedule is on, as far as any daemon knows: what was due before that was never missed."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, select, update

from chaos_runner.ledger.occurrences import settled_until
from chaos_runner.ledger.tables import SCHEDULES


def keep(connection: Connection, on: Collection[str], now: str) -> Mapping[str, str]:
    """Says which schedules are on, and gives for each of them until when its due times are settled: what came after
    that, and is over, was missed. RFC 3339 in UTC.
    """
    wanted = select(SCHEDULES.c.name, SCHEDULES.c.since).where(SCHEDULES.c.enabled == 1)
    known = {row.name: row.since for row in connection.execute(wanted)}
    _switch_off(connection, [name for name in known if name not in on])
    _switch_on(connection, [name for name in on if name not in known], now)
    settled = settled_until(connection)
    return {name: max(known.get(name, now), settled.get(name, "")) if name in known else now for name in on}


def _switch_off(connection: Connection, names: Collection[str]) -> None:
    if names:
        connection.execute(update(SCHEDULES).where(SCHEDULES.c.name.in_(names)).values(enabled=0))


def _switch_on(connection: Connection, names: Collection[str], now: str) -> None:
    if not names:
        return
    there = set(connection.execute(select(SCHEDULES.c.name).where(SCHEDULES.c.name.in_(names))).scalars())
    connection.execute(update(SCHEDULES).where(SCHEDULES.c.name.in_(there)).values(enabled=1, since=now))
    fresh = [{"name": name, "since": now, "enabled": 1} for name in names if name not in there]
    if fresh:
        connection.execute(SCHEDULES.insert(), fresh)
