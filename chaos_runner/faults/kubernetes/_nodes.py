"""What faults on nodes share: values in a node's spec, which are undone, and the pods that lose their place by them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct, convert, structs, to_builtins

from chaos_runner.contracts import Act, Candidate, Evidence, Seconds
from chaos_runner.errors import ActFailed, NoEffect, Refused
from chaos_runner.faults.kubernetes._change import ChangeFault, Wanted
from chaos_runner.faults.kubernetes._evicting import EVICT, LOOKS, Emptying, empty
from chaos_runner.faults.kubernetes._tainting import Driving, away
from chaos_runner.targets.kubernetes.access import Cluster, Denied, same_cluster
from chaos_runner.targets.kubernetes.fields import Field, Path
from chaos_runner.targets.kubernetes.kinds import NODE, Ref
from chaos_runner.targets.kubernetes.leaving import BOUND, leaving, spoken
from chaos_runner.targets.kubernetes.marks import KEYS
from chaos_runner.targets.kubernetes.nodes import ChosenNodes, NodeTarget, offered
from chaos_runner.targets.kubernetes.objects import Node, Pod, Taint
from chaos_runner.targets.kubernetes.pods import ref_of
from chaos_runner.targets.kubernetes.rights import Aim, Need, Permissions

CORDON: Final[Path] = ["spec", "unschedulable"]
_TAINTS: Final[Path] = ["spec", "taints"]
_RESERVED: Final = ("kubernetes.io", "k8s.io")
_CHANGE: Final = Permissions(look=(Need("get", NODE),), do=(Need("patch", NODE),),
                             undo=(Need("get", NODE), Need("patch", NODE)))
TO_TAINT: Final = _CHANGE._replace(look=(*_CHANGE.look, *LOOKS))
TO_EMPTY: Final = TO_TAINT._replace(do=(*TO_TAINT.do, EVICT))
T = TypeVar("T", bound=Aim)
A = TypeVar("A")


class EmptiedTarget(NodeTarget, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Which nodes, as for other faults on nodes; `even-protected` spares no namespace, kube-system included."""

    even_protected: bool = False


class DrainArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`deadline`: how long pods that a budget keeps are asked for again, and the others waited for, 50 s at most.
    `grace`: how long each may take to end; without it they have the time that they ask for.
    """

    deadline: Seconds = 45.0
    grace: Seconds | None = None


class NodeFault(ChangeFault[T, A], Generic[T, A]):
    """Other values in the specs of nodes. What an act's `do` says beside them, evictions, comes after them."""

    kinds = (NODE,)
    needs = "a Kubernetes cluster, and the right to change its nodes"

    permissions = _CHANGE

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return [Candidate(target={"names": [node.label]}, label=f"node {node.label}")
                for node in offered(str(given.get("context", ""))) if node.label in given.get("names", [node.label])]

    def notes(self, acts: Sequence[Act]) -> list[str]:
        """What is known of the pods there, where they have to leave."""
        return super().notes(acts) if any(key in act.do for act in acts for key in ("evict", "drives")) else []

    def apply(self, act: Act) -> Evidence:
        began_s = time.monotonic()
        changed = super().apply(act)
        try:
            more = _emptied(act, began_s) if "evict" in act.do else _driven(act) if "drives" in act.do else None
        except Denied as denied:  # refusing would say that nothing was changed
            raise ActFailed(str(denied)) from denied
        return changed if more is None else Evidence(
            grade=more.grade, before=f"{changed.before}; {more.before}", after=f"{changed.after}; {more.after}")

    def by_hand(self, act: Act) -> str:
        ref = convert(act.target, Ref)
        back = [_back(ref, convert(field, Field)) for field in act.was["fields"]]
        return " && ".join([*back, ref.command("annotate", *(f"{key}-" for key in KEYS))])


def cordoned() -> Field:
    """A node that takes no new pods."""
    return Field(CORDON, value=True)


