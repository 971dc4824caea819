"""How the runner of GitHub Actions reads a line that a step prints (actions/runner, ActionCommand.TryParseV2)."""

from msgspec import Struct


class Command(Struct, frozen=True):
    """A workflow command as the runner understands it."""

    name: str
    properties: dict[str, str]
    message: str


def understood(line: str) -> Command | None:
    """The command in a line of a step's output. None for a line that is only shown."""
    line = line.lstrip()
    head, closed, message = line[2:].partition("::")
    if not line.startswith("::") or not closed:
        return None
    name, _, written = head.partition(" ")
    pairs = [pair.partition("=") for pair in written.split(",") if pair]
    return Command(name, {key.strip(): _property(value) for key, _, value in pairs}, _data(message))


def _data(value: str) -> str:
    return value.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def _property(value: str) -> str:
    return _data(value.replace("%3A", ":").replace("%2C", ","))
