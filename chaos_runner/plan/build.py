"""From an Experiment to a Plan: everything that can be decided before anything is touched."""

import os
import secrets
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct, structs

from chaos_runner import __version__
from chaos_runner.clock import rfc3339
from chaos_runner.contracts import UNDO_ATTEMPTS, UNDO_S, Fault, Holding
from chaos_runner.errors import Refused
from chaos_runner.experiment.fields import DURATION_MAX_S
from chaos_runner.experiment.model import (
    Experiment,
    HypothesisStrategy,
    Native,
    Provider,
    RollbackStrategy,
    Safeguards,
    Step,
    StepKind,
)
from chaos_runner.experiment.project import Surroundings
from chaos_runner.experiment.values import Values
from chaos_runner.inverses import known_of, undo_of
from chaos_runner.plan.aim import FindFault
from chaos_runner.plan.digest import digest, parts_of
from chaos_runner.plan.model import FaultCard, Manner, Origin, Plan, Planned
from chaos_runner.plan.unmarked import refuse_unmarked
from chaos_runner.redaction import Redactor, fit
from chaos_runner.units import spoken_seconds

RECOVERS_WITHIN_S: Final = 30.0
RECOVERY_INTERVALS: Final = 6
UNBOUNDED_STEP_S: Final = 3600.0
"""How long a step is believed to take at most when nothing bounds it."""
BOUNDED_STEP_S: Final = 60.0
WAY_BACK_S: Final = UNDO_ATTEMPTS * UNDO_S
MARGIN_S: Final = 300.0
LONGEST_MAX_S: Final = 10 * DURATION_MAX_S
"""No run is planned that may take longer: its marks would hardly ever expire."""
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

class Runtime(Struct, frozen=True):
    """The strategies of Chaos Toolkit's settings file. They count where neither command line nor file says any."""

    hypothesis: HypothesisStrategy | None = None
    rollbacks: RollbackStrategy | None = None


class Wishes(Struct, frozen=True, kw_only=True):
    """What the command line says beside the file."""

    seed: int | None = None
    strategy: RollbackStrategy | None = None
    hypothesis_only: bool = False
    rehearse: bool = False
    surroundings: Surroundings = Surroundings()
    planned: dict[str, list[Planned]] | None = None
    manner: Manner = Manner()
    hypothesis: HypothesisStrategy | None = None
    runtime: Runtime = Runtime()
    thrown_away: bool = False
    """Whether this machine will soon be gone: then faults that leave no mark are refused."""
    allow_unmarked: tuple[str, ...] = ()
    """Those that are not, by name."""
    run: str = ""
    """The id of the run, where whoever starts it has to know that beforehand; a new one where it is empty."""


def plan_for(experiment: Experiment, values: Values, wishes: Wishes, find_fault: FindFault, started: datetime) -> Plan:
    """The plan. Raises Refused when `require-verified-undo` does not hold, when a fault would leave what nobody
    finds again, or a time is none or is far too long.
    """
    resolved = _with_known_inverses(_with_pauses(experiment, values), values)
    safeguards = _safeguards(experiment, wishes)
    if safeguards.require_verified_undo:
        _refuse_unverified(resolved)
    if wishes.thrown_away and not wishes.hypothesis_only:
        refuse_unmarked(resolved, (*wishes.allow_unmarked, *wishes.surroundings.project.allow_unmarked), find_fault)
    cards = {step.key: _card(find_fault(step.call.name)) for step in resolved.method
             if step.is_fault and isinstance(step.call, Native)}
    recovers_s = _recovers_within_s(resolved)
    longest_s = _bounded_s(_longest_s(resolved, cards, recovers_s))
    plan = Plan(
        run=wishes.run or new_run_id(started), experiment=resolved, origin=origin(), seed=_seed(resolved, wishes),
        cards=cards, strategy=_rollbacks(resolved, wishes), manner=_manner(resolved, wishes),
        recovers_within_s=recovers_s, longest_s=longest_s,
        expires=rfc3339(started + timedelta(seconds=longest_s + MARGIN_S)),
        started=rfc3339(started), digest="", hypothesis_only=wishes.hypothesis_only,
        safeguards=safeguards, environment=wishes.surroundings.environment.name,
        production=wishes.surroundings.environment.production, planned=wishes.planned)
    return structs.replace(plan, digest=digest(parts_of(plan)))


