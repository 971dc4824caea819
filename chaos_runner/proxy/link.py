"""One direction of one connection: from the socket that is read, through every toxic, to the socket that is written."""

from collections.abc import Callable

from chaos_runner.proxy.flow import Flow
from chaos_runner.proxy.pipe import Data, End, Sink
from chaos_runner.proxy.toxic import Dose


class Link:
    """The chain of toxics, which may be changed while bytes flow. Without toxics, bytes go from socket to socket."""

    def __init__(self, target: Sink, on_change: Callable[[], None]) -> None:
        self.entry: Sink = target
        self._target = target
        self._on_change = on_change
        self._flows: list[Flow] = []
        self._stopped = False

    def stop(self) -> None:
        """For good: there is nobody left to write to."""
        self._stopped = True
        for flow in self._flows:
            flow.stop()

    def put(self, data: Data) -> None:
        self.entry.put(data)

    def end(self, how: End) -> None:
        self.entry.end(how)

    def add(self, dose: Dose) -> None:
        """At the end of the chain: what already passed the others is not touched."""
        if self._stopped:
            return
        flow = Flow(dose, self._target)
        self._flows.append(flow)
        self._lead(len(self._flows) - 1, flow.source)
        flow.start()

    def update(self, dose: Dose) -> None:
        for flow in self._working(dose):
            flow.stop()
            flow.change(dose)
            flow.start()

    def remove(self, dose: Dose) -> None:
        """Bytes the toxic still held go on at once, unless it is one that cannot leave the connection whole."""
        for flow in self._working(dose):
            flow.stop()
            if flow.toxic.cuts_when_removed:
                flow.end(End.CUT)
            else:
                self._bridge(flow)

    def _working(self, dose: Dose) -> list[Flow]:
        """A flow that ended stays where it is: what it held back must not come after the end."""
        if self._stopped:
            return []
        return [flow for flow in self._flows if flow.name == dose.name and not flow.ended]

    def _bridge(self, flow: Flow) -> None:
        index = self._flows.index(flow)
        flow.source.pour_into(flow.sink)
        del self._flows[index]
        self._lead(index, flow.sink)

    def _lead(self, index: int, sink: Sink) -> None:
        """What stands before `index` feeds this sink from now on."""
        if index == 0:
            self.entry = sink
            self._on_change()
            return
        before = self._flows[index - 1]
        before.stop()  # it may be waiting for room in the sink it had
        before.sink = sink
        before.start()
