"""Who looks on at a run: the live view on a terminal, one line per change elsewhere, nobody when it is to be quiet."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol, TextIO

from chaos_runner.cli.console import Console
from chaos_runner.cli.ink import err_ink, is_dumb
from chaos_runner.run.events import Event
from chaos_runner.run.run import Run


class Looker(Protocol):
    """A console: told of events, given the beat, and closed before anybody else writes to the terminal."""

    def __call__(self, run: Run, events: Sequence[Event]) -> None:
        """What has happened."""

    def beat(self) -> None:
        """Time goes by."""

    def close(self) -> None:
        """Others write now."""


class Quiet:
    """Says nothing."""

    def __call__(self, run: Run, events: Sequence[Event]) -> None:
        """Says nothing."""

    def beat(self) -> None:
        """Says nothing."""

    def close(self) -> None:
        """Says nothing."""


@contextmanager
def looking_on(*, quiet: bool, plain: bool) -> Iterator[Looker]:
    """The console for standard error, closed at the end whatever happens."""
    console = _console(quiet=quiet, plain=plain)
    try:
        yield console
    finally:
        console.close()


def _console(*, quiet: bool, plain: bool) -> Looker:
    if quiet:
        return Quiet()
    if plain or not can_redraw(sys.stderr, os.environ):
        return Console(err_ink())
    from chaos_runner.cli.live import Live

    return Live(err_ink(), sys.stderr)


def can_redraw(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal that moves its cursor and knows the signs we draw with."""
    return stream.isatty() and not is_dumb(environment) and "utf" in (stream.encoding or "").lower()
