"""host.cpu_load: keeps cores of this machine busy; undo ends the processes that do."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Evidence, Example, Fault, Restored, Setting, Share
from chaos_runner.errors import ActFailed, Gone, NoEffect, Refused
from chaos_runner.faults.host._load import (
    HostTarget,
    end_helpers,
    helpers,
    kill_by_hand,
    look_back,
    start,
    until_s,
)
from chaos_runner.targets.host import Process
from chaos_runner.units import Unit, spoken

_WINDOW_S: Final = 0.2
_WINDOWS: Final = 10
_START_S: Final = 10.0
_PROVEN_SHARE: Final = 0.1
"""Less of the wanted load than this is none: a machine that is that busy shares its cores among many."""


class CpuArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For what share of its time each core is kept busy, and how many cores; without `cores` all that we may use."""

    load: Share = 1.0
    cores: int | None = None


class CpuLoad(Fault[HostTarget, CpuArguments]):
    """Keeps cores busy, with a process for each that stays on it. At ordinary priority, as a busy neighbour would.

    The processes end with the runner, however it ends, and at the latest when their mark expires.
    """

    target = HostTarget
    arguments = CpuArguments
    outlives_machine = False
    band = Band(word="busy")
    undone_by = "the processes that keep cores busy are ended"
    example = Example(arguments={"load": "80%", "cores": 1})

    def prepare(self, target: HostTarget, arguments: CpuArguments, setting: Setting) -> list[Act]:
        key, cores = target.key(), _chosen(arguments.cores)
        if arguments.load == 0:
            raise NoEffect("a load of 0 % changes nothing")
        do = {"mark": str(setting.mark), "until_s": until_s(setting), "share": arguments.load, "cores": cores}
        return [Act(target=key, do=do, was={}, label=f"{_counted(len(cores))} of {key['host']}")]

    def apply(self, act: Act) -> Evidence:
        cores, share = act.do["cores"], act.do["share"]
        start(act, ["cpu", "--share", str(share), "--cores", ",".join(map(str, cores))], _START_S)
        measured = _measured(act, _PROVEN_SHARE * share * len(cores))
        each = spoken(share, Unit.SHARE).replace(" ", "")
        return Evidence(before="0 cores busy with us",
                        after=f"{measured:.2f} cores busy with us, for {each} of {_counted(len(cores))}")

    def undo(self, act: Act) -> None:
        end_helpers(act)

    def verify(self, act: Act) -> Restored:
        return look_back(act)

    def by_hand(self, act: Act) -> str:
        return kill_by_hand(act)


def _chosen(count: int | None) -> list[int]:
    """The cores to load. Raises Refused."""
    usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    if count is None:
        return usable
    if not 1 <= count <= len(usable):
        raise Refused(f"`cores` is from 1 to {len(usable)}, the number that we may use here, not {count}")
    return usable[:count]


def _counted(cores: int) -> str:
    return "1 core" if cores == 1 else f"{cores} cores"


def _measured(act: Act, least: float) -> float:
    """How many cores the helpers keep busy. One look is enough, unless the machine is too busy to let them begin.
    Raises ActFailed.
    """
    for _ in range(_WINDOWS):
        processes = helpers(act)
        measured = _busy_cores(processes)
        if measured >= least:
            return measured
    raise ActFailed(f"only {measured:.2f} of {_counted(len(act.do['cores']))} became busy with us, through "
                    f"{len(processes)} processes")


def _busy_cores(processes: Sequence[Process]) -> float:
    """How many cores these processes keep busy, measured over a moment."""
    began_s, used_s = time.monotonic(), _used_s(processes)
    time.sleep(_WINDOW_S)
    return (_used_s(processes) - used_s) / (time.monotonic() - began_s)


def _used_s(processes: Sequence[Process]) -> float:
    used_s = 0.0
    for process in processes:
        with suppress(Gone):
            used_s += process.cpu_time_s()
    return used_s
