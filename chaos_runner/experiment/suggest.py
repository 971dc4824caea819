"""What a misspelt word was probably meant to be."""

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to `word`, or None when none is close.

    Words that differ only in case, hyphens, underscores or spaces are the closest there are.
    """
    from difflib import get_close_matches

    by_letters = {_letters(candidate): candidate for candidate in reversed(list(known))}
    close = get_close_matches(_letters(word[:200]), by_letters, n=1, cutoff=0.75)
    return by_letters[close[0]] if close else None


def _letters(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "").replace(" ", "")
