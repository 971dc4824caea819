"""The databases: an Aurora cluster for the orders, one member in each zone, and an instance on its own for reports."""

from typing import Final

from chaos_runner.lab.aws.world.network import ZONES, Ground
from chaos_runner.targets.aws.access import Account, pairs

ORDERS: Final = "shop-orders"
REPORTS: Final = "shop-reports"
_ENGINE: Final = "aurora-postgresql"
_PASSWORD: Final = "not-a-secret-in-a-lab"  # noqa: S105 -- nothing listens there


def make(at: Account, ground: Ground) -> None:
    """Makes it all. The orders' first member writes; the one of zone b would be next."""
    tags = pairs({"shop": "data"})
    at.ask("rds", "create_db_subnet_group", DBSubnetGroupName="shop-data", SubnetIds=ground.subnets["data"],
           DBSubnetGroupDescription="the data tier", Tags=tags)
    at.ask("rds", "create_db_cluster", DBClusterIdentifier=ORDERS, Engine=_ENGINE, MasterUsername="shop",
           MasterUserPassword=_PASSWORD, DBSubnetGroupName="shop-data",
           VpcSecurityGroupIds=[ground.groups["data"]], Tags=tags)
    for tier, zone in enumerate(ZONES):
        at.ask("rds", "create_db_instance", DBInstanceIdentifier=f"{ORDERS}-{zone}", DBClusterIdentifier=ORDERS,
               DBInstanceClass="db.r6g.large", Engine=_ENGINE, AvailabilityZone=f"{at.region}{zone}",
               PromotionTier=tier, Tags=tags)
    at.ask("rds", "create_db_instance", DBInstanceIdentifier=REPORTS, DBInstanceClass="db.t3.medium", Engine="postgres",
           AllocatedStorage=20, MasterUsername="shop", MasterUserPassword=_PASSWORD, MultiAZ=True,
           DBSubnetGroupName="shop-data", VpcSecurityGroupIds=[ground.groups["data"]], Tags=tags)
