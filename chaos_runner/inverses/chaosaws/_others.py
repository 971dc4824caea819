"""IAM, Route 53, S3, EMR and FIS: the few actions that the package has for each."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import msgspec

from chaos_runner.errors import Gone, NoTarget, Refused
from chaos_runner.inverses.chaosaws._inverse import Arguments, Find
from chaos_runner.inverses.chaosaws._settings import Settings, Values, Wish
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need
from chaos_runner.targets.aws.waiting import wait

# ── IAM ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Role(Settings):
    """Whether each policy, by its ARN, is attached to a role."""

    kind = "IAM role"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        there = set(at.every("iam", "list_attached_role_policies", "AttachedPolicies[].PolicyArn", RoleName=thing))
        return {key: key in there for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        for arn, attached in values.items():
            at.ask("iam", f"{'attach' if attached else 'detach'}_role_policy", RoleName=thing, PolicyArn=arn)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        arn = f"arn:aws:iam::{ref.account}:role/{ref.thing}"
        return [Need(f"iam:{'Attach' if attached else 'Detach'}RolePolicy", on=arn) for attached in was.values()]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return " && ".join(ref.command("iam", f"{'attach' if attached else 'detach'}-role-policy", "--role-name",
                                       ref.thing, "--policy-arn", arn) for arn, attached in was.items())


class _Policy(Settings):
    """What a policy says; None when there is none of that ARN."""

    kind = "IAM policy"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        try:
            version = at.ask("iam", "get_policy", PolicyArn=thing)["Policy"]["DefaultVersionId"]
            found = at.ask("iam", "get_policy_version", PolicyArn=thing, VersionId=version)
        except Gone:
            return dict.fromkeys(keys)
        return dict.fromkeys(keys, found["PolicyVersion"]["Document"])

    def write(self, at: Account, thing: str, values: Values) -> None:
        at.ask("iam", "delete_policy", PolicyArn=thing)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("iam:DeletePolicy", on=ref.thing)]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return ref.command("iam", "delete-policy", "--policy-arn", ref.thing)


ROLE: Final = _Role()
POLICY: Final = _Policy()


def attached(*, attached: bool) -> Find:
    """A policy that is attached to a role, or detached from it."""
    def find(at: Account, given: Arguments) -> Iterator[Wish]:
        yield Wish(ROLE, given["role_name"], {given["arn"]: attached})

    return find


def policy_made(at: Account, given: Arguments) -> Iterator[Wish]:
    """A policy that is made, where there is none of that name: else the package fails."""
    arn = f"arn:aws:iam::{at.number}:policy{given.get('path') or '/'}{given['name']}"
    if POLICY.read(at, arn, ["document"])["document"] is None:
        yield Wish(POLICY, arn, {"document": given["policy"]}, given["name"])


# ── Route 53 ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Zone(Settings):
    """Whether each VPC ("eu-central-1 vpc-1") is associated with a private zone."""

    kind = "hosted zone"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        zone = at.ask("route53", "get_hosted_zone", Id=thing)
        there = {f"{one['VPCRegion']} {one['VPCId']}" for one in zone.get("VPCs", ())}
        return {key: key in there for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        for key, wanted in values.items():
            region, vpc = key.split()
            verb = "associate_vpc_with" if wanted else "disassociate_vpc_from"
            at.ask("route53", f"{verb}_hosted_zone", HostedZoneId=thing, VPC={"VPCRegion": region, "VPCId": vpc})

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        arn = f"arn:aws:route53:::hostedzone/{ref.thing}"
        return [Need(f"route53:{'AssociateVPCWith' if wanted else 'DisassociateVPCFrom'}HostedZone", on=arn)
                for wanted in was.values()]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return " && ".join(
            ref.command("route53", f"{'associate-vpc-with' if wanted else 'disassociate-vpc-from'}-hosted-zone",
                        "--hosted-zone-id", ref.thing, "--vpc", "VPCRegion={},VPCId={}".format(*key.split()))
            for key, wanted in was.items())


ZONE: Final = _Zone()


def associated(*, associated: bool) -> Find:
    """A VPC in which a private zone answers, or does not any more."""
    def find(at: Account, given: Arguments) -> Iterator[Wish]:
        yield Wish(ZONE, given["zone_id"], {f"{given['vpc_region']} {given['vpc_id']}": associated})

    return find


# ── S3 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Bucket(Settings):
    """Whether it keeps versions. One that never did cannot be told from one that does not any more: for what is written
    from then on both are alike.
    """

    kind = "bucket"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        return {key: at.ask("s3", "get_bucket_versioning", Bucket=thing).get("Status") == "Enabled" for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        for wanted in values.values():
            at.ask("s3", "put_bucket_versioning", Bucket=thing,
                   VersioningConfiguration={"Status": "Enabled" if wanted else "Suspended"})

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("s3:PutBucketVersioning", on=f"arn:aws:s3:::{ref.thing}")]

    def by_hand(self, ref: Ref, was: Values) -> str:
        status = "Enabled" if all(was.values()) else "Suspended"
        return ref.command("s3api", "put-bucket-versioning", "--bucket", ref.thing, "--versioning-configuration",
                           f"Status={status}")


class _Object(Settings):
    """The version of an object that is read when none is named; "" where that says that it is deleted.

    The thing is "bucket/key": a bucket's name has no slash in it.
    """

    kind = "object"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        bucket, _, name = thing.partition("/")
        versions = at.ask("s3", "list_object_versions", Bucket=bucket, Prefix=name, MaxKeys=1000)
        latest = [one["VersionId"] for one in versions.get("Versions", ()) if one["Key"] == name and one["IsLatest"]]
        return dict.fromkeys(keys, latest[0] if latest else "")

    def write(self, at: Account, thing: str, values: Values) -> None:
        """Takes the marks of deletion away that lie on the version."""
        bucket, _, name = thing.partition("/")
        versions = at.ask("s3", "list_object_versions", Bucket=bucket, Prefix=name, MaxKeys=1000)
        for one in versions.get("DeleteMarkers", ()):
            if one["Key"] == name and one["IsLatest"]:
                at.ask("s3", "delete_object", Bucket=bucket, Key=name, VersionId=one["VersionId"])

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("s3:DeleteObjectVersion", on=f"arn:aws:s3:::{ref.thing}")]

    def by_hand(self, ref: Ref, was: Values) -> str:
        """The version of the mark is known only afterwards."""
        return ""


BUCKET: Final = _Bucket()
OBJECT: Final = _Object()


def versioned(at: Account, given: Arguments) -> Iterator[Wish]:
    """A bucket that keeps versions, or does not any more. Without `status` it is turned over."""
    bucket = given["bucket_name"]
    there = at.ask("s3", "get_bucket_versioning", Bucket=bucket)
    if there.get("MFADelete") == "Enabled" or given.get("mfa_delete"):
        raise Refused(f"bucket {bucket} takes a code of a device for its versioning, which nobody has in the "
                      "undo")
    wanted = given.get("status") or ("Enabled" if there.get("Status") == "Suspended" else "Suspended")
    yield Wish(BUCKET, bucket, {"versioning": wanted == "Enabled"})


def object_deleted(at: Account, given: Arguments) -> Iterator[Wish]:
    """An object that is marked as deleted, in a bucket that keeps versions."""
    bucket, name = given["bucket_name"], given["object_key"]
    try:
        at.ask("s3", "head_object", Bucket=bucket, Key=name)
    except (Gone, Refused) as gone:
        raise NoTarget(f"there is no object {name} in {bucket}") from gone
    if given.get("version_id") or at.ask("s3", "get_bucket_versioning", Bucket=bucket).get("Status") != "Enabled":
        raise Refused(f"object {bucket}/{name} would be lost for good: its bucket keeps no versions, or the version "
                      "itself is deleted")
    yield Wish(OBJECT, f"{bucket}/{name}", {"version": ""})


# ── EMR ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_STEPS: Final = "StepConcurrencyLevel"
_INSTANCES: Final = "instances"
_ON_DEMAND: Final = "TargetOnDemandCapacity"
_SPOT: Final = "TargetSpotCapacity"


class _Cluster(Settings):
    """An EMR cluster, or one of its instance groups or fleets: "j-1", "j-1/groups/ig-1", "j-1/fleets/if-1"."""

    kind = "EMR cluster"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        cluster, _, part = thing.partition("/")
        found = _part(at, cluster, part) if part else at.ask("emr", "describe_cluster", ClusterId=cluster)["Cluster"]
        seen = {_INSTANCES: found.get("RequestedInstanceCount"), **found}
        return {key: seen.get(key) for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        cluster, _, part = thing.partition("/")
        if not part:
            at.ask("emr", "modify_cluster", ClusterId=cluster, StepConcurrencyLevel=values[_STEPS])
        elif _INSTANCES in values:
            at.ask("emr", "modify_instance_groups", ClusterId=cluster,
                   InstanceGroups=[{"InstanceGroupId": _id(part), "InstanceCount": values[_INSTANCES]}])
        else:
            at.ask("emr", "modify_instance_fleet", ClusterId=cluster,
                   InstanceFleet={"InstanceFleetId": _id(part), **values})

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        arn = f"arn:aws:elasticmapreduce:{ref.region}:{ref.account}:cluster/{ref.thing.partition('/')[0]}"
        action = {_STEPS: "Cluster", _INSTANCES: "InstanceGroups"}.get(next(iter(was)), "InstanceFleet")
        return [Need(f"elasticmapreduce:Modify{action}", on=arn)]

    def by_hand(self, ref: Ref, was: Values) -> str:
        cluster, _, part = ref.thing.partition("/")
        at = ("--cluster-id", cluster)
        if not part:
            return ref.command("emr", "modify-cluster", *at, "--step-concurrency-level", str(was[_STEPS]))
        said = {"InstanceGroupId": _id(part), "InstanceCount": was[_INSTANCES]} if _INSTANCES in was else {
            "InstanceFleetId": _id(part), **was}
        words = ",".join(f"{key}={value}" for key, value in said.items())
        if _INSTANCES in was:
            return ref.command("emr", "modify-instance-groups", *at, "--instance-groups", words)
        return ref.command("emr", "modify-instance-fleet", *at, "--instance-fleet", words)


def _part(at: Account, cluster: str, part: str) -> dict[str, Any]:
    what, _, number = part.partition("/")
    for one in at.every("emr", f"list_instance_{what}", f"Instance{what.title()}[]", ClusterId=cluster):
        if one["Id"] == number:
            found: dict[str, Any] = one
            return found
    raise Gone(f"the EMR cluster {cluster} has no {part}")


def _id(part: str) -> str:
    return part.partition("/")[2]


CLUSTER: Final = _Cluster()


def steps_at_once(at: Account, given: Arguments) -> Iterator[Wish]:
    """So many steps of a cluster at once."""
    yield Wish(CLUSTER, given["cluster_id"], {_STEPS: int(given["concurrency"])})


def group_resized(at: Account, given: Arguments) -> Iterator[Wish]:
    """So many instances of a group."""
    yield Wish(CLUSTER, f"{given['cluster_id']}/groups/{given['group_id']}", {_INSTANCES: int(given["instance_count"])})


def fleet_resized(at: Account, given: Arguments) -> Iterator[Wish]:
    """So much of a fleet. The package leaves out what is nought."""
    wanted = {_ON_DEMAND: given.get("on_demand_capacity"), _SPOT: given.get("spot_capacity")}
    yield Wish(CLUSTER, f"{given['cluster_id']}/fleets/{given['fleet_id']}",
               {key: int(value) for key, value in wanted.items() if value})


# ── FIS ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

_OVER: Final = ("completed", "stopped", "failed", "cancelled")
_RUNS: Final = "runs since"
FIS_S: Final = 300.0
"""How long FIS may take to bring back what an experiment of it has done."""


class _Template(Settings):
    """Whether there is an experiment of a template that runs, and did not when it was looked at: their ids are in the
    setting's name.
    """

    kind = "FIS template"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        running = _running(at, thing)
        return {key: bool(running - {*msgspec.json.decode(key.removeprefix(_RUNS))}) for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        for key in values:
            for one in sorted(_running(at, thing) - {*msgspec.json.decode(key.removeprefix(_RUNS))}):
                _stop(at, one)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("fis:StopExperiment", on=f"arn:aws:fis:{ref.region}:{ref.account}:experiment/*")]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return ref.command("fis", "list-experiments", "--experiment-template-id", ref.thing)


def _running(at: Account, template: str) -> set[str]:
    return {one["id"] for one in at.every("fis", "list_experiments", "experiments[]")
            if one["experimentTemplateId"] == template and one["state"]["status"] not in _OVER}


def _stop(at: Account, experiment: str) -> None:
    """And waits until FIS has brought everything back."""
    if _status(at, experiment) != "stopping":
        at.ask("fis", "stop_experiment", id=experiment)
    wait(lambda: _status(at, experiment) in _OVER, f"experiment {experiment} is still stopping", FIS_S)


def _status(at: Account, experiment: str) -> str:
    return str(at.ask("fis", "get_experiment", id=experiment)["experiment"]["state"]["status"])


TEMPLATE: Final = _Template()


def experiment_started(at: Account, given: Arguments) -> Iterator[Wish]:
    """An experiment of FIS that is started."""
    template = given["experiment_template_id"]
    at.ask("fis", "get_experiment_template", id=template)
    yield Wish(TEMPLATE, template, {f"{_RUNS}{msgspec.json.encode(sorted(_running(at, template))).decode()}": True})
