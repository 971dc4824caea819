"""host.disk_fill: takes space of a filesystem with one file, never past a floor; undo removes the file."""

import os
import stat
from pathlib import Path
from shlex import quote
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Band, Evidence, Example, Fault, Restored, Setting, Share, Size
from chaos_runner.errors import ActFailed, NoEffect, NoTarget, Refused
from chaos_runner.faults.host._load import (
    end_helpers,
    exact_mib,
    exactly_one,
    kill_by_hand,
    look_back,
    start,
    until_s,
)
from chaos_runner.targets.load import free_bytes
from chaos_runner.units import spoken_bytes

_FLOOR: Final = 64 * 2**20
_FLOOR_SHARE: Final = 0.01
_START_S: Final = 30.0
_SLOWEST_BYTES_PER_S: Final = 20 * 2**20
"""Where space cannot be reserved it is written."""


class FolderTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder. Its filesystem is filled, with a file in it."""

    path: str


class DiskArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """How much to take: exactly one of `size`, `share` of what is free, `keep` (all but so much) and `keep-share` (all
    but this share of the whole filesystem). `floor` is what always stays free, unless given the larger of 64 MiB and
    1 % of the whole.
    """

    size: Size | None = None
    share: Share | None = None
    keep: Size | None = None
    keep_share: Share | None = None
    floor: Size | None = None


class DiskFill(Fault[FolderTarget, DiskArguments]):
    """Fills a filesystem with one file that is named after our mark.

    Free is what an ordinary user can still write. Before each step it is read again, so the floor holds also when
    others write meanwhile; it is for them to go past it afterwards. The file goes with the runner, however it ends, and
    at the latest when its mark expires.
    """

    target = FolderTarget
    arguments = DiskArguments
    outlives_machine = False
    band = Band(word="disk filled")
    undone_by = "the file is removed"
    needs = "the right to write into the folder"
    example = Example(target={"path": "/tmp"}, arguments={"keep": "1Gi"})  # noqa: S108 -- no file, a folder to fill

    def prepare(self, target: FolderTarget, arguments: DiskArguments, setting: Setting) -> list[Act]:
        folder = Path(target.path).absolute()
        _check_folder(folder)
        total, free = _total_bytes(folder), free_bytes(str(folder))
        size, floor = _goal(arguments, total, free)
        mark = str(setting.mark)
        do = {"mark": mark, "until_s": until_s(setting), "file": str(folder / mark), "size": size, "floor": floor}
        return [Act(target={"path": str(folder), "device": folder.stat().st_dev}, do=do, was={"free": free},
                    label=f"the filesystem of {folder}")]

    def apply(self, act: Act) -> Evidence:
        folder, size, file = act.target["path"], act.do["size"], Path(act.do["file"])
        if _device(folder) != act.target["device"]:
            raise Refused(f"{folder} is on another filesystem by now")
        before = free_bytes(folder)
        told = start(act, ["disk", "--size", str(size), "--floor", str(act.do["floor"]), "--file", str(file)],
                     _START_S + size / _SLOWEST_BYTES_PER_S)
        if not told.size:
            self.undo(act)
            raise Refused(f"nothing could be taken of {act.label}: {told.why}")
        held, after = _taken(file), free_bytes(folder)
        if not held:
            raise ActFailed(f"{file} was to take up {spoken_bytes(told.size)}, found it gone or empty")
        return Evidence(before=f"{exact_mib(before)} free",
                        after=f"{exact_mib(after)} free; {spoken_bytes(held)} held{_short(told.why)}")

    def undo(self, act: Act) -> None:
        """First the process, then the file: space is free only when nobody has the file open."""
        end_helpers(act)
        file = Path(act.do["file"])
        if not _is_file(file):
            return
        try:
            file.unlink(missing_ok=True)
        except OSError as problem:
            raise ActFailed(f"{file} could not be removed: {problem.strerror}") from problem

    def verify(self, act: Act) -> Restored:
        file, found = Path(act.do["file"]), look_back(act)
        if found.answer is not Answer.RESTORED:
            return found
        if _is_file(file):
            return Restored(answer=Answer.NOT_RESTORED, diff=f"{file} is still there")
        if os.path.lexists(file):
            return Restored(answer=Answer.DRIFT, diff=f"{file} is no longer the file we made: left as it is")
        return _where(act)

    def by_hand(self, act: Act) -> str:
        return f"{kill_by_hand(act)}; rm -f {quote(act.do['file'])}"


def _where(act: Act) -> Restored:
    """Whether the folder is still the one that was filled."""
    device = _device(act.target["path"])
    if device is None:
        return Restored(answer=Answer.GONE, diff=f"there is no folder {act.target['path']} any more")
    if device != act.target["device"]:
        return Restored(answer=Answer.DRIFT, diff=f"another filesystem is mounted at {act.target['path']}; if the old "
                                                  f"one still exists, {act.do['mark']} may be on it")
    return Restored(answer=Answer.RESTORED)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise NoTarget(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Refused(f"no right to write in {folder}, or its filesystem is read-only")
    if not _total_bytes(folder):
        raise Refused(f"{folder} is on a filesystem that holds nothing")


def _goal(arguments: DiskArguments, total: int, free: int) -> tuple[int, int]:
    """How many bytes to take at most, and how many to leave. Raises Refused and NoEffect."""
    chosen = exactly_one(arguments, "size", "share", "keep", "keep_share")
    floor = max(_FLOOR, int(_FLOOR_SHARE * total)) if arguments.floor is None else arguments.floor
    if free <= floor:
        raise Refused(f"only {spoken_bytes(free)} are free, and {spoken_bytes(floor)} must stay so (`floor`)")
    if chosen.startswith("keep"):
        return total, _kept(arguments, total, free, floor)
    size = arguments.size if arguments.size is not None else int((arguments.share or 0) * free)
    if size == 0:
        raise NoEffect("to take no space changes nothing")
    if free - size < floor:
        raise Refused(f"{spoken_bytes(free)} are free: to take {spoken_bytes(size)} would leave less than the floor of "
                      f"{spoken_bytes(floor)}; at most {spoken_bytes(free - floor)} can be taken")
    return size, floor


def _kept(arguments: DiskArguments, total: int, free: int, floor: int) -> int:
    keep = arguments.keep if arguments.keep is not None else int((arguments.keep_share or 0) * total)
    if keep < floor:
        raise Refused(f"to keep {spoken_bytes(keep)} free is less than the floor of {spoken_bytes(floor)}: keep more, "
                      "or give a lower `floor`")
    if free <= keep:
        raise NoEffect(f"only {spoken_bytes(free)} are free already, and {spoken_bytes(keep)} were to be kept")
    return keep


def _total_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize


def _device(folder: str) -> int | None:
    try:
        return Path(folder).stat().st_dev
    except OSError:
        return None


def _found(file: Path) -> os.stat_result | None:
    try:
        return file.lstat()
    except OSError:
        return None


def _is_file(file: Path) -> bool:
    found = _found(file)
    return found is not None and stat.S_ISREG(found.st_mode)


def _taken(file: Path) -> int:
    found: Any = _found(file)
    return found.st_blocks * 512 if found else 0


def _short(why: str) -> str:
    return f" ({why})" if why else ""
