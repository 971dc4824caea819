"""Prints the tables of docs/from-chaos-toolkit.md from what is seen when the same experiments are run by both.

    python -m tests.toolkit.print_differences            writes the page
    python -m tests.toolkit.print_differences --check    writes nothing; exit code 1 when it is stale
"""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tests.toolkit.scenes import POLICIES, SCENES, Scene
from tests.toolkit.seen import ROOT, by

PAGE: Final = ROOT / "docs" / "from-chaos-toolkit.md"
_PART: Final = re.compile(r"(<!-- printed: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
IGNORED: Final = "changed what it was given"
"""chaoslib does, we never do: a difference that stands on the page once."""


def main(words: list[str]) -> int:
    """Writes the page, or only compares it."""
    text = PAGE.read_text(encoding="utf-8")
    fresh = page(text)
    if words == ["--check"]:
        print("fresh" if fresh == text else "stale: run `python -m tests.toolkit.print_differences`")
        return int(fresh != text)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


def page(text: str) -> str:
    """The page with its printed parts as they ought to be."""
    return _PART.sub(lambda found: f"{found[1]}{_lines(_PRINTED[found[2]]())}{found[3]}", text)


def different(scene: Scene) -> dict[str, tuple[Any, Any]]:
    """What `run_experiment` did otherwise than chaoslib: of both, by what was looked at."""
    theirs, ours = by("theirs")[scene.name], by("drop-in")[scene.name]
    return {key: (theirs.get(key), ours.get(key)) for key in {*theirs, *ours} - {IGNORED}
            if theirs.get(key) != ours.get(key)}


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _table(heads: str, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {heads} |"
    yield "|" + "---|" * (heads.count("|") + 1)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _differences() -> Iterator[str]:
    return _table("experiment | chaoslib | `run_experiment` | policy", (
        (scene.name, _journal(by("theirs")[scene.name]), _journal(by("drop-in")[scene.name]), scene.differs)
        for scene in SCENES.values() if different(scene)))


def _results() -> Iterator[str]:
    return _table("experiment | Chaos Toolkit | exit of `chaos run` | `chaos-runner run` | its exit", (
        (scene.name, _journal(by("theirs")[scene.name]), _exit(by("theirs")[scene.name]),
         *_outcome(scene)) for scene in SCENES.values()))


def _policies() -> Iterator[str]:
    return (f"- **{name}**: {why}" for name, why in POLICIES.items())


def _counts() -> Iterator[str]:
    same = sum(not different(scene) for scene in SCENES.values())
    changed = sum(bool(by("theirs")[name].get(IGNORED)) for name in SCENES)
    yield f"Of {len(SCENES)} experiments {same} gave the same under both: statuses, steady states, the records of"
    yield "activities and rollbacks, the order in which everything was called, controls and event handlers included."
    yield f"In {changed} of them chaoslib changed the experiment that it was given; `run_experiment` never does."


def _journal(seen: dict[str, Any]) -> str:
    if "raised" in seen:
        return f"raises {seen['raised']}"
    deviated = ", deviated" if seen["deviated"] else ""
    return f"{seen['status']}{deviated}; {_called(seen)}"


def _called(seen: dict[str, Any]) -> str:
    count = len(seen["rollbacks"])
    return "rollbacks run" if count else "no rollbacks"


def _exit(seen: dict[str, Any]) -> str:
    return str(int("raised" in seen or seen["deviated"] or seen["status"] != "completed"))


def _outcome(scene: Scene) -> tuple[str, str]:
    seen = by("runner")[scene.name]
    if "raised" in seen:
        return f"refused ({seen['raised']})", "3" if seen["raised"] == "Refused" else "2"
    names = [rollback["name"] for rollback in scene.experiment["rollbacks"] or []]
    back = "rollbacks run" if any(name in seen["called"] for name in names) else "no rollbacks"
    return f"{seen['verdict']} ({seen['code']}), {seen['restored']}; {back}", str(seen["exit"])


_PRINTED: Final = {"differences": _differences, "results": _results, "policies": _policies, "counts": _counts}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
