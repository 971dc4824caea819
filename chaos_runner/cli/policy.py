"""`chaos-runner policy PLATFORM FILE`"""

from typing import Any

import click

from chaos_runner import wiring
from chaos_runner.cli.files import request_from
from chaos_runner.cli.policy_asked import Asked
from chaos_runner.clock import SystemClock
from chaos_runner.plan.build import Wishes


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
