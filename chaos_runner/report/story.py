"""A run and its journal, with the samples sorted once: what every report is made from."""

from collections.abc import Sequence

from msgspec import Struct

from chaos_runner.journal.record import Record
from chaos_runner.run.events import Phase, Sampled
from chaos_runner.run.run import Run


class Story(Struct, frozen=True):
    """Everything that can be said about a run comes from this."""

    run: Run
    records: Sequence[Record]
    samples: dict[int, list[Sampled]]
    """Under a probe's number, in the order they were taken. Only probes that were read."""

    @classmethod
    def of(cls, run: Run, records: Sequence[Record]) -> "Story":
        """The story of a run."""
        samples: dict[int, list[Sampled]] = {}
        for record in records:
            event = record.event
            if type(event) is Sampled:
                samples.setdefault(event.probe, []).append(event)
        return cls(run, records, samples)

    def taken(self, probe: int, phase: Phase | None = None) -> list[Sampled]:
        """The samples of a probe, or those of one phase."""
        samples = self.samples.get(probe, [])
        return samples if phase is None else [sample for sample in samples if sample.phase is phase]
