"""The programs of the lab: what each is built from, and where it is kept once it is built.

A program's folder in the cache carries a hash of everything that decides what is built, so another version, flag or
source file is another folder.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

KUBERNETES: Final = "1.34.4"
KWOK: Final = "0.7.0"
TOXIPROXY: Final = "2.12.0"
SOURCES: Final = Path(__file__).parent / "sources"
_SMALL: Final = ("-trimpath", "-ldflags", "-s -w")
_VERSION: Final = "k8s.io/component-base/version"
_MINOR: Final = KUBERNETES.split(".")[1]
_HASH_LENGTH: Final = 12


class Program(Struct, frozen=True):
    """One program, and how Go makes it: of a folder of our own sources, or of a published module (`path@version`).

    `what` names it for a person who waits for it.
    """

    name: str
    what: str
    package: str
    flags: tuple[str, ...] = _SMALL

    @property
    def is_ours(self) -> bool:
        """Whether its sources are in this package."""
        return "@" not in self.package

    @property
    def built_name(self) -> str:
        """What Go calls it: for a published module, the last word of its path."""
        return self.name if self.is_ours else self.package.partition("@")[0].rpartition("/")[2]

    @property
    def folder(self) -> Path:
        """Its folder in the cache, whether or not it is there."""
        return cache() / f"{self.name}-{self._hash()}"

    @property
    def file(self) -> Path:
        """The program itself, whether or not it is there."""
        return self.folder / self.name

    def _hash(self) -> str:
        found = hashlib.sha256(repr((self.package, self.flags)).encode())
        for file in self._files():
            found.update(file.name.encode() + b"\0" + file.read_bytes())
        return found.hexdigest()[:_HASH_LENGTH]

    def _files(self) -> Iterator[Path]:
        if self.is_ours:
            module = SOURCES / self.package.split("/")[0]
            package = SOURCES / self.package
            yield from sorted({module / "go.mod", module / "go.sum", *package.glob("*.go")} & set(module.rglob("*")))


_STAMP: Final = f"-X {_VERSION}.gitVersion=v{KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor={_MINOR}"
"""Without it the servers say that they are version 0."""
CONTROL: Final = Program("control", f"the servers of Kubernetes {KUBERNETES}", "control",
                         ("-trimpath", "-ldflags", f"-s -w {_STAMP}"))
SIMULATOR: Final = Program("kwok", f"kwok {KWOK}, which simulates nodes", f"sigs.k8s.io/kwok/cmd/kwok@v{KWOK}",
                           ("-ldflags", "-s -w"))
POLICY: Final = Program("policy", "what enforces NetworkPolicy", "control/policy")
DNS: Final = Program("coredns", "CoreDNS", "dns")
WEB: Final = Program("web", "the shop", "web")
PAUSE: Final = Program("pause", "the pods' first process", "pause")
TOXIPROXY_SERVER: Final = Program(
    "toxiproxy", f"Toxiproxy {TOXIPROXY}", f"github.com/Shopify/toxiproxy/v2/cmd/server@v{TOXIPROXY}",
    ("-ldflags", f"-s -w -X github.com/Shopify/toxiproxy/v2.Version={TOXIPROXY}"))
SIMULATED: Final = (CONTROL, SIMULATOR)
"""What a lab of simulated nodes runs."""
ALL: Final = (*SIMULATED, POLICY, DNS, WEB, PAUSE, TOXIPROXY_SERVER)


def cache() -> Path:
    """Where built programs are kept."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "chaos-runner" / "kubernetes"
