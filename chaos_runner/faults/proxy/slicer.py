"""proxy.slicer: many small packets instead of a few large ones; undo leaves them whole."""

from typing import ClassVar

from chaos_runner.contracts import Band, Example, Seconds, Size
from chaos_runner.errors import Refused
from chaos_runner.faults.proxy._toxic import ToxicArguments, ToxicFault, in_bytes, in_us, whole


class SlicerArguments(ToxicArguments, frozen=True, rename="kebab"):
    """How large the slices are, how uneven, how long to wait after each, in which direction (downstream: what the
    server answers), for which share of the connections.
    """

    average_size: Size
    size_variation: Size = 0
    delay: Seconds = 0.0


class Slicer(ToxicFault[SlicerArguments]):
    """Slices what passes in one direction: who reads only once for each message reads a part of it."""

    arguments = SlicerArguments
    band = Band(word="in slices")
    example = Example(target={"proxy": "orders-db"}, arguments={"average-size": "64B", "delay": "1ms"})
    told: ClassVar = {"average_size": in_bytes, "size_variation": in_bytes, "delay": in_us}

    def attributes(self, arguments: SlicerArguments) -> dict[str, int]:
        average, variation = arguments.average_size, arguments.size_variation
        if average == 0:
            raise Refused("a slice is 1 byte or more")
        if variation >= average:
            raise Refused(f"slices of {in_bytes(average)} cannot be {in_bytes(variation)} smaller: give less variation")
        return {"average_size": whole(average, "bytes"), "size_variation": variation,
                "delay": whole(arguments.delay * 1_000_000, "us")}
