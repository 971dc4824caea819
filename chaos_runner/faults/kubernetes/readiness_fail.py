"""kubernetes.readiness_fail: new pods never get ready; undo gives back the readiness probe."""

from typing import Any

from chaos_runner.contracts import Band, Example
from chaos_runner.errors import Refused
from chaos_runner.faults.kubernetes._template import ContainerArguments, TemplateFault
from chaos_runner.targets.kubernetes.fields import Field

_NEVER: dict[str, Any] = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1,
                          "successThreshold": 1}
"""Nothing listens at port 1 of a pod."""


class ReadinessFail(TemplateFault[ContainerArguments]):
    """Gives containers that have a readiness probe one that never succeeds. The workload rolls, and its new pods get no
    traffic.
    """

    arguments = ContainerArguments
    band = Band(word="unready")
    below = ("readinessProbe",)
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"})

    def values(self, arguments: ContainerArguments, container: dict[str, Any]) -> list[Field]:  # noqa: ARG002
        if not container.get("readinessProbe"):
            raise Refused(f"container {container['name']} has no readiness probe that could fail")
        return [Field(["readinessProbe"], _NEVER)]
