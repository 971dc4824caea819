"""Whether a run is as it was written: its hashes, its chain, and whether its outcome follows from its journal."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.history.bundle import MANIFEST, Bundle, Manifest, is_signed_by
from chaos_runner.history.comparing import JOURNAL
from chaos_runner.history.reading import OUTCOME
from chaos_runner.journal.reader import JournalUnreadable, chain_of, records_of, run_of
from chaos_runner.journal.record import carried_digest, is_sealed
from chaos_runner.run.outcome import outcome
from chaos_runner.run.run import Run

_NAMED_MOST: Final = 8


class Verified(Struct, frozen=True, kw_only=True):
    """What was looked at, what was found changed, and what nobody could look at. Whole when nothing was changed."""

    run: str
    looked_at: list[str]
    changed: list[str]
    notes: list[str]

    @property
    def whole(self) -> bool:
        return not self.changed


def verified(bundle: Bundle, key: str) -> Verified:
    """A bundle against its own manifest, and its journal against itself."""
    manifest, files = bundle.manifest, bundle.files
    changed = [f"{name}: stands where no bundle has anything" for name in bundle.strangers]
    changed += _against(manifest, files)
    changed += _signed(manifest, key)
    found = of_run(manifest.run, files)
    if JOURNAL in files:
        changed += _chain(manifest, files[JOURNAL])
    notes = [] if key else [_unsigned(manifest)]
    looked = [f"{len(manifest.files)} files against {MANIFEST}", *(["its signature"] if key else []), *found.looked_at]
    return Verified(run=manifest.run, looked_at=looked, changed=[*changed, *found.changed],
                    notes=[*notes, *found.notes])


def of_run(name: str, files: Mapping[str, bytes]) -> Verified:
    """A run's journal and outcome: whether the chain holds, and whether the one follows from the other."""
    if JOURNAL not in files:
        return Verified(run=name, looked_at=[], changed=[f"{JOURNAL}: is missing"], notes=[])
    try:
        whole = chain_of(files[JOURNAL], JOURNAL)
        run = run_of(records_of(whole.lines, JOURNAL), JOURNAL)
    except JournalUnreadable as problem:
        return Verified(run=name, looked_at=["the journal's chain"], changed=[str(problem)], notes=[])
    changed = [f"{JOURNAL}: it is the journal of {run.plan.run}, not of {name}"] if run.plan.run != name else []
    notes = [f"{JOURNAL}: its last line was cut, as a crash does; it is not part of the chain"] if whole.cut else []
    changed += _outcome(run, files.get(OUTCOME))
    looked = [f"the journal's chain: {len(whole.lines)} lines, head {whole.chain.head}",
              "the outcome against the journal"]
    return Verified(run=name, looked_at=looked, changed=changed, notes=notes)


def _against(manifest: Manifest, files: Mapping[str, bytes]) -> Iterator[str]:
    named = {file.name: file for file in manifest.files}
    for name, file in named.items():
        data = files.get(name)
        if data is None:
            yield f"{name}: is missing"
        elif sha256(data).hexdigest() != file.sha256:
            yield f"{name}: was changed ({len(data)} bytes, {file.bytes} when it was packed)"
    yield from (f"{name}: was added, {MANIFEST} does not name it" for name in files if name not in named)


def _signed(manifest: Manifest, key: str) -> Iterator[str]:
    if key and not manifest.signature:
        yield f"{MANIFEST}: is not signed, and CHAOS_RUNNER_KEY is set"
    elif key and not is_signed_by(manifest, key):
        yield f"{MANIFEST}: its signature is not by CHAOS_RUNNER_KEY: it was changed, or signed with another key"


def _unsigned(manifest: Manifest) -> str:
    if manifest.signature:
        return f"{MANIFEST} is signed; set CHAOS_RUNNER_KEY to look at the signature"
    return f"{MANIFEST} is not signed: compare the digest with the one that `export` printed"


def _chain(manifest: Manifest, journal: bytes) -> Iterator[str]:
    lines = journal.split(b"\n")[:-1]
    head = next((carried_digest(line) for line in reversed(lines) if is_sealed(line)), "")
    if (len(lines), head) != (manifest.chain.lines, manifest.chain.head):
        yield (f"{JOURNAL}: ends at line {len(lines)} with {head[:12] or 'nothing'}, {MANIFEST} says line "
               f"{manifest.chain.lines} with {manifest.chain.head[:12]}")


def _outcome(run: Run, data: bytes | None) -> Iterator[str]:
    """The keys that the file has, against what the journal gives now: an older version wrote fewer of them."""
    if run.ended is None:
        yield f"{JOURNAL}: ends before the run does: lines were cut from it, or its runner died and was not recovered"
        return
    if data is None:
        yield f"{OUTCOME}: is missing"
        return
    try:
        said = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as problem:
        yield f"{OUTCOME}: cannot be read ({problem})"
        return
    wanted = msgspec.json.decode(msgspec.json.encode(outcome(run)))
    differences = list(_differences(said, wanted, ""))
    yield from (f"{OUTCOME}: {words}" for words in differences[:_NAMED_MOST])
    if len(differences) > _NAMED_MOST:
        yield f"{OUTCOME}: and {len(differences) - _NAMED_MOST} more values that do not follow from the journal"


def _differences(said: Any, wanted: Any, where: str) -> Iterator[str]:
    if isinstance(said, dict) and isinstance(wanted, dict):
        for key in said:
            yield from _differences(said[key], wanted.get(key, _NOTHING), f"{where}.{key}" if where else str(key))
    elif isinstance(said, list) and isinstance(wanted, list) and len(said) == len(wanted):
        for number, (one, other) in enumerate(zip(said, wanted, strict=True)):
            yield from _differences(one, other, f"{where}[{number}]")
    elif said != wanted:
        yield f"{where or 'the whole'} says {_brief(said)}, the journal {_brief(wanted)}"


_NOTHING: Final = "nothing of it"


def _brief(value: Any, most: int = 80) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= most else f"{text[:most - 1]}…"
