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
_INSERT_EACH: Final = f"INSERT INTO occurrences ({_LIST}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608 -- names
_UPDATE_EACH: Final = (f"UPDATE occurrences SET {', '.join(f'{name} = ?' for name in _REST)} "  # noqa: S608
                       "WHERE schedule = ? AND due = ? AND daemon = ?")
_RECORDS: Final = "json_populate_recordset(NULL::occurrences, :rows)"
"""PostgreSQL is given many rows as one parameter: a parameter for each field takes it five times as long."""
_INSERT_ALL: Final = text(f"INSERT INTO occurrences ({_LIST}) SELECT {_LIST} FROM {_RECORDS}")  # noqa: S608
_UPDATE_ALL: Final = text(f"UPDATE occurrences SET {', '.join(f'{name} = new.{name}' for name in _REST)} "  # noqa: S608
                          f"FROM {_RECORDS} AS new WHERE occurrences.schedule = new.schedule "
                          "AND occurrences.due = new.due AND occurrences.daemon = :daemon")

_IN_STATES: Final = select(OCCURRENCES).where(OCCURRENCES.c.state.in_(bindparam("states", expanding=True))).order_by(
    OCCURRENCES.c.starts, OCCURRENCES.c.schedule)
_DUE_THEN: Final = select(OCCURRENCES.c.schedule, OCCURRENCES.c.due).where(
    OCCURRENCES.c.due.in_(bindparam("dues", expanding=True)))


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
    elif rows:
        connection.execute(_INSERT_ALL, {"rows": msgspec.json.encode(rows).decode()})


def change(connection: Connection, rows: Sequence[Row], daemon: str) -> None:
    """Writes rows as they are now, their daemon included, where they still are that daemon's: what another has taken
    over is the other's to write.
    """
    if rows and connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_UPDATE_EACH, [(*astuple(row)[2:], *row.key, daemon) for row in rows])
    elif rows:
        connection.execute(_UPDATE_ALL, {"rows": msgspec.json.encode(rows).decode(), "daemon": daemon})


def ask_to_stop(connection: Connection, row: Row, why: str) -> None:
    """Asks whoever has a row to stop its run, and to undo it."""
    where = (OCCURRENCES.c.schedule == row.schedule) & (OCCURRENCES.c.due == row.due)
    connection.execute(update(OCCURRENCES).where(where).values(stop=why))


def known(connection: Connection, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the keys that have a row."""
    found = connection.execute(_DUE_THEN, {"dues": list({due for _, due in keys})})
    return {(row.schedule, row.due) for row in found}.intersection(keys)


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
