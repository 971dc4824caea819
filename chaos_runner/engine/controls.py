"""Chaos Toolkit's controls and event handlers, called by chaoslib's own functions at the moments that chaoslib has.

They are given private copies: of the experiment, of its configuration and its secrets, of a journal in Chaos Toolkit's
form. What a control changes in them is what later activities are called with, as in chaoslib; the Experiment, the Plan
and what was recorded to undo it stay as they are. An error of a control is swallowed, as in chaoslib.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any, Final

from chaoslib import __version__, substitute
from chaoslib.control import (
    Control,
    cleanup_controls,
    cleanup_global_controls,
    initialize_controls,
    initialize_global_controls,
)
from chaoslib.exceptions import ChaosException, InterruptExecution
from chaoslib.run import EventHandlerRegistry, RunEventHandler
from chaoslib.settings import loaded_settings
from chaoslib.types import Dry, Schedule
from msgspec import Struct

from chaos_runner.contracts import Grade
from chaos_runner.engine.activities import Called
from chaos_runner.engine.live_journal import Data, LiveJournal
from chaos_runner.experiment.model import Provider
from chaos_runner.experiment.values import Values
from chaos_runner.plan.model import Manner
from chaos_runner.redaction import Redactor
from chaos_runner.run import commands as co
from chaos_runner.run.events import StopKind
from chaos_runner.run.run import Run, StepRun

LEFT: Final = Called(ok=False, grade=Grade.NONE, left=True)
DRY: Final = Called(ok=True, grade=Grade.NONE, note="a control made it dry: not called")


class Asked(Struct, frozen=True, kw_only=True):
    """What a run with controls or event handlers is given. `experiment` is theirs alone: nobody else reads it."""

    experiment: Data
    settings: Data | None = None
    handlers: Sequence[RunEventHandler] = ()
    manner: Manner = Manner()


class Controls:
    """Attends one run."""

    def __init__(self, asked: Asked, values: Values, redactor: Redactor) -> None:
        self.configuration: Data = copy.deepcopy(dict(values.configuration))
        self.secrets: Data = copy.deepcopy(dict(values.secrets))
        self.values = Values(configuration=self.configuration, secrets=self.secrets)
        self.live = LiveJournal(_prepared(asked, self.configuration, self.secrets), __version__)
        self._settings = asked.settings
        self._manner = asked.manner
        self._redactor = redactor
        self._registry = EventHandlerRegistry()  # type: ignore[no-untyped-call]  # chaoslib has no annotation here
        for handler in asked.handlers:
            self._registry.register(handler)
        self._open: dict[str, Control] = {}
        self._told_of_stop = False

    @property
    def journal(self) -> Data:
        """Chaos Toolkit's journal, as the controls have left it."""
        return self.live.data

    # ── what the hands tell ─────────────────────────────────────────────────────────────────────────────────────────

    def attend(self, control: co.Control, run: Run) -> str:
        """Calls whoever is to be called. Gives what a control said that wants the run to stop."""
        loaded_settings.set(self._settings or {})  # of this thread's context: controls may be called on any
        try:
            _MOMENTS[control.level, control.moment](self, control, run)
        except (InterruptExecution, SystemExit, KeyboardInterrupt) as problem:
            return str(problem) or type(problem).__name__
        finally:
            self._redactor.learn(self.values.sensitive())
        return ""

    def about_to_call(self, key: str, call: Provider) -> Provider | None:
        """The call as the controls have left it, before it begins; None when one of them has made it dry."""
        activity = self.live.activity(key)
        return None if _is_dry(activity) else _as_left(activity, call)

    def begin(self, key: str, call: Provider) -> Provider | None:
        """The call as the controls have left it; None when one of them has made it dry."""
        activity = self.live.activity(key)
        self.live.begin(key)
        self._registry.start_activity(activity)
        if _is_dry(activity):
            self.end(key, DRY)
            return None
        return _as_left(activity, call)

    def end(self, key: str, called: Called) -> None:
        """It has come back. Of what was left behind before, that was said already."""
        if self.live.is_open(key):
            self._completed(key, called)

    def _completed(self, key: str, called: Called) -> None:
        self._registry.activity_completed(self.live.activity(key), self.live.end(key, called))

    def judged(self, key: str, *, good: bool) -> None:
        """The answer of a probe of the hypothesis was judged."""
        self.live.told(key, good=good)

    # ── the moments ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, control: co.Control, context: Data) -> None:
        begun = self._open[control.key] = Control()
        begun.begin(control.level, self.live.experiment, context, self.configuration, self.secrets)

    def _end(self, control: co.Control, context: Data, state: Any) -> None:
        begun = self._open.pop(control.beginning.key, Control())
        begun.with_state(state)  # type: ignore[no-untyped-call]  # chaoslib has no annotation here
        begun.end(control.level, self.live.experiment, context, self.configuration, self.secrets)

    def before_experiment(self, control: co.Control, _: Run) -> None:
        """Everybody is made ready, then told."""
        experiment, journal = self.live.experiment, self.live.data
        self._registry.started(experiment, journal)
        initialize_global_controls(experiment, self.configuration, self.secrets, self._settings or {},
                                   event_registry=self._registry)
        initialize_controls(experiment, self.configuration, self.secrets, event_registry=self._registry)
        self._registry.running(experiment, journal, self.configuration, self.secrets, _schedule(self._manner),
                               self._settings or {})
        self._begin(control, experiment)

    def after_experiment(self, control: co.Control, run: Run) -> None:
        """The journal is whole; everybody is told, then let go."""
        self._tell_of_stop(run)
        journal = self.live.finish(run)
        try:
            self._end(control, self.live.experiment, journal)
        except ChaosException:  # chaoslib goes on too: the run is over
            return
        finally:
            self._let_go()
            self._registry.finish(journal)

    def _let_go(self) -> None:
        try:
            cleanup_controls(self.live.experiment)
        except Exception:  # noqa: BLE001 -- a control's own clean-up is foreign code; the run is over
            return
        finally:
            cleanup_global_controls()  # type: ignore[no-untyped-call]  # chaoslib has no annotation here

    def before_hypothesis(self, control: co.Control, _: Run) -> None:
        """A reading of the hypothesis begins."""
        if control.reading == "before":
            self._registry.start_hypothesis_before(self.live.experiment)
        elif control.reading == "after":
            self._registry.start_hypothesis_after(self.live.experiment)
        elif control.reading == "during-0":
            self._registry.start_continuous_hypothesis(self._manner.frequency_s)  # type: ignore[arg-type]  # chaoslib's own runs give it a float too
        self.live.open_state()
        self._begin(control, self.live.hypothesis)

    def after_hypothesis(self, control: co.Control, run: Run) -> None:
        """A reading is over: its state is given to the controls, then kept."""
        whole = run.stop is None or run.stop.kind is StopKind.FAIL_FAST
        state = self.live.close_state(whole=whole)
        self._end(control, self.live.hypothesis, state)
        if not whole:
            return
        self.live.keep_state(control.reading)
        if control.reading == "before":
            self._registry.hypothesis_before_completed(self.live.experiment, state, self.live.data)
        elif control.reading == "after":
            self._registry.hypothesis_after_completed(self.live.experiment, state, self.live.data)
        else:
            number = int(control.reading.removeprefix("during-")) + 1
            self._registry.continuous_hypothesis_iteration(number, state)
        self.live.follow(run)

    def before_method(self, control: co.Control, _: Run) -> None:
        """The method begins."""
        self._registry.start_method(self.live.experiment)
        self._begin(control, self.live.experiment)

    def after_method(self, control: co.Control, run: Run) -> None:
        """The method is over, or was cut short."""
        self._end(control, self.live.experiment, self.live.data["run"])
        self.live.follow(run)
        if not _leaves(run):
            self._registry.method_completed(self.live.experiment, self.live.data["run"] if run.stop is None else None)
        if self._manner.hypothesis.reads_during and run.plan.single_shot:
            self._registry.continuous_hypothesis_completed(self.live.experiment, self.live.data, None)  # type: ignore[arg-type]  # None is its default

    def before_rollback(self, control: co.Control, run: Run) -> None:
        """The author's rollbacks begin."""
        self._tell_of_stop(run)
        self._registry.start_rollbacks(self.live.experiment)
        self._begin(control, self.live.experiment)

    def after_rollback(self, control: co.Control, _: Run) -> None:
        """The author's rollbacks are over."""
        self._end(control, self.live.experiment, self.live.data["rollbacks"])
        self._registry.rollbacks_completed(self.live.experiment, self.live.data)

    def before_activity(self, control: co.Control, _: Run) -> None:
        """An activity is about to begin."""
        self.live.forget(control.subject)
        self._begin(control, self.live.activity(control.subject))

    def after_activity(self, control: co.Control, run: Run) -> None:
        """An activity is over. One that a dry run has only gone through has succeeded with nothing, as in chaoslib."""
        key = control.subject
        if self.live.record(key) is None and _is_skipped(run, key):
            self.begin(key, Provider({}))
            self.end(key, DRY)
            if key.startswith("p"):
                self.live.told(key, good=True)
        if self.live.record(key) is None and not key.startswith("p"):
            self._native(key, run.step(key))
        if self.live.is_open(key):
            self._completed(key, LEFT)
        self._end(control, self.live.activity(key), self.live.record(key))
        if key.startswith("p"):
            self.live.keep_probe(key)

    def _native(self, key: str, state: StepRun) -> None:
        """A native step comes to no provider: its record is made from what is known of it."""
        if state.ended_t is not None:
            self.begin(key, Provider({}))
            self.end(key, Called(ok=state.ok is not False, grade=state.grade, output=state.output, note=state.note))

    def _tell_of_stop(self, run: Run) -> None:
        self.live.follow(run)
        if run.stop is None or self._told_of_stop:
            return
        self._told_of_stop = True
        if _leaves(run):
            self._registry.signal_exit()
        elif run.stop.kind in (StopKind.CONTROL, StopKind.SIGNAL):
            self._registry.interrupted(self.live.experiment, self.live.data)


