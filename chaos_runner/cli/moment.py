"""What can be said of a run at one moment, in words: for the live view, and without a terminal."""

from collections.abc import Iterator

from chaos_runner.experiment.model import Step
from chaos_runner.run.conditions import should_roll_back
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.run import Entry, EntryState, Run
from chaos_runner.units import spoken_seconds

_BEFORE_FAULTS = (Stage.CHECKING, Stage.BEFORE, Stage.REHEARSING)
_UNDONE_FROM = (Stage.UNDOING, Stage.AFTER, Stage.OVER)


def clock(seconds: float) -> str:
    """Seconds as a clock shows them: 0:07, 12:30, 1:02:03."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def counted(count: int, noun: str) -> str:
    """A number and what it counts: "1 fault", "2 faults"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def open_entries(run: Run) -> list[Entry]:
    """The acts that were recorded and are not known to be back."""
    return [entry for entry in run.entries.values() if entry.reversible and not entry.settled]


def headline(run: Run) -> tuple[str, str]:
    """What matters most just now, and whether that is "good", "bad" or "odd"."""
    if run.ended:
        return str(run.ended.verdict), "odd"
    if run.stop:
        return f"stopping: {run.stop.text}", "odd"
    broken = [probe.name for number, probe in enumerate(run.plan.probes) if is_bad(run, number)]
    if broken:
        many = f"{len(broken)} probes are outside their limits"
        return many if len(broken) > 1 else f"{broken[0]} is outside its limit", "bad"
    return _STAGES[run.stage], "good"


def is_bad(run: Run, number: int) -> bool:
    """Whether a probe is outside its limit just now."""
    return run.tally(number, run.phase).bad_in_a_row > 0


def is_held(run: Run, number: int) -> bool:
    """Whether a probe was read in this phase and is inside its limit."""
    tally = run.tally(number, run.phase)
    return tally.readings > 0 and not tally.bad_in_a_row and tally.missing_since is None


def state_words(run: Run, number: int, t: float) -> tuple[str, str]:
    """How a probe stands just now, and whether that is "good", "bad" or "odd"."""
    tally = run.tally(number, run.phase)
    if not tally.readings:
        return "… not read yet", "dim"
    if tally.missing_since is not None:
        return f"? no data {clock(t - tally.missing_since)}", "odd"
    if tally.bad_in_a_row and tally.bad_since is not None:
        return f"✖ bad for {clock(t - tally.bad_since)}", "bad"
    if tally.bad and run.phase is not Phase.BEFORE:
        return f"✔ was bad {clock(tally.bad_for_s)}", "good"
    return "✔", "good"


def acting(run: Run, t: float) -> Iterator[tuple[str, float, float | None]]:
    """What acts just now: its name, for how long it has, and how long it will; None for to the end of the method."""
    for step, state in run.actions_begun():
        entries = [entry for entry in run.entries_of(step.key) if _acts(entry)]
        again = step.every_s is not None and step.key in run.pending.open
        busy = again or (not step.is_fault and state.ended_t is None and not state.abandoned)
        if (entries or busy) and state.began_t is not None:
            yield step.name, t - state.began_t, step.duration_s


def _acts(entry: Entry) -> bool:
    return entry.applied_t is not None and entry.reversible and not entry.settled


def in_band(run: Run, seconds: range, t: float) -> bool:
    """Whether a fault acted in these seconds of the run."""
    for entry in run.entries.values():
        until_t = entry.undone_t if entry.settled and entry.undone_t is not None else t
        if entry.applied_t is not None and not entry.reversible:
            until_t = entry.applied_t
        if entry.applied_t is not None and int(entry.applied_t) < seconds.stop and until_t >= seconds.start:
            return True
    return False


def next_step(run: Run) -> tuple[int, Step | None]:
    """How many steps of the method were begun, and which one is under way in the foreground."""
    return run.pending.cursor, run.plan.step(run.pending.foreground) if run.pending.foreground else None


def undo_words(run: Run) -> str:
    """How far the undo is."""
    reversible = [entry for entry in run.entries.values() if entry.reversible and entry.state is not EntryState.REFUSED]
    left = len(open_entries(run))
    if run.stage in _UNDONE_FROM:
        rollbacks = run.plan.experiment.rollbacks if should_roll_back(run) else ()
        ended = sum(run.step(step.key).ended_t is not None for step in rollbacks)
        rolled = f", {ended} of {counted(len(rollbacks), 'rollback')} done" if rollbacks else ""
        return f"{len(reversible) - left} of {len(reversible)} undone{rolled}" if reversible or rolled else "nothing"
    if left:
        return f"{left} ready, on the disk"
    return f"{len(reversible)} of {len(reversible)} undone" if reversible else "nothing to undo yet"


def ctrl_c_words(run: Run) -> str:
    """What the next Ctrl-C will do."""
    if run.signals >= 2:
        return "Ctrl-C once more leaves at once; the watchdog finishes the undo"
    if run.stop:
        return "Ctrl-C again skips the waits, and still undoes"
    if run.stage in _BEFORE_FAULTS:
        return "Ctrl-C stops: nothing has been touched yet"
    if run.stage is Stage.UNDOING:
        return "Ctrl-C skips the wait for recovery; the undo goes on"
    if run.stage is Stage.AFTER:
        return "Ctrl-C ends the wait for recovery: everything is undone"
    left = len(open_entries(run))
    what = f"stops and undoes {counted(left, 'change')}" if left else "stops"
    return f"Ctrl-C {what} (again: skips waits, still undoes)"


def remaining_words(run: Run, t: float) -> str:
    """How old the run is, and how old it may become."""
    return f"T+{clock(t)} of at most {clock(run.plan.longest_s)}"


def within_words(run: Run) -> str:
    """How many probes are inside their limits."""
    held = sum(is_held(run, number) for number in range(len(run.plan.probes)))
    return f"{held} of {len(run.plan.probes)} inside the limits"


def recovery_words(run: Run) -> str:
    """How long recovery is waited for."""
    return f"at most {spoken_seconds(run.plan.recovers_within_s)}" if run.plan.probes else "nothing to wait for"


_STAGES = {
    Stage.CHECKING: "looking at the targets", Stage.BEFORE: "measuring the steady state",
    Stage.REHEARSING: "rehearsing the stop rules", Stage.METHOD: "running the method",
    Stage.READING: "reading the probes", Stage.UNDOING: "undoing", Stage.AFTER: "waiting for recovery",
    Stage.OVER: "over",
}
