"""Who wrote what was left, and the command that takes it back."""

import shlex
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field

from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.kinds import Kind
from chaos_runner.targets.kubernetes.objects import Meta
from chaos_runner.targets.leftover import NOBODY

_TOOLS: Final = {"krkn": "krkn", "kraken": "krkn", "litmus": "LitmusChaos", "chaos-controller": "Chaos Mesh",
                 "chaosblade": "ChaosBlade", "chaostoolkit": "Chaos Toolkit"}
"""What the names that tools write under have in them."""


class Writer(Struct, frozen=True, rename="camel"):
    """Who wrote which fields of an object, and when."""

    manager: str = ""
    time: datetime | None = None
    fields: dict[str, Any] = field(default_factory=dict, name="fieldsV1")


class Written(Meta, frozen=True, kw_only=True, rename="camel"):
    """What every object has, and who wrote it."""

    managed_fields: list[Writer] = field(default_factory=list)

    def writer(self, *path: str) -> Writer:
        """Who wrote a field last; "f:spec" and so on are how the API writes its path."""
        wrote = [one for one in self.managed_fields if _has(one.fields, path)]
        return max(wrote, key=lambda one: one.time.timestamp() if one.time else 0.0, default=Writer())


def tool_of(manager: str) -> str:
    """The chaos tool that writes under such a name, else NOBODY."""
    return next((tool for part, tool in _TOOLS.items() if part in manager.lower()), NOBODY)


def kubectl(at: Cluster, *words: str) -> str:
    """A kubectl command on that cluster."""
    return shlex.join(["kubectl", "--context", at.context, *words])


def command_on(at: Cluster, kind: Kind, meta: Meta, verb: str, *words: str) -> str:
    """A kubectl command on an object in a namespace."""
    return kubectl(at, "-n", meta.namespace, *verb.split(), f"{kind.plural}/{meta.name}", *words)


def _has(fields: Any, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(fields, dict) or part not in fields:
            return False
        fields = fields[part]
    return True
