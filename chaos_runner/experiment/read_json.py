"""JSON with places. Values equal those of json.loads; its error texts are replaced by what to write instead."""

import math
import re
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Final

from chaos_runner.experiment.document import (
    DEPTH_MAX,
    DIGITS_MAX,
    NODES_MAX,
    Document,
    Entry,
    Lines,
    Node,
    Scalar,
    Unreadable,
)
from chaos_runner.experiment.findings import Finding, Place

_BLANK: Final = re.compile(r"[ \t\n\r]*")
_COLON: Final = re.compile(r"[ \t\n\r]*:[ \t\n\r]*")
_COMMA: Final = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<fraction>\.[0-9]+)?(?P<exponent>[eE][-+]?[0-9]+)?")
_WORD: Final = re.compile(r"-?[A-Za-z_][A-Za-z_0-9]*")
_WORDS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}
_NO_NUMBERS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")


def read(text: str, file: str) -> Document:
    """Never raises: what is wrong stands in the findings."""
    reader = _Reader(text, file)
    root: Node | None = None
    try:
        root = reader.document()
    except Unreadable as broken:
        reader.findings.append(broken.finding)
    return Document(file=file, text=text, root=root, findings=tuple(reader.findings))


class _Reader:
    """Reads from an index and returns what was read and the index after it."""

    def __init__(self, text: str, file: str) -> None:
        self.findings: list[Finding] = []
        self._text = text
        self._lines = Lines(text, file)
        self._count = 0

    def document(self) -> Node:
        start = self._skip(0)
        if start == len(self._text):
            raise self._stop("E004", "the file is empty", 0)
        root, end = self._value(start, 1)
        end = self._skip(end)
        if end < len(self._text):
            raise self._syntax(end, "text after the end of the document", "remove it; or was a bracket closed early?")
        return root

    def _value(self, at: int, depth: int) -> tuple[Node, int]:
        self._bound(at, depth)
        match self._text[at : at + 1]:
            case '"':
                return self._string(at)
            case "{":
                return self._mapping(at, depth)
            case "[":
                return self._list(at, depth)
            case _:
                return self._number(at) or self._word(at)

    def _bound(self, at: int, depth: int) -> None:
        self._count += 1
        if depth > DEPTH_MAX:
            raise self._stop("E013", f"more than {DEPTH_MAX} mappings and lists inside one another", at)
        if self._count > NODES_MAX:
            raise self._stop("E014", f"the file holds more than {NODES_MAX:,} values", at)

    def _mapping(self, start: int, depth: int) -> tuple[Node, int]:
        value: dict[str, Entry] = {}
        at = self._skip(start + 1)
        more = not self._text.startswith("}", at)
        while more:
            key, place, at = self._key(at)
            if key in value:
                self._complain("E010", f'the key "{_printable(key)}" stands here a second time', place,
                               f"it first stands in line {value[key].key.line}; keep one of the two")
            node, at = self._value(at, depth + 1)
            value[key] = Entry(place, node)
            at, more = self._after_item(at, start)
        return Node(self._span(start, at + 1), value), at + 1

    def _key(self, at: int) -> tuple[str, Place, int]:
        """The key, its place, and where its value begins."""
        if not self._text.startswith('"', at):
            raise self._no_key(at)
        key, place, end = self._quoted(at)
        colon = _COLON.match(self._text, end)
        if not colon:
            raise self._syntax(self._skip(end), "a colon is missing after the key", 'write `"key": value`')
        return key, place, colon.end()

    def _list(self, start: int, depth: int) -> tuple[Node, int]:
        value: list[Node] = []
        at = self._skip(start + 1)
        more = not self._text.startswith("]", at)
        while more:
            node, at = self._value(at, depth + 1)
            value.append(node)
            at, more = self._after_item(at, start)
        return Node(self._span(start, at + 1), value), at + 1

    def _after_item(self, at: int, start: int) -> tuple[int, bool]:
        """Where the next item begins, or the closing bracket stands, and whether there is a next item."""
        closing = "}" if self._text[start] == "{" else "]"
        comma = _COMMA.match(self._text, at)
        if not comma:
            return self._closing(self._skip(at), start, closing), False
        if self._text.startswith(closing, comma.end()):
            raise self._syntax(self._skip(at), f"a comma before the closing {closing}", "remove the comma")
        return comma.end(), True

    def _closing(self, at: int, start: int, closing: str) -> int:
        if not self._text.startswith(closing, at):
            raise self._no_comma(at, start, closing)
        return at

    def _string(self, start: int) -> tuple[Node, int]:
        value, place, end = self._quoted(start)
        return Node(place, value, self._text[start:end]), end

    def _quoted(self, start: int) -> tuple[str, Place, int]:
        """The text in quotes, its place, and the index after it."""
        try:
            value, end = scanstring(self._text, start + 1, True)  # noqa: FBT003 (strict, as json.loads)
        except JSONDecodeError as broken:
            raise self._broken_string(broken, start) from None
        place = self._lines.place(start, end - start)
        if not value.isascii() and _HALF_CHARACTER.search(value):
            self._complain("E017", "half of a character: a surrogate must come in a pair", place,
                           "write the character itself; a file in UTF-8 holds any")
        return value, place, end

    def _number(self, start: int) -> tuple[Node, int] | None:
        found = _NUMBER.match(self._text, start)
        if not found:
            return None
        place = self._span(start, found.end())
        if found.end() - start > DIGITS_MAX:
            raise self._stop("E017", f"a number of more than {DIGITS_MAX} characters", start)
        value = float(found[0]) if found["fraction"] or found["exponent"] else int(found[0])
        if value in (math.inf, -math.inf):
            self._complain("E018", "the number is too large", place, "the largest is about 1.8e308")
        return Node(place, value, found[0]), found.end()

    def _word(self, start: int) -> tuple[Node, int]:
        found = _WORD.match(self._text, start)
        if not found:
            raise self._no_value(start)
        word, end = found[0], found.end()
        if word in _WORDS:
            return Node(self._span(start, end), _WORDS[word], word), end
        if word in _NO_NUMBERS:
            self._complain("E018", f"JSON has no {word}", self._span(start, end), "write a number, or null")
            return Node(self._span(start, end), _NO_NUMBERS[word], word), end
        known = {"none": "null"}.get(word.lower(), word.lower())
        advice = f"write `{known}`" if known in _WORDS else f'write `"{_printable(word)}"`'
        raise self._syntax(start, "text without quotes", advice, len(word))

    def _skip(self, at: int) -> int:
        blank = _BLANK.match(self._text, at)
        return blank.end() if blank else at

    def _span(self, start: int, end: int) -> Place:
        """From `start` to `end`, or only the first character of what has several lines."""
        several = self._text.find("\n", start, end) >= 0
        return self._lines.place(start, 1 if several else end - start)

    def _complain(self, code: str, message: str, place: Place, advice: str) -> None:
        self.findings.append(Finding(code=code, message=message, place=place, help=advice))

    def _stop(self, code: str, message: str, at: int) -> Unreadable:
        return Unreadable(Finding(code=code, message=message, place=self._lines.place(at)))

    def _syntax(self, at: int, message: str, advice: str, length: int = 1) -> Unreadable:
        return Unreadable(Finding(code="E009", message=f"not valid JSON: {message}", help=advice,
                                  place=self._lines.place(at, length)))

    def _no_key(self, at: int) -> Unreadable:
        if at == len(self._text):
            return self._syntax(at, "the file ends inside a mapping", "close it with }")
        return self._comment(at) or self._syntax(at, "a key in double quotes is wanted here", 'write `"key": value`')

    def _no_value(self, at: int) -> Unreadable:
        if at == len(self._text):
            return self._syntax(at, "the file ends where a value is wanted", "is the file complete?")
        if self._text[at] == "'":
            return self._syntax(at, "text in single quotes", "JSON knows double quotes only")
        return self._comment(at) or self._syntax(at, "a value is wanted here", 'write text in double quotes: `"text"`')

    def _no_comma(self, at: int, start: int, closing: str) -> Unreadable:
        opened = f"the {self._text[start]} of line {self._lines.place(start).line}"
        if at == len(self._text):
            return self._syntax(start, f"{opened} is never closed", f"close it with {closing}")
        return self._comment(at) or self._syntax(at, f"a comma or a closing {closing} is wanted here",
                                                 f"it belongs to {opened}")

    def _comment(self, at: int) -> Unreadable | None:
        if not self._text.startswith(("#", "//", "/*"), at):
            return None
        return self._syntax(at, "a comment", "JSON has none; YAML has: name the file .yaml and use #")

    def _broken_string(self, broken: JSONDecodeError, start: int) -> Unreadable:
        if broken.msg.startswith("Unterminated"):
            return self._syntax(start, "the text is never closed", 'close it with "')
        if broken.msg.startswith("Invalid control"):
            return self._syntax(min(broken.pos, len(self._text)), "a line break or control character inside text",
                                r"write \n, \t or \u0000, or close the text before it")
        return self._syntax(min(broken.pos, len(self._text)), "an escape JSON does not know",
                            r"write \\ for a backslash")


def _printable(text: str) -> str:
    """Short, and without halves of characters, which no UTF-8 file or terminal takes."""
    return text[:60].encode(errors="backslashreplace").decode()
