"""Whom a policy of ours is for, and how it selects exactly them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import structs, to_builtins

from chaos_runner.contracts import Group
from chaos_runner.errors import NoEffect, Refused
from chaos_runner.faults.kubernetes._made import name_of
from chaos_runner.mark import Mark
from chaos_runner.targets.kubernetes.kinds import POD, Ref, workload_of
from chaos_runner.targets.kubernetes.objects import Pod, Selector, Whole
from chaos_runner.targets.kubernetes.pods import Chosen, PodTarget, pods_of, read_workload, ref_of
from chaos_runner.targets.kubernetes.policies import Way, policies_in
from chaos_runner.targets.kubernetes.rights import Hit
from chaos_runner.targets.kubernetes.spared import OPT_OUT, spared

_PREFIX = "chaos-runner.io"


class Selected(NamedTuple):
    """Whom one policy is for, how it selects them, and what labels limits look at."""

    ref: Ref
    selector: dict[str, Any]
    labels: dict[str, str]
    group: Group | None


def hits(chosen: Chosen, target: PodTarget, mark: Mark) -> list[Selected]:
    """The workload, where all of it is meant, else each of the pods. Raises Refused, NoTarget."""
    return [_whole(chosen, target)] if _is_whole(chosen, target) else [_single(chosen, pod, mark)
                                                                       for pod in chosen.pods]


def whole_or_pods(target: PodTarget, space: str) -> Hit:
    """What a policy would be for, as far as the target's words say it."""
    if not means_whole(target):
        return target.hits(space)
    kind, name = workload_of(target.workload)
    return Hit(kind, target.namespace or space, (name,))


def label_of(policy: str) -> str:
    """The label that a policy of this name selects single pods by."""
    return f"{_PREFIX}/{policy}"


def check_reachable(pods: Sequence[Pod]) -> None:
    """Raises Refused for pods that no policy concerns."""
    on_host = [pod.label for pod in pods if pod.spec.host_network]
    if on_host:
        raise Refused(f"{', '.join(on_host)}: on their node's own network, where no NetworkPolicy reaches them")


def check_alone(chosen: Chosen, ways: Sequence[Way]) -> None:
    """Policies add up: raises NoEffect where pods are cut off already, Refused where another keeps something open."""
    others = policies_in(chosen.cluster, _space(chosen))
    for pod in chosen.pods:
        for way in ways:
            there = [one for one in others if one.isolates(pod.metadata.labels, way)]
            named = ", ".join(one.metadata.name for one in there)
            if there and all(one.closes(way) for one in there):
                raise NoEffect(f"{pod.label} is already cut off ({way.lower()}) by the NetworkPolicy {named}")
            if there:
                raise Refused(f"the NetworkPolicy {named} says what {pod.label} may do ({way.lower()}), and policies "
                              f"only add up: one more would close nothing")


def means_whole(target: PodTarget) -> bool:
    """Whether it names a workload and nothing that would narrow that down."""
    narrowed = structs.replace(target, context="", namespace="", workload="", even_protected=False)
    return bool(target.workload) and narrowed == PodTarget()


def _is_whole(chosen: Chosen, target: PodTarget) -> bool:
    if not means_whole(target):
        return False
    return not any(spared(pod.metadata) for pod in pods_of(chosen.cluster, _space(chosen), target.workload))


def _whole(chosen: Chosen, target: PodTarget) -> Selected:
    at, space = chosen.cluster, _space(chosen)
    found = read_workload(at, space, target.workload)
    if spared(found.metadata):
        raise Refused(f"{target.workload} in {space} has opted out: it bears the label {OPT_OUT}")
    selector = found.spec.selector or Selector()
    _check_selector(chosen, target, selector)
    kind, _ = workload_of(target.workload)
    return Selected(ref_of(at, kind.name, found), to_builtins(selector), found.metadata.labels,
                    Group(name=f"all pods of {target.workload}", size=1))


def _check_selector(chosen: Chosen, target: PodTarget, selector: Selector) -> None:
    """A policy goes by labels alone, and not by who made a pod."""
    at, space = chosen.cluster, _space(chosen)
    own = {pod.metadata.uid for pod in pods_of(at, space, target.workload)}
    others = [one.metadata.name for one in at.list(POD.path(space), Whole, {"labelSelector": selector.text}).items
              if one.metadata.uid not in own]
    if others:
        raise Refused(f"the selector of {target.workload} ({selector.text}) means other pods as well: "
                      f"{', '.join(others[:3])}; with `percent: 100%` its pods are hit one by one")


def _single(chosen: Chosen, pod: Pod, mark: Mark) -> Selected:
    ref = chosen.ref(pod)
    selector = {"matchLabels": {label_of(name_of(mark, ref.uid)): mark.run}}
    return Selected(ref, selector, pod.metadata.labels, chosen.group)


def _space(chosen: Chosen) -> str:
    return chosen.pods[0].metadata.namespace
