"""What the loop's commands do. Each is blocking, runs on any thread, and answers with exactly one fact."""

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from math import isnan
from pathlib import Path
from subprocess import Popen
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from chaos_runner.contracts import (
    Act,
    BadQuestion,
    Fault,
    Grade,
    Holding,
    NativeProbe,
    Neighbour,
    Neighbours,
    NoData,
    Reading,
    Restored,
    Unreachable,
)
from chaos_runner.engine import activities
from chaos_runner.engine.activities import RUN_VARIABLE, STEP_VARIABLE, Called, Caller
from chaos_runner.engine.attending import Attendants
from chaos_runner.engine.judging import Ask, CannotJudge, asking, bad_values, holds
from chaos_runner.engine.knowing import Way, has_nothing_to_do, look, missed
from chaos_runner.engine.process import end_group
from chaos_runner.errors import ActFailed, ChaosRunnerError, Gone, NoEffect, NoTarget, Refused
from chaos_runner.experiment.arguments import BadArguments, convert
from chaos_runner.experiment.model import AnyAnswer, Native, Probe, Provider, Step
from chaos_runner.experiment.values import Values
from chaos_runner.mark import own_key
from chaos_runner.plan.aim import aim, mark_of
from chaos_runner.plan.limits import aims_of, exceeded, foreseen
from chaos_runner.plan.model import Plan
from chaos_runner.redaction import Redactor
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.events import Phase, Refusal, StopKind
from chaos_runner.run.run import Entry, Run
from chaos_runner.run.sentences import off as off_words

SAMPLE_MOST: Final = 500
LINES_MOST: Final = 30
"""Lines that are kept of what became of one target."""
READING_MOST: Final = 65536
"""Characters that are kept of what a sampled, and of what a single-shot probe gave."""


_REVEALING: Final = ("what it would record, to be undone later, has a secret in it, which must not be written: name "
                     "the target otherwise, or call the configuration key otherwise")


class Shelf(Protocol):
    """Where faults and probes are found by name."""

    def fault(self, name: str) -> Fault[Any, Any]:
        """The fault of that name."""

    def probe(self, name: str) -> NativeProbe:
        """The probe of that name."""


class WayBack(Protocol):
    """Who undoes an act: a native fault, or a known way back of another package's action."""

    def undo(self, act: Act) -> None:
        """Brings it back."""

    def verify(self, act: Act) -> Restored:
        """Reads it back and compares."""

    def by_hand(self, act: Act) -> str:
        """The command that finishes the undo."""


def alone(_: Sequence[Path]) -> list[Neighbour]:
    """A run that is written nowhere knows of no other. Raises NoData."""
    raise NoData("this run has no folder, so it knows of no other")


class Orders(Struct, frozen=True):
    """What the hands work on: the plan, its values, the shelf, and the time since the run began."""

    plan: Plan
    values: Values
    shelf: Shelf
    elapsed_s: Callable[[], float]
    redactor: Redactor = Redactor()
    attendants: Attendants | None = None
    neighbours: Neighbours = alone


