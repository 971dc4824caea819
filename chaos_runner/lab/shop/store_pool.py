"""How the orders services talk to the store: a few short-lived TCP connections, and a limit on every wait."""

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from typing import Final

TIMEOUT_S: Final = 2.0
_IDLE_MAX: Final = 4
_AGE_S_MAX: Final = 10.0


class StoreError(Exception):
    """The store could not be reached, took too long, or said ERROR."""


class _Connection:
    """One TCP connection to the store."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("r", encoding="utf-8", newline="\n")
        self._opened_s = time.monotonic()

    def is_young(self) -> bool:
        return time.monotonic() - self._opened_s < _AGE_S_MAX

    def ask(self, commands: Sequence[str]) -> list[str]:
        """Sends all commands at once and reads all replies: a slow network costs one round trip, not one for each."""
        self._socket.sendall("".join(f"{command}\n" for command in commands).encode())
        return [self._reply() for _ in commands]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._lines.close()
            self._socket.close()

    def _reply(self) -> str:
        line = self._lines.readline()
        if not line.endswith("\n"):
            raise ConnectionResetError("the store closed the connection")
        return line.rstrip("\n")


class StorePool:
    """Connections to the store, kept while they are young and well. Safe to use from many threads."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._idle: list[_Connection] = []
        self._changing = threading.Lock()

    def ask(self, commands: Sequence[str]) -> list[str]:
        """The reply to each command, in order. No wait is longer than TIMEOUT_S. Raises StoreError."""
        try:
            replies = self._asked(commands)
        except OSError as why:
            raise StoreError(f"the store at {self._address[0]}:{self._address[1]}: {why}") from why
        for reply in replies:
            if reply.startswith("ERROR"):
                raise StoreError(f"the store says {reply}")
        return replies

    def _asked(self, commands: Sequence[str]) -> list[str]:
        """A kept connection may have died unnoticed, so a reset of one is tried once more on a new one.

        That is right only because every command may be said twice.
        """
        kept = self._kept()
        if kept is not None:
            with contextlib.suppress(ConnectionError):
                return self._asked_on(kept, commands)
        return self._asked_on(_Connection(self._address), commands)

    def _asked_on(self, connection: _Connection, commands: Sequence[str]) -> list[str]:
        try:
            replies = connection.ask(commands)
        except OSError:
            connection.close()
            raise
        self._keep(connection)
        return replies

    def _kept(self) -> _Connection | None:
        with self._changing:
            while self._idle:
                connection = self._idle.pop()
                if connection.is_young():
                    return connection
                connection.close()
        return None

    def _keep(self, connection: _Connection) -> None:
        with self._changing:
            if len(self._idle) < _IDLE_MAX:
                self._idle.append(connection)
                return
        connection.close()
