"""What an experiment needs of AWS, as an IAM policy."""

from collections.abc import Iterator
from typing import Final

import click
import msgspec

from chaos_runner import shelf
from chaos_runner.cli.policy_asked import Asked, Called
from chaos_runner.errors import UsageError
from chaos_runner.targets.aws.choosing import Placed
from chaos_runner.targets.aws.policy import Demand, Demanding, Seeking, looks, policy
from chaos_runner.targets.aws.rights import LOOK

_FAMILY: Final = "aws."


def written(asked: Asked, *, read_only: bool) -> str:
    """The policy as JSON. Raises UsageError when nothing reaches for AWS."""
    calls = list(asked.calls(_FAMILY))
    if not calls:
        raise UsageError("nothing in this experiment reaches for AWS")
    found = [one for call in calls for one in _demands(call) if not read_only or one.purpose == LOOK]
    return msgspec.json.format(msgspec.json.encode(policy(found)), indent=2).decode() + "\n"


def _demands(call: Called) -> Iterator[Demand]:
    """What it needs. What does not say so is named on standard error: its rights must be added by hand."""
    fault: object = shelf.fault(call.name) if call.is_fault else None
    if isinstance(fault, Demanding) and isinstance(call.aim, Placed):
        yield from fault.demands(call.aim)
    elif isinstance(call.aim, Placed) and isinstance(call.aim, Seeking):
        yield from looks(call.aim)
        yield from (Demand(LOOK, action, ("*",)) for action in call.aim.looks)
    else:
        click.echo(f"warning: {call.name} does not say what it needs: add its rights by hand", err=True)
