"""The zones of schedules: `chaos_runner.calendar.zones`, which probes see too."""

from chaos_runner.calendar.zones import (
    YEARS,
    Change,
    NoZone,
    changes,
    instants,
    local,
    next_valid,
    steady_offset,
    zone_named,
)

__all__ = ("YEARS", "Change", "NoZone", "changes", "instants", "local", "next_valid", "steady_offset", "zone_named")
