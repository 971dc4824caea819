"""Where a lock is, and where a run's folder is kept: `s3://bucket/path` or `dynamodb://table/name`."""

import re
from typing import Final, NamedTuple

from chaos_runner.errors import UsageError

S3: Final = "s3"
DYNAMODB: Final = "dynamodb"
_SHAPE: Final = re.compile(r"(s3|dynamodb)://([A-Za-z0-9._-]{3,255})(?:/(.*))?")


class Address(NamedTuple):
    """The scheme, the bucket or table, and the path or name in it, without slashes around it."""

    scheme: str
    store: str
    name: str

    @classmethod
    def of(cls, text: str, *schemes: str) -> "Address":
        """What is written so. Raises UsageError for any other."""
        found = _SHAPE.fullmatch(text)
        if not found or found[1] not in schemes:
            wanted = " or ".join(f"{scheme}://{'bucket/path' if scheme == S3 else 'table/name'}" for scheme in schemes)
            raise UsageError(f"{text!r} is no address: {wanted} is")
        return cls(found[1], found[2], (found[3] or "").strip("/"))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.store}/{self.name}"
