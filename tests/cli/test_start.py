"""What a command pays for at its start: nothing that it does not use."""

import json
import subprocess
import sys

import pytest

_TELL = """
import atexit, json, sys
before = set(sys.modules)
atexit.register(lambda: print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))))
sys.argv = ['chaos-runner', *WORDS]
from chaos_runner.cli.main import main
main()
"""


def imported_by(*words: str) -> set[str]:
    """The packages, ours and the standard library's aside, that a command imports."""
    code = _TELL.replace("WORDS", repr(words))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    found = set(json.loads(done.stdout.splitlines()[-1])) - set(sys.stdlib_module_names)
    return {name for name in found if not name.startswith(("_", "chaos_runner"))}


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_the_help_imports_click_and_nothing_else_of_others(words: tuple[str, ...]) -> None:
    assert imported_by(*words) == {"click"}


def test_validating_json_imports_neither_yaml_nor_chaoslib() -> None:
    assert imported_by("validate", "/there/is/no/such/file.json") <= {"click", "msgspec", "typing_extensions"}
