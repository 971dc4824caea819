"""One row a due time, for ever: what became of it. The pair of schedule and due time is unique, so whoever inserts the
row has it, and nobody else ever will.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import Connection, bindparam, desc, func, select, text, update

from chaos_runner.ledger.tables import OCCURRENCES

_NAMES: Final = [f'"{column.name}"' for column in OCCURRENCES.columns]
_REST: Final = [f'"{column.name}"' for column in OCCURRENCES.columns if not column.primary_key]
_LIST: Final = ", ".join(_NAMES)


def _new(name: str, value: str) -> str:
    """How a column is set. What was asked to stop stays so, whoever writes the row without having seen it."""
    return f"{name} = coalesce(nullif({value}, ''), occurrences.{name})" if name == '"stop"' else f"{name} = {value}"


_INSERT_EACH: Final = f"INSERT INTO occurrences ({_LIST}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608 -- names
_UPDATE_EACH: Final = (f"UPDATE occurrences SET {', '.join(map(_new, _REST, '?' * len(_REST)))} "  # noqa: S608
                       "WHERE schedule = ? AND due = ? AND daemon = ?")
_RECORDS: Final = "(SELECT * FROM json_populate_recordset(NULL::occurrences, :rows) LIMIT :many) AS new"
"""PostgreSQL is given many rows as one parameter: a parameter for each field takes it five times as long. It would plan
for a hundred of them, and read the whole table for two, if the limit did not say how many there are.
"""
_INSERT_ALL: Final = text(f"INSERT INTO occurrences ({_LIST}) SELECT {_LIST} FROM {_RECORDS}")  # noqa: S608
_COPY: Final = f"COPY occurrences ({_LIST}) FROM STDIN"
_MANY: Final = 500
"""COPY takes a third of the time for ten thousand rows, and a round trip more for a few."""
_UPDATE_ALL: Final = text("UPDATE occurrences SET "  # noqa: S608
                          f"{', '.join(_new(name, f'new.{name}') for name in _REST)} "
                          f"FROM {_RECORDS} WHERE occurrences.schedule = new.schedule "
                          "AND occurrences.due = new.due AND occurrences.daemon = :daemon")

_IN_STATES: Final = select(OCCURRENCES).where(OCCURRENCES.c.state.in_(bindparam("states", expanding=True))).order_by(
    OCCURRENCES.c.starts, OCCURRENCES.c.schedule)
_KNOWN: Final = {
    "sqlite": text("SELECT o.schedule, o.due, o.daemon FROM json_each(:rows) AS key JOIN occurrences AS o "
                   "ON o.schedule = key.value ->> 0 AND o.due = key.value ->> 1"),
    "postgresql": text("SELECT o.schedule, o.due, o.daemon FROM "
                       "(SELECT key FROM json_array_elements(:rows) AS key LIMIT :many) AS wanted "
                       "JOIN occurrences AS o ON o.schedule = key ->> 0 AND o.due = key ->> 1")}
"""By the primary key, and many at once as one parameter."""


class State(StrEnum):
    """What became of an occurrence so far. The last three are for ever."""

    ASKED = "asked"
    """By somebody, for now; nobody has claimed it."""
    CLAIMED = "claimed"
    """A daemon has it, and has started nothing."""
    QUEUED = "queued"
    """It waits until its targets are free."""
    RUNNING = "running"
    """A process may have been started."""
    DEFERRED = "deferred"
    """A gate said: try again at `again`."""
    RAN = "ran"
    SKIPPED = "skipped"
    MISSED = "missed"


OPEN: Final = (State.ASKED, State.CLAIMED, State.QUEUED, State.RUNNING, State.DEFERRED)
HOLDING: Final = (State.CLAIMED, State.RUNNING)
"""Whoever is in these may be hitting targets."""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """An occurrence as the table has it. Instants are RFC 3339 in UTC, empty where there is none (yet).

    `ends` is when a run must be over, undo included. `grounds` is JSON: what it may hit, as far as its file tells.
    `stop` says why its run is to be stopped and undone, and `again` when a gate wants to be asked anew.
    `reason` says in a sentence why it was skipped or missed; `why` is a word for it.
    """

    schedule: str
    due: str
    state: State
    starts: str
    ends: str = ""
    experiment: str = ""
    env: str = ""
    why: str = ""
    reason: str = ""
    asked_by: str = ""
    grounds: str = "[]"
    daemon: str = ""
    host: str = ""
    claimed: str = ""
    run: str = ""
    began: str = ""
    ended: str = ""
    stop: str = ""
    again: str = ""
    verdict: str = ""
    exit: int = -1
    restored: str = ""
    recovered_by: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it for good."""
        return self.schedule, self.due


