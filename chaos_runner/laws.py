"""The laws of a fault as a check that anyone can put a fault through, their own included.

    check_fault("host.process_pause", Trial(target={"pid": 4711}, picture=lambda: state_of(4711)))

`chaos_runner.testing` offers it. A broken law is named with what was seen. The crash part runs the verbs in processes
of their own, which are killed with SIGKILL; `python -m chaos_runner.laws` is what they run.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Fault, Grade, Setting
from chaos_runner.errors import Refused
from chaos_runner.experiment.arguments import convert
from chaos_runner.mark import Mark, moment
from chaos_runner.plan.build import new_run_id

TRIAL: Final = "01TRIAL"
"""How the run ids of trials begin."""
_PATIENCE_S: Final = 60.0
_BACK: Final = (Answer.RESTORED, Answer.GONE)


class BrokenLaw(AssertionError):
    """A fault that does not keep a law. Says which, and what was seen."""


class Trial(Struct, frozen=True, kw_only=True):
    """What a fault is tried on. `picture` tells how the target is; it must be equal before and after."""

    picture: Callable[[], Any]
    target: Mapping[str, Any] = {}
    arguments: Mapping[str, Any] = {}
    configuration: Mapping[str, Any] = {}


def check_fault(name: str, trial: Trial) -> None:
    """Puts the fault of that name through every law. Raises BrokenLaw."""
    if shelf.fault(name).healed_by:
        raise ValueError(f"{name} cannot be undone: {shelf.fault(name).healed_by} brings its target back")
    for law in LAWS:
        law(name, trial)


def prepare_changes_nothing(name: str, trial: Trial) -> None:
    """`prepare` looks and returns acts that survive being written down."""
    before = trial.picture()
    acts = _acts(name, trial)
    _same(trial, before, "prepare changed something")
    _hold(bool(acts), "prepare returned no act")
    _hold([_rewritten(act) for act in acts] == acts, "an act is not the same after it was written and read")


def apply_acts_and_undo_brings_back(name: str, trial: Trial) -> None:
    """`apply` has evidence and an effect; `undo` and `verify` bring it back, twice as well as once."""
    before, fault, acts = trial.picture(), shelf.fault(name), _acts(name, trial)
    grades = [fault.apply(act).grade for act in acts]
    changed = trial.picture() != before
    try:
        _hold(Grade.NONE not in grades, "apply has no evidence that it acted")
        _hold(changed, "apply changed nothing that the picture shows")
        _hold(any(fault.verify(act).answer not in _BACK for act in acts), "verify says restored while the fault acts")
    finally:
        _undo(fault, acts)
    _is_back(trial, before, fault, acts)
    _undo(fault, acts)
    _is_back(trial, before, fault, acts)


def undo_is_harmless_before_apply(name: str, trial: Trial) -> None:
    """An undo of what was only recorded changes nothing."""
    before, fault, acts = trial.picture(), shelf.fault(name), _acts(name, trial)
    _undo(fault, acts)
    _is_back(trial, before, fault, acts)


def another_process_can_undo(name: str, trial: Trial) -> None:
    """The acts are enough: a process that never saw the target brings it back."""
    before, acts = trial.picture(), _acts(name, trial)
    for act in acts:
        shelf.fault(name).apply(act)
    for act in reversed(acts):
        _in_a_process("undo", name, act)
    _is_back(trial, before, shelf.fault(name), acts)


def a_killed_apply_can_be_undone(name: str, trial: Trial) -> None:
    """Whoever applied is killed right afterwards, before it could tell anyone."""
    before, acts = trial.picture(), _acts(name, trial)
    for act in acts:
        _in_a_process("apply-and-die", name, act)
    _undo(shelf.fault(name), acts)
    _is_back(trial, before, shelf.fault(name), acts)


def a_killed_undo_can_be_done_again(name: str, trial: Trial) -> None:
    """Whoever undid is killed right afterwards."""
    before, acts = trial.picture(), _acts(name, trial)
    for act in acts:
        shelf.fault(name).apply(act)
    for act in reversed(acts):
        _in_a_process("undo-and-die", name, act)
    _undo(shelf.fault(name), acts)
    _is_back(trial, before, shelf.fault(name), acts)


LAWS: Final = (prepare_changes_nothing, undo_is_harmless_before_apply, apply_acts_and_undo_brings_back,
               another_process_can_undo, a_killed_apply_can_be_undone, a_killed_undo_can_be_done_again)


def _acts(name: str, trial: Trial) -> list[Act]:
    fault = shelf.fault(name)
    now = datetime.now(UTC)
    run = TRIAL + new_run_id(now)[-len("0000000000000000000"):]
    mark = Mark(run=run, number=0, expires=moment(now + timedelta(minutes=5)))
    setting = Setting(mark=mark, seed=7, configuration=trial.configuration)
    acts: list[Act] = fault.prepare(convert(fault.target, trial.target), convert(fault.arguments, trial.arguments),
                                    setting)
    return acts


def _undo(fault: Fault[Any, Any], acts: list[Act]) -> None:
    for act in reversed(acts):
        fault.undo(act)


def _is_back(trial: Trial, before: Any, fault: Fault[Any, Any], acts: list[Act]) -> None:
    for act in acts:
        found = fault.verify(act)
        _hold(found.answer in _BACK, f"after the undo verify says {found.answer} of {act.label}: {found.diff}")
    _same(trial, before, "after the undo the target is not as it was")


def _same(trial: Trial, before: Any, broken: str) -> None:
    now = trial.picture()
    _hold(now == before, f"{broken}: before {before!r}, now {now!r}")


def _hold(held: bool, broken: str) -> None:  # noqa: FBT001 -- what is held is the point
    if not held:
        raise BrokenLaw(broken)


def _rewritten(act: Act) -> Act:
    return msgspec.json.decode(msgspec.json.encode(act), type=Act)


def _in_a_process(deed: str, name: str, act: Act) -> None:
    words = [sys.executable, "-m", "chaos_runner.laws", deed, name]
    done = subprocess.run(words, input=msgspec.json.encode(act), capture_output=True, timeout=_PATIENCE_S, check=False)
    expected = -signal.SIGKILL if deed.endswith("die") else 0
    _hold(done.returncode == expected, f"{deed} ended with {done.returncode}: {done.stderr.decode()[-500:]}")


def main() -> None:
    """One deed on one act, which stands in standard input; the deeds that end in `die` are the last of this process."""
    deed, name = sys.argv[1:]
    act = msgspec.json.decode(sys.stdin.buffer.read(), type=Act)
    fault = shelf.fault(name)
    try:
        fault.apply(act) if deed.startswith("apply") else fault.undo(act)
    except Refused as problem:
        raise SystemExit(f"refused: {problem}") from problem
    if deed.endswith("die"):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
