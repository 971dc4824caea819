"""A game day as its file says it: who plays which role, and what is done in which order."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from chaos_runner.experiment.findings import Place

SEALED: Final = "sealed experiment"
"""What a sealed item is called until the day is over."""


class Kind(StrEnum):
    """What an item of the agenda asks for."""

    EXPERIMENT = "experiment"
    MANUAL = "manual"
    ASK = "ask"
    NOTE = "note"


class Item(Struct, frozen=True, kw_only=True):
    """One item. `text` is what people read: the words of a step, a question or a note, the title of an experiment.

    `file` and `longest_s` (the longest that a run may take, undo included) are an experiment's. `at_most_s` is the time
    that people have for it, None for no limit; `observe_s` how long they look on after its run. `of` are the roles that
    must each say go.
    """

    kind: Kind
    text: str
    place: Place
    role: str = ""
    of: tuple[str, ...] = ()
    file: str = ""
    sealed: bool = False
    at_most_s: float | None = None
    observe_s: float = 0.0
    longest_s: float = 0.0


class GameDay(Struct, frozen=True, kw_only=True):
    """The whole file. `roles` are in its order, each with who plays it; "" where nobody is named."""

    title: str
    file: str
    roles: dict[str, str]
    agenda: tuple[Item, ...]
    description: str = ""
    owner: str = ""
    env: str = ""
