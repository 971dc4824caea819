"""What a daemon is made of, and what it has under way."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct
from sqlalchemy import Connection

from chaos_runner.clock import Clock
from chaos_runner.daemon.book import Planned
from chaos_runner.launchers.local import Order
from chaos_runner.ledger import daemons
from chaos_runner.ledger.ledger import Ledger
from chaos_runner.ledger.occurrences import Row
from chaos_runner.notify.notice import Notice

Tell = Callable[[Connection, Sequence[Notice]], None]
"""What is told of what happens, in the transaction that makes it so."""


class Running(Protocol):
    """A process under way."""

    @property
    def exit_code(self) -> int | None:
        """Its exit code, once it has ended."""

    def stop(self) -> None:
        """Asks it to stop and undo."""


class Launcher(Protocol):
    """What starts runs."""

    reports: Path

    def start(self, order: Order) -> Running:
        """Starts a run. Raises OSError."""

    def recover(self, run: str, by: str) -> Running:
        """Brings back what a dead run left. Raises OSError."""

    def adopt(self, run: str) -> Running:
        """A run that somebody else has started, and that lives on."""

    def said(self, run: str) -> str:
        """The last thing that a run said."""


class Parts(Struct, frozen=True, kw_only=True):
    """What a daemon is made of. `places` is how many runs it has under way at most."""

    ledger: Ledger
    clock: Clock
    launcher: Launcher
    me: daemons.Daemon
    tell: Tell
    learn: Callable[[Iterable[Planned]], None] = lambda _: None
    """Whoever else is to know the schedules, each time they are read: those who are told stand in them."""
    places: int = 8


class Work(Struct, kw_only=True):
    """A row that is this daemon's, and the process that sees to it."""

    row: Row
    process: Running
    recovering: bool = False
    asked_to_stop: bool = False
