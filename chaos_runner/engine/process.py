"""Chaos Toolkit's process provider, with an end: own process group, a default timeout, output that is capped.

Same result as chaoslib's (`status`, `stdout`, `stderr`), same reading of `path`, `arguments` and `timeout`; measured in
chaoslib 1.44: string arguments go through a shell, a list is passed as it is, a dict is flattened.
"""

import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import IO, Any, Final

from msgspec import Struct

OUTPUT_MAX: Final = 2**20
TIMEOUT_S: Final = 60.0
_KILL_AFTER_S: Final = 0.5
_CHUNK: Final = 65536


class ProcessFailed(Exception):
    """The process could not be started, or did not end in its time."""


class Outcome(Struct, frozen=True):
    """What came of a process. `cut` is how many bytes of output were thrown away."""

    status: int
    stdout: str
    stderr: str
    cut: int


def run(spec: dict[str, Any], started: Callable[[subprocess.Popen[bytes]], None], sign: Mapping[str, str]) -> Outcome:
    """Runs the process to its end. `started` learns of it, so that somebody else can end its group; `sign` goes into
    its environment, so that it can be found when its runner has died.

    Raises ProcessFailed, after the whole group was ended, when it runs longer than its timeout.
    """
    timeout_s = float(spec.get("timeout") or TIMEOUT_S)
    process = _start(spec, {**os.environ, **sign})
    started(process)
    try:
        return _collect(process, time.monotonic() + timeout_s)
    except TimeoutError:
        end_group(process)
        raise ProcessFailed(f"did not end within {timeout_s:g} s; its process group was ended") from None
    finally:
        _close(process)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process and everything it started in its group: SIGTERM, and SIGKILL half a second later."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(_KILL_AFTER_S)
        except subprocess.TimeoutExpired:
            continue
    # the leader may have left children behind in its group
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _start(spec: dict[str, Any], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    path = os.path.expanduser(str(spec["path"]))  # noqa: PTH111 -- as chaoslib does
    found = shutil.which(path) or path
    arguments = spec.get("arguments")
    shell = isinstance(arguments, str)
    command: str | list[str] = f"{found} {arguments}" if shell else [found, *_words(arguments)]
    try:
        return subprocess.Popen(command, shell=shell, start_new_session=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    except OSError as problem:
        raise ProcessFailed(f"could not start {found}: {problem.strerror}") from problem


def _words(arguments: Any) -> list[str]:
    if isinstance(arguments, dict):
        arguments = [word for pair in arguments.items() for word in pair]
    return [str(word) for word in arguments or [] if word not in (None, "")]


def _collect(process: "subprocess.Popen[bytes]", deadline_s: float) -> Outcome:
    """Reads both pipes to their end, keeping the first MiB of each. Raises TimeoutError."""
    kept: dict[Any, list[bytes]] = {process.stdout: [], process.stderr: []}
    sizes = {process.stdout: 0, process.stderr: 0}
    with selectors.DefaultSelector() as selector:
        for pipe in kept:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(_left(deadline_s))
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                    continue
                room = OUTPUT_MAX - sizes[key.fileobj]  # type: ignore[index]
                sizes[key.fileobj] += len(chunk)  # type: ignore[index]
                if room > 0:
                    kept[key.fileobj].append(chunk[:room])
    try:
        status = process.wait(_left(deadline_s))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    stdout, stderr = (b"".join(chunks) for chunks in kept.values())
    cut = sum(max(0, size - OUTPUT_MAX) for size in sizes.values())
    return Outcome(status, text_of(stdout), text_of(stderr), cut)


def _left(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _close(process: "subprocess.Popen[bytes]") -> None:
    pipes: tuple[IO[bytes] | None, ...] = (process.stdout, process.stderr)
    for pipe in pipes:
        if pipe:
            pipe.close()


def text_of(data: bytes) -> str:
    """Bytes as text: UTF-8, and what is not UTF-8 shown as its bytes, so that nothing is lost and nothing raises."""
    return data.decode("utf-8", "backslashreplace")
