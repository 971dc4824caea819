"""An API server that is unwell."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import yaml

from chaos_runner.targets.kubernetes.access import cluster
from tests.unwell import BROKEN, BUSY, Spoils, Words, door

EMPTY_WORDS = "said to be done, and not done"
_WORDS: Mapping[str, Words] = MappingProxyType({
    BUSY: (429, b'{"message": "slow down"}', {"Retry-After": "1"}),
    BROKEN: (500, b'{"message": "etcdserver: request timed out"}', {}), EMPTY_WORDS: (200, b"{}", {})})


@contextmanager
def unwell(kubeconfig: Path, spoils: Spoils, to: Path) -> Iterator[list[str]]:
    """Writes a kubeconfig that leads to one. Gives what went wrong so far."""
    said = yaml.safe_load(kubeconfig.read_text())
    with door(said["clusters"][0]["cluster"]["server"], spoils, _WORDS) as (url, troubles):
        said["clusters"][0]["cluster"] = {"server": url}
        to.write_text(yaml.safe_dump(said))
        to.chmod(0o600)
        yield troubles


@contextmanager
def led(kubeconfig: Path, spoils: Spoils, folder: Path) -> Iterator[list[str]]:
    """While the block lasts this very process is led to one."""
    before = os.environ["KUBECONFIG"]
    with unwell(kubeconfig, spoils, folder / "kubeconfig") as troubles:
        os.environ["KUBECONFIG"] = str(folder / "kubeconfig")
        cluster.cache_clear()
        try:
            yield troubles
        finally:
            os.environ["KUBECONFIG"] = before
            cluster.cache_clear()
