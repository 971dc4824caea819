"""Figures of whole processes, beside Chaos Toolkit's in the same run. `python -m benchmarks` (or `make bench`)."""
