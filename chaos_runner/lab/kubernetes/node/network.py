"""The node's network namespace: no route leads out of it, and deleting it takes every address, rule and table away."""

import subprocess
from pathlib import Path
from typing import Final

from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes.node.needs import tool

ADDRESS: Final = "172.30.0.1"
"""The node's. Pods could not reach one on loopback, so a bridge without ports carries it."""
_DEVICE: Final = "lab-node"


NAMESPACE: Final = "chaos-runner-lab"
"""One name for all labs: of two that are opened at the same time, only one can make it."""
FILE: Final = Path("/run/netns") / NAMESPACE


def make() -> None:
    """Makes the namespace, empty as yet. Raises Refused when it is there already: a machine has one real node."""
    if FILE.exists():
        raise Refused(f"there is a network namespace {NAMESPACE} already, and one real node is all that a machine can "
                      "have: close its lab with `chaos-runner lab kubernetes down --name NAME`; if there is none, "
                      f"`ip netns delete {NAMESPACE}`")
    _ip("netns", "add", NAMESPACE)


def furnish() -> None:
    """Gives the namespace the node's address. What no route is known for stays inside too. Raises Refused."""
    for words in (("link", "set", "lo", "up"), ("link", "add", _DEVICE, "type", "bridge"),
                  ("addr", "add", f"{ADDRESS}/32", "dev", _DEVICE), ("link", "set", _DEVICE, "up"),
                  ("route", "add", "default", "dev", _DEVICE)):
        _ip("-n", NAMESPACE, *words)


def remove() -> None:
    """Removes it where it is there. Raises Refused."""
    if FILE.exists():
        _ip("netns", "delete", NAMESPACE)


def inside(command: list[str]) -> list[str]:
    """The words that run a command in it. nsenter becomes the command: the pid is the command's own."""
    return [tool("nsenter"), f"--net={FILE}", *command]


def _ip(*words: str) -> None:
    done = subprocess.run([tool("ip"), *words], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        raise Refused(f"ip {' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")
