"""When a rollout is complete: the rules of `kubectl rollout status`, and Argo's own word for its Rollouts."""

from collections.abc import Callable, Mapping
from typing import Final

from chaos_runner.contracts import BadQuestion
from chaos_runner.targets.kubernetes.kinds import Kind
from chaos_runner.targets.kubernetes.seen import SeenWorkload


def missing(kind: Kind, found: SeenWorkload) -> str:
    """What a complete rollout lacks. Empty when it is complete. Raises BadQuestion for a kind that rolls nothing out.
    """
    rule = _RULES.get(kind.name)
    if rule is None:
        raise BadQuestion(f"a {kind.name} rolls nothing out; it is for: {', '.join(_RULES)}")
    observed = str(found.status.observed_generation)  # Argo writes a text, which in old versions is no number
    if observed.isdigit() and int(observed) < found.metadata.generation:
        return "its newest spec has not been looked at yet"
    return rule(found)


def _deployment(found: SeenWorkload) -> str:
    status, wanted = found.status, found.wanted_replicas
    stuck = any(one.type == "Progressing" and one.reason == "ProgressDeadlineExceeded" for one in status.conditions)
    late = "its progress deadline is over; " if stuck else "paused; " if found.spec.paused else ""
    if status.updated_replicas < wanted:
        return f"{late}{status.updated_replicas} of {wanted} are updated"
    if status.replicas > status.updated_replicas:
        return f"{late}{status.replicas - status.updated_replicas} old ones are still there"
    if status.available_replicas < status.updated_replicas:
        return f"{late}{status.available_replicas} of {status.updated_replicas} updated ones are available"
    return ""


def _stateful_set(found: SeenWorkload) -> str:
    status, wanted = found.status, found.wanted_replicas
    if status.ready_replicas < wanted:
        return f"{status.ready_replicas} of {wanted} are ready"
    partition = int((found.spec.update_strategy.get("rollingUpdate") or {}).get("partition") or 0)
    if partition:
        updated = max(0, wanted - partition)
        return f"{status.updated_replicas} of {updated} are updated" if status.updated_replicas < updated else ""
    complete = status.update_revision == status.current_revision
    return "" if complete else f"{status.updated_replicas} of {wanted} are updated"


def _daemon_set(found: SeenWorkload) -> str:
    status = found.status
    wanted = status.desired_number_scheduled
    if status.updated_number_scheduled < wanted:
        return f"{status.updated_number_scheduled} of {wanted} are updated"
    return "" if status.number_available >= wanted else f"{status.number_available} of {wanted} are available"


def _argo(found: SeenWorkload) -> str:
    return "" if found.status.phase == "Healthy" else found.status.phase or "Argo has not said yet"


_RULES: Final[Mapping[str, Callable[[SeenWorkload], str]]] = {
    "deployment": _deployment, "statefulset": _stateful_set, "daemonset": _daemon_set, "rollout": _argo,
}
