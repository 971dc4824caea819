"""Experiments made up at random, and what the world does to them: the same for the same seed."""

import random
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import NoData, Unreachable
from chaos_runner.errors import ActFailed, Gone, NoEffect, NoTarget, NotDurable, Refused
from chaos_runner.experiment.model import Dry, HypothesisStrategy, RollbackStrategy
from chaos_runner.plan.model import Manner
from chaos_runner.run import events as ev
from chaos_runner.run.decide import Item
from chaos_runner.run.events import Event
from chaos_runner.testing import FakeProbe, MemoryRun, run_in_memory, signal_at, stop_at
from tests.run.worlds import EVERY_TIME, MoodyFault, NeverEnds, SlowWorld

PROBLEMS: Final = (Refused, NoTarget, NoEffect, ActFailed, Gone, ValueError)
WRITTEN: Final = (
    ev.RunStarted, ev.StageBegan, ev.Checked, ev.Prepared, ev.Applied, ev.ApplyFailed, ev.StepBegan, ev.StepEnded,
    ev.Sampled, ev.UndoBegan, ev.Undone, ev.Verified, ev.Stopped, ev.RunEnded, ev.UndoFailed, ev.Declined,
)
"""What the journal may be lost at."""


class Story(Struct, kw_only=True):
    """An experiment, and what will happen to it."""

    seed: int
    experiment: dict[str, Any]
    faults: dict[str, MoodyFault]
    probes: dict[str, FakeProbe]
    items: list[Item]
    journal_fails_at: type[Event] | None
    strategy: RollbackStrategy | None
    slow: bool
    manner: Manner


class Ending(Struct, kw_only=True):
    """How a story went. `run` is None when the run was refused for want of a journal, or did not end (`stuck`)."""

    story: Story
    world: SlowWorld
    run: MemoryRun | None = None
    stuck: str = ""

    @property
    def hurt(self) -> dict[str, list[str]]:
        """What is hurt at the end and would have to be undone, by the step that hurt it."""
        return {name.removeprefix("fake."): fault.hurt for name, fault in self.story.faults.items()
                if fault.hurt and not fault.healed_by}


def play(story: Story) -> Ending:
    """Runs a story to its end. A story can be played once: its faults remember."""
    world = SlowWorld(story.seed, slow=story.slow)
    try:
        run = run_in_memory(story.experiment, faults=story.faults, probes=story.probes, items=story.items,
                            journal_fails_at=story.journal_fails_at, latency=world.latency, told=world.told,
                            strategy=story.strategy, manner=story.manner)
    except NotDurable:
        return Ending(story=story, world=world)
    except (LookupError, NeverEnds) as problem:
        return Ending(story=story, world=world, stuck=f"{type(problem).__name__}: {problem}")
    return Ending(story=story, world=world, run=run)


def story(seed: int) -> Story:
    """The story of that seed."""
    return _Teller(seed).tell()