class Hands:
    """Carries out commands. Foreign code is called here and nowhere else."""

    def __init__(self, orders: Orders) -> None:
        self._plan = orders.plan
        self._values = orders.values
        self._shelf = orders.shelf
        self._t = orders.elapsed_s
        self._redactor = orders.redactor
        self._attendants = orders.attendants
        self._neighbours = orders.neighbours
        self._processes: dict[str, Popen[bytes]] = {}
        self._asks: dict[int, Ask] = {}
        self._ready: dict[int, tuple[Callable[[Any], Reading], Struct]] = {}
        """Native probes and their arguments, the same for all of a run. The plan keeps the calls, and so their ids.
        """
        self._killed: set[str] = set()
        self._kept_for: dict[str, tuple[Way | None, list[Act]]] = {}
        """What was seen before an action that has not been called yet."""

    def attend(self, control: co.Control, run: Run) -> ev.Fact:
        """Calls the controls about this moment."""
        try:
            interrupt = self._attendants.attend(control, run) if self._attendants else ""
        except Exception as problem:  # noqa: BLE001 -- controls are foreign code, whatever chaoslib lets through
            return self._controlled(control, note=f"{type(problem).__name__}: {problem}")
        return self._controlled(control, interrupt)

    def _controlled(self, control: co.Control, interrupt: str = "", note: str = "") -> ev.Controlled:
        return ev.Controlled(t=self._t(), level=control.level, moment=control.moment, subject=control.subject,
                             reading=control.reading, interrupt=interrupt, note=note)

    def carry_out(self, command: co.Command, entry: Entry | None) -> ev.Fact | None:
        """Does what was asked. An error that nobody foresaw becomes BugMet, so that the loop can undo and say so."""
        try:
            return self._do(command, entry)
        except BaseException as problem:  # noqa: BLE001 -- exits too: foreign code must neither end nor hang the run
            return self._unforeseen(command, problem)

    def _do(self, command: co.Command, entry: Entry | None) -> ev.Fact | None:
        if entry:
            return self._do_to(entry, command)
        match command:
            case co.Check() | co.Prepare() | co.Look():
                return self._look_at(command)
            case co.Trip():
                return self._trip(command.probe)
            case co.BeReady():
                return ev.Rehearsed(t=self._t(), probe=command.probe, trips=command.trips,
                                    took_s=round(self._t() - command.since_t, 6))
            case co.LetGo():
                return self._let_go(command)
            case co.RunStep():
                return self._run_step(self._plan.step(command.step))
            case co.Control():
                return self._controlled(command)
            case co.KillStep():
                self._kill(command.step)
                return None
            case co.Read():
                return self._read(command.probe, command.phase)
            case _:
                raise TypeError(f"{command} cannot be carried out")

    def _look_at(self, command: co.Check | co.Prepare | co.Look) -> ev.Fact:
        step = self._plan.step(command.step)
        match command:
            case co.Check():
                return self._check(step)
            case co.Prepare():
                return self._prepare(step, command)
            case co.Look():
                return self._look_before(step, command.earlier)

    def _do_to(self, entry: Entry, command: co.Command) -> ev.Fact:
        match command:
            case co.Apply():
                return self._apply(entry)
            case co.Undo():
                return self._undo(entry)
            case co.Verify():
                return self._verify(entry)
            case co.LookBack():
                return self._look_back(entry)
            case _:
                raise TypeError(f"{command} cannot be carried out")

    def _unforeseen(self, command: co.Command, problem: BaseException) -> ev.Fact:
        text = f"{type(problem).__name__}: {problem}"
        match command:
            case co.Apply():
                return ev.ApplyFailed(t=self._t(), entry=command.entry, text=text, may_have_changed=True)
            case co.Undo():
                return ev.UndoFailed(t=self._t(), entry=command.entry, text=text)
            case co.Verify():
                return ev.Verified(t=self._t(), entry=command.entry, answer=None, diff=text)
            case co.LookBack():
                return ev.LookedBack(t=self._t(), entry=command.entry, lines=[text])
            case co.Read():
                return ev.Sampled(t=self._t(), probe=command.probe, phase=command.phase, good=None, doubt=text)
            case _:
                pass
        trace = "".join(traceback.format_exception(problem))
        return ev.BugMet(t=self._t(), text=text, trace=trace)

    # ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _check(self, step: Step) -> ev.Fact:
        try:
            acts = self._look(step)
        except (ChaosRunnerError, BadArguments) as problem:
            return self._declined(step, problem, early=True)
        return ev.Checked(t=self._t(), step=step.key, targets=foreseen(step, acts))

    def _prepare(self, step: Step, command: co.Prepare) -> ev.Fact:
        try:
            acts = self._look(step, command.round)
        except (ChaosRunnerError, BadArguments) as problem:
            return self._declined(step, problem, early=False)
        if said := exceeded(self._plan.safeguards.limits, [*command.others, *aims_of(step.call, acts, command.round)]):
            return self._declined(step, Refused(said), early=False)
        if any(self._redactor.struct(act) != act for act in acts):
            return self._declined(step, Refused(_REVEALING), early=False)
        return ev.Prepared(t=self._t(), step=step.key, acts=acts)

    def _look(self, step: Step, round: int = 0) -> list[Act]:  # noqa: A002
        return aim(step, self._plan, self._values, self._shelf.fault, round=round)

    def _declined(self, step: Step, problem: Exception, *, early: bool) -> ev.Fact:
        return ev.Declined(t=self._t(), step=step.key, why=_refusal(problem), text=str(problem), early=early)

    def _apply(self, entry: Entry) -> ev.Fact:
        fault, act = self._native(entry)
        try:
            if isinstance(fault, Holding):
                fault.hold(act, mark_of(self._plan.step(entry.step), self._plan), own_key())
            evidence = fault.apply(act)
        except (Refused, Gone) as problem:
            return ev.ApplyFailed(t=self._t(), entry=entry.key, text=str(problem), may_have_changed=False,
                                  why=_refusal(problem))
        except ActFailed as problem:
            return ev.ApplyFailed(t=self._t(), entry=entry.key, text=str(problem), may_have_changed=True)
        return ev.Applied(t=self._t(), entry=entry.key, evidence=evidence)

    def _let_go(self, command: co.LetGo) -> ev.Fact:
        step = self._plan.step(command.step)
        mark, note = mark_of(step, self._plan), ""
        fault: object = self._shelf.fault(step.call.name) if isinstance(step.call, Native) else None
        try:
            if isinstance(fault, Holding):
                fault.let_go(command.acts, mark)
        except ChaosRunnerError as problem:
            note = f"{problem}: it expires by itself"
        return ev.WasLetGo(t=self._t(), step=step.key, note=note)

    def _native(self, entry: Entry) -> tuple[Fault[Any, Any], Act]:
        call = self._plan.step(entry.step).call
        if not isinstance(call, Native) or entry.act is None:
            raise TypeError(f"{entry.key} is no act of a native fault")
        return self._shelf.fault(call.name), entry.act

    # ── the way back ────────────────────────────────────────────────────────────────────────────────────────────────

    def _undo(self, entry: Entry) -> ev.Fact:
        called_t = self._t()
        undo = self._plan.step(entry.step).undo
        if undo:  # the plan's: what stands in the journal is redacted
            return self._undo_by_provider(entry.key, undo.call, called_t)
        back, act = self._way_back(entry)
        try:
            back.undo(act)
        except Gone:
            return ev.Undone(t=self._t(), entry=entry.key, called_t=called_t)
        except ChaosRunnerError as problem:
            return ev.UndoFailed(t=self._t(), entry=entry.key, text=str(problem), called_t=called_t,
                                 by_hand=back.by_hand(act))
        return ev.Undone(t=self._t(), entry=entry.key, called_t=called_t)

    def by_hand(self, entry: Entry) -> str:
        """The command that finishes the undo of an entry, "" where nobody knows one."""
        if self._plan.step(entry.step).undo:
            return ""
        back, act = self._way_back(entry)
        return back.by_hand(act)

    def _way_back(self, entry: Entry) -> tuple[WayBack, Act]:
        step = self._plan.step(entry.step)
        way = Way.of(step, step.call, self._values) if isinstance(step.call, Provider) else None
        return (way, entry.act) if way and entry.act else self._native(entry)

    def _undo_by_provider(self, entry: str, call: Provider, called_t: float) -> ev.Fact:
        called = activities.call(call, self._caller(entry))
        if called.ok and called.grade is not Grade.NONE:
            return ev.Undone(t=self._t(), entry=entry, called_t=called_t)
        return ev.UndoFailed(t=self._t(), entry=entry, text=called.note, called_t=called_t)

    def _verify(self, entry: Entry) -> ev.Fact:
        undo = self._plan.step(entry.step).undo
        if undo:
            return self._verify_by_probe(entry.key, undo.verify)
        back, act = self._way_back(entry)
        try:
            found = back.verify(act)
        except ChaosRunnerError as problem:
            return ev.Verified(t=self._t(), entry=entry.key, answer=None, diff=str(problem), by_hand=back.by_hand(act))
        return ev.Verified(t=self._t(), entry=entry.key, answer=found.answer, diff=found.diff,
                           by_hand=back.by_hand(act))

    def _look_back(self, entry: Entry) -> ev.Fact:
        fault, act = self._native(entry)
        began = datetime.fromisoformat(self._plan.started)
        try:
            lines = fault.aftermath(act, began + timedelta(seconds=entry.applied_t or 0.0))
        except ChaosRunnerError as problem:
            lines = [f"what became of it could not be read: {problem}"]
        return ev.LookedBack(t=self._t(), entry=entry.key, lines=[line[:SAMPLE_MOST] for line in lines[:LINES_MOST]])

    def _verify_by_probe(self, entry: str, probe: Probe | None) -> ev.Fact:
        from chaos_runner.contracts import Answer

        if probe is None:
            return ev.Verified(t=self._t(), entry=entry, answer=None, blind=True)
        answer = self._ask(probe)
        if answer.good is None:
            return ev.Verified(t=self._t(), entry=entry, answer=None, diff=answer.doubt or answer.note)
        back = Answer.RESTORED if answer.good else Answer.NOT_RESTORED
        diff = "" if answer.good else f"{probe.name}: {answer.note or answer.value}"
        return ev.Verified(t=self._t(), entry=entry, answer=back, diff=diff)

    # ── actions whose way back has to know how it was ──────────────────────────────────────────────────────────────

    def _look_before(self, step: Step, earlier: Sequence[Act]) -> ev.Looked:
        call = self._called(step)
        way = Way.of(step, call, self._lively) if call else None
        if way is None:
            return ev.Looked(t=self._t(), step=step.key)
        try:
            acts = look(way, step, self._plan, earlier, lambda act: self._redactor.struct(act) != act)
        except (ChaosRunnerError, LookupError) as problem:
            return ev.Looked(t=self._t(), step=step.key, refused=str(problem))
        self._kept_for[step.key] = (way, acts)
        return ev.Looked(t=self._t(), step=step.key, acts=acts)

    def _called(self, step: Step) -> Provider | None:
        """The call as the controls have left it, which are done with it by now; None when it will not be called."""
        if self._attendants is None:
            return step.call if isinstance(step.call, Provider) else None
        return self._attendants.about_to_call(step.key, step.call) if isinstance(step.call, Provider) else None

    def _keep(self, step: Step) -> str:
        """Puts aside what the way back will need. Gives why the action must not be called."""
        way, acts = self._kept_for.pop(step.key, (None, []))
        said = way.keep(acts) if way else ""
        return f"not called, there would be no way back: {said}" if said else ""

    def _forgiven(self, step: Step, called: Called) -> Called:
        """A rollback that fails because what it is to bring about is so already has not failed: our undo did it."""
        if called.ok or not step.key.startswith("r") or not isinstance(step.call, Provider):
            return called
        way = Way.of(step, step.call, self._lively)
        if way is None or not has_nothing_to_do(way, step, self._plan):
            return called
        return Called(ok=True, grade=Grade.REPORTED, note=f"nothing was left for it to do ({called.note})")

    # ── Chaos Toolkit activities ────────────────────────────────────────────────────────────────────────────────────

    def _run_step(self, step: Step) -> ev.Fact:
        if isinstance(step.call, Native):
            return self._probe_step(step, step.call)
        called_t = self._t()
        if said := self._keep(step):
            return ev.StepEnded(t=self._t(), step=step.key, ok=False, grade=Grade.NONE, note=said, error=[said],
                                called_t=called_t)
        called = self._forgiven(step, self._call(step.key, step.call, self._caller(step.key, self._lively)))
        self._processes.pop(step.key, None)
        ended = self._ended(step, called, called_t)
        if not self._plan.manner.chaoslib or not called.ends_run or step.background or step.key.startswith("r"):
            return ended
        return msgspec.structs.replace(ended, halts=StopKind.STEP_LEFT if called.left else StopKind.STEP_BROKE)

    def _call(self, key: str, call: Provider, caller: Caller) -> Called:
        """Calls an activity, as the controls have left it where there are any."""
        if self._attendants is None:
            return activities.call(call, caller)
        changed = self._attendants.begin(key, call)
        if changed is None:
            return Called(ok=True, grade=Grade.NONE, dry=True, note="a control made it dry: not called")
        called = activities.call(changed, caller)
        if changed != call and not called.note:
            called = msgspec.structs.replace(called, note="a control has changed what was called")
        killed = key in self._killed
        self._attendants.end(key, msgspec.structs.replace(called, left=True) if killed else called)
        return called

    @property
    def _lively(self) -> Values:
        """What Chaos Toolkit's activities are called with: controls may have changed it. Undo is not."""
        return self._attendants.values if self._attendants else self._values

    def _caller(self, key: str, values: Values | None = None) -> Caller:
        return Caller(values or self._values, {RUN_VARIABLE: self._plan.run, STEP_VARIABLE: key},
                      lambda popen: self._processes.update({key: popen}))

    def end_processes(self) -> None:
        """Ends every process that this run's steps and probes have started and that still runs."""
        for process in list(self._processes.values()):
            if process.poll() is None:
                end_group(process)

    def _ended(self, step: Step, called: Called, called_t: float) -> ev.StepEnded:
        output, cut = activities.recorded(self._redactor.data(activities.writable(called.output)))
        ok, grade, note = called.went_well, called.grade, called.note or cut
        if step.expect is not None:
            ok = called.ok and _as_expected(self._values.fill(step.expect), called.output)
            grade = Grade.PROVEN if ok else Grade.NONE
            note = note if ok else f"not as expected ({step.expect!r}): {called.note or repr(output)[:200]}"
        off = (self._off(step, called.output, output) or missed(step, called.output)) if ok else ""
        return ev.StepEnded(t=self._t(), step=step.key, ok=ok, grade=grade, output=output, error=called.error,
                            note=note or off, off=off, called_t=called_t)

    def _off(self, step: Step, value: Any, shown: Any) -> str:
        """In words, that the step's tolerance is not met; "" when it is, or when it has none."""
        if step.tolerance is None:
            return ""
        try:
            return "" if holds(step.tolerance, value, self._values) else off_words(step.tolerance, shown)
        except CannotJudge as problem:
            return f"could not be judged: {problem}"

    def _probe_step(self, step: Step, call: Native) -> ev.StepEnded:
        try:
            reading = self._native_reading(call)
        except (Unreachable, NoData, BadQuestion, BadArguments) as problem:
            return ev.StepEnded(t=self._t(), step=step.key, ok=False, grade=Grade.NONE, note=str(problem),
                                error=[str(problem)])
        off = self._off(step, reading.value, reading.value)
        return ev.StepEnded(t=self._t(), step=step.key, ok=True, grade=Grade.REPORTED, output=reading.value,
                            note=reading.note or off, off=off)

    def _kill(self, step: str) -> None:
        process = self._processes.get(step)
        self._killed.add(step)
        if process:
            end_group(process)

    # ── the rehearsal ───────────────────────────────────────────────────────────────────────────────────────────────

    def _trip(self, number: int) -> ev.Fact:
        """The first value that the rule's own judge calls bad; for a rule that has only `missing-for`, silence."""
        rule = self._plan.watched[number]
        if isinstance(rule.judge, AnyAnswer):
            return ev.Tripped(t=self._t(), probe=number, good=None)
        for value in bad_values(rule.judge):
            with suppress(CannotJudge):
                if holds(rule.judge, value, self._values) is rule.bad_when_met:
                    return ev.Tripped(t=self._t(), probe=number, good=False, value=value)
        return ev.Tripped(t=self._t(), probe=number, good=True, doubt="no value was found that it calls bad")

    # ── probes ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _read(self, number: int, phase: Phase) -> ev.Sampled:
        began_s = time.monotonic()
        answer = self._ask_single_shot(number) if self._is_attended(number) else self._ask(self._plan.watched[number])
        return ev.Sampled(t=self._t(), probe=number, phase=phase, good=answer.good, value=answer.value,
                          missing=answer.missing, doubt=answer.doubt, note=answer.note,
                          took_s=round(time.monotonic() - began_s, 6))

    def _is_attended(self, number: int) -> bool:
        return self._attendants is not None and self._plan.is_single_shot(number)

    def _ask_single_shot(self, number: int) -> "_Answer":
        answer = self._ask(self._plan.probes[number], f"p{number}")
        if self._attendants:
            self._attendants.judged(f"p{number}", good=answer.good is True)
        return answer

    def _ask(self, probe: Probe, key: str = "") -> "_Answer":
        try:
            reading = self._reading(probe, key)
        except Unreachable as problem:
            return _Answer(good=False, note=str(problem))
        except NoData as problem:
            return _Answer(good=None, note=str(problem), missing=True)
        except (BadQuestion, BadArguments) as problem:
            return _Answer(good=None, doubt=str(problem))
        if isinstance(reading.value, float) and isnan(reading.value):
            return _Answer(good=None, note="not a number", missing=True)
        data = self._redactor.data(activities.writable(reading.value))
        value = _brief(data, SAMPLE_MOST if probe.every_s else READING_MOST)
        try:
            good = self._asking(probe)(reading.value, self._lively) is not probe.bad_when_met
        except CannotJudge as problem:
            return _Answer(good=None, value=value, doubt=str(problem))
        return _Answer(good=good, value=value, note=reading.note or ("" if good else _said(data)))

    def _asking(self, probe: Probe) -> Ask:
        return self._asks.get(id(probe)) or self._asks.setdefault(id(probe), asking(probe.judge))

    def _reading(self, probe: Probe, key: str) -> Reading:
        if isinstance(probe.call, Native):
            return self._native_reading(probe.call)
        caller = self._caller(probe.name, self._lively)
        called = self._call(key, probe.call, caller) if key else activities.call(probe.call, caller)
        if not called.ok:
            raise Unreachable(called.note)
        return Reading(value=called.output, note=called.note)

    def _native_reading(self, call: Native) -> Reading:
        ready = self._ready.get(id(call))
        if ready is None:
            native = self._shelf.probe(call.name)
            arguments = convert(native.arguments, self._values.fill(call.arguments))
            read = partial(native.read, neighbours=self._neighbours) if native.of_runs else native.read
            ready = self._ready[id(call)] = (read, arguments)
        read, arguments = ready
        return read(arguments)


