"""This machine's network: its interfaces, what queues packets on them, and tables of packet filters.

The only runner of `tc`, `nft`, `ip` and `ss`. Everything here is of one network namespace: the one we are in.
"""

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Right
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused

Network = IPv4Network | IPv6Network
_PACKAGES: Final = {"tc": "iproute2", "ip": "iproute2", "ss": "iproute2", "nft": "nftables", "unshare": "util-linux"}
_ADMIN_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"
_TIMEOUT_S: Final = 10.0
_CAP_NET_ADMIN: Final = 1 << 12
_NEEDS: Final = "to change the network (CAP_NET_ADMIN)"
_SSH: Final = 22
_ELSEWHERE: Final = ("unshare", "--net")
_NETEM_ALONE: Final = "qdisc add dev lo root netem"
_UNKNOWN_QDISC: Final = "qdisc kind is unknown"
_FIRST_LINE: Final = "Command failed -:1"
_ANYWHERE: Final = "00000000"
"""A default route's destination in /proc/net/route."""
_NO_HANDLE: Final = "0:"
"""What the kernel's own qdiscs are called; one that somebody made has another handle."""


class Said(Struct, frozen=True):
    """What a command answered."""

    status: int
    out: str = ""
    err: str = ""

    @property
    def complaint(self) -> str:
        """Its error in one line."""
        lines = (self.err or self.out).strip().splitlines()
        return lines[0] if lines else f"exit code {self.status}"


Run = Callable[[Sequence[str], str], Said]


class Qdisc(Struct, frozen=True, kw_only=True):
    """What queues packets on an interface, or on a class of another one (`parent`), as tc(8) tells it."""

    kind: str
    handle: str
    root: bool = False
    parent: str = ""
    options: dict[str, Any] = {}

    @property
    def is_default(self) -> bool:
        """Whether the kernel put it there by itself."""
        return self.handle == _NO_HANDLE

    def __str__(self) -> str:
        return f"{self.kind} {self.handle}"


class Rule(Struct, frozen=True, kw_only=True):
    """A rule of a table, as far as it tells whose it is."""

    chain: str
    handle: int
    comment: str = ""


class Road(Struct, frozen=True):
    """A way somebody may be on this machine right now, not to be cut by accident."""

    address: str
    port: int | None
    what: str


class Interface(Struct, frozen=True, kw_only=True):
    """An interface for good: its name, its index, and the network namespace it lives in."""

    name: str
    index: int
    namespace: int


def run(words: Sequence[str], given: str = "") -> Said:
    """Runs a command to its end. Raises Refused if there is no such tool, ActFailed if it hangs."""
    try:
        done = subprocess.run([program(words[0]), *words[1:]], input=given, capture_output=True, text=True,
                              timeout=_TIMEOUT_S, env={**os.environ, "LC_ALL": "C"}, check=False)
    except subprocess.TimeoutExpired as error:
        raise ActFailed(f"`{' '.join(words)}` did not end within {_TIMEOUT_S:g} s") from error
    return Said(done.returncode, done.stdout, done.stderr)


def program(name: str) -> str:
    """Where a tool is, also for users whose PATH lacks /usr/sbin. Raises Refused with what to install."""
    found = shutil.which(name) or shutil.which(name, path=_ADMIN_PATH)
    if found is None:
        raise Refused(f"there is no `{name}` on this machine: install the package {_PACKAGES.get(name, name)}")
    return found


def namespace() -> int:
    """The network namespace we are in. Raises Refused where there are none."""
    try:
        return Path("/proc/self/ns/net").stat().st_ino
    except OSError as error:
        raise Refused("network faults need Linux: there is no /proc/self/ns/net") from error


def check_namespace(wanted: int) -> None:
    """Raises ActFailed in another network namespace: there, names and tables mean something else."""
    here = namespace()
    if here != wanted:
        raise ActFailed(f"this is network namespace {here}, the fault is in {wanted}: `nsenter --net=...` leads there")