class _Teller:
    """Makes one story up. Whatever it decides comes from its own dice."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._dice = random.Random(seed)
        self._malice = self._one_of(0.1, 1.0, 1.0)
        self._faults: dict[str, MoodyFault] = {}
        self._probes: dict[str, FakeProbe] = {}

    def tell(self) -> Story:
        experiment = {"title": f"story {self._seed}", "description": "made up", "method": self._method(),
                      "rollbacks": self._rollbacks(), **self._hypothesis(), **self._stop_rules(), **self._gates(),
                      **self._safeguards()}
        return Story(seed=self._seed, experiment=experiment, faults=self._faults, probes=self._probes,
                     items=self._items(), slow=self._chance(0.5),
                     journal_fails_at=self._one_of(*WRITTEN) if self._ill(0.5) else None,
                     strategy=self._one_of(*RollbackStrategy) if self._chance(0.4) else None, manner=self._manner())

    def _manner(self) -> Manner:
        """Mostly ours; else what Chaos Toolkit lets one ask for. chaoslib's own rules are not for these invariants."""
        dice = random.Random(f"manner {self._seed}")
        if dice.random() < 0.6:
            return Manner()
        return Manner(hypothesis=dice.choice(list(HypothesisStrategy)), frequency_s=dice.choice([0.5, 1.0, 3.0]),
                      fail_fast=dice.random() < 0.5, attended=dice.random() < 0.5,
                      dry=dice.choice([None, None, None, *Dry]))

    def _safeguards(self) -> dict[str, Any]:
        if self._chance(0.7):
            return {}
        made: dict[str, Any] = {"rehearse": self._chance(0.7)}
        if self._chance(0.6):
            made["limits"] = self._one_of({"max-duration": "30s"}, {"max-duration": "8s"}, {"max-targets": 2},
                                          {"max-targets": 3, "max-duration": "60s"})
        return made

    # ── the method ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _method(self) -> list[dict[str, Any]]:
        last = self._dice.randint(0, 4)
        return [self._activity(number, last=number == last) for number in range(last + 1)]

    def _activity(self, number: int, *, last: bool) -> dict[str, Any]:
        made = self._fault(f"m{number}", last=last) if self._chance(0.7) else self._toolkit_step(f"m{number}")
        if self._chance(0.4):
            made["background"] = True
        if self._chance(0.3):
            made["pauses"] = {self._one_of("before", "after"): self._one_of(1, 3)}
        return made

    def _fault(self, name: str, *, last: bool) -> dict[str, Any]:
        moods = {(verb, self._one_of(0, 1, 2, EVERY_TIME)): self._one_of(*PROBLEMS)("as told")
                 for verb in ("prepare", "apply", "undo", "verify") if self._ill(0.08)}
        fault = MoodyFault(moods, targets=self._dice.randint(1, 3), stays_hurt=self._ill(0.08),
                           healed_by="k8s" if self._chance(0.1) else "",
                           idle_at=self._one_of(0, 1) if self._ill(0.08) else None)
        self._faults[f"fake.{name}"] = fault
        made = {"name": name, "fault": f"fake.{name}", "target": {}}
        if self._chance(0.7) or (last and not fault.healed_by):  # a fault at the end that lasts acts for no time
            made["duration"] = f"{self._one_of(1, 2, 5, 20)}s"
        dice = random.Random(f"again {self._seed} {name}")
        if fault.healed_by and made.get("duration", "1s") != "1s" and dice.random() < 0.7:
            made["every"] = f"{dice.choice([1, 1.5])}s"
        return made

    def _toolkit_step(self, name: str) -> dict[str, Any]:
        kind = self._one_of("action", "action", "probe")
        made = _calling(name, kind, self._ending())
        if kind == "action" and self._chance(0.5):
            made["undo"] = {"provider": _provider(self._ending())}
        return made

    def _rollbacks(self) -> list[dict[str, Any]]:
        return [_calling(f"r{number}", "action", self._ending()) for number in range(self._one_of(0, 0, 1, 2))]

    # ── what is watched ─────────────────────────────────────────────────────────────────────────────────────────────

    def _hypothesis(self) -> dict[str, Any]:
        probes = [self._sampled(f"p{number}") for number in range(self._dice.randint(0, 3))]
        if self._chance(0.3):
            probes.append(_calling("once", "probe", self._ending()) | {"tolerance": 1})
        if not probes:
            return {}
        made = {"title": "all is well", "probes": probes, "baseline": f"{self._one_of(0, 2, 5)}s"}
        if self._chance(0.5):
            made["recovers-within"] = "12s"
        return {"steady-state-hypothesis": made}

    def _sampled(self, name: str) -> dict[str, Any]:
        self._probes[f"fake.{name}"] = self._probe()
        made = {"name": name, "probe": f"fake.{name}", "below": 5, "every": self._one_of("500ms", "1s", "1s", "2s")}
        patience: dict[str, Any] = self._one_of({"allow": "10%"}, {"for": "3s"}, {}, {}, {})
        return made | patience

    def _stop_rules(self) -> dict[str, Any]:
        if not self._chance(0.4):
            return {}
        self._probes["fake.stop"] = self._probe(0.7)
        return {"stop-when": [{"name": "stop", "probe": "fake.stop", "above": 5, "every": "1s"}]}

    def _gates(self) -> dict[str, Any]:
        if not self._chance(0.25):
            return {}
        closes_s = self._dice.random() * 12 if self._ill(0.6) else 1000.0
        self._probes["fake.gate"] = self._one_of(self._probe(), lambda t: 9 if t > closes_s else 0)
        watched = {"watch": True, "every": "1s"} if self._chance(0.7) else {}
        defers = {"defer": "10m"} if self._chance(0.5) else {}
        return {"gates": [{"name": "gate", "probe": "fake.gate", "at-most": 5, **watched, **defers}]}

    def _probe(self, share_of_ill: float = 0.45) -> FakeProbe:
        """A probe that is well, or for a while is not, in one of the ways there are."""
        troubles = (9, 9, "text", NoData("as told"), Unreachable("as told"))
        trouble = self._one_of(*troubles) if self._ill(share_of_ill) else 0
        share = self._one_of(1.0, 1.0, 0.1)
        begins_s = self._dice.random() * 20
        ends_s = begins_s + self._dice.random() * 30
        dice = random.Random(self._dice.random())
        return lambda t: trouble if begins_s < t < ends_s and dice.random() < share else 0

    # ── what happens from outside ───────────────────────────────────────────────────────────────────────────────────

    def _items(self) -> list[Item]:
        return [self._item(self._dice.random() * self._one_of(3, 15, 40))
                for _ in range(self._one_of(1, 1, 2, 3) if self._ill(0.5) else 0)]

    def _item(self, t: float) -> Item:
        return signal_at(t) if self._chance(0.7) else stop_at(t)

    # ── dice ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _chance(self, share: float) -> bool:
        return self._dice.random() < share

    def _one_of(self, *choices: Any) -> Any:
        return self._dice.choice(choices)

    def _ill(self, share: float) -> bool:
        """Whether something goes wrong that does in such a share of the stories that are not kind."""
        return self._chance(share * self._malice)

    def _ending(self) -> str:
        return str(self._one_of("error", "error", "exit", "interrupt")) if self._ill(0.2) else "well"


def _calling(name: str, kind: str, ending: str) -> dict[str, Any]:
    return {"name": name, "type": kind, "provider": _provider(ending)}


def _provider(ending: str) -> dict[str, Any]:
    return {"type": "python", "module": "tests.run.worlds", "func": "step", "arguments": {"ending": ending}}
