"""What Chaos Toolkit brings to a run beside its file: settings, global controls, event handlers, notifications.

Nothing of chaoslib is imported unless there is any of it.
"""

import copy
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from chaos_runner.engine.attending import Attendants
from chaos_runner.errors import UsageError
from chaos_runner.experiment.document import parse, plain
from chaos_runner.experiment.model import Experiment, HypothesisStrategy, RollbackStrategy
from chaos_runner.experiment.toolkit import quiet, read_mapping
from chaos_runner.experiment.values import Values
from chaos_runner.plan.build import Runtime
from chaos_runner.plan.model import Plan
from chaos_runner.redaction import Redactor

SETTINGS: Final = "~/.chaostoolkit/settings.yaml"
"""Where Chaos Toolkit has its settings."""
NOTIFYING_MAX_S: Final = 30.0
"""How long whoever is notified is waited for, together. What is not told by then is not told."""
_KINDS: Final[tuple[tuple[str, type, str], ...]] = (
    ("runtime", dict, "a mapping"), ("controls", dict, "a mapping"), ("auths", dict, "a mapping"),
    ("notifications", list, "a list"))
Data = dict[str, Any]


class Guests(Struct, frozen=True, kw_only=True):
    """Who and what comes along. `experiment` is given where controls and handlers want their caller's own data."""

    settings: Mapping[str, Any] = {}
    control_files: Sequence[str] = ()
    handlers: Sequence[Any] = ()
    experiment: Mapping[str, Any] | None = None
    always: bool = False
    notify: bool = True

    @property
    def bring_controls(self) -> bool:
        """Whether there are controls for every experiment."""
        return bool(self.settings.get("controls") or self.control_files)

    def attend(self, experiment: Experiment) -> bool:
        """Whether anybody is to be called around what this experiment does."""
        return self.always or self.bring_controls or bool(self.handlers) or experiment.controlled


def read_settings(file: str | None) -> Data:
    """The settings in that file, else in Chaos Toolkit's own place; none where there is no such file.

    Raises UsageError for a file that was named and is not there, and for one that is no mapping. chaoslib goes on
    without settings then, and so without the controls in them.
    """
    own = Path(SETTINGS).expanduser()
    if file is None and not own.is_file():
        return {}
    name = file or str(own)
    settings = read_mapping(name, "settings", as_yaml=True)
    for key, kind, words in _KINDS:
        if not isinstance(settings.get(key) or kind(), kind):
            raise UsageError(f"{name}: {key} must be {words}")
    return settings


def runtime_of(settings: Mapping[str, Any]) -> Runtime:
    """The strategies in the settings. Raises UsageError for one that there is not."""
    try:
        hypothesis, rollbacks = _strategy(settings, "hypothesis"), _strategy(settings, "rollbacks")
        return Runtime(HypothesisStrategy.of(hypothesis) if hypothesis else None,
                       RollbackStrategy(rollbacks) if rollbacks else None)
    except ValueError as problem:
        raise UsageError(f"the settings' runtime: {problem}") from problem


def _strategy(settings: Mapping[str, Any], part: str) -> str:
    found = (settings.get("runtime") or {}).get(part) or {}
    return str(found.get("strategy") or "") if isinstance(found, Mapping) else ""


# ── controls ────────────────────────────────────────────────────────────────────────────────────────────────────────

def load_controls(guests: Guests) -> None:
    """Imports the controls of the settings and of control files, so that they hear of the loading of the experiment.

    Raises UsageError for a file that cannot be read; chaoslib goes on without its controls.
    """
    if not guests.bring_controls:
        return
    for file in guests.control_files:
        for name, control in read_mapping(file, "--control-file").items():
            if not isinstance(control, Mapping) or not isinstance(control.get("provider"), Mapping):
                raise UsageError(f"--control-file {file}: {name} must be a mapping with a `provider`")
    quiet()
    from chaoslib.control import load_global_controls
    from chaoslib.settings import loaded_settings

    settings = copy.deepcopy(dict(guests.settings))
    loaded_settings.set(settings)
    try:
        load_global_controls(settings, list(guests.control_files))
    except (AttributeError, KeyError, TypeError) as problem:
        raise UsageError(f"the controls of the settings cannot be read: {problem!r}") from problem


@contextmanager
def loading(guests: Guests, source: str) -> Iterator[Data]:
    """Tells the global controls that an experiment is loaded from there. What is put into the given dict under "data"
    they get as its state.
    """
    found: Data = {}
    if not guests.bring_controls:
        yield found
        return
    from chaoslib.control import controls

    with controls(level="loader", context=source) as control:
        yield found
        control.with_state(found.get("data"))


def attendants(guests: Guests, plan: Plan, values: Values, redactor: Redactor) -> Attendants | None:
    """Those who attend the run of that plan, None when there are none."""
    if not plan.manner.attended:
        return None
    quiet()
    from chaos_runner.engine.controls import Asked, Controls

    data = copy.deepcopy(dict(guests.experiment if guests.experiment is not None else as_data(plan.experiment)))
    return Controls(Asked(experiment=data, settings=dict(guests.settings), handlers=guests.handlers,
                          manner=plan.manner), values, redactor)


def as_data(experiment: Experiment) -> Data:
    """The experiment as its author's file has it."""
    root = parse(experiment.source.encode("utf-8", "replace"), experiment.file).root
    found = plain(root) if root is not None else {}
    return found if isinstance(found, dict) else {}


# ── notifications ───────────────────────────────────────────────────────────────────────────────────────────────────

def tell_of_start(guests: Guests, experiment: Experiment, redactor: Redactor) -> None:
    """Notifies whoever the settings name that a run begins."""
    _notify(guests, ["run-started"], lambda: redactor.data(as_data(experiment)))


def tell_of_end(guests: Guests, journal: Data) -> None:
    """Notifies whoever the settings name of the run's end, with its journal."""
    events = ["run-completed" if journal["status"] == "completed" else "run-failed"]
    _notify(guests, events + ["run-deviated"] * bool(journal["deviated"]), lambda: journal)


def _notify(guests: Guests, events: Sequence[str], payload: Any) -> None:
    """By chaoslib's own function, beside: a plugin that hangs must not hold up the run, nor its end."""
    if not guests.settings.get("notifications") or not guests.notify:
        return
    quiet()
    from chaoslib.notification import RunFlowEvent, notify

    def tell() -> None:
        for event in events:
            notify(dict(guests.settings), RunFlowEvent(event), payload())

    teller = threading.Thread(target=tell, name="notifications", daemon=True)
    teller.start()
    teller.join(NOTIFYING_MAX_S)
