"""What stands in EKS: managed node groups, called by their ARNs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.errors import Gone
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, pick
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind

EKS: Final = "eks"


class NodegroupTagging(Struct, frozen=True):
    """Tags of node groups."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        found: dict[str, str] = at.ask(EKS, "list_tags_for_resource", resourceArn=thing).get("tags", {})
        return found

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        at.ask(EKS, "tag_resource", resourceArn=thing, tags=dict(tags))

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask(EKS, "untag_resource", resourceArn=thing, tagKeys=list(keys))

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        """All node groups of all clusters are asked for their tags."""
        for cluster in at.every(EKS, "list_clusters", "clusters[]"):
            for seen in nodegroups(at, cluster):
                if RUN in (tags := seen.get("tags", {})):
                    yield seen["nodegroupArn"], tags


NODEGROUP: Final = Kind("node group", NodegroupTagging(), "arn:aws:eks:{region}:{account}:nodegroup/{thing}",
                        ("eks:ListTagsForResource", "eks:TagResource", "eks:UntagResource"))


class NodegroupTarget(Picked, frozen=True, kw_only=True):
    """Which managed node groups of a `cluster`: every key that is given must hold. `ids` are their names."""

    cluster: str

    @property
    def within(self) -> list[str]:
        return [f"cluster {self.cluster}"]


def find_nodegroups(target: NodegroupTarget, seed: int) -> Chosen:
    """The node groups that are meant."""
    at = target.account()
    return pick(at, NODEGROUP, target, [
        Thing(thing=one["nodegroupArn"], seen=one, tags=one.get("tags", {}), name=one["nodegroupName"],
              arn=one["nodegroupArn"]) for one in nodegroups(at, target.cluster)], seed)


def nodegroups(at: Account, cluster: str) -> Iterator[dict[str, Any]]:
    """The node groups of a cluster."""
    for name in at.every(EKS, "list_nodegroups", "nodegroups[]", clusterName=cluster):
        yield at.ask(EKS, "describe_nodegroup", clusterName=cluster, nodegroupName=name)["nodegroup"]


def read_nodegroup(at: Account, arn: str) -> dict[str, Any]:
    """What EKS says of it now. Raises Gone also when it is being deleted, or another has its name by now."""
    cluster, name = names(arn)
    seen: dict[str, Any] = at.ask(EKS, "describe_nodegroup", clusterName=cluster, nodegroupName=name)["nodegroup"]
    if seen["nodegroupArn"] != arn or seen["status"] == "DELETING":
        raise Gone(f"the node group {name} of {cluster} is deleted")
    return seen


def names(arn: str) -> tuple[str, str]:
    """The names of the cluster and of the node group."""
    cluster, name = arn.split("/")[1:3]
    return cluster, name
