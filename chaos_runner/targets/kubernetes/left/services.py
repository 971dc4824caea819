"""Services that no longer lead to their pods."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.targets.kubernetes.access import Cluster, compact
from chaos_runner.targets.kubernetes.kinds import SERVICE, SLICE, WORKLOADS, label_of
from chaos_runner.targets.kubernetes.left.leftover import Written, command_on, tool_of
from chaos_runner.targets.kubernetes.marks import RUN
from chaos_runner.targets.kubernetes.objects import Meta, Workload
from chaos_runner.targets.leftover import Leftover

APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class _ServiceSpec(Struct, frozen=True):
    selector: dict[str, str] = {}


class _Service(Struct, frozen=True):
    metadata: Written
    spec: _ServiceSpec = _ServiceSpec()


class _Slice(Struct, frozen=True):
    metadata: Meta
    endpoints: list[Any] | None = None


def selectors(at: Cluster) -> Iterator[Leftover]:
    """Selectors that are not the applied ones, and those that select nothing that is, or that any workload makes."""
    reached = {(one.metadata.namespace, one.metadata.labels.get("kubernetes.io/service-name", ""))
               for one in at.list(SLICE.path(""), _Slice).items if one.endpoints}
    made = [(one.metadata.namespace, one.spec.template.metadata.get("labels") or {})
            for kind in ("deployment", "statefulset", "daemonset")
            for one in at.list(WORKLOADS[kind].path(""), Workload).items]
    for service in at.list(SERVICE.path(""), _Service).items:
        meta, selector = service.metadata, service.spec.selector
        if not selector or meta.annotations.get(RUN):
            continue
        applied = _applied(meta)
        if applied and applied != selector:
            yield _swapped(at, meta, selector, applied)
        elif (meta.namespace, meta.name) not in reached and not _would_select(selector, meta.namespace, made):
            yield _selects_nothing(at, meta, selector)


def _would_select(selector: dict[str, str], namespace: str, made: Iterable[tuple[str, dict[str, str]]]) -> bool:
    return any(space == namespace and selector.items() <= labels.items() for space, labels in made)


def _swapped(at: Cluster, meta: Written, selector: dict[str, str], applied: dict[str, str]) -> Leftover:
    wrote = meta.writer("f:spec", "f:selector")
    back = compact([{"op": "replace", "path": "/spec/selector", "value": applied}])
    return Leftover(code="selector", what=label_of(SERVICE, meta), whose=tool_of(wrote.manager), by=wrote.manager,
                    says=f"selects {_labels(selector)}, and was applied with {_labels(applied)}", since=wrote.time,
                    undo=command_on(at, SERVICE, meta, "patch", "--type=json", "-p", back),
                    first="nobody has changed it on purpose since it was applied")


def _selects_nothing(at: Cluster, meta: Written, selector: dict[str, str]) -> Leftover:
    wrote = meta.writer("f:spec", "f:selector")
    return Leftover(code="selector", what=label_of(SERVICE, meta), whose=tool_of(wrote.manager), by=wrote.manager,
                    says=f"selects {_labels(selector)}, which no pod has, and no workload would make", since=wrote.time,
                    undo=command_on(at, SERVICE, meta, "edit"), first="you know what it selected before")


def _applied(meta: Meta) -> dict[str, str]:
    try:
        found = msgspec.json.decode(meta.annotations.get(APPLIED, "{}"), type=dict[str, Any])
        return msgspec.convert((found.get("spec") or {}).get("selector") or {}, dict[str, str])
    except (msgspec.MsgspecError, AttributeError):
        return {}


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())
