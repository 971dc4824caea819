"""What a rule finds, and where in the file that is."""

from collections.abc import Iterable

from msgspec import Struct

from chaos_runner.experiment.document import Node, parse
from chaos_runner.experiment.findings import Finding, Place
from chaos_runner.experiment.model import Experiment

Path = tuple[str | int, ...]
"""Keys and positions from the top of the file: ("method", 0, "target")."""


class Flaw(Struct, frozen=True, kw_only=True):
    """One trap. `at` may lead to what is not there: then the nearest that is there is meant."""

    code: str
    says: str
    at: Path
    help: str


def findings(experiment: Experiment, flaws: Iterable[Flaw]) -> list[Finding]:
    """The flaws with their places, which the experiment's own text tells."""
    found = list(flaws)
    root = parse(experiment.source.encode(errors="replace"), experiment.file).root if found else None
    top = Place(experiment.file, 1, 1)
    return [_finding(flaw, root, top) for flaw in found]


def _finding(flaw: Flaw, root: Node | None, top: Place) -> Finding:
    node, place = root, root.place if root else top
    for part in flaw.at:
        node, place = _into(node, part, place)
    return Finding(code=flaw.code, message=flaw.says, place=place, help=flaw.help, found=node.raw if node else "")


def _into(node: Node | None, part: str | int, place: Place) -> tuple[Node | None, Place]:
    """What stands under a key or at a position, and its place: a value's own, but a mapping's or a list's key.

    None, and the place where one was, when there is nothing.
    """
    held = node.value if node else None
    if isinstance(held, dict) and isinstance(part, str) and part in held:
        inner = held[part].node
        return inner, held[part].key if isinstance(inner.value, dict | list) else inner.place
    if isinstance(held, list) and isinstance(part, int) and part < len(held):
        return held[part], held[part].place
    return None, place
