"""The helper process that keeps cores busy, or holds memory or disk space, for as long as it is wanted and no longer.

    python -m chaos_runner.targets.load cpu --mark MARK --until EPOCH_S --share 0.5 --cores 0,1
    python -m chaos_runner.targets.load memory --mark MARK --until EPOCH_S --size BYTES --floor BYTES
    python -m chaos_runner.targets.load disk --mark MARK --until EPOCH_S --size BYTES --floor BYTES --file PATH

The mark is for others to find it by, whole: workers are forked, so they have the same command line. It begins when it
reads a byte from its standard input, then says in one line how many bytes it holds and why not more, and ends when
that input ends. So it does nothing when its starter dies before it could be found, and nothing for longer than its
starter lives; and, however that goes, nothing after EPOCH_S. Only the standard library: it must start at once.
"""

import errno
import os
import select
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from pathlib import Path
from typing import Final, Protocol

_PERIOD_S: Final = 0.05
"""A core that is to be busy for a share of its time is so for this share of each period."""
_LOOK_S: Final = 0.02
"""How often the filler of memory looks whether others need it."""
_IDLE_S: Final = 0.2
_MEMORY_STEP: Final = 2**24
_DISK_STEP: Final = 2**26
_BLOCK: Final = 2**20
_NO_FALLOCATE: Final = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Leash:
    """Whether to go on. A deadline in wall time holds when the clock is set back, too."""

    def __init__(self, until_s: float, held: int = 0) -> None:
        self._held = held
        self._until_s = until_s
        self._end_s = time.monotonic() + until_s - time.time()

    def begins(self) -> bool:
        """Waits for the word to begin. False when there will be none."""
        return bool(os.read(self._held, 1)) and self.holds(0)

    def holds(self, wait_s: float) -> bool:
        """Waits, and says whether to go on; at once when not."""
        left_s = min(self._end_s - time.monotonic(), self._until_s - time.time())
        if left_s <= 0:
            return False
        ready, _, _ = select.select([self._held], [], [], min(wait_s, left_s))
        return not ready or bool(os.read(self._held, 1))


# ── cores ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def busy(cores: Sequence[int], share: float, leash: Leash) -> None:
    """Keeps each core busy for a share of its time, with a process for each."""
    core = cores[0]
    for other in cores[1:]:
        if os.fork() == 0:
            core = other
            break
    else:
        report(0)
    if hasattr(os, "sched_setaffinity"):
        with suppress(OSError):  # the core was taken from us since: any other will do
            os.sched_setaffinity(0, {core})
    due_s = time.monotonic()
    while leash.holds(max(0.0, due_s - time.monotonic())):
        due_s = max(due_s, time.monotonic() - _PERIOD_S) + _PERIOD_S
        end_s = time.process_time() + _PERIOD_S * share  # of the processor: to wait for a core is not to load it
        while time.process_time() < end_s:
            pass


# ── memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────

