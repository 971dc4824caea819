"""What the stories of `tests.run.stories` happen in: faults with moods, steps that end as told, and a slow world."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Final

from msgspec import structs

from chaos_runner.contracts import Act, Evidence, Grade
from chaos_runner.run.commands import Command
from chaos_runner.run.events import Event
from chaos_runner.testing import FakeFault, Latency

EVERY_TIME: Final = -1
"""A call that raises whenever it is made, beside the first (0), the second (1), ..."""
MOST_TOLD: Final = 20_000
"""A run of which more is told does not end. The longest of the stories take a tenth of this."""
LATENCIES_S: Final = (0.01, 0.3, 1.0, 2.5, 5.0, 12.0, 25.0, 90.0)
"""Around what the loop waits for: below and above a sample's period, the grace, an undo's and an apply's time."""

Told = Event | Command


class NeverEnds(Exception):
    """The run goes on and on."""


class MoodyFault(FakeFault):
    """A fake fault that raises at certain calls: `moods` says what, by verb and number of the call.

    The apply of the number `idle_at` measures that nothing has changed.
    """

    def __init__(self, moods: Mapping[tuple[str, int], Exception], *, targets: int = 1, stays_hurt: bool = False,
                 healed_by: str = "", idle_at: int | None = None) -> None:
        super().__init__(targets=targets, stays_hurt=stays_hurt, healed_by=healed_by)
        self.moods = dict(moods)
        self.idle_at = idle_at
        self._times: Counter[str] = Counter()

    def apply(self, act: Act) -> Evidence:
        number = self._times["apply"]
        measured = super().apply(act)
        return structs.replace(measured, grade=Grade.NONE) if number == self.idle_at else measured

    def _say(self, verb: str) -> None:
        super()._say(verb)
        number = self._times[verb]
        self._times[verb] += 1
        problem = self.moods.get((verb, number)) or self.moods.get((verb, EVERY_TIME))
        if problem:
            raise problem

    @property
    def hurt(self) -> list[str]:
        """The names of what is hurt now."""
        return [name for name, state in self.state.items() if state != "well"]


def step(ending: str) -> int:
    """A Chaos Toolkit activity that ends as told: "well" gives 1, and the others raise."""
    match ending:
        case "error":
            raise ValueError("as told")
        case "exit":
            raise SystemExit(0)
        case "interrupt":
            raise KeyboardInterrupt
        case _:
            return 1


class SlowWorld:
    """Takes its time for two commands out of five, and remembers everything that it was told, in order."""

    def __init__(self, seed: int, *, slow: bool) -> None:
        self.trace: list[Told] = []
        self._random = random.Random(f"{seed}, the world")
        self._slow = slow

    def latency(self, _: Command) -> Latency:
        """How long a command takes: its effect comes at the beginning or at the end of that time."""
        if not self._slow or self._random.random() < 0.6:
            return Latency()
        takes_s = self._random.choice(LATENCIES_S) * self._random.random()
        return Latency(answer_s=takes_s) if self._random.random() < 0.5 else Latency(act_s=takes_s)

    def told(self, what: Told) -> None:
        """Remembers it. Raises NeverEnds when there is no end of it."""
        self.trace.append(what)
        if len(self.trace) > MOST_TOLD:
            raise NeverEnds(f"more than {MOST_TOLD} events and commands")

    @property
    def events(self) -> list[Event]:
        """What was written."""
        return [what for what in self.trace if isinstance(what, Event)]
