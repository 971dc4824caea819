"""Runs told as lists of events: what the report's tests, and a person who looks at a page, start from."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any

from msgspec import structs

from chaos_runner.clock import rfc3339
from chaos_runner.contracts import Act, Answer, Band, Evidence, Grade
from chaos_runner.experiment.findings import Place
from chaos_runner.experiment.model import (
    Comparison,
    Experiment,
    Hypothesis,
    Limit,
    Native,
    Probe,
    Provider,
    ProviderUndo,
    RollbackStrategy,
    Step,
    StepKind,
    Tolerance,
    Used,
)
from chaos_runner.journal.record import Record
from chaos_runner.plan.limits import Aim
from chaos_runner.plan.model import FaultCard, Origin, Plan
from chaos_runner.run import events as ev
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.run import Run, fold
from chaos_runner.run.verdict import judge
from chaos_runner.units import Unit

STARTED = datetime(2026, 11, 20, 11, 2, 10, 123000, tzinfo=UTC)
HERE = Place("checkout.yaml", 1, 1)
P99 = Probe(name="p99 latency of checkout", call=Native("http.latency", {"url": "${shop_url}/checkout"}), place=HERE,
            judge=Limit(comparison=Comparison.BELOW, bounds=(0.4,), unit=Unit.SECONDS), every_s=1.0, allow=0.01,
            unit=Unit.SECONDS)
READY = Probe(name="ready share of checkout", call=Native("kubernetes.ready_share"), place=HERE, every_s=1.0,
              judge=Limit(comparison=Comparison.AT_LEAST, bounds=(0.5,), unit=Unit.SHARE), unit=Unit.SHARE)
ONCE = Probe(name="checkout answers 200", place=HERE, judge=Tolerance(200),
             call=Provider({"type": "http", "url": "http://shop/checkout"}))
ERRORS = Probe(
    name="one customer in twenty fails", call=Native("prometheus.query"), place=HERE, every_s=1.0, held_for_s=5.0,
    judge=Limit(comparison=Comparison.ABOVE, bounds=(0.05,), unit=Unit.SHARE), unit=Unit.SHARE, bad_when_met=True)
LATENCY = Step(key="m0", name="add 200 ms to every reply of the orders database", kind=StepKind.ACTION, place=HERE,
               call=Native("proxy.latency", {"latency": 0.2}, {"proxy": "orders-db"}), duration_s=60.0, background=True)
KILL = Step(key="m1", name="kill one checkout pod", kind=StepKind.ACTION, place=HERE, pause_before=20.0,
            call=Native("kubernetes.pod_kill", {}, {"namespace": "shop"}))
SCRIPT = Step(key="m2", name="clear the cache", kind=StepKind.ACTION, place=HERE, pause_after=5.0,
              call=Provider({"type": "process", "path": "./clear-cache.sh", "arguments": ["--all"]}))
WARM = Step(key="r0", name="warm the cache", kind=StepKind.ACTION, place=HERE,
            call=Provider({"type": "python", "module": "shop.cache", "func": "warm"}))
CARDS = {"m0": FaultCard(band=Band(word="slow")), "m1": FaultCard(band=Band(word="killed", pattern="cross"),
                                                                  healed_by="the ReplicaSet")}
SOURCE = "title: Checkout survives the loss of one replica\nmethod:\n  - fault: proxy.latency\n    duration: 60s\n"


def act(label: str = "shop/orders-db") -> Act:
    """A change to one target."""
    return Act(target={"proxy": label}, do={"latency_ms": 200}, was={"toxics": []}, label=label)


class Story:
    """Collects what happens, and ends with the verdict that it deserves."""

    def __init__(self, method: Iterable[Step] = (LATENCY,), probes: tuple[Probe, ...] = (P99, READY, ONCE),
                 rules: tuple[Probe, ...] = (ERRORS,), rollbacks: tuple[Step, ...] = (), **experiment: Any) -> None:
        title = experiment.pop("title", "Checkout survives the loss of one replica while its database is slow")
        hypothesis = Hypothesis(title="Customers can pay, quickly", probes=probes) if probes else None
        cards = {step.key: CARDS.get(step.key, CARDS["m0"]) for step in method if step.is_fault}
        self.plan = Plan(
            run="01JD8ZK3T2QH5R7", seed=7, cards=cards, strategy=RollbackStrategy.SAFE, recovers_within_s=60.0,
            longest_s=420.0, expires="2026-11-20T11:20:00Z", started="2026-11-20T11:02:10.123Z", digest="9f2c1ab04e77",
            origin=Origin(user="ada", host="build-7", pid=4711, version="0.1.0", python="3.11.7",
                          platform="Linux-6.1-x86_64"),
            experiment=Experiment(
                title=title, description="We believe that the cache hides a slow database from customers.",
                file="experiments/07-checkout.yaml", hypothesis=hypothesis, method=tuple(method), rollbacks=rollbacks,
                stop_rules=rules, tags=("checkout", "latency"), owner="team-checkout", source=SOURCE, **experiment))
        self.events: list[ev.Event] = []
        self.add(ev.RunStarted(t=0.0, plan=self.plan))

    def add(self, *events: ev.Event) -> "Story":
        """These happened too."""
        self.events += events
        return self

    def stage(self, t: float, stage: Stage) -> "Story":
        """The run went on to its next stage."""
        return self.add(ev.StageBegan(t=t, stage=stage))

    def sample(self, t: float, probe: int, phase: Phase, value: Any, **more: Any) -> "Story":
        """A probe was read and judged as the engine would."""
        good = more.pop("good", None)
        if good is None and not more.get("missing"):
            good = value is not None and _good(self.plan, probe, value)
        return self.add(ev.Sampled(t=t, probe=probe, phase=phase, value=value, good=good, took_s=0.02, **more))

    def told(self) -> tuple[Run, list[Record]]:
        """The run so far, in the order of time, without an end."""
        started, *rest = self.events
        events = [started, *sorted(rest, key=lambda event: event.t)]
        records = [Record(n, rfc3339(STARTED + timedelta(seconds=event.t)), event)  # type: ignore[arg-type]
                   for n, event in enumerate(events)]
        return fold(events), records

    def ended(self, t: float) -> tuple[Run, list[Record]]:
        """The run with its verdict."""
        self.stage(t, Stage.OVER)
        run, _ = self.told()
        self.add(judge(run))
        return self.told()


def _good(plan: Plan, probe: int, value: Any) -> bool:
    number = probe - len(plan.probes)
    judge_of = plan.watched[probe].judge
    if isinstance(judge_of, Tolerance):
        return bool(value == judge_of.spec)
    assert isinstance(judge_of, Limit)
    bound = judge_of.bounds[0]
    met = {Comparison.BELOW: value < bound, Comparison.ABOVE: value > bound,
           Comparison.AT_LEAST: value >= bound}.get(judge_of.comparison, value == bound)
    return met if number < 0 else not met


def _phase(t: float, undone_t: float = 120.0) -> Phase:
    return Phase.BEFORE if t < 60 else Phase.DURING if t < undone_t else Phase.AFTER


def _faults(story: Story) -> Story:
    """A slow database for a minute, a killed pod twenty seconds in, a script, and the undo, verified."""
    return story.add(
        ev.Checked(t=0.2, step="m0", targets=[Aim("proxy", "shop/orders-db")]),
        ev.Checked(t=0.3, step="m1", targets=[Aim("kubernetes", "shop/checkout-7d9f-x2k")]),
        ev.Prepared(t=60.0, step="m0", acts=[act()]),
        ev.Applied(t=60.2, entry="m0.0", evidence=Evidence(before="2 ms", after="204 ms")),
        ev.Prepared(t=80.0, step="m1", acts=[act("shop/checkout-7d9f-x2k")]),
        ev.Applied(t=80.4, entry="m1.0", evidence=Evidence(before="uid 7f3a…", after="gone")),
        ev.StepBegan(t=81.0, step="m2"),
        ev.StepEnded(t=83.5, step="m2", ok=True, grade=Grade.REPORTED,
                     output={"status": 0, "stdout": "cleared 812 keys\n", "stderr": ""}))


def _undo(story: Story, t: float = 120.0, answer: Answer = Answer.RESTORED, diff: str = "") -> Story:
    return story.add(ev.UndoBegan(t=t, entry="m0.0"), ev.Undone(t=t + 0.1, entry="m0.0"),
                     ev.Verified(t=t + 0.2, entry="m0.0", answer=answer, diff=diff,
                                 by_hand="curl -X DELETE http://127.0.0.1:8474/proxies/orders-db/toxics/slow"))


def _samples(story: Story, peak_s: float, until_s: int = 180) -> Story:
    """Three minutes of a system that is slow for a while, with an answer or two missing."""
    for second in range(1, until_s):
        t = second + 0.03
        slow = 1.0 if 64 <= t < 102 else 0.0
        value = 0.21 + 0.03 * sin(second) + slow * (peak_s - 0.24) * (0.75 + 0.25 * sin(second / 4))
        if peak_s > 0.4 and 84 <= second <= 87:
            story.sample(t, 0, _phase(t), None, note="connection refused")
        else:
            story.sample(t, 0, _phase(t), round(value, 4))
        story.sample(t + 0.01, 1, _phase(t), 0.66 if 80 <= t < 110 else 1.0)
        story.sample(t + 0.02, 3, _phase(t), None if 30 < t < 34 else round(0.018 * slow + 0.002, 4),
                     missing=30 < t < 34)
    return story


def _frame(story: Story) -> Story:
    """The stages of a run that goes its whole way."""
    for t, stage in ((0.0, Stage.CHECKING), (0.5, Stage.BEFORE), (60.0, Stage.METHOD), (119.0, Stage.READING),
                     (119.8, Stage.UNDOING), (120.5, Stage.AFTER)):
        story.stage(t, stage)
    for t, phase in ((0.8, Phase.BEFORE), (119.5, Phase.DURING), (121.0, Phase.AFTER)):
        story.sample(t, 2, phase, 200)
    return story


def passed() -> tuple[Run, list[Record]]:
    """Everything held, everything is restored."""
    story = _frame(Story((LATENCY, KILL, SCRIPT), rollbacks=(WARM,)))
    _samples(_undo(_faults(story)), peak_s=0.355)
    story.add(ev.StepBegan(t=120.3, step="r0"), ev.StepEnded(t=120.4, step="r0", ok=True, grade=Grade.REPORTED))
    return story.ended(181.0)


def calm() -> tuple[Run, list[Record]]:
    """Everything held, and everything was seen to be restored."""
    return _samples(_undo(_faults(_frame(Story((LATENCY, KILL, SCRIPT))))), peak_s=0.355).ended(181.0)


def placed() -> tuple[Run, list[Record]]:
    """What was not restored and what deviated, each with its own line in the file."""
    fault = structs.replace(LATENCY, place=Place("./experiments/checkout.yaml", 31, 5))
    probe = structs.replace(P99, place=Place("./experiments/checkout.yaml", 12, 7))
    story = _frame(Story((fault, KILL, SCRIPT), probes=(probe, READY, ONCE)))
    _undo(_faults(story), answer=Answer.NOT_RESTORED, diff="still slow")
    return _samples(story, peak_s=0.62).ended(181.0)


def alike() -> tuple[Run, list[Record]]:
    """Two probes with one name."""
    story = Story((), probes=(ONCE, ONCE), rules=()).stage(0.0, Stage.CHECKING).stage(0.1, Stage.BEFORE)
    return story.sample(0.2, 0, Phase.BEFORE, 200).sample(0.3, 1, Phase.BEFORE, 503).ended(0.4)


def deviated() -> tuple[Run, list[Record]]:
    """The latency left its limit for 38 s and came back."""
    story = _frame(Story((LATENCY, KILL, SCRIPT)))
    return _samples(_undo(_faults(story)), peak_s=0.62).ended(181.0)


def not_restored() -> tuple[Run, list[Record]]:
    """The undo was tried and the target still is as we left it."""
    story = _frame(Story((LATENCY, KILL, SCRIPT)))
    _undo(_faults(story), answer=Answer.NOT_RESTORED, diff="toxic slow is still there: latency 200 ms, was none")
    return _samples(story, peak_s=0.62).ended(181.0)


def not_started() -> tuple[Run, list[Record]]:
    """The steady state was bad before anything was touched."""
    story = Story((LATENCY,)).stage(0.0, Stage.CHECKING).stage(0.4, Stage.BEFORE)
    for second in range(1, 6):
        story.sample(second, 0, Phase.BEFORE, 0.9).sample(second + 0.1, 1, Phase.BEFORE, 1.0)
        story.sample(second + 0.2, 3, Phase.BEFORE, 0.001)
    return story.sample(0.9, 2, Phase.BEFORE, 503).ended(5.4)


def interrupted() -> tuple[Run, list[Record]]:
    """Ctrl-C while the fault acted."""
    story = Story((LATENCY, KILL, SCRIPT))
    for t, stage in ((0.0, Stage.CHECKING), (0.5, Stage.BEFORE), (60.0, Stage.METHOD), (72.01, Stage.UNDOING)):
        story.stage(t, stage)
    story.add(ev.Prepared(t=60.0, step="m0", acts=[act()]),
              ev.Applied(t=60.2, entry="m0.0", evidence=Evidence(before="2 ms", after="204 ms")),
              ev.SignalCame(t=72.0, signal="SIGINT", exit=130),
              ev.Stopped(t=72.0, kind=ev.StopKind.SIGNAL, text="SIGINT", exit=130)).sample(0.8, 2, Phase.BEFORE, 200)
    return _samples(_undo(story, 72.02), peak_s=0.3, until_s=72).ended(72.3)


def aborted() -> tuple[Run, list[Record]]:
    """A stop rule tripped."""
    story = Story((LATENCY,), probes=(P99,))
    for t, stage in ((0.0, Stage.CHECKING), (0.5, Stage.BEFORE), (10.0, Stage.METHOD), (20.05, Stage.UNDOING)):
        story.stage(t, stage)
    story.add(ev.Prepared(t=10.0, step="m0", acts=[act()]), ev.Applied(t=10.1, entry="m0.0", evidence=Evidence()))
    for second in range(1, 21):
        phase = Phase.BEFORE if second < 10 else Phase.DURING
        story.sample(second, 0, phase, 0.2).sample(second + 0.01, 1, phase, 0.09 if second > 13 else 0.001)
    story.add(ev.Stopped(t=20.02, kind=ev.StopKind.RULE, text="it tripped", rule=ERRORS.name, sample_t=19.99))
    return _undo(story, 20.06).ended(20.4)


def cut_off() -> tuple[Run, list[Record]]:
    """SIGKILL: the journal just stops, with a fault applied."""
    story = Story((LATENCY,)).stage(0.0, Stage.CHECKING).stage(0.4, Stage.BEFORE).stage(60.0, Stage.METHOD)
    story.add(ev.Prepared(t=60.0, step="m0", acts=[act()]), ev.Applied(t=60.2, entry="m0.0", evidence=Evidence()))
    return _samples(story, peak_s=0.3, until_s=70).told()


def nothing() -> tuple[Run, list[Record]]:
    """No probe, no fault, no time."""
    return Story((), probes=(), rules=()).stage(0.0, Stage.CHECKING).ended(0.0)


def reported_only() -> tuple[Run, list[Record]]:
    """A Chaos Toolkit action with the author's undo, which nothing can verify."""
    undo = ProviderUndo(call=Provider({"type": "python", "module": "shop.cache", "func": "fill"}))
    step = Step(key="m0", name="clear the cache", kind=StepKind.ACTION, place=HERE, undo=undo,
                call=Provider({"type": "python", "module": "shop.cache", "func": "clear"}))
    story = Story((step,), probes=(ONCE,), rules=()).stage(0.0, Stage.CHECKING).stage(0.1, Stage.BEFORE)
    story.sample(0.2, 0, Phase.BEFORE, 200).stage(0.3, Stage.METHOD)
    story.add(ev.StepBegan(t=0.4, step="m0", undo=undo), ev.StepEnded(t=0.5, step="m0", ok=True, grade=Grade.REPORTED))
    story.stage(0.6, Stage.READING).sample(0.7, 0, Phase.DURING, 503, note="HTTP status 503").stage(0.8, Stage.UNDOING)
    story.add(ev.UndoBegan(t=0.8, entry="m0.0"), ev.Undone(t=0.9, entry="m0.0"),
              ev.Verified(t=1.0, entry="m0.0", answer=None, blind=True))
    return story.stage(1.0, Stage.AFTER).sample(1.1, 0, Phase.AFTER, 200).ended(1.2)


