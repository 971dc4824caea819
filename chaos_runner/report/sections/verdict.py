"""The first screen's top: what the run found, whether all is restored, and what to type where it is not."""


from msgspec import Struct

from chaos_runner.contracts import Answer, Grade
from chaos_runner.experiment.model import STEADY_SAMPLES, Provider, Step, StepKind
from chaos_runner.report import marks, text, times
from chaos_runner.report.marks import Mark
from chaos_runner.report.story import Story
from chaos_runner.run import measures
from chaos_runner.run.events import Phase, RestoredState
from chaos_runner.run.run import Entry, Run, StepRun
from chaos_runner.run.tally import Tally
from chaos_runner.run.verdict import entry_state, restored_state
from chaos_runner.units import spoken_seconds

LEFT_MOST = 3
"""Commands on the first screen. The first of all, `chaos-runner recover`, does what all the others do."""
LEFT = (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN)


class Left(Struct, frozen=True, kw_only=True):
    """Something that is, or may be, still as the run left it."""

    name: str
    why: str
    command: str


class Figure(Struct, frozen=True, kw_only=True):
    """One number of the strip under the sentence."""

    name: str
    value: str
    beside: str
    tone: str


class View(Struct, frozen=True, kw_only=True):
    """What the reader learns in ten seconds."""

    verdict: Mark
    code: str
    more: int
    sentence: str
    restored: Mark
    restored_text: str
    recover: str
    left: list[Left]
    left_first: list[Left]
    """Those that the first screen has room for."""
    notes: list[str]
    figures: list[Figure]


def view(story: Story) -> View:
    """Verdict, sentence, restored, the commands that finish an undo, and a few figures."""
    run = story.run
    restored = run.ended.restored if run.ended else restored_state(run)
    left = list(_left(run)) if restored in LEFT else []
    reasons = run.ended.reasons if run.ended else []
    return View(
        verdict=marks.VERDICTS[run.ended.verdict] if run.ended else marks.NOT_ENDED,
        code=reasons[0].code if reasons else "", more=max(0, len(reasons) - 1),
        sentence=text.short(run.ended.sentence, text.NOTE_MOST) if run.ended else _unfinished(run),
        restored=marks.RESTORED[restored], restored_text=_restored_text(run, restored),
        recover=f"chaos-runner recover {run.plan.run}" if restored in LEFT else "", left=left,
        left_first=left[:LEFT_MOST],         notes=[*_irreversible(run), *_untracked(run)], figures=_figures(run))


def _unfinished(run: Run) -> str:
    return f"The journal ends at {times.elapsed(run.t)}, in the stage “{run.stage}”, without a verdict"


# ── restored ────────────────────────────────────────────────────────────────────────────────────────────────────────

def _restored_text(run: Run, restored: RestoredState) -> str:
    entries = [entry for entry in run.entries.values() if entry_state(entry)]
    match restored:
        case RestoredState.NOTHING:
            return "nothing was changed that has a way back" if run.acted else "nothing was touched"
        case RestoredState.RESTORED:
            return f"{_share(entries)} read back and verified{_last(run)}{_beside(entries)}"
        case RestoredState.REPORTED:
            told = f"{_unverified(run)} reported done, with no way to read it back"
            return f"{_share(entries)} verified; {told}{_last(run)}"
        case RestoredState.NOT_RESTORED:
            return "something is still as this run left it. Finish it with:"
        case RestoredState.UNKNOWN:
            return "nobody has seen that everything is back. Look again with:"


def _share(entries: list[Entry]) -> str:
    if not entries:
        return "no undo"
    verified = sum(entry.answer is not None for entry in entries)
    return f"{verified} of {len(entries)} {'undo' if len(entries) == 1 else 'undos'}"


def _unverified(run: Run) -> str:
    undos = sum(entry_state(entry) is RestoredState.REPORTED for entry in run.entries.values())
    rollbacks = sum(run.step(step.key).ok is True for step in run.plan.experiment.rollbacks)
    counts = [f"{count} {word}{'s' if count > 1 else ''}" for count, word in ((undos, "undo"), (rollbacks, "rollback"))
              if count]
    return " and ".join(counts)


def _last(run: Run) -> str:
    return f", at {times.elapsed(run.last_undo_t)}" if run.last_undo_t is not None else ""


def _beside(entries: list[Entry]) -> str:
    told = {Answer.GONE: "gone meanwhile", Answer.DRIFT: "changed meanwhile by someone else"}
    counts = [(sum(entry.answer is answer for entry in entries), words) for answer, words in told.items()]
    return "".join(f"; {count} {words}" for count, words in counts if count)


def _left(run: Run) -> list[Left]:
    entries = [_left_entry(run, entry) for entry in run.entries.values() if entry_state(entry) in LEFT]
    rollbacks = [Left(name=text.short(f"rollback {step.name}"), command="",
                      why=text.short(state.note or "did not end", text.NOTE_MOST))
                 for step in run.plan.experiment.rollbacks
                 if (state := run.step(step.key)).began_t is not None and not state.ok]
    return entries + rollbacks


