"""Faults on this machine: its processes, processors, memory, disks and network."""
