"""What probes that connect share: one deadline for everything, and short words for what went wrong."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeAlias

from chaos_runner.contracts import NoData, Unreachable
from chaos_runner.units import spoken_seconds

Place: TypeAlias = "tuple[int, int, int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]"


class Deadline:
    """The end of all waiting, however many waits there are."""

    def __init__(self, timeout_s: float) -> None:
        self._end_s = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Seconds left, more than none. Raises TimeoutError."""
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s


@contextmanager
def reaching(host: str, timeout_s: float) -> Iterator[None]:
    """Turns every way in which a network does not answer into Unreachable."""
    try:
        yield
    except TimeoutError as error:
        raise Unreachable(f"no answer within {spoken_seconds(timeout_s)}") from error
    except ConnectionRefusedError as error:
        raise Unreachable("connection refused") from error
    except (ConnectionResetError, BrokenPipeError) as error:
        raise Unreachable("connection reset") from error
    except socket.gaierror as error:
        raise Unreachable(f"the name {host!r} cannot be resolved") from error
    except OSError as error:
        raise Unreachable((error.strerror or str(error)).lower()) from error


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """A new connection to the first address that answers. Raises OSError, NoData for a port that cannot be."""
    if not 0 < port < 65536:
        raise NoData(f"a port is between 1 and 65535, not {port}")
    places = _resolved(host, port, deadline)
    for number, place in enumerate(places, 1):
        try:
            return _connected(place, deadline.left_s() / (len(places) - number + 1))
        except OSError:
            if number == len(places):
                raise
    raise socket.gaierror(socket.EAI_NONAME, "no address")


def _connected(place: Place, timeout_s: float) -> socket.socket:
    family, kind, protocol, address = place
    line = socket.socket(family, kind, protocol)
    try:
        line.settimeout(timeout_s)
        line.connect(address)
    except OSError:
        line.close()
        raise
    return line


def _resolved(host: str, port: int, deadline: Deadline) -> list[Place]:
    try:
        return _written_out(host, port)
    except (socket.gaierror, UnicodeError):
        return _resolved_in_time(host, port, deadline)


def _resolved_in_time(host: str, port: int, deadline: Deadline) -> list[Place]:
    """On a thread that is left behind if need be: a resolver without an answer takes its own time, often 10 s."""
    answers: SimpleQueue[list[Place] | OSError] = SimpleQueue()

    def look() -> None:
        try:
            answers.put(_look_up(host, port))
        except OSError as error:
            answers.put(error)
        except UnicodeError as error:
            answers.put(socket.gaierror(socket.EAI_NONAME, str(error)))

    Thread(target=look, name=f"resolve {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left_s())
    except Empty:
        raise TimeoutError from None
    if isinstance(answer, OSError):
        raise answer
    return answer


@lru_cache(maxsize=256)
def _written_out(host: str, port: int) -> list[Place]:
    """The places of an address that is no name, always the same. Raises gaierror and UnicodeError for a name."""
    return _look_up(host, port, socket.AI_NUMERICHOST)


def _look_up(host: str, port: int, flags: int = 0) -> list[Place]:
    return [(family, kind, protocol, address) for family, kind, protocol, _, address
            in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)]
