"""The shelf of faults: one file each, the path is the name."""
