"""Throw-away targets on this machine, for the demo, the tests and for rehearsal."""
