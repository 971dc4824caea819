"""Who is at work: each daemon says so every few seconds, and whoever has not is dead."""

from typing import Final

from msgspec import Struct, structs
from sqlalchemy import Connection, delete, select, update

from chaos_runner.ledger.ledger import Ledger
from chaos_runner.ledger.tables import DAEMONS

BEAT_S: Final = 5.0
LEASE_S: Final = 15.0
"""Who has not been heard for so long is dead, or as good: what it had is others'."""


class Daemon(Struct, frozen=True, kw_only=True):
    """A daemon at work. `started` is RFC 3339 in UTC; `state` is "working" or "draining"."""

    daemon: str
    host: str
    pid: int
    started: str
    state: str = "working"


def beat(ledger: Ledger, connection: Connection, daemon: Daemon) -> bool:
    """Says that it is at work. False when others took it for dead meanwhile: then nothing is its own any more."""
    found = connection.execute(update(DAEMONS).where(DAEMONS.c.daemon == daemon.daemon).values(
        seen_s=ledger.seconds, state=daemon.state))
    return found.rowcount == 1


def join(ledger: Ledger, connection: Connection, daemon: Daemon) -> None:
    """Says for the first time that it is at work."""
    connection.execute(DAEMONS.insert().values(**structs.asdict(daemon), seen_s=ledger.seconds))


def leave(connection: Connection, daemon: str) -> None:
    """It is at work no more, or is dead."""
    connection.execute(delete(DAEMONS).where(DAEMONS.c.daemon == daemon))


def living(ledger: Ledger, connection: Connection) -> list[Daemon]:
    """Those that were heard lately, the oldest first."""
    wanted = select(*(DAEMONS.c[name] for name in Daemon.__struct_fields__)).where(
        DAEMONS.c.seen_s > ledger.seconds - LEASE_S).order_by(DAEMONS.c.started)
    return [Daemon(**row) for row in connection.execute(wanted).mappings()]


def bury_the_dead(ledger: Ledger, connection: Connection) -> list[str]:
    """Takes those off the list that were not heard for too long, and gives them."""
    found = connection.execute(delete(DAEMONS).where(DAEMONS.c.seen_s <= ledger.seconds - LEASE_S).returning(
        DAEMONS.c.daemon))
    return [daemon for daemon, in found]

