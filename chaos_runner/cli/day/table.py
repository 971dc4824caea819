"""What a day is played with."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from chaos_runner.clock import Clock
from chaos_runner.gameday.model import GameDay


class Table(Struct, frozen=True, kw_only=True):
    """The plan, the folders of the day and of its runs. `options` go to every run; `by` is who sits at the keyboard."""

    plan: GameDay
    folder: Path
    reports: Path
    by: str
    attended: bool
    options: Sequence[str]
    clock: Clock
