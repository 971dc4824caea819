"""Tags on what we touch: whose it is, until when, and how it was. From another machine they are all there is.

They are believed no further than they must be: whoever can tag can write them. A value of a tag has at most 256
letters, digits, spaces and `+ - = . _ : / @` (AWS, "Tag naming limits"), so what is to be undone is compressed and
written in base64url, over as many tags as it takes.
"""

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.errors import Refused
from chaos_runner.mark import Mark, parse

PREFIX: Final = "chaos-runner:"
RUN: Final = f"{PREFIX}run"
EXPIRES: Final = f"{PREFIX}expires"
UNDO: Final = f"{PREFIX}undo"
MADE_FOR: Final = f"{PREFIX}for"
"""On what we make: the thing that it was made for."""
VALUE_MOST: Final = 256
TAGS_MOST: Final = 50
_PARTS_MOST: Final = 8
_UNPACKED_MOST: Final = 64 * 1024
"""Nothing that we write is longer. Others can write tags too, and a few letters may unpack to very many."""
_THEIRS: Final = "aws:"
"""Tags that AWS itself makes do not count."""


class Told(Struct, frozen=True, kw_only=True):
    """What our tags tell: the mark, the fault that left it, and what it did and found."""

    mark: Mark
    fault: str
    do: dict[str, Any]
    was: dict[str, Any]


class _Undo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fault: str
    do: dict[str, Any]
    was: dict[str, Any]


def tags_of(mark: Mark, fault: str, do: Mapping[str, Any], was: Mapping[str, Any]) -> dict[str, str]:
    """Our tags on one thing. Raises Refused for an undo that they cannot hold."""
    said = urlsafe_b64encode(_packed(msgspec.json.encode({"fault": fault, "do": do, "was": was}))).decode()
    parts = [said[start:start + VALUE_MOST] for start in range(0, len(said), VALUE_MOST)]
    if len(parts) > _PARTS_MOST:
        raise Refused(f"its way back takes {len(said)} characters, and tags hold {_PARTS_MOST * VALUE_MOST} of them")
    return {RUN: str(mark), EXPIRES: mark.expires, **{_part(number): part for number, part in enumerate(parts, 1)}}


def told(tags: Mapping[str, str]) -> Told | None:
    """What a thing's tags tell. None when there are none of ours, or what they say is not to be read."""
    mark = parse(tags.get(RUN, ""))
    if mark is None:
        return None
    parts = [tags[key] for number in range(1, _PARTS_MOST + 1) if (key := _part(number)) in tags]
    try:
        said = msgspec.json.decode(_unpacked(urlsafe_b64decode("".join(parts))), type=_Undo)
    except (msgspec.DecodeError, UnicodeError, ValueError, zlib.error):
        return None
    return Told(mark=mark, fault=said.fault, do=said.do, was=said.was)


def ours(tags: Iterable[str]) -> list[str]:
    """Those of these keys that are ours."""
    return [key for key in tags if key in (RUN, EXPIRES) or key == UNDO or key.startswith(f"{UNDO}-")]


def check_room(label: str, there: Mapping[str, str], more: Mapping[str, str], most: int = TAGS_MOST) -> None:
    """Raises Refused for a thing that cannot bear so many tags more."""
    counted = sum(not key.startswith(_THEIRS) for key in there)
    if counted + len(more) > most:
        raise Refused(f"{label} has {counted} tags of at most {most}, and ours are {len(more)} more: without them "
                      "nobody else could undo it")


def _packed(text: bytes) -> bytes:
    if len(text) > _UNPACKED_MOST:
        raise Refused(f"its way back takes {len(text)} bytes, and at most {_UNPACKED_MOST} are kept in tags")
    return zlib.compress(text, 9)


def _unpacked(packed: bytes) -> bytes:
    return zlib.decompressobj().decompress(packed, _UNPACKED_MOST)


def _part(number: int) -> str:
    return UNDO if number == 1 else f"{UNDO}-{number}"


KEYS: Final = (RUN, EXPIRES, *(_part(number) for number in range(1, _PARTS_MOST + 1)))
"""All keys that we write, for services that list tags by key."""