def check_right() -> None:
    """Raises Refused if we may not change the network."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError as error:
        raise Refused("network faults need Linux: there is no /proc/self/status") from error
    masks = dict(re.findall(r"^(Cap\w+):\s*(\w+)$", status, re.MULTILINE))
    # whoever is not root hands on to tc and nft only what is ambient
    mask = int(masks.get("CapEff" if os.geteuid() == 0 else "CapAmb", "0"), 16)
    if not mask & _CAP_NET_ADMIN:
        raise Refused("no right to change the network: run as root, in a container with the capability NET_ADMIN")


def rights() -> list[Right]:
    """The right to change the network, which undoing needs as much."""
    try:
        check_right()
    except Refused as problem:
        return [Right(verb=verb, needs=_NEEDS, lacks=str(problem)) for verb in ("do", "undo")]
    return [Right(verb=verb, needs=_NEEDS) for verb in ("do", "undo")]


def ways_out() -> list[str]:
    """The names of the interfaces but the loopback, those of a default route first."""
    try:
        rows = [line.split() for line in Path("/proc/net/route").read_text(encoding="utf-8").splitlines()]
    except OSError:
        rows = []
    default = {row[0] for row in rows if row[1:2] == [_ANYWHERE]}
    names = [name for _, name in socket.if_nameindex() if name != "lo"]
    return sorted(names, key=lambda name: name not in default)


def networks(texts: Iterable[str]) -> list[Network]:
    """Addresses and networks, without those that others contain. Raises Refused for what is neither."""
    found = [_network(text) for text in texts]
    version_4 = [network for network in found if isinstance(network, IPv4Network)]
    version_6 = [network for network in found if isinstance(network, IPv6Network)]
    return [*collapse_addresses(version_4), *collapse_addresses(version_6)]


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise Refused(f"`to` wants addresses and networks such as 10.0.0.7 or 10.1.0.0/16, not {text!r}: "
                      "a name may mean another address by the time of the undo") from error


class Machine:
    """The network of this machine, through its tools. `run` is who runs them: tests put in what they like."""

    def __init__(self, run: Run = run) -> None:
        self._run = run

    # ── interfaces and their qdiscs ─────────────────────────────────────────────────────────────────────────────────

    def interface(self, name: str) -> Interface:
        """The interface of that name. Raises NoTarget."""
        try:
            return Interface(name=name, index=socket.if_nametoindex(name), namespace=namespace())
        except OSError as error:
            there = [found for _, found in socket.if_nameindex()]
            close = get_close_matches(name, there, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(there)}"
            raise NoTarget(f"there is no interface {name!r}; {hint}") from error

    def check_interface(self, wanted: Interface) -> None:
        """Raises Gone if it is no longer there, or another one of that name; ActFailed in another namespace."""
        check_namespace(wanted.namespace)
        try:
            index = socket.if_nametoindex(wanted.name)
        except OSError:
            index = 0
        if index != wanted.index:
            raise Gone(f"the interface {wanted.name} is no longer there"
                       + (": another one has its name by now" if index else ""))

    def try_tc(self, commands: Sequence[Sequence[str]]) -> None:
        """Runs tc commands for `lo` in a network namespace that ends with the trial. Raises Refused if this kernel has
        no netem, or does not take the commands. Where there may be no such namespace, only `apply` can tell.
        """
        lines = [_NETEM_ALONE, "qdisc del dev lo root", *map(" ".join, commands)]
        said = self._run([*_ELSEWHERE, program("tc"), "-batch", "-"], "\n".join(lines) + "\n")
        if said.status == 0 or said.err.startswith("unshare:"):
            return
        if _UNKNOWN_QDISC in said.err and _FIRST_LINE in said.err:
            raise Refused(f"this kernel ({os.uname().release}) has no netem, which delays and loses packets: "
                          "load it with `modprobe sch_netem` (Fedora and RHEL: install kernel-modules-extra), or use "
                          "host.network_partition, which does without")
        raise Refused(f"this kernel ({os.uname().release}) does not take what tc needs: {said.err.strip()!r}")

    def qdiscs(self, interface: str) -> list[Qdisc]:
        """Every qdisc on the interface. Raises ActFailed."""
        said = self._asked("tc", "-j", "qdisc", "show", "dev", interface)
        return msgspec.convert([entry for entry in _decoded(said) if entry], list[Qdisc])

    def root_qdisc(self, interface: str) -> Qdisc:
        """The one that all packets go through; a kernel that says none has its own."""
        roots = (qdisc for qdisc in self.qdiscs(interface) if qdisc.root)
        return next(roots, Qdisc(kind="noqueue", handle=_NO_HANDLE, root=True))

    def tc(self, words: Sequence[str]) -> None:
        """Changes qdiscs or filters. Raises ActFailed."""
        said = self._run(["tc", *words], "")
        if said.status:
            raise ActFailed(f"`tc {' '.join(words)}`: {said.complaint}")

    # ── tables of packet filters ────────────────────────────────────────────────────────────────────────────────────

    def check_ruleset(self, text: str) -> None:
        """Lets the kernel check rules without keeping them. Raises Refused."""
        said = self._run(["nft", "--check", "--file", "-"], text)
        if said.status:
            raise Refused(f"this machine does not take the rules of the fault: nft says {said.complaint!r}")

    def load_ruleset(self, text: str) -> None:
        """Puts rules in place, all or none. Raises ActFailed."""
        said = self._run(["nft", "--file", "-"], text)
        if said.status:
            raise ActFailed(f"nft did not take the rules: {said.complaint}")

    def rules(self, table: str) -> list[Rule] | None:
        """Every rule of an inet table. None if there is no such table. Raises ActFailed."""
        if table not in self._tables():
            return None
        said = self._run(["nft", "--json", "list", "table", "inet", table], "")
        if said.status:
            if table not in self._tables():
                return None
            raise ActFailed(f"nft cannot list the table {table}: {said.complaint}")
        entries = _decoded(said.out).get("nftables", [])
        return [msgspec.convert(entry["rule"], Rule) for entry in entries if "rule" in entry]

    def delete_table(self, table: str) -> None:
        """Removes an inet table with all it holds. One that is not there is as good. Raises ActFailed."""
        said = self._run(["nft", "delete", "table", "inet", table], "")
        if said.status and table in self._tables():
            raise ActFailed(f"nft cannot delete the table {table}: {said.complaint}")

    def delete_rules(self, table: str, rules: Iterable[Rule]) -> None:
        """Removes rules from an inet table, all or none. Raises ActFailed."""
        text = "".join(f"delete rule inet {table} {rule.chain} handle {rule.handle}\n" for rule in rules)
        self.load_ruleset(text)

    def _tables(self) -> set[str]:
        entries = _decoded(self._asked("nft", "--json", "list", "tables", "inet")).get("nftables", [])
        return {entry["table"]["name"] for entry in entries if "table" in entry}

    # ── who is here ─────────────────────────────────────────────────────────────────────────────────────────────────

    def roads(self, environment: Mapping[str, str]) -> list[Road]:
        """By which addresses and ports people sit at this machine: SSH sessions, and the gateway theirs come by."""
        found = [Road(peer, _SSH, "an SSH session comes from there") for peer in self._ssh_peers()]
        words = environment.get("SSH_CONNECTION", "").split()
        if len(words) == 4:
            found.append(Road(words[0], int(words[3]), "this SSH session comes from there"))
        return found + [Road(gateway, _SSH, "it is the default gateway") for gateway in self._gateways()]

    def _gateways(self) -> list[str]:
        """A kernel without IPv6 complains, and has no gateway there."""
        said = [self._run(["ip", "-j", version, "route", "show", "default"], "") for version in ("-4", "-6")]
        routes = [route for answer in said if answer.status == 0 for route in _decoded(answer.out)]
        return [route["gateway"] for route in routes if "gateway" in route]

    def _ssh_peers(self) -> list[str]:
        """ss(8) prints two sizes, then our address and theirs."""
        said = self._asked("ss", "-Htn", "state", "established", f"( sport = :{_SSH} )")
        return [_without_port(words[3]) for line in said.splitlines() if len(words := line.split()) > 3]

    def _asked(self, *words: str) -> str:
        said = self._run(words, "")
        if said.status:
            raise ActFailed(f"`{' '.join(words)}`: {said.complaint}")
        return said.out


def contains(network: Network, address: str) -> bool:
    """Whether the address is in the network; never across versions."""
    found = ip_address(address.partition("%")[0])
    return found.version == network.version and found in network


def _without_port(peer: str) -> str:
    """The address in 10.0.0.7:50112 or [::ffff:10.0.0.7]:50112."""
    text = peer.rpartition(":")[0].strip("[]").removeprefix("::ffff:")
    return text.partition("%")[0]


def _decoded(text: str) -> Any:
    try:
        return json.loads(text or "[]")
    except ValueError as error:
        raise ActFailed(f"wanted JSON from tc, nft or ip, found {text[:80]!r}: they may be too old") from error
