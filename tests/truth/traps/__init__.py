"""All traps, in the order of the table."""

from tests.truth.traps import actions, backs, ends, files, judges, missed, nothing, probes

TRAPS = (*actions.TRAPS, *nothing.TRAPS, *probes.TRAPS, *judges.TRAPS, *backs.TRAPS, *ends.TRAPS, *files.TRAPS,
         *missed.TRAPS)
