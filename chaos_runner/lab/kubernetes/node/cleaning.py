"""Takes back what a real node leaves in the kernel and outside its folder, also after its own programs were killed."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chaos_runner.lab.kubernetes.node.configs import NETWORK
from chaos_runner.lab.kubernetes.node.needs import pod_groups, pod_pids, tool
from chaos_runner.targets import host

_SETTINGS: Final = ("kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxbytes", "kernel/keys/root_maxkeys",
                    "vm/overcommit_memory")
"""What a kubelet changes for the whole machine."""
_SYSTEM: Final = Path("/proc/sys")
_LOGS: Final = Path("/var/log/containers")
_PLUGIN_CACHE: Final = Path("/var/lib/cni/results")
_GRACE_S: Final = 3.0
_POLL_S: Final = 0.02


def settings() -> dict[str, str]:
    """The machine's settings as they are now, to be put back by `put_back`."""
    return {name: (_SYSTEM / name).read_text(encoding="ascii").strip() for name in _SETTINGS}


def put_back(before: Mapping[str, str]) -> None:
    """Only what is different is written."""
    now = settings() if before else {}
    for name, value in before.items():
        if name in _SETTINGS and now[name] != value:
            (_SYSTEM / name).write_text(value, encoding="ascii")


def end_pods(socket: Path) -> None:
    """Ends every process in the pods' control groups, and the shims that watch over them, known by their socket.

    While a node of ours is there, no other kubelet is on this machine.
    """
    deadline_s = time.monotonic() + _GRACE_S
    while (pids := set(pod_pids())) and time.monotonic() < deadline_s:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)
    host.end(host.with_words("-address", str(socket)))


def remove_traces(folder: Path) -> None:
    """Unmounts what is mounted in the folder, and removes the pods' control groups, log links and plugins' notes."""
    for point in _mounts_below(folder):
        subprocess.run([tool("umount"), "--lazy", point], capture_output=True, check=False)
    for group in pod_groups():
        _remove_group(group)
    for link in _links_into(folder):
        link.unlink(missing_ok=True)
    for note in _PLUGIN_CACHE.glob(f"{NETWORK}-*"):
        note.unlink(missing_ok=True)


def _mounts_below(folder: Path) -> list[str]:
    """Innermost first."""
    points = [line.split(" ")[1].encode().decode("unicode_escape")
              for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    return [point for point in reversed(points) if Path(point).is_relative_to(folder)]


def _remove_group(group: Path) -> None:
    """A control group is removed as a folder, after those in it; its files are none."""
    for folder, _, __ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def _links_into(folder: Path) -> list[Path]:
    if not _LOGS.is_dir():
        return []
    return [link for link in _LOGS.iterdir() if link.is_symlink() and link.readlink().is_relative_to(folder)]
