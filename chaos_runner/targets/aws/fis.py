"""FIS, AWS's own fault injection: templates that somebody has written, and experiments that follow them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, pick
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind

OVER: Final = ("completed", "stopped", "failed", "cancelled")
_ARN: Final = "arn:aws:fis:{region}:{account}:experiment-template/{thing}"


class _Tagging:
    def read(self, at: Account, thing: str) -> dict[str, str]:
        return dict(template(at, thing).get("tags") or {})

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        at.ask("fis", "tag_resource", resourceArn=_arn(at, thing), tags=dict(tags))

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask("fis", "untag_resource", resourceArn=_arn(at, thing), tagKeys=list(keys))

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        """Templates are few, and listed with their tags."""
        for one in at.every("fis", "list_experiment_templates", "experimentTemplates[]"):
            if RUN in (one.get("tags") or {}):
                yield one["id"], one["tags"]


TEMPLATE: Final = Kind("FIS template", _Tagging(), _ARN,
                       ("fis:GetExperimentTemplate", "fis:TagResource", "fis:UntagResource"))


class FisTarget(Picked, frozen=True, kw_only=True):
    """Which templates, by id or by tags: every key that is given must hold."""


def find_templates(target: FisTarget, seed: int) -> Chosen:
    """The templates to follow."""
    at = target.account()
    there = at.every("fis", "list_experiment_templates", "experimentTemplates[]")
    return pick(at, TEMPLATE, target, [_template(one) for one in there], seed)


def template(at: Account, thing: str) -> dict[str, Any]:
    """What it says. Raises Gone."""
    found: dict[str, Any] = at.ask("fis", "get_experiment_template", id=thing)["experimentTemplate"]
    return found


def running(at: Account, thing: str) -> list[dict[str, Any]]:
    """The experiments of a template that are not over. Asks for all: older endpoints know no narrower question."""
    return [one for one in at.every("fis", "list_experiments", "experiments[]")
            if one["experimentTemplateId"] == thing and one["state"]["status"] not in OVER]


def of_mark(at: Account, thing: str, mark: str) -> dict[str, Any] | None:
    """The experiment of a template that bears this mark, over or not."""
    return next((one for one in at.every("fis", "list_experiments", "experiments[]")
                 if one["experimentTemplateId"] == thing and (one.get("tags") or {}).get(RUN) == mark), None)


def status(at: Account, experiment: str) -> str:
    """How an experiment is."""
    return str(at.ask("fis", "get_experiment", id=experiment)["experiment"]["state"]["status"])


def _template(seen: dict[str, Any]) -> Thing:
    return Thing(thing=seen["id"], seen=seen, tags=seen.get("tags") or {}, name=seen.get("description") or "",
                 arn=seen.get("arn", ""))


def _arn(at: Account, thing: str) -> str:
    return _ARN.format(region=at.region, account=at.number, thing=thing)
