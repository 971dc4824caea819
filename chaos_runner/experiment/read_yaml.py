"""YAML with places. PyYAML composes and its own constructors make the values, so they equal those of yaml.safe_load."""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from chaos_runner.experiment.document import (
    DEPTH_MAX,
    DIGITS_MAX,
    LINE_BREAK,
    NODES_MAX,
    Document,
    Entry,
    Lines,
    Node,
    Scalar,
    Unreadable,
)
from chaos_runner.experiment.findings import Finding, Place

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # a PyYAML built without libyaml: the same values, ten times as slow
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

_TAG: Final = "tag:yaml.org,2002:"
_STR, _NULL, _BOOL, _INT, _FLOAT, _MAP, _SEQ, _MERGE, _VALUE = (
    _TAG + name for name in ("str", "null", "bool", "int", "float", "map", "seq", "merge", "value"))
_KINDS: Final = {_STR: "text", _NULL: "nothing", _BOOL: "true or false", _INT: "a number", _FLOAT: "a number",
                 _TAG + "timestamp": "a date", _TAG + "binary": "bytes in base 64"}
"""The scalars there are, in words."""
_BAD_SCALAR: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, yaml.YAMLError)
"""What PyYAML's constructors raise on text that does not fit the tag, such as 2024-13-45 or `!!bool maybe`."""
_NOT_PRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_BREAKS_OF_YAML_ALONE: Final = re.compile("[\x85\u2028\u2029]")
_WORD_FOR_BOOL: Final = frozenset({"yes", "no", "on", "off"})
_OCTAL: Final = re.compile("[-+]?0[0-7_]+")

_SYNTAX: Final = (
    ("mapping values are not allowed", "a key is not possible here",
     "put quotes around text that holds `: `, or line this key up with the one above it"),
    ("could not find expected ':'", "a key without a colon", "write `key: value`, or put quotes around the text"),
    ("unexpected end of stream", "the quote is never closed", "close it"),
    ("unknown escape character", "an escape YAML does not know", r"write \\ for a backslash, or use single quotes"),
    ("escape character code", "an escape that names no character", "write the character itself"),
    ("character that cannot start any token", "text cannot begin with this character", "put quotes around the text"),
    ("alphabetic or numeric character", "* and & are YAML's aliases and anchors", "put quotes around the text"),
    ("expected key", "this does not line up with the keys above it",
     "use the indentation of the other keys; after a closing quote nothing may follow"),
    ("expected '-'", "this does not line up with the list above it", "begin it with `- `, or indent it differently"),
    ("',' or ']'", "the [ is not closed, or a comma is missing",
     "put quotes around text that holds [ ] { } or a comma"),
    ("',' or '}'", "the { is not closed, or a comma is missing",
     "put quotes around text that holds [ ] { } or a comma, such as \"${name}\""),
    ("block sequence entries are not allowed", "a list cannot begin on the line of its key", "put it on the next line"),
    ("document start", "a second document without ---", "one file holds one document"),
)
"""PyYAML's words, what we say instead, and the way out."""


def read(text: str, file: str) -> Document:
    """Never raises: what is wrong stands in the findings."""
    reader = _Reader(text, file)
    root: Node | None = None
    try:
        root = reader.document()
    except Unreadable as broken:
        reader.complain(broken.finding)
    except yaml.YAMLError as broken:
        reader.complain(reader.in_our_words(broken))
    return Document(file=file, text=text, root=root, findings=tuple(reader.findings))


class _TooMuch(ValueError):
    """Composing met a limit: `node` is the collection in which it was met."""

    def __init__(self, code: str, node: yaml.Node | None) -> None:
        super().__init__(code)
        self.code = code
        self.node = node


