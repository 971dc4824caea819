"""The schedules' files, as the daemon reads them: again when one has changed, and only then."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from chaos_runner.daemon.book import Planned
from chaos_runner.errors import UsageError
from chaos_runner.experiment.findings import Severity
from chaos_runner.experiment.project import project_file_above
from chaos_runner.schedule.loading import Loaded, files_in, load_all

Marks = dict[str, tuple[int, int]]
GONE: Final = (0, 0)


class Read(Struct, frozen=True, kw_only=True):
    """What the files say now, and those that say nothing that can be followed, with the reason."""

    planned: list[Planned]
    broken: dict[str, str]


class Files:
    """Folders and files of schedules."""

    def __init__(self, named: Sequence[Path]) -> None:
        self._named = named
        self._seen: Marks = {}
        self._led_to: Marks = {}
        self._planned: dict[str, Planned] = {}

    def read(self) -> Read:
        """Reads them all. A file that could be followed before and cannot any more keeps its due times, but nothing of
        it runs: whoever is changing it may be about to add a blackout. Raises UsageError.
        """
        self._seen = self._marks()
        loaded = load_all(list(self._seen))
        broken = {one.file: _problem(one) for one in loaded if one.schedule is None}
        self._led_to = {file: _mark(file) for one in loaded for file in _led_to(one)}
        self._planned = {one.file: planned for one in loaded if (planned := self._to_plan(one, broken))}
        return Read(planned=list(self._planned.values()), broken=broken)

    def changed(self) -> bool:
        """Whether a file came, went or was changed since they were read: a schedule's, or one that it leads to."""
        try:
            return self._marks() != self._seen or any(_mark(file) != mark for file, mark in self._led_to.items())
        except UsageError:
            return False

    def forget(self) -> None:
        """As if they had changed."""
        self._seen = {}

    def _to_plan(self, one: Loaded, broken: dict[str, str]) -> Planned | None:
        if one.schedule:
            return Planned(schedule=one.schedule, grounds=one.grounds, production=one.production, notify=one.notify)
        before = self._planned.get(one.file)
        return before and structs.replace(before, invalid=f"its file cannot be followed: {broken[one.file]}")

    def _marks(self) -> Marks:
        files = [file for place in self._named for file in (files_in(place) if place.is_dir() else [str(place)])]
        for file in files:
            if _mark(file) == GONE:
                raise UsageError(f"{file}: No such file or directory")
        return {file: _mark(file) for file in files}


def _led_to(one: Loaded) -> set[str]:
    """The experiment of a schedule with what it is made of, and the `chaos.yaml` that both go by."""
    folders = {Path(one.file).parent, *([Path(one.schedule.experiment).parent] if one.schedule else [])}
    above = {str(file) for folder in folders if (file := project_file_above(folder.absolute()))}
    return above | set(one.sources) - {one.file}


def _mark(file: str) -> tuple[int, int]:
    """What changes when a file does."""
    try:
        stat = Path(file).stat()
    except OSError:
        return GONE
    return stat.st_mtime_ns, stat.st_size


def _problem(one: Loaded) -> str:
    errors = [finding for finding in one.findings if finding.severity is Severity.ERROR]
    first = errors[0] if errors else None
    return f"{first.place.file}:{first.place.line}: {first.message} ({first.code})" if first else "it says nothing"
