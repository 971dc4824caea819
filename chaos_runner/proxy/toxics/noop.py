"""Does nothing: to see that an experiment notices nothing when there is nothing."""

from dataclasses import dataclass

from chaos_runner.proxy.toxic import Toxic


@dataclass(frozen=True)
class Noop(Toxic):
    """Passes everything on."""
