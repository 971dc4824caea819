"""proxy.cut: switches a proxy off, so that connections break and new ones are refused; undo switches it on again."""

from chaos_runner.contracts import Band
from chaos_runner.faults.proxy._switch import SwitchedOff


class Cut(SwitchedOff):
    """Cuts every connection and refuses new ones. It is `proxy.down` by another name.

    A switched-off proxy does not tell who did it, so a toxic without effect marks ours. It comes before and goes after.
    """

    band = Band(word="cut")
