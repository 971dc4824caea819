"""What the faults on processes share: the right they need, and the processes that somebody might mean."""

import re
from collections.abc import Mapping
from typing import Any, Final

from chaos_runner.contracts import Candidate
from chaos_runner.targets.host import Listener, ProcessFilter, listeners, matching

NEEDS: Final = "to send signals to the process: to be its user, or root"
_SELECTORS: Final = ("pid", "name", "command", "user")


def listening(given: Mapping[str, Any]) -> list[Candidate]:
    """The processes that listen at a TCP port, as far as `given` does not say otherwise; one for each of them."""
    said = {key: given[key] for key in _SELECTORS if key in given}
    wanted = {process.pid for process in matching(ProcessFilter(**said))} if set(said) - {"user"} else None
    return [_candidate(one) for one in listeners() if wanted is None or one.process.pid in wanted]


def _candidate(found: Listener) -> Candidate:
    label = f"{found.process.label}, listens at port {found.port}"
    return Candidate(target={**_selector(found), "at-most": 1}, label=label, port=found.port)


def _selector(found: Listener) -> dict[str, Any]:
    """Its name where no other process has it, else its whole command line: a pid is another one's tomorrow."""
    process = found.process
    if len(matching(ProcessFilter(name=process.name))) == 1:
        return {"name": process.name}
    return {"command": re.escape(" ".join(process.command)).replace(r"\ ", " ").replace(r"\-", "-")}
