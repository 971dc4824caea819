"""What an experiment needs of a Kubernetes cluster, as a service account with its roles."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click
import yaml
from msgspec import Struct

from chaos_runner import shelf
from chaos_runner.cli.policy_asked import Asked, Called
from chaos_runner.errors import UsageError
from chaos_runner.experiment.complaints import escaped
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


def written(asked: Asked, options: Mapping[str, Any]) -> str:
    """The account, its roles and bindings, as YAML with what each is for. Raises UsageError."""
    wanted = Wanted(context=options["context"] or "", name=options["name"], namespace=options["namespace"],
                    read_only=options["read_only"])
    uses = _in_one_context([_use(one) for one in asked.calls(_FAMILY)], options["context"])
    return _written(asked.plan, wanted, uses)


def _use(called: Called) -> _Use:
    fault: object = shelf.fault(called.name) if called.is_fault else None
    return _Use(name=called.name, aim=called.aim, demanding=fault if isinstance(fault, Demanding) else None)


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
