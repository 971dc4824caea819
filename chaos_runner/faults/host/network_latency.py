"""host.network_latency: packets leave an interface later; undo lets them go at once again."""

from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Seconds, Setting
from chaos_runner.errors import Refused
from chaos_runner.faults.host._netem import InterfaceTarget, Netem, NetemFault
from chaos_runner.faults.host._network import chosen
from chaos_runner.units import spoken_seconds

_SHORTEST_S: Final = 0.0001
_LONGEST_S: Final = 60.0


class LatencyArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How late, and how unevenly: each packet by `latency`, give or take `jitter`. Jitter also changes their order."""

    latency: Seconds
    jitter: Seconds = 0.0


class NetworkLatency(NetemFault[LatencyArguments]):
    """Delays the packets that leave by an interface: a round trip takes that much longer. Needs Linux with netem, and
    root. On `lo` both ways leave by it, so a round trip takes twice as much longer.
    """

    arguments = LatencyArguments
    band = Band(word="slow")
    example = Example(target={"interface": "eth0", "to": ["10.0.0.7"]}, arguments={"latency": "100ms"})

    def prepare(self, target: InterfaceTarget, arguments: LatencyArguments, setting: Setting) -> list[Act]:
        if not _SHORTEST_S <= arguments.latency <= _LONGEST_S:
            raise Refused(f"a latency is between {spoken_seconds(_SHORTEST_S)} and {spoken_seconds(_LONGEST_S)}")
        if arguments.jitter > arguments.latency:
            raise Refused("`jitter` is at most `latency`: no packet leaves before it has come")
        netem = Netem(delay_s=arguments.latency, jitter_s=arguments.jitter)
        return self.acts(target.interface, netem, chosen(target.to, target.ports), setting)
