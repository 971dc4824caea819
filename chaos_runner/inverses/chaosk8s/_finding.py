"""What each action of the package would change, found by the package's own rules of selection."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from chaos_runner.errors import Gone, NoTarget
from chaos_runner.inverses._looking import Asked
from chaos_runner.inverses.chaosk8s._fields import changed, compared
from chaos_runner.inverses.chaosk8s._inverse import Find
from chaos_runner.inverses.chaosk8s._presence import deleted, made, unseen
from chaos_runner.inverses.chaosk8s._state import Change
from chaos_runner.inverses.chaosk8s._things import Thing, read
from chaos_runner.targets.kubernetes.access import STRATEGIC, Cluster, Denied
from chaos_runner.targets.kubernetes.fields import Field
from chaos_runner.targets.kubernetes.kinds import NODE, POD, POLICY, Kind
from chaos_runner.targets.kubernetes.objects import Pod

Found = Iterable[Change | None]
Arguments = Mapping[str, Any]
_DRY: Final = {"dryRun": "All"}
_MESH: Final = "chaos-mesh.org/v1alpha1"


def _space(given: Arguments) -> str:
    """All of the package's functions have the same default."""
    return str(given.get("ns", "default"))


# ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def scaled(kind: Kind) -> Find:
    """Another number of replicas."""
    def find(at: Cluster, asked: Asked) -> Found:
        given = asked.call.arguments
        thing, found = _there(at, Thing.of(at, kind, _space(given), given["name"]))
        return [changed(thing, found, [Field(["spec", "replicas"], int(given["replicas"]))])]

    return find


def cordoned(at: Cluster, asked: Asked) -> Found:
    """Nodes that cannot be scheduled on any more. Of those that chance would choose from, all."""
    return _nodes_with(at, asked, Field(["spec", "unschedulable"], value=True))


def uncordoned(at: Cluster, asked: Asked) -> Found:
    """Nodes that can be scheduled on again: for the API, false is as good as nothing."""
    return _nodes_with(at, asked, Field(["spec", "unschedulable"]))


def _nodes_with(at: Cluster, asked: Asked, field: Field) -> Iterator[Change]:
    for found in _nodes(at, asked.call.arguments):
        meta = found["metadata"]
        yield changed(Thing.of(at, NODE, "", meta["name"], meta["uid"]), found, [field])


def _nodes(at: Cluster, given: Arguments) -> list[dict[str, Any]]:
    query = {"fieldSelector": f"metadata.name={given['name']}" if given.get("name") else "",
             "labelSelector": given.get("label_selector") or ""}
    nodes = at.list(NODE.path(""), dict, {key: value for key, value in query.items() if value}).items
    if given.get("pod_label_selector") and given.get("pod_namespace"):
        pods = at.list(POD.path(given["pod_namespace"]), Pod, {"labelSelector": given["pod_label_selector"]}).items
        on = {pod.spec.node_name for pod in pods}
        nodes = [node for node in nodes if node["metadata"]["name"] in on]
    return nodes


def patched(kind: Kind) -> Find:
    """Whatever a strategic merge patch says. What that comes to, the server is asked by a patch that is only tried."""
    def find(at: Cluster, asked: Asked) -> Found:
        given = asked.call.arguments
        return [_tried(at, Thing.of(at, kind, _space(given), given["name"]), given["spec"], STRATEGIC)]

    return find


def _tried(at: Cluster, thing: Thing, body: Any, how: str) -> Change:
    there, found = _there(at, thing)
    try:
        answer = at.replace(thing.path, body, _DRY) if how == "PUT" else at.patch(thing.path, body, how, _DRY)
    except Denied as denied:
        raise NoTarget(str(denied)) from denied
    return compared(there, found, msgspec.json.decode(answer))


def _there(at: Cluster, thing: Thing) -> tuple[Thing, dict[str, Any]]:
    found = read(at, thing)
    if found is None:
        raise NoTarget(f"there is no {thing.label}")
    return msgspec.structs.replace(thing, uid=found["metadata"]["uid"]), found


# ── making and deleting ─────────────────────────────────────────────────────────────────────────────────────────────

def made_from_file(kind: Kind) -> Find:
    """An object from a file, or from the arguments."""
    def find(at: Cluster, asked: Asked) -> Found:
        given = asked.call.arguments
        body = _from_file(given["spec_path"]) if given.get("spec_path") else given["spec"]
        return [_made(at, kind, _space(given), body)]

    return find


def made_node(at: Cluster, asked: Asked) -> Found:
    """A node from what it is to be."""
    given = asked.call.arguments
    return [_made(at, NODE, "", {"metadata": given.get("meta") or {}, "spec": given.get("spec") or {}})]


def made_policy(name: str) -> Find:
    """One of the package's own network policies."""
    def find(at: Cluster, asked: Asked) -> Found:
        given = asked.call.arguments
        labels = given.get("label_selectors")
        selector = {"matchLabels": labels} if labels else {}
        direction = "Ingress" if name.endswith("ingress") else "Egress"
        return [_made(at, POLICY, _space(given), {"metadata": {"name": name}, "spec": {
            "podSelector": selector, "policyTypes": [direction]}})]

    return find


def _made(at: Cluster, kind: Kind, space: str, body: Mapping[str, Any]) -> Change | None:
    whole = {"apiVersion": kind.api, "kind": kind.camel, **body}
    return made(at, Thing.of(at, kind, space, str(body["metadata"]["name"])), whole)


