"""kubernetes.container_kill: sends a signal to a process in a container; its kubelet starts the container again."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, to_builtins

from chaos_runner.contracts import (
    Act,
    Answer,
    Band,
    Candidate,
    Evidence,
    Example,
    Grade,
    Restored,
    Seconds,
    Setting,
)
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused
from chaos_runner.faults.kubernetes._containers import container_of, processes_of
from chaos_runner.faults.kubernetes._fault import KubernetesFault
from chaos_runner.faults.kubernetes._pods import pod_of, ref_of_act
from chaos_runner.faults.kubernetes._workloads import workloads_there
from chaos_runner.targets.kubernetes.access import ApiUnreachable, Cluster, Forbidden, same_cluster
from chaos_runner.targets.kubernetes.aftermath import events_about
from chaos_runner.targets.kubernetes.events import INJECTED, tell
from chaos_runner.targets.kubernetes.inside import FIRST, OTHER, Ran, processes, send
from chaos_runner.targets.kubernetes.kinds import POD, Ref
from chaos_runner.targets.kubernetes.objects import ContainerStatus
from chaos_runner.targets.kubernetes.pods import PodTarget, find
from chaos_runner.targets.kubernetes.rights import Need, Permissions
from chaos_runner.units import spoken_seconds

SIGNALS: Final = ("TERM", "KILL", "INT", "HUP", "QUIT", "ABRT")
LONGEST_S: Final = 45.0
"""An apply has a minute, and the API server needs some of it."""
_AGAIN_S: Final = 0.5


class ContainerKillArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`container`: by its name, where a pod has several. `signal`: TERM, KILL, INT, HUP, QUIT or ABRT; a container's
    first process cannot be hit by KILL. `process`: a regular expression for the command lines of what is hit instead of
    the first process. `within`: how long it may take to end.
    """

    container: str = ""
    signal: str = "TERM"
    process: str = ""
    within: Seconds = 30.0


class ContainerKill(KubernetesFault[PodTarget, ContainerKillArguments]):
    """Sends a signal from within the container, by exec: to its first process, with which it ends, or to others. The
    image needs `sh`, or `kill` for the first process alone: it is looked before anything is hit, and what could not
    work is refused. So is a container that would not be started again.
    """

    target = PodTarget
    arguments = ContainerKillArguments
    band = Band(word="killed")
    healed_by = "the kubelet, which starts the container again; other processes by what watches them in it"
    permissions = Permissions(do=(Need("get", POD), Need("create", POD, "exec"), Need("get", POD, "exec")))
    needs = "a Kubernetes cluster, the right to exec into its pods, and `sh` or `kill` in the image"
    example = Example(target={"namespace": "shop", "workload": "deployment/checkout", "count": 1},
                      arguments={"signal": "TERM"})

    def prepare(self, target: PodTarget, arguments: ContainerKillArguments, setting: Setting) -> list[Act]:
        pattern = _checked(arguments)
        found = find(target, setting.seed)
        aimed = [(pod, found.ref(pod), container_of(pod, arguments.container)) for pod in found.pods]
        self.check_allowed([ref for _, ref, _ in aimed], setting)
        return [Act(target=to_builtins(ref), was={"restarts": status.restart_count}, label=ref.label, group=found.group,
                    where=ref.where(pod.metadata.labels),
                    do={"container": status.name, "id": status.container_id, "signal": arguments.signal,
                        "within_s": arguments.within,
                        "hit": _whom(found.cluster, ref, status.name, pattern, arguments.signal, setting)})
                for pod, ref, status in aimed]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return workloads_there(given, {"count": 1})

    def apply(self, act: Act) -> Evidence:
        ref = ref_of_act(act)
        at = same_cluster(ref.context, ref.server)
        if not _runs(_status(at, ref, act), act):
            raise NoTarget(f"container {act.do['container']} of {ref.label} has ended, or was started again, before it "
                           "was hit")
        until_s = time.monotonic() + act.do["within_s"]
        sent = [_send(at, ref, act, one) for one in act.do["hit"]]
        if all(ran.status == OTHER for ran in sent):
            raise NoTarget(f"what was to be hit in {ref.label} has ended by itself")
        tell(at, ref, INJECTED, f"{self.name}: {act.do['signal']} to {_named(act)} in {act.do['container']}")
        return _evidence(act, _ended(at, ref, act, until_s), sent)

    def undo(self, act: Act) -> None:
        """Nothing: its kubelet starts it again."""

    def aftermath(self, act: Act, since: datetime) -> list[str]:
        ref = ref_of_act(act)
        at = same_cluster(ref.context, ref.server)
        there = _status(at, ref, act)
        told = [f"container {there.name}: {_fares(there)}, restarts {there.restart_count}"] if there else []
        return [*told, *events_about(at, ref, since)]

    def verify(self, act: Act) -> Restored:
        ref = ref_of_act(act)
        there = _status(same_cluster(ref.context, ref.server), ref, act)
        if there is None:
            return Restored(answer=Answer.GONE, diff=f"{ref.label} is gone")
        runs = "running" in there.state
        answer = Answer.RESTORED if runs else Answer.GONE
        return Restored(answer=answer, diff=f"container {there.name}: {_fares(there)}")


