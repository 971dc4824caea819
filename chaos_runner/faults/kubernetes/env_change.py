"""kubernetes.env_change: gives a workload's containers other environment variables; undo gives back what they had."""

from typing import Any

from chaos_runner.contracts import Band, Example
from chaos_runner.errors import Refused, UsageError
from chaos_runner.faults.kubernetes._template import ContainerArguments, TemplateFault
from chaos_runner.targets.kubernetes.fields import Field


class EnvironmentArguments(ContainerArguments, frozen=True, kw_only=True):
    """The variables and their values: {PAYMENT_URL: "http://nowhere.invalid"}. They must be there already."""

    variables: dict[str, str]


class EnvChange(TemplateFault[EnvironmentArguments]):
    """Changes variables in the template, and the workload rolls its pods. Only plain values: what is from a Secret or
    a ConfigMap stays there.
    """

    arguments = EnvironmentArguments
    band = Band(word="misled")
    below = ("env",)
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"},
                      arguments={"variables": {"PAYMENT_URL": "http://nowhere.invalid"}})

    def values(self, arguments: EnvironmentArguments, container: dict[str, Any]) -> list[Field]:
        if not arguments.variables:
            raise UsageError("say which `variables`")
        there = {one["name"]: one for one in container.get("env", [])}
        for name in arguments.variables:
            if "value" not in there.get(name, {}):
                raise Refused(f"container {container['name']} has no variable {name} with a plain value")
        return [Field(["env", {"name": name}, "value"], value) for name, value in arguments.variables.items()]
