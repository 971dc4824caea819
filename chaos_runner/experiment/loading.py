"""From a file, or standard input, to an Experiment."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from chaos_runner.errors import UsageError
from chaos_runner.experiment.build import build
from chaos_runner.experiment.document import parse
from chaos_runner.experiment.fetching import fetch, is_url
from chaos_runner.experiment.findings import Finding, Severity
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.reusable import beside

STDIN: Final = "-"


class Loaded(Struct, frozen=True, kw_only=True):
    """What came of a file: the experiment, or the findings that say why there is none.

    `text` is the file's own; `sources` has that of every file that a finding may point into, by its name.
    """

    file: str
    text: str
    sources: Mapping[str, str]
    experiment: Experiment | None
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return self.experiment is not None and not any(f.severity is Severity.ERROR for f in self.findings)


class InvalidFile(UsageError):
    """The experiment cannot be followed. Carries everything that was found."""

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(f"{loaded.file} is not a valid experiment")
        self.loaded = loaded


class Web(Struct, frozen=True):
    """How experiments are fetched: `auths` of Chaos Toolkit's settings, by host and port."""

    auths: Mapping[str, Any] = {}
    verify_tls: bool = True


NO_SETTINGS: Final = Web()


def load(file: str, web: Web = NO_SETTINGS) -> Loaded:
    """Reads a file, standard input for "-", or what an address leads to. Raises UsageError when nothing can be read."""
    if file == STDIN:
        return load_text(sys.stdin.buffer.read(), "<stdin>")
    if is_url(file) and not Path(file).exists():
        _use_modules_beside(".")
        return load_text(fetch(file, web.auths, verify_tls=web.verify_tls), file)
    _use_modules_beside(file)
    try:
        return load_text(Path(file).read_bytes(), file)
    except OSError as problem:
        raise UsageError(f"{file}: {problem.strerror}") from problem


def load_text(text: bytes, file: str) -> Loaded:
    """Reads an experiment from its text. Never raises for what stands in it."""
    document = parse(text, file)
    library = beside(file)
    experiment, findings = build(document, library)
    return Loaded(file=file, text=document.text, sources={**library.sources, file: document.text},
                  experiment=experiment, findings=tuple(findings))


def load_data(data: dict[str, Any], name: str = "<data>") -> Loaded:
    """An experiment from ordinary data, for tests and for callers who have no file."""
    import json

    return load_text(json.dumps(data, indent=2).encode(), f"{name}.json")


def _use_modules_beside(file: str) -> None:
    """Chaos Toolkit finds a project's own modules (`module: probes.checkout`) from the folder it is started in."""
    here = str(Path.cwd())
    if here not in sys.path and Path(file).exists():
        sys.path.insert(0, here)
