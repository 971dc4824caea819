"""From a file to a game day that knows its experiments: how long each may take, and what is committed to."""

from collections.abc import Mapping
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from chaos_runner import shelf
from chaos_runner.errors import ChaosRunnerError, UsageError
from chaos_runner.experiment.document import parse
from chaos_runner.experiment.findings import Finding, Severity
from chaos_runner.experiment.loading import load as load_experiment
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.project import InvalidSettings, surroundings
from chaos_runner.experiment.toolkit import Overrides, load_values, with_overrides
from chaos_runner.experiment.values import Values
from chaos_runner.gameday import reading
from chaos_runner.gameday.events import Committed, Planned
from chaos_runner.gameday.model import SEALED, GameDay, Item, Kind
from chaos_runner.plan.build import longest_of
from chaos_runner.units import spoken_seconds

SEALED_STEP_S: Final = 60.0
"""The time of a sealed item is told in whole minutes: to the second it would tell which experiment it is."""


class Loaded(Struct, frozen=True, kw_only=True):
    """What came of a file: the game day, or the findings that say why there is none.

    Of sealed experiments there are only errors: a warning would tell which they are.
    """

    file: str
    day: GameDay | None
    findings: tuple[Finding, ...]
    sources: Mapping[str, str]


class _Asked(Struct, frozen=True, kw_only=True):
    item: Item
    findings: tuple[Finding, ...] = ()
    sources: Mapping[str, str] = {}


def load(file: str, env: str = "") -> Loaded:
    """Reads a game day and the experiments that it names. `env` goes before the file's own. Raises UsageError."""
    try:
        document = parse(Path(file).read_bytes(), file)
    except OSError as problem:
        raise UsageError(f"{file}: {problem.strerror}") from problem
    day, found = reading.game_day(document)
    sources: dict[str, str] = {file: document.text}
    if day is None:
        return Loaded(file=file, day=None, findings=tuple(found), sources=sources)
    day = structs.replace(day, env=env or day.env)
    asked = [_asked(item, day) for item in day.agenda]
    findings = [*found, *(finding for one in asked for finding in one.findings)]
    for one in asked:
        sources.update(one.sources)
    broken = any(finding.severity is Severity.ERROR for finding in findings)
    ready = structs.replace(day, agenda=tuple(one.item for one in asked))
    return Loaded(file=file, day=None if broken else ready, findings=tuple(findings), sources=sources)


def _asked(item: Item, day: GameDay) -> _Asked:
    if item.kind is not Kind.EXPERIMENT:
        return _Asked(item=item)
    path = _beside(item.file, day.file)
    if path is None:
        return _unplayable(item, "there is no such file, in the game day's folder or above")
    spoken = _spoken(path)
    try:
        loaded, held = load_experiment(spoken), surroundings(spoken, day.env)
        if loaded.experiment is None:
            more = _unplayable(item, "the experiment is not valid")
            return structs.replace(more, findings=(*more.findings, *loaded.findings), sources=loaded.sources)
        longest_s = _longest_s(with_overrides(loaded.experiment, Overrides(held.environment.configuration)))
    except InvalidSettings as problem:
        more = _unplayable(item, str(problem))
        return structs.replace(more, findings=(*more.findings, *problem.findings),
                               sources={problem.document.file: problem.document.text})
    except ChaosRunnerError as problem:
        return _unplayable(item, str(problem))
    title = item.text or loaded.experiment.title
    told = () if item.sealed else tuple(one for one in loaded.findings if one.severity is Severity.ERROR)
    return _in_time(structs.replace(item, file=spoken, text=title, longest_s=longest_s), told)


def _in_time(item: Item, findings: tuple[Finding, ...]) -> _Asked:
    if item.at_most_s is None:
        step_s = SEALED_STEP_S if item.sealed else 1.0
        return _Asked(item=structs.replace(item, at_most_s=ceil(item.longest_s / step_s) * step_s), findings=findings)
    if item.longest_s <= item.at_most_s:
        return _Asked(item=item, findings=findings)
    late = Finding(code="E505", place=item.place, found=spoken_seconds(item.at_most_s),
                   message=f"a run of this may take {spoken_seconds(item.longest_s)}, longer than it has",
                   help=f"write `at-most: {ceil(item.longest_s / 60)}m` or more, or shorten the experiment")
    return _Asked(item=item, findings=(*findings, late))


def _unplayable(item: Item, message: str) -> _Asked:
    return _Asked(item=item, findings=(
        Finding(code="E504", message=message, place=item.place, found=item.file),))


def _longest_s(experiment: Experiment) -> float:
    filled = any(isinstance(pause, str) for step in experiment.steps for pause in (step.pause_before, step.pause_after))
    values = load_values(structs.replace(experiment, secrets={})) if filled else Values()
    return longest_of(experiment, values, shelf.fault)


def _beside(name: str, file: str) -> Path | None:
    """The file of that name: from the game day's folder upwards, the first there is."""
    folder = Path(file).absolute().parent
    return next((place / name for place in (folder, *folder.parents) if (place / name).is_file()), None)


def _spoken(path: Path) -> str:
    """The path as people would write it: from where they are, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


# ── what is told beforehand ─────────────────────────────────────────────────────────────────────────────────────────

def planned(day: GameDay) -> tuple[Planned, ...]:
    """The agenda as it may be told before and while the day is played."""
    return tuple(
        Planned(kind=item.kind, text=SEALED if item.sealed else item.text, role=item.role, of=item.of,
                file="" if item.sealed else item.file, sealed=item.sealed, at_most_s=item.at_most_s,
                observe_s=item.observe_s) for item in day.agenda)


def committed(day: GameDay) -> tuple[Committed, ...]:
    """The digests of the day's file and of every experiment's, as the files are now. Raises UsageError."""
    own = Committed(item=None, name=day.file, digest=digest_of(day.file))
    return (own, *(Committed(item=number, name=SEALED if item.sealed else item.file, digest=digest_for(day, number))
                   for number, item in enumerate(day.agenda) if item.kind is Kind.EXPERIMENT))


def digest_for(day: GameDay, number: int) -> str:
    """The digest of an item's experiment as its file is now. Raises UsageError."""
    item = day.agenda[number]
    return digest_of(day.file, item.file) if item.sealed else digest_of(item.file)


def digest_of(*files: str) -> str:
    """SHA-256 of these files, one after the other: what `cat FILE… | sha256sum` says. Raises UsageError."""
    found = sha256()
    for file in files:
        try:
            found.update(Path(file).read_bytes())
        except OSError as problem:
            raise UsageError(f"{file}: {problem.strerror}") from problem
    return found.hexdigest()
