"""The contract of a channel: a way by which people are told, and what a file says about one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import import_module
from inspect import isabstract
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from msgspec import Struct

from chaos_runner.notify.elsewhere import Hidden, NotThere, read
from chaos_runner.notify.notice import USUAL, Kind, Notice

S = TypeVar("S", bound=Struct)


class NotTold(Exception):
    """The receiver did not take a notice. With `for_good` it never will; else it may, after `wait_s` if it said so.

    The message holds no secret.
    """

    def __init__(self, problem: str, *, for_good: bool = False, wait_s: float | None = None) -> None:
        super().__init__(problem)
        self.for_good = for_good
        self.wait_s = wait_s


class Way(ABC, Generic[S]):
    """How a notice gets to somebody. One stands in each file of `ways`, and is called as its file.

    `settings` is what stands in a file for it: one key is called as the way itself and says to whom.
    """

    settings: ClassVar[type[Struct]]
    secret: ClassVar[frozenset[str]] = frozenset()
    """The keys whose values are secret, so that a file may only say where they are kept."""

    @abstractmethod
    def send(self, settings: S, notice: Notice) -> str:
        """Tells it, and gives what was answered, in a few words. Comes back within half a minute of silence.

        It may be called again with the same notice, by any process. Raises NotTold, NotThere.
        """


class Channel(Struct, frozen=True, kw_only=True):
    """Somebody who is to be told of these kinds. `key` identifies it in the outbox, and is shown: it is no secret."""

    key: str
    way: str
    settings: Any
    kinds: frozenset[Kind] = USUAL

    def send(self, notice: Notice) -> str:
        """Tells it, and gives what was answered. Raises NotTold."""
        try:
            return way(self.way).send(self.settings, notice)
        except NotThere as problem:
            raise NotTold(str(problem)) from problem

    @property
    def destination(self) -> tuple[str, Any]:
        """Two channels of one destination are one receiver."""
        return self.way, self.settings


class NoWay(LookupError):
    """There is no such way."""


@cache
def way(name: str) -> Way[Any]:
    """The way of that name. Raises NoWay."""
    if name not in way_names():
        raise NoWay(name)
    module = import_module(f"chaos_runner.notify.ways.{name}")
    for thing in vars(module).values():
        if isinstance(thing, type) and issubclass(thing, Way) and not isabstract(thing):
            return thing()
    raise NoWay(name)


@cache
def way_names() -> tuple[str, ...]:
    """All there are, without importing any."""
    folder = Path(__file__).parent / "ways"
    return tuple(sorted(file.stem for file in folder.glob("*.py") if not file.name.startswith("_")))


def key_of(owner: str, name: str, way_name: str, to: Any) -> str:
    """What identifies a channel: whose it is, its name, and a digest of whom it tells as the file has it. Another
    address is another channel: what is still to be told to the old one does not go there.
    """
    digest = sha256(msgspec.json.encode(to)).hexdigest()[:8]
    return f"{owner}/{name or way_name}-{digest}"


def headers(written: Mapping[str, str | Hidden]) -> dict[str, str]:
    """The headers that a file asks for. Raises NotThere."""
    return {name: read(value) for name, value in written.items()}
