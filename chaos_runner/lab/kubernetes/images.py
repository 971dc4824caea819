"""Container images made without a registry: one layer with a static program, as an OCI archive.

Facts: the OCI image layout and its archives as containerd imports them (github.com/opencontainers/image-spec).
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

_MEDIA: Final = "application/vnd.oci.image"
_PASSWD: Final = b"root:x:0:0::/:\nnobody:x:65534:65534::/:\n"
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


class Image(Struct, frozen=True):
    """An image: its whole name with the tag, where its program stands in it, other places of that program, and the
    words it is called with where a pod gives none.
    """

    reference: str
    entry: str
    also: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def write(image: Image, program: Path, machine: str, archive: Path) -> None:
    """Writes the archive of an image. `machine` is this machine's kind as `platform.machine()` says it.

    The same program makes the same archive, byte for byte. Raises OSError.
    """
    layer = _layer(image, program.read_bytes())
    config = _json({
        "architecture": _ARCHITECTURES.get(machine, machine), "os": "linux",
        "config": {"Entrypoint": [image.entry], "Cmd": image.words, "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    })
    manifest = _json({
        "schemaVersion": 2, "mediaType": f"{_MEDIA}.manifest.v1+json",
        "config": _described("config.v1+json", config), "layers": [_described("layer.v1.tar", layer)],
    })
    named = {"io.containerd.image.name": image.reference,
             "org.opencontainers.image.ref.name": image.reference.rpartition(":")[2]}
    index = _json({"schemaVersion": 2, "mediaType": f"{_MEDIA}.index.v1+json",
                   "manifests": [{**_described("manifest.v1+json", manifest), "annotations": named}]})
    blobs = {f"blobs/sha256/{_digest(blob).partition(':')[2]}": blob for blob in (layer, config, manifest)}
    layout = {"oci-layout": _json({"imageLayoutVersion": "1.0.0"}), "index.json": index}
    archive.write_bytes(_tar(_files({**layout, **blobs}, 0o644)))


def _layer(image: Image, program: bytes) -> bytes:
    folders = [_entry(name, tarfile.DIRTYPE, mode) for name, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777))]
    links = [_entry(name.lstrip("/"), tarfile.SYMTYPE, 0o777, link=image.entry) for name in image.also]
    files = {"etc/passwd": _PASSWD, image.entry.lstrip("/"): program}
    return _tar([*((folder, b"") for folder in folders), *_files(files, 0o755), *((link, b"") for link in links)])


def _files(contents: Mapping[str, bytes], mode: int) -> Iterable[tuple[tarfile.TarInfo, bytes]]:
    for name, content in contents.items():
        entry = _entry(name, tarfile.REGTYPE, mode)
        entry.size = len(content)
        yield entry, content


def _entry(name: str, kind: bytes, mode: int, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname = kind, mode, link
    return entry


def _tar(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for entry, content in entries:
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _described(kind: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": f"{_MEDIA}.{kind}", "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode()
