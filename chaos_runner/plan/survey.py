"""Looking whom a plan would hit, now, without touching anything: what `plan` shows and `run` asks about."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Act, Right
from chaos_runner.errors import ChaosRunnerError, NoEffect
from chaos_runner.experiment.arguments import BadArguments
from chaos_runner.experiment.model import Native, Provider, Step, StepKind
from chaos_runner.experiment.values import Values
from chaos_runner.inverses import Asked, Call, looking
from chaos_runner.mark import Mark
from chaos_runner.plan.aim import FindFault, aim
from chaos_runner.plan.limits import Aim, Share, exceeded, faults_s, foreseen, shares, too_long, wants_asking
from chaos_runner.plan.model import Plan, Planned

_NO_MARK: Final = Mark(run="0", number=0, expires="")


class WayBack(StrEnum):
    """How what an action does is undone."""

    VERIFIED = "verified"
    REPORTED = "reported"
    IRREVERSIBLE = "irreversible"
    UNTRACKED = "untracked"


class Shot(Struct, frozen=True, kw_only=True):
    """One action of the method as it would be done. `refused` says why it would not be."""

    step: Step
    what: str
    way_back: WayBack
    targets: list[Planned] = []
    aims: list[Aim] = []
    rights: list[Right] = []
    notes: list[str] = []
    refused: str = ""

    @property
    def shares(self) -> list[Share]:
        """How much of each group it would hit."""
        return shares(self.aims)

    @property
    def lacks(self) -> list[str]:
        """The rights that are missing, to do and to undo."""
        return list(dict.fromkeys(right.lacks for right in self.rights if right.lacks))


class Survey(Struct, frozen=True, kw_only=True):
    """A plan, and whom it would hit at this moment."""

    plan: Plan
    shots: list[Shot]
    latched: str = ""
    """Why it does not run on its own, as schedules and builds run it; a person may."""

    @property
    def aims(self) -> list[Aim]:
        """Everybody who would be hit."""
        return [found for shot in self.shots for found in shot.aims]

    @property
    def refusals(self) -> list[str]:
        """Why a run would not start, as far as that can be known without starting it."""
        limits = self.plan.safeguards.limits
        beyond = exceeded(limits, self.aims) or too_long(limits, faults_s(self.plan.experiment))
        refused = [f'"{shot.step.name}": {said}' for shot in self.shots for said in (shot.refused, *shot.lacks) if said]
        return [*refused, *([beyond] if beyond else [])]

    @property
    def asks(self) -> str:
        """Why a person is to be asked before such a run; "" when nobody is."""
        above = wants_asking(self.plan.safeguards.confirm_above, self.aims)
        return above or (f'"{self.plan.environment}" is production' if self.plan.production else "")

    @property
    def planned(self) -> dict[str, list[Planned]]:
        """The targets of each action: a run may be bound to those of faults. Chaos Toolkit's actions choose
        for themselves.
        """
        return {shot.step.key: shot.targets for shot in self.shots}


def survey(plan: Plan, values: Values, find_fault: FindFault) -> Survey:
    """Every action of the method, looked at. What a fault raises is told, not raised."""
    actions = [step for step in plan.experiment.method if step.kind is StepKind.ACTION and plan.is_called(step)]
    return Survey(plan=plan, shots=[_shot(step, plan, values, find_fault) for step in actions])


def _shot(step: Step, plan: Plan, values: Values, find_fault: FindFault) -> Shot:
    if isinstance(step.call, Provider):
        return Shot(step=step, what=provider_words(step.call), way_back=_way_back(step),
                    targets=_seen(step, step.call, values))
    native = step.call
    card = plan.cards[step.key]
    back = WayBack.VERIFIED if card.reversible else WayBack.IRREVERSIBLE
    try:
        acts = aim(step, plan, values, find_fault, looking=True)
    except (ChaosRunnerError, BadArguments) as problem:
        said = f"{problem}: it would prove nothing" if isinstance(problem, NoEffect) else str(problem)
        return Shot(step=step, what=native.name, way_back=back, refused=said)
    return Shot(step=step, what=native.name, way_back=back, targets=[Planned.of(act) for act in acts],
                aims=foreseen(step, acts), rights=_rights(native, acts, find_fault),
                notes=_notes(native, acts, find_fault))


def _seen(step: Step, call: Provider, values: Values) -> list[Planned]:
    """Whom an action would hit whose way back looks first. Nobody where that cannot be seen now: the run will tell."""
    if step.known is None or not step.known.looks:
        return []
    try:
        acts = looking(step.known).look(Asked(call=Call.of(call, values), mark=_NO_MARK))
    except (ChaosRunnerError, LookupError):
        return []
    return [Planned.of(act) for act in acts]


def _rights(native: Native, acts: Sequence[Act], find_fault: FindFault) -> list[Right]:
    """Each right once, however many targets need it."""
    fault = find_fault(native.name)
    found: dict[tuple[str, str, str], Right] = {}
    for act in acts:
        try:
            rights = fault.rights(act)
        except ChaosRunnerError as problem:
            rights = [Right(verb="do", needs=act.label, lacks=str(problem))]
        found |= {(right.verb, right.needs, right.lacks): right for right in rights}
    return list(found.values())


def _notes(native: Native, acts: Sequence[Act], find_fault: FindFault) -> list[str]:
    try:
        return find_fault(native.name).notes(acts)
    except ChaosRunnerError as problem:
        return [f"what surrounds the targets could not be looked at: {problem}"]


def _way_back(step: Step) -> WayBack:
    if step.known:
        return WayBack.VERIFIED if step.known.looks else WayBack.IRREVERSIBLE
    if step.undo is None:
        return WayBack.UNTRACKED
    return WayBack.VERIFIED if step.undo.verify else WayBack.REPORTED


def provider_words(provider: Provider) -> str:
    """What a Chaos Toolkit provider calls, in a few words."""
    spec = provider.spec
    match provider.kind:
        case "python":
            return f"{spec.get('module')}.{spec.get('func')}"
        case "http":
            return f"{str(spec.get('method', 'GET')).upper()} {spec.get('url')}"
        case _:
            return f"process {spec.get('path')}"