def hostile(poison: str) -> tuple[Run, list[Record]]:
    """The target says something nasty wherever it can."""
    script = Step(key="m1", name=poison, kind=StepKind.ACTION, place=HERE,
                  call=Provider({"type": "process", "path": poison}))
    probe = Probe(name=poison, call=Native("http.status"), judge=Tolerance(poison), place=HERE)
    brought = Used(name=poison, file=poison, text=poison)
    story = Story((LATENCY, script), probes=(probe,), rules=(), title=poison, used=(brought,))
    story.stage(0.0, Stage.CHECKING).stage(0.1, Stage.BEFORE)
    story.sample(0.2, 0, Phase.BEFORE, poison, good=True, note=poison).stage(0.3, Stage.METHOD)
    story.add(ev.Checked(t=0.3, step="m0", targets=[Aim("host", poison)]),
              ev.Prepared(t=0.4, step="m0", acts=[act(poison)]),
              ev.Applied(t=0.5, entry="m0.0", evidence=Evidence(before=poison, after=poison)),
              ev.StepBegan(t=0.6, step="m1"),
              ev.StepEnded(t=0.7, step="m1", ok=False, grade=Grade.NONE, output={"stdout": poison, poison: [poison]},
                           error=[poison], note=poison),
              ev.UndoBegan(t=0.8, entry="m0.0"), ev.UndoFailed(t=0.9, entry="m0.0", text=poison, by_hand=poison),
              ev.Verified(t=1.0, entry="m0.0", answer=Answer.NOT_RESTORED, diff=poison, by_hand=poison))
    story.sample(0.75, 0, Phase.DURING, poison, good=False, note=poison)
    return story.ended(1.2)


