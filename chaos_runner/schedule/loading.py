"""From a file to a schedule that knows its experiment: how long it may take, and what it may hit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from chaos_runner import shelf
from chaos_runner.clock import Clock
from chaos_runner.errors import ChaosRunnerError, UsageError
from chaos_runner.experiment.document import Document, Node, parse
from chaos_runner.experiment.findings import Finding, Place, Severity
from chaos_runner.experiment.loading import Loaded as LoadedExperiment
from chaos_runner.experiment.loading import load as load_experiment
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.project import InvalidSettings, surroundings
from chaos_runner.experiment.toolkit import Overrides, load_values, with_overrides
from chaos_runner.experiment.values import Values
from chaos_runner.notify.channel import Channel
from chaos_runner.plan.build import longest_of
from chaos_runner.schedule import reading
from chaos_runner.schedule.grounds import Ground, grounds
from chaos_runner.schedule.model import Schedule
from chaos_runner.schedule.occurrences import next_due, occurrences

FOLDER: Final = "schedules"
ENDINGS: Final = (".yaml", ".yml", ".json")


class Loaded(Struct, frozen=True, kw_only=True):
    """What came of a file: the schedule, or the findings that say why there is none.

    `sources` has the text of every file that a finding may point into, by its name.
    """

    file: str
    schedule: Schedule | None
    findings: tuple[Finding, ...]
    sources: Mapping[str, str]
    grounds: tuple[Ground, ...] = ()
    production: bool = False
    notify: tuple[Channel, ...] = ()
    """Whom its project, its environment and it want to be told."""


class Asked(Struct, frozen=True, kw_only=True):
    """What an experiment says to a schedule, or why it says nothing."""

    longest_s: float = 0.0
    grounds: tuple[Ground, ...] = ()
    production: bool = False
    notify: tuple[Channel, ...] = ()
    findings: tuple[Finding, ...] = ()
    sources: Mapping[str, str] = {}
    problem: str = ""


def folder_above(place: Path) -> Path | None:
    """The nearest folder `schedules`, from one upwards."""
    return next((above / FOLDER for above in (place, *place.parents) if (above / FOLDER).is_dir()), None)


def files_in(folder: Path) -> list[str]:
    """The schedules of a folder, by name. Raises UsageError."""
    try:
        return sorted(str(file) for file in folder.iterdir() if file.suffix in ENDINGS and file.is_file()
                      and not file.name.startswith("."))
    except OSError as problem:
        raise UsageError(f"{folder}: {problem.strerror}") from problem


def load_all(files: Sequence[str]) -> list[Loaded]:
    """Reads schedules; each experiment is read once. Two of one name are both none. Raises UsageError."""
    known: dict[tuple[str, str], Asked] = {}
    loaded = [load(file, known) for file in dict.fromkeys(files)]
    count = Counter(Path(one.file).stem for one in loaded)
    return [one if count[Path(one.file).stem] == 1 else _ambiguous(one) for one in loaded]


def _ambiguous(loaded: Loaded) -> Loaded:
    said = Finding(code="E409", message=f'another schedule is called "{Path(loaded.file).stem}" too',
                   place=Place(loaded.file, 1, 1), help="rename one of the files")
    return structs.replace(loaded, schedule=None, findings=(*loaded.findings, said))


def load(file: str, known: dict[tuple[str, str], "Asked"] | None = None) -> Loaded:
    """Reads a schedule, and the experiment that it names, unless that is `known`: what it says is added there.

    Raises UsageError when the file itself cannot be read.
    """
    try:
        document = parse(Path(file).read_bytes(), file)
    except OSError as problem:
        raise UsageError(f"{file}: {problem.strerror}") from problem
    found, findings = reading.schedule(document)
    sources = {file: document.text}
    if found is None:
        return Loaded(file=file, schedule=None, findings=tuple(findings), sources=sources)
    return _with_experiment(found, findings, document, {} if known is None else known)


def check(loaded: Loaded, clock: Clock) -> list[Finding]:
    """What can only be known by counting: a schedule of which no occurrence will ever be due."""
    schedule = loaded.schedule
    if schedule is None or next_due(schedule, clock.now()):
        return []
    place = next(iter(loaded.sources))
    skipped = occurrences(schedule, clock.now(), clock.now() + timedelta(days=366))
    why = f", the first because {skipped[0].reason}" if skipped and skipped[0].reason else ""
    text = f"no occurrence of it is due in five years: all are skipped{why}" if skipped else \
        "no occurrence of it is due in five years"
    return [Finding(code="E405", message=text, place=Place(place, 1, 1),
                    help="chaos-runner schedule preview tells each with its reason")]


def _with_experiment(schedule: Schedule, findings: list[Finding], document: Document,
                     known: dict[tuple[str, str], "Asked"]) -> Loaded:
    path = reading.beside(schedule.experiment, schedule.file)
    node = _node(document, "experiment")
    if path is None:
        missing = Finding(code="E408", message="there is no such file, in the schedule's folder or above",
                          place=node.place, found=schedule.experiment)
        return Loaded(file=schedule.file, schedule=None, findings=(*findings, missing),
                      sources={schedule.file: document.text})
    key = (_spoken(path), schedule.env)
    if key not in known:
        known[key] = _asked(*key)
    asked = known[key]
    if asked.problem:
        at = _node(document, "env") if schedule.env else node
        findings = [*findings, Finding(code="E408", message=asked.problem, place=at.place, found=schedule.experiment)]
    ready = structs.replace(schedule, experiment=_spoken(path), longest_s=asked.longest_s)
    return Loaded(file=schedule.file, schedule=None if asked.problem else ready, grounds=asked.grounds,
                  production=asked.production, notify=(*asked.notify, *schedule.notify),
                  findings=(*findings, *asked.findings), sources={schedule.file: document.text, **asked.sources})


def _node(document: Document, key: str) -> Node:
    root = document.root
    entries = root.value if root and isinstance(root.value, dict) else {}
    found = entries.get(key)
    if found is None:
        raise LookupError(f"the schedule has no {key}")
    return found.node


def _asked(file: str, env: str) -> Asked:
    try:
        loaded = load_experiment(file)
        held = surroundings(file, env)
    except InvalidSettings as problem:
        return Asked(problem=f"{problem}", findings=tuple(problem.findings),
                      sources={problem.document.file: problem.document.text})
    except UsageError as problem:
        return Asked(problem=str(problem))
    if loaded.experiment is None:
        return Asked(problem="the experiment is not valid", findings=loaded.findings, sources=loaded.sources)
    experiment = with_overrides(loaded.experiment, Overrides(held.environment.configuration))
    return structs.replace(_of(experiment, loaded), production=held.environment.production, notify=held.notify)


def _of(experiment: Experiment, loaded: LoadedExperiment) -> Asked:
    try:
        values = load_values(structs.replace(experiment, secrets={})) if _is_filled(experiment) else Values()
        longest_s = longest_of(experiment, values, shelf.fault)
    except ChaosRunnerError as problem:
        return Asked(problem=f"how long it may take cannot be known: {problem}")
    warnings = tuple(finding for finding in loaded.findings if finding.severity is Severity.ERROR)
    return Asked(longest_s=longest_s, grounds=grounds(experiment), findings=warnings, sources=loaded.sources)


def _is_filled(experiment: Experiment) -> bool:
    """Whether a time in it comes from the configuration."""
    return any(isinstance(pause, str) for step in experiment.steps for pause in (step.pause_before, step.pause_after))


def _spoken(path: Path) -> str:
    """The path as people would write it: from where they are, if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