def longest_of(experiment: Experiment, values: Values, find_fault: FindFault) -> float:
    """The longest that a run of it may take, undo included, in seconds: what `plan_for` would say. Raises Refused."""
    resolved = _with_known_inverses(_with_pauses(experiment, values), values)
    cards = {step.key: _card(find_fault(step.call.name)) for step in resolved.method
             if step.is_fault and isinstance(step.call, Native)}
    return _bounded_s(_longest_s(resolved, cards, _recovers_within_s(resolved)))


def _safeguards(experiment: Experiment, wishes: Wishes) -> Safeguards:
    return experiment.safeguards.and_also(wishes.surroundings.safeguards).and_also(
        Safeguards(rehearse=wishes.rehearse))


def _rollbacks(experiment: Experiment, wishes: Wishes) -> RollbackStrategy:
    """The command line's, else the file's `runtime`, else the settings', as in Chaos Toolkit; but `safe` by default."""
    settings = None if experiment.has_runtime else wishes.runtime.rollbacks
    return wishes.strategy or experiment.rollback_strategy or settings or RollbackStrategy.SAFE


def _manner(experiment: Experiment, wishes: Wishes) -> Manner:
    settings = None if experiment.has_runtime else wishes.runtime.hypothesis
    hypothesis = wishes.hypothesis or experiment.hypothesis_strategy or settings or wishes.manner.hypothesis
    return structs.replace(wishes.manner, hypothesis=hypothesis, dry=wishes.manner.dry or experiment.dry,
                           attended=wishes.manner.attended or experiment.controlled)


