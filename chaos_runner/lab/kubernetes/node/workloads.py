"""What runs on the real node from the start: the cluster's DNS and a small shop, from the package's manifests."""

import http.client
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from chaos_runner.lab.kubernetes.api import Api, path_of
from chaos_runner.lab.kubernetes.opening import Opening

_MANIFESTS: Final = Path(__file__).parent.parent / "manifests"
_FILES: Final = ("dns", "shop")
_WITH_PODS: Final = ("Deployment", "StatefulSet")
_TIMEOUT_S: Final = 2.0


def open_all(opening: Opening, api: Api, shop_url: str) -> None:
    """Applies all of it, and waits until every pod is ready and the shop answers at its URL. Raises LabNotUp."""
    for file in _FILES:
        _open(opening, api, list(yaml.safe_load_all((_MANIFESTS / f"{file}.yaml").read_text(encoding="utf-8"))))
    opening.wait("the shop answers", lambda: _answers(shop_url))


def _open(opening: Opening, api: Api, manifests: Sequence[Mapping[str, Any]]) -> None:
    workloads = [one for one in manifests if one["kind"] in _WITH_PODS]
    for manifest in manifests:
        if manifest in workloads:
            _wait_for_namespace(opening, api, manifest["metadata"]["namespace"])
        api.apply(manifest)
    names = " and ".join(one["metadata"]["name"] for one in workloads)
    opening.wait(f"{names}: all pods are ready", lambda: all(_is_whole(api, one) for one in workloads))


def _wait_for_namespace(opening: Opening, api: Api, namespace: str) -> None:
    """Until its service account and its authority's certificate are there: a kubelet that misses the latter tries
    again only minutes later.
    """
    paths = [f"/api/v1/namespaces/{namespace}/{what}" for what in ("serviceaccounts/default",
                                                                   "configmaps/kube-root-ca.crt")]
    opening.wait(f"namespace {namespace} is whole", lambda: all(map(api.has, paths)))


def _is_whole(api: Api, workload: Mapping[str, Any]) -> bool:
    found = api.get(path_of(workload))
    return bool(found.get("status", {}).get("readyReplicas", 0) == found["spec"]["replicas"])


def _answers(url: str) -> bool:
    """502 is what it says while it cannot reach its own services yet."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
