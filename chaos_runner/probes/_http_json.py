"""What stands at a path in the JSON that an address answers with. What is not there is no data, and never zero."""

from typing import Any

import msgspec

from chaos_runner.contracts import NoData
from chaos_runner.probes._path import Every, Those, found_at, parsed

_SCALARS = (str, int, float, bool)


def decoded(body: bytes) -> Any:
    """The JSON of a body. Raises NoData."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise NoData(f"the answer is no JSON: {problem}") from problem


def value_at(data: Any, text: str) -> Any:
    """The one text, number or truth value at a path. Raises NoData, BadQuestion."""
    found = found_at(data, parsed(text))
    if len(found) != 1:
        raise NoData(f"{len(found)} things stand at {text}, and one was wanted" if found
                     else f"nothing stands at {text}")
    if not isinstance(found[0], _SCALARS):
        what = "a mapping" if isinstance(found[0], dict) else "a list" if isinstance(found[0], list) else "null"
        raise NoData(f"at {text} stands {what}: wanted a text, a number, true or false; `count: true` counts a list")
    return found[0]


def count_at(data: Any, text: str) -> int:
    """How many things stand at a path: the members of a list, or those that a filter lets through.

    The list has to be there, and of its members one has to have what the filter asks for: a misspelt path must not be
    read as none. Raises NoData, BadQuestion.
    """
    path = parsed(text)
    if not isinstance(path[-1], Every | Those):
        path = (*path, Every())
    lists = found_at(data, path[:-1])
    if not lists or not all(isinstance(each, list) for each in lists):
        raise NoData(f"no list stands at {text}")
    _check_field(lists, path[-1], text)
    return len(found_at(data, path))


def _check_field(lists: list[list[Any]], last: Any, text: str) -> None:
    members = [member for each in lists for member in each]
    if isinstance(last, Those) and members and not any(found_at(member, last.path) for member in members):
        raise NoData(f"none of the {len(members)} at {text} has the field that its filter asks for")
