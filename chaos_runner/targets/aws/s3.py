"""What stands in S3: buckets and their policies."""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from chaos_runner.targets.aws.access import Account, NoPolicy
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, pick
from chaos_runner.targets.aws.policies import Document, Policy, written
from chaos_runner.targets.aws.refs import Kind
from chaos_runner.targets.aws.tagged import Untagged, tagged

BUCKET: Final = Kind("bucket", Untagged(), "arn:aws:s3:::{thing}",
                     ("s3:GetBucketTagging", "s3:PutBucketTagging", "s3:PutBucketTagging"), named=True)


class BucketTarget(Picked, frozen=True, kw_only=True):
    """Which buckets of the region: every key that is given must hold. `ids` are their names."""


class BucketPolicies(Struct, frozen=True):
    """Policies of buckets. S3 knows no condition for writing them: between reading and writing lies one call's time."""

    def things(self, at: Account) -> Iterator[str]:
        yield from at.every("s3", "list_buckets", "Buckets[].Name", BucketRegion=at.region)

    def read(self, at: Account, thing: str) -> Policy:
        try:
            return Policy(msgspec.json.decode(at.ask("s3", "get_bucket_policy", Bucket=thing)["Policy"]))
        except NoPolicy:
            return Policy()

    def write(self, at: Account, thing: str, document: Document | None, instead: Policy) -> None:  # noqa: ARG002
        if document is None:
            at.ask("s3", "delete_bucket_policy", Bucket=thing)
        else:
            at.ask("s3", "put_bucket_policy", Bucket=thing, Policy=written(document))


def find_buckets(target: BucketTarget, seed: int) -> Chosen:
    """The buckets to hit."""
    at = target.account()
    tags = tagged(at, "s3")
    there = [Thing(thing=name, arn=(arn := BUCKET.arn_at(at, name)), tags=tags.get(arn, {}))
             for name in BucketPolicies().things(at)]
    return pick(at, BUCKET, target, there, seed)
