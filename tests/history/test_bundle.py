"""A bundle shows any change: of a file, of the journal, of its manifest."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from chaos_runner.errors import UsageError
from chaos_runner.history.bundle import pack, unpack
from chaos_runner.history.verifying import Verified, of_run, verified
from chaos_runner.journal.reader import JournalUnreadable
from tests.history.folders import change, run_id, written

KEY = "a key that is long enough to be one"
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("reports"), 1, "deviated")


def repacked(data: bytes, edit: Callable[[Files], None]) -> bytes:
    """The bundle as somebody packs it who has changed it first."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        files = {member.name: file.read() for member in tar if (file := tar.extractfile(member))}
    edit(files)
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return whole.getvalue()


def looked_at(data: bytes, key: str = "") -> Verified:
    return verified(unpack(data, "bundle"), key)


def test_a_bundle_holds_journal_outcome_reports_and_the_experiment(folder: Path) -> None:
    bundle = unpack(pack(folder, "")[0], "bundle")
    assert set(bundle.files) == {"journal.ndjson", "outcome.json", "report.html", "report.md", "junit.xml",
                                 "journal.json", "experiment.yaml"}
    assert bundle.files["journal.ndjson"] == (folder / "journal.ndjson").read_bytes()
    assert bundle.manifest.chain.head.encode() in bundle.files["journal.ndjson"].splitlines()[-1]


def test_a_bundle_is_whole_and_the_same_run_gives_the_same_bytes(folder: Path) -> None:
    data, digest = pack(folder, "")
    assert looked_at(data).whole
    assert (data, digest) == pack(folder, "")
    assert digest == unpack(data, "bundle").digest


def test_a_changed_a_missing_and_an_added_file_are_each_named(folder: Path) -> None:
    def edit(files: Files) -> None:
        files[f"{run_id(1)}/report.md"] += b"All is well."
        del files[f"{run_id(1)}/junit.xml"]
        files[f"{run_id(1)}/extra.txt"] = b""
        files["elsewhere.txt"] = b""

    changed = looked_at(repacked(pack(folder, "")[0], edit)).changed
    assert sorted(words.partition(":")[0] for words in changed) == ["elsewhere.txt", "extra.txt", "junit.xml",
                                                                    "report.md"]


def test_a_changed_sample_is_found_with_its_line(folder: Path) -> None:
    def edit(files: Files) -> None:
        name = f"{run_id(1)}/journal.ndjson"
        files[name] = files[name].replace(b'"value":0.6', b'"value":0.2', 1)

    changed = " ".join(looked_at(repacked(pack(folder, "")[0], edit)).changed)
    assert "journal.ndjson: was changed" in changed
    assert "the chain of hashes is broken" in changed


def test_a_journal_that_was_cut_and_a_manifest_that_fits_it_are_found_by_the_missing_end(folder: Path) -> None:
    lines = (folder / "journal.ndjson").read_bytes().splitlines(keepends=True)
    found = of_run(run_id(1), {"journal.ndjson": b"".join(lines[:-1]), "outcome.json": b"{}"})
    assert "lines were cut" in found.changed[0]


def test_an_outcome_that_says_something_else_than_the_journal_is_named_with_both_words(folder: Path) -> None:
    files = {"journal.ndjson": (folder / "journal.ndjson").read_bytes(),
             "outcome.json": (folder / "outcome.json").read_bytes().replace(b'"deviated"', b'"passed"', 1)}
    assert of_run(run_id(1), files).changed == ["outcome.json: verdict says passed, the journal deviated"]


def test_an_outcome_of_an_older_version_lacks_what_is_new_and_is_whole(folder: Path) -> None:
    said = msgspec.json.decode((folder / "outcome.json").read_bytes())
    del said["digest"], said["probes"][0]["margin"]
    files = {"journal.ndjson": (folder / "journal.ndjson").read_bytes(), "outcome.json": msgspec.json.encode(said)}
    assert of_run(run_id(1), files).whole


def test_whoever_makes_chain_and_manifest_fit_is_found_by_the_signature(folder: Path) -> None:
    def edit(files: Files) -> None:
        name = f"{run_id(1)}/manifest.json"
        files[name] = files[name].replace(b"Checkout", b"Payments")

    data = repacked(pack(folder, KEY)[0], edit)
    assert looked_at(data).whole
    assert "its signature is not by" in looked_at(data, KEY).changed[0]
    assert looked_at(pack(folder, KEY)[0], KEY).whole
    assert "not signed" in looked_at(pack(folder, "")[0], KEY).changed[0]


def test_a_broken_journal_is_not_packed(tmp_path: Path) -> None:
    folder = written(tmp_path, 1)
    change(folder / "journal.ndjson", '"value":0.2', '"value":0.1')
    with pytest.raises(JournalUnreadable, match="chain of hashes is broken"):
        pack(folder, "")


def test_a_run_that_is_not_over_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="recover"):
        pack(written(tmp_path, 1, "cut-off", complete=False), "")


@pytest.mark.parametrize("data", [b"", b"no archive", gzip.compress(b"no tar inside", mtime=0),
                                  gzip.compress(b"", mtime=0)[:9]])
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"no bundle of a run|holds"):
        unpack(data, "bundle")


def test_a_link_in_a_bundle_is_named_and_not_followed(folder: Path) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as tar:
        for name, text in unpack(pack(folder, "")[0], "").files.items() | {("manifest.json", b"")}:
            written_text = unpack(pack(folder, "")[0], "").written if name == "manifest.json" else text
            member = tarfile.TarInfo(f"{run_id(1)}/{name}")
            member.size = len(written_text)
            tar.addfile(member, io.BytesIO(written_text))
        link = tarfile.TarInfo(f"{run_id(1)}/passwd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    assert looked_at(whole.getvalue()).changed == [f"{run_id(1)}/passwd: stands where no bundle has anything"]


