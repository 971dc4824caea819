"""Takes a lab with a real node back: processes, pods, mounts, network, settings."""

from pathlib import Path
from typing import Final

from chaos_runner.lab import parts
from chaos_runner.lab.kubernetes import servers
from chaos_runner.lab.kubernetes.node import cleaning, configs, network
from chaos_runner.lab.kubernetes.state import Lab

_FIRST: Final = (servers.KUBELET, servers.CONTROLLERS, servers.SCHEDULER)
"""What would bring pods back."""


def close(lab: Lab) -> list[str]:
    """Ends its processes and pods, and takes back all else that it made. Gives the names of what was still there."""
    first = [part for part in lab.parts if part.name in _FIRST]
    ended = parts.end(reversed(first))
    if lab.owns_network:  # else nothing was made yet, and what is there is another's
        cleaning.end_pods(Path(lab.sockets) / configs.CONTAINERD_SOCKET)
        ended += parts.end(part for part in reversed(lab.parts) if part not in first)
        cleaning.remove_traces(Path(lab.folder))
        network.remove()
        cleaning.put_back(lab.settings)
    return ended
