"""Whom it will hit: an experiment with its values, its seed and its digest, ready to run."""
