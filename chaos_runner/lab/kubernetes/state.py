"""What is known of a lab, on disk: its processes, where it answers, what `down` has to take back."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from chaos_runner.lab import folders
from chaos_runner.lab.parts import Part


class Pods(StrEnum):
    """Whether pods are processes of this machine, or only objects that behave as if."""

    REAL = "real"
    SIMULATED = "simulated"


class Lab(msgspec.Struct, frozen=True):
    """A lab that was opened. `kubeconfig` is empty while it is being opened.

    `sockets` is a second folder of its own, short enough for a socket's path. `commands` starts each part again. Of a
    real node: whether the machine's one network namespace for it is this lab's, the shop's URL, and the machine's
    `settings` as they were before.
    """

    folder: str
    name: str
    version: str
    pods: Pods
    sockets: str
    kubeconfig: str = ""
    nodes: int = 0
    parts: tuple[Part, ...] = ()
    commands: Mapping[str, tuple[str, ...]] = {}
    owns_network: bool = False
    shop: str = ""
    settings: Mapping[str, str] = {}


def folder_of(name: str) -> Path:
    """Where the lab of this name keeps its state and logs. Raises Refused for what is no name."""
    return folders.folder_of("kubernetes", name)


def read(folder: Path) -> Lab | None:
    """The lab that was opened in this folder, whether or not it still runs. Raises Refused for an unreadable file."""
    return folders.known(folder, Lab)


def write(lab: Lab) -> None:
    """Puts it in the place of what was known before, whole or not at all."""
    folders.keep(Path(lab.folder), lab)
