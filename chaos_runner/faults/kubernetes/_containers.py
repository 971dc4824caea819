"""Containers, and the processes in them, that can be hit by a signal from within."""

import re
import signal as signals
from collections.abc import Sequence
from typing import Any, Final

from chaos_runner.errors import NoTarget, Refused
from chaos_runner.targets.kubernetes.access import Cluster
from chaos_runner.targets.kubernetes.inside import FIRST, Inside, has_kill, processes
from chaos_runner.targets.kubernetes.kinds import Ref
from chaos_runner.targets.kubernetes.objects import Container, ContainerStatus, Pod

_DEFAULT: Final = "kubectl.kubernetes.io/default-container"
_MOST: Final = 20
"""Processes that one pattern may match in a container."""


def container_of(pod: Pod, name: str) -> ContainerStatus:
    """Which one is hit. Raises Refused for one that is not there, does not run, or would not be started again."""
    spec = pod.spec
    if spec.host_pid or spec.share_process_namespace:
        raise Refused(f"the containers of {pod.label} see the processes of others "
                      f"({'hostPID' if spec.host_pid else 'shareProcessNamespace'}): these might be hit")
    named = name or pod.metadata.annotations.get(_DEFAULT, "") or _only(pod)
    asked = next((one for one in spec.containers if one.name == named), None)
    status = next((one for one in pod.status.container_statuses if one.name == named), None)
    if asked is None:
        raise Refused(f"{pod.label} has no container {named!r}; there are: {_names(spec.containers)}")
    if (asked.restart_policy or spec.restart_policy) != "Always":
        raise Refused(f"container {named} of {pod.label} would not be started again whatever happens (restartPolicy "
                      f"{asked.restart_policy or spec.restart_policy})")
    if status is None or "running" not in status.state:
        raise Refused(f"container {named} of {pod.label} does not run now")
    return status


def _only(pod: Pod) -> str:
    if len(pod.spec.containers) > 1:
        raise Refused(f"{pod.label} has several containers: name one with `container`; there are: "
                      f"{_names(pod.spec.containers)}")
    return pod.spec.containers[0].name


def _names(containers: Sequence[Container]) -> str:
    return ", ".join(one.name for one in containers)


def processes_of(at: Cluster, ref: Ref, container: str, pattern: re.Pattern[str] | None,
                 signal: str) -> list[dict[str, Any]]:
    """The processes to hit, as an act keeps them. Raises Refused for what could not be signalled, and Forbidden."""
    there = processes(at, ref, container)
    if there is None and pattern is None and has_kill(at, ref, container):
        return [{"pid": FIRST, "started": "", "label": str(FIRST)}]
    if there is None:
        wanted = "sh" if pattern else "sh or kill"
        raise Refused(f"the image of container {container} of {ref.label} has no {wanted} that could send a signal")
    chosen = [one for one in there if (pattern.search(one.command or one.name) if pattern else one.pid == FIRST)]
    _check_chosen(ref, container, chosen, signal)
    return [{"pid": one.pid, "started": one.started, "label": one.label} for one in chosen]


def _check_chosen(ref: Ref, container: str, chosen: Sequence[Inside], signal: str) -> None:
    where = f"container {container} of {ref.label}"
    if not chosen:
        raise NoTarget(f"no process in {where} matches")
    if len(chosen) > _MOST:
        raise Refused(f"{len(chosen)} processes in {where} match, and {_MOST} are the most")
    for one in chosen:
        if not one.ours:
            raise Refused(f"process {one.label} in {where} is another user's, and could not be signalled")
        if one.pid == FIRST and not one.handles(signals.Signals[f"SIG{signal}"]):
            raise Refused(f"process {one.label}, the first in {where}, has no handler for {signal}, and the kernel "
                          "keeps from a first process what it does not handle: use another signal, or a `process` that "
                          "is not the first")
