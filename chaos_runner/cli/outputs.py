"""`--output`: where a run is told of beside its own folder. In a pipeline the right forms are chosen by themselves."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from msgspec import Struct

from chaos_runner.cli.complained import Complained
from chaos_runner.errors import ChaosRunnerError, UsageError
from chaos_runner.report.writing import check_writable

if TYPE_CHECKING:
    from chaos_runner.report.notices import GotWorse, NoRun

SUMMARY_VARIABLE: Final = "GITHUB_STEP_SUMMARY"
FILES: Final = {"junit": "junit.xml", "md": "report.md", "json": "outcome.json", "html": "report.html",
                "pdf": "report.pdf", "chaostoolkit": "journal.json", "gitlab": "gl-code-quality-report.json"}
"""Every form that is a file, and what it is called in the current folder when no other file is named."""
_ONE_RUN: Final = frozenset(("html", "pdf", "chaostoolkit"))
_GITHUB, _NONE = "github", "none"
NAMES: Final = (_GITHUB, *FILES, _NONE)
CHOSEN_IN: Final = {"GITHUB_ACTIONS": (_GITHUB,), "GITLAB_CI": ("gitlab", "junit=gl-junit-report.xml")}
"""What is chosen where nothing was asked for, by the variable that a pipeline sets."""
_ROOTS: Final = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


class Told(Struct, frozen=True, kw_only=True):
    """What there is to tell at the end: the folder of each run, or why there is none, how some of them do beside a
    baseline, and the result as JSON.
    """

    runs: "Sequence[Path | NoRun | GotWorse]"
    result: bytes


class Outputs(Struct, frozen=True, kw_only=True):
    """Where to tell it: `files` by form, and whether GitHub is told, with the file of the step's summary."""

    files: Mapping[str, Path] = {}
    github: bool = False
    summary: Path | None = None
    root: str = ""

    @classmethod
    def of(cls, asked: Sequence[str], environment: Mapping[str, str]) -> "Outputs":
        """Those that were asked for, else those that the pipeline wants. Raises UsageError."""
        wanted = _named(asked or _chosen(environment))
        summary = environment.get(SUMMARY_VARIABLE)
        return cls(files={name: path for name, path in wanted.items() if name in FILES}, github=_GITHUB in wanted,
                   summary=Path(summary).absolute() if summary else None,
                   root=next(filter(None, map(environment.get, _ROOTS)), "") or str(Path.cwd()))

    @property
    def any(self) -> bool:
        return self.github or bool(self.files)

    def make_ready(self, sources: Sequence[str] = ()) -> None:
        """Every file can be written, and none of an earlier run speaks for this one. Raises UsageError."""
        kept = {Path(source).absolute() for source in sources}
        for name, path in self.files.items():
            if len(sources) > 1 and name in _ONE_RUN:
                raise UsageError(f"--output {name} tells of one run, and there are {len(sources)} files")
            if path.absolute() in kept:
                raise UsageError(f"--output {name}: {path} is named twice, or is what is to be run")
            kept.add(path.absolute())
            check_writable(path, f"--output {name}:")
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def tell(self, told: Told, say: Callable[[str], object]) -> list[str]:
        """Writes and says everything, and gives what could not be: a verdict stands, whoever cannot be told of it."""
        if not self.any:
            return []
        from chaos_runner.cli.telling import tell

        return tell(self, told, say)

    @contextmanager
    def telling_why_nothing_ran(self, files: Sequence[str], *, aside: bool) -> Iterator[None]:
        """While this lasts, an error that ends the command is told too. `aside`: standard output is not for talk."""
        try:
            yield
        except (ChaosRunnerError, Complained) as problem:
            self._tell_of_none(files, problem, aside=aside)
            raise

    def _tell_of_none(self, files: Sequence[str], problem: "ChaosRunnerError | Complained", *, aside: bool) -> None:
        if not self.any:
            return
        from chaos_runner.cli.telling import no_run, result_of_none

        none = no_run(files[0] if len(files) == 1 else "", problem)
        for said in self.tell(Told(runs=[none], result=result_of_none(none)), lambda line: click.echo(line, err=aside)):
            click.echo(f"warning: {said}", err=True)


def _chosen(environment: Mapping[str, str]) -> Sequence[str]:
    return [name for variable, names in CHOSEN_IN.items() if environment.get(variable) == "true" for name in names]


def _named(asked: Sequence[str]) -> dict[str, Path]:
    """The forms by name, each with its file. Raises UsageError."""
    found: dict[str, Path] = {}
    for word in (word.strip() for words in asked for word in words.split(",")):
        name, equals, file = word.partition("=")
        if name not in NAMES:
            raise UsageError(f"--output {word}: there are {', '.join(NAMES)}; a file goes behind `=`, as in junit=F")
        if equals and (file in ("", "-") or name not in FILES):
            raise UsageError(f"--output {word}: " + ("name a file behind `=`" if name in FILES else "takes no file"))
        if name in found:
            raise UsageError(f"--output {name} is named twice")
        found[name] = Path(file or FILES.get(name, os.devnull)).absolute()  # a step may go elsewhere
    if _NONE in found and len(found) > 1:
        raise UsageError("--output none stands alone")
    return found
