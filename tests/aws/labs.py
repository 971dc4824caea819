"""A lab of AWS for tests: one moto server for each process, in which each test makes what it needs."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos_runner.lab.aws import lab as labs
from chaos_runner.lab.aws.lab import Lab
from chaos_runner.targets.aws import access


@contextmanager
def opened() -> Iterator[Lab]:
    """A lab of its own, to which the environment leads while the block lasts."""
    with tempfile.TemporaryDirectory() as name:
        lab = labs.up(Path(name) / "aws")
        before = dict(os.environ)
        os.environ.update(lab.environment)
        access.account.cache_clear()
        try:
            yield lab
        finally:
            os.environ.clear()
            os.environ.update(before)
            access.account.cache_clear()
            labs.down(Path(name) / "aws")
