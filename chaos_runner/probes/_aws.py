"""What the probes of AWS share: whom they ask, and what keeps them from an answer.

AWS measures here: while it does not answer, samples are missing. What it says is not there, is not there.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from chaos_runner.contracts import BadQuestion, NoData, Unreachable
from chaos_runner.errors import Gone, UsageError
from chaos_runner.targets.aws.access import Account, AwsUnreachable, Denied
from chaos_runner.targets.aws.choosing import Placed

_TRIES: Final = 3
"""A sample that comes late is of no use: the next one asks anew."""
_SHOWN_MOST: Final = 3


@contextmanager
def asking(place: Placed) -> Iterator[Account]:
    """Where to look. Raises BadQuestion for what can never be answered, NoData for what cannot be answered now, and
    Unreachable for what AWS says is not there.
    """
    try:
        yield _impatient(place.account())
    except UsageError as problem:
        raise BadQuestion(str(problem)) from problem
    except (AwsUnreachable, Denied) as problem:
        raise NoData(str(problem)) from problem
    except Gone as gone:
        raise Unreachable(str(gone)) from gone


def some(words: Iterable[str]) -> str:
    """The first few of them."""
    all_ = sorted(words)
    return ", ".join(all_[:_SHOWN_MOST]) + (f" and {len(all_) - _SHOWN_MOST} more" if len(all_) > _SHOWN_MOST else "")


@cache
def _impatient(at: Account) -> Account:
    return at.patient(_TRIES)
