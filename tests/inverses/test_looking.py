"""The loop, around actions whose way back has to know how it was: looked at first, recorded, then called."""

from typing import Any

import pytest
from msgspec import structs

from chaos_runner.contracts import Act, Answer, Grade
from chaos_runner.experiment.model import KnownUndo, Provider, Step
from chaos_runner.experiment.values import Values
from chaos_runner.inverses import Call, known_of, looking
from chaos_runner.plan.model import Plan
from chaos_runner.run import commands as co
from chaos_runner.run import events as ev
from chaos_runner.run.commands import Command, Timer, Woke
from chaos_runner.run.decide import Decision, begin, decide
from chaos_runner.run.events import Stage
from chaos_runner.run.outcome import outcome
from chaos_runner.run.run import Run, fold
from tests.inverses.servers import plan_of
from tests.run.samples import action, experiment

KNOWN = KnownUndo(action="shop.cache.empty", says="it is filled again")
HEALED = KnownUndo(action="shop.cache.restart", healed_by="its supervisor")
ACT = Act(target={"cache": "a"}, do={"empty": True}, was={"empty": False}, label="cache a")


def planned(*known: KnownUndo | None) -> Plan:
    """A plan with an action for each of these."""
    plan = plan_of(experiment(*(action(f"act {number}") for number, _ in enumerate(known)), probes=[]))
    method = tuple(structs.replace(step, known=one) for step, one in zip(plan.experiment.method, known, strict=True))
    return structs.replace(plan, experiment=structs.replace(plan.experiment, method=method))


class Play:
    """A run that is given its facts one by one."""

    def __init__(self, plan: Plan) -> None:
        self.events: list[ev.Event] = []
        self.commands: list[Command] = []
        self._take(begin(ev.RunStarted(t=0.0, plan=plan)))

    def tell(self, item: ev.Fact | Woke) -> "Play":
        self._take(decide(self.run, item))
        return self

    def _take(self, decision: Decision) -> None:
        self.run: Run = decision.run
        self.events += decision.events
        self.commands = decision.commands

    @property
    def asked(self) -> list[str]:
        return [command.key for command in self.commands if not isinstance(command, co.Wake)]

    def ended(self, step: str = "m0") -> "Play":
        return self.tell(ev.StepEnded(t=1.0, step=step, ok=True, grade=Grade.REPORTED))

    def undone(self, entry: str = "m0.0") -> "Play":
        self.tell(ev.Undone(t=2.0, entry=entry))
        return self.tell(ev.Verified(t=2.0, entry=entry, answer=Answer.RESTORED))


def looked(*acts: Act, refused: str = "") -> ev.Looked:
    return ev.Looked(t=0.5, step="m0", acts=list(acts), refused=refused)


def test_it_is_looked_at_before_it_is_called() -> None:
    play = Play(planned(KNOWN))
    assert play.asked == ["look:m0"]
    assert not play.run.entries
    play.tell(looked(ACT))
    assert play.asked == ["step:m0"]
    assert play.run.entries["m0.0"].act == ACT


def test_what_was_seen_is_undone_and_verified() -> None:
    play = Play(planned(KNOWN)).tell(looked(ACT)).ended()
    assert play.asked == ["undo:m0.0"]
    [fault] = outcome(play.undone().run).faults
    assert (fault.targets, fault.restored, fault.untracked) == (["cache a"], "restored", False)


def test_what_has_seen_nothing_to_bring_back_is_called_and_not_untracked() -> None:
    play = Play(planned(KNOWN)).tell(looked())
    assert play.asked == ["step:m0"]
    [fault] = outcome(play.ended().run).faults
    assert (fault.restored, fault.untracked) == (None, False)


def test_without_a_way_back_it_is_not_called() -> None:
    play = Play(planned(KNOWN, None)).tell(looked(refused="no right to fill caches"))
    assert play.asked == ["step:m1"]
    assert play.run.step("m0").ok is False
    found = outcome(play.ended("m1").run)
    assert (found.verdict, found.exit) == ("error", 5)
    assert "there would be no way back: no right to fill caches" in found.sentence


def test_a_look_that_does_not_come_back_is_no_reason_to_call() -> None:
    play = Play(planned(KNOWN))
    [wake] = [command for command in play.commands if isinstance(command, co.Wake) and command.timer is Timer.LATE]
    play.tell(Woke(60.0, wake))
    assert play.run.step("m0").ok is False
    assert play.tell(looked(ACT)).asked == []
    assert not play.run.entries


def test_what_was_seen_after_a_stop_is_not_acted_on() -> None:
    play = Play(planned(KNOWN)).tell(ev.StopRequested(t=0.2, by="ada"))
    assert play.tell(looked(ACT)).asked == []
    assert not play.run.entries


def test_what_cannot_be_undone_is_not_looked_at_and_says_who_heals_it() -> None:
    play = Play(planned(HEALED))
    assert play.asked == ["step:m0"]
    [fault] = outcome(play.ended().run).faults
    assert (fault.irreversible, fault.untracked) == ("its supervisor", False)


def test_the_next_look_knows_what_was_done_before() -> None:
    play = Play(planned(KNOWN, KNOWN)).tell(looked(ACT)).ended()
    [look] = [command for command in play.commands if isinstance(command, co.Look)]
    assert look.earlier == (ACT,)


def test_a_crash_between_the_look_and_the_call_leaves_nothing_to_undo() -> None:
    play = Play(planned(KNOWN))
    run = fold([*play.events, looked(ACT), ev.RunnerDied(t=1.0, by="recover")])
    assert not run.entries


def test_a_crash_during_the_call_is_undone_from_what_was_seen() -> None:
    play = Play(planned(KNOWN)).tell(looked(ACT))
    decision = decide(fold(play.events), ev.RunnerDied(t=1.0, by="recover"))
    assert decision.run.stage is Stage.UNDOING
    assert [command.key for command in decision.commands if isinstance(command, co.Undo)] == ["undo:m0.0"]


def test_a_call_is_given_the_values_and_the_secrets_that_its_author_named() -> None:
    provider = Provider({"type": "python", "module": "m", "func": "f", "arguments": {"name": "${who}"},
                         "secrets": ["cluster"]})
    call = Call.of(provider, Values({"who": "ada"}, {"cluster": {"KUBERNETES_CONTEXT": "prod"}, "other": {"a": "b"}}))
    assert (call.arguments, call.access) == ({"name": "ada"}, {"KUBERNETES_CONTEXT": "prod"})


def test_a_package_whose_name_is_that_of_our_own_machinery_has_no_table() -> None:
    step: Step = plan_of(experiment(action(), probes=[])).experiment.method[0]
    call: dict[str, Any] = {"type": "python", "module": "_looking", "func": "Asked"}
    assert known_of(structs.replace(step, call=Provider(call))) is None


def test_an_action_that_another_version_knew_is_told_and_not_guessed() -> None:
    with pytest.raises(LookupError, match=r"knows no way back of shop\.cache\.empty"):
        looking(KNOWN)
