"""What a real node needs of this machine."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chaos_runner.errors import Refused

_PACKAGES: Final = {"containerd": "containerd", "ctr": "containerd", "runc": "runc", "nft": "nftables",
                    "ip": "iproute2", "nsenter": "util-linux"}
PLUGINS: Final = Path("/usr/lib/cni")
_PLUGIN: Final = "bridge"
_SYSTEM_PATH: Final = "/usr/sbin:/sbin"
_CGROUPS: Final = Path("/sys/fs/cgroup")


def check() -> None:
    """Raises Refused, with what to do, where no real node can be."""
    if sys.platform != "linux":
        raise Refused("a real node needs Linux; `--simulated` runs everywhere")
    if os.geteuid() != 0:
        raise Refused("a real node needs root; `--simulated` does not")
    if packages := _missing():
        raise Refused("a real node needs what these Debian packages have: "
                      f"apt-get install --no-install-recommends {' '.join(packages)}")


def check_alone() -> None:
    """Raises Refused when a kubelet has pods on this machine: they could not be told from the lab's."""
    if pid := next(pod_pids(), None):
        raise Refused(f"there are pods of a kubelet on this machine (one has pid {pid}), and one real node is all it "
                      "can have. Another lab's goes with `chaos-runner lab kubernetes down --name NAME`")


def tool(name: str) -> str:
    """The whole path of a program that `check` found. Raises Refused when it has gone since."""
    found = _found(name)
    if found is None:
        raise Refused(f"{name} is not on this machine: install Debian's {_PACKAGES.get(name, name)}")
    return found


def pod_groups() -> list[Path]:
    """The control groups in which a kubelet keeps its pods, one for each hierarchy."""
    return sorted(path for pattern in ("kubepods", "*/kubepods") for path in _CGROUPS.glob(pattern))


def pod_pids() -> Iterator[int]:
    """The processes in them. Groups come and go while we look: what is gone has none."""
    for group in pod_groups():
        for folder, _, __ in os.walk(group):
            with contextlib.suppress(OSError):
                yield from map(int, (Path(folder) / "cgroup.procs").read_text(encoding="ascii").split())


def _missing() -> list[str]:
    packages = {package for name, package in _PACKAGES.items() if _found(name) is None}
    if not (PLUGINS / _PLUGIN).exists():
        packages.add("containernetworking-plugins")
    return sorted(packages)


def _found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=_SYSTEM_PATH)
