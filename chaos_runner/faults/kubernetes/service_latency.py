"""kubernetes.service_latency: what a Service's pods answer arrives later; undo leads it straight to them again."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, convert, structs, to_builtins

from chaos_runner.contracts import (
    Act,
    Answer,
    Band,
    Candidate,
    Evidence,
    Example,
    Marked,
    PartlyRead,
    Restored,
    Seconds,
    Setting,
)
from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.faults.kubernetes._between import PROXY, Between, between, labels_of
from chaos_runner.faults.kubernetes._change import ChangeFault, Wanted, check_still
from chaos_runner.faults.kubernetes._detour import Detour, toxic_of
from chaos_runner.faults.kubernetes._made import Made, found, is_ours, name_of, remove
from chaos_runner.faults.kubernetes._proxiable import check_proxiable
from chaos_runner.faults.kubernetes._services import ServiceTarget, chosen_service, services_there
from chaos_runner.faults.proxy._toxic import whole_ms
from chaos_runner.mark import Mark, parse
from chaos_runner.targets.kubernetes.access import Cluster, Denied, cluster, same_cluster
from chaos_runner.targets.kubernetes.fields import Field, Path
from chaos_runner.targets.kubernetes.kinds import DEPLOYMENT, KINDS, POD, POLICY, SERVICE, SLICE, Kind, Ref
from chaos_runner.targets.kubernetes.marks import RUN, Told, told
from chaos_runner.targets.kubernetes.objects import Meta, Pod, Whole
from chaos_runner.targets.kubernetes.rights import DO, LOOK, UNDO, Demand, Hit, Need
from chaos_runner.targets.kubernetes.services import ready_endpoints, wait_until

_PATH: Final[Path] = ["spec", "selector"]
_SWAPPED_WITHIN_S: Final = 5.0
_BACK_WITHIN_S: Final = 6.0
_LINGER_S: Final = 1.0
"""Nodes hear of new endpoints a moment after everybody else."""
_LOOK: Final = (Need("list", POLICY), Need("list", POD))
_DO: Final = (*(Need(verb, kind) for verb in ("create", "get") for kind in (SERVICE, DEPLOYMENT)),
              Need("list", SLICE), Need("list", POD), Need("create", POD, "proxy"), Need("get", POD, "proxy"))
_UNDO: Final = (*(Need(verb, kind) for verb in ("delete", "get") for kind in (SERVICE, DEPLOYMENT)),
                Need("list", SLICE), Need("list", POD), Need("list", SERVICE))
_PARTS: Final = (SERVICE, DEPLOYMENT)


class ServiceLatencyArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How late, and how unevenly, everything arrives that the pods answer; and whose image the proxy is."""

    latency: Seconds
    jitter: Seconds = 0.0
    image: str = "ghcr.io/shopify/toxiproxy:2.12.0"