class Memory:
    """What this process may use: of the machine, and of every control group around it. Linux only.

    As the kernel counts the cache that it can drop as available, so do we in a group, where it counts as used.
    """

    def __init__(self, proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> None:
        self._meminfo = proc / "meminfo"
        self._groups = list(_groups(proc / "self" / "cgroup", groups))

    def total(self) -> int:
        """Bytes at most. Raises OSError where the system does not tell."""
        return min([self._of("MemTotal:"), *(_number(group / files[0]) for group, files in self._groups)])

    def available(self) -> int:
        """Bytes that can be had without taking them from anybody. Raises OSError."""
        return min([self._of("MemAvailable:"), *(_room(group, files) for group, files in self._groups)])

    def _of(self, name: str) -> int:
        return _field(self._meminfo, name) * 1024


_V2: Final = ("memory.max", "memory.current", "inactive_file")
_V1: Final = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_Files = tuple[str, str, str]


def _groups(own: Path, root: Path) -> Iterator[tuple[Path, _Files]]:
    """Our control group and all around it that bound memory, of version 2 and 1; those we cannot see are left out."""
    for line in own.read_text().splitlines() if own.exists() else ():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from ((group, _V2) for group in _upwards(root, path) if (group / _V2[0]).exists())
        elif "memory" in controllers.split(","):
            yield from ((group, _V1) for group in _upwards(root / "memory", path) if (group / _V1[0]).exists())


def _upwards(root: Path, path: str) -> Iterator[Path]:
    group = root / path.lstrip("/")
    for each in (group, *group.parents):
        yield each
        if each == root:
            return


def _room(group: Path, files: _Files) -> int:
    limit, usage, cache = files
    return _number(group / limit) - _number(group / usage) + _field(group / "memory.stat", cache)


def _number(file: Path) -> int:
    text = file.read_text().strip()
    return sys.maxsize if text == "max" else int(text)


def _field(file: Path, name: str) -> int:
    """The number behind a name at the start of a line. Raises OSError when there is none."""
    for line in file.read_text().splitlines():
        words = line.split()
        if words[0] == name:
            return int(words[1])
    raise OSError(errno.ENODATA, f"no {name} in it", str(file))


class Tells(Protocol):
    """Whoever knows how much memory is left."""

    def available(self) -> int:
        """Bytes."""


class MemoryFiller:
    """Takes memory in steps and never lets less than the floor remain; what others then need is given back to them."""

    def __init__(self, memory: Tells, floor: int) -> None:
        self._memory = memory
        self._floor = floor
        self._held: list[mmap] = []
        self._random = os.urandom(_BLOCK)  # zeros could be stored as nothing

    @property
    def bytes(self) -> int:
        """How much it holds."""
        return sum(map(len, self._held))

    def grow(self, size: int, leash: Leash) -> str:
        """Takes up to so many bytes. Says why it stopped before, if it did."""
        while (left := size - self.bytes) > 0 and leash.holds(0):
            step = min(_MEMORY_STEP, left)
            if self._memory.available() - step < self._floor:
                return "the floor is reached"
            try:
                self._held.append(self._taken(step))
            except OSError as problem:
                return str(problem.strerror)
        return ""

    def _taken(self, size: int) -> mmap:
        """Memory that is really there, because it was written. Private: the OOM killer has it back at once."""
        taken = mmap(-1, size, MAP_PRIVATE | MAP_ANONYMOUS)
        for start in range(0, size, _BLOCK):
            taken[start:start + _BLOCK] = self._random[:min(_BLOCK, size - start)]
        return taken

    def shrink(self) -> None:
        """Gives back, a step at a time, until others have the floor again or nothing is left."""
        while self._held and self._memory.available() < self._floor:
            self._held.pop().close()


def hold_memory(size: int, floor: int, leash: Leash) -> None:
    """Fills memory and keeps it. First of all to be killed when memory runs out."""
    Path("/proc/self/oom_score_adj").write_text("1000")
    filler = MemoryFiller(Memory(), floor)
    why = filler.grow(size, leash)
    report(filler.bytes, why)
    while leash.holds(_LOOK_S):
        filler.shrink()


# ── disk ────────────────────────────────────────────────────────────────────────────────────────────────────────────

class DiskFiller:
    """Lets a file grow in steps, and never lets less than the floor remain free, whoever else writes meanwhile."""

    def __init__(self, file: int, floor: int) -> None:
        self._file = file
        self._floor = floor
        self._block = os.fstatvfs(file).f_frsize
        self._size = 0

    @property
    def bytes(self) -> int:
        """How much it takes up."""
        return os.fstat(self._file).st_blocks * 512

    def grow(self, size: int, leash: Leash) -> str:
        """Takes up to so many bytes, in whole blocks. Says why it stopped before, if it did."""
        size, step, why = -(-size // self._block) * self._block, _DISK_STEP, ""
        while self._size < size and leash.holds(0) and os.fstat(self._file).st_nlink:
            room = min(self._spare(), size - self._size, step)
            if room < self._block:
                return why or "the floor is reached"
            try:
                take(self._file, self._size, room)
            except OSError as problem:  # others were faster, or a quota: what is left may be smaller
                if problem.errno not in _FULL:
                    raise
                step, why = step // 2, str(problem.strerror)
            else:
                self._size += room
            self._keep_floor()
        return ""

    def _spare(self) -> int:
        """Bytes above the floor, in whole blocks."""
        return (free_bytes(self._file) - self._floor) // self._block * self._block

    def _keep_floor(self) -> None:
        """Cuts off what was not granted whole, and what others need to have the floor."""
        os.ftruncate(self._file, self._size)
        missing = -self._spare()
        if missing > 0:
            self._size = max(0, self._size - missing)
            os.ftruncate(self._file, self._size)


def free_bytes(file: int | str) -> int:
    """What an ordinary user can still write to the filesystem. Raises OSError."""
    found = os.statvfs(file)
    return found.f_bavail * found.f_frsize


def take(file: int, start: int, size: int) -> None:
    """Reserves space, at no cost where the filesystem can; else writes. Raises OSError."""
    if hasattr(os, "posix_fallocate"):
        try:
            return os.posix_fallocate(file, start, size)
        except OSError as problem:
            if problem.errno not in _NO_FALLOCATE:
                raise
    return write(file, start, size)


def write(file: int, start: int, size: int) -> None:
    """Writes what cannot be stored in less than its size. Raises OSError."""
    block = os.urandom(_BLOCK)
    end = start + size
    while start < end:
        start += os.pwrite(file, block[:min(_BLOCK, end - start)], start)


def hold_disk(path: str, size: int, floor: int, leash: Leash) -> None:
    """Makes a file that takes up space, keeps it, and takes it away at the end."""
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        filler = DiskFiller(file, floor)
        why = filler.grow(size, leash)
        report(filler.bytes, why)
        while leash.holds(_IDLE_S):
            pass
    finally:
        if os.fstat(file).st_nlink:
            Path(path).unlink()


# ── the process ─────────────────────────────────────────────────────────────────────────────────────────────────────

def report(size: int, why: str = "") -> None:
    """Says that all is done that could be done. Nobody may be there to hear it."""
    with suppress(BrokenPipeError):
        os.write(1, f"{size} {why}\n".encode())


def main(words: Sequence[str]) -> None:
    """Does what the command line says, once it is told to begin."""
    given: Mapping[str, str] = dict(pairwise(words))
    leash = Leash(float(given["--until"]))
    if not leash.begins():
        return
    if words[0] == "cpu":
        busy([int(core) for core in given["--cores"].split(",")], float(given["--share"]), leash)
    elif words[0] == "memory":
        hold_memory(int(given["--size"]), int(given["--floor"]), leash)
    else:
        hold_disk(given["--file"], int(given["--size"]), int(given["--floor"]), leash)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as trouble:
        sys.exit(f"{trouble.strerror}{f': {trouble.filename}' if trouble.filename else ''}")
