"""proxy.bandwidth: a narrow line; undo makes it wide again."""

from typing import ClassVar

from chaos_runner.contracts import Band, Example, Size
from chaos_runner.errors import Refused
from chaos_runner.faults.proxy._toxic import ToxicArguments, ToxicFault, in_kb_per_s, whole


class BandwidthArguments(ToxicArguments, frozen=True):
    """How much passes in a second, in which direction (downstream: what the server answers), for which share of the
    connections.
    """

    rate: Size


class Bandwidth(ToxicFault[BandwidthArguments]):
    """Lets each connection pass so many bytes a second in one direction, in whole kilobytes of 1000 bytes."""

    arguments = BandwidthArguments
    band = Band(word="narrow")
    example = Example(target={"proxy": "orders-db"}, arguments={"rate": "100k"})
    told: ClassVar = {"rate": in_kb_per_s}

    def attributes(self, arguments: BandwidthArguments) -> dict[str, int]:
        if arguments.rate == 0:
            raise Refused("a rate is 1k or more; proxy.timeout lets nothing pass")
        return {"rate": whole(arguments.rate / 1000, "kB/s")}
