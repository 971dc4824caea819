"""proxy.timeout: silence; undo ends it."""

from typing import ClassVar

from chaos_runner.contracts import Band, Example, Seconds
from chaos_runner.faults.proxy._toxic import ToxicArguments, ToxicFault, in_ms, whole_ms


class TimeoutArguments(ToxicArguments, frozen=True):
    """After how much silence connections are closed (0s: not before the undo), in which direction nothing passes, on
    which share of the connections.
    """

    timeout: Seconds = 0.0


class Timeout(ToxicFault[TimeoutArguments]):
    """Lets nothing pass in one direction. The undo closes the connections it hit: they have lost bytes for good."""

    arguments = TimeoutArguments
    band = Band(word="silent")
    example = Example(target={"proxy": "orders-db"}, arguments={"timeout": "0s"})
    told: ClassVar = {"timeout": in_ms}

    def attributes(self, arguments: TimeoutArguments) -> dict[str, int]:
        return {"timeout": whole_ms(arguments.timeout)}
