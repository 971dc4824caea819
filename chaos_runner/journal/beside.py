"""A long look at much data by a copy of this process, while this one goes on."""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from typing import Never

Look = Callable[[], bool]


class _Answer(IntEnum):
    """What a copy ends with."""

    NO = 0
    YES = 1
    NONE = 2


def beside(look: Look) -> Look:
    """Begins a look that changes nothing, and gives what waits for its answer. Where no copy can be made, or it came
    to no answer, the look is taken when that is asked for.
    """
    if not _may_copy():
        return look
    try:
        copy = os.fork()
    except OSError:  # no room for one more process
        return look
    if copy == 0:
        _end_with(look)

    def answer() -> bool:
        found = _Answer.NONE
        with suppress(ChildProcessError, ValueError):  # who started us lets nobody wait; or a signal ended it
            found = _Answer(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]))
        return look() if found is _Answer.NONE else found is _Answer.YES

    return answer


def _may_copy() -> bool:
    """A copy has one thread only, and finds the locks of the others as they were; elsewhere than on Linux the system's
    own libraries may not be used in it.
    """
    return sys.platform == "linux" and threading.active_count() == 1


def _end_with(look: Look) -> Never:
    answer = _Answer.NONE
    try:
        answer = _Answer.YES if look() else _Answer.NO
    finally:
        os._exit(answer)
