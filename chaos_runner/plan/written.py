"""A plan as a file: what somebody saw, so that a run can be bound to it."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Right
from chaos_runner.errors import Refused, UsageError
from chaos_runner.experiment.model import Step
from chaos_runner.plan.digest import changed, digest, parts_of
from chaos_runner.plan.limits import count, percent
from chaos_runner.plan.model import Plan, Planned
from chaos_runner.plan.survey import Shot, Survey, WayBack

SCHEMA: Final = 1


class PlannedShare(Struct, frozen=True, kw_only=True):
    """How much of a group would be hit: "2 of 6 = 33.3%"."""

    group: str
    hit: int
    of: int
    percent: str


class PlannedFault(Struct, frozen=True, kw_only=True):
    """One action of the method, and whom it would hit."""

    step: str
    name: str
    fault: str
    does: str
    undo: str
    way_back: WayBack
    healed_by: str
    duration_s: float | None
    every_s: float | None = None
    background: bool
    targets: list[Planned]
    shares: list[PlannedShare]
    rights: list[Right]
    refused: str
    notes: list[str] = []


class PlanFile(Struct, frozen=True, kw_only=True):
    """What `plan --out` writes and `run --plan` reads. `digest` is of everything but itself and `made`."""

    schema: int = SCHEMA
    file: str
    title: str
    made: str
    digest: str
    parts: dict[str, str]
    seed: int
    environment: str
    targets: int
    longest_s: float
    asks: str
    refusals: list[str]
    faults: list[PlannedFault]
    stop_rules: list[str]
    gates: list[str] = []
    limits: list[dict[str, Any]]
    rehearse: bool

    @property
    def planned(self) -> dict[str, list[Planned]]:
        """The targets of each action."""
        return {fault.step: fault.targets for fault in self.faults}


def written(found: Survey) -> PlanFile:
    """The survey as it is kept."""
    plan = found.plan
    faults = [_fault(plan, shot) for shot in found.shots]
    own_parts = parts_of(plan)
    return PlanFile(
        file=plan.experiment.file, title=plan.experiment.title, made=plan.started,
        digest=digest([own_parts, plan.seed, found.planned]), parts=own_parts, seed=plan.seed,
        environment=plan.environment, targets=count(found.aims), longest_s=plan.longest_s, asks=found.asks,
        refusals=found.refusals, faults=faults, stop_rules=[rule.name for rule in plan.experiment.stop_rules],
        gates=[gate.probe.name for gate in plan.safeguards.gates],
        limits=[msgspec.to_builtins(limit) for limit in plan.safeguards.limits], rehearse=plan.safeguards.rehearse)


def _fault(plan: Plan, shot: Shot) -> PlannedFault:
    card = plan.cards.get(shot.step.key)
    return PlannedFault(
        step=shot.step.key, name=shot.step.name, fault=shot.what, does=card.does if card else "",
        undo=card.way_back if card else _by_provider(shot.step), way_back=shot.way_back,
        healed_by=plan.healed_by(shot.step), duration_s=shot.step.duration_s, every_s=shot.step.every_s,
        background=shot.step.background,
        targets=shot.targets, rights=shot.rights, refused=shot.refused, notes=shot.notes,
        shares=[PlannedShare(group=share.group.name, hit=share.hit, of=share.group.size, percent=percent(share.share))
                for share in shot.shares])


def _by_provider(step: Step) -> str:
    if step.known:
        return step.known.says
    undo = step.undo
    if undo is None:
        return ""
    return f'a provider call, verified by "{undo.verify.name}"' if undo.verify else "a provider call"


def read_plan(data: bytes, name: str) -> PlanFile:
    """The plan in a file. Raises UsageError for what is none, or what a newer version has written."""
    try:
        head = msgspec.json.decode(data, type=dict[str, Any])
        if head.get("schema") != SCHEMA:
            raise UsageError(f"{name} is no plan that this version reads (schema {head.get('schema')!r}, wanted "
                             f"{SCHEMA}): make it anew with `chaos-runner plan --out`")
        found = msgspec.convert(head, PlanFile)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
        raise UsageError(f"{name} is no plan: {problem}; make one with `chaos-runner plan --out`") from problem
    if found.digest != digest([found.parts, found.seed, found.planned]):
        raise UsageError(f"{name} was changed after it was made (its digest is another): make it anew")
    return found


def check_same(before: PlanFile, plan: Plan) -> None:
    """Raises Refused when the experiment, or what surrounds it, is not what was planned, and says what has changed."""
    said = changed(before.parts, parts_of(plan))
    if said:
        raise Refused(f"this is not what was planned: {'; '.join(said)}. Look at it with `chaos-runner plan`, and make "
                      "the plan anew")
