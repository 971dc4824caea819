"""Which chaos tool something belongs to, by the tags that these tools put on what they make or change."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Final

from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.leftover import NOBODY

_TOOLS: Final = {"managedbyfis": "AWS FIS", "steadybit": "Steadybit", "gremlin": "Gremlin", "chaosaws": "Chaos Toolkit",
                 "litmus": "LitmusChaos", "krkn": "krkn"}
"""What the keys of their tags have in them."""


def is_ours(tags: Iterable[str]) -> bool:
    """Whether it bears a mark of ours, so that it is told of elsewhere."""
    return RUN in tags


def tool_of(tags: Mapping[str, str]) -> str:
    """The chaos tool that tagged it, else NOBODY."""
    said = " ".join(tags).lower()
    return next((tool for part, tool in _TOOLS.items() if part in said), NOBODY)


def command(at: Account, *words: str) -> str:
    """An `aws` command for that account and region."""
    return shlex.join(["aws", *at.way.words, *words])
