"""`chaos-runner policy PLATFORM FILE`"""

from collections.abc import Iterator
from typing import Any

import click
from msgspec import Struct

from chaos_runner import shelf, wiring
from chaos_runner.cli.files import request_from
from chaos_runner.clock import SystemClock
from chaos_runner.experiment.arguments import convert
from chaos_runner.experiment.model import Native, Probe, Step
from chaos_runner.experiment.values import Values
from chaos_runner.plan.build import Wishes
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


@click.command()
@click.argument("platform", type=click.Choice(["aws", "kubernetes"]), metavar="PLATFORM")
@click.argument("file", metavar="FILE")
@click.option("--read-only", is_flag=True, help="Only what `chaos-runner plan` needs: to look.")
@click.option("--context", default=None, metavar="CONTEXT",
              help="Kubernetes: which, where an experiment reaches for several.")
@click.option("--name", default="", metavar="NAME",
              help="Kubernetes: the service account's name (default: from the title).")
@click.option("--namespace", default="", metavar="NAMESPACE",
              help="Kubernetes: where the service account lives (default: where the first target is).")
@click.option("--env", metavar="NAME", default="", help="An environment of chaos.yaml.")
@click.option("--var", multiple=True, metavar="KEY[:TYPE]=VALUE", help="Override a value of the configuration.")
@click.option("--var-file", multiple=True, metavar="FILE", help="Override values of the configuration and secrets.")
def command(platform: str, file: str, **options: Any) -> None:
    """Print the least rights that an experiment needs: to plan it, to run it and to undo it.

    For kubernetes a service account, roles and bindings as YAML; for aws an IAM policy as JSON. The platform is not
    asked. Rights are for the kinds, the places and, where the target names them, the very things that the experiment
    names; to undo is always in it. Probes that do not reach for the platform need nothing.

    \b
        chaos-runner policy kubernetes experiment.yaml | kubectl apply -f -
        chaos-runner policy aws experiment.yaml > policy.json
    """
    request = request_from(file, options["env"], Wishes(), options["var"], options["var_file"])
    plan, values = wiring.planned(request, SystemClock().now())
    click.echo(_written(platform, Asked(plan=plan, values=values), options), nl=False)


def _written(platform: str, asked: Asked, options: dict[str, Any]) -> str:
    match platform:
        case "aws":
            from chaos_runner.cli import policy_aws

            return policy_aws.written(asked, read_only=options["read_only"])
        case _:
            from chaos_runner.cli import policy_kubernetes

            return policy_kubernetes.written(asked, options)
