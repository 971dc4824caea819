"""Functions that may not run at all."""

from collections.abc import Iterator

from chaos_runner.errors import Gone
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.left.whose import command, is_ours, tool_of
from chaos_runner.targets.leftover import Leftover


def throttled(at: Account) -> Iterator[Leftover]:
    """Functions whose reserved concurrency is zero. One call for each function: AWS lists them without it."""
    for function in at.every("lambda", "list_functions", "Functions[]"):
        name = function["FunctionName"]
        if at.ask("lambda", "get_function_concurrency", FunctionName=name).get("ReservedConcurrentExecutions") == 0:
            tags = _tags(at, function["FunctionArn"])
            if not is_ours(tags):
                yield Leftover(
                    code="throttled", what=f"function {name}", says="may not run: its reserved concurrency is 0",
                    undo=command(at, "lambda", "delete-function-concurrency", "--function-name", name),
                    whose=tool_of(tags), first="nobody has switched it off on purpose")


def _tags(at: Account, arn: str) -> dict[str, str]:
    try:
        return dict(at.ask("lambda", "list_tags", Resource=arn).get("Tags", {}))
    except Gone:
        return {}
