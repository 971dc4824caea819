"""proxy.reset_peer: "connection reset by peer"; undo lets connections live."""

from typing import ClassVar, Final

from chaos_runner.contracts import Band, Example, Seconds
from chaos_runner.errors import Refused
from chaos_runner.faults.proxy._toxic import ToxicArguments, ToxicFault, in_ms, whole_ms
from chaos_runner.targets.proxy import Toxic

_LONGEST_S: Final = 30.0


class ResetPeerArguments(ToxicArguments, frozen=True):
    """How long after the first byte, in which direction that byte is waited for, on which share of the connections."""

    timeout: Seconds = 0.0


class ResetPeer(ToxicFault[ResetPeerArguments]):
    """Resets connections once something passes in one direction.

    A reset that is under way cannot be called off: Toxiproxy's answer to an undo may take as long as the timeout.
    """

    arguments = ResetPeerArguments
    band = Band(word="reset")
    example = Example(target={"proxy": "orders-db"}, arguments={"toxicity": "10%"})
    told: ClassVar = {"timeout": in_ms}

    def attributes(self, arguments: ResetPeerArguments) -> dict[str, int]:
        if arguments.timeout > _LONGEST_S:
            raise Refused(f"a reset after more than {_LONGEST_S:g} s could not be undone in time")
        return {"timeout": whole_ms(arguments.timeout)}

    def answers_within_s(self, toxic: Toxic) -> float:
        timeout_ms = toxic.attributes.get("timeout")
        reset_s = timeout_ms / 1000 if isinstance(timeout_ms, int) else 0.0
        return super().answers_within_s(toxic) + min(max(reset_s, 0.0), _LONGEST_S)
