"""Chaos Toolkit's journal of a run, with the fields and statuses that chaoslib 1.44 writes.

What chaoslib calls the steady state "after" is read after the method and before any rollback: the last readings of our
"during". A state ends with its first probe that is not met, as there. Samples that chaoslib would call continuous stand
in `steady_states.during`, one state a round. A native fault or probe has a provider of type `native`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any, Final

from chaos_runner.experiment.document import parse, plain
from chaos_runner.experiment.model import STEADY_SAMPLES, Call, Judge, Limit, Native, Probe, Step, Tolerance
from chaos_runner.journal.record import Record
from chaos_runner.report import times
from chaos_runner.report.story import Story
from chaos_runner.run import conditions
from chaos_runner.run.events import Phase, Sampled, Stage, StopKind, Verdict
from chaos_runner.run.run import Run, StepRun

CHAOSLIB: Final = "1.44.0"
"""The version whose journal this is."""
Mapping = dict[str, Any]


def journal(run: Run, records: Sequence[Record]) -> Mapping:
    """The journal as data that JSON can hold, provided that every output is."""
    return journal_of(Story.of(run, records))


def journal_of(story: Story) -> Mapping:
    """The journal of a story, as `journal` makes it."""
    run = story.run
    before, after = _before(story), _after(story)
    return {
        "chaoslib-version": CHAOSLIB, "platform": run.plan.origin.platform, "node": run.plan.origin.host,
        "experiment": experiment(run), "start": times.iso(run, 0.0), "status": _status(run, before, after),
        "deviated": _deviated(run),
        "steady_states": {"before": before, "after": after, "during": list(_during(story))},
        "run": _runs(run, run.plan.experiment.method), "rollbacks": _runs(run, run.plan.experiment.rollbacks),
        "end": times.iso(run, run.t), "duration": run.t,
    }


def experiment(run: Run) -> Mapping:
    """The experiment as its author wrote it, secrets redacted as everywhere. What is written in our own format stands
    there as activities of Chaos Toolkit's, so that whoever reads its journals can read this one.
    """
    asked = run.plan.experiment
    root = parse(asked.source.encode(), asked.file).root
    written = plain(root) if root is not None and isinstance(root.value, dict) else None
    if written is None:
        return {"title": asked.title, "description": asked.description, **_told_activities(run)}
    if all(_is_chaos_toolkits(activity) for activity in _written_activities(written)):
        return {**written, "title": asked.title}
    return {"description": asked.description, **written, "title": asked.title, **_told_activities(run)}


def _written_activities(written: Mapping) -> Iterator[Any]:
    hypothesis = written.get("steady-state-hypothesis")
    probes = hypothesis.get("probes") if isinstance(hypothesis, dict) else None
    for activities in (written.get("method"), written.get("rollbacks"), probes):
        yield from activities if isinstance(activities, list) else ()


def _is_chaos_toolkits(activity: Any) -> bool:
    """Whether Chaos Toolkit knows such an activity."""
    return isinstance(activity, dict) and ("ref" in activity or "provider" in activity)


def _told_activities(run: Run) -> Mapping:
    asked = run.plan.experiment
    told: Mapping = {"method": [_activity(step) for step in asked.method],
                     "rollbacks": [_activity(step) for step in asked.rollbacks]}
    if asked.hypothesis:
        told["steady-state-hypothesis"] = {"title": asked.hypothesis.title,
                                           "probes": [_probe(probe) for probe in asked.hypothesis.probes]}
    return told


def _deviated(run: Run) -> bool:
    if run.ended is None:
        return run.acted and conditions.deviated(run)
    return run.ended.verdict is Verdict.DEVIATED


def _status(run: Run, before: Mapping | None, after: Mapping | None) -> str:
    """completed, failed, aborted or interrupted, by chaoslib's rules: a probe that raised makes its state failed."""
    if run.ended is None or (run.stop and run.stop.kind in (StopKind.SIGNAL, StopKind.CONTROL, StopKind.STEP_LEFT)):
        return "interrupted"
    if run.stop and run.stop.kind is StopKind.FAIL_FAST:
        return "failed"
    if run.stop or run.bug:
        return "aborted"
    broken = [state for state in (before, after) if state and not state["steady_state_met"]]
    raised = any(probe["status"] != "succeeded" for state in broken for probe in state["probes"])
    return "failed" if raised or run.declined else "completed"


# ── activities ──────────────────────────────────────────────────────────────────────────────────────────────────────

def _activity(step: Step) -> Mapping:
    activity: Mapping = {"type": str(step.kind), "name": step.name, "provider": _provider(step.call)}
    if step.background:
        activity["background"] = True
    pauses = {"before": step.pause_before, "after": step.pause_after}
    if any(pauses.values()):
        activity["pauses"] = {when: pause for when, pause in pauses.items() if pause}
    return activity


def _probe(probe: Probe) -> Mapping:
    return {"type": "probe", "name": probe.name, "provider": _provider(probe.call),
            "tolerance": _tolerance(probe.judge)}


def _provider(call: Call) -> Mapping:
    if isinstance(call, Native):
        return {"type": "native", "name": call.name, "target": call.target, "arguments": call.arguments}
    return call.spec


def _tolerance(judge: Judge) -> Any:
    if isinstance(judge, Limit):
        bounds = list(judge.bounds)
        return {"type": "native", str(judge.comparison): bounds if len(bounds) > 1 else bounds[0], "unit": judge.unit}
    return judge.spec if isinstance(judge, Tolerance) else {"type": "native", "any": True}