def _left_entry(run: Run, entry: Entry) -> Left:
    why = entry.undo_error or entry.diff or "not verified"
    return Left(name=text.short(f"{run.plan.step(entry.step).name}: {entry.label}"), command=text.cut(entry.by_hand),
                why=text.short(why, text.NOTE_MOST))


def _irreversible(run: Run) -> list[str]:
    acted = {entry.step for entry in run.entries.values() if not entry.reversible and entry.applied_t is not None}
    return [f"“{text.short(step.name)}” cannot be undone; healed by {healed}" for step, state in run.actions_begun()
            if (healed := run.plan.healed_by(step))
            and (step.key in acted or (step.known and state.grade is not Grade.NONE))]


def _untracked(run: Run) -> list[str]:
    names = [f"“{text.short(step.name)}”" for step, state in run.actions_begun() if _is_untracked(step, state)]
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"untracked, no known way back: {', '.join(names[:3])}{more}"]


def _is_untracked(step: Step, state: StepRun) -> bool:
    tracked = step.undo or step.known
    return isinstance(step.call, Provider) and not tracked and state.grade is not Grade.NONE


# ── figures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def _figures(run: Run) -> list[Figure]:
    made = (_fault_figure(run), _broken_figure(run), _detection_figure(run), _recovery_figure(run),
            _stop_figure(run), _duration_figure(run))
    return [figure for figure in made if figure]


def _fault_figure(run: Run) -> Figure:
    actions = list(run.actions_begun())
    planned = sum(step.kind is StepKind.ACTION for step in run.plan.experiment.method)
    if not actions:
        return Figure(name="faults acted", value=f"0 of {planned}", beside="nothing was applied", tone="quiet")
    grades = [state.grade for _, state in actions]
    acted = sum(grade is not Grade.NONE for grade in grades)
    proven = sum(grade is Grade.PROVEN for grade in grades)
    beside = "proven" if proven == acted else f"{proven} proven, {acted - proven} reported"
    return Figure(name="faults acted", value=f"{acted} of {planned}", beside=beside if acted else "no effect seen",
                  tone="good" if proven == planned else "warn")


def _broken_figure(run: Run) -> Figure | None:
    if not run.plan.probes or not run.acted:
        return None
    broken = [tally for number, probe in enumerate(run.plan.probes)
              if (tally := run.tally(number, Phase.DURING)).breached(probe)]
    probes = text.count(len(run.plan.probes), "probe")
    if not broken and any(reason.code == "V203" for reason in (run.ended.reasons if run.ended else [])):
        return Figure(name="outside limits", value="after the undo", beside=f"of {probes}", tone="bad")
    if not broken:
        return Figure(name="outside limits", value="none", beside=f"of {probes}", tone="good")
    worst = max(broken, key=lambda tally: tally.bad_for_s)
    return Figure(name="outside limits", value=_long(worst), tone="bad",
                  beside=f"{len(broken)} of {probes}")


def _long(tally: Tally) -> str:
    return spoken_seconds(tally.bad_for_s) if tally.bad_for_s > 0 and tally.bad > 1 else f"{tally.bad} bad"


def _detection_figure(run: Run) -> Figure | None:
    found = measures.detected(run)
    if found is None:
        return None
    return Figure(name="detected in", value=spoken_seconds(found.after_s), beside=f"by {text.short(found.by, 40)}",
                  tone="quiet")


def _recovery_figure(run: Run) -> Figure | None:
    sampled = [run.tally(number, Phase.AFTER) for number, probe in enumerate(run.plan.probes) if probe.every_s]
    if not any(tally.readings for tally in sampled):
        return None
    limit = f"limit {spoken_seconds(run.plan.recovers_within_s)}"
    if any(tally.good_in_a_row < STEADY_SAMPLES for tally in sampled):
        return Figure(name="recovered in", value="not yet", beside=limit, tone="warn" if run.stop else "bad")
    if not any(measures.was_bad(run, number) for number in range(len(run.plan.probes))):
        return Figure(name="recovered in", value="no need", beside="no bad sample", tone="good")
    took_s = measures.all_recovered_s(run)
    if took_s is None:
        return None
    return Figure(name="recovered in", value=spoken_seconds(took_s), beside=limit, tone="good")


def _stop_figure(run: Run) -> Figure | None:
    if run.stop is None or run.stop.sample_t is None or run.first_undo_t is None:
        return None
    return Figure(name="bad sample to undo", value=spoken_seconds(max(0.0, run.first_undo_t - run.stop.sample_t)),
                  beside="after the rule held", tone="quiet")


def _duration_figure(run: Run) -> Figure:
    return Figure(name="run took" if run.ended else "journal covers", value=spoken_seconds(run.t), tone="quiet",
                  beside=f"at most {spoken_seconds(run.plan.longest_s)}")