def tainted(taint: Taint) -> Field:
    """A node that has this taint. Raises Refused for one that Kubernetes keeps itself."""
    if _is_reserved(taint.key):
        raise Refused(f"the taint {taint.key} is kept by Kubernetes itself, which would take it away again: choose a "
                      "key of your own")
    return Field([*_TAINTS, {"key": taint.key, "effect": taint.effect}], to_builtins(taint))


def is_taint(path: Sequence[str | dict[str, str]]) -> bool:
    """Whether a path leads to a taint that could be ours."""
    *parents, last = path
    return parents == _TAINTS and isinstance(last, dict) and set(last) == {"key", "effect"} and (
        not _is_reserved(last["key"]))


def on_each(found: ChosenNodes, field: Field, nodes: Sequence[Node]) -> list[Wanted]:
    """That value for each of these nodes."""
    return [Wanted(found.cluster, ref_of(found.cluster, NODE.name, node), [field], found.group) for node in nodes]


def then_emptied(acts: list[Act], arguments: DrainArguments, *, even_protected: bool) -> list[Act]:
    """The same, and after the last of them all these nodes are emptied together: a pod that has to leave one must not
    come to the next. Raises NoEffect when nothing is to be evicted.
    """
    at, names = _at(acts[0]), _names(acts)
    there = leaving(at, names, even_protected=even_protected)
    if not there.going:
        beside = f"; {spoken(there.staying)}" if there.staying else ""
        raise NoEffect(f"no pod that could be evicted runs on {', '.join(names)}{beside}")
    order = Emptying(nodes=names, deadline_s=arguments.deadline, even_protected=even_protected,
                     grace_s=None if arguments.grace is None else round(arguments.grace))
    return _after_all(_reaching(acts, there.going), "evict", order)


def then_driven(acts: list[Act], taint: Taint, *, even_protected: bool) -> list[Act]:
    """The same, for a taint that drives pods away; after the last of them it is seen whether it has.

    Raises Refused when it would drive away whom we spare.
    """
    at = _at(acts[0])
    there = leaving(at, _names(acts), even_protected=even_protected)
    spared = [(pod, why) for pod, why in there.staying if why not in BOUND and not taint.is_borne_by(pod)]
    if spared:
        raise Refused(f"the taint {taint.key} would drive away pods that must stay: {spoken(spared)}")
    going = [pod for pod in there.going if not taint.is_borne_by(pod)]
    return _after_all(_reaching(acts, going), "drives", Driving(nodes=_names(acts), pods=len(going), taint=taint))


def _after_all(acts: Sequence[Act], key: str, order: Struct) -> list[Act]:
    *others, last = acts
    return [*others, structs.replace(last, do={**last.do, key: to_builtins(order)})]


def _reaching(acts: Sequence[Act], going: Sequence[Pod]) -> list[Act]:
    spaces = sorted({pod.metadata.namespace for pod in going})
    return [structs.replace(act, where=structs.replace(act.where, namespaces=spaces)) for act in acts]


def _emptied(act: Act, began_s: float) -> Evidence:
    order = convert(act.do["evict"], Emptying)
    return empty(_at(act), order, began_s + order.deadline_s)


def _driven(act: Act) -> Evidence:
    return away(_at(act), convert(act.do["drives"], Driving))


def _names(acts: Sequence[Act]) -> list[str]:
    return [act.target["name"] for act in acts]


def _at(act: Act) -> Cluster:
    ref = convert(act.target, Ref)
    return same_cluster(ref.context, ref.server)


def _is_reserved(key: str) -> bool:
    domain = key.rpartition("/")[0]
    return any(domain == name or domain.endswith(f".{name}") for name in _RESERVED)


def _back(ref: Ref, was: Field) -> str:
    if was.path == CORDON:
        return _typed(ref, "uncordon" if was.value is None else "cordon", ref.name)
    named: Any = was.path[-1]
    if was.value is None:
        return _typed(ref, "taint", "node", ref.name, f"{named['key']}:{named['effect']}-")
    return _typed(ref, "taint", "--overwrite", "node", ref.name,
                  f"{named['key']}={was.value.get('value', '')}:{named['effect']}")


def _typed(ref: Ref, *words: str) -> str:
    return " ".join(["kubectl", "--context", ref.context, *words])
