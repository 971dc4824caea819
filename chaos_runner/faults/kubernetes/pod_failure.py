"""kubernetes.pod_failure: pods stay, and do not work; undo gives back their images."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from chaos_runner.contracts import Band, Candidate, Example, Setting
from chaos_runner.faults.kubernetes._change import ChangeFault, Wanted
from chaos_runner.faults.kubernetes._workloads import workloads_there
from chaos_runner.targets.kubernetes.fields import Field
from chaos_runner.targets.kubernetes.kinds import POD
from chaos_runner.targets.kubernetes.pods import PodTarget, find

_PATH = ["spec", "containers"]
_LENGTH = 4


class PodFailureArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The image that does nothing; it must be one that the nodes can pull."""

    image: str = "registry.k8s.io/pause:3.10"


class PodFailure(ChangeFault[PodTarget, PodFailureArguments]):
    """Swaps the images of running pods for one that does nothing: the pods are there, and their containers are not what
    they were. Their kubelets start the real ones again when it is undone.
    """

    target = PodTarget
    arguments = PodFailureArguments
    band = Band(word="failing")
    kinds = (POD,)
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout", "count": 1})

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return workloads_there(given, {"count": 1})

    def wanted(self, target: PodTarget, arguments: PodFailureArguments, setting: Setting) -> list[Wanted]:
        found = find(target, setting.seed)
        return [Wanted(found.cluster, found.ref(pod),
                       [Field([*_PATH, {"name": one.name}, "image"], arguments.image) for one in pod.spec.containers],
                       found.group)
                for pod in found.pods]

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return len(path) == _LENGTH and list(path[:2]) == _PATH and path[3] == "image"
