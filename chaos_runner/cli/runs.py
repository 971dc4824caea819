"""Finding a run by what people call it: its id, a unique beginning of one, or `latest`."""

from pathlib import Path
from typing import Final

from chaos_runner.errors import UsageError
from chaos_runner.recovery.phase import NEVER_BEGUN

LATEST: Final = "latest"


def find_run(reports: Path, name: str) -> Path:
    """The folder of a run. Raises UsageError when no run, or more than one, is called so."""
    if name == LATEST:
        return _latest(reports)
    if not name.isalnum():
        raise UsageError(f"{name!r} is no run: give its id, a unique beginning of it, or {LATEST}")
    found = sorted(folder for folder in (reports / "runs").glob(f"{name.upper()}*") if folder.is_dir())
    if len(found) == 1 or (found and found[0].name == name.upper()):
        return _begun(found[0])
    if not found:
        raise UsageError(f"{reports} holds no run {name}; look into {reports / 'runs'}, or give --reports")
    raise UsageError(f"{name} may be {' or '.join(folder.name for folder in found[:5])}: give more of it")


def _begun(folder: Path) -> Path:
    if (folder / NEVER_BEGUN).exists():
        raise UsageError(f"run {folder.name} never began: whoever was to start it died, and nothing was injected")
    return folder


def _latest(reports: Path) -> Path:
    link = reports / "latest"
    if not link.is_dir():
        raise UsageError(f"{reports} holds no run yet")
    return link.resolve()
