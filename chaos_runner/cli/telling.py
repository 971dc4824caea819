"""Writing and saying what `--output` asks for. Imported when a run is over: reports are heavy."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from chaos_runner.cli.complained import Complained
from chaos_runner.cli.outputs import Outputs, Told
from chaos_runner.errors import ChaosRunnerError
from chaos_runner.journal.reader import JournalUnreadable, read
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.report import github, gitlab, junit, markdown
from chaos_runner.report.notices import GotWorse, NoRun, Subject
from chaos_runner.report.story import Story
from chaos_runner.report.write import FORMATS
from chaos_runner.report.writing import write

Form = Callable[[Sequence[Subject], Outputs, Told], str | bytes]


def tell(outputs: Outputs, told: Told, say: Callable[[str], object]) -> list[str]:
    """Every file, the step's summary, and the annotations. Gives what could not be written."""
    subjects = [_subject(run) for run in told.runs]
    problems = list(_write(outputs, subjects, told))
    if outputs.github:
        if outputs.summary:
            problems += _summarise(outputs.summary, subjects)
        with suppress(OSError, ValueError):
            for line in github.annotations(subjects, outputs.root):
                say(line)
    return problems


def no_run(file: str, problem: ChaosRunnerError | Complained) -> NoRun:
    """Why there is no run, as reports tell it."""
    if isinstance(problem, Complained):
        return NoRun(file=file, exit=problem.exit_code, text="", findings=problem.findings)
    return NoRun(file=file, exit=problem.exit_code, text=str(problem))


def result_of_none(none: NoRun) -> bytes:
    """What stands where an outcome would: as much as is known."""
    return msgspec.json.encode({"file": none.file, "verdict": none.verdict, "exit": none.exit})


def _subject(run: Path | NoRun | GotWorse) -> Subject:
    if isinstance(run, NoRun | GotWorse):
        return run
    try:
        return Story.of(*read(run / JOURNAL))
    except JournalUnreadable as problem:
        return NoRun(file=str(run / JOURNAL), exit=problem.exit_code, text=str(problem))


def _write(outputs: Outputs, subjects: Sequence[Subject], told: Told) -> Iterator[str]:
    for name, path in outputs.files.items():
        try:
            if name in _FORMS:
                write(path, _FORMS[name](subjects, outputs, told))
            else:
                _write_one(name, path, subjects)
        except (OSError, ChaosRunnerError) as problem:
            yield f"--output {name}: {path} could not be written: {problem}"


def _write_one(name: str, path: Path, subjects: Sequence[Subject]) -> None:
    """A form that tells of one run. What never became one leaves nothing there."""
    for subject in subjects:
        if isinstance(subject, Story):
            write(path, FORMATS[name].told(subject))


def _summarise(path: Path, subjects: Sequence[Subject]) -> Iterator[str]:
    """Adds to what the step's summary already has. Above GitHub's limit all of it would be dropped."""
    try:
        there = path.stat().st_size if path.exists() else 0
        told = markdown.texts(subjects, github.SUMMARY_MOST - there - 1)
        with path.open("a", encoding="utf-8", newline="\n") as summary:
            summary.write(f"\n{told}" if there and told else told)
    except OSError as problem:
        yield f"the step's summary {path} could not be written: {problem.strerror}"


_FORMS: Final[dict[str, Form]] = {
    "junit": lambda subjects, _, __: junit.suites(subjects),
    "md": lambda subjects, _, __: markdown.texts(subjects),
    "gitlab": lambda subjects, outputs, _: gitlab.code_quality(subjects, outputs.root),
    "json": lambda _, __, told: told.result + b"\n",
}
"""The forms that tell of several runs at once."""
