"""What a command pays for at its start: nothing that it does not use."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_TELL = """
import atexit, json, os, sys
before = set(sys.modules)
tell = lambda: print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})), flush=True)
atexit.register(tell)
leave = os._exit
os._exit = lambda code: (os.dup2(OUT, 1), tell(), leave(code))
OUT = os.dup(1)
sys.argv = ['chaos-runner', *WORDS]
from chaos_runner.cli.main import main
main()
"""


def imported_by(*words: str) -> set[str]:
    """The packages, ours and the standard library's aside, that a command imports, however it leaves."""
    code = _TELL.replace("WORDS", repr(words))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    found = set(json.loads(done.stdout.splitlines()[-1])) - set(sys.stdlib_module_names)
    return {name for name in found if not name.startswith(("_", "chaos_runner"))}


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_the_help_imports_click_and_nothing_else_of_others(words: tuple[str, ...]) -> None:
    assert imported_by(*words) == {"click"}


def test_validating_json_imports_neither_yaml_nor_chaoslib() -> None:
    assert imported_by("validate", "/there/is/no/such/file.json") <= {"click", "msgspec", "typing_extensions"}


def test_a_run_without_a_terminal_does_not_import_what_draws_the_live_view(tmp_path: Path) -> None:
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps({"title": "t", "description": "d", "method": []}))
    assert "rich" not in imported_by("run", str(file), "--reports", str(tmp_path / "reports"))
    assert "rich" not in imported_by("plan", str(file))
