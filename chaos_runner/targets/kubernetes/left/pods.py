"""Pods whose containers were swapped for ones that do nothing, and pods that still inject for nobody."""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from chaos_runner.errors import Gone
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import POD, REPLICASET, WORKLOADS, label_of
from chaos_runner.targets.kubernetes.left.leftover import Written, command_on
from chaos_runner.targets.kubernetes.marks import RUN
from chaos_runner.targets.kubernetes.objects import Meta, Pod, PodSpec, Whole, Workload
from chaos_runner.targets.kubernetes.others import tools
from chaos_runner.targets.leftover import NOBODY, Leftover

_PAUSE: Final = re.compile(r"(^|/)pause(-[a-z0-9]+)?([:@]|$)")
_ENGINE: Final = "chaosUID"
"""The label by which LitmusChaos finds the pods of an engine: its UID."""
_MESH_IMAGE: Final = re.compile(r"(?:chaos-mesh-.*-)?(?P<container>.+)-normal(?:-image)?")


class _Pod(Struct, frozen=True):
    metadata: Written
    spec: PodSpec = PodSpec()


def pauses(at: Cluster) -> Iterator[Leftover]:
    """Pods whose containers run an image that does nothing, and were made to run another."""
    for pod in at.list(POD.path(""), _Pod).items:
        paused = [one for one in pod.spec.containers if _PAUSE.search(one.image)]
        if not paused or pod.metadata.annotations.get(RUN):
            continue
        images = _images_of_mesh(pod.metadata.annotations)
        for one in paused:
            if one.name in images:
                yield _paused(pod, one.name, "Chaos Mesh",
                              command_on(at, POD, pod.metadata, "set image", f"{one.name}={images[one.name]}"))
            elif _made_with(at, pod.metadata).get(one.name, one.image) != one.image:
                yield _paused(pod, one.name, NOBODY, command_on(at, POD, pod.metadata, "delete"))


def helpers(at: Cluster) -> Iterator[Leftover]:
    """Pods in which LitmusChaos injects, and whose ChaosEngine is gone: it deletes them by its engine's UID."""
    helping = [pod for pod in at.list(POD.path(""), Pod, {"labelSelector": _ENGINE}).items
               if pod.status.phase in ("Pending", "Running")]
    engines = {one.metadata.uid for tool in (tools(at) if helping else ()) if tool.kind.name == "chaosengine"
               for one in at.list(tool.kind.path(""), Whole).items}
    for pod in helping:
        if pod.metadata.labels[_ENGINE] not in engines:
            yield Leftover(code="helper", what=label_of(POD, pod.metadata), whose="LitmusChaos",
                           says="injects for a ChaosEngine that is gone: its fault may still act",
                           since=pod.metadata.creation_timestamp, undo=command_on(at, POD, pod.metadata, "delete"),
                           first="its signal handler may take the fault back: look at what it hit afterwards")


def _paused(pod: _Pod, container: str, whose: str, undo: str) -> Leftover:
    wrote = pod.metadata.writer("f:spec", "f:containers")
    return Leftover(code="pause-image", what=label_of(POD, pod.metadata), whose=whose, by=wrote.manager,
                    says=f"container {container} runs an image that does nothing", undo=undo, since=wrote.time,
                    first="no experiment with it is running")


def _images_of_mesh(annotations: dict[str, str]) -> dict[str, str]:
    """Chaos Mesh keeps each container's image in an annotation of the pod."""
    found = ((_MESH_IMAGE.fullmatch(key), value) for key, value in annotations.items())
    return {match["container"]: value for match, value in found if match}


def _made_with(at: Cluster, meta: Meta) -> dict[str, str]:
    """The images that the pod's own workload gives its containers."""
    kinds = {kind.camel: kind for kind in (REPLICASET, *WORKLOADS.values())}
    if meta.owner is None or meta.owner.kind not in kinds:
        return {}
    try:
        maker = at.get(kinds[meta.owner.kind].path(meta.namespace, meta.owner.name), Workload)
    except Gone:
        return {}
    return {one.name: one.image for one in maker.spec.template.spec.containers}