def _refusal(problem: Exception) -> Refusal:
    if isinstance(problem, NoTarget | Gone):
        return Refusal.NO_TARGET
    return Refusal.NO_EFFECT if isinstance(problem, NoEffect) else Refusal.REFUSED


class _Answer(Struct, frozen=True, kw_only=True):
    """A probe's answer, judged."""

    good: bool | None
    value: Any = None
    missing: bool = False
    doubt: str = ""
    note: str = ""


def _as_expected(expected: Any, output: Any) -> bool:
    """Of a mapping the members that are named; one that names none is no proof of anything."""
    if expected and isinstance(expected, dict) and isinstance(output, dict):
        return all(key in output and output[key] == value for key, value in expected.items())
    return bool(expected == output)


def _brief(value: Any, most: int) -> Any:
    """Data small enough to keep with its sample: as it is where that is short, else cut."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) <= most:
        return value
    if isinstance(value, dict) and isinstance(value.get("status"), int):
        return {key: _brief(member, most // 4) for key, member in value.items()}
    return f"{text[:most]}… ({len(text) - most} more characters)"


def _said(value: Any) -> str:
    if isinstance(value, dict) and "status" in value:
        told = str(value.get("stderr") or "").strip().splitlines()
        return f"status {value['status']}" + (f", {told[-1][:120]}" if told else "")
    return ""
