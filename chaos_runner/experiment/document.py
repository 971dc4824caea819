"""The text layer: bytes become values that know where they stand, whatever the bytes are.

Nothing here knows what an experiment is. YAML is read as PyYAML reads it and JSON as `json` does, so the values are
those Chaos Toolkit would see; every value and every key also has its file, line and column.
"""

import re
from bisect import bisect_right
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from chaos_runner.experiment.findings import Finding, Place

BYTES_MAX: Final = 10 * 1024 * 1024
"""A larger file is not read."""
DEPTH_MAX: Final = 100
"""Mappings and lists inside one another. Far below where Python's own recursion ends."""
NODES_MAX: Final = 30_000
"""Values in one file, each use of an alias counted anew: what keeps a page of text from becoming a gigabyte."""
DIGITS_MAX: Final = 1000
"""Characters of one number. Python refuses to print a number of more than 4300 digits."""
LINE_BREAK: Final = re.compile("\r\n|\n|\r")
"""Where editors end a line. YAML ends one at U+0085, U+2028 and U+2029 too."""

Scalar = str | int | float | bool | date | bytes | None
"""What is neither a mapping nor a list. A datetime is a date; bytes come from `!!binary` alone."""

_LOOKS_LIKE_JSON: Final = re.compile(r"\s*[{\[]")
_NOT_JSON: Final = frozenset({"E009", "E018"})
_KINDS: Final = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a whole number",
                 float: "a number", bytes: "bytes", type(None): "nothing"}


class Node(Struct, frozen=True, gc=False):
    """A value and where it stands. `raw` is a scalar as written, quotes included; "" for mappings and lists.

    What an alias or a merge key brings stands where it was written, not where it is used.
    """

    place: Place
    value: "Scalar | dict[str, Entry] | list[Node]"
    raw: str = ""

    @property
    def kind(self) -> str:
        """What it is, in words for a complaint: "a mapping", "text", "a whole number"."""
        return _KINDS.get(type(self.value), "a date")


class Entry(Struct, frozen=True, gc=False):
    """One line of a mapping: where its key stands, and its value."""

    key: Place
    node: Node


class Document(Struct, frozen=True, kw_only=True):
    """A file as read. `root` is None when nothing could be read; then `findings` holds an error that says why.

    `text` is the whole file without its byte order mark, for excerpts; "" when the file is too large.
    """

    file: str
    text: str
    root: Node | None
    findings: tuple[Finding, ...] = ()


class Unreadable(ValueError):
    """Reading cannot go on. Never leaves the text layer: `parse` turns it into the finding it carries."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class Lines:
    """Turns an index into a text into a place in it."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._starts = [0, *(found.end() for found in LINE_BREAK.finditer(text))]

    def place(self, index: int, length: int = 1) -> Place:
        """The place of the character at `index`, counting from 0; `length` is at least 1 in the place."""
        line = bisect_right(self._starts, index)
        return Place(self._file, line, index - self._starts[line - 1] + 1, max(length, 1))


def parse(text: bytes, file: str) -> Document:
    """Reads YAML or JSON. Never raises, whatever the bytes: what is wrong stands in the document's findings.

    A file is JSON when its name ends in .json or its text begins with { or [; one that begins so but is not JSON after
    all, and is not named .json, is read as YAML.
    """
    if len(text) > BYTES_MAX:
        return _unread(file, "", _too_large(len(text), file))
    try:
        decoded = _decoded(text)
    except UnicodeDecodeError as broken:
        return _not_text(broken, file)
    nul = decoded.find("\0")
    if nul >= 0:
        return _unread(file, decoded, _holds_nul(Lines(decoded, file).place(nul)))
    return _with_shape_checked(_read(decoded, file))


def plain(node: Node) -> Any:
    """The value as ordinary Python data, as yaml.safe_load or json.loads gives it."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(entry.node) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _read(text: str, file: str) -> Document:
    """As JSON, as YAML, or as the second after the first."""
    named_json = file.lower().endswith(".json")
    if not named_json and not _LOOKS_LIKE_JSON.match(text):
        return _read_yaml(text, file)
    as_json = _read_json(text, file)
    if named_json or not _codes(as_json.findings) & _NOT_JSON:
        return as_json
    as_yaml = _read_yaml(text, file)
    named_yaml = file.lower().endswith((".yaml", ".yml"))
    return as_yaml if as_yaml.root or named_yaml else as_json


def _read_json(text: str, file: str) -> Document:
    from chaos_runner.experiment.read_json import read

    return read(text, file)


def _read_yaml(text: str, file: str) -> Document:
    from chaos_runner.experiment.read_yaml import read

    return read(text, file)


def _codes(findings: Iterable[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def _decoded(text: bytes) -> str:
    """UTF-8, with or without its mark, or UTF-16 with one. Raises UnicodeDecodeError."""
    for mark, codec in ((BOM_UTF8, "utf-8"), (BOM_UTF16_LE, "utf-16-le"), (BOM_UTF16_BE, "utf-16-be")):
        if text.startswith(mark):
            return text[len(mark):].decode(codec)
    return text.decode()


def _with_shape_checked(document: Document) -> Document:
    """A complaint when the file holds a list or a single value: all files of ours are mappings."""
    root = document.root
    if root is None or isinstance(root.value, dict):
        return document
    shape = Finding(code="E005", message=f"the file holds {root.kind} where a mapping is wanted", place=root.place,
                    help="begin with keys such as `title: ...`")
    return replace(document, findings=(*document.findings, shape))


def _unread(file: str, text: str, finding: Finding) -> Document:
    return Document(file=file, text=text, root=None, findings=(finding,))


def _too_large(size_bytes: int, file: str) -> Finding:
    return Finding(code="E001", message=f"the file is larger than {BYTES_MAX // 1024**2} MiB", place=Place(file, 1, 1),
                   found=f"{size_bytes} bytes", help="is this the file you meant?")


def _not_text(broken: UnicodeDecodeError, file: str) -> Document:
    """The excerpt shows a replacement character where the bytes could not be read."""
    name = "UTF-8" if broken.encoding == "utf-8" else "UTF-16"
    before = broken.object[: broken.start].decode(broken.encoding, errors="replace")
    text = broken.object.decode(broken.encoding, errors="replace")
    return _unread(file, text, Finding(
        code="E002", message=f"the file is not {name} text (byte offset {broken.start})",
        place=Lines(text, file).place(len(before)), found=f"byte 0x{broken.object[broken.start]:02x}",
        help="save the file as UTF-8"))


def _holds_nul(place: Place) -> Finding:
    return Finding(code="E003", message="the file holds a NUL character", place=place, found="U+0000",
                   help="save the file as UTF-8; UTF-16 without a byte order mark looks like this")
