"""What latency and loss share: netem on the packets that leave by an interface, tc(8) and tc-netem(8).

For all packets netem is the root of the interface's qdiscs. For some it is below a prio qdisc with a fourth band, where
filters send those that are meant. Either way the root's number is our mark.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from itertools import product
from shlex import join
from typing import Any, Final, TypeVar
from zlib import crc32

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Candidate, Evidence, Fault, Restored, Right, Setting
from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.faults.host._network import Where, arm, disarm, expiry, with_timer
from chaos_runner.targets.network import Interface, Machine, Network, Qdisc, check_right, rights, ways_out
from chaos_runner.units import Unit, spoken, spoken_seconds

A = TypeVar("A")

_LIMIT: Final = 100_000
"""Packets that may wait. With the default of 1000 a busy interface would lose packets instead of delaying them."""
_BAND: Final = 4
_USUAL_BANDS: Final = ["1", "2", "2", "2", "1", "2", "0", "0", "1", "1", "1", "1", "1", "1", "1", "1"]
"""tc-prio(8): which of the first three bands a packet goes to, by its priority. These are its defaults."""
_PRECISION: Final = 1e-3


class InterfaceTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An interface, and which of the packets that leave by it: those to the addresses and networks `to`, those from or
    to one of these TCP or UDP `ports`, both, or all packets.
    """

    interface: str
    to: list[str] = []
    ports: list[int] = []


class Netem(Struct, frozen=True, kw_only=True):
    """What is done to packets: seconds that they are late, and the share of them that is lost."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0

    @property
    def words(self) -> list[str]:
        """As tc wants it."""
        delay = ["delay", f"{self.delay_s * 1e6:.0f}us", f"{self.jitter_s * 1e6:.0f}us"] if self.delay_s else []
        loss = ["loss", f"{self.loss * 100:.6f}%"] if self.loss else []
        return ["netem", "limit", str(_LIMIT), *delay, *loss]

    def is_like(self, options: Mapping[str, Any]) -> bool:
        """Whether tc tells the same of a qdisc, but for the kernel's rounding."""
        delay, loss = options.get("delay", {}), options.get("loss-random", {})
        there = (delay.get("delay", 0.0), delay.get("jitter", 0.0), loss.get("loss", 0.0))
        return options.get("limit") == _LIMIT and all(map(_close, there, (self.delay_s, self.jitter_s, self.loss)))

    def __str__(self) -> str:
        jitter = f" ± {spoken_seconds(self.jitter_s)}" if self.jitter_s else ""
        delay = [f"{spoken_seconds(self.delay_s)}{jitter} late"] if self.delay_s else []
        return ", ".join(delay + ([f"{spoken(self.loss, Unit.SHARE)} lost"] if self.loss else []))


class Found(StrEnum):
    """What stands on the interface: nothing of anybody's, ours, ours by half, ours but changed, somebody else's."""

    FREE = "free"
    OURS = "ours"
    HALF = "half"
    CHANGED = "changed"
    FOREIGN = "foreign"


def handle_of(mark: str) -> str:
    """The number of our root qdisc, from c000 to cfff: it tells on the interface that it is ours, and of which run.

    Qdiscs have no names, only 16 bits. tc counts from 8001 for those that nobody numbers, people from 1.
    """
    return f"c{crc32(mark.encode()) & 0xFFF:03x}:"


def looks_ours(qdisc: Qdisc) -> bool:
    """Whether some run of ours may have made it."""
    return len(qdisc.handle) == len(handle_of("")) and qdisc.handle.startswith("c") and qdisc.kind in ("netem", "prio")


def commands(interface: str, handle: str, netem: Netem, where: Where) -> list[list[str]]:
    """The words for tc that make the fault, in order. The first takes the interface, or fails if it is taken."""
    root = ["qdisc", "add", "dev", interface, "root", "handle", handle]
    if where.anywhere:
        return [[*root, *netem.words]]
    band = f"{handle}{_BAND}"
    return [
        [*root, "prio", "bands", str(_BAND), "priomap", *_USUAL_BANDS],
        ["qdisc", "add", "dev", interface, "parent", band, *netem.words],
        *(["filter", "add", "dev", interface, "parent", handle, *words, "flowid", band] for words in _filters(where)),
    ]


def removal(interface: str, handle: str) -> list[str]:
    """The command that ends the fault. The kernel refuses it for a root of another number, so it can come too late."""
    return ["tc", "qdisc", "del", "dev", interface, "root", "handle", handle]


def found(qdiscs: Sequence[Qdisc], handle: str, netem: Netem) -> Found:
    """What stands on an interface that has these qdiscs."""
    root = next((qdisc for qdisc in qdiscs if qdisc.root), None)
    if root is None or root.is_default:
        return Found.FREE
    if root.handle != handle:
        return Found.FOREIGN
    delaying = [qdisc for qdisc in qdiscs if qdisc.kind == "netem"]
    if not delaying:
        return Found.HALF if root.kind == "prio" else Found.CHANGED
    return Found.OURS if len(delaying) == 1 and netem.is_like(delaying[0].options) else Found.CHANGED


