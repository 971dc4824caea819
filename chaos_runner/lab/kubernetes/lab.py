"""Opens a lab, closes it, and says how it is.

What runs is written to `lab.json` in the lab's folder as it is started, so that whoever comes later can close it, also
after the one who opened it was killed half way.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Final, Protocol

import msgspec

from chaos_runner.errors import Refused
from chaos_runner.lab import parts
from chaos_runner.lab.folders import alone_with, remove
from chaos_runner.lab.kubernetes import simulated
from chaos_runner.lab.kubernetes.building import Say, build
from chaos_runner.lab.kubernetes.node import closing
from chaos_runner.lab.kubernetes.node import start as real
from chaos_runner.lab.kubernetes.opening import LabNotUp, Opening
from chaos_runner.lab.kubernetes.programs import KUBERNETES, Program
from chaos_runner.lab.kubernetes.state import Lab, Pods, read, write
from chaos_runner.lab.parts import State

_READY_S_MAX: Final = 120.0

__all__ = ["LabNotUp", "down", "start_again", "status", "up"]


class Wanted(msgspec.Struct, frozen=True):
    """What kind of lab: with real pods on one node, or not; and how many simulated nodes."""

    pods: Pods
    simulated_nodes: int


def up(folder: Path, wanted: Wanted, say: Say) -> Lab:
    """The lab in this folder: the one that runs there already, or a new one, all of its nodes ready.

    Programs that are missing are built first, and `say` is told. Raises Refused when this machine cannot have such a
    lab, what is missing cannot be built, or another kind of lab or only some parts of one run in the folder; LabNotUp
    when a new one does not answer.
    """
    if running := _whole(folder, wanted):
        return running
    build(_kind(wanted.pods).programs(), say)
    with alone_with(folder):
        return _whole(folder, wanted) or _opened(folder, wanted)


def down(folder: Path) -> list[str]:
    """Ends exactly the processes of the lab in this folder, removes the folder, and names those that still were there.

    Nothing to end is an empty list. Raises Refused when the state file cannot be read.
    """
    if not folder.exists():
        return []
    with alone_with(folder):
        lab = read(folder)
        ended = _close(lab) if lab else []
        remove(folder)
        return ended


def status(folder: Path) -> dict[str, State]:
    """How each part is; empty when no lab was opened here."""
    lab = read(folder)
    return {part.name: parts.state(part) for part in lab.parts} if lab else {}


def start_again(folder: Path, name: str) -> None:
    """Starts a part that has ended once more, with the same words. Raises Refused when it runs or never did."""
    with alone_with(folder):
        lab = read(folder)
        if lab is None or name not in lab.commands:
            raise Refused(f"no lab in {folder} has a part {name}")
        if status(folder)[name] is not State.GONE:
            raise Refused(f"the lab's {name} runs already")
        opening = Opening(msgspec.structs.replace(lab, parts=tuple(one for one in lab.parts if one.name != name)), 0)
        opening.start(name, lab.commands[name])


class _Kind(Protocol):
    """What is different between the kinds of labs."""

    def programs(self) -> list[Program]: ...

    def start(self, opening: Opening, count: int) -> None: ...


def _kind(pods: Pods) -> _Kind:
    return simulated if pods is Pods.SIMULATED else real


def _whole(folder: Path, wanted: Wanted) -> Lab | None:
    """The lab that runs here with all its parts, None when nothing runs. Raises Refused for anything between."""
    lab, states = read(folder), status(folder)
    if lab is None or set(states.values()) <= {State.GONE}:
        return None
    missing = [f"{name} is {how}" for name, how in states.items() if how is not State.RUNNING]
    close = f"run `chaos-runner lab kubernetes down --name {lab.name}` first"
    if missing or not lab.kubeconfig:
        found = ", ".join(missing) or "it was never opened to the end"
        raise Refused(f"lab {lab.name} runs in part ({found}): {close}")
    if lab.pods is not wanted.pods:
        raise Refused(f"lab {lab.name} is there, with {lab.pods} pods: {close}, or choose another name")
    return lab


def _opened(folder: Path, wanted: Wanted) -> Lab:
    """Starts every part and waits for it; ends what was started if anything, Ctrl-C included, comes between."""
    opening = Opening(_new(folder, wanted.pods), _READY_S_MAX)
    with contextlib.ExitStack() as undo:
        undo.callback(lambda: _close(opening.lab))
        _kind(wanted.pods).start(opening, wanted.simulated_nodes)
        undo.pop_all()
    return opening.lab


def _new(folder: Path, pods: Pods) -> Lab:
    """An empty lab. What an earlier one left is taken back."""
    if old := read(folder):
        _close(old)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    lab = Lab(folder=str(folder.resolve()), name=folder.name, version=KUBERNETES, pods=pods,
              sockets=tempfile.mkdtemp(prefix="chaos-runner-lab-"))
    write(lab)
    return lab


def _close(lab: Lab) -> list[str]:
    """Newest first: what calls the API server goes before it."""
    ended = parts.end(reversed(lab.parts)) if lab.pods is Pods.SIMULATED else closing.close(lab)
    shutil.rmtree(lab.sockets, ignore_errors=True)
    return ended
