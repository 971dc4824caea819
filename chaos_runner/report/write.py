"""Every report of a run, in its folder. A form's own module is imported when that form is written."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from chaos_runner.journal.record import Record
from chaos_runner.report.story import Story
from chaos_runner.report.text import as_json
from chaos_runner.report.writing import write
from chaos_runner.run.run import Run

if TYPE_CHECKING:
    from chaos_runner.report.last import Last


class Format(NamedTuple):
    """One way to tell of a run: the file it is written to, and what stands in it."""

    file: str
    told: Callable[[Story], str | bytes]


def _html(story: Story) -> str:
    from chaos_runner.report import page

    return page.of(story)


def _markdown(story: Story) -> str:
    from chaos_runner.report import markdown

    return markdown.texts([story])


def _junit(story: Story) -> str:
    from chaos_runner.report import junit

    return junit.suites([story])


def _chaostoolkit(story: Story) -> str:
    from chaos_runner.report import chaostoolkit

    return as_json(chaostoolkit.journal_of(story))


def _github(story: Story) -> str:
    from chaos_runner.report import github

    return "".join(f"{line}\n" for line in github.annotations([story]))


def _gitlab(story: Story) -> str:
    from chaos_runner.report import gitlab

    return gitlab.code_quality([story])


def _pdf(story: Story) -> bytes:
    from chaos_runner.report import pdf

    return pdf.of(story)


FORMATS: Final[Mapping[str, Format]] = {
    "html": Format("report.html", _html),
    "md": Format("report.md", _markdown),
    "junit": Format("junit.xml", _junit),
    "chaostoolkit": Format("journal.json", _chaostoolkit),
    "github": Format("github-annotations.txt", _github),
    "gitlab": Format("gl-code-quality-report.json", _gitlab),
    "pdf": Format("report.pdf", _pdf),
}
ALWAYS: Final = ("html", "md", "junit", "chaostoolkit")
"""Those that every run leaves in its folder: they cost next to nothing."""


def write_all(run: Run, records: Sequence[Record], folder: Path, formats: Iterable[str] = ALWAYS,
              last: "Last | None" = None) -> list[Path]:
    """Writes the run in these formats and gives the files. Raises OSError when the folder cannot be written, and
    NotPrinted for a PDF without a browser.

    `last` is the run before it of the same experiment, with which the page compares.
    """
    story, chosen = Story.of(run, records, last), [FORMATS[name] for name in formats]
    for form in chosen:
        write(folder / form.file, form.told(story))
    return [folder / form.file for form in chosen]
