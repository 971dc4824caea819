"""aws.lambda_throttle: gives functions a reserved concurrency of nothing, or of little."""

from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.errors import UsageError
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.lambdas import FUNCTION, FunctionTarget, find_functions
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.tagged import LOOKING

_RESERVED: Final = "reserved"
_PUT: Final = Need("lambda:PutFunctionConcurrency")


class LambdaThrottleArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reserved`: how many executions may run at the same time; at 0 every call is throttled."""

    reserved: int = 0


class LambdaThrottle(ChangeFault[FunctionTarget, LambdaThrottleArguments]):
    """Throttles functions, all their versions: who calls gets 429, what is asynchronous waits and is tried again. Undo
    brings the former reservation back, or none. Nothing is refused while capacity is free: AWS keeps 100 executions
    unreserved, and gives to others what is not reserved meanwhile.
    """

    target = FunctionTarget
    arguments = LambdaThrottleArguments
    band = Band(word="throttled")
    kind = FUNCTION
    undone_by = "the former reserved concurrency comes back, or none, unless somebody else has changed it"
    permissions = Permissions(
        look=(Need("lambda:ListFunctions", on="*"), Need("lambda:GetFunctionConcurrency"), LOOKING),
        do=(_PUT,), undo=(_PUT, Need("lambda:DeleteFunctionConcurrency")))
    example = Example(target={"ids": ["shop-billing"]})

    def wanted(self, target: FunctionTarget, arguments: LambdaThrottleArguments, setting: Setting) -> list[Wanted]:
        if arguments.reserved < 0:
            raise UsageError(f"reserved: {arguments.reserved} is no number of executions; 0 throttles every call")
        found = find_functions(target, setting.seed)
        return [Wanted.of(found, one, {_RESERVED: arguments.reserved}) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        seen = at.ask("lambda", "get_function_concurrency", FunctionName=thing)
        return {_RESERVED: seen.get("ReservedConcurrentExecutions")}

    def write(self, order: Order) -> None:
        reserved = order.values[_RESERVED]
        if reserved is None:
            order.at.ask("lambda", "delete_function_concurrency", FunctionName=order.thing)
        else:
            order.at.ask("lambda", "put_function_concurrency", FunctionName=order.thing,
                         ReservedConcurrentExecutions=reserved)

    def touches(self, values: Values) -> bool:
        return values.keys() == {_RESERVED} and _is_reservation(values[_RESERVED])

    def by_hand(self, act: Act) -> str:
        ref, reserved = ref_of(act), act.was["values"][_RESERVED]
        if reserved is None:
            return ref.command("lambda", "delete-function-concurrency", "--function-name", ref.thing)
        return ref.command("lambda", "put-function-concurrency", "--function-name", ref.thing,
                           "--reserved-concurrent-executions", str(reserved))


def _is_reservation(value: object) -> bool:
    return value is None or (type(value) is int and value >= 0)