class _Loader(_SafeLoader):
    """Counts while it composes: nothing else would stop a deep file before the C stack ends."""

    depth = 0
    count = 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:  # noqa: ARG002 (PyYAML's)
        self.depth += 1
        self.count += 1
        if self.depth > DEPTH_MAX:
            raise _TooMuch("E013", current_node)
        if self.count > NODES_MAX:
            raise _TooMuch("E014", current_node)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class _Reader:
    """One file. `findings` keeps its order and says nothing twice, however often an anchor is used."""

    def __init__(self, text: str, file: str) -> None:
        self.findings: dict[Finding, None] = {}
        self._text = text
        self._file = file
        self._lines = Lines(text, file) if _BREAKS_OF_YAML_ALONE.search(text) else None
        self._count = 0
        self._open: set[int] = set()

    def document(self) -> Node:
        """Raises Unreadable or yaml.YAMLError."""
        control = _NOT_PRINTABLE.search(self._text)
        if control:
            raise Unreadable(Finding(
                code="E003", message="the file holds a control character",
                place=Lines(self._text, self._file).place(control.start()), found=f"U+{ord(control[0]):04X}",
                help=r'remove it, or write it as an escape inside double quotes, such as "\x1b"'))
        self._loader = _Loader(self._text)
        try:
            return self._only_document()
        except _TooMuch as met:
            raise Unreadable(self._too_much(met.code, met.node)) from None
        finally:
            self._loader.dispose()

    def _only_document(self) -> Node:
        composed = self._loader.get_node() if self._loader.check_node() else None
        if composed is None:
            raise Unreadable(Finding(code="E004", message="the file is empty", place=Place(self._file, 1, 1)))
        root = self._node(composed, 1)
        self._expect_the_end()
        return root

    def _expect_the_end(self) -> None:
        """What comes after the first document is said beside everything about the first one."""
        try:
            after = self._loader.peek_event()
            if after is not None and not isinstance(after, yaml.StreamEndEvent):
                self.complain(Finding(
                    code="E006", message="a second document begins here", help="one file holds one document",
                    place=self._at(after.start_mark, len("---"))))
        except yaml.YAMLError as broken:
            self.complain(self.in_our_words(broken))

    def complain(self, finding: Finding) -> None:
        self.findings[finding] = None

    # Values

    def _node(self, node: yaml.Node, depth: int) -> Node:
        self._count += 1
        if self._count > NODES_MAX:
            raise _TooMuch("E014", node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise Unreadable(self._about(node, "E015", "the anchor contains an alias of itself",
                                         "write out what is meant"))
        if depth > DEPTH_MAX:
            raise _TooMuch("E013", node)
        self._open.add(id(node))
        value = self._mapping(node, depth) if isinstance(node, yaml.MappingNode) else self._list(node, depth)
        self._open.discard(id(node))
        return Node(self._place(node), value)

    def _list(self, node: yaml.Node, depth: int) -> list[Node]:
        self._check_tag(node, _SEQ)
        return [self._node(item, depth + 1) for item in node.value]

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Entry]:
        """Merged keys first, as PyYAML does it, so that the mapping's own win."""
        self._check_tag(node, _MAP)
        value: dict[str, Entry] = {}
        for merged in self._merges(node):
            value.update(self._merged(merged, depth))
        own: dict[str, Entry] = {}
        for key, item in node.value:
            if key.tag != _MERGE:
                self._add(own, key, self._node(item, depth + 1))
        value.update(own)
        return value

    def _add(self, own: dict[str, Entry], key: yaml.Node, node: Node) -> None:
        if key.tag not in (_STR, _VALUE) or not isinstance(key, yaml.ScalarNode):
            self.complain(self._key_is_not_text(key))
            if isinstance(key, yaml.ScalarNode):
                own.setdefault(key.value, Entry(self._place(key), node))
            return
        name, place = key.value, self._place(key)
        if name in own:
            self.complain(Finding(
                code="E010", message=f'the key "{name}" stands here a second time', place=place,
                help=f"it first stands in line {own[name].key.line}; keep one of the two"))
        own[name] = Entry(place, node)

    def _merges(self, node: yaml.MappingNode) -> Iterator[yaml.Node]:
        """What `<<` brings in, the weakest first: in a list of mappings the first one wins."""
        for key, item in node.value:
            if key.tag == _MERGE:
                yield from reversed(item.value) if isinstance(item, yaml.SequenceNode) else (item,)

    def _merged(self, node: yaml.Node, depth: int) -> dict[str, Entry]:
        value = self._node(node, depth + 1).value
        if isinstance(value, dict):
            return value
        self.complain(self._about(node, "E019", "<< takes a mapping or a list of mappings", "write `<<: *anchor`"))
        return {}

    def _scalar(self, node: yaml.ScalarNode) -> Node:
        place = self._place(node)
        raw = self._text[node.start_mark.index : node.end_mark.index]
        if node.tag == _STR:
            return Node(place, node.value, raw)
        return Node(place, self._resolved(node, place), raw)

    def _resolved(self, node: yaml.ScalarNode, place: Place) -> Scalar:
        """A scalar that is not text, as PyYAML's constructor makes it; its own text where that is impossible."""
        if node.tag not in _KINDS:
            self.complain(self._unknown_tag(node))
            return str(node.value)
        if node.tag in (_INT, _FLOAT) and len(node.value) > DIGITS_MAX:
            raise Unreadable(self._about(node, "E017", f"a number of more than {DIGITS_MAX} characters"))
        try:
            value: Scalar = self._loader.yaml_constructors[node.tag](self._loader, node)
        except _BAD_SCALAR:
            self.complain(self._about(node, "E017", f"this looks like {_KINDS[node.tag]} but is none",
                                      "put quotes around text", found=node.value))
            return str(node.value)
        if not node.style:
            self._warn_of_surprise(node.value, value, place)
        return value

    def _warn_of_surprise(self, text: str, value: Scalar, place: Place) -> None:
        if isinstance(value, bool):
            if text.lower() in _WORD_FOR_BOOL:
                self._warn("W001", text, "true" if value else "false", place)
        elif isinstance(value, int | float) and ":" in text:
            self._warn("W003", text, f"{value}, in base 60", place)
        elif isinstance(value, int) and _OCTAL.fullmatch(text):
            self._warn("W002", text, f"{value}, in base 8", place)

    def _warn(self, code: str, text: str, read_as: str, place: Place) -> None:
        plainly = read_as.split(",", maxsplit=1)[0]
        self.complain(Finding(code=code, message=f"{text} is read as {read_as}", place=place,
                              help=f'write `"{text}"` for the text, or `{plainly}` for what it is read as'))

    # Complaints

    def _check_tag(self, node: yaml.Node, wanted: str) -> None:
        if node.tag != wanted:
            self.complain(self._unknown_tag(node))

    def _unknown_tag(self, node: yaml.Node) -> Finding:
        if node.tag in (_VALUE, _MERGE):
            return self._about(node, "E012", f"{node.value} alone has a meaning of its own in YAML",
                               f'write `"{node.value}"`')
        tag = node.tag.replace(_TAG, "!!")
        return self._about(node, "E012", f"the tag {tag} has no meaning here",
                           "write the value itself; a file cannot make objects")

    def _key_is_not_text(self, key: yaml.Node) -> Finding:
        if not isinstance(key, yaml.ScalarNode):
            return self._about(key, "E011", "a mapping or a list cannot be a key",
                               'text that begins with { or [ needs quotes: `"{{ name }}"`')
        if not key.value:
            return self._about(key, "E011", "the key is missing", "write `key: value`")
        kind = _KINDS.get(key.tag, f"the tag {key.tag}")
        if key.tag == _BOOL and key.value.lower() in _WORD_FOR_BOOL:
            kind = f"the truth value {'true' if key.value.lower() in ('yes', 'on') else 'false'}"
        return self._about(key, "E011", f"the key {key.value} is read as {kind}, and a key is text",
                           f'write `"{key.value}":`')

    def _too_much(self, code: str, node: yaml.Node | None) -> Finding:
        place = self._at(node.start_mark) if node else Place(self._file, 1, 1)
        if code == "E013":
            return Finding(code=code, place=place, help="aliases count as what they stand for",
                           message=f"more than {DEPTH_MAX} mappings and lists inside one another")
        return Finding(code=code, message=f"the file holds more than {NODES_MAX:,} values", place=place,
                       help="each use of an alias counts anew")

    def in_our_words(self, broken: yaml.YAMLError) -> Finding:
        """A finding for whatever PyYAML raises."""
        if not isinstance(broken, yaml.MarkedYAMLError) or broken.problem_mark is None:
            return Finding(code="E007", message=f"not valid YAML: {broken}", place=Place(self._file, 1, 1))
        problem, mark = broken.problem or "", broken.problem_mark
        if "undefined alias" in problem or "second occurrence" in problem:
            return self._bad_anchor(broken)
        if self._text.startswith("\t", mark.index):
            return Finding(code="E008", message="a tab in the indentation", place=self._at(mark),
                           help="indent with spaces")
        return self._bad_syntax(problem, broken)

    def _bad_syntax(self, problem: str, broken: yaml.MarkedYAMLError) -> Finding:
        mark = broken.problem_mark
        if "end of stream" in problem and broken.context_mark:
            mark = broken.context_mark  # where the quote was opened: the end of the file tells nobody anything
        for words, message, advice in _SYNTAX:
            if words in problem:
                return Finding(code="E007", message=f"not valid YAML: {message}", place=self._at(mark), help=advice)
        context = f"{broken.context}, " if broken.context else ""
        return Finding(code="E007", message=f"not valid YAML: {context}{problem}", place=self._at(mark))

    def _bad_anchor(self, broken: yaml.MarkedYAMLError) -> Finding:
        name = self._word_at(broken.problem_mark)
        if "undefined" in (broken.problem or ""):
            return Finding(code="E016", message=f"the alias {name} has no anchor above it",
                           place=self._at(broken.problem_mark, len(name)),
                           help=f"write `&{name[1:]}` where it is defined, or quotes around text that begins with *")
        return Finding(code="E016", message=f"the anchor {name} is defined a second time",
                       place=self._at(broken.problem_mark, len(name)), help="give it another name")

    def _word_at(self, mark: Any) -> str:
        found = re.compile(r"[&*][-\w]+").match(self._text, mark.index)
        return found[0] if found else "*"

    def _about(self, node: yaml.Node, code: str, message: str, advice: str = "", *, found: str = "") -> Finding:
        return Finding(code=code, message=message, place=self._place(node), help=advice, found=found)

    # Places

    def _place(self, node: yaml.Node) -> Place:
        start, end = node.start_mark, node.end_mark
        if start.line == end.line:
            return self._at(start, end.column - start.column)
        return self._at(start, self._rest_of_line(start.index) if isinstance(node, yaml.ScalarNode) else 1)

    def _at(self, mark: Any, length: int = 1) -> Place:
        """Where editors see the mark: PyYAML's lines are other ones when the file holds breaks of YAML alone."""
        if self._lines is not None:
            return self._lines.place(mark.index, length)
        return Place(self._file, mark.line + 1, mark.column + 1, max(length, 1))

    def _rest_of_line(self, start: int) -> int:
        """The length of what stands in the first line of a text of several lines."""
        found = LINE_BREAK.search(self._text, start)
        return (found.start() if found else len(self._text)) - start
