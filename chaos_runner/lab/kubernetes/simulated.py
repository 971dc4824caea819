"""The lab whose nodes are simulated: a control plane and kwok, on loopback, without root."""

from pathlib import Path

from chaos_runner.lab.kubernetes import nodes, servers
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
from chaos_runner.lab.kubernetes.programs import Program
from chaos_runner.lab.kubernetes.servers import Place


def programs() -> list[Program]:
    """What must have been built."""
    return servers.to_be_built((*servers.PLANE, servers.KWOK))


def start(opening: Opening, count: int) -> None:
    """Starts every part, and waits until this many nodes are ready. Raises LabNotUp."""
    place = Place(folder=opening.folder, sockets=Path(opening.lab.sockets), host=LOCALHOST, port=free_port())
    api = credentials(place, [server_certificate()], {}, place.url)
    plane = Plane(opening, place)
    # A pod may come before its namespace's service account is there. Nobody can be sent to an API on loopback.
    plane.start_api_server("--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none")
    opening.wait("the API server is ready", lambda: is_ready(api))
    plane.start_controllers()
    plane.start(servers.KWOK, servers.kwok(place))
    nodes.add(api, count, apart=False)
    opening.wait("all nodes are ready", lambda: nodes.ready(api) == count)
    opening.note(kubeconfig=str(place.folder / KUBECONFIG), nodes=count)
