"""The shelf of probes: one file per source, the function is the name."""
