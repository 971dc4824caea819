"""Whether what would be hit is within what is allowed. Of several limits each holds, so the narrowest wins."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct, structs

from chaos_runner.contracts import Act, Group
from chaos_runner.experiment.model import (
    Call,
    ConfirmAbove,
    Experiment,
    Limits,
    Native,
    Protected,
    Safeguards,
    Step,
    StepKind,
)
from chaos_runner.units import spoken_seconds

_ROUNDING: Final = 1e-9
_PLACES: Final = (("namespaces", "namespace"), ("contexts", "context"), ("accounts", "account"), ("regions", "region"))


class Aim(Struct, frozen=True, omit_defaults=True):
    """One target that a fault would hit: on which shelf its fault stands, what people call it, and its group.

    Of a fault that acts again, `round` is the one in which it is hit, from 1 on, and `rounds` how many targets may be
    hit in its place by the end.
    """

    family: str
    label: str
    group: Group | None = None
    round: int = 0
    rounds: int = 1


class Share(Struct, frozen=True, kw_only=True):
    """How many of a group would be hit."""

    group: Group
    hit: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.hit / self.group.size if self.group.size else 1.0

    def __str__(self) -> str:
        return f"{self.hit} of {self.group.size} {self.group.name} = {percent(self.share)}"


def aims_of(call: Call, acts: Iterable[Act], round: int = 0) -> list[Aim]:  # noqa: A002
    """Whom these acts of a native fault would hit. Of a Chaos Toolkit action nothing is known."""
    family = call.name.partition(".")[0] if isinstance(call, Native) else ""
    return [Aim(family, act.label, act.group, round) for act in acts]


def foreseen(step: Step, acts: Iterable[Act]) -> list[Aim]:
    """Whom a fault would hit first, and how many in their place when it acts again."""
    again = {"round": 1, "rounds": step.rounds} if step.every_s else {}
    return [structs.replace(found, **again) for found in aims_of(step.call, acts)]


def shares(found: Iterable[Aim]) -> list[Share]:
    """How much of each group would be hit at one time. A target of two faults counts once. What a fault that acts again
    has hit in other rounds does not: it has been healed, or the group has become smaller.
    """
    hit: dict[tuple[str, str], dict[int, set[str]]] = {}
    groups: dict[tuple[str, str], Group] = {}
    for aim in found:
        if aim.group:
            key = (aim.family, aim.group.name)
            hit.setdefault(key, {}).setdefault(aim.round, set()).add(aim.label)
            known = groups.setdefault(key, aim.group)
            groups[key] = min(known, aim.group, key=lambda group: group.size)
    return [Share(group=group, hit=_most(hit[key])) for key, group in groups.items()]


def _most(rounds: Mapping[int, set[str]]) -> int:
    """How many are hit in the largest round, together with those of faults that have none."""
    always = rounds.get(0, set())
    return max(len(always | labels) for labels in rounds.values())


def count(found: Iterable[Aim]) -> int:
    """How many targets there are, in all rounds. One of two faults counts once."""
    most: dict[tuple[str, str], int] = {}
    for aim in found:
        most[aim.family, aim.label] = max(aim.rounds, most.get((aim.family, aim.label), 1))
    return sum(most.values())


def exceeded(limits: Sequence[Limits], found: Sequence[Aim]) -> str:
    """What all faults together would hit beyond a limit, with the numbers; "" when nothing."""
    hit, total = shares(found), count(found)
    return next((said for limit in limits for said in _beyond(limit, hit, total)), "")


def _beyond(limit: Limits, hit: Sequence[Share], total: int) -> Iterator[str]:
    if limit.max_targets is not None and total > limit.max_targets:
        yield f"{_targets(total)} would be hit, and {limit.source} allows {limit.max_targets} (max-targets)"
    for share in hit:
        if limit.max_share is not None and share.share > limit.max_share + _ROUNDING:
            yield f"{share} would be hit, and {limit.source} allows {percent(limit.max_share)} (max-share)"


def misplaced(safeguards: Safeguards, acts: Iterable[Act]) -> str:
    """Why one of these acts may not be done where it would be done, or to whom; "" when all may."""
    return next((said for act in acts for said in _forbidden(safeguards, act)), "")


def _forbidden(safeguards: Safeguards, act: Act) -> Iterator[str]:
    for limit in safeguards.limits:
        yield from _out_of_place(limit, act)
    for protected in safeguards.protected:
        yield from _protected(protected, act)


def _out_of_place(limit: Limits, act: Act) -> Iterator[str]:
    for allowed, place in _PLACES:
        patterns, found = getattr(limit, allowed), getattr(act.where, place)
        if found and not _is_allowed(found, patterns):
            yield f"{act.label} stands in the {place} {found}, and {limit.source} allows {', '.join(patterns)}"
    beyond = [name for name in act.where.namespaces if not _is_allowed(name, limit.namespaces)]
    if beyond:
        yield (f"{act.label} reaches into the namespace {', '.join(beyond)}, and {limit.source} allows "
               f"{', '.join(limit.namespaces)}")


def _is_allowed(found: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(found, pattern) for pattern in patterns)


def _protected(protected: Protected, act: Act) -> Iterator[str]:
    for pattern in protected.names:
        if fnmatchcase(act.label, pattern):
            yield f'{act.label} is protected by {protected.source} (its name matches "{pattern}")'
    for name, pattern in protected.labels.items():
        if name in act.where.labels and fnmatchcase(act.where.labels[name], pattern):
            yield f"{act.label} is protected by {protected.source} ({name}: {act.where.labels[name]})"


def too_long(limits: Sequence[Limits], faults_s: float) -> str:
    """Why the faults would last longer than a limit allows; "" when they would not."""
    return next((f"the faults last {spoken_seconds(faults_s)}, and {limit.source} allows "
                 f"{spoken_seconds(limit.max_duration_s)} (max-duration)" for limit in limits
                 if limit.max_duration_s is not None and faults_s > limit.max_duration_s + _ROUNDING), "")


def faults_s(experiment: Experiment) -> float:
    """How long the faults last by what the file says, from the first to the end of the method, in seconds."""
    clock_s = last_s = 0.0
    first_s: float | None = None
    for step in experiment.method:
        begins_s = clock_s + float(step.pause_before)
        if first_s is None and step.kind is StepKind.ACTION:
            first_s = begins_s
        ends_s = begins_s + (step.duration_s or 0.0) + float(step.pause_after)
        last_s = max(last_s, ends_s)
        clock_s = clock_s if step.background else ends_s
    return last_s - (first_s or 0.0) if first_s is not None else 0.0

def duration_s(limits: Iterable[Limits]) -> float | None:
    """How long faults may last: the shortest that any limit allows."""
    return min((limit.max_duration_s for limit in limits if limit.max_duration_s is not None), default=None)


def wants_asking(confirm: Iterable[ConfirmAbove], found: Sequence[Aim]) -> str:
    """Why a person is to be asked first, with the numbers; "" when nobody is."""
    hit, total = shares(found), count(found)
    return next((said for above in confirm for said in _above(above, hit, total)), "")


def _above(above: ConfirmAbove, hit: Sequence[Share], total: int) -> Iterator[str]:
    if above.targets is not None and total > above.targets:
        yield f"{_targets(total)}, more than {above.targets}"
    for share in hit:
        if above.share is not None and share.share > above.share + _ROUNDING:
            yield f"{share}, more than {percent(above.share)}"


def used(limits: Iterable[Limits], by_step: Mapping[str, Sequence[Aim]]) -> list[str]:
    """Every limit with what was used of it, for the report."""
    found = [aim for aims_of_step in by_step.values() for aim in aims_of_step]
    total, worst = count(found), max(shares(found), key=lambda share: share.share, default=None)
    return [said for limit in limits for said in _used(limit, total, worst)]


def _used(limit: Limits, total: int, worst: Share | None) -> Iterator[str]:
    if limit.max_targets is not None:
        yield f"max-targets {limit.max_targets} of {limit.source}: {total} hit"
    if limit.max_share is not None:
        yield f"max-share {percent(limit.max_share)} of {limit.source}: {worst or 'no group was chosen from'}"
    if limit.max_duration_s is not None:
        yield f"max-duration {spoken_seconds(limit.max_duration_s)} of {limit.source}"
    for allowed, _ in _PLACES:
        if patterns := getattr(limit, allowed):
            yield f"{allowed} {', '.join(patterns)} of {limit.source}"


def percent(share: float) -> str:
    """A share as people write it: 33.3%."""
    return f"{share * 100:.3g}%"


def _targets(number: int) -> str:
    return f"{number} target{'' if number == 1 else 's'}"