class ServiceLatency(ChangeFault[ServiceTarget, ServiceLatencyArguments]):
    """Puts a Toxiproxy of its own between a Service and its pods, by swapping the Service's selector once the proxy is
    ready. Hits connections that are made from then on; those that stand go on as they were, and those that go through
    the proxy end with the fault. The pods see the proxy's address as their client's.

    Refused for a headless Service, an ExternalName, one without a selector or with ports that are not TCP, one whose
    traffic stays on its node (`Local`), and where a NetworkPolicy may keep the proxy from its work.
    """

    target = ServiceTarget
    arguments = ServiceLatencyArguments
    band = Band(word="slow")
    kinds = (SERVICE,)
    needs = ("a Kubernetes cluster whose nodes can fetch the proxy's image, and the right to create and delete "
             "Deployments and Services, to patch Services, and to speak to pods through the API server (pods/proxy)")
    undone_by = "the Service's selector is swapped back, and the proxy is deleted once the pods are its endpoints"
    example = Example(target={"namespace": "shop", "service": "checkout"},
                      arguments={"latency": "200ms", "jitter": "20ms"})

    def wanted(self, target: ServiceTarget, arguments: ServiceLatencyArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        chosen = chosen_service(target)
        name = name_of(setting.mark)
        check_proxiable(chosen, labels_of(name, setting.mark))
        return [Wanted(chosen.at, chosen.ref, [Field(_PATH, {PROXY: name})])]

    def touches(self, path: Sequence[str | dict[str, str]]) -> bool:
        return list(path) == _PATH

    def prepare(self, target: ServiceTarget, arguments: ServiceLatencyArguments, setting: Setting) -> list[Act]:
        slow = {"latency_ms": whole_ms(arguments.latency), "jitter_ms": whole_ms(arguments.jitter)}
        if not any(slow.values()):
            raise Refused("a delay is 1 ms or more: 0 would delay nothing")
        (act,) = super().prepare(target, arguments, setting)
        chosen = chosen_service(target)
        parts = setting.mark.signed(setting.key, self.name, _itself(chosen.space, name_of(setting.mark)))
        put = between(chosen.service.spec, arguments.image)
        if not setting.looking:
            Detour(chosen.at, chosen.space, parts, self.name).try_out(put)
        return [structs.replace(act, do={**act.do, "parts": str(parts), "slow": slow, "between": to_builtins(put)})]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return services_there(given)

    def beside(self, hit: Hit) -> list[Demand]:
        return [Demand(purpose, need, hit.namespace)
                for purpose, needs in ((LOOK, _LOOK), (DO, _DO), (UNDO, _UNDO)) for need in needs]

    def apply(self, act: Act) -> Evidence:
        ref, detour = convert(act.target, Ref), self._detour(act)
        before = len(ready_endpoints(detour.at, ref.namespace, ref.name))
        check_still(act)
        try:
            put = convert(act.do["between"], Between)
            pod = detour.open(put)
            slowed = detour.slow(pod, put, toxic_of(act))
            super().apply(act)
            _check_swapped(detour.at, ref, pod)
        except (Refused, Gone) as problem:  # something has been made by now
            raise ActFailed(str(problem)) from problem
        return Evidence(before=f"ready endpoints: {before}",
                        after=f"read back: {slowed}; the only endpoint is {pod.label}")

    def undo(self, act: Act) -> None:
        try:
            if _is_part(act):
                self._undo_part(act)
            else:
                super().undo(act)
                self._close(act)
        except Denied as denied:
            raise ActFailed(str(denied)) from denied

    def verify(self, act: Act) -> Restored:
        if _is_part(act):
            made = _made(act)
            there = is_ours(made, act.do["mark"])
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{made.label} is still there") if there else \
                Restored(answer=Answer.RESTORED if found(made) is None else Answer.DRIFT)
        left = self._detour(act).left()
        back = super().verify(act)
        if left and back.answer is not Answer.NOT_RESTORED:
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{' and '.join(left)} is still there")
        return back

    def by_hand(self, act: Act) -> str:
        ref = convert(act.target, Ref)
        if _is_part(act):
            return ref.command("delete")
        name = name_of(_mark(act))
        parts = [structs.replace(ref, kind=kind.name, name=name).command("delete") for kind in (DEPLOYMENT, SERVICE)]
        (field,) = act.was["fields"]  # merged with what is there, so the proxy's label has to be taken out
        merged = structs.replace(act, was={"fields": [{**field, "value": {**(field.get("value") or {}), PROXY: None}}]})
        return "; ".join([super().by_hand(merged), *parts])

    def marked(self, where: str) -> list[Marked]:
        """The Services that lead through a proxy of ours, then the parts of such a detour, each by itself: those alone
        may be left.
        """
        at, unread = cluster(where), list[str]()
        try:
            found = super().marked(where)
        except PartlyRead as partly:
            found, unread = list(partly.found), list(partly.unread)
        found = [one for one in found if not _is_part(one.act)]
        for kind in _PARTS:
            try:
                found += [self._part(at, kind, one.metadata, said, where)
                          for one in at.list(kind.path(""), Whole, {"labelSelector": RUN}).items
                          if (said := told(one.metadata)) and said.fault == self.name and "fields" not in said.do]
            except Denied as denied:
                unread.append(str(denied))
        if unread:
            raise PartlyRead(unread, found)
        return found

    def _part(self, at: Cluster, kind: Kind, meta: Meta, said: Told, where: str) -> Marked:
        ref = Ref(context=at.context, server=at.server, kind=kind.name, namespace=meta.namespace, name=meta.name,
                  uid=meta.uid)
        doubt = "" if meta.name == name_of(said.mark) else f"{self.name} would have called it otherwise"
        act = Act(target=to_builtins(ref), do={"mark": str(said.mark)}, was={}, label=ref.label)
        return Marked(mark=said.mark, act=act, fault=self.name, where=where, target=_itself(meta.namespace, meta.name),
                      doubt=doubt)

    def _doubt(self, act: Act) -> str:
        """Beside the fields, the Service must lead to a proxy of the very run and step that the mark names."""
        mark = parse(act.do["mark"])
        parts = parse(str(act.do.get("parts", "")))
        if mark is None or parts is None or (parts.run, parts.number) != (mark.run, mark.number):
            return f"{self.name} never writes such a mark"
        return super()._doubt(act)

    def _detour(self, act: Act) -> Detour:
        ref, parts = convert(act.target, Ref), parse(act.do["parts"])
        if parts is None:
            raise ActFailed(f"{act.label}: {act.do['parts']!r} is no mark of ours")
        return Detour(same_cluster(ref.context, ref.server), ref.namespace, parts, self.name)

    def _close(self, act: Act) -> None:
        """Waits until the pods have the Service's traffic again, if they ever do, and takes the detour away."""
        ref, detour = convert(act.target, Ref), self._detour(act)
        if not detour.left():
            return
        if super().verify(act).answer is Answer.RESTORED:
            ours = detour.uids()
            wait_until(lambda: {one.uid for one in ready_endpoints(detour.at, ref.namespace, ref.name)} - ours != set(),
                       _BACK_WITHIN_S)
            time.sleep(_LINGER_S)
        detour.close()

    def _undo_part(self, act: Act) -> None:
        ref, made = convert(act.target, Ref), _made(act)
        Detour(made.at, ref.namespace, _mark(act), self.name).check_bypassed()
        remove(made, act.do["mark"])


def _check_swapped(at: Cluster, ref: Ref, pod: Pod) -> None:
    def _through_us() -> bool:
        return {one.uid for one in ready_endpoints(at, ref.namespace, ref.name)} == {pod.metadata.uid}

    if not wait_until(_through_us, _SWAPPED_WITHIN_S):
        raise ActFailed(f"{ref.label} does not lead to {pod.label} alone, although its selector says so")


def _is_part(act: Act) -> bool:
    """Whether it is about something that a detour is made of, found by its own mark, and not about a whole one."""
    return "fields" not in act.do


def _made(act: Act) -> Made:
    ref = convert(act.target, Ref)
    return Made(same_cluster(ref.context, ref.server), KINDS[ref.kind], ref.namespace, ref.name)


def _mark(act: Act) -> Mark:
    mark = parse(act.do["mark"])
    if mark is None:
        raise ActFailed(f"{act.label}: {act.do['mark']!r} is no mark of ours")
    return mark


def _itself(namespace: str, name: str) -> str:
    """What a part's mark is signed for: it has no UID before it is made, and no other can have its name."""
    return f"{namespace}/{name}"
