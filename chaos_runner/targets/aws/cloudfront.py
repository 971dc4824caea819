"""What stands in CloudFront, which is of no region: distributions, their origins, and how they are tagged."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.errors import Gone
from chaos_runner.targets.aws.access import Account, pairs, unpaired
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, pick
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind


class DistributionTagging(Struct, frozen=True):
    """Tags of distributions. CloudFront lists none, so each is asked for its own."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, DISTRIBUTION.arn_at(at, thing))

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        at.ask("cloudfront", "tag_resource", Resource=DISTRIBUTION.arn_at(at, thing), Tags={"Items": pairs(tags)})

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask("cloudfront", "untag_resource", Resource=DISTRIBUTION.arn_at(at, thing), TagKeys={"Items": list(keys)})

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        for one in _listed(at):
            if RUN in (tags := _tags(at, one["ARN"])):
                yield one["Id"], tags


DISTRIBUTION: Final = Kind(
    "distribution", DistributionTagging(), "arn:aws:cloudfront::{account}:distribution/{thing}",
    ("cloudfront:ListTagsForResource", "cloudfront:TagResource", "cloudfront:UntagResource"), everywhere=True)


class DistributionTarget(Picked, frozen=True, kw_only=True):
    """Which distributions: every key that is given must hold. `ids` may be their ids, the domain names that CloudFront
    has given them, or ARNs.
    """


def find_distributions(target: DistributionTarget, seed: int) -> Chosen:
    """The distributions to hit."""
    at = target.account()
    there = [Thing(thing=one["Id"], seen=one, arn=one["ARN"], name=one["DomainName"], tags=_tags(at, one["ARN"]))
             for one in _listed(at)]
    return pick(at, DISTRIBUTION, target, there, seed)


def read_origins(at: Account, thing: str) -> dict[str, dict[str, Any]]:
    """A distribution's origins as they are configured now, by their ids. Raises Gone."""
    found = at.ask("cloudfront", "get_distribution_config", Id=thing)["DistributionConfig"]["Origins"]["Items"]
    return {one["Id"]: one for one in found}


def redirect(at: Account, thing: str, domains: Mapping[str, str]) -> None:
    """Gives origins, by their ids, other domain names. CloudFront takes a configuration only as a whole, and only in
    the place of the one that was read. Raises Denied when it has been changed in between, Gone without such an origin.
    """
    read = at.ask("cloudfront", "get_distribution_config", Id=thing)
    origins = {one["Id"]: one for one in read["DistributionConfig"]["Origins"]["Items"]}
    for origin, domain in domains.items():
        if origin not in origins:
            raise Gone(f"distribution {thing} has no origin {origin} any more")
        origins[origin]["DomainName"] = domain
    at.ask("cloudfront", "update_distribution", Id=thing, IfMatch=read["ETag"],
           DistributionConfig=read["DistributionConfig"])


def _listed(at: Account) -> Iterator[dict[str, Any]]:
    yield from (one for one in at.every("cloudfront", "list_distributions", "DistributionList.Items[]") if one)


def _tags(at: Account, arn: str) -> dict[str, str]:
    return unpaired(at.ask("cloudfront", "list_tags_for_resource", Resource=arn)["Tags"].get("Items"))
