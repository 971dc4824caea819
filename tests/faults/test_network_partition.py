"""host.network_partition, on real sockets in a network namespace of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade, Setting
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.faults.host.network_partition import (
    NetworkPartition,
    PartitionArguments,
    PeerTarget,
    ruleset,
)
from chaos_runner.targets.network import Machine, Said
from tests.cli.runner import wait_for, write
from tests.faults.rooms import Room, mark, may_change_network, room, why_not
from tests.run.samples import experiment, single

FAULT = "host.network_partition"
WHY_NOT = why_not()
real = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
FRIEND, FOE = "10.99.0.1", "10.99.0.2"


@pytest.fixture(scope="module")
def there() -> Iterator[Room]:
    """A room with two addresses, of which one will be cut off."""
    with room() as made:
        for address in (FRIEND, FOE):
            made.ask("ip", words=["address", "add", f"{address}/32", "dev", "lo"])
        yield made


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test leaves a timer behind."""
    yield
    assert timers() == []


def timers(word: str = f"chaos-runner-01TEST{os.getpid()}X") -> list[int]:
    """The timers of these tests that still wait."""
    return [process.pid for process in psutil.process_iter(["cmdline"])
            if any(part.startswith(word) for part in process.info["cmdline"] or ())]


def tables(there: Room) -> str:
    return there.run("nft", "list", "tables")


# ── what it does ────────────────────────────────────────────────────────────────────────────────────────────────────

@real
def test_who_is_cut_off_is_silent_and_nobody_else_until_undone(there: Room) -> None:
    friend, foe = there.ask("listen", address=FRIEND), there.ask("listen", address=FOE)
    act = there.prepare(FAULT, {"to": [FOE]})
    assert there.ask("connect", address=FOE, port=foe) == "hello"
    evidence = there.apply(FAULT, act)
    assert (evidence.grade, evidence.after) == (Grade.PROVEN, "read back: 2 rules, 10.99.0.2 is dropped")
    assert there.ask("connect", address=FOE, port=foe) == "silence"
    assert there.ask("connect", address=FRIEND, port=friend) == "hello"
    assert there.verify(FAULT, act).answer is Answer.NOT_RESTORED
    assert len(timers(act.do["mark"])) >= 1
    there.undo(FAULT, act)
    assert there.ask("connect", address=FOE, port=foe) == "hello"
    assert there.verify(FAULT, act).answer is Answer.RESTORED
    assert tables(there) == ""


@real
def test_who_is_rejected_is_refused_at_once(there: Room) -> None:
    foe = there.ask("listen", address=FOE)
    act = there.prepare(FAULT, {"to": [FOE]}, how="reject")
    there.apply(FAULT, act)
    assert there.ask("connect", address=FOE, port=foe) == "refused"
    there.undo(FAULT, act)
    assert there.ask("connect", address=FOE, port=foe) == "hello"


@real
def test_one_port_is_cut_off_and_its_neighbour_is_not(there: Room) -> None:
    cut, other = there.ask("listen", address=FOE), there.ask("listen", address=FOE)
    act = there.prepare(FAULT, {"to": ["10.99.0.0/30"], "ports": [cut]})
    there.apply(FAULT, act)
    assert there.ask("connect", address=FOE, port=cut) == "silence"
    assert there.ask("connect", address=FOE, port=other) == "hello"
    there.undo(FAULT, act)


@real
@pytest.mark.parametrize("direction", ["egress", "ingress"])
def test_one_direction_is_enough_for_silence(there: Room, direction: str) -> None:
    foe = there.ask("listen", address=FOE)
    act = there.prepare(FAULT, {"to": [FOE], "direction": direction})
    there.apply(FAULT, act)
    assert there.ask("connect", address=FOE, port=foe) == "silence"
    there.undo(FAULT, act)
    assert there.ask("connect", address=FOE, port=foe) == "hello"


@real
def test_everything_leaves_the_loopback_alone(there: Room) -> None:
    local = there.ask("listen", address="127.0.0.1")
    act = there.prepare(FAULT, {}, everything=True)
    there.apply(FAULT, act)
    assert there.ask("connect", address="127.0.0.1", port=local) == "hello"
    assert 'oifname != "lo"' in there.run("nft", "list", "ruleset")
    there.undo(FAULT, act)


# ── the laws ────────────────────────────────────────────────────────────────────────────────────────────────────────

@real
def test_prepare_changes_nothing(there: Room) -> None:
    act = there.prepare(FAULT, {"to": [FOE, "fd99::/64"], "ports": [80, 443]}, how="reject")
    assert (tables(there), timers(act.do["mark"])) == ("", [])


@real
@pytest.mark.parametrize("times", [1, 2, 3])
def test_undo_may_run_any_number_of_times(there: Room, times: int) -> None:
    act = there.prepare(FAULT, {"to": [FOE]})
    there.apply(FAULT, act)
    for _ in range(times):
        there.undo(FAULT, act)
    assert there.verify(FAULT, act).answer is Answer.RESTORED


