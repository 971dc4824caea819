"""proxy.slow_close: connections take their time to close; undo lets them close at once."""

from typing import ClassVar

from chaos_runner.contracts import Band, Example, Seconds
from chaos_runner.errors import Refused
from chaos_runner.faults.proxy._toxic import ToxicArguments, ToxicFault, in_ms, whole_ms


class SlowCloseArguments(ToxicArguments, frozen=True):
    """How late the end comes, in which direction (downstream: that the server closed), for which share of the
    connections.
    """

    delay: Seconds


class SlowClose(ToxicFault[SlowCloseArguments]):
    """Passes every byte on, and the end of a connection later."""

    arguments = SlowCloseArguments
    band = Band(word="closing slowly")
    example = Example(target={"proxy": "orders-db"}, arguments={"delay": "1s"})
    told: ClassVar = {"delay": in_ms}

    def attributes(self, arguments: SlowCloseArguments) -> dict[str, int]:
        delay_ms = whole_ms(arguments.delay)
        if delay_ms == 0:
            raise Refused("a delay is 1 ms or more: 0 would delay nothing")
        return {"delay": delay_ms}
