"""aws.route_blackhole: routes lead to nowhere; undo gives them their former targets back."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.errors import NoTarget, Refused
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Chosen, Thing, filters
from chaos_runner.targets.aws.ec2 import ROUTE_TABLE
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.rights import MORE, Need, Permissions
from chaos_runner.targets.aws.vpc import OUR_INTERFACE, RouteTableTarget, are_ours, find_route_tables, read_route_table

_NOWHERE: Final = "nowhere"
_DESTINATIONS: Final = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
_TARGETS: Final = ("NetworkInterfaceId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId",
                   "EgressOnlyInternetGatewayId", "CarrierGatewayId", "LocalGatewayId", "CoreNetworkArn",
                   "OdbNetworkArn", "GatewayId")
"""What a route may lead to, as EC2 lists and takes it. That of an instance is its network interface."""
_INTERFACES: Final = "arn:aws:ec2:{region}:{account}:network-interface/*"
_SUBNETS: Final = "arn:aws:ec2:{region}:{account}:subnet/*"
_REPLACE: Final = {"RouteTableId": "{thing}", MORE: "{route}"}


class RouteBlackholeArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`destination`: of which route, as the table has it: "0.0.0.0/0", "::/0", or the id of a prefix list."""

    destination: str


class RouteBlackhole(ChangeFault[RouteTableTarget, RouteBlackholeArguments]):
    """Points a route at a network interface of our own that is attached to nothing: AWS drops what takes that route.

    The route stays, so that no wider one takes its traffic, as would happen if it were deleted: what is meant for
    inside would leave through the way to the Internet. Local routes, propagated ones and those of gateway endpoints
    are not ours to replace, and are refused.
    """

    target = RouteTableTarget
    arguments = RouteBlackholeArguments
    band = Band(word="lost")
    kind = ROUTE_TABLE
    undone_by = "the route gets its former target back, and our interface is deleted"
    permissions = Permissions(
        look=(Need("ec2:DescribeRouteTables", on="*"), Need("ec2:DescribeSubnets", on="*"),
              Need("ec2:DescribeNetworkInterfaces", on="*")),
        do=(Need("ec2:CreateNetworkInterface", {"SubnetId": "{subnet}"}, on=_INTERFACES),
            Need("ec2:CreateNetworkInterface", on=_SUBNETS),
            Need("ec2:CreateNetworkInterface", on="arn:aws:ec2:{region}:{account}:security-group/*"),
            Need("ec2:CreateTags", on=_INTERFACES),
            Need("ec2:ReplaceRoute", _REPLACE)),
        undo=(Need("ec2:ReplaceRoute", _REPLACE),
              Need("ec2:DeleteNetworkInterface", on=_INTERFACES, tagged=True)))
    example = Example(target={"vpc": "vpc-0123456789abcdef0", "tags": {"tier": "app"}, "count": 1},
                      arguments={"destination": "0.0.0.0/0"})

    def wanted(self, target: RouteTableTarget, arguments: RouteBlackholeArguments, setting: Setting) -> list[Wanted]:
        found = find_route_tables(target, setting.seed)
        having = [one for one in found.things if _route(one.seen, arguments.destination)]
        if not having:
            known = sorted({name for one in found.things for name, _ in map(_parts, one.seen["Routes"])})
            raise NoTarget(f"none of these route tables has a route for {arguments.destination}; there are: "
                           f"{', '.join(known) or 'none'}")
        return [_wanted(found, one, arguments.destination) for one in having]

    def read(self, at: Account, thing: str) -> Values:
        routes = dict(map(_parts, read_route_table(at, thing)["Routes"]))
        ours = are_ours(at, [leads["NetworkInterfaceId"] for leads in routes.values() if "NetworkInterfaceId" in leads])
        return {name: _NOWHERE if leads.get("NetworkInterfaceId") in ours else leads for name, leads in routes.items()}

    def write(self, order: Order) -> None:
        for destination, leads in order.values.items():
            to = {"NetworkInterfaceId": _nobody(order)} if leads == _NOWHERE else leads
            order.at.ask("ec2", "replace_route", RouteTableId=order.thing, **_named(destination), **to)

    def clear(self, at: Account, thing: str, mark: str) -> None:
        OUR_INTERFACE.remove(at, thing, mark)

    def touches(self, values: Values) -> bool:
        return len(values) == 1 and all(leads == _NOWHERE or _is_target(leads) for leads in values.values())

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        [(destination, leads)] = act.was["values"].items()
        words = [word for key, value in {**_named(destination), **leads}.items() for word in (_option(key), value)]
        return ref.command("ec2", "replace-route", "--route-table-id", ref.thing, *words)


def _wanted(found: Chosen, one: Thing, destination: str) -> Wanted:
    route = _route(one.seen, destination)
    _check_replaceable(one, destination, route)
    there = list(found.at.every("ec2", "describe_subnets", "Subnets[].SubnetId",
                                Filters=filters({"vpc-id": [one.seen["VpcId"]]})))
    if not there:
        raise Refused(f"{one.thing} is of a VPC without a subnet: there is no place for an interface of ours")
    as_it_is = {**_named(destination), **_parts(route)[1]}
    return Wanted.of(found, one, {destination: _NOWHERE}, {"subnet": min(there), "route": as_it_is})


def _check_replaceable(one: Thing, destination: str, route: Mapping[str, Any]) -> None:
    name, leads = f"the route for {destination} of {one.thing}", _parts(route)[1]
    if route.get("GatewayId") == "local":
        raise Refused(f"{name} is the local one, which keeps the VPC together: aws.az_blackhole cuts subnets off")
    if route.get("Origin") == "EnableVgwRoutePropagation":
        raise Refused(f"{name} is propagated by a virtual private gateway, and cannot be replaced")
    if "DestinationPrefixListId" in route and "VpcEndpointId" in leads:
        raise Refused(f"{name} is of a gateway endpoint, which alone can change it")
    if not leads:
        raise Refused(f"{name} leads to what we do not know, and could not lead there again")


def _route(seen: Mapping[str, Any], destination: str) -> Mapping[str, Any]:
    """The route for a destination, empty if there is none."""
    return next((one for one in seen["Routes"] if _parts(one)[0] == destination), {})


def _parts(route: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """For what a route is, and where it leads, as EC2 wants to be told it. An endpoint is listed as a gateway."""
    destination = next((str(route[key]) for key in _DESTINATIONS if route.get(key)), "")
    key = next((key for key in _TARGETS if route.get(key)), "")
    if not key:
        return destination, {}
    leads = str(route[key])
    return destination, {"VpcEndpointId" if leads.startswith("vpce-") else key: leads}


def _named(destination: str) -> dict[str, str]:
    """A destination as EC2 wants to be told it."""
    if destination.startswith("pl-"):
        return {"DestinationPrefixListId": destination}
    return {"DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock": destination}


def _is_target(leads: Any) -> bool:
    return isinstance(leads, dict) and len(leads) == 1 and leads.keys() <= {*_TARGETS, "VpcEndpointId"}


def _nobody(order: Order) -> str:
    """The interface of ours for that table, made if it is not there."""
    there = OUR_INTERFACE.of(order.at, order.thing, order.signs[RUN])
    if there:
        return there[0]
    made = order.at.ask("ec2", "create_network_interface", SubnetId=order.how["subnet"],
                        Description="chaos-runner: leads nowhere",
                        TagSpecifications=OUR_INTERFACE.tags(order.thing, order.signs))
    return str(made["NetworkInterface"]["NetworkInterfaceId"])


def _option(key: str) -> str:
    """A parameter as the `aws` command wants it: --nat-gateway-id."""
    return "-" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in key)
