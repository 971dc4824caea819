"""Service accounts with the rights that a policy gives, and kubeconfigs of theirs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import Kind

_RBAC = "rbac.authorization.k8s.io/v1"
_KINDS = {kind.camel: kind for kind in (
    Kind("", "v1", "serviceaccounts", "ServiceAccount"), Kind("", _RBAC, "roles", "Role"),
    Kind("", _RBAC, "rolebindings", "RoleBinding"), Kind("", _RBAC, "clusterroles", "ClusterRole", namespaced=False),
    Kind("", _RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False))}


@contextmanager
def account(at: Cluster, objects: list[dict[str, Any]], kubeconfig: str, folder: Path) -> Iterator[str]:
    """Makes these objects, and gives a kubeconfig of the account among them. What stands in no namespace goes again."""
    for one in objects:
        at.create(_KINDS[one["kind"]].path(one["metadata"].get("namespace", "")), one)
    try:
        meta = next(one["metadata"] for one in objects if one["kind"] == "ServiceAccount")
        path = _KINDS["ServiceAccount"].path(meta["namespace"], meta["name"], "token")
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
        yield _kubeconfig(kubeconfig, json.loads(at.create(path, asked))["status"]["token"], folder)
    finally:
        for one in objects:
            if not one["metadata"].get("namespace"):
                at.delete(_KINDS[one["kind"]].path("", one["metadata"]["name"]), {})


def _kubeconfig(whole: str, token: str, folder: Path) -> str:
    """That kubeconfig with another user."""
    found = yaml.safe_load(Path(whole).read_text())
    assert urlsplit(found["clusters"][0]["cluster"]["server"]).hostname
    for one in found["users"]:
        one["user"] = {"token": token}
    path = folder / "account.kubeconfig"
    path.write_text(yaml.safe_dump(found))
    return str(path)
