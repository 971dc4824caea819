"""proxy.latency: everything that passes a proxy arrives later; undo takes the delay away."""

from typing import ClassVar

from chaos_runner.contracts import Band, Example, Seconds
from chaos_runner.errors import Refused
from chaos_runner.faults.proxy._toxic import ToxicArguments, ToxicFault, in_ms, whole_ms


class LatencyArguments(ToxicArguments, frozen=True):
    """How late, how unevenly, in which direction (downstream: what the server answers), for which share of the
    connections.
    """

    latency: Seconds
    jitter: Seconds = 0.0


class Latency(ToxicFault[LatencyArguments]):
    """Delays every byte in one direction, on connections there are and on those to come. Its mark is its name."""

    arguments = LatencyArguments
    band = Band(word="slow")
    example = Example(target={"proxy": "orders-db"}, arguments={"latency": "200ms", "jitter": "20ms"})
    told: ClassVar = {"latency": in_ms, "jitter": in_ms}

    def attributes(self, arguments: LatencyArguments) -> dict[str, int]:
        latency_ms, jitter_ms = whole_ms(arguments.latency), whole_ms(arguments.jitter)
        if latency_ms == 0 and jitter_ms == 0:
            raise Refused("a delay is 1 ms or more: 0 would delay nothing")
        return {"latency": latency_ms, "jitter": jitter_ms}