@real
def test_an_undo_without_an_apply_changes_nothing(there: Room) -> None:
    act = there.prepare(FAULT, {"to": [FOE]})
    there.undo(FAULT, act)
    assert there.verify(FAULT, act).answer is Answer.RESTORED


@real
def test_the_tables_of_others_stay(there: Room) -> None:
    there.run("nft", "add table inet somebody")
    act = there.prepare(FAULT, {"to": [FOE]})
    there.apply(FAULT, act)
    there.undo(FAULT, act)
    assert tables(there) == "table inet somebody\n"
    there.run("nft", "delete table inet somebody")


@real
def test_rules_that_somebody_put_into_our_table_are_left_to_them(there: Room) -> None:
    foe = there.ask("listen", address=FOE)
    act = there.prepare(FAULT, {"to": [FOE]})
    there.apply(FAULT, act)
    there.run("nft", f"add rule inet {act.do['table']} output tcp dport 9 counter")
    there.undo(FAULT, act)
    assert there.ask("connect", address=FOE, port=foe) == "hello"
    assert there.verify(FAULT, act).answer is Answer.DRIFT
    assert "tcp dport 9" in there.run("nft", "list", "ruleset")
    there.run("nft", f"delete table inet {act.do['table']}")


@real
def test_a_table_that_somebody_deleted_is_as_good_as_undone(there: Room) -> None:
    act = there.prepare(FAULT, {"to": [FOE]})
    there.apply(FAULT, act)
    there.run("nft", f"delete table inet {act.do['table']}")
    assert "the timer still waits" in there.verify(FAULT, act).diff
    there.undo(FAULT, act)
    assert there.verify(FAULT, act).answer is Answer.RESTORED


@real
@pytest.mark.parametrize("before", [1, 2, 3, 4])
@pytest.mark.parametrize("verb", ["apply", "undo"])
def test_killed_at_any_command_it_is_undone_by_another_process(there: Room, verb: str, before: int) -> None:
    act = there.prepare(FAULT, {"to": [FOE]})
    if verb == "undo":
        there.apply(FAULT, act)
    there.killed_in(verb, FAULT, act, before)
    there.undo(FAULT, act)
    assert there.verify(FAULT, act).answer is Answer.RESTORED
    assert tables(there) == ""


@pytest.mark.slow
@real
def test_the_cut_ends_by_itself_when_everybody_is_gone(there: Room) -> None:
    act = there.prepare(FAULT, {"to": [FOE]}, mark(within_s=2.5))
    assert there.killed_in("apply", FAULT, act, 3)
    assert act.do["table"] in tables(there)
    until(lambda: not tables(there) and not timers(act.do["mark"]))
    assert there.verify(FAULT, act).answer is Answer.RESTORED


@real
def test_a_person_can_finish_the_undo_with_one_command(there: Room) -> None:
    act = there.prepare(FAULT, {"to": [FOE]})
    there.apply(FAULT, act)
    there.run("sh", "-c", shelf.fault(FAULT).by_hand(act))
    assert tables(there) == ""
    there.undo(FAULT, act)


@real
def test_in_another_network_namespace_nothing_is_said_to_be_restored(there: Room) -> None:
    act = there.prepare(FAULT, {"to": [FOE]})
    elsewhere = structs.replace(act, target={"namespace": 1})
    for verb in (there.apply, there.undo, there.verify):
        with pytest.raises(ActFailed, match="the fault is in 1: `nsenter"):
            verb(FAULT, elsewhere)


# ── as a user meets it ──────────────────────────────────────────────────────────────────────────────────────────────

def cut(**keys: Any) -> dict[str, Any]:
    return {"name": "cut it off", "fault": FAULT, "target": {"to": [FOE]}, "duration": "300ms", **keys}


def command(there: Room, folder: Path, step: dict[str, Any]) -> Sequence[str]:
    file = write(experiment(step, probes=[single()]), folder)
    return [*there.enter, sys.executable, "-m", "chaos_runner", "run", str(file), "--json", "--reports",
            str(folder / "reports")]


@real
@pytest.mark.slow
def test_a_run_cuts_off_and_restores(there: Room, tmp_path: Path) -> None:
    ran = subprocess.run(command(there, tmp_path, cut()), capture_output=True, text=True, check=False)
    assert '"grade":"proven"' in ran.stdout.replace(" ", "")
    assert '"restored":"restored"' in ran.stdout.replace(" ", "")
    assert tables(there) == ""


@real
@pytest.mark.slow
def test_the_watchdog_restores_when_the_runner_is_killed(there: Room, tmp_path: Path) -> None:
    with subprocess.Popen(command(there, tmp_path, cut(duration="30s")), stdout=subprocess.PIPE) as runner:
        wait_for(tmp_path, "Applied")
        assert "chaos_runner_" in tables(there)
        os.kill(wait_for(tmp_path, "RunStarted")["plan"]["origin"]["pid"], signal.SIGKILL)
        until(lambda: not tables(there))
        runner.communicate()
    wait_for(tmp_path, "RunEnded")


def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    end_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end_s, "it took too long"
        time.sleep(0.05)


# ── what it refuses, and the rules it makes: nothing here is put in place ───────────────────────────────────────────

