"""Reusable probes: `probes/*.yaml` beside the experiments, each file a mapping from names to probes.

They stand in the nearest folder `probes` with such files, looked for from the experiment's folder upwards. Files are
read when the first `use:` asks for one. `use:` lays the using place's keys over the probe's; every value keeps the
place where it was written, so a complaint points into the file whose mistake it is.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.experiment.document import BYTES_MAX, LINE_BREAK, Document, Entry, Node, parse
from chaos_runner.experiment.findings import Finding, Place, Severity
from chaos_runner.experiment.model import Comparison, Used

FOLDER: Final = "probes"
WAYS: Final = ("fault", "probe", "provider")
"""The keys that say whom to ask, or what to do."""
_ENDINGS: Final = (".yaml", ".yml", ".json")
_CONDITIONS: Final = frozenset({*Comparison, "tolerance"})


class Reusable(Struct, frozen=True, kw_only=True):
    """One probe of a library: its name, where that stands, what it says, and its part of the file's text."""

    name: str
    place: Place
    node: Node
    text: str

    @property
    def used(self) -> Used:
        """What an experiment keeps of it."""
        return Used(name=self.name, file=self.place.file, text=self.text)


class Library:
    """The reusable probes that a file in this folder can use. Never raises; what cannot be read is a finding."""

    def __init__(self, beside: Path) -> None:
        self._beside = beside

    @cached_property
    def documents(self) -> Sequence[Document]:
        """Every file, in the order of their names."""
        return [_document(file) for file in _files(self._beside)]

    @cached_property
    def probes(self) -> Sequence[Reusable]:
        """Every probe, file by file."""
        return [probe for document in self.documents for probe in _probes(document)]

    def named(self, name: str) -> list[Reusable]:
        """The probes of that name: one, none, or several where files contradict one another."""
        return [probe for probe in self.probes if probe.name == name]

    def findings_of(self, file: str) -> Sequence[Finding]:
        """What is wrong with the text of that file."""
        return [finding for document in self.documents if document.file == file for finding in document.findings]

    @property
    def errors(self) -> Sequence[Finding]:
        """Why some of the files could not be read."""
        return [finding for document in self.documents for finding in document.findings
                if finding.severity is Severity.ERROR]

    @property
    def sources(self) -> Mapping[str, str]:
        """The text of each file that was read, by the name in its places."""
        return {one.file: one.text for one in self.documents} if "documents" in vars(self) else {}


def beside(file: str) -> Library:
    """The library of an experiment; for what is no file, such as standard input, that of the folder one is in."""
    return Library(Path(file).absolute().parent)


def merged(own: Reusable, using: Node, taken: Collection[str]) -> Node:
    """The probe as it is used: of the reusable one the keys in `taken`, and over them what the using place says.

    Whom to ask is the reusable probe's alone. A condition takes the place of whichever condition there is, as `allow`
    does of `for`. Arguments are joined key by key; those of a provider are inside it.
    """
    given = {key: entry for key, entry in _entries(using).items() if key not in ("use", "type", *WAYS)}
    left_out = _displaced_by(given)
    kept = {key: entry for key, entry in _entries(own.node).items() if key in taken and key not in left_out}
    both = {"name": _name(own), **kept, **given}
    if "provider" in kept:
        both.pop("arguments", None)
        both["provider"] = _with_arguments(kept["provider"], given.get("arguments"))
    elif "arguments" in given:
        both["arguments"] = _joined(kept.get("arguments"), given["arguments"])
    return Node(using.place, both)


def _displaced_by(given: Collection[str]) -> Collection[str]:
    conditions = _CONDITIONS if _CONDITIONS.intersection(given) else frozenset()
    return {*conditions, *({"for"} if "allow" in given else ()), *({"allow"} if "for" in given else ())}


def _name(own: Reusable) -> Entry:
    return Entry(own.place, Node(own.place, own.name, own.name))


def _entries(node: Node) -> Mapping[str, Entry]:
    """The keys that are there: a null counts as absent."""
    written = node.value if isinstance(node.value, dict) else {}
    return {key: entry for key, entry in written.items() if entry.node.value is not None}


def _with_arguments(provider: Entry, given: Entry | None) -> Entry:
    if given is None or not isinstance(provider.node.value, dict):
        return provider
    inner = _entries(provider.node)
    arguments = _joined(inner.get("arguments"), given)
    return Entry(provider.key, Node(provider.node.place, {**inner, "arguments": arguments}))


def _joined(under: Entry | None, over: Entry) -> Entry:
    """Two mappings as one; anything else is replaced."""
    if under is None or not isinstance(under.node.value, dict) or not isinstance(over.node.value, dict):
        return over
    return Entry(over.key, Node(over.node.place, {**under.node.value, **_entries(over.node)}))


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def _files(beside: Path) -> Sequence[Path]:
    """Those of the nearest folder that has any."""
    for folder in (beside, *beside.parents):
        found = sorted(file for file in _listed(folder / FOLDER) if file.suffix in _ENDINGS and file.is_file())
        if found:
            return found
    return []


def _listed(folder: Path) -> Sequence[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _document(file: Path) -> Document:
    shown = _shown(file)
    try:
        with file.open("rb") as opened:
            return parse(opened.read(BYTES_MAX + 1), shown)
    except OSError as problem:
        why = Finding(code="E320", message=f"the file cannot be read: {problem.strerror}", place=Place(shown, 1, 1))
        return Document(file=shown, text="", root=None, findings=(why,))


def _shown(file: Path) -> str:
    """As a person in this folder would call it."""
    here = Path(os.path.realpath(os.curdir))
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)


def _probes(document: Document) -> Iterator[Reusable]:
    """The keys of a file that begin with x- are the author's own."""
    root = document.root
    if root is None or not isinstance(root.value, dict):
        return
    lines = LINE_BREAK.split(document.text)
    starts = sorted(entry.key.line for entry in root.value.values())
    for name, entry in root.value.items():
        if not name.startswith("x-"):
            end = next((start for start in starts if start > entry.key.line), len(lines) + 1)
            text = "\n".join(lines[entry.key.line - 1 : end - 1])
            yield Reusable(name=name, place=entry.key, node=entry.node, text=_trimmed(text))


def _trimmed(text: str) -> str:
    """Without what stands before the next probe: empty lines and comments."""
    lines = text.rstrip().split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].startswith("#")):
        lines.pop()
    return "\n".join(lines)
