"""iCal files of schedules: what `chaos_runner.calendar.ical` reads, with complaints as findings."""

from chaos_runner.calendar import ical
from chaos_runner.calendar.ical import EVENTS_MAX, Event, Span, days, spans, starts
from chaos_runner.experiment.findings import Finding, Place

__all__ = ("EVENTS_MAX", "Event", "Span", "days", "read", "spans", "starts")


def read(text: str, file: str) -> tuple[list[Event], list[Finding]]:
    """The events of a file, and everything in it that is not understood."""
    events, complaints = ical.read(text, file)
    return events, [_finding(file, complaint.line, complaint.said) for complaint in complaints]


def _finding(file: str, line: int, said: str) -> Finding:
    return Finding(code="E407", message=said, place=Place(file, line, 1),
                   help="what a calendar says and nobody understands would not be kept: mend it, or take it out")
