"""What the package acts on, at the cluster that it acts on."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Where
from chaos_runner.errors import ActFailed, Gone
from chaos_runner.inverses._looking import Access
from chaos_runner.targets.kubernetes.access import (
    BY_SETTINGS,
    IN_CLUSTER,
    Cluster,
    by_settings,
    cluster,
    same_cluster,
    segment,
)
from chaos_runner.targets.kubernetes.kinds import Kind

_PREFIX: Final = "KUBERNETES_"


class Thing(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object, of whatever kind, there or to be made (then without a UID). It is an act's target."""

    context: str
    server: str
    kind: str
    api: str
    plural: str
    name: str
    namespace: str = ""
    uid: str = ""

    @classmethod
    def of(cls, at: Cluster, kind: Kind, namespace: str, name: str, uid: str = "") -> "Thing":
        """The object of that name in that cluster."""
        return cls(context=at.context, server=at.server, kind=kind.name, api=kind.api, plural=kind.plural, name=name,
                   namespace=namespace if kind.namespaced else "", uid=uid)

    @property
    def its_kind(self) -> Kind:
        return Kind(self.kind, self.api, self.plural, self.kind, namespaced=bool(self.namespace))

    @property
    def collection(self) -> str:
        """Where the API keeps all of its kind."""
        return self.its_kind.path(self.namespace)

    @property
    def path(self) -> str:
        return f"{self.collection}/{segment(self.name)}"

    @property
    def label(self) -> str:
        """How people call it: "deployment shop/checkout"."""
        return f"{self.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name}"

    @property
    def resource(self) -> str:
        """What kubectl calls its kind, without a doubt: "deployments.apps"."""
        group, _, _ = self.api.rpartition("/")
        return f"{self.plural}{f'.{group}' if group else ''}"

    def where(self, labels: Mapping[str, str]) -> Where:
        """Where it stands, for limits."""
        return Where(context=self.context, namespace=self.namespace, labels=dict(labels))

    def command(self, verb: str, *words: str) -> str:
        """A kubectl command on this object."""
        at = [] if self.context == BY_SETTINGS else ["--context", self.context]
        space = ["-n", self.namespace] if self.namespace else []
        return " ".join(["kubectl", *at, *space, verb, f"{self.resource}/{self.name}", *words])


def cluster_of(access: Access) -> Cluster:
    """The cluster that the package acts on, by its own rules: a kubeconfig, else the pod's account, else settings."""
    settings = {**{key: value for key, value in os.environ.items() if key.startswith(_PREFIX)}, **access}
    if Path(os.environ.get("KUBECONFIG", "~/.kube/config")).expanduser().exists():
        return cluster(str(settings.get("KUBERNETES_CONTEXT") or ""))
    if os.environ.get("CHAOSTOOLKIT_IN_POD") == "true":
        return cluster(IN_CLUSTER)
    return by_settings(settings)


def cluster_again(thing: Thing, access: Access) -> Cluster:
    """The very cluster that was looked at. Raises ActFailed when what leads there leads to another by now."""
    if thing.context != BY_SETTINGS:
        return same_cluster(thing.context, thing.server)
    found = cluster_of(access)
    if found.server != thing.server:
        raise ActFailed(f"KUBERNETES_HOST leads to {found.server} now, and {thing.label} stands at {thing.server}")
    return found


def read(at: Cluster, thing: Thing) -> dict[str, Any] | None:
    """The object as it is now; None when there is none of that name."""
    try:
        found: dict[str, Any] = at.get(thing.path, dict)
    except Gone:
        return None
    return found


def labels_of(found: Mapping[str, Any]) -> dict[str, str]:
    """The labels of an object."""
    return dict(found["metadata"].get("labels") or {})
