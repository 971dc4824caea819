"""What is still to be told, and to whom. It is written in the transaction that makes something so, and stands until the
receiver has it: nobody's death loses it, and at worst it is told twice.

A channel is one daemon's at a time: whoever sees to it holds it for a while, and while its receiver gives no answer
nobody has it. So its order is kept, and a receiver that wants to be left alone is.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chaos_runner.ledger.ledger import Ledger
from chaos_runner.ledger.tables import CHANNELS, OUTBOX

HELD_S: Final = 60.0
"""How long a channel is held: longer than a daemon may take over what it claims. After that its holder is dead."""
HELD_MAX_S: Final = 2 * 3600.0
"""Nobody holds a channel or leaves it alone for longer: where it looks so, the database's clock was put back."""
TRIED_S: Final = 24 * 3600.0
"""What was tried in vain and is older than this is given up."""
KEPT_S: Final = 30 * 24 * 3600.0
"""How long it is kept what was told, so that it is not told again."""
ORPHANED_S: Final = 7 * 24 * 3600.0
ORPHANED: Final = "nobody could see to this channel for a week: no daemon knows it any more, or its receiver was down"
_OPEN: Final = (OUTBOX.c.told == "") & (OUTBOX.c.given_up == "")


class Letter(Struct, frozen=True, kw_only=True):
    """A body for one channel. `old` says whether it has waited for so long that this is its last try."""

    notice: str
    channel: str
    body: str
    tries: int = 0
    old: bool = False


class Bundle(Struct, frozen=True, kw_only=True):
    """The next letters of a channel, which is held. `failures` counts how often in a row its receiver failed."""

    channel: str
    letters: tuple[Letter, ...]
    failures: int = 0


class Settled(Struct, frozen=True, kw_only=True):
    """What became of a letter: told, given up, or neither, with the problem. `at` is RFC 3339 in UTC."""

    letter: Letter
    at: str
    problem: str = ""
    given_up: bool = False

    @property
    def told(self) -> bool:
        return not self.problem


class Freed(Struct, frozen=True, kw_only=True):
    """A channel that nobody sees to any more. With a problem its receiver has failed, so often in a row by now, and is
    left alone for `wait_s`.
    """

    channel: str
    wait_s: float = 0.0
    problem: str = ""
    failures: int = 0


def put(ledger: Ledger, connection: Connection, letters: Collection[Letter]) -> None:
    """Puts them in, in this order, which no clock decides. One that was in it before, told or not, is not put in again.
    """
    if not letters:
        return
    latest = connection.execute(select(func.max(OUTBOX.c.number))).scalar() or 0
    rows = [{"notice": letter.notice, "channel": letter.channel, "body": letter.body, "number": number}
            for number, letter in enumerate(letters, latest + 1)]
    statement = _insert(connection, OUTBOX).values(queued_s=ledger.seconds).on_conflict_do_nothing()
    connection.execute(statement, rows)


def claim(ledger: Ledger, connection: Connection, channels: Collection[str], most: int) -> list[Bundle]:
    """The next letters of those of these channels that are free, each with `most` of them: these are now the caller's,
    until it settles them or HELD_S is over.
    """
    waiting = connection.execute(select(OUTBOX.c.channel).where(
        _OPEN & OUTBOX.c.channel.in_([*channels])).distinct()).scalars().all()
    if not waiting:
        return []
    connection.execute(_insert(connection, CHANNELS).on_conflict_do_nothing(),
                       [{"channel": name, "free_s": 0.0, "failures": 0, "problem": ""} for name in waiting])
    is_free = (CHANNELS.c.free_s <= ledger.seconds) | (CHANNELS.c.free_s > ledger.seconds + HELD_MAX_S)
    held = update(CHANNELS).where(CHANNELS.c.channel.in_(waiting) & is_free).values(
        free_s=ledger.seconds + HELD_S).returning(CHANNELS.c.channel, CHANNELS.c.failures)
    return [Bundle(channel=name, failures=failures, letters=_next(ledger, connection, name, most))
            for name, failures in connection.execute(held).all()]


def settle(connection: Connection, settled: Iterable[Settled]) -> None:
    """Writes down what became of letters."""
    for one in settled:
        where = (OUTBOX.c.notice == one.letter.notice) & (OUTBOX.c.channel == one.letter.channel)
        connection.execute(update(OUTBOX).where(where & (OUTBOX.c.told == "")).values(
            tries=OUTBOX.c.tries + 1, problem=one.problem, told=one.at if one.told else "",
            given_up=one.at if one.given_up else ""))


def free(ledger: Ledger, connection: Connection, freed: Freed) -> None:
    """Lets go of a channel."""
    connection.execute(update(CHANNELS).where(CHANNELS.c.channel == freed.channel).values(
        free_s=ledger.seconds + freed.wait_s, failures=freed.failures, problem=freed.problem))


def clear(ledger: Ledger, connection: Connection, at: str) -> list[Letter]:
    """Forgets what was settled long ago, and gives up what nobody could see to: these are given."""
    connection.execute(delete(OUTBOX).where(~_OPEN & (OUTBOX.c.queued_s < ledger.seconds - KEPT_S)))
    found = connection.execute(update(OUTBOX).where(_OPEN & (OUTBOX.c.queued_s < ledger.seconds - ORPHANED_S)).values(
        given_up=at, problem=ORPHANED).returning(*_LETTER))
    return [Letter(**row) for row in found.mappings()]


def waiting(connection: Connection) -> Sequence[tuple[str, int]]:
    """The channels that are still to be told something, and how much."""
    wanted = select(OUTBOX.c.channel, func.count()).where(_OPEN).group_by(OUTBOX.c.channel).order_by(OUTBOX.c.channel)
    return [(channel, count) for channel, count in connection.execute(wanted)]


_LETTER: Final = tuple(OUTBOX.c[name] for name in Letter.__struct_fields__ if name != "old")


def _next(ledger: Ledger, connection: Connection, channel: str, most: int) -> tuple[Letter, ...]:
    """Those that were tried least come first: one that its receiver stumbles over holds up no other."""
    old: ColumnElement[bool] = OUTBOX.c.queued_s < ledger.seconds - TRIED_S
    wanted = select(*_LETTER, old.label("old")).where(_OPEN & (OUTBOX.c.channel == channel)).order_by(
        OUTBOX.c.tries, OUTBOX.c.number, OUTBOX.c.queued_s).limit(most)
    return tuple(Letter(**{**row, "old": bool(row["old"])}) for row in connection.execute(wanted).mappings())


def _insert(connection: Connection, table: Any) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