def _runs(run: Run, steps: Iterable[Step]) -> list[Mapping]:
    begun = [(began_t, step) for step in steps if (began_t := run.step(step.key).began_t) is not None]
    return [_step(run, step, run.step(step.key), began_t) for began_t, step in sorted(begun, key=lambda one: one[0])]


def _step(run: Run, step: Step, state: StepRun, began_t: float) -> Mapping:
    record: Mapping = {"activity": _activity(step), "output": state.output, "start": times.iso(run, began_t)}
    if state.ended_t is None or state.abandoned:  # chaoslib leaves the status out of what was interrupted
        return record
    raised = bool(state.error) or state.refusal is not None or (state.ok is False and isinstance(step.call, Native))
    record |= {"status": "failed" if raised else "succeeded", "end": times.iso(run, state.ended_t),
               "duration": max(0.0, state.ended_t - began_t)}
    if raised:
        record["exception"] = state.error or [state.note]
    return record


# ── steady states ───────────────────────────────────────────────────────────────────────────────────────────────────

def _before(story: Story) -> Mapping | None:
    probes = range(len(story.run.plan.probes))
    dry = any(not story.run.plan.is_called(probe) for probe in story.run.plan.probes)
    read = any(story.taken(number, Phase.BEFORE) for number in probes)
    if not read and not (dry and story.run.plan.manner.hypothesis.reads_before):
        return None
    return _state(story, [_telling(story, number, Phase.BEFORE) for number in probes])


def _after(story: Story) -> Mapping | None:
    """None when the method did not come to its end, as in chaoslib."""
    run = story.run
    if Stage.READING not in run.stages or not run.plan.probes or not _reads_after(run):
        return None
    return _state(story, [_last_word(story, number) for number in range(len(run.plan.probes))])


def _reads_after(run: Run) -> bool:
    return run.plan.manner.hypothesis.reads_after or len(run.plan.single_shot) < len(run.plan.probes)


def _last_word(story: Story, number: int) -> tuple[int, Sampled | None]:
    """During the fault; but for a sampled probe that held then and did not recover, after it."""
    run, probe = story.run, story.run.plan.watched[number]
    after = run.tally(number, Phase.AFTER)
    lost = probe.every_s and after.samples and after.good_in_a_row < STEADY_SAMPLES
    if lost and not run.tally(number, Phase.DURING).breached(probe):
        return number, story.taken(number, Phase.AFTER)[-1]
    return _telling(story, number, Phase.DURING)


def _telling(story: Story, number: int, phase: Phase) -> tuple[int, Sampled | None]:
    """The one sample that stands for a phase: the first bad one where the limit was broken, else the last good one."""
    stage = Stage.BEFORE if phase is Phase.BEFORE else Stage.READING
    if number in story.run.plan.single_shot and (read := story.in_stage(number, stage)):
        return number, read[-1]
    taken = story.taken(number, phase)
    tally = story.run.tally(number, phase)
    if tally.breached(story.run.plan.watched[number]):
        return number, next(sample for sample in taken if sample.good is False)
    good = [sample for sample in taken if sample.good]
    return number, good[-1] if good and not tally.unknown else (taken[-1] if taken else None)


def _state(story: Story, readings: Iterable[tuple[int, Sampled | None]]) -> Mapping:
    probes: list[Mapping] = []
    for number, sample in readings:
        probes.append(_reading(story.run, number, sample))
        if not probes[-1]["tolerance_met"]:
            return {"steady_state_met": False, "probes": probes}
    return {"steady_state_met": True, "probes": probes}


def _during(story: Story) -> Iterator[Mapping]:
    """One state a round: first those of the strategy `continuously`, then those of the sampled probes."""
    round_of: list[tuple[int, Sampled | None]] = []
    for sample in story.staged.get(Stage.METHOD, []):
        if sample.probe in story.run.plan.single_shot:
            if round_of and sample.probe <= round_of[-1][0]:
                yield _state(story, round_of)
                round_of = []
            round_of.append((sample.probe, sample))
    if round_of:
        yield _state(story, round_of)
    yield from _sampled_during(story)


def _sampled_during(story: Story) -> Iterator[Mapping]:
    """Every probe of a round is kept."""
    activities = {number: _probe(probe) for number, probe in enumerate(story.run.plan.probes) if probe.every_s}
    rounds = zip_longest(*(story.taken(number, Phase.DURING) for number in activities))
    for taken in rounds:
        probes = [_reading(story.run, number, sample, activity)
                  for (number, activity), sample in zip(activities.items(), taken, strict=True) if sample]
        yield {"steady_state_met": all(probe["tolerance_met"] for probe in probes), "probes": probes}


def _reading(run: Run, number: int, sample: Sampled | None, activity: Mapping | None = None) -> Mapping:
    activity = activity or _probe(run.plan.watched[number])
    if sample is None and not run.plan.is_called(run.plan.watched[number]):
        now = times.iso(run, run.stages.get(Stage.BEFORE, 0.0))
        return {"activity": activity, "output": None, "start": now, "status": "succeeded", "end": now, "duration": 0.0,
                "tolerance_met": True}
    if sample is None:
        return {"activity": activity, "output": None, "start": times.iso(run, run.t), "status": "failed",
                "end": times.iso(run, run.t), "duration": 0.0, "exception": ["not read"], "tolerance_met": False}
    raised = sample.value is None and not sample.good
    record = {"activity": activity, "output": sample.value, "start": times.iso(run, sample.t - sample.took_s),
              "status": "failed" if raised else "succeeded", "end": times.iso(run, sample.t),
              "duration": sample.took_s, "tolerance_met": bool(sample.good)}
    if raised:
        record["exception"] = [sample.doubt or sample.note or "no answer"]
    return record
