"""Leases on groups of targets: another run of ours on the same group is kept off while one has hold of it.

A group is known by the UID of what its members belong to: a workload for its pods, else the object itself. The Lease
expires with its run's mark, and whoever comes then takes it over. It keeps nobody else from anything.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.mark import NO_KEY, Key, Mark
from chaos_runner.targets.kubernetes.access import Cluster, Conflict, Denied
from chaos_runner.targets.kubernetes.kinds import LEASE, POD, REPLICASET, Ref, body_of
from chaos_runner.targets.kubernetes.marks import EXPIRES, annotations, told
from chaos_runner.targets.kubernetes.objects import Meta, Whole
from chaos_runner.targets.kubernetes.rights import Need

LEASES: Final = "chaos-runner-"
"""How the names of our Leases begin; the UID of the group follows."""
HOLD: Final = (Need("create", LEASE), Need("get", LEASE), Need("update", LEASE))
LET_GO: Final = (Need("list", LEASE), Need("delete", LEASE))
LABEL: Final = "chaos-runner.io/run"
_MOMENT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_TRIES: Final = 3
_GROUPS: Final[dict[tuple[str, str], str]] = {}
"""What was found out of pods, by server and UID: the workload of a pod does not change."""


class _Spec(Struct, frozen=True, rename="camel"):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    renew_time: datetime | None = None
    lease_transitions: int | None = None


class Lease(Struct, frozen=True):
    """Who holds a group, and until when."""

    metadata: Meta
    spec: _Spec = _Spec()

    @property
    def run(self) -> str:
        """The run that holds it. Empty when nobody does."""
        return self.spec.holder_identity or ""

    @property
    def until(self) -> datetime:
        """When it expires: never later than its holder has said."""
        begins = self.spec.renew_time or datetime.min.replace(tzinfo=UTC)
        return begins + timedelta(seconds=self.spec.lease_duration_seconds or 0)

    def keeps_off(self, run: str, now: datetime) -> bool:
        """Whether that run has to stay away."""
        return self.run not in ("", run) and self.until > now

    @property
    def said(self) -> str:
        """Who holds it, in words."""
        what = (found.do.get("holds") if (found := told(self.metadata)) else "") or "a group of targets"
        return (f"run {self.run} has hold of what {what} belongs to, until {self.until:%Y-%m-%dT%H:%M:%SZ} (lease "
                f"{self.metadata.namespace}/{self.metadata.name})")


def hold(at: Cluster, ref: Ref, mark: Mark, fault: str, key: Key = NO_KEY) -> None:
    """Takes hold of the group of what is hit, for the mark's run and until it expires. Again is harmless.

    Raises Refused when another run has hold of it. Whoever may not write Leases does without.
    """
    if not ref.namespace or not ref.uid:
        return None
    for _ in range(_TRIES):
        try:
            return _take(at, ref, mark, fault, key)
        except Conflict:
            continue  # somebody else wrote meanwhile: look again
        except Denied:
            return None
    raise Refused(f"others keep writing the lease of {ref.label}'s group")


def let_go(at: Cluster, namespace: str, run: str) -> None:
    """Deletes the Leases that this run holds in a namespace, and no others. Raises ActFailed."""
    try:
        for lease in at.list(LEASE.path(namespace), Lease, {"labelSelector": f"{LABEL}={run}"}).items:
            if lease.run == run and lease.metadata.name.startswith(LEASES):
                delete(at, lease.metadata)
    except Denied as denied:
        raise ActFailed(str(denied)) from denied


def delete(at: Cluster, meta: Meta) -> None:
    """Deletes that very Lease, as it was read. One that is gone, or another's by now, is fine."""
    options = {"preconditions": {"uid": meta.uid, "resourceVersion": meta.resource_version}}
    try:
        at.delete(LEASE.path(meta.namespace, meta.name), options)
    except (Gone, Conflict):
        return


