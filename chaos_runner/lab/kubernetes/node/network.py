"""The node's network namespace: no route leads out of it, and deleting it takes every address, rule and table away."""

import subprocess
from pathlib import Path
from typing import Final

from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes.node.needs import tool

ADDRESS: Final = "172.30.0.1"
"""The node's. Pods could not reach one on loopback, so a bridge without ports carries it."""
_DEVICE: Final = "lab-node"


def file_of(namespace: str) -> Path:
    """Where ip(8) keeps a namespace."""
    return Path("/run/netns") / namespace


def make(namespace: str) -> None:
    """Makes it, with the node's address. What no route is known for stays inside too. Raises Refused."""
    _ip("netns", "add", namespace)
    for words in (("link", "set", "lo", "up"), ("link", "add", _DEVICE, "type", "bridge"),
                  ("addr", "add", f"{ADDRESS}/32", "dev", _DEVICE), ("link", "set", _DEVICE, "up"),
                  ("route", "add", "default", "dev", _DEVICE)):
        _ip("-n", namespace, *words)


def remove(namespace: str) -> None:
    """Removes it where it is there. Raises Refused."""
    if file_of(namespace).exists():
        _ip("netns", "delete", namespace)


def inside(namespace: str, command: list[str]) -> list[str]:
    """The words that run a command in it. nsenter becomes the command: the pid is the command's own."""
    return [tool("nsenter"), f"--net={file_of(namespace)}", *command]


def _ip(*words: str) -> None:
    done = subprocess.run([tool("ip"), *words], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        raise Refused(f"ip {' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")
