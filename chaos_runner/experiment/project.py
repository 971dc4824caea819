"""What surrounds an experiment: `chaos.yaml` in a folder above it, an environment of that, and the policy file.

All of them narrow; none widens what another forbids. An environment also brings values for the configuration.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from chaos_runner.errors import UsageError
from chaos_runner.experiment.document import Document, parse
from chaos_runner.experiment.fields import Fields, Found
from chaos_runner.experiment.findings import Finding, Severity
from chaos_runner.experiment.model import Safeguards
from chaos_runner.experiment.notifying import channels
from chaos_runner.experiment.safeguards import SAFEGUARD_KEYS, places, safeguards
from chaos_runner.experiment.suggest import did_you_mean
from chaos_runner.notify.channel import Channel

NAMES: Final = ("chaos.yaml", "chaos.yml")
POLICY_VARIABLE: Final = "CHAOS_RUNNER_POLICY"
POLICY: Final = Path("/etc/chaos-runner/policy.yaml")
PROJECT_KEYS: Final = ("reports", "defaults", "protected", "environments", "allow-unmarked", "notify",
                       *SAFEGUARD_KEYS)
ENVIRONMENT_KEYS: Final = ("configuration", "production", "protected", "contexts", "accounts", "regions", "namespaces",
                           "notify", *SAFEGUARD_KEYS)
POLICY_KEYS: Final = ("protected", *SAFEGUARD_KEYS)


class Environment(Struct, frozen=True, kw_only=True):
    """A place where experiments run. In `production` somebody is asked before every run."""

    name: str = ""
    configuration: dict[str, Any] = {}
    production: bool = False
    safeguards: Safeguards = Safeguards()
    notify: tuple[Channel, ...] = ()


class Project(Struct, frozen=True, kw_only=True):
    """A `chaos.yaml`. Without one there are no environments, and nothing is narrowed."""

    file: str = ""
    reports: Path | None = None
    safeguards: Safeguards = Safeguards()
    environments: Mapping[str, Environment] = {}
    allow_unmarked: tuple[str, ...] = ()
    """The faults that may be injected from a machine that is thrown away, although they leave no mark."""
    notify: tuple[Channel, ...] = ()


class Surroundings(Struct, frozen=True, kw_only=True):
    """All that holds for an experiment beside what stands in it."""

    project: Project = Project()
    environment: Environment = Environment()
    policy: Safeguards = Safeguards()
    added: Safeguards = Safeguards()
    """Of whoever starts the run: a schedule's gates."""

    @property
    def safeguards(self) -> Safeguards:
        """Of all of them together."""
        held = self.project.safeguards.and_also(self.environment.safeguards)
        return held.and_also(self.policy).and_also(self.added)

    @property
    def notify(self) -> tuple[Channel, ...]:
        """Whom both of them want to be told."""
        return (*self.project.notify, *self.environment.notify)


class InvalidSettings(UsageError):
    """A `chaos.yaml` or a policy cannot be followed, so nothing is run. Carries everything that was found."""

    def __init__(self, document: Document, findings: Found) -> None:
        super().__init__(f"{document.file} cannot be followed")
        self.document = document
        self.findings = findings


def surroundings(experiment: str, environment: str = "") -> Surroundings:
    """What holds for an experiment's file, in an environment. Raises UsageError, InvalidSettings."""
    project = project_above(Path.cwd() if experiment == "-" else Path(experiment).absolute().parent)
    return Surroundings(project=project, environment=_chosen(project, environment), policy=policy())


def project_above(folder: Path) -> Project:
    """The nearest `chaos.yaml` from a folder upwards; an empty one when there is none. Raises InvalidSettings."""
    file = project_file_above(folder)
    return read_project(file) if file else Project()


def project_file_above(folder: Path) -> Path | None:
    """Where the nearest `chaos.yaml` is, from a folder upwards."""
    places = (place / name for place in (folder, *folder.parents) for name in NAMES)
    return next((file for file in places if file.is_file()), None)


def read_project(file: Path) -> Project:
    """The project in that file. Raises UsageError, InvalidSettings."""
    document = _read(file)
    found: Found = list(document.findings)
    project = _project(file, Fields(document.root, file.name, found), found) if document.root else Project()
    _check(document, found)
    return project


