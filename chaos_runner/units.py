"""The only place where "30s", "250ms", "34%" and "10Mi" become numbers, and numbers become words again.

Inside the program a duration is a float of seconds (`_s`), a share a float from 0 to 1, a size an int of bytes.
"""

import re
from enum import StrEnum
from math import isfinite
from typing import Final

_SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES: Final = {"": 1, "B": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
                 "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_PART: Final = r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)"
DURATION: Final = rf"\s*(?:{_PART}\s*)+"
_SHARE: Final = r"\s*(\d+(?:\.\d+)?)\s*%\s*"
SIZE: Final = r"\s*(\d+(?:\.\d+)?)\s*(?:(Ki|Mi|Gi|Ti|k|M|G|T)B?|B)\s*"
"""Patterns: `re` compiles them when the first text is asked for, and keeps them."""


class Unit(StrEnum):
    """What a measured number is a number of."""

    SECONDS = "s"
    SHARE = "%"
    BYTES = "B"
    COUNT = ""


class NoUnit(ValueError):
    """The text is not a number with the unit that was wanted. The message says what would be right."""


def seconds(text: str) -> float:
    """Seconds in "30s", "250ms", "1m30s" or "2h". Raises NoUnit for anything else, a bare number included."""
    if not re.fullmatch(DURATION, text):
        raise NoUnit(f"a duration such as 200ms, 30s or 5m, not {text!r}")
    return _finite(sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text)))


def share(text: str) -> float:
    """The share in "34%", as 0.34. Raises NoUnit without the percent sign or above 100%."""
    found = re.fullmatch(_SHARE, text)
    if not found or float(found[1]) > 100:
        raise NoUnit(f"a share between 0% and 100%, not {text!r}")
    return float(found[1]) / 100


def size_bytes(text: str) -> int:
    """Bytes in "10Mi", "500k" or "64B". Powers of ten without the i, powers of two with it. Raises NoUnit."""
    found = re.fullmatch(SIZE, text)
    if not found:
        raise NoUnit(f"a size such as 64Ki or 10Mi, not {text!r}")
    return int(_finite(float(found[1]) * _BYTES[found[2] or ""]))


def _finite(value: float) -> float:
    if not isfinite(value):
        raise NoUnit("a number that a machine can hold")
    return value


def measure(text: str) -> tuple[float, Unit]:
    """A number whose unit says what it measures: "300ms" is (0.3, SECONDS), "5%" is (0.05, SHARE)."""
    if re.fullmatch(DURATION, text):
        return seconds(text), Unit.SECONDS
    if re.fullmatch(_SHARE, text):
        return share(text), Unit.SHARE
    if re.fullmatch(SIZE, text):
        return float(size_bytes(text)), Unit.BYTES
    raise NoUnit(f"a number with a unit such as 300ms, 5% or 10Mi, not {text!r}")


def spoken(value: float, unit: Unit) -> str:
    """The number as a person writes it: 0.3 s is "300 ms", 0.012 of a share is "1.2 %"."""
    match unit:
        case Unit.SECONDS:
            return spoken_seconds(value)
        case Unit.SHARE:
            return f"{_short(value * 100)} %"
        case Unit.BYTES:
            return spoken_bytes(int(value)) if isfinite(value) else f"{value} B"
        case Unit.COUNT:
            return _short(value)


def spoken_seconds(value_s: float) -> str:
    """Seconds in the unit a person would choose: "12 ms", "1.4 s", "2 m 05 s"."""
    if not isfinite(value_s):
        return f"{value_s} s"
    if value_s < 0:
        return f"-{spoken_seconds(-value_s)}"
    if 0 < value_s < 0.9995:
        return f"{_short(value_s * 1000)} ms"
    if value_s < 99.5:
        return f"{_short(value_s)} s"
    whole = round(value_s)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def spoken_bytes(value: int) -> str:
    """Bytes with a binary prefix: "1 MiB", "512 B"."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(value) >= size:
            return f"{_short(value / size)} {unit}"
    return f"{value} B"


def _short(value: float) -> str:
    """Three significant figures at most, never an exponent, whole numbers whole."""
    if not isfinite(value):
        return str(value)
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}"
