"""aws.route53_health_check_invert: what is healthy counts as unhealthy, so that DNS leads elsewhere."""

from typing import Final

from chaos_runner.contracts import Act, Band, Example, NoArguments, Setting
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.route53 import (
    HEALTH_CHECK,
    TAGS_MOST,
    HealthCheckTarget,
    find_health_checks,
    read_health_check,
)

_INVERTED: Final = "inverted"
_UPDATE: Final = Need("route53:UpdateHealthCheck")


class Route53HealthCheckInvert(ChangeFault[HealthCheckTarget, NoArguments]):
    """Inverts health checks: healthy counts as unhealthy, and the other way round. Records that fail over, or are
    chosen by health, lead elsewhere as soon as Route 53 has noticed and resolvers ask again: that takes the records'
    TTL. One that is inverted already counts straight meanwhile. A health check bears ten tags at most, ours included.
    """

    target = HealthCheckTarget
    band = Band(word="inverted")
    kind = HEALTH_CHECK
    tags_most = TAGS_MOST
    undone_by = "it counts as before, unless somebody else has changed that"
    permissions = Permissions(
        look=(Need("route53:ListHealthChecks", on="*"), Need("route53:GetHealthCheck"),
              Need("route53:ListTagsForResources", on="*")),
        do=(_UPDATE,), undo=(_UPDATE,))
    example = Example(target={"ids": ["shop-front"]})

    def wanted(
        self, target: HealthCheckTarget, arguments: NoArguments, setting: Setting,  # noqa: ARG002
    ) -> list[Wanted]:
        found = find_health_checks(target, setting.seed)
        return [Wanted.of(found, one, {_INVERTED: not one.seen["HealthCheckConfig"].get("Inverted", False)})
                for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        return {_INVERTED: read_health_check(at, thing)["HealthCheckConfig"].get("Inverted", False)}

    def write(self, order: Order) -> None:
        """Only in the place of the version that is read here: nobody's change is overwritten."""
        seen = read_health_check(order.at, order.thing)
        order.at.ask("route53", "update_health_check", HealthCheckId=order.thing,
                     HealthCheckVersion=seen["HealthCheckVersion"], Inverted=order.values[_INVERTED])

    def touches(self, values: Values) -> bool:
        return values.keys() == {_INVERTED} and isinstance(values[_INVERTED], bool)

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        return ref.command("route53", "update-health-check", "--health-check-id", ref.thing,
                           "--inverted" if act.was["values"][_INVERTED] else "--no-inverted")
