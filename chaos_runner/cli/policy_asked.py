"""What an experiment would do on a platform, for whoever writes down the rights for it."""

from collections.abc import Iterator

from msgspec import Struct

from chaos_runner import shelf
from chaos_runner.experiment.arguments import convert
from chaos_runner.experiment.model import Native, Probe, Step
from chaos_runner.experiment.values import Values
from chaos_runner.plan.model import Plan


class Called(Struct, frozen=True, kw_only=True):
    """One fault or probe of an experiment. `aim` is its target, or a probe's arguments."""

    name: str
    aim: Struct
    is_fault: bool


class Asked(Struct, frozen=True, kw_only=True):
    """The experiment that rights are wanted for."""

    plan: Plan
    values: Values

    def calls(self, family: str) -> Iterator[Called]:
        """Every fault of the method, and every probe, that is of the family: "aws."."""
        for step in self.plan.experiment.method:
            if isinstance(step.call, Native) and step.call.name.startswith(family) and step.is_fault:
                target = convert(shelf.fault(step.call.name).target, self.values.fill(step.call.target))
                yield Called(name=step.call.name, aim=target, is_fault=True)
        looking = (step for step in self.plan.experiment.method if not step.is_fault)
        activities: list[Probe | Step] = [*self.plan.watched, *looking]
        for activity in activities:
            if isinstance(activity.call, Native) and activity.call.name.startswith(family):
                arguments = convert(shelf.probe(activity.call.name).arguments,
                                    self.values.fill(activity.call.arguments))
                yield Called(name=activity.call.name, aim=arguments, is_fault=False)
