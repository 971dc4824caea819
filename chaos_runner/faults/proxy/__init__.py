"""Faults on connections that run through a TCP proxy with Toxiproxy's HTTP API."""
