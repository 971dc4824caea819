"""What a pipeline points at: each thing that went wrong, in words, with the line of the experiment that it is about.

GitHub's annotations and GitLab's code quality are two spellings of these.
"""

import os
from collections.abc import Iterator, Sequence
from enum import IntEnum

from msgspec import Struct

from chaos_runner.errors import Refused
from chaos_runner.experiment.findings import Finding, Place, Severity
from chaos_runner.report import marks, text
from chaos_runner.report.sections import verdict
from chaos_runner.report.story import Story
from chaos_runner.run.events import Reason, RestoredState, Verdict
from chaos_runner.run.run import Run
from chaos_runner.run.verdict import entry_state

_LEFT = (RestoredState.NOT_RESTORED, RestoredState.UNKNOWN)
_FAULTS_MOST = 5


class Weight(IntEnum):
    """How much a notice matters, the worst first: where there is room for ten, these come in this order."""

    LEFT_BEHIND = 0
    VERDICT = 1
    ALSO = 2
    WORTH_KNOWING = 3


class NoRun(Struct, frozen=True, kw_only=True):
    """An experiment that never became a run: its file is invalid, or it was refused before it had a folder.

    `file` is empty where several files were given and it is not known which one is meant.
    """

    file: str
    exit: int
    text: str
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        return self.file or "several files"

    @property
    def verdict(self) -> Verdict:
        """Refused is not started; everything else is an error."""
        return Verdict.NOT_STARTED if self.exit == Refused.exit_code else Verdict.ERROR


class GotWorse(Struct, frozen=True, kw_only=True):
    """An experiment that does worse than in a baseline, line by line. `fails`: whether the build fails for it."""

    baseline: str
    title: str
    file: str
    lines: tuple[str, ...]
    fails: bool

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.title or self.file}, beside {self.baseline}"


Subject = Story | NoRun | GotWorse
"""What a report for a pipeline tells of: a run, why there is none, or how one does beside a baseline."""


class Notice(Struct, frozen=True, kw_only=True):
    """One thing to know. `about` is the probe or step it is about; `place` is None where no file could be opened."""

    weight: Weight
    code: str
    title: str
    text: str
    about: str = ""
    place: Place | None = None


def notices(subject: Subject) -> list[Notice]:
    """What is to be known of a run, the worst first. Nothing for one that passed and is verified to be restored."""
    if isinstance(subject, NoRun):
        return list(_of_no_run(subject))
    if isinstance(subject, GotWorse):
        return [_of_worse(subject)]
    return [*_left_behind(subject), *_verdict(subject), *_reported(subject)]


def many(subjects: Sequence[Subject]) -> list[Notice]:
    """Those of several runs, the worst first."""
    found = [notice for subject in subjects for notice in notices(subject)]
    return sorted(found, key=lambda notice: notice.weight)


def path_in(root: str, file: str) -> str:
    """The file's path as a repository at `root` knows it; as it was given where it is not inside, or root is "".

    Posix, without `./`.
    """
    if not root:
        return os.path.normpath(file).replace(os.sep, "/")
    inside = os.path.relpath(file, root)
    return (os.path.normpath(file) if inside.startswith(os.pardir) else inside).replace(os.sep, "/")


# ── of a run ────────────────────────────────────────────────────────────────────────────────────────────────────────

def _left_behind(story: Story) -> Iterator[Notice]:
    run, top = story.run, verdict.view(story)
    if not top.recover:
        return
    left = [f"{one.name}: {one.why}" + (f"\n{one.command}" if one.command else "") for one in top.left]
    keys = [entry.step for entry in run.entries.values() if entry_state(entry) in _LEFT]
    step = run.plan.step(keys[0]) if keys else None
    yield Notice(weight=Weight.LEFT_BEHIND, code="not-restored", title=f"{top.restored.word}: {_title(run)}",
                 text="\n".join([top.restored_text, top.recover, *left]), about=step.name if step else "",
                 place=_openable(step.place) if step else _whole_file(run))


