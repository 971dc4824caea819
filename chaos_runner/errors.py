"""Every error a caller can meet, as one tree.

    ChaosRunnerError                    70  a bug in chaos-runner itself
    ├── UsageError                       2  the command line cannot be followed
    │   └── InvalidFile                  2  the experiment cannot be followed: carries every finding
    ├── Refused                          3  nothing was changed, nothing will be
    │   ├── NoTarget                     3  nothing matches the target
    │   ├── NoEffect                     5  the target already is as the fault would make it
    │   └── NotDurable                   3  what must survive a crash cannot be written
    ├── ActFailed                        5  something may have been changed: it is undone
    └── Gone                             5  the target is no longer there (a process ended, a pid was reused)

Two facts decide what happens next, so every class knows them: the exit code it leads to when nothing else decides,
and whether the world may have been changed when it is raised.
"""

from typing import ClassVar


class ChaosRunnerError(Exception):
    """The root. Raised itself only for what must not happen."""

    exit_code: ClassVar[int] = 70
    may_have_changed: ClassVar[bool] = True


class UsageError(ChaosRunnerError):
    """What was asked for cannot be understood or does not exist."""

    exit_code = 2
    may_have_changed = False


class Refused(ChaosRunnerError):
    """`prepare`, a limit or a check says no, and nothing was changed."""

    exit_code = 3
    may_have_changed = False


class NoTarget(Refused):
    """Nothing matches the target."""


class NoEffect(Refused):
    """The target already is as the fault would make it: acting would prove nothing, undoing would break something."""

    exit_code = 5


class NotDurable(Refused):
    """The journal or the report folder cannot be written, so nothing may be applied."""


class ActFailed(ChaosRunnerError):
    """An act or an undo did not come to its end; the target may or may not have been changed."""

    exit_code = 5


class Gone(ChaosRunnerError):
    """The target is no longer there. For a process: the pid is free or belongs to another process."""

    exit_code = 5
    may_have_changed = False
