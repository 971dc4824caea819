"""Faults on AWS, through its API."""
