"""`host:port`, as Toxiproxy writes it."""

import asyncio
import os
import socket
from typing import NamedTuple

from chaos_runner.proxy.rejected import Rejected

LOOPBACK = "127.0.0.1"


class Address(NamedTuple):
    """A numeric host and a port. Port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


async def resolved(text: str) -> Address:
    """The address to listen on. No host means this machine only. Raises Rejected for what is none."""
    host, colon, port = text.rpartition(":")
    if text and not colon:
        raise Rejected(500, f"listen tcp: address {text}: missing port in address")
    if port and not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise Rejected(500, f"listen tcp: address {port}: invalid port")
    return Address(await _numeric(host.strip("[]") or LOOPBACK), int(port or 0))


async def _numeric(host: str) -> str:
    """The first IPv4 address of a name, else its first IPv6 address."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Rejected(500, f"listen tcp: lookup {host}: no such host") from error
    hosts = [str(where[0]) for *_, where in sorted(found, key=lambda each: each[0] != socket.AF_INET)]
    return hosts[0]


def bound(address: Address) -> socket.socket:
    """A listening socket. Raises Rejected when the port is taken or not allowed."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    both = address.host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=1024, dualstack_ipv6=both)
    except OSError as error:
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise Rejected(500, f"listen tcp {address}: bind: {why}") from error


def bound_to(listening: socket.socket) -> Address:
    """Where a socket listens, with the port it was given."""
    host, port, *_ = listening.getsockname()
    return Address(str(host), int(port))
