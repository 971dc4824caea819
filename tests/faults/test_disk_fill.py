"""host.disk_fill: a few MiB of whatever the tests' folder is on, and a filesystem of 8 MiB where we may mount one."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade
from chaos_runner.errors import NoEffect, NoTarget, Refused
from chaos_runner.targets.load import DiskFiller, free_bytes, write
from tests.cli.runner import run
from tests.faults.loads import (
    Free,
    closed,
    eventually,
    helpers,
    killed,
    orphan,
    prepared,
    setting_for,
    undone_elsewhere,
)
from tests.run.samples import experiment, single

MIB = 2**20
NAME = "host.disk_fill"
disk = shelf.fault(NAME)


@pytest.fixture
def act(tmp_path: Path) -> Iterator[Act]:
    made = prepared(disk, {"path": str(tmp_path)}, size=4 * MIB, floor=MIB)
    yield made
    disk.undo(made)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a filesystem")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False,
                             capture_output=True)
    if mounted.returncode:
        pytest.skip("no filesystem can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def file_of(act: Act) -> Path:
    return Path(act.do["file"])


def test_space_is_taken_for_real_by_one_file_named_after_the_mark(act: Act, tmp_path: Path) -> None:
    assert names(tmp_path) == []
    evidence = disk.apply(act)
    assert evidence.grade is Grade.PROVEN
    assert evidence.after.endswith("MiB free; 4 MiB held")
    assert names(tmp_path) == [act.do["mark"]]
    assert file_of(act).stat().st_blocks * 512 == 4 * MIB
    assert disk.verify(act).answer is Answer.NOT_RESTORED
    disk.undo(act)
    assert (names(tmp_path), helpers(act)) == ([], [])
    assert disk.verify(act).answer is Answer.RESTORED


@pytest.mark.parametrize("times", [1, 2, 3])
def test_undo_may_run_any_number_of_times(act: Act, times: int) -> None:
    disk.apply(act)
    for _ in range(times):
        disk.undo(act)
    assert disk.verify(act).answer is Answer.RESTORED


def test_an_undo_without_an_apply_changes_nothing(act: Act) -> None:
    disk.undo(act)
    assert disk.verify(act).answer is Answer.RESTORED


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.2])
def test_a_killed_process_leaves_nothing_wherever_it_was_in_apply(act: Act, tmp_path: Path, after_s: float) -> None:
    killed(NAME, act, word="up", after_s=after_s)
    assert undone_elsewhere(NAME, act) == "restored"
    assert (names(tmp_path), helpers(act)) == ([], [])


@pytest.mark.slow
def test_the_space_is_free_as_soon_as_its_runner_is_dead(act: Act, tmp_path: Path) -> None:
    killed(NAME, act)
    assert eventually(lambda: not names(tmp_path) and not helpers(act), within_s=2)


@pytest.mark.slow
def test_the_file_goes_when_its_mark_expires(tmp_path: Path) -> None:
    act = prepared(disk, {"path": str(tmp_path)}, setting_for(2), size=MIB, floor=MIB)
    disk.apply(act)
    assert eventually(lambda: not names(tmp_path) and not helpers(act), within_s=4)
    disk.undo(act)


def test_a_file_whose_helper_was_killed_is_removed_all_the_same(act: Act, tmp_path: Path) -> None:
    disk.apply(act)
    [helper] = helpers(act)
    helper.signal(9)
    assert eventually(lambda: not helpers(act))
    assert disk.verify(act).diff.endswith("is still there")
    assert undone_elsewhere(NAME, act) == "restored"
    assert names(tmp_path) == []


def test_a_helper_that_outlived_its_runner_is_found_by_its_mark(act: Act, tmp_path: Path) -> None:
    left = orphan(act, "disk", "--size", str(MIB), "--floor", "0", "--file", act.do["file"])
    assert names(tmp_path) == [act.do["mark"]]
    assert undone_elsewhere(NAME, act) == "restored"
    assert names(tmp_path) == []
    closed(left)


def test_a_file_that_somebody_removed_is_nothing_to_undo(act: Act) -> None:
    disk.apply(act)
    file_of(act).unlink()
    disk.undo(act)
    assert disk.verify(act).answer is Answer.RESTORED


def test_what_somebody_put_in_the_place_of_our_file_is_left_alone(act: Act, tmp_path: Path) -> None:
    disk.apply(act)
    file_of(act).unlink()
    (tmp_path / "theirs").write_text("theirs")
    file_of(act).symlink_to(tmp_path / "theirs")
    disk.undo(act)
    assert disk.verify(act).answer is Answer.DRIFT
    assert file_of(act).is_symlink()
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_a_folder_that_is_gone_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    act = prepared(disk, {"path": str(folder)}, size=MIB, floor=MIB)
    disk.apply(act)
    shutil.rmtree(folder)
    disk.undo(act)
    assert disk.verify(act).answer is Answer.GONE


def test_a_filesystem_is_filled_down_to_what_is_to_be_kept(small: Path) -> None:
    act = prepared(disk, {"path": str(small)}, keep=MIB, floor=0)
    evidence = disk.apply(act)
    assert (evidence.before, evidence.after.partition(";")[0]) == ("8 MiB free", "1 MiB free")
    assert free_bytes(str(small)) == MIB
    disk.undo(act)
    assert free_bytes(str(small)) == 8 * MIB


def test_a_filesystem_can_be_filled_to_the_last_block_when_the_floor_allows(small: Path) -> None:
    act = prepared(disk, {"path": str(small)}, share=1.0, floor=0)
    disk.apply(act)
    assert free_bytes(str(small)) == 0
    with pytest.raises(OSError, match="No space"):
        (small / "theirs").write_bytes(b"x" * 4096)
    disk.undo(act)
    (small / "theirs").write_bytes(b"x" * 4096)


def test_a_share_of_the_whole_can_be_kept(small: Path) -> None:
    act = prepared(disk, {"path": str(small)}, keep_share=0.25, floor=0)
    disk.apply(act)
    assert free_bytes(str(small)) == 2 * MIB
    disk.undo(act)


def test_the_floor_holds_when_others_wrote_since_prepare(small: Path) -> None:
    act = prepared(disk, {"path": str(small)}, size=4 * MIB, floor=2 * MIB)
    (small / "theirs").write_bytes(b"x" * 4 * MIB)
    evidence = disk.apply(act)
    assert evidence.after.endswith("2 MiB held (the floor is reached)")
    assert free_bytes(str(small)) == 2 * MIB
    disk.undo(act)


def test_a_filesystem_that_others_filled_since_prepare_is_refused_and_nothing_is_left(small: Path) -> None:
    act = prepared(disk, {"path": str(small)}, size=4 * MIB, floor=2 * MIB)
    (small / "theirs").write_bytes(b"x" * 7 * MIB)
    with pytest.raises(Refused, match="the floor is reached"):
        disk.apply(act)
    assert (names(small), helpers(act)) == (["theirs"], [])


def test_a_race_for_the_last_space_never_takes_the_floor(small: Path) -> None:
    over = threading.Event()

    def race() -> None:
        for number in range(10_000):
            if over.is_set():
                return
            try:
                (small / f"theirs-{number % 2}").write_bytes(b"x" * 3 * MIB)
            except OSError:
                continue

    other = threading.Thread(target=race)
    other.start()
    try:
        for number in range(5):
            with (small / f"ours-{number}").open("wb") as file:
                filler = DiskFiller(file.fileno(), MIB)
                filler.grow(8 * MIB, Free())
                assert filler.bytes <= 7 * MIB
                (small / f"ours-{number}").unlink()
            time.sleep(0.01)
    finally:
        over.set()
        other.join()
    assert all(name.startswith("theirs") for name in names(small))


def test_where_space_cannot_be_reserved_it_is_written(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        write(file.fileno(), 0, 3 * MIB + 5)
        write(file.fileno(), MIB, 10)
    content = (tmp_path / "file").read_bytes()
    assert len(content) == 3 * MIB + 5
    assert content.count(b"\0") < len(content) / 100


def test_a_filler_whose_file_was_taken_away_stops(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        (tmp_path / "file").unlink()
        filler = DiskFiller(file.fileno(), 0)
        filler.grow(2**40, Free())
        assert filler.bytes == 0


@pytest.mark.parametrize(("arguments", "said"), [
    ({}, "exactly one of `size` and `share` and `keep` and `keep-share`"),
    ({"size": 1, "keep_share": 0.1}, "not `size` and `keep-share`"),
    ({"size": 2**60}, "would leave less than the floor"),
    ({"share": 1.0}, "would leave less than the floor"),
    ({"keep": 0}, "less than the floor"),
    ({"size": MIB, "floor": 2**60}, "must stay so"),
])
def test_what_would_pass_the_floor_or_is_unclear_is_refused(tmp_path: Path, arguments: dict[str, Any],
                                                           said: str) -> None:
    with pytest.raises(Refused, match=said):
        prepared(disk, {"path": str(tmp_path)}, **arguments)


@pytest.mark.parametrize("arguments", [{"size": 0}, {"share": 0.0}, {"keep_share": 1.0}])
def test_nothing_to_take_has_no_effect(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(NoEffect):
        prepared(disk, {"path": str(tmp_path)}, **arguments)


def test_no_folder_is_no_target_and_a_filesystem_without_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoTarget, match="there is no folder"):
        prepared(disk, {"path": str(tmp_path / "nothing")}, size=MIB)
    with pytest.raises(Refused):
        prepared(disk, {"path": "/proc/self"}, size=MIB)


def test_a_folder_on_another_filesystem_by_now_is_refused(act: Act) -> None:
    moved = structs.replace(act, target=act.target | {"device": -1})
    with pytest.raises(Refused, match="on another filesystem by now"):
        disk.apply(moved)
    assert disk.verify(moved).answer is Answer.DRIFT


@pytest.mark.skipif(not shutil.which("pkill"), reason="there is no pkill")
def test_a_person_can_finish_the_undo_with_one_command(act: Act) -> None:
    disk.apply(act)
    subprocess.run(disk.by_hand(act), shell=True, check=True)  # noqa: S602 (what a person would type)
    assert disk.verify(act).answer is Answer.RESTORED


@pytest.mark.slow
def test_a_run_with_a_fuller_disk_is_proven_and_restored(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    step = {"name": "fill", "fault": NAME, "target": {"path": str(folder)}, "duration": "300ms",
            "arguments": {"size": "4Mi", "floor": "1Mi"}}
    ran = run(experiment(step, probes=[single()]), tmp_path)
    [fault] = ran.outcome["faults"]
    assert (ran.exit, fault["grade"], fault["restored"]) == (0, "proven", "restored")
    assert names(folder) == []
