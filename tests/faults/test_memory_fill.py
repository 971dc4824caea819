"""host.memory_fill, with 32 MiB; the floor on numbers that we make up."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade
from chaos_runner.errors import NoEffect, Refused
from chaos_runner.targets.load import Memory, MemoryFiller
from tests.cli.runner import run
from tests.faults.loads import Free, closed, eventually, helpers, killed, orphan, prepared, undone_elsewhere
from tests.run.samples import experiment, single

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory is available")

MIB = 2**20
NAME = "host.memory_fill"
memory = shelf.fault(NAME)


class Told:
    """Available memory as a test tells it: one number after the other, the last for ever."""

    def __init__(self, *mib: int) -> None:
        self._left = list(mib)

    def available(self) -> int:
        return MIB * (self._left.pop(0) if len(self._left) > 1 else self._left[0])


@pytest.fixture
def act() -> Iterator[Act]:
    made = prepared(memory, {}, size=32 * MIB)
    yield made
    memory.undo(made)


def rss_bytes(act: Act) -> int:
    [helper] = helpers(act)
    return int(Path(f"/proc/{helper.pid}/statm").read_text().split()[1]) * 4096


def test_memory_is_taken_for_real_and_given_back_by_undo(act: Act) -> None:
    assert helpers(act) == []
    evidence = memory.apply(act)
    assert evidence.grade is Grade.PROVEN
    assert evidence.before.endswith("MiB available")
    assert evidence.after.endswith("MiB available; 32 MiB held")
    assert rss_bytes(act) >= 32 * MIB
    assert memory.verify(act).answer is Answer.NOT_RESTORED
    memory.undo(act)
    assert helpers(act) == []
    assert memory.verify(act).answer is Answer.RESTORED


def test_the_filler_is_the_first_to_be_killed_when_memory_runs_out(act: Act) -> None:
    memory.apply(act)
    [helper] = helpers(act)
    assert Path(f"/proc/{helper.pid}/oom_score_adj").read_text().strip() == "1000"


@pytest.mark.parametrize("times", [1, 2, 3])
def test_undo_may_run_any_number_of_times(act: Act, times: int) -> None:
    memory.apply(act)
    for _ in range(times):
        memory.undo(act)
    assert memory.verify(act).answer is Answer.RESTORED


def test_an_undo_without_an_apply_changes_nothing(act: Act) -> None:
    memory.undo(act)
    assert memory.verify(act).answer is Answer.RESTORED


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.1, 0.2])
def test_a_killed_process_leaves_nothing_wherever_it_was_in_apply(act: Act, after_s: float) -> None:
    killed(NAME, act, word="up", after_s=after_s)
    assert undone_elsewhere(NAME, act) == "restored"
    assert helpers(act) == []


@pytest.mark.slow
def test_the_memory_is_free_as_soon_as_its_runner_is_dead(act: Act) -> None:
    killed(NAME, act)
    assert eventually(lambda: not helpers(act), within_s=2)


def test_a_filler_that_outlived_its_runner_is_found_by_its_mark(act: Act) -> None:
    left = orphan(act, "memory", "--size", str(8 * MIB), "--floor", "0")
    assert memory.verify(act).answer is Answer.NOT_RESTORED
    assert undone_elsewhere(NAME, act) == "restored"
    closed(left)


def test_a_filler_that_was_killed_for_want_of_memory_is_nothing_to_undo(act: Act) -> None:
    memory.apply(act)
    [helper] = helpers(act)
    helper.signal(9)
    assert eventually(lambda: not helpers(act))
    memory.undo(act)
    assert memory.verify(act).answer is Answer.RESTORED


def test_memory_that_others_took_since_prepare_is_refused_and_nothing_is_left(act: Act) -> None:
    poor = structs.replace(act, do=act.do | {"floor": 2**60})
    with pytest.raises(Refused, match=r"none of 32 MiB of memory of .* could be taken: the floor is reached"):
        memory.apply(poor)
    assert helpers(act) == []


def test_the_filler_stops_before_the_floor() -> None:
    filler = MemoryFiller(Told(100, 75), 60 * MIB)
    assert filler.grow(64 * MIB, Free()) == "the floor is reached"
    assert filler.bytes == 16 * MIB


def test_the_filler_gives_back_in_steps_until_others_have_the_floor() -> None:
    filler = MemoryFiller(Told(1000), 60 * MIB)
    assert filler.grow(40 * MIB, Free()) == ""
    filler._memory = Told(50, 58, 74)
    filler.shrink()
    assert filler.bytes == 16 * MIB
    filler._memory = Told(0)
    filler.shrink()
    assert filler.bytes == 0


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with 1000 MiB, 800 of them available, and no control groups."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text(f"MemTotal: {1000 * 1024} kB\nMemAvailable: {800 * 1024} kB\n")
    return tmp_path


def grouped(machine: Path, line: str, **files: str) -> Memory:
    """The memory of that machine inside a control group."""
    (machine / "proc" / "self" / "cgroup").write_text(line + "\n")
    for path, text in files.items():
        file = machine / "groups" / path.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_name(file.name.replace("_dot_", ".")).write_text(text)
    return Memory(machine / "proc", machine / "groups")


def test_without_groups_the_machine_says_what_is_available(machine: Path) -> None:
    memory = Memory(machine / "proc", machine / "groups")
    assert (memory.total(), memory.available()) == (1000 * MIB, 800 * MIB)


def test_a_group_of_version_2_bounds_what_is_available_also_from_above(machine: Path) -> None:
    memory = grouped(machine, "0::/a/b", a__memory_dot_max=str(100 * MIB), a__memory_dot_current=str(70 * MIB),
                     a__memory_dot_stat=f"anon 1\ninactive_file {10 * MIB}\n", a__b__memory_dot_max="max",
                     a__b__memory_dot_current="0", a__b__memory_dot_stat="inactive_file 0\n")
    assert (memory.total(), memory.available()) == (100 * MIB, 40 * MIB)


def test_a_group_of_version_1_bounds_it_too_whether_we_see_its_path_or_only_its_root(machine: Path) -> None:
    memory = grouped(machine, "4:cpu,memory:/docker/1", memory__memory_dot_limit_in_bytes=str(200 * MIB),
                     memory__memory_dot_usage_in_bytes=str(150 * MIB),
                     memory__memory_dot_stat="total_inactive_file 0\n")
    assert (memory.total(), memory.available()) == (200 * MIB, 50 * MIB)


def test_nothing_to_take_has_no_effect() -> None:
    with pytest.raises(NoEffect):
        prepared(memory, {}, share=0.0)


@pytest.mark.parametrize(("arguments", "said"), [
    ({}, "exactly one of `size` and `share`"),
    ({"size": MIB, "share": 0.1}, "not `size` and `share`"),
    ({"size": 2**50}, "would leave less than the floor"),
    ({"share": 1.0}, "would leave less than the floor"),
    ({"size": MIB, "floor": 2**50}, "must stay so"),
])
def test_what_would_pass_the_floor_or_is_unclear_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        prepared(memory, {}, **arguments)


def test_the_floor_is_at_least_256_mib_and_5_percent_unless_given() -> None:
    total = Memory().total()
    assert prepared(memory, {}, size=MIB).do["floor"] == max(256 * MIB, int(0.05 * total))
    assert prepared(memory, {}, size=MIB, floor=5 * MIB).do["floor"] == 5 * MIB


@pytest.mark.skipif(not shutil.which("pkill"), reason="there is no pkill")
def test_a_person_can_finish_the_undo_with_one_command(act: Act) -> None:
    memory.apply(act)
    subprocess.run(memory.by_hand(act), shell=True, check=True)  # noqa: S602 (what a person would type)
    assert memory.verify(act).answer is Answer.RESTORED


@pytest.mark.slow
def test_a_run_with_little_memory_is_proven_and_restored(tmp_path: Path) -> None:
    step = {"name": "fill", "fault": NAME, "target": {}, "arguments": {"size": "32Mi"}, "duration": "300ms"}
    ran = run(experiment(step, probes=[single()]), tmp_path)
    [fault] = ran.outcome["faults"]
    assert (ran.exit, fault["grade"], fault["restored"]) == (0, "proven", "restored")
