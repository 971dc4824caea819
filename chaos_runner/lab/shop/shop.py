"""Opens the shop, closes it, and says how it is.

What runs is written to `shop.json` in the shop's folder as it is started, so that whoever comes later can close it,
also after the one who opened it was killed half way.
"""

import contextlib
import fcntl
import http.client
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from chaos_runner.errors import Refused
from chaos_runner.lab import parts
from chaos_runner.lab.parts import Part, State

PROXY: Final = "orders-db"
ORDERS: Final = ("orders-1", "orders-2")
_LOCALHOST: Final = "127.0.0.1"
_PACKAGE: Final = "chaos_runner.lab.shop"
_PROXY_MODULE: Final = "chaos_runner.proxy"
_READY_S_MAX: Final = 10.0
_POLL_S: Final = 0.005
_TAIL_LINES: Final = 12
_HINT_DOWN: Final = "run `chaos-runner lab shop down` first"


class ShopNotUp(Refused):
    """A part did not start or does not answer. What had been started was ended again."""


class Shop(msgspec.Struct, frozen=True):
    """A shop that was opened: where it answers, and its processes. Addresses are empty while it is being opened.

    `url` is the front end, `proxy_api` the proxy's HTTP API, `proxied_store` where the orders services find the store
    (the proxy's listener), `store` the store itself.
    """

    folder: str
    url: str = ""
    proxy_api: str = ""
    proxied_store: str = ""
    store: str = ""
    orders: Mapping[str, str] = {}
    parts: tuple[Part, ...] = ()

    @property
    def services(self) -> dict[str, int]:
        """Each process's pid by its name: store, proxy, orders-1, orders-2, front, traffic."""
        return {part.name: part.pid for part in self.parts}


class _Listener(msgspec.Struct):
    """Of what the proxy says about a proxy: where it listens, with the port it was given."""

    listen: str


def default_folder() -> Path:
    """Where the shop of `chaos-runner lab shop` keeps its state and logs."""
    state_home = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state_home) if state_home.startswith("/") else Path.home() / ".local" / "state"
    return base / "chaos-runner" / "shop"


def up(folder: Path) -> Shop:
    """The shop in this folder: the one that runs there already, or a new one, with every part answering.

    Raises Refused when only some parts of one still run, ShopNotUp when a new one does not answer within 10 s.
    """
    with _alone_in(folder) as mine:
        return _whole(mine) or _opened(mine, traffic=())


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Shop]:
    """A new shop for as long as the block lasts. Its traffic also ends if this process dies.

    Raises Refused when one runs in the folder already, ShopNotUp as `up` does.
    """
    with _alone_in(folder) as mine:
        if _whole(mine):
            raise Refused(f"a shop runs in {mine} already: {_HINT_DOWN}, or choose another folder")
        shop = _opened(mine, traffic=("--with-parent",))
    try:
        yield shop
    finally:
        down(mine)


def down(folder: Path) -> list[str]:
    """Ends exactly the processes of the shop in this folder, stopped ones too, and names those that still were there.

    Nothing to end is an empty list. Raises Refused when the state file cannot be read.
    """
    if not _state_file(folder).exists():
        return []
    with _alone_in(folder) as mine:
        shop = current(mine)
        return _close(shop) if shop else []


def status(folder: Path) -> dict[str, State]:
    """How each part is; empty when no shop was opened here. Traffic ends by itself after 15 minutes."""
    shop = current(folder)
    return {part.name: parts.state(part) for part in shop.parts} if shop else {}


def current(folder: Path) -> Shop | None:
    """The shop that was opened in this folder, whether or not it still runs. Raises Refused for an unreadable file."""
    file = _state_file(folder)
    try:
        return msgspec.json.decode(file.read_bytes(), type=Shop)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as why:
        raise Refused(f"{file} is not a shop's state ({why}): remove it if no shop runs here") from why


def _whole(folder: Path) -> Shop | None:
    """The shop that runs here with all its parts, None when nothing runs. Raises Refused for anything between."""
    shop, states = current(folder), status(folder)
    if shop is None or set(states.values()) <= {State.GONE}:
        return None
    missing = [f"{name} is {how}" for name, how in states.items() if how is not State.RUNNING]
    if missing or not shop.url:
        found = ", ".join(missing) or "it was never opened to the end"
        raise Refused(f"a shop in {folder} runs in part ({found}): {_HINT_DOWN}")
    return shop


def _opened(folder: Path, traffic: tuple[str, ...]) -> Shop:
    """Starts every part and waits for it; ends what was started if anything, Ctrl-C included, comes between."""
    opening = _Opening(folder)
    with contextlib.ExitStack() as undo:
        undo.callback(opening.give_up)
        _start_all(opening, traffic)
        undo.pop_all()
    return opening.shop


