"""What holds for every run, whatever happens. Each says what is wrong with an ending, and nothing when all is well."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from chaos_runner.contracts import Grade
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.events import Phase, RestoredState, Stage, Verdict
from chaos_runner.run.gates import GateResult, again_at, gate_answers
from chaos_runner.run.run import Run, fold
from chaos_runner.testing import MemoryRun
from tests.run.stories import Ending

LONGEST_S: Final = 3600.0
"""No story takes longer: its waits, pauses and retries together stay far below."""
EXITS: Final = {
    Verdict.PASSED: {0}, Verdict.DEVIATED: {1}, Verdict.NOT_STARTED: {3}, Verdict.ABORTED: {4},
    Verdict.INCONCLUSIVE: {5}, Verdict.ERROR: {5}, Verdict.INTERRUPTED: {143},
}
LEFT: Final = (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN)

Complaints = Iterator[str]


def complaints(ending: Ending) -> list[str]:
    """Everything that is wrong with an ending."""
    found = [f"{rule.__name__}: {text}" for rule in OF_ANY_ENDING for text in rule(ending)]
    if ending.run:
        found += [f"{law.__name__}: {text}" for law in OF_A_RUN for text in law(ending, ending.run)]
    return found


# ── of every ending ─────────────────────────────────────────────────────────────────────────────────────────────────

def the_run_ends(ending: Ending) -> Complaints:
    if ending.stuck:
        yield ending.stuck
    elif ending.run and ending.run.run.t > LONGEST_S:
        yield f"it took {ending.run.run.t:.0f} s"


def a_journal_that_fails_ends_it_only_while_nothing_is_hurt(ending: Ending) -> Complaints:
    if not ending.run and not ending.stuck and ending.hurt:
        yield f"NotDurable was raised, and {ending.hurt} is hurt"


def every_apply_is_written_before(ending: Ending) -> Complaints:
    written: set[str] = set()
    for what in ending.world.trace:
        match what:
            case ev.Prepared():
                before = sum(key.partition(".")[0] == what.step for key in written)
                written |= {f"{what.step}.{before + number}" for number in range(len(what.acts))}
            case co.Apply() if what.entry not in written:
                yield f"{what.entry} was applied, and no Prepared was written"
            case _:
                pass


def every_step_of_the_method_is_written_before(ending: Ending) -> Complaints:
    written: set[str] = set()
    for what in ending.world.trace:
        match what:
            case ev.StepBegan():
                written.add(what.step)
            case co.RunStep() if what.step.startswith("m") and what.step not in written:
                yield f"{what.step} was called, and no StepBegan was written"
            case _:
                pass


def nothing_harmful_starts_after_a_stop(ending: Ending) -> Complaints:
    stopped = False
    for what in ending.world.trace:
        match what:
            case ev.Stopped():
                stopped = True
            case co.Apply() | co.Prepare() if stopped:
                yield f"{what} came after the stop"
            case co.RunStep() if stopped and what.step.startswith("m"):
                yield f"{what} came after the stop"
            case _:
                pass


def stages_lead_only_to_later_ones(ending: Ending) -> Complaints:
    order = list(Stage)
    for one, next_one in pairwise(what.stage for what in ending.world.events if isinstance(what, ev.StageBegan)):
        if order.index(next_one) <= order.index(one):
            yield f"{next_one} came after {one}"


def the_method_begins_only_in_the_steady_state(ending: Ending) -> Complaints:
    events = ending.world.events
    begins = [n for n, what in enumerate(events) if isinstance(what, ev.StageBegan) and what.stage is Stage.METHOD]
    if begins:
        run = fold(events[:begins[0]])
        for number, probe in enumerate(run.plan.probes):
            tally = run.tally(number, Phase.BEFORE)
            missing = tally.samples == tally.bad or tally.doubt or tally.blind or tally.breached(probe)
            if missing and run.plan.measures(number, before=True):
                yield f"{probe.name} had {tally.bad} bad samples of {tally.samples} {tally.doubt}"


def a_stopped_run_does_not_look_after(ending: Ending) -> Complaints:
    stopped = False
    for what in ending.world.events:
        stopped = stopped or isinstance(what, ev.Stopped)
        if stopped and isinstance(what, ev.StageBegan) and what.stage is Stage.AFTER:
            yield "the stage AFTER began after the stop"


def a_run_stops_once(ending: Ending) -> Complaints:
    stops = [what for what in ending.world.events if isinstance(what, ev.Stopped)]
    if len(stops) > 1:
        yield f"{len(stops)} times: {stops}"


def the_runner_itself_has_no_bug(ending: Ending) -> Complaints:
    for what in ending.world.events:
        if isinstance(what, ev.BugMet) and what.text != "ValueError: as told":
            yield f"{what.text}\n{what.trace}"


# ── of a run that came to its end ───────────────────────────────────────────────────────────────────────────────────

def what_is_hurt_is_said_to_be(ending: Ending, run: MemoryRun) -> Complaints:
    if ending.hurt and (run.restored not in LEFT or run.exit != 6):
        yield f"{ending.hurt} is hurt, and the run says {run.restored} with exit {run.exit}"


def what_is_hurt_was_recorded(ending: Ending, run: MemoryRun) -> Complaints:
    acts = {(entry.step, entry.act.label) for entry in run.run.entries.values() if entry.act}
    for step, names in ending.hurt.items():
        yield from (f"{name} was hurt by {step} without a record" for name in names if (step, name) not in acts)


def the_exit_code_says_what_the_run_says(_: Ending, run: MemoryRun) -> Complaints:
    if run.restored in LEFT:
        right = {6}
    elif run.run.bug:
        right = {70}
    else:
        right = EXITS[run.verdict]
    if run.exit not in right:
        yield f"{run.verdict} and {run.restored} gave exit {run.exit}, not {right}"


def passed_means_that_the_steady_state_was_seen(_: Ending, run: MemoryRun) -> Complaints:
    if run.verdict is not Verdict.PASSED:
        return
    if not run.run.plan.probes:
        yield "there was nothing to see"
    for number, probe in enumerate(run.run.plan.probes):
        for phase in (Phase.BEFORE, Phase.DURING):
            tally = run.run.tally(number, phase)
            if tally.samples - tally.bad < 1:
                yield f"{probe.name} has {tally.samples} samples {phase}, none of them good"


def passed_means_that_every_step_ended_well(_: Ending, run: MemoryRun) -> Complaints:
    if run.verdict is not Verdict.PASSED:
        return
    for step in run.run.plan.experiment.steps:
        state = run.run.step(step.key)
        due = step.key.startswith("m") or state.began_t is not None
        if due and state.ok is not True:
            yield f"{step.key} was {state.ok}: {state.note}"


def passed_means_that_something_acted(_: Ending, run: MemoryRun) -> Complaints:
    if run.verdict is not Verdict.PASSED:
        return
    actions = list(run.run.actions_begun())
    if not actions:
        yield "no action was started"
    yield from (f"{step.key} has no effect" for step, state in actions if state.grade is Grade.NONE)
    yield from (f"{entry.key} has no effect" for entry in run.run.entries.values()
                if entry.evidence and entry.evidence.grade is Grade.NONE)


def passed_means_that_nothing_cut_the_run_short(_: Ending, run: MemoryRun) -> Complaints:
    if run.verdict is Verdict.PASSED and (run.run.stop or run.run.bug):
        yield f"{run.run.stop or run.run.bug}"


def the_journal_tells_the_same_run(ending: Ending, run: MemoryRun) -> Complaints:
    if _journal_lost(ending, run):
        return
    told = fold(run.events)
    for name in Run.__struct_fields__:
        if name != "pending" and getattr(told, name) != getattr(run.run, name):
            yield f"{name} is {getattr(told, name)!r} in the journal and was {getattr(run.run, name)!r}"


def a_run_without_a_journal_does_not_look_after(ending: Ending, run: MemoryRun) -> Complaints:
    """What is not written cannot be told in order: here the times speak."""
    stop = run.run.stop
    if stop and _journal_lost(ending, run) and run.run.stages.get(Stage.AFTER, 0.0) > stop.t:
        yield f"the stage AFTER began after the stop at {stop.t} s"


def _journal_lost(ending: Ending, run: MemoryRun) -> bool:
    """Whether the story lost the journal on the way; of a journal that holds, RunEnded is the last event."""
    return ending.story.journal_fails_at is not None and not isinstance(run.events[-1], ev.RunEnded)


OF_ANY_ENDING: Final[tuple[Callable[[Ending], Complaints], ...]] = (
    the_run_ends, a_journal_that_fails_ends_it_only_while_nothing_is_hurt, every_apply_is_written_before,
    every_step_of_the_method_is_written_before, nothing_harmful_starts_after_a_stop, stages_lead_only_to_later_ones,
    the_method_begins_only_in_the_steady_state, a_stopped_run_does_not_look_after, a_run_stops_once,
    the_runner_itself_has_no_bug,
)
def no_more_is_hit_than_limits_allow(_: Ending, played: MemoryRun) -> Complaints:
    run = played.run
    hit = {entry.label for entry in run.entries.values() if entry.applied_t is not None and entry.act}
    for limit in run.plan.safeguards.limits:
        if limit.max_targets is not None and len(hit) > limit.max_targets:
            yield f"{len(hit)} targets were hit, and {limit.max_targets} are allowed"


def faults_are_undone_when_the_time_that_limits_allow_is_over(_: Ending, played: MemoryRun) -> Complaints:
    run = played.run
    for limit in run.plan.safeguards.limits:
        if limit.max_duration_s is None or run.first_effect_t is None or Stage.UNDOING not in run.stages:
            continue
        over_t = run.first_effect_t + limit.max_duration_s + 0.01
        if min([*played.moments(ev.UndoBegan), run.stages[Stage.UNDOING]]) > over_t:
            yield f"the undo began {run.stages[Stage.UNDOING] - over_t:.1f} s after the longest time was over"


def nothing_begins_behind_a_closed_gate(_: Ending, played: MemoryRun) -> Complaints:
    run = played.run
    first = {number: next((event for event in played.events if isinstance(event, ev.Sampled) and event.probe == number),
                          None) for number in run.plan.gates}
    for number, sample in first.items():
        if Stage.BEFORE in run.stages and (sample is None or not sample.good):
            yield f"it began, and the gate {run.plan.watched[number].name} was not open"


def only_what_a_gate_has_read_puts_a_run_off_and_only_before_it_began(_: Ending, played: MemoryRun) -> Complaints:
    run = played.run
    if run.ended is None:
        return
    for said in gate_answers(run):
        read = any(isinstance(event, ev.Sampled) and event.probe == said.number and event.value is not None
                   for event in played.events)
        if said.result is GateResult.DEFER and not read:
            yield f"the gate {said.name} defers, and was never read"
    if again_at(run) and (run.acted or run.ended.verdict is not Verdict.NOT_STARTED):
        yield "it is to be tried again, although it began"


def the_method_begins_only_after_its_rehearsal(_: Ending, played: MemoryRun) -> Complaints:
    run = played.run
    rehearsed = all(found.trips for found in run.rehearsals.values())
    watched = sum(1 for gate in run.plan.gates if run.plan.watched[gate].every_s)
    complete = len(run.rehearsals) == len(run.plan.experiment.stop_rules) + watched
    if run.plan.safeguards.rehearse and Stage.METHOD in run.stages and not (complete and rehearsed):
        yield "the method began, and not every stop rule was rehearsed"


OF_A_RUN: Final[tuple[Callable[[Ending, MemoryRun], Complaints], ...]] = (
    no_more_is_hit_than_limits_allow, faults_are_undone_when_the_time_that_limits_allow_is_over,
    the_method_begins_only_after_its_rehearsal, nothing_begins_behind_a_closed_gate,
    only_what_a_gate_has_read_puts_a_run_off_and_only_before_it_began,
    what_is_hurt_is_said_to_be, what_is_hurt_was_recorded, the_exit_code_says_what_the_run_says,
    passed_means_that_the_steady_state_was_seen, passed_means_that_every_step_ended_well,
    passed_means_that_something_acted, passed_means_that_nothing_cut_the_run_short, the_journal_tells_the_same_run,
    a_run_without_a_journal_does_not_look_after,
)
