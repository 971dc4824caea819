"""The control plane, on its way up."""

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from chaos_runner.lab.kubernetes import certificates, identities, servers
from chaos_runner.lab.kubernetes.api import Api, ApiError, NoAnswer
from chaos_runner.lab.kubernetes.certificates import AUTHORITY, Certificate
from chaos_runner.lab.kubernetes.identities import ADMIN, Identity
from chaos_runner.lab.kubernetes.opening import Opening
from chaos_runner.lab.kubernetes.servers import Place

LOCALHOST: Final = "127.0.0.1"
KUBECONFIG: Final = "kubeconfig"
"""The administrator's, in the lab's folder."""


class Plane:
    """Starts its servers in a place. `into` adds what must stand before a command there."""

    def __init__(self, opening: Opening, place: Place, into: Callable[[list[str]], list[str]] = list) -> None:
        self.place = place
        self._opening = opening
        self._into = into

    def start(self, server: str, flags: Iterable[str]) -> None:
        """Starts one server, and writes it down."""
        self._opening.start(server, self._into([*servers.command(server), *flags]))

    def start_api_server(self, *flags: str) -> None:
        """Starts it and its etcd, with these flags beside its usual ones."""
        self.start(servers.ETCD, servers.etcd(self.place))
        self.start(servers.API_SERVER, [*servers.api_server(self.place), *flags])

    def start_controllers(self, *flags: str) -> None:
        """Starts the controllers, with these flags too, and the scheduler."""
        self.start(servers.CONTROLLERS, [*servers.controllers(self.place), *flags])
        self.start(servers.SCHEDULER, servers.scheduler(self.place))


def free_port() -> int:
    """A port of loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        return int(probe.getsockname()[1])


def server_certificate(*addresses: str) -> Certificate:
    """The API server's, for these addresses beside those that every cluster's has."""
    found = dict.fromkeys((LOCALHOST, servers.API_SERVICE, *addresses))
    names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    return Certificate("server", "/CN=kube-apiserver",
                       (*(f"IP:{address}" for address in found), *(f"DNS:{name}" for name in names)))


def credentials(place: Place, signed: Sequence[Certificate], more: Mapping[str, Identity], url: str) -> Api:
    """Makes certificates, tokens and kubeconfigs, and gives the API as the administrator has it at this URL."""
    certificates.make(place.certificates, signed)
    tokens = identities.write(place, {**identities.PLANE, **more})
    identities.write_kubeconfig(place.folder / KUBECONFIG, place, url, tokens[ADMIN])
    return Api(url, place.certificates / f"{AUTHORITY}.crt", tokens[ADMIN])


def is_ready(api: Api) -> bool:
    """Whether the API server answers, and says so."""
    try:
        return api.text("/readyz") == "ok"
    except (NoAnswer, ApiError):
        return False
