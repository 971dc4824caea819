"""Where the shop keeps what is in no database: carts in a DynamoDB table, pictures in an S3 bucket."""

import json
from typing import Final

from chaos_runner.targets.aws.access import Account, pairs

CARTS: Final = "shop-carts"
PICTURES: Final = "shop-pictures"


def make(at: Account) -> None:
    """Makes it all. The bucket's policy already says something: that nobody may come without TLS."""
    make_table(at, CARTS, {"shop": "data"})
    at.ask("dynamodb", "put_item", TableName=CARTS, Item={"id": {"S": "cart-1"}, "pieces": {"N": "3"}})
    make_bucket(at, PICTURES, {"shop": "data"})
    at.ask("s3", "put_object", Bucket=PICTURES, Key="teapot.svg", Body=b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    at.ask("s3", "put_bucket_policy", Bucket=PICTURES, Policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [only_with_tls(PICTURES)]}))


def make_table(at: Account, name: str, tags: dict[str, str]) -> None:
    """A table whose items have an id."""
    at.ask("dynamodb", "create_table", TableName=name, BillingMode="PAY_PER_REQUEST", Tags=pairs(tags),
           KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
           AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])


def make_bucket(at: Account, name: str, tags: dict[str, str]) -> None:
    """An empty bucket."""
    at.ask("s3", "create_bucket", Bucket=name, CreateBucketConfiguration={"LocationConstraint": at.region})
    at.ask("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": pairs(tags)})


def only_with_tls(bucket: str) -> dict[str, object]:
    """A statement as many buckets have it."""
    return {"Sid": "OnlyWithTls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
