"""The process: the API's listener, the proxies of a config file, signals."""

import asyncio
import signal
from typing import TYPE_CHECKING, Final

from chaos_runner.errors import Refused, UsageError
from chaos_runner.proxy.address import bound, bound_to, resolved
from chaos_runner.proxy.api import Api
from chaos_runner.proxy.bodies import read_proxies
from chaos_runner.proxy.collection import Collection
from chaos_runner.proxy.http import conversations
from chaos_runner.proxy.rejected import Rejected

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_LISTEN: Final = "127.0.0.1:8474"
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


def serve(listen: str = DEFAULT_LISTEN, config: "Path | None" = None) -> None:
    """Runs until SIGTERM or SIGINT. Prints "listening on http://HOST:PORT" once requests are answered.

    `listen` is host:port, port 0 for any free one. `config` is a JSON list of proxies, as for POST /populate.
    Outlives its parent and the terminal it was started from: applications talk through it.
    Raises UsageError when the config cannot be followed, Refused when an address cannot be listened on.
    """
    asyncio.run(_serve(listen, config))


async def _serve(listen: str, config: "Path | None") -> None:
    collection = Collection()
    api = Api(collection)
    try:
        server = await asyncio.start_server(conversations(api.handle), sock=bound(await resolved(listen)))
        await _populate(collection, config)
    except Rejected as error:
        raise Refused(f"the proxy cannot start: {error.message}; nothing was left listening") from error
    stop = _stop_signal()
    print(f"listening on http://{bound_to(server.sockets[0])}", flush=True)
    await stop.wait()
    server.close()
    collection.stop()


async def _populate(collection: Collection, config: "Path | None") -> None:
    if config is None:
        return
    try:
        wanted = read_proxies(config.read_bytes())
        missing = [number for number, each in enumerate(wanted, 1) if not (each.name and each.upstream)]
    except (OSError, Rejected) as error:
        raise UsageError(f"{config}: {error}; wanted a JSON list of {{name, listen, upstream}}") from error
    if missing:
        raise UsageError(f"{config}: proxy {missing[0]} has no name or no upstream; give it both")
    await collection.populate(wanted, [])


def _stop_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT. From then on they are ignored: a second one does not spoil the exit."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked(_: int, __: object) -> None:
        for number in _STOPPING:
            signal.signal(number, signal.SIG_IGN)
        loop.call_soon_threadsafe(stop.set)

    for number in _STOPPING:
        signal.signal(number, asked)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return stop
