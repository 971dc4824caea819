"""Opens a lab, closes it, and says how it is.

What runs is written to `lab.json` in the lab's folder as it is started, so that whoever comes later can close it, also
after the one who opened it was killed half way.
"""

import contextlib
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from chaos_runner.errors import Refused
from chaos_runner.lab import parts
from chaos_runner.lab.kubernetes import certificates, identities, nodes, servers
from chaos_runner.lab.kubernetes.api import Api, ApiError, NoAnswer
from chaos_runner.lab.kubernetes.building import Say, build
from chaos_runner.lab.kubernetes.certificates import AUTHORITY, Certificate
from chaos_runner.lab.kubernetes.opening import LabNotUp, Opening
from chaos_runner.lab.kubernetes.programs import KUBERNETES
from chaos_runner.lab.kubernetes.servers import Place
from chaos_runner.lab.kubernetes.state import Lab, Pods, alone_with, read
from chaos_runner.lab.parts import State

NODES: Final = 3
_LOCALHOST: Final = "127.0.0.1"
_READY_S_MAX: Final = 90.0
_SERVERS: Final = (*servers.PLANE, servers.KWOK)

__all__ = ["NODES", "LabNotUp", "down", "start_again", "status", "up_simulated"]


def up_simulated(folder: Path, count: int, say: Say) -> Lab:
    """The lab in this folder: the one that runs there already, or a new one with this many simulated nodes, all ready.

    Programs that are missing are built first, and `say` is told. Raises Refused when only some parts of a lab still
    run or what is missing cannot be built, LabNotUp when a new one does not answer.
    """
    build(servers.to_be_built(_SERVERS), say)
    with alone_with(folder):
        return _whole(folder) or _opened(folder, count)


def down(folder: Path) -> list[str]:
    """Ends exactly the processes of the lab in this folder, removes the folder, and names those that still were there.

    Nothing to end is an empty list. Raises Refused when the state file cannot be read.
    """
    if not folder.exists():
        return []
    with alone_with(folder):
        lab = read(folder)
        ended = _close(lab) if lab else []
        shutil.rmtree(folder, ignore_errors=True)
        return ended


def status(folder: Path) -> dict[str, State]:
    """How each part is; empty when no lab was opened here."""
    lab = read(folder)
    return {part.name: parts.state(part) for part in lab.parts} if lab else {}


def start_again(folder: Path, name: str) -> None:
    """Starts a part that has ended once more, with the same words. Raises Refused when it runs or never did."""
    with alone_with(folder):
        lab = read(folder)
        if lab is None or name not in lab.commands:
            raise Refused(f"no lab in {folder} has a part {name}")
        if status(folder)[name] is not State.GONE:
            raise Refused(f"the lab's {name} runs already")
        opening = Opening(msgspec.structs.replace(lab, parts=tuple(one for one in lab.parts if one.name != name)), 0)
        opening.start(name, lab.commands[name])


def _whole(folder: Path) -> Lab | None:
    """The lab that runs here with all its parts, None when nothing runs. Raises Refused for anything between."""
    lab, states = read(folder), status(folder)
    if lab is None or set(states.values()) <= {State.GONE}:
        return None
    missing = [f"{name} is {how}" for name, how in states.items() if how is not State.RUNNING]
    if missing or not lab.kubeconfig:
        found = ", ".join(missing) or "it was never opened to the end"
        raise Refused(f"lab {lab.name} runs in part ({found}): "
                      f"run `chaos-runner lab kubernetes down --name {lab.name}` first")
    return lab


def _opened(folder: Path, count: int) -> Lab:
    """Starts every part and waits for it; ends what was started if anything, Ctrl-C included, comes between."""
    opening = Opening(_new(folder), _READY_S_MAX)
    with contextlib.ExitStack() as undo:
        undo.callback(lambda: _close(opening.lab))
        _start_all(opening, count)
        undo.pop_all()
    return opening.lab


def _new(folder: Path) -> Lab:
    """An empty lab. What an earlier one left in its folder is removed."""
    if old := read(folder):
        _close(old)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return Lab(folder=str(folder.resolve()), name=folder.name, version=KUBERNETES, pods=Pods.SIMULATED,
               sockets=tempfile.mkdtemp(prefix="chaos-runner-lab-"))


def _start_all(opening: Opening, count: int) -> None:
    place = Place(folder=opening.folder, sockets=Path(opening.lab.sockets), host=_LOCALHOST, port=_free_port())
    certificates.make(place.certificates, [
        Certificate("server", "/CN=kube-apiserver", (f"IP:{_LOCALHOST}", f"IP:{servers.API_SERVICE}",
                                                     "DNS:localhost", "DNS:kubernetes.default.svc")),
    ])
    tokens = identities.write(place, identities.PLANE)
    api = Api(place.url, place.certificates / f"{AUTHORITY}.crt", tokens[identities.ADMIN])
    start_plane(opening, place, api)
    opening.start(servers.KWOK, [*servers.command(servers.KWOK), *servers.kwok(place)])
    nodes.add(api, count, apart=False)
    opening.wait("all nodes are ready", lambda: nodes.ready(api) == count)
    kubeconfig = place.folder / "kubeconfig"
    identities.write_kubeconfig(kubeconfig, place, place.url, tokens[identities.ADMIN])
    opening.note(kubeconfig=str(kubeconfig), nodes=count)


def start_plane(opening: Opening, place: Place, api: Api) -> None:
    """etcd and the API server; when that answers, the controllers and the scheduler."""
    opening.start(servers.ETCD, [*servers.command(servers.ETCD), *servers.etcd(place)])
    opening.start(servers.API_SERVER, [*servers.command(servers.API_SERVER), *servers.api_server(place),
                                       "--disable-admission-plugins=ServiceAccount"])
    opening.wait("the API server is ready", lambda: _is_ready(api))
    opening.start(servers.CONTROLLERS, [*servers.command(servers.CONTROLLERS), *servers.controllers(place)])
    opening.start(servers.SCHEDULER, [*servers.command(servers.SCHEDULER), *servers.scheduler(place)])


def _is_ready(api: Api) -> bool:
    try:
        return api.text("/readyz") == "ok"
    except (NoAnswer, ApiError):
        return False


def _close(lab: Lab) -> list[str]:
    """Newest first: what calls the API server goes before it."""
    ended = parts.end(reversed(lab.parts))
    shutil.rmtree(lab.sockets, ignore_errors=True)
    return ended


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOCALHOST, 0))
        return int(probe.getsockname()[1])