def _from_file(name: str) -> Any:
    try:
        text = Path(name).read_text(encoding="utf-8")
        return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise NoTarget(f"{name} cannot be read: {problem}") from problem


def deleted_named(kind: Kind, name: str = "") -> Find:
    """One object, by the name that is given, or by its own."""
    def find(at: Cluster, asked: Asked) -> Found:
        given = asked.call.arguments
        thing = Thing.of(at, kind, _space(given) if kind.namespaced else "", name or given["name"])
        found = read(at, thing)
        if found is None:
            return []
        return [deleted(msgspec.structs.replace(thing, uid=found["metadata"]["uid"]), found, asked.mark)]

    return find


def deleted_chosen(kind: Kind) -> Find:
    """Objects by name, by labels, or all of a namespace. What a controller makes anew is left to it."""
    def find(at: Cluster, asked: Asked) -> Found:
        given = asked.call.arguments
        space = _space(given)
        if given.get("name"):
            query = {"fieldSelector": f"metadata.name={given['name']}"}
        else:
            query = {"labelSelector": given["label_selector"]} if given.get("label_selector") else {}
        for found in at.list(kind.path(space), dict, query).items:
            if not _has_controller(found):
                yield _deleted(at, kind, found, asked)

    return find


def deleted_nodes(at: Cluster, asked: Asked) -> Found:
    """Nodes: of those that chance would choose from, all."""
    for found in _nodes(at, {**asked.call.arguments, "name": None}):
        yield _deleted(at, NODE, found, asked)


def _deleted(at: Cluster, kind: Kind, found: Mapping[str, Any], asked: Asked) -> Change:
    """A list's items do not say of what kind they are."""
    meta = found["metadata"]
    thing = Thing.of(at, kind, meta.get("namespace", ""), meta["name"], meta["uid"])
    return deleted(thing, {"apiVersion": kind.api, "kind": kind.camel, **found}, asked.mark)


def _has_controller(found: Mapping[str, Any]) -> bool:
    return any(owner.get("controller") for owner in found["metadata"].get("ownerReferences") or [])


def each_of(*finds: Find) -> Find:
    """All that several find."""
    def find(at: Cluster, asked: Asked) -> Iterator[Change | None]:
        for one in finds:
            yield from one(at, asked)

    return find


# ── custom objects ──────────────────────────────────────────────────────────────────────────────────────────────────

def _custom(given: Arguments, *, namespaced: bool) -> Kind:
    plural = str(given["plural"])
    return Kind(plural, f"{given['group']}/{given['version']}", plural, plural, namespaced=namespaced)


def custom_made(*, namespaced: bool = True) -> Find:
    """A custom object."""
    def find(at: Cluster, asked: Asked) -> Found:
        given = asked.call.arguments
        body = _resource(given)
        kind = _custom(given, namespaced=namespaced)
        thing = Thing.of(at, kind, _space(given), str(body["metadata"]["name"]))
        return [made(at, thing, body)]

    return find


def custom_deleted(*, namespaced: bool = True) -> Find:
    """A custom object by its name."""
    def find(at: Cluster, asked: Asked) -> Found:
        return deleted_named(_custom(asked.call.arguments, namespaced=namespaced))(at, asked)

    return find


def custom_changed(how: str, *, namespaced: bool = True) -> Find:
    """A custom object that is patched (a JSON patch) or replaced ("PUT")."""
    def find(at: Cluster, asked: Asked) -> Found:
        given = asked.call.arguments
        thing = Thing.of(at, _custom(given, namespaced=namespaced), _space(given), given["name"])
        return [_tried(at, thing, _resource(given), how)]

    return find


def custom_applied(at: Cluster, asked: Asked) -> Found:
    """A custom object from its text, under the plural that the package guesses."""
    try:
        body = yaml.safe_load(asked.call.arguments["resource"])
    except yaml.YAMLError as problem:
        raise NoTarget(f"the resource cannot be read: {problem}") from problem
    group, _, _ = body["apiVersion"].rpartition("/")
    plural = _plural(body["kind"])
    kind = Kind(plural, body["apiVersion"], plural, body["kind"]) if group else None
    space = body["metadata"].get("namespace", "default")
    return [made(at, Thing.of(at, kind, space, body["metadata"]["name"]), body)] if kind else []


def _plural(kind: str) -> str:
    singular = kind.lower()
    if singular == "endpoints":
        return singular
    if singular.endswith("y"):
        return f"{singular[:-1]}ies"
    return f"{singular}{'es' if singular.endswith('s') else 's'}"


def _resource(given: Arguments) -> Any:
    if given.get("resource") is not None:
        return given["resource"]
    return _from_file(given["resource_as_yaml_file"])


def mesh_made(plural: str) -> Find:
    """One of Chaos Mesh's faults."""
    def find(at: Cluster, asked: Asked) -> Found:
        given = asked.call.arguments
        thing = Thing.of(at, Kind(plural, _MESH, plural, plural), _space(given), given["name"])
        return [unseen(thing)] if _is_installed(at, thing) and read(at, thing) is None else []

    return find


def mesh_deleted(plural: str) -> Find:
    """One of Chaos Mesh's faults by its name."""
    return deleted_named(Kind(plural, _MESH, plural, plural))


def _is_installed(at: Cluster, thing: Thing) -> bool:
    try:
        at.list(thing.collection, dict)
    except Gone:
        return False
    return True


