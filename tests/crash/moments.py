"""The moments of a fault's life at which a runner is killed, in order."""

from enum import StrEnum


class Moment(StrEnum):
    """Between any two things that happen to a fault, and in the middle of each verb."""

    IN_PREPARE = "in prepare, before anything is written"
    PREPARED = "the intention is written"
    BEFORE_APPLY = "in apply, before the change"
    AFTER_APPLY = "in apply, after the change"
    APPLIED = "the evidence is written"
    HOLDING = "the fault acts"
    UNDO_BEGAN = "the undo is written"
    BEFORE_UNDO = "in undo, before the change"
    AFTER_UNDO = "in undo, after the change"
    UNDONE = "the undo's end is written"
    IN_VERIFY = "in verify"
    VERIFIED = "the look back is written"
