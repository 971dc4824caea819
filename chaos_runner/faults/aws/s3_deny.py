"""aws.s3_deny: reading and writing the objects of buckets is denied, by the bucket's own policy."""

from typing import ClassVar, Final

from chaos_runner.contracts import Act, Band, Example
from chaos_runner.faults.aws._deny import DenyArguments, DenyFault
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.choosing import Chosen
from chaos_runner.targets.aws.policies import Policies
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.s3 import BUCKET, BucketPolicies, BucketTarget, find_buckets
from chaos_runner.targets.aws.tagged import LOOKING

_PUT: Final = Need("s3:PutBucketPolicy")


class S3Deny(DenyFault[BucketTarget, DenyArguments]):
    """Denies actions on buckets and their objects: without `actions` s3:GetObject, s3:PutObject, s3:DeleteObject and
    s3:ListBucket. A statement in the bucket policy denies; it ends by itself. It spares this identity, and never denies
    changing the policy. S3 may take a moment until all requests are denied, and until none is any more.
    """

    target = BucketTarget
    arguments = DenyArguments
    band = Band(word="denied")
    kind = BUCKET
    policies: ClassVar[Policies] = BucketPolicies()
    denied = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket")
    kept = ("s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy")
    permissions = Permissions(
        look=(Need("s3:ListAllMyBuckets", on="*"), Need("s3:GetBucketPolicy"), LOOKING),
        do=(_PUT,), undo=(_PUT, Need("s3:DeleteBucketPolicy")))
    example = Example(target={"ids": ["shop-pictures"]}, arguments={"actions": ["s3:GetObject"]})

    def find(self, target: BucketTarget, seed: int) -> Chosen:
        return find_buckets(target, seed)

    def resources(self, arn: str) -> list[str]:
        return [arn, f"{arn}/*"]

    def by_hand(self, act: Act) -> str:
        """Where others have statements too, it takes jq: `aws` alone cannot take one out."""
        ref, sid = ref_of(act), act.do["statement"]["Sid"]
        if not act.was.get("policy", True):
            return ref.command("s3api", "delete-bucket-policy", "--bucket", ref.thing)
        read = ref.command("s3api", "get-bucket-policy", "--bucket", ref.thing, "--query", "Policy", "--output", "text")
        write = ref.command("s3api", "put-bucket-policy", "--bucket", ref.thing, "--policy", "file:///dev/stdin")
        return f"""{read} | jq 'del(.Statement[] | select(.Sid == "{sid}"))' | {write}"""
