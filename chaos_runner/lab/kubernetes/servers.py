"""The servers of the control plane and their flags. Nothing is started here."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.lab.kubernetes.certificates import ACCOUNTS_KEY, AUTHORITY
from chaos_runner.lab.kubernetes.programs import CONTROL, SIMULATOR, Program

ASSETS: Final = "KUBEBUILDER_ASSETS"
"""A folder with ready servers, as Kubernetes' own test tools have it. What is not in it is built."""
ETCD: Final = "etcd"
API_SERVER: Final = "kube-apiserver"
CONTROLLERS: Final = "kube-controller-manager"
SCHEDULER: Final = "kube-scheduler"
KWOK: Final = "kwok"
KUBELET: Final = "kubelet"
KUBE_PROXY: Final = "kube-proxy"
PLANE: Final = (ETCD, API_SERVER, CONTROLLERS, SCHEDULER)
SERVICES_RANGE: Final = "10.96.0.0/24"
API_SERVICE: Final = "10.96.0.1"
"""The address of Service `kubernetes`: the first one of the range."""
_NOWHERE: Final = "http://127.0.0.1:1"
SIMULATED_MARK: Final = ("kwok.x-k8s.io/node", "fake")
"""The annotation by which kwok knows its nodes."""


class Place(Struct, frozen=True):
    """Where a control plane lives: its folder, the short one for its sockets, and where its API server listens."""

    folder: Path
    sockets: Path
    host: str
    port: int

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"

    @property
    def certificates(self) -> Path:
        return self.folder / "certificates"

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens.csv"

    def kubeconfig(self, server: str) -> Path:
        """The one that a server reads."""
        return self.folder / f"{server}.kubeconfig"


def program(server: str) -> Program:
    """What a server is built as."""
    return SIMULATOR if server == KWOK else CONTROL


def to_be_built(servers: Sequence[str], environment: Mapping[str, str] = os.environ) -> list[Program]:
    """What these servers need that no folder of ready ones has."""
    return sorted({program(server) for server in servers if not _ready(server, environment)},
                  key=lambda one: one.name)


def command(server: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The words that start a server, before its flags."""
    if ready := _ready(server, environment):
        return [ready]
    file = str(program(server).file)
    return [file] if server == KWOK else [file, server]


def _ready(server: str, environment: Mapping[str, str]) -> str | None:
    folder = environment.get(ASSETS, "")
    return shutil.which(server, path=folder) if folder else None


def etcd(place: Place) -> list[str]:
    """On sockets that only their owner may use: etcd asks nobody who they are. It wants to advertise addresses with
    ports all the same; nobody goes there. What it keeps need not survive a crash of the machine: it waits for no disk.
    """
    return [
        f"--data-dir={place.folder / ETCD}", "--unsafe-no-fsync", "--log-level=warn",
        f"--listen-client-urls={_etcd_clients(place)}", f"--advertise-client-urls={_NOWHERE}",
        f"--listen-peer-urls=unix://{place.sockets}/peers", f"--initial-advertise-peer-urls={_NOWHERE}",
        f"--initial-cluster=default={_NOWHERE}",
    ]


def api_server(place: Place) -> list[str]:
    """Bearers of tokens only, and real RBAC."""
    own = place.certificates
    accounts = own / ACCOUNTS_KEY
    return [
        f"--etcd-servers={_etcd_clients(place)}",
        f"--bind-address={place.host}", f"--advertise-address={place.host}", f"--secure-port={place.port}",
        f"--tls-cert-file={own / 'server.crt'}", f"--tls-private-key-file={own / 'server.key'}",
        f"--client-ca-file={own / AUTHORITY}.crt", f"--token-auth-file={place.tokens}",
        "--authorization-mode=Node,RBAC", "--allow-privileged=true", "--anonymous-auth=false",
        f"--service-account-key-file={accounts}", f"--service-account-signing-key-file={accounts}",
        "--service-account-issuer=https://kubernetes.default.svc", f"--service-cluster-ip-range={SERVICES_RANGE}",
    ]


def controllers(place: Place) -> list[str]:
    """Without the brake of 20 requests a second, with which a thousand pods take minutes."""
    return [
        f"--kubeconfig={place.kubeconfig(CONTROLLERS)}", "--leader-elect=false", "--secure-port=0",
        f"--service-account-private-key-file={place.certificates / ACCOUNTS_KEY}",
        f"--root-ca-file={place.certificates / AUTHORITY}.crt", "--use-service-account-credentials",
        "--kube-api-qps=2000", "--kube-api-burst=4000",
    ]


def scheduler(place: Place) -> list[str]:
    return [f"--kubeconfig={place.kubeconfig(SCHEDULER)}", "--leader-elect=false", "--secure-port=0",
            "--kube-api-qps=2000", "--kube-api-burst=4000"]


def kwok(place: Place) -> list[str]:
    """It renews the leases of its nodes well within the 50 s after which they would count as lost."""
    key, value = SIMULATED_MARK
    return [f"--kubeconfig={place.kubeconfig(KWOK)}", f"--manage-nodes-with-annotation-selector={key}={value}",
            "--node-lease-duration-seconds=40"]


def _etcd_clients(place: Place) -> str:
    return f"unix://{place.sockets}/clients"