def policy() -> Safeguards:
    """What no author can widen: the file that CHAOS_RUNNER_POLICY names, else the system's. Raises UsageError,
    InvalidSettings.
    """
    named = os.environ.get(POLICY_VARIABLE)
    file = Path(named) if named else POLICY
    return read_policy(file).safeguards if named or file.is_file() else Safeguards()


def read_policy(file: Path) -> Project:
    """The policy in that file: a project that only narrows. Raises UsageError, InvalidSettings."""
    document = _read(file)
    found: Found = list(document.findings)
    held = Safeguards()
    if document.root:
        fields = Fields(document.root, "the policy", found).known(POLICY_KEYS)
        held = _held(fields, found, file, "the policy")
    _check(document, found)
    return Project(file=str(file), safeguards=held)


def _read(file: Path) -> Document:
    try:
        return parse(file.read_bytes(), _spoken(file))
    except OSError as problem:
        raise UsageError(f"{file}: {problem.strerror}, and nothing is run without knowing what it holds") from problem


def _spoken(file: Path) -> str:
    """The path as people would write it: from where they are, if it is below."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)


def _check(document: Document, found: list[Finding]) -> None:
    """Unknown keys are errors here: a safeguard that is misspelt would be none."""
    strict = [finding for finding in found if finding.severity is Severity.ERROR or finding.code == "W101"]
    if strict or document.root is None:
        raise InvalidSettings(document, found)


def _held(fields: Fields, found: Found, file: Path, source: str) -> Safeguards:
    """The safeguards, with the gates; those may use the reusable probes beside the file."""
    held = safeguards(fields, source)
    if "gates" not in fields:
        return held
    from chaos_runner.experiment.activities import Known, gates
    from chaos_runner.experiment.reusable import Library

    return structs.replace(held, gates=gates(fields, found, Known({}, Library(file.parent)), source))


def _project(file: Path, fields: Fields, found: Found) -> Project:
    fields.known(PROJECT_KEYS)
    held = _held(fields, found, file, file.name)
    defaults = fields.node_of("defaults")
    if defaults:
        inner = fields.inner(defaults, "defaults").known(SAFEGUARD_KEYS)
        held = held.and_also(_held(inner, found, file, file.name))
    reports = fields.text("reports")
    return Project(file=str(file), reports=file.parent / reports if reports else None, safeguards=held,
                   environments=_environments(fields, found, file), allow_unmarked=_names(fields, "allow-unmarked"),
                   notify=channels(fields, "project"))


def _names(fields: Fields, key: str) -> tuple[str, ...]:
    for member in fields.items(key):
        if not isinstance(member.value, str):
            fields.complain("E103", f"{key} must be a list of names", member, found=member.kind)
    return tuple(member.value for member in fields.items(key) if isinstance(member.value, str))


def _environments(fields: Fields, found: Found, file: Path) -> dict[str, Environment]:
    node = fields.node_of("environments")
    if node is None:
        return {}
    named = fields.inner(node, "environments")
    written = node.value if isinstance(node.value, dict) else {}
    return {name: _environment(name, named.inner(entry.node, f'the environment "{name}"'), found, file)
            for name, entry in written.items()}


def _environment(name: str, fields: Fields, found: Found, file: Path) -> Environment:
    """What stands in it beside `limits` (contexts, accounts, regions, namespaces) says the same as if it stood there.
    """
    fields.known(ENVIRONMENT_KEYS)
    source = f'the environment "{name}"'
    held = _held(fields, found, file, source).and_also(Safeguards(limits=places(fields, source)))
    return Environment(name=name, configuration=fields.mapping("configuration"), production=fields.flag("production"),
                       safeguards=held, notify=channels(fields, f"env {name}"))


def _chosen(project: Project, name: str) -> Environment:
    if not name:
        return Environment()
    if name in project.environments:
        return project.environments[name]
    if not project.file:
        raise UsageError(f'--env {name}: there is no chaos.yaml in the experiment\'s folder or above, so there are no '
                         "environments")
    close = did_you_mean(name, list(project.environments))
    known = ", ".join(project.environments) or "none"
    raise UsageError(f"--env {name}: {project.file} has no such environment ({known})"
                     + (f'; did you mean "{close}"?' if close else ""))
