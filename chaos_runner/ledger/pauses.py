"""What must not run by itself for a while: one schedule, all that bear a tag, or everything. Somebody said why."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct, structs
from sqlalchemy import Connection, bindparam, select, update

from chaos_runner.ledger.tables import PAUSES

_IN_FORCE: Final = select(PAUSES).where(
    (PAUSES.c.lifted == "") & ((PAUSES.c.until == "") | (PAUSES.c.until > bindparam("now")))).order_by(PAUSES.c.since)


class Scope(StrEnum):
    """What a pause is for."""

    SCHEDULE = "schedule"
    TAG = "tag"
    ALL = "all"


class Pause(Struct, frozen=True, kw_only=True):
    """A pause that nobody has lifted. `until` is empty where it is for good; instants are RFC 3339 in UTC."""

    pause: str
    scope: Scope
    name: str
    by: str
    why: str
    since: str
    until: str = ""

    def holds(self, schedule: str, tags: Collection[str], now: str) -> bool:
        """Whether it keeps a schedule from running."""
        if self.until and self.until <= now:
            return False
        return self.scope is Scope.ALL or (self.name in tags if self.scope is Scope.TAG else self.name == schedule)

    @property
    def what(self) -> str:
        """What it is for, in words."""
        return {Scope.ALL: "everything", Scope.TAG: f"whatever is tagged {self.name}"}.get(self.scope, self.name)

    @property
    def words(self) -> str:
        """Who paused it, and why."""
        until = f" until {self.until}" if self.until else ""
        return f"paused{until} by {self.by}: {self.why}"


def pause(connection: Connection, wanted: Pause) -> bool:
    """Writes it down. False when it has been before: somebody may have lifted it since."""
    known = connection.execute(select(PAUSES.c.pause).where(PAUSES.c.pause == wanted.pause)).first()
    if known is None:
        connection.execute(PAUSES.insert().values(**structs.asdict(wanted)))
    return known is None


def in_force(connection: Connection, now: str) -> list[Pause]:
    """Those that nobody has lifted and that have not ended, the oldest first."""
    return [msgspec.convert(row, Pause, from_attributes=True) for row in connection.execute(_IN_FORCE, {"now": now})]


def lift(connection: Connection, scope: Scope, name: str, *, by: str, now: str) -> int:
    """Lifts what was paused by that very name, and gives how many pauses these were."""
    found = connection.execute(update(PAUSES).where(
        (PAUSES.c.scope == scope) & (PAUSES.c.name == name) & (PAUSES.c.lifted == "")).values(lifted=now, lifted_by=by))
    return found.rowcount
