"""kubernetes.image_pull_failure: new pods cannot pull their image; undo gives back the image."""

from typing import Any

from chaos_runner.contracts import Band, Example
from chaos_runner.faults.kubernetes._template import ContainerArguments, TemplateFault
from chaos_runner.targets.kubernetes.fields import Field


class ImagePullFailure(TemplateFault[ContainerArguments]):
    """Gives the template an image that no registry has: a rollout that gets stuck, as a bad release does."""

    arguments = ContainerArguments
    band = Band(word="unpullable")
    below = ("image", "imagePullPolicy")
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"})

    def values(self, arguments: ContainerArguments, container: dict[str, Any]) -> list[Field]:  # noqa: ARG002
        return [Field(["image"], "chaos-runner.invalid/no-such-image:0"), Field(["imagePullPolicy"], "Always")]