def _start_all(opening: "_Opening", traffic: tuple[str, ...]) -> None:
    opening.start("store", f"{_PACKAGE}.store")
    store = opening.address("store")
    proxies = [{"name": PROXY, "listen": f"{_LOCALHOST}:0", "upstream": store, "enabled": True}]
    config = opening.folder / "toxiproxy.json"
    config.write_text(json.dumps(proxies), encoding="utf-8")
    opening.start("proxy", _PROXY_MODULE, "--listen", f"{_LOCALHOST}:0", "--config", str(config))
    answer = opening.ask("proxy", opening.address("proxy"), f"/proxies/{PROXY}")
    proxied = msgspec.json.decode(answer, type=_Listener).listen
    for name in ORDERS:
        opening.start(name, f"{_PACKAGE}.orders", "--name", name, "--store", proxied)
    orders = {name: opening.address(name) for name in ORDERS}
    opening.start("front", f"{_PACKAGE}.front", *(f"--orders={address}" for address in orders.values()))
    for name, address in orders.items():
        opening.ask(name, address, "/orders?customer=1")
    opening.ask("front", opening.address("front"), "/checkout?customer=1")
    opening.start("traffic", f"{_PACKAGE}.traffic", "--front", opening.address("front"),
                  "--while", str(_state_file(opening.folder)), *traffic)
    opening.line("traffic", "sending ")
    opening.note(url=f"http://{opening.address('front')}", proxy_api=f"http://{opening.address('proxy')}",
                 proxied_store=proxied, store=store,
                 orders={name: f"http://{address}" for name, address in orders.items()})


class _Opening:
    """A shop on its way up: what was started so far is always on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shop = Shop(str(folder))
        self._deadline_s = time.monotonic() + _READY_S_MAX

    def start(self, name: str, *command: str) -> None:
        """Starts a part and writes it down."""
        part = parts.spawned_module(name, self._log(name), command)
        self.shop = msgspec.structs.replace(self.shop, parts=(*self.shop.parts, part))
        _write(self.shop)

    def note(self, **addresses: str | Mapping[str, str]) -> None:
        """Writes down where the shop answers."""
        self.shop = msgspec.structs.replace(self.shop, **addresses)
        _write(self.shop)

    def address(self, name: str) -> str:
        """The host:port a part says it listens on. Raises ShopNotUp when it ends or the time is up before that."""
        return self.line(name, "listening on ").split()[-1].removeprefix("http://").rstrip("/")

    def line(self, name: str, beginning: str) -> str:
        """Waits for the first line in a part's log that begins so. Raises ShopNotUp as `address` does."""
        while True:
            living = self._is_there(name)
            if said := [line for line in self._said(name) if line.startswith(beginning)]:
                return said[0]
            if not living:
                raise self._failure(name, "ended")
            if time.monotonic() > self._deadline_s:
                raise self._failure(name, f"was not ready within {_READY_S_MAX:.0f} s")
            time.sleep(_POLL_S)

    def ask(self, name: str, address: str, path: str) -> bytes:
        """What the part answers to a GET. Raises ShopNotUp for anything but a 200."""
        connection = http.client.HTTPConnection(address, timeout=max(0.1, self._deadline_s - time.monotonic()))
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as why:
            raise self._failure(name, f"does not answer GET {path}: {why}") from why
        finally:
            connection.close()
        if response.status != 200:
            raise self._failure(name, f"answers GET {path} with {response.status} {body[:200]!r}")
        return body

    def give_up(self) -> None:
        """Ends what was started."""
        _close(self.shop)

    def _is_there(self, name: str) -> bool:
        return any(part.name == name and parts.state(part) is not State.GONE for part in self.shop.parts)

    def _said(self, name: str) -> list[str]:
        try:
            return self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def _failure(self, name: str, what: str) -> ShopNotUp:
        tail = "\n".join(f"  {line}" for line in self._said(name)[-_TAIL_LINES:]) or "  (nothing)"
        return ShopNotUp(f"the shop's {name} {what}. Its log, {self._log(name)}, ends with:\n{tail}")

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[Path]:
    """Holds the folder's lock, so that two who open or close a shop do so one after the other."""
    mine = folder.resolve()
    mine.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (mine / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield mine


def _close(shop: Shop) -> list[str]:
    """Newest first: traffic before what it calls. The file goes last, so that a close cut short can be repeated."""
    ended = parts.end(reversed(shop.parts))
    _state_file(Path(shop.folder)).unlink(missing_ok=True)
    return ended


def _write(shop: Shop) -> None:
    file = _state_file(Path(shop.folder))
    new = file.with_suffix(".new")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(shop)))
    new.replace(file)


def _state_file(folder: Path) -> Path:
    return folder / "shop.json"