def put(connection: Connection, rows: Sequence[Row]) -> None:
    """Inserts rows of which none is known. Transactions of the ledger are one after the other, so what was not there
    when its caller looked is not there now, and is nobody else's.
    """
    if rows and connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_INSERT_EACH, [astuple(row) for row in rows])
    elif len(rows) > _MANY:
        _copy(connection, rows)
    elif rows:
        connection.execute(_INSERT_ALL, _many(rows))


def _copy(connection: Connection, rows: Sequence[Row]) -> None:
    """What the driver raises here is not wrapped: the transaction sees to it."""
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(astuple(row))


def change(connection: Connection, rows: Sequence[Row], daemon: str) -> list[Row]:
    """Writes rows as they are now, their daemon included, where they still are that daemon's, and gives those: what
    another has taken over is the other's to write.
    """
    if not rows:
        return []
    if connection.dialect.name == "sqlite":
        written = connection.exec_driver_sql(_UPDATE_EACH, [(*astuple(row)[2:], *row.key, daemon) for row in rows])
    else:
        written = connection.execute(_UPDATE_ALL, {**_many(rows), "daemon": daemon})
    if written.rowcount == len(rows):
        return list(rows)
    now = known(connection, [row.key for row in rows])
    return [row for row in rows if now.get(row.key) == row.daemon]


def ask_to_stop(connection: Connection, row: Row, why: str) -> None:
    """Asks whoever has a row to stop its run, and to undo it."""
    where = (OCCURRENCES.c.schedule == row.schedule) & (OCCURRENCES.c.due == row.due)
    connection.execute(update(OCCURRENCES).where(where).values(stop=why))


def known(connection: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Those of the keys that have a row, each with the daemon whose it is."""
    found = connection.execute(_KNOWN[connection.dialect.name], _many(keys))
    return {(schedule, due): daemon for schedule, due, daemon in found}


def in_states(connection: Connection, states: Collection[State]) -> list[Row]:
    """Those in these states, the earliest first."""
    return _rows(connection.execute(_IN_STATES, {"states": list(states)}))


def settled_until(connection: Connection) -> Mapping[str, str]:
    """The last due time of each schedule that has a row, by the schedule's name; what people asked for aside."""
    wanted = select(OCCURRENCES.c.schedule, func.max(OCCURRENCES.c.due).label("last")).where(
        OCCURRENCES.c.asked_by == "").group_by(OCCURRENCES.c.schedule)
    return {row.schedule: row.last for row in connection.execute(wanted)}


def latest(connection: Connection, schedules: Collection[str] = (), limit: int = 20) -> list[Row]:
    """The newest rows, of these schedules or of all, the newest first."""
    wanted = select(OCCURRENCES).order_by(desc(OCCURRENCES.c.due), OCCURRENCES.c.schedule).limit(limit)
    if schedules:
        wanted = wanted.where(OCCURRENCES.c.schedule.in_([*schedules]))
    return _rows(connection.execute(wanted))


def ran(connection: Connection, schedule: str, limit: int) -> list[Row]:
    """The last runs of a schedule, the newest first."""
    wanted = select(OCCURRENCES).where((OCCURRENCES.c.schedule == schedule) & (OCCURRENCES.c.state == State.RAN))
    return _rows(connection.execute(wanted.order_by(desc(OCCURRENCES.c.ended)).limit(limit)))


def _rows(found: Iterable[Any]) -> list[Row]:
    return [msgspec.convert(row, Row, from_attributes=True) for row in found]


def _many(what: Collection[object]) -> dict[str, object]:
    return {"rows": msgspec.json.encode(what).decode(), "many": len(what)}
