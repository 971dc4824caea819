"""The orders' data store: lists of values by key, in memory, over TCP, one line a command.

    PING             PONG
    ADD key value    OK        appends unless it is there already, so it may be said twice; the last 10 are kept
    GET key          VALUES    followed by a tab and the value, for each value
    anything else    ERROR why

Keys hold no spaces, values no tabs and no line ends.
"""

import argparse
import socketserver
import threading
from collections import deque
from typing import Final

from chaos_runner.lab.shop.serving import LOCALHOST, Server, say

_KEYS_MAX: Final = 2000
_VALUES_MAX: Final = 10
_LINE_BYTES_MAX: Final = 4096


class Shelf:
    """What the store holds, bounded: a key too many is refused, an old value gives way to a new one."""

    def __init__(self) -> None:
        self._lists: dict[str, deque[str]] = {}
        self._changing = threading.Lock()

    def reply(self, line: str) -> str:
        """The answer to one command."""
        match line.split(" ", 2):
            case ["PING"]:
                return "PONG"
            case ["ADD", key, value]:
                return self._add(key, value)
            case ["GET", key]:
                return self._get(key)
            case _:
                return f"ERROR {line[:40]!r} is not PING, ADD key value or GET key"

    def _add(self, key: str, value: str) -> str:
        with self._changing:
            if key not in self._lists and len(self._lists) >= _KEYS_MAX:
                return f"ERROR full: {_KEYS_MAX} keys"
            values = self._lists.setdefault(key, deque(maxlen=_VALUES_MAX))
            if value not in values:
                values.append(value)
        return "OK"

    def _get(self, key: str) -> str:
        with self._changing:
            return "\t".join(["VALUES", *self._lists.get(key, ())])


def main() -> None:
    """Serves until it is ended."""
    options = argparse.ArgumentParser("python -m chaos_runner.lab.shop.store", description=__doc__.split("\n")[0])
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    shelf = Shelf()

    class Conversation(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while line := self.rfile.readline(_LINE_BYTES_MAX):
                self.wfile.write(shelf.reply(line.decode(errors="replace").rstrip("\r\n")).encode() + b"\n")

    with Server((LOCALHOST, options.parse_args().port), Conversation) as server:
        say(f"listening on {LOCALHOST}:{server.server_address[1]}")
        server.serve_forever()


if __name__ == "__main__":
    main()
