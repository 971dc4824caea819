"""The process in a room: does, line by line, what it is told, and answers. `python -m tests.faults.in_room NAME`."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from chaos_runner import shelf
from chaos_runner.contracts import Act, Fault, Mark, Setting
from chaos_runner.errors import ChaosRunnerError
from chaos_runner.experiment.arguments import convert
from chaos_runner.targets import network
from chaos_runner.targets.network import Machine, Said, program


def ip(words: list[str]) -> None:
    """Changes the room's interfaces."""
    subprocess.run([program("ip"), *words], check=True)


def prepare(fault: str, target: dict[str, Any], arguments: dict[str, Any], mark: dict[str, Any]) -> Any:
    """Prepares, with words as they stand in files."""
    found = shelf.fault(fault)
    setting = Setting(mark=msgspec.convert(mark, Mark), seed=0, configuration={})
    return found.prepare(convert(found.target, target), convert(found.arguments, arguments), setting)


def apply(fault: str, act: dict[str, Any]) -> Any:
    """Applies."""
    return shelf.fault(fault).apply(msgspec.convert(act, Act))


def undo(fault: str, act: dict[str, Any]) -> None:
    """Undoes."""
    shelf.fault(fault).undo(msgspec.convert(act, Act))


def verify(fault: str, act: dict[str, Any]) -> Any:
    """Looks back."""
    return shelf.fault(fault).verify(msgspec.convert(act, Act))


def killed(verb: str, fault: str, act: dict[str, Any], before: int) -> bool:
    """Has a child do the verb, which dies before that command. Whether it died."""
    child = os.fork()
    if child == 0:
        dying: Fault[Any, Any] = type(shelf.fault(fault))(Machine(dies_before(before)))  # type: ignore[call-arg]
        getattr(dying, verb)(msgspec.convert(act, Act))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def dies_before(number: int) -> Callable[[Sequence[str], str], Said]:
    """Runs commands, until it kills its own process."""
    left = [number]

    def run(words: Sequence[str], given: str) -> Said:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return network.run(words, given)

    return run


def listen(address: str) -> int:
    """The port of a new server that accepts connections and says "hello" to each."""
    server = socket.create_server((address, 0), family=_family(address))
    threading.Thread(target=_greet, args=(server,), daemon=True).start()
    return int(server.getsockname()[1])


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _greet(server: socket.socket) -> None:
    while True:
        with server.accept()[0] as client:
            client.sendall(b"hello")


def connect(address: str, port: int, timeout_s: float = 0.3) -> str:
    """What becomes of a connection: hello, refused, silence."""
    try:
        with socket.create_connection((address, port), timeout=timeout_s) as client:
            return client.recv(10).decode()
    except TimeoutError:
        return "silence"
    except ConnectionRefusedError:
        return "refused"


def echo(address: str) -> int:
    """The port of a new server that sends every datagram back."""
    server = socket.socket(_family(address), socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
    server.bind((address, 0))
    threading.Thread(target=_send_back, args=(server,), daemon=True).start()
    return int(server.getsockname()[1])


def _send_back(server: socket.socket) -> None:
    while True:
        data, sender = server.recvfrom(100)
        server.sendto(data, sender)


def round_trips_s(address: str, port: int, times: int) -> list[float]:
    """How long datagrams take there and back, one after the other."""
    with _peer(address, port, 5.0) as peer:
        return [_round_trip_s(peer) for _ in range(times)]


def _round_trip_s(peer: socket.socket) -> float:
    began_s = time.monotonic()
    peer.send(b"?")
    peer.recv(100)
    return time.monotonic() - began_s


def come_back(address: str, port: int, times: int) -> int:
    """How many of so many datagrams come back."""
    with _peer(address, port, 1.0) as peer:
        for _ in range(times):
            peer.send(b"?")
            time.sleep(0.0005)
        return sum(_comes(peer) for _ in range(times))


def _comes(peer: socket.socket) -> bool:
    try:
        peer.recv(100)
    except TimeoutError:
        peer.settimeout(0.001)  # the rest is lost
        return False
    return True


def _peer(address: str, port: int, timeout_s: float) -> socket.socket:
    peer = socket.socket(_family(address), socket.SOCK_DGRAM)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**20)
    peer.settimeout(timeout_s)
    peer.connect((address, port))
    return peer


KNOWN: dict[str, Callable[..., Any]] = {each.__name__: each for each in (
    ip, prepare, apply, undo, verify, killed, listen, connect, echo, round_trips_s, come_back)}


def main(name: str) -> None:
    """Reads what to do until there is no more. Never does anything outside the room."""
    here = subprocess.run([program("ip"), "netns", "identify"], capture_output=True, text=True, check=True).stdout
    if here.strip() != name or not name.startswith("chaos-test-"):
        sys.exit(f"this is {here.strip() or 'no named network namespace'}, not {name}")
    for line in sys.stdin:
        words = json.loads(line)
        try:
            answer = {"said": msgspec.to_builtins(KNOWN[words.pop("do")](**words))}
        except (ChaosRunnerError, OSError, subprocess.SubprocessError) as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
