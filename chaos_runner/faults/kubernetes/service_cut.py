"""kubernetes.service_cut: a Service leads nowhere; undo leads it to its pods again."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import convert, structs

from chaos_runner.contracts import Act, Band, Candidate, Evidence, Example, NoArguments, Setting
from chaos_runner.errors import ActFailed
from chaos_runner.faults.kubernetes._change import ChangeFault, Wanted
from chaos_runner.faults.kubernetes._services import ServiceTarget, chosen_service, services_there
from chaos_runner.targets.kubernetes.access import same_cluster
from chaos_runner.targets.kubernetes.fields import Field, Path
from chaos_runner.targets.kubernetes.kinds import SERVICE, Ref
from chaos_runner.targets.kubernetes.services import ready_endpoints, wait_until

_PATH: Final[Path] = ["spec", "selector", "chaos-runner.io/cut"]
_EMPTY_WITHIN_S: Final = 20.0


class ServiceCut(ChangeFault[ServiceTarget, NoArguments]):
    """Adds a label to a Service's selector that no pod has, and waits until it has no endpoints: new connections are
    refused, or find nobody. A headless Service's name no longer resolves. Connections that stand are not cut.

    Refused for a Service without a selector, an ExternalName, and one whose endpoints somebody else keeps.
    """

    target = ServiceTarget
    band = Band(word="cut")
    kinds = (SERVICE,)
    undone_by = "the label is taken out of the Service's selector"
    example = Example(target={"namespace": "shop", "service": "checkout"})

    def wanted(self, target: ServiceTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = chosen_service(target)
        return [Wanted(found.at, found.ref, [Field(_PATH, setting.mark.run)])]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return services_there(given)

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return list(path) == _PATH

    def apply(self, act: Act) -> Evidence:
        ref = convert(act.target, Ref)
        at = same_cluster(ref.context, ref.server)
        before = len(ready_endpoints(at, ref.namespace, ref.name))
        read_back = super().apply(act)
        if not wait_until(lambda: not ready_endpoints(at, ref.namespace, ref.name), _EMPTY_WITHIN_S):
            raise ActFailed(f"{ref.label} still has endpoints: does the cluster's controller manager run?")
        return structs.replace(read_back, before=f"ready endpoints: {before}",
                               after=f"no ready endpoint; {read_back.after}")