def _checked(arguments: ContainerKillArguments) -> re.Pattern[str] | None:
    """The pattern, if there is one. Raises Refused."""
    if arguments.signal not in SIGNALS:
        raise Refused(f"no signal that ends a process is called {arguments.signal!r} here; known: {', '.join(SIGNALS)}")
    if not 0 < arguments.within <= LONGEST_S:
        raise Refused(f"`within: {spoken_seconds(arguments.within)}`: up to {spoken_seconds(LONGEST_S)} is possible")
    if arguments.signal == "KILL" and not arguments.process:
        raise Refused("a container's first process cannot be hit by KILL from within: the kernel keeps it from it. Use "
                      "`signal: TERM`, or name a `process` that is not the first")
    try:
        return re.compile(arguments.process) if arguments.process else None
    except re.error as error:
        raise Refused(f"`process: {arguments.process}` is no regular expression: {error}") from error


def _whom(at: Cluster, ref: Ref, container: str, pattern: re.Pattern[str] | None, signal: str,
          setting: Setting) -> list[dict[str, Any]]:
    """Nothing of the processes is known to whoever makes a plan and may not look into containers."""
    try:
        return processes_of(at, ref, container, pattern, signal)
    except Forbidden:
        if not setting.looking:
            raise
        return []


def _send(at: Cluster, ref: Ref, act: Act, one: Mapping[str, Any]) -> Ran:
    """Nothing is known of a signal whose answer did not come: what is seen afterwards will tell."""
    try:
        return send(at, ref, act.do["container"], act.do["signal"], one["pid"], one["started"])
    except (ApiUnreachable, Gone) as problem:
        return Ran(None, problem=str(problem))


def _status(at: Cluster, ref: Ref, act: Act) -> ContainerStatus | None:
    pod = pod_of(at, ref)
    statuses = pod.status.container_statuses if pod else []
    return next((one for one in statuses if one.name == act.do["container"]), None)


def _runs(status: ContainerStatus | None, act: Act) -> bool:
    """Whether it is still the very container that was chosen."""
    return status is not None and status.container_id == act.do["id"] and "running" in status.state


def _ended(at: Cluster, ref: Ref, act: Act, until_s: float) -> str:
    """What has ended, in words; "" when nothing has in time."""
    first = any(one["pid"] == FIRST for one in act.do["hit"])
    while True:
        status = _status(at, ref, act)
        if not _runs(status, act):
            return _end_of(status, act)
        if not first and not _left(at, ref, act):
            return "; ".join(f"process {one['label']} has ended" for one in act.do["hit"]) + "; the container goes on"
        if time.monotonic() > until_s:
            return ""
        time.sleep(_AGAIN_S)


def _left(at: Cluster, ref: Ref, act: Act) -> bool:
    """Whether any of the processes is still there."""
    wanted = {(one["pid"], one["started"]) for one in act.do["hit"]}
    try:
        there = processes(at, ref, act.do["container"])
    except (Refused, Gone):
        return True
    return there is None or bool(wanted & {(one.pid, one.started) for one in there})


def _end_of(status: ContainerStatus | None, act: Act) -> str:
    if status is None:
        return "the pod is gone"
    ends = [end for state in (status.state, status.last_state) if (end := state.get("terminated"))]
    found: Mapping[str, Any] = next((end for end in ends if end.get("containerID") == act.do["id"]), {})
    code = f" with exit code {found['exitCode']} ({found.get('reason', 'no reason')})" if "exitCode" in found else ""
    return f"the container ended{code}; {_fares(status)}, restarts {status.restart_count}"


def _fares(status: ContainerStatus) -> str:
    """Its state in a few words: "running", "waiting (CrashLoopBackOff)"."""
    return ", ".join(_stated(status.state)) or "no state yet"


def _stated(state: Mapping[str, Any]) -> Iterator[str]:
    for word, more in state.items():
        reason = more.get("reason") if isinstance(more, dict) else ""
        yield f"{word} ({reason})" if reason else word


def _named(act: Act) -> str:
    return ", ".join(one["label"] for one in act.do["hit"])


def _evidence(act: Act, ended: str, sent: Sequence[Ran]) -> Evidence:
    """Proven by what has ended, whatever was said. Raises ActFailed for a signal that could not be sent."""
    before = f"running, restarts {act.was['restarts']}"
    if ended:
        return Evidence(before=before, after=ended)
    failed = [ran.said for ran in sent if ran.status != 0]
    if failed:
        raise ActFailed(f"{act.do['signal']} to {_named(act)} in {act.label}: {failed[0]}")
    waited = spoken_seconds(act.do["within_s"])
    return Evidence(grade=Grade.NONE, before=before,
                    after=f"{act.do['signal']} was sent to {_named(act)}, and nothing had ended {waited} later")
