"""Where runs are started from afar: each is a process of its own, which outlives whoever started it."""
