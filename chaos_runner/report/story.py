"""A run and its journal, with the samples sorted once: what every report is made from."""

from collections import defaultdict
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
    turns: Sequence[Record]
    """All of them but the samples that say what the one before it of the same probe said."""
    samples: dict[int, list[Sampled]]
    """Under a probe's number, in the order they were taken. Only probes that were read."""
    staged: Mapping[Stage, Sequence[Sampled]] = {}
    """Those of the single-shot probes that came in one stage."""
    last: Last | None = None
    """The run of the same experiment before this one, where somebody has looked for it."""

    @classmethod
    def of(cls, run: Run, records: Sequence[Record], last: Last | None = None) -> "Story":
        """The story of a run."""
        samples: dict[int, list[Sampled]] = defaultdict(list)
        staged: dict[Stage, list[Sampled]] = defaultdict(list)
        stage, single_shot = Stage.CHECKING, frozenset(run.plan.single_shot)
        turns: list[Record] = []
        said: dict[int, object] = defaultdict(object)
        for record in records:
            event = record.event
            if type(event) is Sampled:
                probe, good = event.probe, event.good
                samples[probe].append(event)
                if probe in single_shot:
                    staged[stage].append(event)
                if said[probe] is good:
                    continue
                said[probe] = good
            elif type(event) is StageBegan:
                stage = event.stage
            turns.append(record)
        return cls(run, records, turns, dict(samples), dict(staged), last)

    @property
    def count(self) -> int:
        """How many samples there are."""
        return sum(map(len, self.samples.values()))

    def in_stage(self, probe: int, stage: Stage) -> list[Sampled]:
        """The samples of a single-shot probe that came in a stage."""
        return [sample for sample in self.staged.get(stage, []) if sample.probe == probe]

    def room(self, usual: int, tight: int) -> int:
        """How many of a kind the first screen has room for: fewer where commands that finish an undo stand there."""
        left = any(not entry.is_back for entry in self.run.entries.values() if entry.reversible)
        return tight if left else usual

    def taken(self, probe: int, phase: Phase | None = None) -> list[Sampled]:
        """The samples of a probe, or those of one phase."""
        samples = self.samples.get(probe, [])
        return samples if phase is None else [sample for sample in samples if sample.phase is phase]
