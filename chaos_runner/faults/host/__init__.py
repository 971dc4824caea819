"""Faults on processes of this machine."""
