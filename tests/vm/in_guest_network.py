"""host.network_latency, host.network_loss and host.network_partition between two machines with a cable, measured.

Runs in the guest, where everything takes twelve times as long: medians and wide bounds, one pair of rooms for all.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

import psutil
import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade
from chaos_runner.errors import Refused
from tests.faults.rooms import Room, mark, rooms_with_a_cable

LATENCY, LOSS, PARTITION = "host.network_latency", "host.network_loss", "host.network_partition"
NEAR, FAR, FAR_6 = "10.99.0.1", "10.99.0.2", "fd99::2"
LATE_S = 0.2
NETEM = [pytest.param(LATENCY, {"latency": "200ms"}, id="latency"), pytest.param(LOSS, {"loss": "30%"}, id="loss")]


@pytest.fixture(scope="module")
def rooms() -> Iterator[Sequence[Room]]:
    with rooms_with_a_cable() as both:
        yield both


@pytest.fixture
def near(rooms: Sequence[Room]) -> Iterator[Room]:
    """Where faults are made. No test leaves one there."""
    yield rooms[0]
    assert "qdisc noqueue 0:" in rooms[0].run("tc", "qdisc", "show", "dev", "eth0")
    assert rooms[0].run("nft", "list", "tables") == ""
    assert timers() == []


@pytest.fixture
def far(rooms: Sequence[Room]) -> Room:
    return rooms[1]


def timers() -> list[int]:
    return [process.pid for process in psutil.process_iter(["cmdline"])
            if any(part.startswith("chaos-runner-01TEST") for part in process.info["cmdline"] or ())]


def rtt_s(near: Room, address: str, port: int) -> float:
    took_s: list[float] = near.ask("round_trips_s", address=address, port=port, times=7)
    return median(took_s)


def until(holds: Callable[[], bool], within_s: float = 20.0) -> None:
    end_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end_s, "it took too long"
        time.sleep(0.2)


# ── what packets do ─────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_round_trip_takes_that_much_longer_until_undone(near: Room, far: Room) -> None:
    port = far.ask("echo", address=FAR)
    before_s = rtt_s(near, FAR, port)
    act = near.prepare(LATENCY, {"interface": "eth0"}, latency="200ms")
    evidence = near.apply(LATENCY, act)
    assert (evidence.grade, evidence.before) == (Grade.PROVEN, "qdisc noqueue 0:")
    assert evidence.after == "read back: 200 ms late on eth0 (everything)"
    assert LATE_S * 0.95 < rtt_s(near, FAR, port) - before_s < LATE_S * 2
    assert near.verify(LATENCY, act).answer is Answer.NOT_RESTORED
    near.undo(LATENCY, act)
    assert rtt_s(near, FAR, port) < LATE_S / 2
    assert near.verify(LATENCY, act).answer is Answer.RESTORED


def test_only_the_packets_that_are_meant_are_late(near: Room, far: Room) -> None:
    slow, quick, slow_6 = (far.ask("echo", address=address) for address in (FAR, FAR, FAR_6))
    act = near.prepare(LATENCY, {"interface": "eth0", "to": [FAR, "fd99::/64"], "ports": [slow, slow_6]},
                       latency="200ms", jitter="20ms")
    near.apply(LATENCY, act)
    assert rtt_s(near, FAR, slow) > LATE_S * 0.85
    assert rtt_s(near, FAR_6, slow_6) > LATE_S * 0.85
    assert rtt_s(near, FAR, quick) < LATE_S / 2
    near.undo(LATENCY, act)
    assert rtt_s(near, FAR, slow) < LATE_S / 2


def test_a_third_of_the_packets_is_lost_until_undone(near: Room, far: Room) -> None:
    port = far.ask("echo", address=FAR)
    act = near.prepare(LOSS, {"interface": "eth0"}, loss="30%")
    near.apply(LOSS, act)
    assert 0.55 < near.ask("come_back", address=FAR, port=port, times=400) / 400 < 0.85
    near.undo(LOSS, act)
    assert near.ask("come_back", address=FAR, port=port, times=200) > 195


def test_who_is_cut_off_is_silent_and_nobody_else(near: Room, far: Room) -> None:
    port, port_6 = far.ask("listen", address=FAR), far.ask("listen", address=FAR_6)
    act = near.prepare(PARTITION, {"to": [FAR]})
    near.apply(PARTITION, act)
    assert near.ask("connect", address=FAR, port=port, timeout_s=1.0) == "silence"
    assert near.ask("connect", address=FAR_6, port=port_6, timeout_s=5.0) == "hello"
    near.undo(PARTITION, act)
    assert near.ask("connect", address=FAR, port=port, timeout_s=5.0) == "hello"
    assert near.verify(PARTITION, act).answer is Answer.RESTORED


@pytest.mark.parametrize("family", [4, 6])
def test_who_is_rejected_is_refused_at_once_from_either_side(near: Room, far: Room, family: int) -> None:
    here, there = (NEAR, FAR) if family == 4 else ("fd99::1", FAR_6)
    ours, theirs = near.ask("listen", address=here), far.ask("listen", address=there)
    act = near.prepare(PARTITION, {"to": [there]}, how="reject")
    near.apply(PARTITION, act)
    assert near.ask("connect", address=there, port=theirs, timeout_s=5.0) == "refused"
    assert far.ask("connect", address=here, port=ours, timeout_s=5.0) == "refused"
    near.undo(PARTITION, act)
    assert far.ask("connect", address=here, port=ours, timeout_s=5.0) == "hello"


# ── the laws ────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize(("name", "arguments"), NETEM)
def test_undo_may_run_before_apply_and_any_number_of_times_after(
        near: Room, name: str, arguments: dict[str, Any]) -> None:
    act = near.prepare(name, {"interface": "eth0"}, **arguments)
    near.undo(name, act)
    assert near.verify(name, act).answer is Answer.RESTORED
    near.apply(name, act)
    near.undo(name, act)
    near.undo(name, act)
    assert near.verify(name, act).answer is Answer.RESTORED


@pytest.mark.parametrize(("name", "arguments", "where"), [
    pytest.param(LATENCY, {"latency": "200ms"}, {"to": [FAR], "ports": [7]}, id="latency of some packets"),
    pytest.param(LOSS, {"loss": "30%"}, {}, id="loss of all packets"),
])
def test_killed_at_any_command_it_is_undone_by_another_process(
        near: Room, name: str, arguments: dict[str, Any], where: dict[str, Any]) -> None:
    for verb in ("apply", "undo"):
        before = 1
        while killed(near, verb, near.prepare(name, {"interface": "eth0", **where}, **arguments), before):
            before += 1
        assert before > 2


def killed(near: Room, verb: str, act: Act, before: int) -> bool:
    name = LATENCY if "delay_s" in act.do["netem"] else LOSS
    if verb == "undo":
        near.apply(name, act)
    died = near.killed_in(verb, name, act, before)
    near.undo(name, act)
    assert near.verify(name, act).answer is Answer.RESTORED
    return died


def test_a_delay_ends_by_itself_when_everybody_is_gone(near: Room) -> None:
    act = near.prepare(LATENCY, {"interface": "eth0"}, mark(within_s=6), latency="200ms")
    assert near.killed_in("apply", LATENCY, act, 3)
    assert "netem" in near.run("tc", "qdisc", "show", "dev", "eth0")
    until(lambda: timers() == [])
    assert near.verify(LATENCY, act).answer is Answer.RESTORED


def test_a_second_fault_on_the_same_interface_is_refused(near: Room) -> None:
    act = near.prepare(LATENCY, {"interface": "eth0"}, latency="200ms")
    late = near.prepare(LOSS, {"interface": "eth0"}, loss="30%")
    near.apply(LATENCY, act)
    with pytest.raises(Refused, match="eth0 has a network fault of chaos-runner already"):
        near.prepare(LOSS, {"interface": "eth0"}, loss="30%")
    with pytest.raises(Refused, match="eth0 has a network fault of chaos-runner already"):
        near.apply(LOSS, late)
    near.undo(LOSS, late)
    assert near.verify(LATENCY, act).answer is Answer.NOT_RESTORED
    near.undo(LATENCY, act)


def test_what_somebody_changed_is_left_to_them(near: Room) -> None:
    act = near.prepare(LATENCY, {"interface": "eth0"}, latency="200ms")
    near.apply(LATENCY, act)
    near.run("tc", "qdisc", "change", "dev", "eth0", "root", "handle", act.do["handle"], "netem", "delay", "1ms")
    near.undo(LATENCY, act)
    assert near.verify(LATENCY, act).answer is Answer.DRIFT
    near.run("tc", "qdisc", "replace", "dev", "eth0", "root", "handle", "1:", "pfifo")
    near.undo(LATENCY, act)
    assert near.verify(LATENCY, act).diff == "somebody made the qdisc pfifo 1: on eth0: left as it is"
    near.run("tc", "qdisc", "del", "dev", "eth0", "root")


def test_a_person_can_finish_the_undo_with_one_command(near: Room) -> None:
    act = near.prepare(LOSS, {"interface": "eth0", "to": [FAR]}, loss="30%")
    near.apply(LOSS, act)
    near.run("sh", "-c", shelf.fault(LOSS).by_hand(act))
    near.undo(LOSS, act)
    assert near.verify(LOSS, act).answer is Answer.RESTORED


def test_an_interface_that_went_away_is_gone(near: Room) -> None:
    near.ask("ip", words=["link", "add", "brief0", "type", "dummy"])
    act = near.prepare(LATENCY, {"interface": "brief0"}, latency="200ms")
    near.apply(LATENCY, act)
    near.ask("ip", words=["link", "del", "brief0"])
    near.undo(LATENCY, act)
    assert near.verify(LATENCY, act).answer is Answer.GONE
