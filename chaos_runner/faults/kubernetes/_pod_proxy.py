"""Commanding a Toxiproxy that runs in a pod, through the API server: nothing else must reach the pod."""

from typing import Final

import msgspec

from chaos_runner.targets.kubernetes.access import Cluster, Conflict, segment
from chaos_runner.targets.kubernetes.kinds import POD
from chaos_runner.targets.proxy import ProxyState, Toxic

_PATIENCE_S: Final = 8.0


class PodProxy:
    """The Toxiproxy in one pod, whose API listens on `port`. Every call may raise ApiUnreachable, Denied, Gone."""

    def __init__(self, at: Cluster, namespace: str, pod: str, port: int) -> None:
        self._at = at.within(_PATIENCE_S)
        self._root = f"{POD.path(namespace)}/{segment(pod)}:{port}/proxy/proxies"

    def add(self, proxy: str, toxic: Toxic) -> None:
        """Puts a toxic on a proxy, or finds one of its name there."""
        try:
            self._at.create(f"{self._root}/{segment(proxy)}/toxics", msgspec.to_builtins(toxic))
        except Conflict:
            return

    def proxy(self, name: str) -> ProxyState:
        """A proxy as it is."""
        return self._at.get(f"{self._root}/{segment(name)}", ProxyState)
