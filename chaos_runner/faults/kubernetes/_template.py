"""A fault that changes the containers of a workload's template. The workload then rolls its pods, and once more when it
is undone: that is part of the fault.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Setting
from chaos_runner.errors import NoTarget
from chaos_runner.faults.kubernetes._change import ChangeFault, Wanted
from chaos_runner.faults.kubernetes._workloads import WorkloadTarget, chosen
from chaos_runner.targets.kubernetes.fields import Field, Path
from chaos_runner.targets.kubernetes.kinds import WORKLOADS
from chaos_runner.targets.kubernetes.pods import read_workload

TEMPLATE: Path = ["spec", "template", "spec", "containers"]
ROLLED = tuple(WORKLOADS[name] for name in ("deployment", "statefulset", "daemonset", "rollout"))


class ContainerArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Which container of the template; without one all of them."""

    container: str = ""


A = TypeVar("A", bound=ContainerArguments)


class TemplateFault(ChangeFault[WorkloadTarget, A], Generic[A]):
    """Other values in some fields of the containers of a workload's template."""

    target = WorkloadTarget
    kinds = ROLLED
    below: ClassVar[Sequence[str]]
    """The first name of each path below a container that it may change."""

    @abstractmethod
    def values(self, arguments: A, container: dict[str, Any]) -> list[Field]:
        """The fields of one container, with paths from the container on. Raises Refused."""

    def wanted(self, target: WorkloadTarget, arguments: A, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        at, refs = chosen(target, self.kinds)
        found = read_workload(at, refs[0].namespace, target.workload)
        containers = msgspec.to_builtins(found.spec.template.spec.containers)
        hit = [one for one in containers if arguments.container in ("", one["name"])]
        if not hit:
            names = ", ".join(one["name"] for one in containers)
            raise NoTarget(f"{refs[0].label} has no container {arguments.container!r}; there are: {names}")
        fields = [Field([*TEMPLATE, {"name": one["name"]}, *field.path], field.value)
                  for one in hit for field in self.values(arguments, one)]
        return [Wanted(at, refs[0], fields)]

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        inside = path[len(TEMPLATE):]
        return list(path[:len(TEMPLATE)]) == TEMPLATE and len(inside) > 1 and inside[1] in self.below
