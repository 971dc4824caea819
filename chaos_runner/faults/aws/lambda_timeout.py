"""aws.lambda_timeout: gives functions less time."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Seconds, Setting
from chaos_runner.errors import UsageError
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.lambdas import (
    FUNCTION,
    SETTLES_S,
    FunctionTarget,
    find_functions,
    read_function,
    settled_function,
)
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.tagged import LOOKING

_TIMEOUT: Final = "timeout_s"
_MOST_S: Final = 900
_LATEST: Final = "$LATEST"
_UPDATE: Final = Need("lambda:UpdateFunctionConfiguration")


class LambdaTimeoutArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`timeout`: how long a call may take, in whole seconds, 15 minutes at most."""

    timeout: Seconds = 1.0


class LambdaTimeout(ChangeFault[FunctionTarget, LambdaTimeoutArguments]):
    """Gives functions another timeout: what takes longer is cut off, as when what it calls has become slow. It is that
    of the function itself: versions that are published keep theirs, and so do the aliases that lead to them.
    """

    target = FunctionTarget
    arguments = LambdaTimeoutArguments
    band = Band(word="short of time")
    kind = FUNCTION
    undone_by = "the former timeout comes back, unless somebody else has changed it"
    undo_s = SETTLES_S + 20.0
    permissions = Permissions(
        look=(Need("lambda:ListFunctions", on="*"), Need("lambda:GetFunctionConfiguration"),
              Need("lambda:ListAliases"), LOOKING),
        do=(_UPDATE,), undo=(_UPDATE,))
    example = Example(target={"ids": ["shop-billing"]}, arguments={"timeout": "1s"})

    def wanted(self, target: FunctionTarget, arguments: LambdaTimeoutArguments, setting: Setting) -> list[Wanted]:
        timeout_s = round(arguments.timeout)
        if timeout_s != arguments.timeout or not 1 <= timeout_s <= _MOST_S:
            raise UsageError(f"timeout: {arguments.timeout:g} s is none that Lambda has: whole seconds, 1 to {_MOST_S}")
        found = find_functions(target, setting.seed)
        return [Wanted.of(found, one, {_TIMEOUT: timeout_s}) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        return {_TIMEOUT: read_function(at, thing)["Timeout"]}

    def write(self, order: Order) -> None:
        settled_function(order.at, order.thing)
        order.at.ask("lambda", "update_function_configuration", FunctionName=order.thing,
                     Timeout=order.values[_TIMEOUT])

    def touches(self, values: Values) -> bool:
        return values.keys() == {_TIMEOUT} and type(values[_TIMEOUT]) is int and 1 <= values[_TIMEOUT] <= _MOST_S

    def notes(self, acts: Sequence[Act]) -> list[str]:
        spared = [f"{name} of {ref.label}" for ref in map(ref_of, acts) for name in _spared(ref.at(), ref)]
        said = f"these aliases lead to published versions, whose timeout stays as it is: {', '.join(spared)}"
        return [*super().notes(acts), *([said] if spared else [])]

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        return ref.command("lambda", "update-function-configuration", "--function-name", ref.thing, "--timeout",
                           str(act.was["values"][_TIMEOUT]))


def _spared(at: Account, ref: Ref) -> list[str]:
    """The aliases whose callers do not notice."""
    found = at.every("lambda", "list_aliases", "Aliases[]", FunctionName=ref.thing)
    return [one["Name"] for one in found if one["FunctionVersion"] != _LATEST]
