"""A run and its journal, with the samples sorted once: what every report is made from."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from chaos_runner.journal.record import Record
from chaos_runner.report.last import Last
from chaos_runner.run.events import Phase, Sampled, Stage, StageBegan
from chaos_runner.run.run import Run


class Story(Struct, frozen=True):
    """Everything that can be said about a run comes from this."""

    run: Run
    records: Sequence[Record]
    samples: dict[int, list[Sampled]]
    """Under a probe's number, in the order they were taken. Only probes that were read."""
    staged: Mapping[Stage, Sequence[Sampled]] = {}
    """Those that came in one stage, of whatever probe."""
    last: Last | None = None
    """The run of the same experiment before this one, where somebody has looked for it."""

    @classmethod
    def of(cls, run: Run, records: Sequence[Record], last: Last | None = None) -> "Story":
        """The story of a run."""
        samples: dict[int, list[Sampled]] = {}
        staged: dict[Stage, list[Sampled]] = {}
        stage = Stage.CHECKING
        for record in records:
            event = record.event
            if type(event) is Sampled:
                samples.setdefault(event.probe, []).append(event)
                staged.setdefault(stage, []).append(event)
            elif type(event) is StageBegan:
                stage = event.stage
        return cls(run, records, samples, staged, last)

    def room(self, usual: int, tight: int) -> int:
        """How many of a kind the first screen has room for: fewer where commands that finish an undo stand there."""
        left = any(not entry.is_back for entry in self.run.entries.values() if entry.reversible)
        return tight if left else usual

    def in_stage(self, probe: int, stage: Stage) -> list[Sampled]:
        """The samples of a probe that came in a stage."""
        return [sample for sample in self.staged.get(stage, []) if sample.probe == probe]

    def taken(self, probe: int, phase: Phase | None = None) -> list[Sampled]:
        """The samples of a probe, or those of one phase."""
        samples = self.samples.get(probe, [])
        return samples if phase is None else [sample for sample in samples if sample.phase is phase]