class NetemFault(Fault[InterfaceTarget, A]):
    """Everything but the arguments of a fault that is made of netem."""

    outlives_machine = False
    target = InterfaceTarget
    undone_by = "our queueing discipline is removed, and the one that was there comes back"
    needs = "Linux with netem, tc (iproute2), and root or the capability NET_ADMIN"

    def __init__(self, machine: Machine | None = None) -> None:
        self._machine = machine or Machine()

    def acts(self, interface: str, netem: Netem, where: Where, setting: Setting) -> list[Act]:
        """What `prepare` returns. Raises Refused, NoTarget."""
        check_right()
        mark = str(setting.mark)
        there = self._machine.interface(interface)
        self._machine.try_tc(commands("lo", handle_of(mark), netem, where))
        root = self._free_root(interface)
        do = {"mark": mark, "expires": expiry(setting), "handle": handle_of(mark),
              "netem": msgspec.to_builtins(netem), "where": msgspec.to_builtins(where)}
        return [Act(target=msgspec.to_builtins(there), do=do, was={"qdisc": str(root)}, label=f"{interface} ({where})")]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return [Candidate(target={**self.example.target, "interface": name}, label=name)
                for name in ways_out() if name == given.get("interface", name)]

    def rights(self, act: Act) -> list[Right]:  # noqa: ARG002 -- the same for every act
        return rights()

    def apply(self, act: Act) -> Evidence:
        interface, netem = _interface(act), _netem(act)
        self._machine.check_interface(interface)
        before = self._free_root(interface.name)
        where = msgspec.convert(act.do["where"], Where)
        arm(act, removal(interface.name, act.do["handle"]))
        for words in commands(interface.name, act.do["handle"], netem, where):
            self._machine.tc(words)
        if self._look(act) is not Found.OURS:
            raise ActFailed(f"{act.label} was to be {netem}, found {self._machine.root_qdisc(interface.name)}")
        return Evidence(before=f"qdisc {before}", after=f"read back: {netem} on {act.label}")

    def undo(self, act: Act) -> None:
        """Removes what is as we made it, or made by half. The timer ends last: till then it would do the same."""
        with suppress(Gone):
            if self._look(act) in (Found.OURS, Found.HALF):
                self._remove(act)
        disarm(act)

    def verify(self, act: Act) -> Restored:
        try:
            there = self._look(act)
        except Gone as gone:
            return with_timer(act, Restored(answer=Answer.GONE, diff=str(gone)))
        if there is Found.FREE:
            return with_timer(act, Restored(answer=Answer.RESTORED))
        name = act.target["name"]
        root = f"qdisc {self._machine.root_qdisc(name)} on {name}"
        if there in (Found.OURS, Found.HALF):
            return Restored(answer=Answer.NOT_RESTORED, diff=f"our {root} is still there")
        whose = "somebody changed our" if there is Found.CHANGED else "somebody made the"
        return Restored(answer=Answer.DRIFT, diff=f"{whose} {root}: left as it is")

    def by_hand(self, act: Act) -> str:
        return join(removal(act.target["name"], act.do["handle"]))

    def _free_root(self, interface: str) -> Qdisc:
        """The root, which is the kernel's own. Raises Refused."""
        root = self._machine.root_qdisc(interface)
        if looks_ours(root):
            raise Refused(f"{interface} has a network fault of chaos-runner already (qdisc {root}), and can have one "
                          "at a time: end that one first, or run `chaos-runner recover`")
        if not root.is_default:
            raise Refused(f"{interface} has the qdisc {root}, which somebody configured; it is not replaced, because "
                          "it could not be brought back as it was")
        return root

    def _look(self, act: Act) -> Found:
        interface = _interface(act)
        self._machine.check_interface(interface)
        return found(self._machine.qdiscs(interface.name), act.do["handle"], _netem(act))

    def _remove(self, act: Act) -> None:
        """Another undo, or the timer, may be faster."""
        try:
            self._machine.tc(removal(act.target["name"], act.do["handle"])[1:])
        except ActFailed:
            if self._look(act) in (Found.OURS, Found.HALF):
                raise


def _interface(act: Act) -> Interface:
    return msgspec.convert(act.target, Interface)


def _netem(act: Act) -> Netem:
    return msgspec.convert(act.do["netem"], Netem)


def _filters(where: Where) -> list[list[str]]:
    """The words of tc-u32(8) for each network and port. TCP and UDP have their ports in the same place."""
    sides = list(product(("dport", "sport"), where.ports)) or [("", 0)]
    return [_filter(network, side, port) for network, (side, port) in product(where.networks, sides)]


def _filter(network: Network, side: str, port: int) -> list[str]:
    protocol, ip, priority = ("ip", "ip", "1") if network.version == 4 else ("ipv6", "ip6", "2")
    ports = ["match", ip, side, str(port), "0xffff"] if side else []
    return ["protocol", protocol, "prio", priority, "u32", "match", ip, "dst", str(network), *ports]


def _close(there: float, wanted: float) -> bool:
    return abs(there - wanted) <= _PRECISION * max(there, wanted)
