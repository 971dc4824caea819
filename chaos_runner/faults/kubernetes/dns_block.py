"""kubernetes.dns_block: pods can no longer ask for names; undo lets them again."""

from typing import Any, Final

from chaos_runner.contracts import Band, Example, NoArguments
from chaos_runner.faults.kubernetes._policy import PolicyFault, Rules
from chaos_runner.targets.kubernetes.pods import Chosen

_LAST_PORT: Final = 65535
_NAMES: Final = 53
_ALL_BUT_NAMES: Final[list[dict[str, Any]]] = [
    {"protocol": protocol, "port": first, "endPort": last}
    for protocol in ("TCP", "UDP") for first, last in ((1, _NAMES - 1), (_NAMES + 1, _LAST_PORT))]


class DnsBlock(PolicyFault[NoArguments]):
    """Keeps pods from port 53, with TCP and with UDP, wherever it is; all other ports stay open to them. A policy
    cannot name what is neither TCP nor UDP: pings out of the pods are lost as well.
    """

    arguments = NoArguments
    band = Band(word="no names")
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout"})

    def rules(self, chosen: Chosen, arguments: NoArguments) -> Rules:  # noqa: ARG002
        return Rules(policy_types=["Egress"], egress=[{"ports": _ALL_BUT_NAMES}])
