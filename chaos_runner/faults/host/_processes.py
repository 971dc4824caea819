"""What the faults on processes share: the right they need, and the processes that somebody might mean."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from chaos_runner.contracts import Candidate
from chaos_runner.targets.host import Listener, Process, ProcessFilter, listeners, matching

NEEDS: Final = "to send signals to the process: to be its user, or root"
_SELECTORS: Final = ("pid", "name", "command", "user")
_ANY: Final = ProcessFilter(command=".")


def listening(given: Mapping[str, Any]) -> list[Candidate]:
    """The processes that listen at a TCP port and agree with `given`, each once. Raises ActFailed, Refused."""
    said = {key: given[key] for key in _SELECTORS if key in given}
    there = matching(_ANY)
    wanted = matching(ProcessFilter(**said)) if set(said) - {"user"} else there
    first = {one.process.pid: one for one in reversed(listeners())}
    found = sorted((first[one.pid] for one in wanted if one.pid in first), key=lambda one: one.port)
    return [_candidate(one, there) for one in found]


def _candidate(found: Listener, there: Sequence[Process]) -> Candidate:
    label = f"{found.process.label}, listens at port {found.port}"
    return Candidate(target={**selector(found.process, there), "at-most": 1}, label=label, port=found.port)


def selector(process: Process, there: Sequence[Process]) -> dict[str, str]:
    """What tells it from all that are there, in as few words as possible: a pid is another one's tomorrow, and the last
    words of a command line are often a port. Its name, else the first words behind the program, else all.
    """
    if [other.name for other in there].count(process.name) == 1:
        return {"name": process.name}
    lines = [" ".join(other.command) for other in there]
    for count in range(2, len(process.command) + 1):
        words = " ".join(process.command[1:count])
        if sum(words in line for line in lines) == 1:
            return {"command": _pattern(words)}
    return {"command": _pattern(" ".join(process.command))}


def _pattern(words: str) -> str:
    """A regular expression for exactly these words, with no more backslashes than it takes."""
    return re.sub(r"\\([ \-#&~])", r"\1", re.escape(words))
