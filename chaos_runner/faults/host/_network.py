"""What the network faults share: which packets are meant, whose way is spared, and the timer that undoes alone.

The timer is a shell that waits for the mark's last moment and then runs the undo's command. It is started before the
change, and found by the mark in its command line. So a fault ends even if the runner, its watchdog and every recovery
are gone, or cut off by the fault itself.
"""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from math import ceil
from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Restored, Setting
from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.targets.host import Process, ProcessFilter, matching
from chaos_runner.targets.network import Machine, Network, Road, contains, networks, program

ALL: Final[tuple[Network, ...]] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_LOOPBACK: Final = tuple(Road(address, None, "it is this machine's loopback") for address in ("127.0.0.1", "::1"))
_PORT_MAX: Final = 65535
_WAITS: Final = '{ trap "" HUP INT QUIT TERM; sleep "$1"; shift; exec "$@"; } &'
"""In the background of a shell that ends at once, so that nobody who started it has to reap it."""
_END_S: Final = 2.0
_LOOK_S: Final = 0.002


class Where(Struct, frozen=True, kw_only=True):
    """Which packets are meant: to or from these networks, from or to these ports. None of a kind means any."""

    to: list[str]
    ports: list[int]

    @property
    def networks(self) -> Sequence[Network]:
        """Where `to` leads."""
        return networks(self.to) if self.to else ALL

    @property
    def anywhere(self) -> bool:
        """Whether no packet is told from another."""
        return not self.to and not self.ports

    def holds(self, road: Road) -> bool:
        """Whether that road's packets are meant."""
        return (not self.ports or road.port in self.ports) and any(
            contains(network, road.address) for network in self.networks)

    def __str__(self) -> str:
        ports = [f"port{'s' * (len(self.ports) > 1)} {', '.join(map(str, self.ports))}"] if self.ports else []
        return " ".join([*([", ".join(self.to)] if self.to else []), *ports]) or "everything"


def chosen(to: Iterable[str], ports: Iterable[int]) -> Where:
    """Which packets. Raises Refused for what is no address, network or port."""
    ports = sorted(set(ports))
    for port in ports:
        if not 0 < port <= _PORT_MAX:
            raise Refused(f"a port is a number from 1 to {_PORT_MAX}, not {port}")
    return Where(to=[str(network).removesuffix("/32").removesuffix("/128") for network in networks(to)], ports=ports)


def spare_roads(where: Where, machine: Machine) -> None:
    """Raises Refused if everything, the loopback, or somebody's way to this machine would be cut off."""
    if where.anywhere:
        raise Refused("this would cut off everything: say what with `to` or `ports`, or `everything: true`")
    for road in (*(_LOOPBACK if where.to else ()), *machine.roads(os.environ)):
        if where.holds(road):
            raise Refused(f"this would cut off {road.address}, and {road.what}: say what else with `to` or `ports`, "
                          "or `everything: true`")


# ── the timer ───────────────────────────────────────────────────────────────────────────────────────────────────────

def expiry(setting: Setting) -> str:
    """The fault's last moment. Raises Refused if there is none, or it is over."""
    try:
        moment = datetime.strptime(setting.mark.expires, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused(f"the mark expires at no moment that is known: {setting.mark.expires!r}") from error
    if moment <= datetime.now(UTC):
        raise Refused(f"the mark expired at {setting.mark.expires}: the fault would end at once")
    return moment.isoformat()


def arm(act: Act, undo: Sequence[str]) -> None:
    """Starts the timer that runs the undo's command at the act's last moment. Raises Refused: nothing is changed."""
    left_s = (datetime.fromisoformat(act.do["expires"]) - datetime.now(UTC)).total_seconds()
    if left_s <= 0:
        raise Refused(f"the fault was to end by {act.do['expires']}, which is over")
    words = [*_timer_words(act), str(ceil(left_s)), program(undo[0]), *undo[1:]]
    try:
        subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       start_new_session=True, cwd="/", check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise Refused(f"the timer that would end the fault by itself cannot be started: {error}") from error


def disarm(act: Act) -> None:
    """Ends the act's timers, and what they wait for. Raises ActFailed."""
    end_s = time.monotonic() + _END_S
    while left := _timers(act):
        for timer in left:
            _end_group(timer)
        if time.monotonic() > end_s:
            raise ActFailed(f"the timer {left[0].label} does not end")
        time.sleep(_LOOK_S)


def _end_group(timer: Process) -> None:
    """The timer and its `sleep` are alone in a group, which SIGKILL ends at once, also in the middle of a fork."""
    try:
        group = os.getpgid(timer.pid)
        timer.check_right()
        if group != os.getpgrp():
            os.killpg(group, signal.SIGKILL)
    except (Gone, ProcessLookupError):
        return
    except (Refused, PermissionError) as error:
        raise ActFailed(f"the timer {timer.label} cannot be ended: run as its user, or as root") from error


def with_timer(act: Act, found: Restored) -> Restored:
    """What was found of the network, or that the timer was left behind."""
    if found.answer in (Answer.RESTORED, Answer.GONE) and (left := _timers(act)):
        return Restored(answer=Answer.NOT_RESTORED, diff=f"the timer still waits: {left[0].label}")
    return found


def _timers(act: Act) -> list[Process]:
    """Only what we started: somebody else may have the mark on a command line, looking for it."""
    there = matching(ProcessFilter(command=re.escape(act.do["mark"])))
    return [found for found in there if found.command[:4] == _timer_words(act)]


def _timer_words(act: Act) -> tuple[str, ...]:
    return ("/bin/sh", "-c", _WAITS, act.do["mark"])
