"""Whether a port can be reached, and how fast."""

import time

from msgspec import Struct

from chaos_runner.contracts import Reading, Seconds, probe
from chaos_runner.probes import _network
from chaos_runner.probes._network import Deadline, reaching
from chaos_runner.units import Unit


class ConnectArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to connect to, and how long to wait, finding the address included."""

    host: str
    port: int
    timeout: Seconds = 2.0


@probe(ConnectArguments, Unit.SECONDS,
       example={"arguments": {"host": "127.0.0.1", "port": 5432, "timeout": "1s"}, "below": "100ms"})
def connect(arguments: ConnectArguments) -> Reading:
    """Seconds until a new TCP connection stands, finding the address included.

    It is closed at once, and nothing is sent. Raises Unreachable.
    """
    began_s = time.perf_counter()
    with reaching(arguments.host, arguments.timeout):
        line = _network.connect(arguments.host, arguments.port, Deadline(arguments.timeout))
        took_s = time.perf_counter() - began_s
        line.close()
    return Reading(value=took_s)
