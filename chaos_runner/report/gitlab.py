"""For a merge request of GitLab: what went wrong as a code quality report, beside the lines of the experiment.

GitLab reads `description`, `check_name`, `fingerprint`, `severity`, `location.path` and `location.lines.begin`, and
shows one issue a fingerprint; it compares fingerprints between branches, so they hold nothing of a single run.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from chaos_runner.report import text
from chaos_runner.report.notices import Notice, Subject, Weight, notices, path_in

_SEVERITIES: Final = {Weight.LEFT_BEHIND: "blocker", Weight.VERDICT: "critical", Weight.ALSO: "major",
                      Weight.WORTH_KNOWING: "info"}


def code_quality(subjects: Sequence[Subject], root: str = "") -> str:
    """The report as JSON: an array with an issue for each thing to know. `root` is the folder of the repository."""
    issues: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    for subject in subjects:
        for notice in notices(subject):
            key = _key(notice, root)
            seen[key] = seen.get(key, 0) + 1
            issues.append(_issue(notice, root, f"{key}\0{seen[key]}"))
    return msgspec.json.format(msgspec.json.encode(issues), indent=2).decode() + "\n"


def _key(notice: Notice, root: str) -> str:
    return "\0".join((_path(notice, root), notice.code, notice.about, notice.title))


def _issue(notice: Notice, root: str, key: str) -> dict[str, Any]:
    said = "; ".join(f"{notice.title}: {notice.text}".splitlines())
    return {
        "type": "issue", "check_name": f"chaos-runner/{notice.code}", "categories": ["Bug Risk"],
        "description": text.visible(text.short(said, text.NOTE_MOST)), "severity": _SEVERITIES[notice.weight],
        "fingerprint": hashlib.sha256(key.encode(errors="replace")).hexdigest(),
        "location": {"path": _path(notice, root), "lines": {"begin": notice.place.line if notice.place else 1}},
    }


def _path(notice: Notice, root: str) -> str:
    """GitLab drops an issue without a path: what came from standard input gets a name that no file has."""
    return text.visible(path_in(root, notice.place.file)) if notice.place else "-"
