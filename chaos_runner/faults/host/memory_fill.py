"""host.memory_fill: takes memory of this machine, never past a floor; undo ends the process that holds it."""

from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Evidence, Example, Fault, Restored, Setting, Share, Size
from chaos_runner.errors import ActFailed, NoEffect, Refused
from chaos_runner.faults.host._load import (
    HostTarget,
    end_helpers,
    exact_mib,
    exactly_one,
    helpers,
    kill_by_hand,
    look_back,
    start,
    until_s,
)
from chaos_runner.targets.load import Memory
from chaos_runner.units import spoken_bytes

_FLOOR: Final = 256 * 2**20
_FLOOR_SHARE: Final = 0.05
_START_S: Final = 30.0
_SLOWEST_BYTES_PER_S: Final = 100 * 2**20
_PROVEN_SHARE: Final = 0.5
"""Some may be on its way to a swap space, or back to others already."""


class MemoryArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much to take: exactly one of `size` and `share` of all memory. `floor` is what always stays available to
    others, unless given the larger of 256 MiB and 5 % of all memory. All memory is the machine's, or what our control
    group may use if that is less.
    """

    size: Size | None = None
    share: Share | None = None
    floor: Size | None = None


class MemoryFill(Fault[HostTarget, MemoryArguments]):
    """Takes memory. When others take so much that less than the floor is available, it gives back at once.

    Should memory run out all the same, the kernel kills the filler before anybody else. The filler ends with the
    runner, however it ends, and at the latest when its mark expires.
    """

    target = HostTarget
    arguments = MemoryArguments
    outlives_machine = False
    band = Band(word="memory taken")
    undone_by = "the process that holds the memory is ended"
    example = Example(arguments={"share": "10%"})

    def prepare(self, target: HostTarget, arguments: MemoryArguments, setting: Setting) -> list[Act]:
        key, memory = target.key(), _memory()
        total, available = memory.total(), memory.available()
        size = _wanted(arguments, total)
        floor = max(_FLOOR, int(_FLOOR_SHARE * total)) if arguments.floor is None else arguments.floor
        _check_room(size, available, floor)
        do = {"mark": str(setting.mark), "until_s": until_s(setting), "size": size, "floor": floor}
        return [Act(target=key, do=do, was={"available": available},
                    label=f"{spoken_bytes(size)} of memory of {key['host']}")]

    def apply(self, act: Act) -> Evidence:
        size, floor, before = act.do["size"], act.do["floor"], _memory().available()
        told = start(act, ["memory", "--size", str(size), "--floor", str(floor)],
                     _START_S + size / _SLOWEST_BYTES_PER_S)
        if not told.size:
            end_helpers(act)
            raise Refused(f"none of {act.label} could be taken: {told.why}")
        there, after = _resident(act), _memory().available()
        if there < told.size * _PROVEN_SHARE:
            raise ActFailed(f"{spoken_bytes(told.size)} were taken, but only {spoken_bytes(there)} are really there")
        short = f" ({told.why} before all {spoken_bytes(size)} were taken)" if told.why else ""
        return Evidence(before=f"{exact_mib(before)} available",
                        after=f"{exact_mib(after)} available; {spoken_bytes(told.size)} held{short}")

    def undo(self, act: Act) -> None:
        end_helpers(act)

    def verify(self, act: Act) -> Restored:
        return look_back(act)

    def by_hand(self, act: Act) -> str:
        return kill_by_hand(act)


def _memory() -> Memory:
    """Raises Refused where the system does not tell what is available."""
    memory = Memory()
    try:
        memory.available()
    except OSError as problem:
        raise Refused("this system does not say how much memory is available, and without that no floor can be kept: "
                      "host.memory_fill needs Linux") from problem
    return memory


def _wanted(arguments: MemoryArguments, total: int) -> int:
    """Bytes to take. Raises Refused and NoEffect."""
    exactly_one(arguments, "size", "share")
    size = arguments.size if arguments.size is not None else int((arguments.share or 0) * total)
    if size == 0:
        raise NoEffect("to take no memory changes nothing")
    return size


def _check_room(size: int, available: int, floor: int) -> None:
    """Raises Refused when the floor would be passed."""
    if available <= floor:
        raise Refused(f"only {spoken_bytes(available)} of memory are available, and {spoken_bytes(floor)} must stay so "
                      "(`floor`)")
    if available - size < floor:
        raise Refused(f"{spoken_bytes(available)} of memory are available: to take {spoken_bytes(size)} would leave "
                      f"less than the floor of {spoken_bytes(floor)}; at most {spoken_bytes(available - floor)} can be "
                      "taken")


def _resident(act: Act) -> int:
    """Bytes that the kernel says are there for the fillers."""
    return sum(_resident_of(process.pid) for process in helpers(act))


def _resident_of(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
