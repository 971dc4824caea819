"""Switching a schedule on or off in its file, and nothing else: comments, order and spaces stay as they are."""

from typing import Any, Final

from chaos_runner.errors import UsageError
from chaos_runner.experiment.document import LINE_BREAK, Document, Node, parse, plain

KEY: Final = "enabled"


def with_enabled(text: bytes, file: str, *, enabled: bool) -> bytes:
    """The file's text in which the schedule is switched so. Raises UsageError where that cannot be done safely.

    What was written is read again, and must be the same but for this key.
    """
    document = parse(text, file)
    if document.root is None or not isinstance(document.root.value, dict):
        raise UsageError(f"{file} holds no schedule")
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise UsageError(f"{file} is not UTF-8: {_BY_HAND}") from problem
    entry = document.root.value.get(KEY)
    word = "true" if enabled else "false"
    edited = _replaced(document, entry.node, decoded, word) if entry else _added(document, decoded, word)
    _check(document, edited, enabled=enabled)
    return edited.encode()


_BY_HAND: Final = f"set `{KEY}:` by hand"


def _replaced(document: Document, node: Node, text: str, word: str) -> str:
    """With another word where the value stands. Places count characters of the text without its byte order mark."""
    begin = _index(document, node, len(text) - len(document.text))
    if not node.raw or text[begin : begin + len(node.raw)] != node.raw:
        raise UsageError(f"{node.place}: {KEY} is written so that it cannot be changed safely: {_BY_HAND}")
    return text[:begin] + word + text[begin + len(node.raw) :]


def _index(document: Document, node: Node, mark: int) -> int:
    starts = [0, *(found.end() for found in LINE_BREAK.finditer(document.text))]
    return mark + starts[node.place.line - 1] + node.place.column - 1


def _added(document: Document, text: str, word: str) -> str:
    """With one more line at the end, ended as the others are."""
    ends = LINE_BREAK.search(document.text)
    newline = ends[0] if ends else "\n"
    whole = text if LINE_BREAK.search(text[-1:]) else text + newline
    return f"{whole}{KEY}: {word}{newline}"


def _check(document: Document, edited: str, *, enabled: bool) -> None:
    after = parse(edited.encode(), document.file)
    wanted = {**_data(document), KEY: enabled}
    if after.root is None or _data(after) != wanted:
        raise UsageError(f"{document.file} is written so that it cannot be changed safely: {_BY_HAND}")


def _data(document: Document) -> dict[str, Any]:
    found = plain(document.root) if document.root else {}
    return found if isinstance(found, dict) else {}
