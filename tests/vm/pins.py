"""Prints what the guest's Python needs: our dependencies and pytest, or with --constraints every pin of the lock file.

Other than ours, the guest's Python is always Debian's, so pins are chosen for that one.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

GUEST = {"python_version": "3.11", "python_full_version": "3.11.2", "sys_platform": "linux", "platform_system": "Linux",
         "platform_machine": "x86_64", "implementation_name": "cpython", "platform_python_implementation": "CPython"}
ROOT = Path(__file__).parents[2]


def requirements() -> list[str]:
    """Our dependencies, and what runs the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [*project["dependencies"], "pytest"]


def constraints() -> Iterator[str]:
    """The lock file's versions, without those for other Pythons and systems."""
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        if re.match(r"[a-zA-Z0-9]", line):
            pin = Requirement(line.rstrip("\\ "))
            if pin.marker is None or pin.marker.evaluate(GUEST):
                yield f"{pin.name}{pin.specifier}"


if __name__ == "__main__":
    print(*(constraints() if "--constraints" in sys.argv else requirements()), sep="\n")
