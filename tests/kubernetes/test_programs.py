"""What the lab is built from: once, by one at a time, whole or not at all; and images without a registry."""

import io
import json
import os
import stat
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes import images, programs, servers
from chaos_runner.lab.kubernetes.building import go
from chaos_runner.lab.kubernetes.images import Image
from chaos_runner.lab.kubernetes.programs import CONTROL, PAUSE, SOURCES, Program
from chaos_runner.lab.kubernetes.state import folder_of

needs_go = pytest.mark.skipif(go() is None, reason="no Go to build the lab's programs with")
BUILD = """
import sys
from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes.building import build
from chaos_runner.lab.kubernetes.programs import PAUSE, Program
steps = []
try:
    build([PAUSE if sys.argv[1] == "pause" else Program("x", "the x", sys.argv[1])], steps.append)
except Refused as why:
    sys.exit(f"refused: {why}")
print(len(steps), all(step.done for step in steps[-1]) if steps else "")
"""


def building(what: str, cache: Path, **more: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), **more}
    return subprocess.Popen([sys.executable, "-c", BUILD, what], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


@needs_go
@pytest.mark.slow
def test_of_two_who_build_at_once_one_waits_and_what_is_there_is_not_built_again(tmp_path: Path) -> None:
    both = [building("pause", tmp_path) for _ in range(2)]
    said = [one.communicate()[0].split() for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sorted(said) == [["0"], max(said)]
    folder = tmp_path / "chaos-runner" / "kubernetes"
    assert sorted(file.name for file in folder.iterdir()) == ["lock", PAUSE.folder.name]
    assert [file.name for file in (folder / PAUSE.folder.name).iterdir()] == ["pause"]
    assert os.access(folder / PAUSE.folder.name / "pause", os.X_OK)


@needs_go
@pytest.mark.slow
def test_what_go_says_is_told_and_nothing_half_made_stays(tmp_path: Path) -> None:
    one = building("example.invalid/x@v1.0.0", tmp_path, GOPROXY="off")
    assert "refused: the x could not be built: go ended with 1:" in one.communicate()[1]
    assert [file.name for file in (tmp_path / "chaos-runner" / "kubernetes").iterdir()] == ["lock"]


def test_another_version_or_another_flag_is_another_folder() -> None:
    one = Program("x", "x", "example.org/x@v1")
    others = [Program("x", "x", "example.org/x@v2"), Program("x", "x", "example.org/x@v1", ("-race",)), PAUSE]
    assert len({program.folder for program in (one, *others)}) == 4
    assert one.folder == Program("x", "called otherwise", "example.org/x@v1").folder
    assert one.folder.is_relative_to(programs.cache())


def test_the_sources_are_part_of_the_package_with_pinned_versions_of_all_they_use() -> None:
    for module in ("control", "dns"):
        assert (SOURCES / module / "go.sum").stat().st_size > 0
    assert f"k8s.io/kubernetes v{programs.KUBERNETES}" in (SOURCES / "control" / "go.mod").read_text()


def test_servers_in_a_folder_of_ready_ones_need_not_be_built(tmp_path: Path) -> None:
    for name in servers.PLANE:
        (tmp_path / name).touch(mode=0o755)
    ready = {servers.ASSETS: str(tmp_path)}
    assert servers.to_be_built(servers.PLANE, ready) == []
    assert [program.name for program in servers.to_be_built((*servers.PLANE, servers.KWOK), ready)] == ["kwok"]
    assert servers.command(servers.ETCD, ready) == [str(tmp_path / "etcd")]
    assert servers.command(servers.ETCD, {}) == [str(CONTROL.file), "etcd"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "ü"])
def test_a_lab_is_not_called_by_a_path(name: str) -> None:
    with pytest.raises(Refused, match="a lab's name has letters"):
        folder_of(name)


def test_an_image_is_an_oci_archive_whose_digests_are_right_and_the_same_each_time(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF and so on")
    image = Image("example.org/it:1", "/bin/it", also=("/bin/other",), words=("-a",))
    for name in ("one", "two"):
        images.write(image, program, "x86_64", tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    with tarfile.open(tmp_path / "one") as archive:
        blobs = {member.name: content.read() for member in archive if (content := archive.extractfile(member))}
    assert all(sha256(blob).hexdigest() == name[-64:] for name, blob in blobs.items() if name.startswith("blobs/"))
    index = json.loads(blobs["index.json"])["manifests"][0]
    assert index["annotations"]["io.containerd.image.name"] == "example.org/it:1"
    manifest = json.loads(blobs[f"blobs/sha256/{index['digest'][7:]}"])
    config = json.loads(blobs[f"blobs/sha256/{manifest['config']['digest'][7:]}"])
    assert config["config"] == {"Entrypoint": ["/bin/it"], "Cmd": ["-a"], "Env": ["PATH=/bin"]}
    layer = blobs[f"blobs/sha256/{manifest['layers'][0]['digest'][7:]}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        assert files.getmember("bin/other").linkname == "/bin/it"
        assert stat.S_IMODE(files.getmember("bin/it").mode) == 0o755