def _verdict(story: Story) -> Iterator[Notice]:
    run, top = story.run, verdict.view(story)
    if run.ended and run.ended.verdict is Verdict.PASSED:
        return
    reasons = run.ended.reasons if run.ended else [Reason(code="no-end", text=f"{top.sentence}. Its runner is gone")]
    for number, reason in enumerate(reasons):
        about, place = _about(run, reason.text)
        said = text.short(reason.text, text.NOTE_MOST)
        yield Notice(weight=Weight.ALSO if number else Weight.VERDICT, code=reason.code, about=about, place=place,
                     title=f"{top.verdict.word}: {_title(run)}",
                     text=said if number else "\n".join([said, *_surroundings(story, top)]))


def _surroundings(story: Story, top: verdict.View) -> Iterator[str]:
    """What whoever reads nothing else must know beside the sentence."""
    run = story.run
    hit = [f"{text.short(step.name, 100)}{_targets(run, step.key)} ({state.grade})"
           for step, state in run.actions_begun()]
    yield from hit[:_FAULTS_MOST]
    if len(hit) > _FAULTS_MOST:
        yield f"and {text.count(len(hit) - _FAULTS_MOST, 'action')} more"
    back = f"finish it with {top.recover}" if top.recover else top.restored_text
    yield f"{top.restored.word}: {back}"
    yield f"Run {run.plan.run}: chaos-runner show {run.plan.run}"


def _targets(run: Run, step: str) -> str:
    labels = [text.short(entry.label, 80) for entry in run.entries_of(step) if entry.act]
    more = f" and {len(labels) - 3} more" if len(labels) > 3 else ""
    return f" → {', '.join(labels[:3])}{more}" if labels else ""


def _reported(story: Story) -> Iterator[Notice]:
    run, top = story.run, verdict.view(story)
    if run.ended and run.ended.restored is RestoredState.REPORTED:
        yield Notice(weight=Weight.WORTH_KNOWING, code="reported", title=f"{top.restored.word}: {_title(run)}",
                     text=top.restored_text, place=_whole_file(run))


def _about(run: Run, said: str) -> tuple[str, Place | None]:
    """The probe or the step that a reason speaks of first, and where it stands; else the file's beginning.

    A step's name stands in quotes there, a probe's does not always; of names that begin together the longest is meant.
    """
    named = [(f'"{step.name}"', step.name, step.place) for step in run.plan.experiment.steps]
    named += [(probe.name, probe.name, probe.place) for probe in run.plan.watched if probe.name]
    found = [(said.find(words), -len(words), name, place) for words, name, place in named if words in said]
    if not found:
        return "", _whole_file(run)
    _, _, name, place = min(found, key=lambda one: one[:2])
    return name, _openable(place)


def _whole_file(run: Run) -> Place | None:
    return _openable(Place(run.plan.experiment.file, 1, 1))


def _openable(place: Place) -> Place | None:
    """Standard input and the web have no lines that anybody could be led to."""
    return None if place.file in ("", "-") or "://" in place.file else place


def _title(run: Run) -> str:
    return text.short(run.plan.experiment.title)


# ── of what never became a run ──────────────────────────────────────────────────────────────────────────────────────

def _of_no_run(none: NoRun) -> Iterator[Notice]:
    errors = [finding for finding in none.findings if finding.severity is Severity.ERROR]
    word = marks.VERDICTS[none.verdict].word
    for number, finding in enumerate(errors):
        yield Notice(weight=Weight.ALSO if number else Weight.VERDICT, code=finding.code,
                     title=f"{word}: {finding.code} in {text.short(finding.place.file)}",
                     text="\n".join(filter(None, (finding.message, finding.help))), place=_openable(finding.place))
    if not errors:
        yield Notice(weight=Weight.VERDICT, code=f"exit-{none.exit}", title=f"{word}: {text.short(none.name)}",
                     text=text.short(none.text, text.NOTE_MOST), place=_openable(Place(none.file, 1, 1)))


# ── beside a baseline ───────────────────────────────────────────────────────────────────────────────────────────────

def _of_worse(found: GotWorse) -> Notice:
    said = "\n".join(text.short(line, text.NOTE_MOST) for line in found.lines)
    return Notice(weight=Weight.ALSO if found.fails else Weight.WORTH_KNOWING, code="worse", about=found.title,
                  title=f"Worse than {text.short(found.baseline)}: {text.short(found.title or found.file)}", text=said,
                  place=_openable(Place(found.file, 1, 1)))