def ours(at: Cluster, namespace: str) -> list[Lease]:
    """All Leases of ours, in a namespace or ("") anywhere. Raises Denied and ApiUnreachable."""
    found = at.list(LEASE.path(namespace), Lease).items
    return [one for one in found if one.metadata.name.startswith(LEASES) and one.run]


def check_free(at: Cluster, refs: Sequence[Ref], run: str, now: datetime) -> None:
    """Raises Refused when another run has hold of one of their groups. Whoever may not list Leases is told of none."""
    for namespace in dict.fromkeys(ref.namespace for ref in refs if ref.namespace):
        try:
            taken = {one.metadata.name: one for one in ours(at, namespace) if one.keeps_off(run, now)}
        except Denied:
            continue
        for ref in (one for one in refs if taken and one.namespace == namespace):
            if found := taken.get(_name(at, ref)):
                raise Refused(f"{ref.label}: {found.said}")


def _take(at: Cluster, ref: Ref, mark: Mark, fault: str, key: Key) -> None:
    name, now = _name(at, ref), datetime.now(UTC)
    wanted = _wanted(ref, name, mark.signed(key, fault, f"{ref.namespace}/{name}"), fault, now)
    try:
        at.create(LEASE.path(ref.namespace), wanted)
    except Conflict:
        there = _read(at, ref.namespace, name)
        if there is None:
            raise
        if there.keeps_off(mark.run, now):
            raise Refused(f"{ref.label}: {there.said}") from None
        if there.run != mark.run or there.metadata.annotations.get(EXPIRES) != mark.expires:
            _take_over(at, there, wanted)


def _take_over(at: Cluster, there: Lease, wanted: Mapping[str, Any]) -> None:
    """In the place of one that has expired. Raises Conflict when somebody was sooner."""
    meta = there.metadata
    metadata = {**wanted["metadata"], "resourceVersion": meta.resource_version, "uid": meta.uid}
    spec = {**wanted["spec"], "leaseTransitions": (there.spec.lease_transitions or 0) + 1}
    at.replace(LEASE.path(meta.namespace, meta.name), {**wanted, "metadata": metadata, "spec": spec})


def _read(at: Cluster, namespace: str, name: str) -> Lease | None:
    try:
        return at.get(LEASE.path(namespace, name), Lease)
    except Gone:
        return None


def _wanted(ref: Ref, name: str, mark: Mark, fault: str, now: datetime) -> dict[str, Any]:
    left_s = (datetime.strptime(mark.expires, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) - now).total_seconds()
    when = now.strftime(_MOMENT)
    return body_of(LEASE, metadata={"name": name, "namespace": ref.namespace, "labels": {LABEL: mark.run},
                                    "annotations": annotations(mark, fault, {"holds": ref.label}, {})},
                   spec={"holderIdentity": mark.run, "leaseDurationSeconds": max(1, int(left_s)), "acquireTime": when,
                         "renewTime": when, "leaseTransitions": 0})


def _name(at: Cluster, ref: Ref) -> str:
    return f"{LEASES}{_group(at.within(0.0), ref) if ref.kind == POD.name else ref.uid}"


def _group(at: Cluster, ref: Ref) -> str:
    """The UID of the workload that a pod belongs to, as far as that can be seen; its own without one."""
    found = _GROUPS.get((at.server, ref.uid))
    return found or _GROUPS.setdefault((at.server, ref.uid), _found_group(at, ref))


def _found_group(at: Cluster, ref: Ref) -> str:
    try:
        owner = at.get(ref.path, Whole).metadata.owner
    except (Gone, Refused):
        return ref.uid
    if owner is None:
        return ref.uid
    try:
        above = (at.get(REPLICASET.path(ref.namespace, owner.name), Whole).metadata.owner
                 if owner.kind == REPLICASET.camel else None)
    except (Gone, Refused):
        return owner.uid
    return above.uid if above else owner.uid
