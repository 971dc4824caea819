"""Keeps a run's folder in S3."""

import mimetypes
from pathlib import Path
from typing import Final

from chaos_runner.errors import ActFailed
from chaos_runner.targets.aws.access import account
from chaos_runner.targets.aws.addresses import S3, Address

_LAST: Final = "outcome.json"
"""Who sees it sees all of the folder."""
_ONLY_HERE: Final = frozenset(("lock", "request"))
"""What means something on this machine alone."""
_TYPES: Final = {".ndjson": "application/x-ndjson", ".md": "text/markdown; charset=utf-8",
                 ".html": "text/html; charset=utf-8", ".log": "text/plain; charset=utf-8"}


def keep(folder: Path, address: str) -> str:
    """Puts every file of a run's folder below this address, and gives where. Raises ActFailed, Refused, Gone and
    UsageError.
    """
    to = Address.of(address, S3)
    prefix = "/".join(filter(None, (to.name, folder.name)))
    try:
        files = [file for file in folder.rglob("*") if file.is_file() and file.name not in _ONLY_HERE]
        for file in sorted(files, key=lambda one: (one.name == _LAST, one)):
            _put(to.store, f"{prefix}/{file.relative_to(folder).as_posix()}", file)
    except OSError as problem:
        raise ActFailed(f"{folder} cannot be read: {problem.strerror}") from problem
    return f"{S3}://{to.store}/{prefix}/"


def _put(bucket: str, key: str, file: Path) -> None:
    kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    with file.open("rb") as body:
        account().ask("s3", "put_object", Bucket=bucket, Key=key, Body=body, ContentType=kind)
