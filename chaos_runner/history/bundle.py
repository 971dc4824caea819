"""A run in one file that shows whether anything in it was changed: what was written, and a manifest of its hashes."""

import gzip
import hmac
import io
import tarfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from chaos_runner.errors import UsageError
from chaos_runner.history.comparing import JOURNAL, plan_of
from chaos_runner.history.reading import OUTCOME
from chaos_runner.journal.reader import whole_of
from chaos_runner.plan.model import Plan

MANIFEST: Final = "manifest.json"
SCHEMA: Final = 1
FILES: Final = (JOURNAL, OUTCOME, "report.html", "report.md", "junit.xml", "journal.json")
"""What a bundle takes from a run's folder, as far as it is there. The first two must be."""
MOST_BYTES: Final = 1 << 30
"""Of all that is unpacked: a bundle comes from somebody else."""
_EPOCH: Final = 0


class Hashed(Struct, frozen=True):
    """One file of a bundle."""

    name: str
    bytes: int
    sha256: str


class Chain(Struct, frozen=True):
    """The journal's own chain: how many lines, and the last hash that one carries."""

    lines: int
    head: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a bundle says of itself. `signature` is an HMAC-SHA256 over the rest, with CHAOS_RUNNER_KEY."""

    schema: int = SCHEMA
    run: str
    title: str
    version: str
    chain: Chain
    files: list[Hashed]
    signature: str = ""


class Bundle(Struct, frozen=True):
    """A bundle in memory: its manifest as it was written, and the files beside it."""

    manifest: Manifest
    written: bytes
    files: dict[str, bytes]
    strangers: list[str]
    """Members that are no files, or stand outside the run's folder."""

    @property
    def digest(self) -> str:
        """What identifies the bundle: who kept it knows of any change, that of the manifest too."""
        return sha256(self.written).hexdigest()


def pack(folder: Path, key: str) -> tuple[bytes, str]:
    """The bundle of a run as bytes, and the digest of its manifest. The same run gives the same bytes.

    Raises JournalUnreadable for a journal whose chain is broken, UsageError for what cannot be read.
    """
    journal = whole_of(folder / JOURNAL)
    plan = plan_of(folder)
    files = {**_read(folder), **dict(_sources(plan))}
    manifest = Manifest(
        run=folder.name, title=plan.experiment.title, version=plan.origin.version,
        chain=Chain(len(journal.lines), journal.chain.head),
        files=[Hashed(name, len(data), sha256(data).hexdigest()) for name, data in sorted(files.items())])
    written = _as_json(msgspec.structs.replace(manifest, signature=_signature(manifest, key)))
    return _packed(folder.name, {MANIFEST: written, **files}), sha256(written).hexdigest()


def unpack(data: bytes, name: str) -> Bundle:
    """The bundle in these bytes, everything in memory and nothing on the disk. Raises UsageError for what is none."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
            members = _members(tar, name)
    except (tarfile.TarError, OSError, EOFError, ValueError) as problem:
        raise UsageError(f"{name}: no bundle of a run, or damaged ({problem})") from problem
    folder = next((path.rpartition("/")[0] for path in members if path.endswith(f"/{MANIFEST}")), None)
    if folder is None:
        raise UsageError(f"{name}: no bundle of a run: it has no {MANIFEST}")
    written = members.pop(f"{folder}/{MANIFEST}")
    inside = {path.removeprefix(f"{folder}/"): found for path, found in members.items()
              if found is not None and path.startswith(f"{folder}/")}
    strangers = [path for path, found in members.items() if found is None or not path.startswith(f"{folder}/")]
    return Bundle(_manifest(written, name), written or b"", inside, strangers)


def is_signed_by(manifest: Manifest, key: str) -> bool:
    """Whether the manifest was signed with that key. Never with an empty one."""
    bare = msgspec.structs.replace(manifest, signature="")
    return bool(key) and hmac.compare_digest(_signature(bare, key), manifest.signature)


def _signature(bare: Manifest, key: str) -> str:
    return hmac.new(key.encode(), _as_json(bare), sha256).hexdigest() if key else ""


def _as_json(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def _read(folder: Path) -> Mapping[str, bytes]:
    try:
        return {name: (folder / name).read_bytes() for name in FILES
                if name in FILES[:2] or (folder / name).exists()}
    except FileNotFoundError as missing:
        raise UsageError(f"{missing.filename}: there is none; a run is exported when it is over, and one whose runner "
                         f"died when it is recovered (chaos-runner recover {folder.name})") from missing
    except OSError as problem:
        raise UsageError(f"{problem.filename}: {problem.strerror}") from problem


def _sources(plan: Plan) -> Iterator[tuple[str, bytes]]:
    """The experiment's own text and that of the reusable probes, as the journal has it: without secrets."""
    asked = plan.experiment
    found = {f"experiment{Path(asked.file).suffix[:8] or '.txt'}": asked.source,
             **{f"used/{number}-{Path(used.file).name}": used.text for number, used in enumerate(asked.used)}}
    return ((name, text.encode(errors="surrogatepass")) for name, text in found.items() if text)


def _packed(folder: str, files: Mapping[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with gzip.GzipFile(fileobj=whole, mode="wb", mtime=_EPOCH) as zipped, \
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mtime, member.mode = len(data), _EPOCH, 0o644
            tar.addfile(member, io.BytesIO(data))
    return whole.getvalue()


def _members(tar: tarfile.TarFile, name: str) -> dict[str, bytes | None]:
    """Every member's bytes, None for what is no file. Raises UsageError when it would be too much."""
    found: dict[str, bytes | None] = {}
    left = MOST_BYTES
    for member in tar:
        left -= member.size
        if left < 0:
            raise UsageError(f"{name}: holds more than {MOST_BYTES >> 20} MiB")
        file = tar.extractfile(member) if member.isreg() else None
        found[member.name] = file.read() if file else None
    return found


def _manifest(written: bytes | None, name: str) -> Manifest:
    try:
        manifest = msgspec.json.decode(written or b"", type=Manifest)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise UsageError(f"{name}: its {MANIFEST} cannot be read ({problem})") from problem
    if manifest.schema > SCHEMA:
        raise UsageError(f"{name}: made by a newer chaos-runner (schema {manifest.schema}, this one reads {SCHEMA}): "
                         "verify it with that version or a later one")
    return manifest


