"""`chaos-runner policy kubernetes FILE`"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import click
import yaml
from msgspec import Struct

from chaos_runner import shelf, wiring
from chaos_runner.cli.files import request_from
from chaos_runner.clock import SystemClock
from chaos_runner.errors import UsageError
from chaos_runner.experiment.arguments import convert
from chaos_runner.experiment.complaints import escaped
from chaos_runner.experiment.model import Native, Probe, Step
from chaos_runner.experiment.values import Values
from chaos_runner.plan.build import Wishes
from chaos_runner.plan.model import Plan
from chaos_runner.targets.kubernetes.access import cluster
from chaos_runner.targets.kubernetes.policy import Account, policy
from chaos_runner.targets.kubernetes.rights import LOOK, Aim, Demand, Demanding, Seeking

_FAMILY: Final = "kubernetes."
_DEFAULT: Final = "default"
_NAME_MOST: Final = 63


class Wanted(Struct, frozen=True, kw_only=True):
    """For whom, and how much."""

    context: str
    name: str
    namespace: str
    read_only: bool


class _Use(Struct, frozen=True, kw_only=True):
    """One fault or probe of the experiment that reaches for a cluster. `aim` is its target, or a probe's arguments."""

    name: str
    aim: Struct
    demanding: Demanding | None

    @property
    def context(self) -> str:
        return str(getattr(self.aim, "context", ""))


@click.command()
@click.argument("platform", type=click.Choice(["kubernetes"]), metavar="PLATFORM")
@click.argument("file", metavar="FILE")
@click.option("--read-only", is_flag=True, help="Only what `chaos-runner plan` needs: to look.")
@click.option("--context", default=None, metavar="CONTEXT", help="Which, where an experiment reaches for several.")
@click.option("--name", default="", metavar="NAME", help="The service account's name (default: from the title).")
@click.option("--namespace", default="", metavar="NAMESPACE",
              help="Where the service account lives (default: where the first target is).")
@click.option("--env", metavar="NAME", default="", help="An environment of chaos.yaml.")
@click.option("--var", multiple=True, metavar="KEY[:TYPE]=VALUE", help="Override a value of the configuration.")
@click.option("--var-file", multiple=True, metavar="FILE", help="Override values of the configuration and secrets.")
def command(platform: str, file: str, **options: Any) -> None:  # noqa: ARG001 -- there is one
    """Print a service account, roles and bindings with the least rights that an experiment needs, as YAML.

    No cluster is asked. Rights are for the kinds, the namespaces and, where the target names them, the very objects
    that the experiment names; to undo needs as much as to do, and is always in it. Probes that do not reach for the
    cluster need nothing.

        chaos-runner policy kubernetes experiment.yaml | kubectl apply -f -
    """
    wanted = Wanted(context=options["context"] or "", name=options["name"], namespace=options["namespace"],
                    read_only=options["read_only"])
    request = request_from(file, options["env"], Wishes(), options["var"], options["var_file"])
    plan, values = wiring.planned(request, SystemClock().now())
    uses = _in_one_context(list(_uses(plan, values)), options["context"])
    click.echo(_written(plan, wanted, uses), nl=False)


def _uses(plan: Plan, values: Values) -> Iterator[_Use]:
    """Every fault of the method, and every probe, that is of the family."""
    for step in plan.experiment.method:
        if isinstance(step.call, Native) and step.call.name.startswith(_FAMILY) and step.is_fault:
            fault = shelf.fault(step.call.name)
            yield _Use(name=step.call.name, aim=convert(fault.target, values.fill(step.call.target)),
                       demanding=fault if isinstance(fault, Demanding) else None)
    activities: list[Probe | Step] = [*plan.watched, *(step for step in plan.experiment.method if not step.is_fault)]
    for activity in activities:
        if isinstance(activity.call, Native) and activity.call.name.startswith(_FAMILY):
            native = shelf.probe(activity.call.name)
            yield _Use(name=native.name, aim=convert(native.arguments, values.fill(activity.call.arguments)),
                       demanding=None)


def _in_one_context(uses: Sequence[_Use], context: str | None) -> list[_Use]:
    """Those of one context: roles are one cluster's. Raises UsageError when it must be said which."""
    there = list(dict.fromkeys(use.context for use in uses))
    if not there:
        raise UsageError("nothing in this experiment reaches for Kubernetes")
    if context is None and len(there) > 1:
        named = ", ".join(repr(one) if one else "the current one" for one in there)
        raise UsageError(f"the experiment reaches for several contexts ({named}): say which with --context")
    found = [use for use in uses if context is None or use.context == context]
    if not found:
        raise UsageError(f"nothing in this experiment reaches for the context {context!r}")
    return found


def _written(plan: Plan, wanted: Wanted, uses: Sequence[_Use]) -> str:
    demands = [one for use in uses for one in _demands(use) if not wanted.read_only or one.purpose == LOOK]
    first = next((one.namespace for one in demands if one.namespace), _DEFAULT)
    account = Account(wanted.name or _name(plan.experiment.title), wanted.namespace or first)
    documents = yaml.safe_dump_all(policy(account, demands), sort_keys=False, explicit_start=True)
    head = [f"the least rights {'to plan' if wanted.read_only else 'for'} \"{plan.experiment.title}\"",
            f"a token: kubectl -n {account.namespace} create token {account.name}", *_told(demands)]
    return "".join(f"# {escaped(line)}\n" for line in head) + documents


def _demands(use: _Use) -> list[Demand]:
    """What it needs. What does not say so is named on standard error: its rights must be added by hand."""
    space = _space(use)
    if use.demanding is not None and isinstance(use.aim, Aim):
        return use.demanding.demands(use.aim, space)
    if isinstance(use.aim, Seeking) and (found := use.aim.looks(space)):
        return found
    click.echo(f"warning: {use.name} does not say what it needs: add its rights by hand", err=True)
    return []


def _space(use: _Use) -> str:
    """The context's own namespace, where the target leaves it open. It is looked up only then, and without a
    kubeconfig it is the one that contexts have by default.
    """
    try:
        return "" if getattr(use.aim, "namespace", "") else cluster(use.context).namespace
    except UsageError:
        return _DEFAULT


def _told(demands: Sequence[Demand]) -> Iterator[str]:
    """Each need once, with all that it is for."""
    purposes: dict[str, list[str]] = {}
    for one in demands:
        place = f" in {one.namespace}" if one.namespace else ""
        text = f"{one.need}{f' {chr(44).join(one.names)}' if one.names else ''}{place}"
        found = purposes.setdefault(text, [])
        found += [] if one.purpose in found else [one.purpose]
    for text, found in purposes.items():
        yield f"to {' and to '.join(found)}: {text}"


def _name(title: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", title.lower())
    return f"chaos-runner-{words}"[:_NAME_MOST].strip("-")