def long(steps: int = 1000, probes: int = 10, seconds: int = 3600) -> tuple[Run, list[Record]]:
    """An hour with many steps and many samples."""
    method = [Step(key=f"m{n}", name=f"look {n}", kind=StepKind.PROBE, place=HERE,
                   call=Provider({"type": "python", "module": "shop.eyes", "func": "look"})) for n in range(1, steps)]
    many = tuple(Probe(name=f"latency of service {n}", call=Native("http.latency"), place=HERE, every_s=1.0,
                       judge=P99.judge, allow=0.01, unit=Unit.SECONDS) for n in range(probes))
    story = Story((LATENCY, *method), probes=many, rules=()).stage(0.0, Stage.CHECKING).stage(0.1, Stage.BEFORE)
    story.stage(60.0, Stage.METHOD).add(ev.Prepared(t=60.0, step="m0", acts=[act()]),
                                        ev.Applied(t=60.1, entry="m0.0", evidence=Evidence()))
    for number, step in enumerate(method):
        story.add(ev.StepBegan(t=61 + number, step=step.key),
                  ev.StepEnded(t=61.5 + number, step=step.key, ok=True, grade=Grade.REPORTED, output={"seen": number}))
    for second in range(1, seconds):
        for probe in range(probes):
            noise = (second * 7919 + probe * 104729) % 1000 / 10000
            story.sample(second + 0.001 * probe, probe, _phase(second, seconds - 60),
                         round(0.2 + noise + (0.4 if second % 900 == 450 else 0.0), 6))
    story.stage(seconds - 60.5, Stage.UNDOING)
    return _undo(story, seconds - 60.4).stage(seconds - 60.0, Stage.AFTER).ended(seconds + 0.0)


TOLD = {"passed": passed, "deviated": deviated, "not-restored": not_restored, "not-started": not_started,
        "interrupted": interrupted, "aborted": aborted, "cut-off": cut_off, "nothing": nothing,
        "reported-only": reported_only}
