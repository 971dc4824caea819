"""Reading the keys of a mapping one by one, in the kind that is wanted, collecting every complaint on the way."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from chaos_runner.experiment.document import Entry, Node, plain
from chaos_runner.experiment.findings import Finding, Place
from chaos_runner.experiment.suggest import did_you_mean
from chaos_runner.units import NoUnit, seconds, share

DURATION_MAX_S: Final = 366 * 86400.0
"""A longer time is a slip, and a few of such times would leave the calendar."""

K = TypeVar("K")
D = TypeVar("D")
Found = list[Finding]


class Fields:
    """One mapping of a file. A key whose value is null counts as absent; keys with `x-` are the author's own."""

    def __init__(self, node: Node, what: str, found: Found) -> None:
        self.node = node
        self.what = what
        self._found = found
        self._entries: dict[str, Entry] = {}
        if isinstance(node.value, dict):
            self._entries = {key: entry for key, entry in node.value.items() if entry.node.value is not None}
        else:
            self.complain("E103", f"{what} must be a mapping", node, found=node.kind)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def known(self, keys: Iterable[str]) -> "Fields":
        """Complains about every key that is not among these. Returns itself."""
        words = list(keys)
        written = self.node.value if isinstance(self.node.value, dict) else {}
        for key, entry in written.items():
            if key not in words and not key.startswith("x-"):
                self._unknown(key, entry, words)
        return self

    def node_of(self, key: str) -> Node | None:
        """The value's node."""
        entry = self._entries.get(key)
        return entry.node if entry else None

    def place(self, key: str) -> Place:
        """Where the key stands; where the mapping stands when it is absent."""
        entry = self._entries.get(key)
        return entry.key if entry else self.node.place

    def plain(self, key: str, default: Any = None) -> Any:
        """The value as ordinary data."""
        node = self.node_of(key)
        return default if node is None else plain(node)

    def plain_all(self) -> dict[str, Any]:
        """The whole mapping as ordinary data, without its nulls."""
        return {key: plain(entry.node) for key, entry in self._entries.items()}

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        return self._of(key, str, "a text", default)

    def filled_text(self, key: str) -> str:
        """A text that must be there and must not be empty."""
        text = self.text(key)
        node = self.node_of(key)
        if node is None:
            self.require(key)
        elif isinstance(node.value, str) and not text.strip():
            self.complain("E102", f"{key} must not be empty", node)
        return text

    def flag(self, key: str) -> bool:
        """True or false, false when absent."""
        return self._of(key, bool, "true or false", default=False)

    def mapping(self, key: str) -> dict[str, Any]:
        """A mapping as ordinary data, empty when absent."""
        found = self._of(key, dict, "a mapping", {})
        return {} if not found else dict(self.plain(key))

    def items(self, key: str) -> Sequence[Node]:
        """The members of a list, none when absent."""
        return self._of(key, list, "a list", [])

    def whole(self, key: str) -> int | None:
        """A whole number."""
        node = self.node_of(key)
        if node is not None and (isinstance(node.value, bool) or not isinstance(node.value, int)):
            self.complain("E103", f"{key} must be a whole number", node, found=node.kind)
            return None
        return None if node is None else int(node.value)  # type: ignore[arg-type]  # checked above

    def duration_s(self, key: str, default: float | None = None) -> float | None:
        """A duration with its unit, in seconds."""
        return self._measured(key, seconds, "E201", default)

    def share(self, key: str) -> float | None:
        """A share such as 34%, from 0 to 1."""
        return self._measured(key, share, "E202", None)

    def positive_s(self, key: str, default: float | None = None) -> float | None:
        """A duration that is longer than nothing, in seconds."""
        value_s = self.duration_s(key, default)
        if value_s == 0 and key in self:
            self.complain("E201", f"{key} must be longer than 0 s", self.node_of(key))
            return default
        return value_s

    def one_of(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of a few words."""
        value = self._of(key, str, "a text", None)
        if value is None or value in choices:
            return value or default
        close = did_you_mean(value, choices)
        advice = f'did you mean "{close}"?' if close else f"one of {', '.join(choices)}"
        self.complain("E104", f"{key} must be one of {', '.join(choices)}", self.node_of(key), advice,
                      found=value)
        return default

    def require(self, *keys: str) -> bool:
        """Complains about each of these that is absent. True when all are there.

        Of what is no mapping, that was said already.
        """
        if not isinstance(self.node.value, dict):
            return False
        missing = [key for key in keys if key not in self._entries]
        for key in missing:
            self.complain("E102", f'{self.what} needs the key "{key}"', self.node, f"add `{key}: …`")
        return not missing

    def complain(self, code: str, message: str, at: Node | Place | None, advice: str = "", *, found: str = "") -> None:
        """Adds a finding."""
        place = at.place if isinstance(at, Node) else at or self.node.place
        self._found.append(Finding(code=code, message=message, place=place, help=advice, found=found))

    def inner(self, node: Node, what: str) -> "Fields":
        """The fields of a mapping within this one."""
        return Fields(node, what, self._found)

    def _unknown(self, key: str, entry: Entry, words: list[str]) -> None:
        close = did_you_mean(key, words)
        if close:
            self.complain("E101", f'unknown key "{key}" in {self.what}', entry.key, f'did you mean "{close}"?')
        else:
            self.complain("W101", f'unknown key "{key}" in {self.what}', entry.key,
                          "it is ignored; begin its name with x- to keep a note of your own")

    def _of(self, key: str, kind: type[K], wanted: str, default: D) -> K | D:
        node = self.node_of(key)
        if node is None:
            return default
        if not isinstance(node.value, kind):
            self.complain("E103", f"{key} must be {wanted}", node, found=node.kind)
            return default
        return node.value

    def _measured(self, key: str, parse: Callable[[str], float], code: str, default: float | None) -> float | None:
        node = self.node_of(key)
        if node is None:
            return default
        try:
            value = parse(node.value if isinstance(node.value, str) else node.raw)
        except NoUnit as problem:
            self.complain(code, f"{key} must be {str(problem).partition(', not')[0]}", node,
                          f"write `{key}: {_with_unit(code, node)}`", found=node.raw or node.kind)
            return default
        if value > DURATION_MAX_S:
            self.complain(code, f"{key} must not be longer than 366 days", node, found=node.raw)
            return default
        return value


def _with_unit(code: str, node: Node) -> str:
    known = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    number = node.raw if known else 30
    return f"{number}%" if code == "E202" else f"{number}s"
