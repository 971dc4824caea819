"""Who may talk to the lab's API server: the person who opened it and each server, with a token of its own."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.lab.kubernetes.certificates import AUTHORITY
from chaos_runner.lab.kubernetes.servers import CONTROLLERS, KWOK, SCHEDULER, Place

ADMIN: Final = "admin"
MASTERS: Final = "system:masters"
_TOKEN_BYTES: Final = 16


class Identity(Struct, frozen=True):
    """A user as Kubernetes knows it. A group binds it to what it may."""

    user: str
    group: str = ""


PLANE: Final = {
    ADMIN: Identity(ADMIN, MASTERS),
    CONTROLLERS: Identity("system:kube-controller-manager"),
    SCHEDULER: Identity("system:kube-scheduler"),
    KWOK: Identity("kwok", MASTERS),
}
"""Everyone a control plane has beside its nodes, by the name of their kubeconfig."""


def write(place: Place, identities: Mapping[str, Identity]) -> dict[str, str]:
    """Makes their tokens, writes the API server's list of them and each one's kubeconfig, and gives the tokens."""
    tokens = {name: secrets.token_hex(_TOKEN_BYTES) for name in identities}
    lines = [f'{tokens[name]},{one.user},{name},"{one.group}"\n' for name, one in identities.items()]
    _write_private(place.tokens, "".join(lines))
    for name, token in tokens.items():
        write_kubeconfig(place.kubeconfig(name), place, place.url, token)
    return tokens


def write_kubeconfig(file: Path, place: Place, url: str, token: str) -> None:
    """A kubeconfig that needs no other file, readable by its owner only. JSON is YAML."""
    authority = base64.b64encode((place.certificates / f"{AUTHORITY}.crt").read_bytes()).decode()
    name = "chaos-runner-lab"
    _write_private(file, json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url, "certificate-authority-data": authority}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }, indent=1) + "\n")


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
