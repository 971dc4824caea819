"""Starts the lab with the real node, and waits until its shop answers."""

import platform
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes import images, nodes, servers
from chaos_runner.lab.kubernetes.api import Api
from chaos_runner.lab.kubernetes.certificates import Certificate
from chaos_runner.lab.kubernetes.identities import MASTERS, Identity
from chaos_runner.lab.kubernetes.images import Image
from chaos_runner.lab.kubernetes.node import cleaning, configs, needs, network, workloads
from chaos_runner.lab.kubernetes.opening import Opening
from chaos_runner.lab.kubernetes.plane import (
    KUBECONFIG,
    LOCALHOST,
    Plane,
    credentials,
    free_port,
    is_ready,
    server_certificate,
)
from chaos_runner.lab.kubernetes.programs import DNS, PAUSE, POLICY, TOXIPROXY, TOXIPROXY_SERVER, WEB, Program
from chaos_runner.lab.kubernetes.servers import Place

CONTAINERD: Final = "containerd"
FORWARDER: Final = "forwarder"
_POLICY: Final = "policy"
_API_PORT: Final = 6443
_SHOP_PORT: Final = 30080
_FORWARDER_MODULE: Final = "chaos_runner.lab.kubernetes.forwarder"
_KUBELET_CLIENT: Final = "kubelet-client"
_IMAGES: Final = (
    (Image(configs.PAUSE_IMAGE, "/pause"), PAUSE),
    (Image("chaos-runner.lab/web:1", "/bin/web", also=("/bin/kill",)), WEB),
    (Image("chaos-runner.lab/coredns:1", "/coredns"), DNS),
    (Image(f"ghcr.io/shopify/toxiproxy:{TOXIPROXY}", "/toxiproxy", words=("-host=0.0.0.0",)), TOXIPROXY_SERVER),
)
_IDENTITIES: Final = {
    servers.KUBELET: Identity(f"system:node:{configs.NODE}", "system:nodes"),
    servers.KUBE_PROXY: Identity("system:kube-proxy"),
    _POLICY: Identity("chaos-runner-lab:policy", MASTERS),
}


def programs() -> list[Program]:
    """What must have been built. Raises Refused where no real node can be: nothing is built in vain."""
    needs.check()
    return [*servers.to_be_built((*servers.PLANE, servers.KUBELET, servers.KUBE_PROXY, servers.KWOK)),
            POLICY, *(program for _, program in _IMAGES)]


def start(opening: Opening, count: int) -> None:
    """Starts every part, with this many simulated nodes beside the real one, and waits for the shop. Raises LabNotUp,
    and Refused when the machine says no.
    """
    needs.check_alone()
    network.make()
    opening.note(owns_network=True, settings=cleaning.settings())
    network.furnish()
    node = _Node(opening)
    node.start_servers()
    node.start_kubelet()
    if count:
        node.add_simulated(count)
    opening.wait("all nodes are ready", lambda: nodes.ready(node.api) == count + 1)
    workloads.open_all(opening, node.api, node.shop_url)
    opening.note(kubeconfig=str(opening.folder / KUBECONFIG), nodes=count + 1, shop=node.shop_url)

_LABELS: Final = ("chaos-runner.io/network-policies=enforced", "topology.kubernetes.io/region=lab",
                  f"topology.kubernetes.io/zone={nodes.ZONES[0]}")


class _Node:
    """The node and its control plane, part by part."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._place = Place(folder=opening.folder, sockets=Path(opening.lab.sockets), host=network.ADDRESS,
                            port=_API_PORT)
        self._api, self._shop = (f"{LOCALHOST}:{free_port()}" for _ in range(2))
        self.api = self._credentials()
        self._plane = Plane(opening, self._place, network.inside)

    @property
    def shop_url(self) -> str:
        """The shop, from this machine."""
        return f"http://{self._shop}"

    def start_servers(self) -> None:
        """containerd with the images, the way in, and the control plane."""
        configs.write(self._place)
        self._start(CONTAINERD, [needs.tool(CONTAINERD), "--config", str(configs.containerd_file(self._place))])
        own = self._place.certificates / _KUBELET_CLIENT
        self._plane.start_api_server(
            f"--kubelet-client-certificate={own}.crt", f"--kubelet-client-key={own}.key",
            f"--kubelet-certificate-authority={configs.authority_file(self._place)}",
            "--kubelet-preferred-address-types=InternalIP", "--enable-admission-plugins=NodeRestriction")
        self._opening.start(FORWARDER, [
            sys.executable, "-m", _FORWARDER_MODULE, str(network.FILE), f"{self._api}={network.ADDRESS}:{_API_PORT}",
            f"{self._shop}={network.ADDRESS}:{_SHOP_PORT}"])
        self._import_images()
        self._opening.wait("the API server is ready", lambda: is_ready(self.api))
        self._plane.start_controllers("--node-monitor-period=1s", "--node-monitor-grace-period=20s")

    def start_kubelet(self) -> None:
        """The node itself, and what makes Services and policies true on it."""
        folder = self._place.folder
        self._plane.start(servers.KUBELET, [
            f"--config={configs.kubelet_file(self._place)}", f"--kubeconfig={self._place.kubeconfig(servers.KUBELET)}",
            f"--root-dir={folder / 'kubelet'}", f"--cert-dir={folder / 'kubelet-certificates'}",
            f"--hostname-override={configs.NODE}", f"--node-ip={network.ADDRESS}",
            f"--node-labels={','.join(_LABELS)}"])
        self._plane.start(servers.KUBE_PROXY, [f"--config={configs.proxy_file(self._place)}"])
        self._start(_POLICY, [str(POLICY.file), str(self._place.kubeconfig(_POLICY))])

    def add_simulated(self, count: int) -> None:
        """Simulated nodes beside the real one."""
        self._plane.start(servers.KWOK, servers.kwok(self._place))
        nodes.add(self.api, count, apart=True)

    def _credentials(self) -> Api:
        signed = [server_certificate(network.ADDRESS),
                  Certificate(_KUBELET_CLIENT, f"/O={MASTERS}/CN=kube-apiserver-kubelet-client"),
                  Certificate(servers.KUBELET, f"/CN={configs.NODE}",
                              (f"IP:{network.ADDRESS}", f"DNS:{configs.NODE}"))]
        return credentials(self._place, signed, _IDENTITIES, f"https://{self._api}")

    def _start(self, name: str, command: list[str]) -> None:
        self._opening.start(name, network.inside(command))

    def _import_images(self) -> None:
        """ctr(8): there is no registry to pull from. Raises Refused."""
        address = configs.containerd_socket(self._place)
        self._opening.wait("containerd answers", lambda: _listens(address))
        for image, program in _IMAGES:
            archive = self._place.folder / "image.tar"
            images.write(image, program.file, platform.machine(), archive)
            done = subprocess.run([needs.tool("ctr"), "--address", str(address), "--namespace", "k8s.io", "images",
                                   "import", str(archive)], capture_output=True, check=False)
            archive.unlink()
            if done.returncode != 0:
                raise Refused(f"containerd does not take {image.reference}: {done.stderr.decode(errors='replace')}")


def _listens(file: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(file)) == 0