def _leaves(run: Run) -> bool:
    """Whether the run was ended by what chaoslib meets as an exit. SIGTERM and controls interrupt it instead."""
    stop = run.stop
    asked = stop is not None and stop.kind in (StopKind.ASKED, StopKind.STEP_LEFT)
    return asked or (stop is not None and stop.kind is StopKind.SIGNAL and stop.text != "SIGTERM")


def _prepared(asked: Asked, configuration: Data, secrets: Data) -> Data:
    """The experiment as chaoslib's own run has it: the title filled in, and `dry` as chaoslib's own type."""
    experiment = {key: value for key, value in asked.experiment.items() if value is not None}
    experiment["title"] = substitute(experiment.get("title", ""), configuration, secrets)
    experiment["dry"] = Dry(asked.manner.dry.value) if asked.manner.dry else None
    return experiment


def _schedule(manner: Manner) -> Schedule:
    return Schedule(manner.frequency_s, manner.fail_fast, manner.fail_fast_percent)


def _as_left(activity: Data, call: Provider) -> Provider:
    spec = activity.get("provider") or call.spec
    return Provider({name: value for name, value in spec.items() if value is not None})


def _is_dry(activity: Data) -> bool:
    """Whether a control has made this very activity dry, in chaoslib's way: with its own type."""
    match activity.get("dry"):
        case Dry.ACTIVITIES:
            return True
        case Dry.ACTIONS | Dry.PROBES as dry:
            return bool(dry.value == f"{activity.get('type')}s")
        case _:
            return False


def _is_skipped(run: Run, key: str) -> bool:
    if key.startswith("p"):
        return not run.plan.is_called(run.plan.probes[int(key[1:])])
    return run.step(key).dry


_Moment = Callable[[Controls, co.Control, Run], None]
_MOMENTS: Final[dict[tuple[str, str], _Moment]] = {
    ("experiment", "before"): Controls.before_experiment, ("experiment", "after"): Controls.after_experiment,
    ("hypothesis", "before"): Controls.before_hypothesis, ("hypothesis", "after"): Controls.after_hypothesis,
    ("method", "before"): Controls.before_method, ("method", "after"): Controls.after_method,
    ("rollback", "before"): Controls.before_rollback, ("rollback", "after"): Controls.after_rollback,
    ("activity", "before"): Controls.before_activity, ("activity", "after"): Controls.after_activity,
}
