"""Faults of a Kubernetes cluster, with nothing installed in it."""
