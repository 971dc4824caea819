"""proxy.down: a proxy that is switched off, in Toxiproxy's own word; undo switches it on again."""

from chaos_runner.contracts import Band
from chaos_runner.faults.proxy._switch import SwitchedOff


class Down(SwitchedOff):
    """Switches a proxy off, as Toxiproxy's `down` does. It is `proxy.cut` by another name.

    A switched-off proxy does not tell who did it, so a toxic without effect marks ours. It comes before and goes after.
    """

    band = Band(word="down")