def new_run_id(moment: datetime) -> str:
    """A ULID: 48 bits of time in milliseconds, 80 bits of chance; ids sort by time (github.com/ulid/spec)."""
    number = int(moment.timestamp() * 1000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def origin() -> Origin:
    """Who we are: user, host, and this very process."""
    machine = os.uname()
    return Origin(user=_user(), host=machine.nodename, pid=os.getpid(), version=__version__,
                  python=".".join(map(str, sys.version_info[:3])),
                  platform=f"{machine.sysname} {machine.release} {machine.machine}", through=_through())


def _through() -> str:
    """How whoever started us reaches us: most CI systems set CI, as GitHub, GitLab and Jenkins' plugins do."""
    if os.environ.get("CI"):
        return "CI"
    return "a terminal" if os.isatty(0) else "a script"


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _seed(experiment: Experiment, wishes: Wishes) -> int:
    chosen = wishes.seed if wishes.seed is not None else experiment.seed
    return secrets.randbits(31) if chosen is None else chosen


def _card(fault: Fault[Any, Any]) -> FaultCard:
    does, way_back = words_of(fault)
    return FaultCard(band=fault.band, healed_by=fault.healed_by, does=does, way_back=way_back,
                     tells_aftermath=type(fault).aftermath is not Fault.aftermath, undo_s=fault.undo_s,
                     holds=isinstance(fault, Holding))


def words_of(fault: Fault[Any, Any]) -> tuple[str, str]:
    """What a fault does and how it is undone, as the first line of its file says: "name: does; undo …"."""
    module = sys.modules.get(type(fault).__module__)
    first = ((module.__doc__ if module else "") or "").strip().partition("\n")[0]
    does, _, way_back = first.partition(": ")[2].rstrip(".").partition("; ")
    return does, way_back


def _with_pauses(experiment: Experiment, values: Values) -> Experiment:
    return structs.replace(experiment, title=fit(str(values.fill(experiment.title))),
                           method=tuple(_with_pause(step, values) for step in experiment.method),
                           rollbacks=tuple(_with_pause(step, values) for step in experiment.rollbacks))


def _with_pause(step: Step, values: Values) -> Step:
    if not isinstance(step.pause_before, str) and not isinstance(step.pause_after, str):
        return step
    return structs.replace(step, pause_before=_pause_s(step, values.fill(step.pause_before)),
                           pause_after=_pause_s(step, values.fill(step.pause_after)))


def _pause_s(step: Step, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= DURATION_MAX_S:
        return float(value)
    raise Refused(f'a pause of "{step.name}" ({step.place}) must be a number of seconds, no more than 366 days of them,'
                  f" and its value is {value!r:.80}")


def _with_known_inverses(experiment: Experiment, values: Values) -> Experiment:
    """The experiment, with a way back for each action that has none and whose inverse is known."""
    redactor = Redactor(values.sensitive())
    method = tuple(_with_known_inverse(step, redactor) for step in experiment.method)
    rollbacks = tuple(structs.replace(step, known=known_of(step)) for step in experiment.rollbacks)
    return structs.replace(experiment, method=method, rollbacks=rollbacks)


def _with_known_inverse(step: Step, redactor: Redactor) -> Step:
    if known := known_of(step):
        return structs.replace(step, known=known)
    undo = undo_of(step)
    if undo is None or redactor.struct(undo) != undo:  # a secret in it would be lost for recovery: then untracked
        return step
    return structs.replace(step, undo=undo)


def _refuse_unverified(experiment: Experiment) -> None:
    if experiment.rollbacks:
        raise Refused("rollbacks can only be reported, not verified, and require-verified-undo asks for more: give "
                      "each action an `undo:` with `verify:`")
    for step in experiment.method:
        if step.kind is StepKind.ACTION and not _is_verified(step):
            raise Refused(f'"{step.name}" ({step.place}) has no undo that can be verified, and require-verified-undo '
                          "asks for one: add `undo:` with `verify:`")


def _is_verified(step: Step) -> bool:
    return bool(step.is_fault or step.known or (step.undo and step.undo.verify))


def refuse_secrets_in_undo(experiment: Experiment, redactor: Redactor) -> None:
    """Raises Refused when an undo or a rollback would be redacted in the journal, and so be lost for recovery."""
    calls = [(step, step.undo.call) for step in experiment.method if step.undo]
    calls += [(step, step.call) for step in experiment.rollbacks if isinstance(step.call, Provider)]
    for step, call in calls:
        if redactor.data(call.spec) != call.spec:
            raise Refused(f'the way back of "{step.name}" ({step.place}) has a secret written out in it, which must '
                          "not be recorded: put it under `secrets` and write ${name}")


def _recovers_within_s(experiment: Experiment) -> float:
    """The author's, else the longer of 30 s and six samples of the slowest probe."""
    if experiment.hypothesis is None:
        return RECOVERS_WITHIN_S
    if experiment.hypothesis.recovers_within_s is not None:
        return experiment.hypothesis.recovers_within_s
    slowest_s = max((probe.every_s or 0.0 for probe in experiment.hypothesis.probes), default=0.0)
    return max(RECOVERS_WITHIN_S, RECOVERY_INTERVALS * slowest_s)


def _longest_s(experiment: Experiment, cards: Mapping[str, FaultCard], recovers_s: float) -> float:
    each_s = [*(card.undo_s for card in cards.values()),
              *(step.known.undo_s for step in experiment.method if step.known)]
    slower_s = sum(UNDO_ATTEMPTS * (undo_s - UNDO_S) for undo_s in each_s)
    baseline_s = experiment.hypothesis.baseline_s if experiment.hypothesis else 0.0
    return baseline_s + sum(map(_longest_step_s, experiment.steps)) + WAY_BACK_S + slower_s + recovers_s


def _bounded_s(longest_s: float) -> float:
    if longest_s > LONGEST_MAX_S:
        raise Refused(f"the run may take {spoken_seconds(longest_s)}, all its times added up, and more than ten years "
                      "are never planned: give its steps shorter durations, pauses or timeouts")
    return longest_s


def _longest_step_s(step: Step) -> float:
    pauses_s = float(step.pause_before) + float(step.pause_after)
    if step.is_fault:
        return pauses_s + (step.duration_s or 0.0) + WAY_BACK_S
    if isinstance(step.call, Native):
        return pauses_s + BOUNDED_STEP_S
    if step.call.kind == "python":
        return pauses_s + UNBOUNDED_STEP_S
    timeout_s = step.call.spec.get("timeout")
    return pauses_s + (float(timeout_s) if isinstance(timeout_s, int | float) else BOUNDED_STEP_S)
