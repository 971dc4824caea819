"""host.network_partition: packets to and from some addresses or ports go nowhere; undo lets them pass again."""

from collections.abc import Iterator
from itertools import product
from shlex import join
from typing import Final, Literal

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Band, Evidence, Example, Fault, Restored, Right, Setting
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.faults.host._network import Where, arm, chosen, disarm, expiry, spare_roads, with_timer
from chaos_runner.targets.network import Machine, Network, Rule, check_namespace, check_right, namespace, rights

Direction = Literal["egress", "ingress", "both"]
How = Literal["drop", "reject"]

_CHAINS: Final = {"egress": ("output",), "ingress": ("input",), "both": ("output", "input")}
_SIDE: Final = {"output": ("daddr", "oifname"), "input": ("saddr", "iifname")}
_PRIORITY: Final = -300
"""Before the kernel tracks connections and before the filters of others: what is cut leaves no trace in either."""


class PeerTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is cut off: the addresses and networks `to`, packets from or to one of these TCP or UDP `ports`, or both
    together. `egress` cuts what this machine sends, `ingress` what it receives.
    """

    to: list[str] = []
    ports: list[int] = []
    direction: Direction = "both"


class PartitionArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether packets vanish (`drop`: whoever waits sees silence) or are refused (`reject`: an error at once). To cut
    off everything but the loopback, or the loopback, or somebody's way to this machine, is refused unless `everything`
    says that it is meant.
    """

    how: How = "drop"
    everything: bool = False


class NetworkPartition(Fault[PeerTarget, PartitionArguments]):
    """Cuts this machine off from others: connections there are and those to come. Needs Linux with nftables, and root.

    All rules stand in a table of their own, whose name is the mark. Packets that are only forwarded pass.
    """

    target = PeerTarget
    arguments = PartitionArguments
    outlives_machine = False
    band = Band(word="cut off")
    undone_by = "our table of packet filters is removed"
    needs = "Linux with nftables, and root or the capability NET_ADMIN"
    example = Example(target={"to": ["10.0.0.7"], "ports": [5432]})

    def __init__(self, machine: Machine | None = None) -> None:
        self._machine = machine or Machine()

    def prepare(self, target: PeerTarget, arguments: PartitionArguments, setting: Setting) -> list[Act]:
        where = chosen(target.to, target.ports)
        check_right()
        if not arguments.everything:
            spare_roads(where, self._machine)
        do = {"mark": str(setting.mark), "table": f"chaos_runner_{setting.mark.run}_{setting.mark.number}",
              "expires": expiry(setting), "where": msgspec.to_builtins(where), "direction": target.direction,
              "how": arguments.how}
        act = Act(target={"namespace": namespace()}, do=do, was={"table": None}, label=str(where))
        self._machine.check_ruleset(ruleset(act))
        self._check_free(act)
        return [act]

    def rights(self, act: Act) -> list[Right]:  # noqa: ARG002 -- the same for every act
        return rights()

    def apply(self, act: Act) -> Evidence:
        check_namespace(act.target["namespace"])
        self._check_free(act)
        text = ruleset(act)
        arm(act, _removal(act))
        self._machine.load_ruleset(text)
        ours = [rule for rule in self._rules(act) or [] if rule.comment == act.do["mark"]]
        if len(ours) != text.count(act.do["mark"]):
            raise ActFailed(f"{act.label} was to be cut off, but only {len(ours)} rules are in place")
        words = "dropped" if act.do["how"] == "drop" else "rejected"
        return Evidence(before="no rules of ours", after=f"read back: {len(ours)} rules, {act.label} is {words}")

    def undo(self, act: Act) -> None:
        """Removes our table. Should somebody have put rules into it, only ours go. The timer ends last."""
        rules = self._rules(act)
        ours = [rule for rule in rules or [] if rule.comment == act.do["mark"]]
        if rules is not None and len(ours) == len(rules):
            self._machine.delete_table(act.do["table"])
        elif ours:
            self._machine.delete_rules(act.do["table"], ours)
        disarm(act)

    def verify(self, act: Act) -> Restored:
        rules = self._rules(act)
        table = act.do["table"]
        if rules is None:
            return with_timer(act, Restored(answer=Answer.RESTORED))
        if rules and all(rule.comment != act.do["mark"] for rule in rules):
            return Restored(answer=Answer.DRIFT, diff=f"somebody put rules into our table {table}: left as they are")
        return Restored(answer=Answer.NOT_RESTORED, diff=f"our table {table} is still there")

    def by_hand(self, act: Act) -> str:
        return join(_removal(act))

    def _rules(self, act: Act) -> list[Rule] | None:
        check_namespace(act.target["namespace"])
        return self._machine.rules(act.do["table"])

    def _check_free(self, act: Act) -> None:
        if self._rules(act) is not None:
            raise Refused(f"there is a table {act.do['table']} already: run `chaos-runner recover`")


def _removal(act: Act) -> list[str]:
    return ["nft", "delete", "table", "inet", act.do["table"]]


# ── rules, as nft(8) reads them ─────────────────────────────────────────────────────────────────────────────────────

def ruleset(act: Act) -> str:
    """All that the fault puts in place, which is all or nothing: nft makes it one transaction."""
    table, where = f"table inet {act.do['table']}", msgspec.convert(act.do["where"], Where)
    chains = "".join(_chain(chain, where, act) for chain in _CHAINS[act.do["direction"]])
    return f"create {table}\n{table} {{\n{chains}}}\n"


def _chain(chain: str, where: Where, act: Act) -> str:
    how, mark = act.do["how"], act.do["mark"]
    rules = _passing(how) + [" ".join(words) for words in product(_packets(chain, where), _verdicts(how))]
    lines = "".join(f'    {rule} comment "{mark}"\n' for rule in rules)
    return f"  chain {chain} {{\n    type filter hook {chain} priority {_PRIORITY}; policy accept;\n{lines}  }}\n"


def _passing(how: How) -> list[str]:
    """The refusals themselves have to arrive: the kernel sends them through these very chains."""
    if how == "drop":
        return []
    return ["tcp flags & rst == rst accept", "icmp type destination-unreachable accept",
            "icmpv6 type destination-unreachable accept"]


def _verdicts(how: How) -> list[str]:
    return ["counter drop"] if how == "drop" else ["meta l4proto tcp counter reject with tcp reset", "counter reject"]


def _packets(chain: str, where: Where) -> Iterator[str]:
    """What the packets have that are meant. Without a port, "everywhere" leaves the loopback out."""
    ports = ", ".join(map(str, where.ports))
    sides = [f"meta l4proto {{ tcp, udp }} th {side} {{ {ports} }}" for side in ("dport", "sport")] if ports else [""]
    for (version, networks), side in product(_by_version(where), sides):
        yield f"{_address(chain, version, networks, loopback=bool(ports))} {side}"


def _address(chain: str, version: int, networks: list[Network], *, loopback: bool) -> str:
    address, interface = _SIDE[chain]
    if any(network.prefixlen == 0 for network in networks):
        return f"meta nfproto ipv{version}" + ("" if loopback else f' {interface} != "lo"')
    return f"{'ip' if version == 4 else 'ip6'} {address} {{ {', '.join(map(str, networks))} }}"


def _by_version(where: Where) -> list[tuple[int, list[Network]]]:
    found = [(version, [network for network in where.networks if network.version == version]) for version in (4, 6)]
    return [(version, networks) for version, networks in found if networks]
