"""aws.elb_fixed_response: a load balancer answers by itself, with an error; undo lets its rules answer again."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.errors import Refused, UsageError
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account, Denied, pairs
from chaos_runner.targets.aws.choosing import Thing
from chaos_runner.targets.aws.elb import ELB, LISTENER, ListenerTarget, find_listeners, our_rules, rules
from chaos_runner.targets.aws.rights import Need, Permissions

_ANSWER: Final = "answer"
_NONE: Final = "none"
_WRITTEN: Final = re.compile(r"none|[45][0-9]{2}")
_FIRST: Final = 1
_FIXED: Final = "fixed-response"
_PATTERNS_MOST: Final = 5
_BODY_MOST: Final = 256
_RULES: Final = "arn:aws:elasticloadbalancing:{region}:{account}:listener-rule/*"


class ElbFixedResponseArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is answered: a `status` from 400 on, and a short text. To which requests: those with one of these `paths`
    ("/api/*") at one of these `hosts`, five patterns in all; to all, where nothing is said.
    """

    status: int = 503
    body: str = ""
    paths: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)


class ElbFixedResponse(ChangeFault[ListenerTarget, ElbFixedResponseArguments]):
    """Lets listeners of Application Load Balancers answer requests by themselves: what they would be sent to gets none.

    A rule of ours goes before all others, so neither the default action nor what anybody's rules do is changed; where
    the first place is taken, the rules that stand there without a gap move down by one, and up again at the undo.
    """

    target = ListenerTarget
    arguments = ElbFixedResponseArguments
    band = Band(word="answered by the balancer")
    kind = LISTENER
    undone_by = "our rule is deleted, and the rules get their places back"
    undo_s = 60.0
    permissions = Permissions(
        look=(Need("elasticloadbalancing:DescribeLoadBalancers", on="*"),
              Need("elasticloadbalancing:DescribeListeners", on="*"),
              Need("elasticloadbalancing:DescribeRules", on="*")),
        do=(Need("elasticloadbalancing:CreateRule"), Need("elasticloadbalancing:AddTags", on=_RULES),
            Need("elasticloadbalancing:SetRulePriorities", on=_RULES)),
        undo=(Need("elasticloadbalancing:DeleteRule", on=_RULES, tagged=True),
              Need("elasticloadbalancing:SetRulePriorities", on=_RULES)))
    example = Example(target={"ids": ["shop-web:80"]}, arguments={"status": 503, "paths": ["/checkout/*"]})

    def wanted(self, target: ListenerTarget, arguments: ElbFixedResponseArguments, setting: Setting) -> list[Wanted]:
        _check(arguments)
        found = find_listeners(target, setting.seed)
        for one in found.things:
            _check_answers(one)
        how = {"body": arguments.body, "paths": arguments.paths, "hosts": arguments.hosts}
        return [Wanted.of(found, one, {_ANSWER: str(arguments.status), **_moved(rules(found.at, one.thing))},
                          {key: value for key, value in how.items() if value}) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        there = rules(at, thing)
        ours = our_rules(at, [one for one in there if one["Actions"][0]["Type"] == _FIXED])
        answers = [str(one["Actions"][0]["FixedResponseConfig"]["StatusCode"]) for one in ours]
        places = {_id(one): int(one["Priority"]) for one in there if one not in ours}
        return {_ANSWER: "+".join(answers) or _NONE, **places}

    def write(self, order: Order) -> None:
        answer, there = order.values.get(_ANSWER), rules(order.at, order.thing)
        ours = our_rules(order.at, there)
        for one in ours if answer == _NONE else ():
            order.at.ask(ELB, "delete_rule", RuleArn=one["RuleArn"])
        _move(order, {_id(one): int(one["Priority"]) for one in there if one not in ours})
        if answer not in (None, _NONE) and not ours:
            _create(order, str(answer))

    def touches(self, values: Values) -> bool:
        places = [value for key, value in values.items() if key != _ANSWER]
        return bool(_WRITTEN.fullmatch(str(values.get(_ANSWER)))) and all(isinstance(one, int) for one in places)

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        return ref.command(ELB, "describe-rules", "--listener-arn", ref.thing) + "  # delete the one of priority 1"


def _check(arguments: ElbFixedResponseArguments) -> None:
    if not 400 <= arguments.status <= 599:
        raise UsageError(f"a status is an error's: 400 to 599, not {arguments.status}")
    if len(arguments.paths) + len(arguments.hosts) > _PATTERNS_MOST:
        raise UsageError(f"a rule has at most {_PATTERNS_MOST} patterns: give fewer paths and hosts")
    if len(arguments.body) > _BODY_MOST:
        raise UsageError(f"the body has {len(arguments.body)} characters, and at most {_BODY_MOST} fit beside its undo")


def _check_answers(one: Thing) -> None:
    if one.seen.get("Protocol") not in ("HTTP", "HTTPS"):
        raise Refused(f"listener {one.name} speaks {one.seen.get('Protocol')}: only that of an Application Load "
                      "Balancer can answer by itself")


def _moved(there: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Where the rules go that stand where ours is to be, and all that would be in their way."""
    places = {int(one["Priority"]): _id(one) for one in there}
    moved: dict[str, int] = {}
    place = _FIRST
    while place in places:
        moved[places[place]] = place + 1
        place += 1
    return moved


def _move(order: Order, there: Mapping[str, int]) -> None:
    """One after the other, so that no two ever want one place and their order is the same at every moment."""
    todo = {key: place for key, place in order.values.items() if key in there and there[key] != place}
    down = sorted((key for key in todo if todo[key] > there[key]), key=lambda key: -there[key])
    up = sorted((key for key in todo if todo[key] < there[key]), key=lambda key: there[key])
    for key in (*down, *up):
        order.at.ask(ELB, "set_rule_priorities", RulePriorities=[{"RuleArn": _arn(order.thing, key),
                                                                  "Priority": todo[key]}])


def _create(order: Order, status: str) -> None:
    """A call that is sent again after a lost answer finds the place taken: by ours, then."""
    response = {"StatusCode": status, "ContentType": "text/plain", "MessageBody": order.how.get("body", "")}
    try:
        order.at.ask(ELB, "create_rule", ListenerArn=order.thing, Priority=_FIRST, Tags=pairs(order.signs),
                     Conditions=_conditions(order.how), Actions=[{"Type": _FIXED, "FixedResponseConfig": response}])
    except Denied:
        if not our_rules(order.at, rules(order.at, order.thing)):
            raise


def _conditions(how: Values) -> list[dict[str, Any]]:
    hosts = [{"Field": "host-header", "HostHeaderConfig": {"Values": how["hosts"]}}] if "hosts" in how else []
    paths = how.get("paths", [] if hosts else ["*"])
    return [*hosts, *([{"Field": "path-pattern", "PathPatternConfig": {"Values": paths}}] if paths else [])]


def _id(rule: Mapping[str, Any]) -> str:
    return str(rule["RuleArn"]).rpartition("/")[2]


def _arn(listener: str, rule: str) -> str:
    return f"{listener.replace(':listener/', ':listener-rule/')}/{rule}"
