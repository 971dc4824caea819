"""Making any text safe to look at: no control character acts, nothing is longer than its place.

What a target said is hostile. Escaping for a format is the format's own business; this comes before it.
"""

import re
from typing import Any, Final

import msgspec

OUTPUT_MOST: Final = 4096
"""Characters of one output in the page. The journal has all of it."""
NAME_MOST: Final = 200
"""Characters of a name or a label."""
NOTE_MOST: Final = 1000
"""Characters of a sentence that quotes a target."""
_UNSEEN: Final = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff9-\uffff]"
    "|[\U000e0000-\U000e007f]|[\U0001fffe\U0001ffff]")
_UNIT_SPACE: Final = r"(?<=\d) (?=(?:[num]?s|%|[KMG]?i?B|m|h)\b|%)"
_PROCESS: Final = {"status", "stdout", "stderr"}
_PICTURES: Final = {**{code: 0x2400 + code for code in range(32)}, 0x7F: 0x2421}


def visible(text: str) -> str:
    """The text with every character that is not seen, or turns the text around, shown as a picture or as its number."""
    if text.isprintable():  # the common case, and the fast one
        return text
    return re.sub(_UNSEEN, _shown, text.replace("\r\n", "\n"))


def cut(text: str, most: int = OUTPUT_MOST) -> str:
    """At most so many characters, and a note of how many are left out."""
    if len(text) <= most:
        return text
    return f"{text[:most]}\n… {len(text) - most:,} more characters: the journal has all of it"


def short(text: str, most: int = NAME_MOST) -> str:
    """One line of at most so many characters."""
    line = " ".join(text[:4 * most].split())
    return line if len(line) <= most else f"{line[:most - 1]}…"


def firm(text: str) -> str:
    """The text with its units held to their numbers, so that no line breaks between the two."""
    return re.sub(_UNIT_SPACE, "\u00a0", text)


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 probe", "3 probes", "3,480 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def written(value: Any) -> str:
    """Any output of a step as people read it: texts as they are, data as indented JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and set(value) == _PROCESS:
        streams = [f"── {name}\n{value[name]}" for name in ("stdout", "stderr") if value[name]]
        return "\n".join([f"exit status {value['status']}", *streams])
    try:
        return msgspec.json.format(msgspec.json.encode(value, enc_hook=repr)).decode()
    except (TypeError, ValueError):  # halves of characters, keys that JSON has not
        return repr(value)


def as_json(value: Any) -> str:
    """A value in JSON. What JSON has not is written as its `repr`."""
    try:
        return msgspec.json.encode(value, enc_hook=repr).decode()
    except (TypeError, ValueError):  # halves of characters, keys that are no text
        import json

        return json.dumps(value, default=repr, skipkeys=True)


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    picture = _PICTURES.get(code)
    return chr(picture) if picture else f"<U+{code:04X}>"
