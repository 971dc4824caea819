"""aws.fis_template: starts an experiment of AWS's own fault injection; undo stops it and waits until all is back."""

from collections.abc import Sequence
from typing import Any, Final

from chaos_runner.contracts import Act, Band, Evidence, Example, Grade, NoArguments, Setting
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws import fis
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.fis import FisTarget, find_templates
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.waiting import wait

_RUNS: Final = "runs"
_BEGIN_S: Final = 45.0
_STOP_S: Final = 600.0
"""How long FIS may take to bring back what it has done: instances have to start."""
_FOR_GOOD: Final = ("terminate", "reboot", "failover", "stop-task", "spot", "pod-delete", "evict")
"""What FIS's actions do that it does not bring back, by words in their names."""
_EXPERIMENTS: Final = "arn:aws:fis:*:*:experiment/*"


class FisTemplate(ChangeFault[FisTarget, NoArguments]):
    """Starts an experiment of FIS from a template that somebody has written, and follows it until it runs.

    Undo stops it: FIS then brings back what its actions say that they bring back. A template that is not ours is not
    changed, so the stop rules of the run do not become stop conditions of FIS: they stop the run, and that stops the
    experiment. That it runs is what FIS says: it is reported, not proven.
    """

    target = FisTarget
    band = Band(word="FIS")
    kind = fis.TEMPLATE
    undone_by = "FIS is told to stop the experiment, and waited for until it has brought everything back"
    needs = "an AWS account with a template of FIS, and the right to start and stop experiments"
    undo_s = _STOP_S + 20.0
    permissions = Permissions(
        look=(Need("fis:ListExperimentTemplates", on="*"), Need("fis:ListExperiments", on="*"),
              Need("fis:GetExperiment", on=_EXPERIMENTS)),
        do=(Need("fis:StartExperiment"), Need("fis:StartExperiment", on=_EXPERIMENTS),
            Need("fis:TagResource", on=_EXPERIMENTS)),
        undo=(Need("fis:StopExperiment", on=_EXPERIMENTS, tagged=True),))
    example = Example(target={"ids": ["EXT1a2b3c4d5e6f7"]})

    def wanted(self, target: FisTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = find_templates(target, setting.seed)
        for one in found.things:
            if others := fis.running(found.at, one.thing):
                raise Refused(f"FIS already runs {others[0]['id']} of the template {one.thing}")
        return [Wanted.of(found, one, {_RUNS: True}) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        fis.template(at, thing)
        return {_RUNS: bool(_ours(at, thing))}

    def write(self, order: Order) -> None:
        if order.values[_RUNS]:
            _start(order)
        else:
            _stop(order.at, order.thing)

    def touches(self, values: Values) -> bool:
        return values.keys() == {_RUNS} and isinstance(values[_RUNS], bool)

    def evidence(self, ref: Ref, values: Values, was: Values) -> Evidence:  # noqa: ARG002
        at = ref.at()
        found = fis.of_mark(at, ref.thing, self.kind.tagging.read(at, ref.thing).get(RUN, ""))
        if not found:
            raise ActFailed(f"{ref.label}: FIS does not list the experiment that it has begun")
        said = f"experiment {found['id']} is {found['state']['status']}"
        if found["state"]["status"] not in ("running", "completed"):
            raise ActFailed(f"{ref.label}: {said}: {found['state'].get('reason', '')}")
        return Evidence(grade=Grade.REPORTED, after=said)

    def notes(self, acts: Sequence[Act]) -> list[str]:
        found = [note for act in acts for note in _told(ref_of(act).at(), ref_of(act).thing)]
        return [*super().notes(acts), *found]

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        query = f'experiments[?tags."{RUN}"==\'{act.do.get("mark")}\'].id'
        found = ref.command("fis", "list-experiments", "--output", "text", "--query", query)
        return ref.command("fis", "stop-experiment") + f' --id "$({found})"'


def _ours(at: Account, template: str) -> list[dict[str, Any]]:
    return [one for one in fis.running(at, template) if RUN in (one.get("tags") or {})]


def _start(order: Order) -> None:
    """With a token of the mark: asked for twice, it is begun once."""
    at, mark = order.at, order.signs[RUN]
    started = fis.of_mark(at, order.thing, mark) or at.ask(
        "fis", "start_experiment", clientToken=mark, experimentTemplateId=order.thing,
        tags=dict(order.signs))["experiment"]
    wait(lambda: fis.status(at, started["id"]) not in ("pending", "initiating"),
         f"FIS has not begun the experiment {started['id']}", _BEGIN_S)


def _stop(at: Account, template: str) -> None:
    for one in _ours(at, template):
        if one["state"]["status"] != "stopping":
            at.ask("fis", "stop_experiment", id=one["id"])
    wait(lambda: all(fis.status(at, one["id"]) in fis.OVER for one in _ours(at, template)),
         f"FIS is still stopping what it runs of {template}", _STOP_S)


def _told(at: Account, thing: str) -> list[str]:
    """What somebody should know of a template before it is followed."""
    said = fis.template(at, thing)
    alarms = [one for one in said.get("stopConditions") or () if one["source"] != "none"]
    actions = sorted({one["actionId"] for one in said["actions"].values()})
    for_good = [one for one in actions if any(word in one for word in _FOR_GOOD)]
    alone = f"{thing} has no stop condition of its own: this run's stop rules stop it, and nobody does without a runner"
    lasting = f"{thing} does what FIS does not bring back: {', '.join(for_good)}"
    return [*([] if alarms else [alone]), *([lasting] if for_good else [])]
