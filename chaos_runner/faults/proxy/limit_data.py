"""proxy.limit_data: connections that break in the middle of an answer; undo lets them go on."""

from typing import ClassVar

from chaos_runner.contracts import Band, Example, Size
from chaos_runner.faults.proxy._toxic import ToxicArguments, ToxicFault, in_bytes, whole


class LimitDataArguments(ToxicArguments, frozen=True):
    """After how much a connection is closed, counted from the start of the fault in one direction (downstream: what the
    server answers), on which share of the connections.
    """

    bytes: Size


class LimitData(ToxicFault[LimitDataArguments]):
    """Closes each connection once so many bytes have passed in one direction."""

    arguments = LimitDataArguments
    band = Band(word="cut short")
    example = Example(target={"proxy": "orders-db"}, arguments={"bytes": "4Ki"})
    told: ClassVar = {"bytes": in_bytes}

    def attributes(self, arguments: LimitDataArguments) -> dict[str, int]:
        return {"bytes": whole(arguments.bytes, "bytes")}
