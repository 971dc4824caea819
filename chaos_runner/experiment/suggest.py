"""What a misspelt word was probably meant to be."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_CUTOFF: Final = 0.75


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, or None when none is close.

    Words that differ only in case, hyphens, underscores or spaces are the closest there are.
    """
    from difflib import get_close_matches

    letters = _letters(word[:200])
    by_letters = {_letters(candidate): candidate for candidate in reversed(list(known))}
    near = [candidate for candidate in by_letters if _may_be_close(letters, candidate)]
    close = get_close_matches(letters, near, n=1, cutoff=_CUTOFF)
    return by_letters[close[0]] if close else None


def _may_be_close(word: str, other: str) -> bool:
    """No more letters of one may be missing in the other than the cutoff allows. Spares most words the long look:
    a hostile file has many thousand of them.
    """
    return (_bits(word) ^ _bits(other)).bit_count() <= (1 - _CUTOFF) * (len(word) + len(other))


@lru_cache(maxsize=1024)
def _bits(word: str) -> int:
    """Which letters there are. Two that share a bit count as one letter, so this never says less than is true."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits


@lru_cache(maxsize=1024)
def _letters(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "").replace(" ", "")