class FakeTools:
    """Answers as a machine does on which somebody sits over SSH, from 192.0.2.7, and the way out is 192.0.2.1."""

    def __init__(self, **answers: Said) -> None:
        self.answers = {"ss": Said(0, "0 0 192.0.2.5:22 192.0.2.7:50112\n"),
                        "ip": Said(0, '[{"gateway":"192.0.2.1"}]'), "nft": Said(0, '{"nftables": []}'), **answers}

    def __call__(self, words: Sequence[str], _given: str) -> Said:
        return self.answers[words[0]]


def prepared(target: dict[str, Any], arguments: dict[str, Any] | None = None, **answers: Said) -> Act:
    fault = NetworkPartition(Machine(FakeTools(**answers)))
    setting = Setting(mark=mark(), seed=0, configuration={})
    [act] = fault.prepare(PeerTarget(**target), PartitionArguments(**arguments or {}), setting)
    return act


as_root = pytest.mark.skipif(not may_change_network(), reason="only root may change the network")


@as_root
@pytest.mark.parametrize(("target", "words"), [
    ({}, "this would cut off everything: say what with `to` or `ports`, or `everything: true`"),
    ({"to": ["0.0.0.0/0"]}, "this would cut off 127.0.0.1, and it is this machine's loopback"),
    ({"to": ["0.0.0.0/1", "128.0.0.0/1"]}, "this would cut off 127.0.0.1"),
    ({"to": ["::/0"]}, "this would cut off ::1"),
    ({"to": ["127.0.0.1"]}, "this would cut off 127.0.0.1"),
    ({"to": ["192.0.2.7"]}, "this would cut off 192.0.2.7, and an SSH session comes from there"),
    ({"to": ["192.0.2.0/24"], "ports": [22]}, "an SSH session comes from there"),
    ({"ports": [22]}, "an SSH session comes from there"),
    ({"to": ["192.0.2.1"]}, "this would cut off 192.0.2.1, and it is the default gateway"),
    ({"to": ["orders-db"]}, "`to` wants addresses and networks such as 10.0.0.7 or 10.1.0.0/16, not 'orders-db'"),
    ({"to": ["10.0.0.1"], "ports": [0]}, "a port is a number from 1 to 65535, not 0"),
])
def test_what_would_cut_off_too_much_or_nothing_is_refused(target: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refusal:
        prepared(target)
    assert words in str(refusal.value)


@as_root
@pytest.mark.parametrize("target", [
    {}, {"to": ["0.0.0.0/0"]}, {"to": ["192.0.2.7"]}, {"to": ["127.0.0.1"]},
])
def test_what_is_meant_is_done(target: dict[str, Any]) -> None:
    assert prepared(target, {"everything": True}).do["how"] == "drop"


@as_root
@pytest.mark.parametrize("target", [
    {"to": ["127.0.0.1"], "ports": [5432]}, {"to": ["192.0.2.7"], "ports": [5432]}, {"ports": [5432]},
])
def test_a_port_of_ones_own_may_be_cut_off_wherever_it_is(target: dict[str, Any]) -> None:
    assert prepared(target).do["where"]["ports"] == [5432]


@as_root
def test_a_machine_without_nftables_is_refused_in_prepare() -> None:
    with pytest.raises(Refused, match="nft says 'Operation not supported'"):
        prepared({"to": [FOE]}, nft=Said(1, "", "Operation not supported"))


@as_root
def test_a_mark_that_has_expired_is_refused(setting: Setting) -> None:
    fault = NetworkPartition(Machine(FakeTools()))
    with pytest.raises(Refused, match="the mark expired at 2026"):
        fault.prepare(PeerTarget(to=[FOE]), PartitionArguments(),
                      structs.replace(setting, mark=structs.replace(setting.mark, expires="20260101T000000Z")))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_not_change_the_network_is_refused() -> None:
    code = """if True:
        import os
        from chaos_runner.errors import Refused
        from chaos_runner.targets.network import check_right
        os.setuid(65534)
        try:
            check_right()
        except Refused as error:
            print(error)
    """
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "no right to change the network: run as root, in a container with the capability NET_ADMIN\n"


@as_root
def test_the_rules_of_a_cut_port() -> None:
    act = prepared({"to": ["10.0.0.7", "fd00::/8"], "ports": [80, 443], "direction": "egress"})
    text = ruleset(act).replace(act.do["mark"], "MARK").replace(act.do["table"], "TABLE")
    assert text == """\
create table inet TABLE
table inet TABLE {
  chain output {
    type filter hook output priority -300; policy accept;
    ip daddr { 10.0.0.7/32 } meta l4proto { tcp, udp } th dport { 80, 443 } counter drop comment "MARK"
    ip daddr { 10.0.0.7/32 } meta l4proto { tcp, udp } th sport { 80, 443 } counter drop comment "MARK"
    ip6 daddr { fd00::/8 } meta l4proto { tcp, udp } th dport { 80, 443 } counter drop comment "MARK"
    ip6 daddr { fd00::/8 } meta l4proto { tcp, udp } th sport { 80, 443 } counter drop comment "MARK"
  }
}
"""
