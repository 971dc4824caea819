"""What experiments may hit, as far as their files tell: enough to say that two of them may meet.

Nothing is looked up. Two targets may meet unless something that both name is plainly different; what is filled in later
(`${name}`), a pattern, or left out may be anything.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from chaos_runner.experiment.model import Experiment, Native, Provider, Step, StepKind

NAMING: Final = ("proxy", "api", "pid", "name", "names", "context", "namespace", "workload", "labels", "node",
                 "profile", "region", "tags", "ids", "arns", "stack", "az", "path", "interface")
"""The keys of a target that say whom, and not how many or in which order."""
_OPEN: Final = ("${", "*", "?")


class Ground(Struct, frozen=True):
    """What one action may hit: a family (`proxy`, `kubernetes`, `chaosaws`), and what must be so of its targets."""

    family: str
    named: tuple[tuple[str, frozenset[str]], ...] = ()

    def meets(self, other: "Ground") -> bool:
        """Whether something could be hit by both."""
        if self.family != other.family:
            return False
        theirs = dict(other.named)
        return not any(key in theirs and values.isdisjoint(theirs[key]) for key, values in self.named)

    def __str__(self) -> str:
        named = ", ".join(f"{key}: {'/'.join(sorted(values))}" for key, values in self.named)
        return f"{self.family} {{{named}}}" if named else self.family


def grounds(experiment: Experiment) -> tuple[Ground, ...]:
    """Those of the actions in the method, each once. A process or a request may hit anything: it has none."""
    found = [_ground(step) for step in experiment.method if step.kind is StepKind.ACTION]
    return tuple(dict.fromkeys(ground for ground in found if ground))


def _ground(step: Step) -> Ground | None:
    match step.call:
        case Native(name=name, target=target):
            return Ground(name.partition(".")[0], tuple(sorted(_named(target), key=lambda pair: pair[0])))
        case Provider(spec=spec) if spec.get("module"):
            return Ground(str(spec["module"]).partition(".")[0])
        case _:
            return None


def _named(target: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, frozenset[str]]]:
    for key, value in target.items():
        if not within and key not in NAMING:
            continue
        if isinstance(value, Mapping):
            yield from _named(value, f"{within}{key}.")
        else:
            values = frozenset(str(member) for member in (value if isinstance(value, list | tuple) else [value]))
            if values and not any(sign in member for member in values for sign in _OPEN):
                yield f"{within}{key}", values
