"""The plan as a person reads it: whom it hits, how it comes back, what holds it in."""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final

from chaos_runner.cli.ink import Ink
from chaos_runner.cli.wrapping import Paper, wrapped
from chaos_runner.experiment.complaints import escaped
from chaos_runner.plan.limits import count, used
from chaos_runner.plan.model import FaultCard
from chaos_runner.plan.survey import Shot, Survey, WayBack
from chaos_runner.plan.written import written
from chaos_runner.run.sentences import gate_words, limit_words
from chaos_runner.units import spoken_seconds

NAMED_MOST: Final = 8
"""Targets that are named; the others are counted. All of them stand in --json and --out."""
_NEEDS: Final = attrgetter("needs")


def lines(found: Survey, ink: Ink, width: int | None = None) -> Iterator[str]:
    """The whole screen, for a terminal of `width` columns; None where nobody sees a width."""
    plan, paper = found.plan, Paper(ink, width)
    yield ink.bold(wrapped(escaped(plan.experiment.title), width, 2, 0))
    yield ink.dim(wrapped(escaped(_about(found)), width, 2, 0))
    for shot in found.shots:
        yield ""
        yield from _shot(found, shot, paper)
    if not found.shots:
        yield "\n  no action: nothing would be done"
    yield ""
    yield from (_row(f"  {name:<11} ", escaped(text), paper) for name, text in _facts(found))
    yield from (_row(f"  {ink.red('refused')}     ", escaped(said), paper, 14) for said in found.refusals)
    if found.latched:
        yield _row(f"  {ink.yellow('latched')}     ", escaped(found.latched), paper, 14)
    if found.asks:
        yield _row(f"  {ink.yellow('asks')}        ", escaped(found.asks), paper, 14)


def _row(label: str, text: str, paper: Paper, cells: int | None = None) -> str:
    """A label and its text, which hangs beneath itself. `cells` is the label's width where colour hides it."""
    return label + wrapped(text, paper.width, len(label) if cells is None else cells)


def _about(found: Survey) -> str:
    plan, origin = found.plan, found.plan.origin
    where = f"environment {plan.environment}" if plan.environment else "no environment"
    return (f"{plan.experiment.file}  {where}  by {origin.user} on {origin.host}  seed {plan.seed}  "
            f"digest {written(found).digest}")


def _shot(found: Survey, shot: Shot, paper: Paper) -> Iterator[str]:
    card = found.plan.cards.get(shot.step.key)
    yield f"  {paper.ink.bold(wrapped(escaped(shot.step.name), paper.width, 2))}"
    yield _row("    hits      ", escaped(_whom(shot)), paper)
    yield _row("    does      ", escaped(" ".join(_does(shot, card.does if card else ""))), paper)
    yield _row("    undo      ", escaped(_undo(shot, _says(shot, card), found.plan.healed_by(shot.step))), paper)
    for note in shot.notes:
        yield _row(f"    {paper.ink.yellow('note')}      ", escaped(note), paper, 14)
    for needs, rights in groupby(sorted(shot.rights, key=_NEEDS), key=_NEEDS):
        verbs = {right.verb: right.lacks for right in rights}
        mark = paper.ink.red("✖") if any(verbs.values()) else paper.ink.green("✔")
        lacks = next((lacks for lacks in verbs.values() if lacks), "")
        yield _row(f"    right     {mark} ", f"to {' and to '.join(verbs)}: {escaped(lacks or needs)}", paper, 16)


def _says(shot: Shot, card: FaultCard | None) -> str:
    if shot.step.known:
        return shot.step.known.says
    return card.way_back if card else ""


def _whom(shot: Shot) -> str:
    if not shot.targets:
        return f"{shot.what}, which chaos-runner cannot see into" if not shot.step.is_fault else "nobody"
    named = ", ".join(one.label for one in shot.targets[:NAMED_MOST])
    more = f" and {len(shot.targets) - NAMED_MOST} more" if len(shot.targets) > NAMED_MOST else ""
    return "; ".join([named + more, *map(str, shot.shares)])


def _does(shot: Shot, does: str) -> Iterator[str]:
    yield f"{shot.what}:" if does else "a Chaos Toolkit action"
    yield does
    if shot.step.every_s is not None:
        yield f"every {spoken_seconds(shot.step.every_s)}, {shot.step.rounds} times, whoever is chosen then,"
    if shot.step.duration_s is not None:
        yield f"for {spoken_seconds(shot.step.duration_s)}"
    if shot.step.background:
        yield "(the method goes on meanwhile)"


def _undo(shot: Shot, way_back: str, healed_by: str) -> str:
    match shot.way_back:
        case WayBack.IRREVERSIBLE:
            return f"none: irreversible, healed by {healed_by}"
        case WayBack.UNTRACKED:
            return "none that chaos-runner knows: untracked"
        case WayBack.REPORTED:
            return "by a provider call; reported, not verified"
        case WayBack.VERIFIED:
            return f"{way_back or 'by a provider call'}; verified"


def _facts(found: Survey) -> Iterator[tuple[str, str]]:
    plan = found.plan
    sampled = sum(1 for probe in plan.probes if probe.every_s)
    yield "targets", f"{count(found.aims)} in all"
    yield "hypothesis", _probes(len(plan.probes), sampled)
    for probe in plan.probes:
        yield "", f"{probe.name}: {limit_words(probe)}"
    for rule in plan.experiment.stop_rules:
        yield "stop rule", f"{rule.name}: {limit_words(rule)}"
    if not plan.experiment.stop_rules:
        yield "stop rule", "none: nothing ends the run early"
    for gate in plan.safeguards.gates:
        yield "gate", f"{gate.probe.name}: {limit_words(gate.probe)}{gate_words(gate)} ({gate.source})"
    for said in used(plan.safeguards.limits, {shot.step.key: shot.aims for shot in found.shots}):
        yield "limit", said
    for lock in plan.safeguards.locks:
        yield "lock", f"{lock}, held from before the first fault until all is undone"
    if plan.safeguards.rehearse:
        most_s = plan.safeguards.abort_latency_max_s
        yield "rehearsal", "every stop rule" + (f", at most {spoken_seconds(most_s)}" if most_s else "")
    if plan.experiment.rollbacks:
        yield "rollbacks", f"{len(plan.experiment.rollbacks)} of the author's, strategy {plan.strategy}"
    yield "longest end", f"{spoken_seconds(plan.longest_s)} after the start; marks expire {plan.expires}"


def _probes(count: int, sampled: int) -> str:
    some = f"{count} probe{'' if count == 1 else 's'}" if count else "none"
    return f"{some}, {sampled} read all the time" if sampled else some
