"""`run_experiment`, in the place of chaoslib's own: the same signature, the same journal, our engine beneath.

    from chaos_runner.toolkit import run_experiment

What chaoslib documents happens here too: strategies, statuses, rollbacks by the settings' `runtime`, controls, event
handlers. What we do besides: every intention is on disk before the act (in `$CHAOS_RUNNER_REPORTS`, else `./reports`),
native faults are undone and verified, and nothing of the caller's is changed. `docs/from-chaos-toolkit.md` lists every
difference. One run at a time in a process, from its main thread, as in chaoslib.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from chaoslib.exceptions import InvalidExperiment
from chaoslib.run import RunEventHandler
from chaoslib.settings import get_loaded_settings
from chaoslib.types import Dry as TheirDry
from chaoslib.types import Schedule, Strategy

from chaos_runner import wiring
from chaos_runner.errors import Refused, UsageError
from chaos_runner.experiment.findings import Severity
from chaos_runner.experiment.loading import Loaded, load_text
from chaos_runner.experiment.model import Dry, HypothesisStrategy, RollbackStrategy
from chaos_runner.experiment.toolkit import Overrides
from chaos_runner.guests import Guests
from chaos_runner.plan.build import Wishes
from chaos_runner.plan.model import Manner
from chaos_runner.report.folders import reports_folder

__all__ = ["run_experiment"]

Journal = dict[str, Any]


def run_experiment(experiment: Mapping[str, Any], settings: Mapping[str, Any] | None = None,
                   experiment_vars: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None] | None = None,
                   strategy: Strategy | None = Strategy.DEFAULT, schedule: Schedule | None = None,
                   event_handlers: Sequence[RunEventHandler] | None = None) -> Journal:
    """Runs the experiment and gives Chaos Toolkit's journal.

    `settings["runtime"]["rollbacks"]["strategy"]` is `default`, `always`, `never` or `deviated`, as in chaoslib, or our
    own `safe`: as soon as any action was started. Raises chaoslib's InvalidExperiment for an experiment that cannot be
    run, NotDurable when nothing can be recorded, and ValueError when it is not called from the main thread.
    """
    known = dict(settings if settings is not None else get_loaded_settings() or {})
    loaded = _loaded(experiment)
    manner = _manner(schedule or Schedule(), experiment.get("dry"))
    wishes = Wishes(strategy=_rollbacks(known), manner=manner,
                    hypothesis=HypothesisStrategy.of((strategy or Strategy.DEFAULT).value))
    guests = Guests(settings=known, handlers=tuple(event_handlers or ()), experiment=experiment, always=True,
                    notify=False)
    configuration, secrets = experiment_vars or (None, None)
    request = wiring.Request(experiment=loaded, reports=reports_folder(None), wishes=wishes, guests=guests,
                             overrides=Overrides(dict(configuration or {}), dict(secrets or {})), in_process=True)
    try:
        ended = wiring.run(request, [], _nothing_more)
    except (UsageError, Refused) as problem:
        raise InvalidExperiment(str(problem)) from problem
    return ended.live or {}


def _nothing_more(_: wiring.Ended) -> None:
    """The journal is given to the caller: nobody else is told."""


def _loaded(experiment: Mapping[str, Any]) -> Any:
    text = json.dumps(copy.deepcopy(dict(experiment)), default=_as_text, indent=1)
    loaded = load_text(text.encode(), "<experiment>.json")
    if loaded.experiment is None:
        raise InvalidExperiment(_complaints(loaded))
    return loaded.experiment


def _as_text(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else str(value)


def _complaints(loaded: Loaded) -> str:
    return "; ".join(f"{finding.message} ({finding.code})" for finding in loaded.findings
                     if finding.severity is Severity.ERROR)


def _rollbacks(settings: Mapping[str, Any]) -> RollbackStrategy:
    word = ((settings.get("runtime") or {}).get("rollbacks") or {}).get("strategy", "default")
    try:
        return RollbackStrategy(word)
    except ValueError:
        return RollbackStrategy.NEVER  # as chaoslib: a word that it does not know plays none


def _manner(schedule: Schedule, dry: Any) -> Manner:
    return Manner(frequency_s=schedule.continuous_hypothesis_frequency, fail_fast=schedule.fail_fast,
                  fail_fast_percent=schedule.fail_fast_ratio, chaoslib=True,
                  dry=Dry(dry.value) if isinstance(dry, TheirDry) else None)
