"""host.network_latency and host.network_loss, as far as a kernel without netem goes: what they refuse, and the commands
they would run. What packets do is measured in tests/vm, in a guest with netem.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from chaos_runner.contracts import Act, Setting
from chaos_runner.errors import NoTarget, Refused
from chaos_runner.faults.host._netem import Found, InterfaceTarget, Netem, commands, found, handle_of
from chaos_runner.faults.host._network import Where, chosen
from chaos_runner.faults.host.network_latency import LatencyArguments, NetworkLatency
from chaos_runner.faults.host.network_loss import LossArguments, NetworkLoss
from chaos_runner.targets.network import Machine, Qdisc, Said
from tests.faults.rooms import mark, may_change_network, room, why_not

WHY_NOT = why_not()
NO_NETEM = Said(2, "", "Error: Specified qdisc kind is unknown.\nCommand failed -:1\n")
NO_U32 = Said(2, "", "Error: TC classifier not found.\nCommand failed -:5\n")
NO_NAMESPACE = Said(1, "", "unshare: unshare failed: Operation not permitted\n")
as_root = pytest.mark.skipif(not may_change_network(), reason="only root may change the network")


class FakeTools:
    """Answers as a machine with netem, with these qdiscs on every interface, and nobody on it over SSH."""

    def __init__(self, qdiscs: str = "[]", trial: Said = Said(0)) -> None:  # noqa: B008 (frozen)
        self.qdiscs = qdiscs
        self.trial = trial
        self.ran: list[str] = []

    def __call__(self, words: Sequence[str], _given: str) -> Said:
        self.ran.append(" ".join(words))
        answers = {"unshare": self.trial, "tc": Said(0, self.qdiscs), "ss": Said(0), "ip": Said(0, "[]")}
        return answers[words[0]]


def setting() -> Setting:
    return Setting(mark=mark(), seed=0, configuration={})


def slow(tools: FakeTools, latency: float = 0.1, jitter: float = 0.0, **target: Any) -> Act:
    """The act of a delay. `lo` is only looked at."""
    [act] = NetworkLatency(Machine(tools)).prepare(
        InterfaceTarget(**{"interface": "lo", **target}), LatencyArguments(latency=latency, jitter=jitter), setting())
    return act


def lossy(loss: float, *, everything: bool = False, **target: Any) -> Act:
    [act] = NetworkLoss(Machine(FakeTools())).prepare(
        InterfaceTarget(interface="lo", **target), LossArguments(loss=loss, everything=everything), setting())
    return act


# ── what they refuse ────────────────────────────────────────────────────────────────────────────────────────────────

@as_root
def test_a_kernel_without_netem_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refused, match=r"this kernel \(.+\) has no netem.*`modprobe sch_netem`.*host.network_partition"):
        slow(FakeTools(trial=NO_NETEM))


@as_root
def test_a_kernel_that_cannot_tell_packets_apart_is_refused() -> None:
    with pytest.raises(Refused, match="does not take what tc needs: 'Error: TC classifier not found"):
        slow(FakeTools(trial=NO_U32), to=["10.0.0.7"])


@as_root
def test_where_there_can_be_no_trial_apply_has_to_tell() -> None:
    assert slow(FakeTools(trial=NO_NAMESPACE)).do["netem"]["delay_s"] == 0.1


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
def test_the_trial_tells_the_truth_and_leaves_nothing() -> None:
    with room() as there:
        try:
            there.prepare("host.network_latency", {"interface": "lo"}, latency="10ms")
        except Refused as refusal:
            assert "has no netem" in str(refusal)  # noqa: PT017 (either is right: it depends on the kernel)
        assert "netem" not in there.run("tc", "qdisc", "show")


@as_root
@pytest.mark.parametrize(("qdisc", "words"), [
    ('{"kind": "htb", "handle": "1:", "root": true}', "lo has the qdisc htb 1:, which somebody configured"),
    ('{"kind": "netem", "handle": "8001:", "root": true}', "lo has the qdisc netem 8001:, which somebody"),
    ('{"kind": "netem", "handle": "c123:", "root": true}',
     r"lo has a network fault of chaos-runner already \(qdisc netem c123:\), and can have one at a time"),
    ('{"kind": "prio", "handle": "cfff:", "root": true}', "network fault of chaos-runner already"),
])
def test_an_interface_that_somebody_configured_is_refused(qdisc: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        slow(FakeTools(f"[{qdisc}]"))


@as_root
@pytest.mark.parametrize("qdisc", [
    "", '{"kind": "mq", "handle": "0:", "root": true}, {"kind": "fq_codel", "handle": "0:", "parent": ":1"}',
])
def test_the_kernels_own_qdisc_is_taken(qdisc: str) -> None:
    tools = FakeTools(f"[{qdisc}]")
    assert slow(tools).was["qdisc"] in ("noqueue 0:", "mq 0:")
    assert not [line for line in tools.ran if "add" in line and "unshare" not in line]


@as_root
def test_an_interface_that_is_not_there_is_no_target() -> None:
    with pytest.raises(NoTarget, match="there is no interface 'loo'; did you mean 'lo'"):
        slow(FakeTools(), interface="loo")


@as_root
@pytest.mark.parametrize(("latency", "jitter", "words"), [
    (0.0, 0.0, "a latency is between 0.1 ms and 60 s"), (61.0, 0.0, "a latency is between"),
    (0.1, 0.2, "`jitter` is at most `latency`"),
])
def test_a_delay_that_is_none_is_refused(latency: float, jitter: float, words: str) -> None:
    with pytest.raises(Refused, match=words):
        slow(FakeTools(), latency, jitter)


@as_root
def test_a_loss_of_nothing_is_refused_and_of_everything_unless_it_is_meant() -> None:
    with pytest.raises(Refused, match="a loss of 0% would lose nothing"):
        lossy(0.0)
    with pytest.raises(Refused, match="this would cut off everything"):
        lossy(1.0)
    with pytest.raises(Refused, match=r"this would cut off 127\.0\.0\.1"):
        lossy(1.0, to=["127.0.0.0/8"])
    assert lossy(1.0, everything=True).do["netem"]["loss"] == 1.0
    assert lossy(1.0, to=["10.0.0.7"]).do["where"] == {"to": ["10.0.0.7"], "ports": []}


# ── the commands ────────────────────────────────────────────────────────────────────────────────────────────────────

def spoken(where: Where, netem: Netem) -> list[str]:
    return [" ".join(words) for words in commands("eth0", "c123:", netem, where)]


def test_all_packets_of_an_interface_take_one_command() -> None:
    assert spoken(chosen([], []), Netem(delay_s=0.1, jitter_s=0.02)) == [
        "qdisc add dev eth0 root handle c123: netem limit 100000 delay 100000us 20000us"]


def test_some_packets_go_through_a_band_of_their_own() -> None:
    assert spoken(chosen(["10.0.0.7", "fd00::/8"], [443]), Netem(loss=0.3)) == [
        "qdisc add dev eth0 root handle c123: prio bands 4 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1",
        "qdisc add dev eth0 parent c123:4 netem limit 100000 loss 30.000000%",
        *(f"filter add dev eth0 parent c123: {words} flowid c123:4" for words in (
            "protocol ip prio 1 u32 match ip dst 10.0.0.7/32 match ip dport 443 0xffff",
            "protocol ip prio 1 u32 match ip dst 10.0.0.7/32 match ip sport 443 0xffff",
            "protocol ipv6 prio 2 u32 match ip6 dst fd00::/8 match ip6 dport 443 0xffff",
            "protocol ipv6 prio 2 u32 match ip6 dst fd00::/8 match ip6 sport 443 0xffff"))]


def test_a_port_alone_is_meant_in_both_versions_of_ip() -> None:
    filters = spoken(chosen([], [53]), Netem(delay_s=1))[2:]
    assert [line.split(" match ")[1] for line in filters] == [
        "ip dst 0.0.0.0/0", "ip dst 0.0.0.0/0", "ip6 dst ::/0", "ip6 dst ::/0"]


def test_the_number_of_a_qdisc_tells_that_it_is_ours_and_which() -> None:
    numbers = {handle_of(f"chaos-runner-{run}") for run in range(100)}
    assert len(numbers) > 90
    assert all(0xC000 <= int(number.removesuffix(":"), 16) <= 0xCFFF for number in numbers)


# ── whose is it ─────────────────────────────────────────────────────────────────────────────────────────────────────

DELAY = Netem(delay_s=0.1, jitter_s=0.01)
AS_TC_TELLS: dict[str, Any] = {"limit": 100000, "delay": {"delay": 0.1, "jitter": 0.00999999, "correlation": 0},
                               "ecn": False, "gap": 0}


def netem(handle: str = "c123:", *, root: bool = True, lossy: bool = False, **options: Any) -> Qdisc:
    loss = {"loss-random": {"loss": 0.1, "correlation": 0}} if lossy else {}
    return Qdisc(kind="netem", handle=handle, root=root, options={**AS_TC_TELLS, **loss, **options})


PRIO = Qdisc(kind="prio", handle="c123:", root=True)


@pytest.mark.parametrize(("qdiscs", "whose"), [
    ([], Found.FREE), ([Qdisc(kind="noqueue", handle="0:", root=True)], Found.FREE), ([netem()], Found.OURS),
    ([PRIO, netem("8002:", root=False)], Found.OURS), ([PRIO], Found.HALF), ([netem("c124:")], Found.FOREIGN),
    ([netem(delay={"delay": 0.2, "jitter": 0.01})], Found.CHANGED), ([netem(limit=1000)], Found.CHANGED),
    ([netem(lossy=True)], Found.CHANGED),
    ([Qdisc(kind="htb", handle="c123:", root=True)], Found.CHANGED),
])
def test_whose_qdisc_it_is_shows_in_what_tc_tells(qdiscs: list[Qdisc], whose: Found) -> None:
    assert found(qdiscs, "c123:", DELAY) is whose
