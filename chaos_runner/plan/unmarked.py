"""On a machine that is thrown away, faults whose way back would be thrown away with it are refused.

A job of a pipeline may be cancelled, and its whole machine is then gone within seconds: with it the journal, the
watchdog and `recover`. What bears our mark can be found and undone from elsewhere, what hurts the machine itself is
gone with it; anything else would stay.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from chaos_runner.contracts import Scannable
from chaos_runner.errors import Refused
from chaos_runner.experiment.model import Experiment, Native, Provider, Step, StepKind
from chaos_runner.plan.aim import FindFault

VARIABLE: Final = "CI"
"""What pipelines set to `true`: GitHub, GitLab, and our buildspec for CodeBuild."""
REMOTE_PACKAGES: Final = ("chaosaws", "chaosazure", "chaosgce", "chaosgcp", "chaosistio", "chaosk8s", "pdchaosazure")
"""Packages of Chaos Toolkit's actions that act on other machines, and mark nothing there."""


def is_thrown_away(environment: Mapping[str, str]) -> bool:
    """Whether this machine says of itself that it will soon be gone."""
    return environment.get(VARIABLE, "").lower() in ("true", "1")


def refuse_unmarked(experiment: Experiment, allowed: Collection[str], find_fault: FindFault) -> None:
    """Raises Refused when a way back would be gone with this machine, unless its fault is allowed by name."""
    found = [(step, name) for step, name in _unmarked(experiment, find_fault) if name not in allowed]
    if not found:
        return
    step, name = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    names = " ".join(f"--allow-unmarked {name}" for name in dict.fromkeys(name for _, name in found))
    raise Refused(
        f'"{step.name}" ({step.place}){more}: {name} leaves no mark on what it hits, and {VARIABLE}=true says that '
        "this machine is thrown away: if the job is cancelled, nobody could find and undo it. Run it from a machine "
        f"that stays, or allow it with {names} or with allow-unmarked in chaos.yaml")


def _unmarked(experiment: Experiment, find_fault: FindFault) -> Iterator[tuple[Step, str]]:
    """The steps of the method whose way back only this machine knows, and what people allow them by."""
    for step in experiment.method:
        if step.kind is StepKind.ACTION and (name := _unmarked_name(step, find_fault, experiment)):
            yield step, name


def _unmarked_name(step: Step, find_fault: FindFault, experiment: Experiment) -> str:
    """What an action is called whose way back only this machine knows; "" for any other."""
    if isinstance(step.call, Native):
        return step.call.name if _is_unmarked(step.call.name, find_fault) else ""
    has_way_back = step.undo or experiment.rollbacks or (step.known and step.known.looks)
    return _remote_action(step.call) if has_way_back else ""


def _is_unmarked(name: str, find_fault: FindFault) -> bool:
    fault = find_fault(name)
    return fault.outlives_machine and not fault.healed_by and not isinstance(fault, Scannable)


def _remote_action(call: Provider) -> str:
    """The whole path of an action that is known to act on other machines, "" for any other."""
    path = f"{call.spec.get('module', '')}.{call.spec.get('func', '')}"
    return path if call.kind == "python" and path.partition(".")[0] in REMOTE_PACKAGES else ""
