"""kubernetes.resources_limit: gives a workload's containers less cpu or memory; undo gives back what they had."""

from typing import Any

from chaos_runner.contracts import Band, Example
from chaos_runner.errors import UsageError
from chaos_runner.faults.kubernetes._template import ContainerArguments, TemplateFault
from chaos_runner.targets.kubernetes.fields import Field


class ResourcesArguments(ContainerArguments, frozen=True, kw_only=True):
    """The new limits, as Kubernetes writes them: cpu "100m", memory "64Mi". Requests are lowered to them."""

    cpu: str = ""
    memory: str = ""


class ResourcesLimit(TemplateFault[ResourcesArguments]):
    """Lowers the limits in the template, and the workload rolls its pods. With too little memory they are killed."""

    arguments = ResourcesArguments
    band = Band(word="starved")
    below = ("resources",)
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"}, arguments={"cpu": "100m"})

    def values(self, arguments: ResourcesArguments, container: dict[str, Any]) -> list[Field]:
        asked = {key: value for key, value in (("cpu", arguments.cpu), ("memory", arguments.memory)) if value}
        if not asked:
            raise UsageError("say which limit: `cpu` or `memory`")
        requests = container.get("resources", {}).get("requests", {})
        return [Field(["resources", part, key], value) for key, value in asked.items()
                for part in ("limits", "requests") if part == "limits" or key in requests]
