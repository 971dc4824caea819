"""Who ran what, where and with which version: what someone needs to run it again."""


from msgspec import Struct

from chaos_runner.plan.limits import used
from chaos_runner.report import text, times
from chaos_runner.report.story import Story
from chaos_runner.units import spoken_seconds

_TARGETS_MOST = 12


class Item(Struct, frozen=True):
    """A name and its value."""

    name: str
    value: str


class View(Struct, frozen=True, kw_only=True):
    """Names and values, in reading order, and the targets that were chosen."""

    facts: list[Item]
    targets: list[Item]


def view(story: Story) -> View:
    """Facts about the run itself, without those that are empty."""
    run = story.run
    plan, origin, experiment = run.plan, run.plan.origin, run.plan.experiment
    items = (
        Item("description", experiment.description), Item("run", plan.run),
        Item("started", times.utc_date(run, 0.0)), Item("ended", times.utc_date(run, run.t)),
        Item("by", f"{origin.user} on {origin.host}"), Item("from", origin.through),
        Item("environment", f"{plan.environment}{' (production)' if plan.production else ''}"),
        Item("file", experiment.file), Item("owner", experiment.owner),
        Item("tags", ", ".join(experiment.tags)), Item("seed", str(plan.seed)), Item("digest of the plan", plan.digest),
        Item("rollback strategy", str(plan.strategy)),
        Item("recovers within", spoken_seconds(plan.recovers_within_s)),
        *(Item("limit", said) for said in used(plan.safeguards.limits, run.hit)),
        Item("marks expire", plan.expires), Item("process", f"{origin.pid}"),
        Item("chaos-runner", origin.version), Item("Python", origin.python), Item("platform", origin.platform),
    )
    return View(facts=[Item(item.name, text.short(item.value, 600)) for item in items if item.value],
                targets=[Item(text.short(plan.step(step).name), target_words([aim.label for aim in aims]))
                         for step, aims in run.checked.items()])


def target_words(labels: list[str]) -> str:
    """The targets of one fault: the first dozen by name."""
    named = ", ".join(text.short(label, 80) for label in labels[:_TARGETS_MOST])
    return named if len(labels) <= _TARGETS_MOST else f"{named} and {len(labels) - _TARGETS_MOST} more"
