"""chaostoolkit-aws (measured with 0.35.1): what it stops, detaches, suspends, limits and switches.

Each looks how it was right before the action is called, with the configuration and the secrets that the action is
given (`aws_region`, `aws_profile_name`, `aws_assume_role_arn`, keys). Where the action chooses by chance, all that it
may choose are looked at, and brought back if they are as it would have left them. Nothing is tagged: what was seen
stands in the journal.

Without a way back, since nothing could give back what they do: whatever deletes databases, clusters, services, caches
and load balancers, event source mappings and documents; commands that are sent, functions that are invoked, data points
of metrics; FIS's scenarios, which make templates and roles of their own.
"""

from collections.abc import Mapping
from typing import Final

from chaos_runner.inverses._looking import Healed, Looking
from chaos_runner.inverses.chaosaws import _asg, _balancing, _containers, _databases, _ec2, _functions, _others, _rules
from chaos_runner.inverses.chaosaws._inverse import Find, Known
from chaos_runner.inverses.chaosaws._settings import Settings

_MARGIN_S: Final = 20.0
_SETTINGS: Final = "the settings get their former values back, unless somebody else has changed them"
_STARTED: Final = "what ran is started again"
_GROUP: Final = Healed("their Auto Scaling group, where they are of one")
_RESTART: Final = Healed("the instances, which come up again by themselves")
_TASKS: Final = Healed("their service, which starts new tasks")
_DATABASE: Final = Healed("RDS, which starts it again")
_CACHE: Final = Healed("ElastiCache, which starts its nodes again")


def _known(find: Find, *kinds: Settings, says: str = _SETTINGS, undo_s: float = 0.0) -> Known:
    return Known(find, says, kinds, undo_s + _MARGIN_S)


_POWER: Final = _known(_ec2.stopped, _ec2.POWER, says=_STARTED, undo_s=_ec2.STOPPING_S)
_DETACHED: Final = _known(_ec2.detached, _ec2.VOLUME, says="it is attached again", undo_s=_ec2.MOVING_S)

INVERSES: Final[Mapping[str, Looking]] = {
    "chaosaws.asg.actions.attach_volume": _known(_asg.volume_attached, _ec2.VOLUME, undo_s=_ec2.MOVING_S),
    "chaosaws.asg.actions.change_subnets": _known(_asg.subnets, _asg.SUBNETS),
    "chaosaws.asg.actions.detach_random_instances": _known(
        _asg.detached, _asg.MEMBERSHIP, says="what was detached is attached again", undo_s=_asg.LEAVING_S),
    "chaosaws.asg.actions.detach_random_volume": _known(
        _asg.volume_detached, _ec2.VOLUME, says="it is attached again", undo_s=_ec2.MOVING_S),
    "chaosaws.asg.actions.resume_processes": _known(_asg.processes(suspended=False), _asg.PROCESSES),
    "chaosaws.asg.actions.stop_random_instances": _known(
        _asg.stopped, _ec2.POWER, says=_STARTED, undo_s=_ec2.STOPPING_S),
    "chaosaws.asg.actions.suspend_processes": _known(
        _asg.processes(suspended=True), _asg.PROCESSES, says="what was not suspended before is resumed"),
    "chaosaws.asg.actions.terminate_random_instances": Healed("their Auto Scaling group, which launches new ones"),
    "chaosaws.awslambda.actions.add_error": _known(_functions.failing, _functions.CONFIGURATION),
    "chaosaws.awslambda.actions.add_latency": _known(_functions.slowed, _functions.CONFIGURATION),
    "chaosaws.awslambda.actions.add_layer": _known(_functions.layered, _functions.CONFIGURATION),
    "chaosaws.awslambda.actions.delete_function_concurrency": _known(_functions.unlimited, _functions.CONCURRENCY),
    "chaosaws.awslambda.actions.put_function_concurrency": _known(_functions.limited, _functions.CONCURRENCY),
    "chaosaws.awslambda.actions.put_function_memory_size": _known(
        _functions.configured("memory", "memory_size"), _functions.CONFIGURATION),
    "chaosaws.awslambda.actions.put_function_timeout": _known(
        _functions.configured("timeout", "timeout"), _functions.CONFIGURATION),
    "chaosaws.awslambda.actions.remove_error": _known(_functions.NOT_FAILING, _functions.CONFIGURATION),
    "chaosaws.awslambda.actions.remove_latency": _known(_functions.NOT_SLOW, _functions.CONFIGURATION),
    "chaosaws.awslambda.actions.remove_layer": _known(_functions.unlayered, _functions.CONFIGURATION),
    "chaosaws.awslambda.actions.toggle_event_source_mapping_state": _known(_functions.toggled, _functions.MAPPING),
    "chaosaws.cloudwatch.actions.delete_rule": _known(_rules.deleted, _rules.RULE, says="it is made anew"),
    "chaosaws.cloudwatch.actions.disable_rule": _known(_rules.switched("DISABLED"), _rules.RULE),
    "chaosaws.cloudwatch.actions.enable_rule": _known(_rules.switched("ENABLED"), _rules.RULE),
    "chaosaws.cloudwatch.actions.put_rule": _known(_rules.put, _rules.RULE),
    "chaosaws.cloudwatch.actions.put_rule_targets": _known(_rules.targeted, _rules.RULE),
    "chaosaws.cloudwatch.actions.remove_rule_targets": _known(_rules.untargeted, _rules.RULE),
    "chaosaws.ec2.actions.attach_volume": _known(_ec2.attached, _ec2.VOLUME, undo_s=_ec2.MOVING_S),
    "chaosaws.ec2.actions.authorize_security_group_ingress": _known(
        _ec2.ruled(there=True), _ec2.RULES, says="the rule is taken away again"),
    "chaosaws.ec2.actions.detach_random_volume": _DETACHED,
    "chaosaws.ec2.actions.remove_tags_from_instances": _known(_ec2.untagged, _ec2.TAGS),
    "chaosaws.ec2.actions.restart_instances": _RESTART,
    "chaosaws.ec2.actions.revoke_security_group_ingress": _known(
        _ec2.ruled(there=False), _ec2.RULES, says="the rule is made anew"),
    "chaosaws.ec2.actions.set_tags_on_instances": _known(_ec2.tagged, _ec2.TAGS),
    "chaosaws.ec2.actions.start_instances": _known(_ec2.started, _ec2.POWER, says="what stood still is stopped again"),
    "chaosaws.ec2.actions.stop_instance": _POWER,
    "chaosaws.ec2.actions.stop_instances": _POWER,
    "chaosaws.ec2.actions.terminate_instance": _GROUP,
    "chaosaws.ec2.actions.terminate_instances": _GROUP,
    "chaosaws.ecs.actions.set_service_deployment_configuration": _known(_containers.deployed, _containers.SERVICE),
    "chaosaws.ecs.actions.set_service_placement_strategy": _known(_containers.placed, _containers.SERVICE),
    "chaosaws.ecs.actions.stop_random_tasks": _TASKS,
    "chaosaws.ecs.actions.stop_task": _TASKS,
    "chaosaws.ecs.actions.tag_resource": _known(_containers.tagged, _containers.TAGS),
    "chaosaws.ecs.actions.untag_resource": _known(_containers.untagged, _containers.TAGS),
    "chaosaws.ecs.actions.update_container_instances_state": _known(_containers.turned, _containers.CONTAINER),
    "chaosaws.ecs.actions.update_desired_count": _known(
        _containers.scaled, _containers.SERVICE, says="it gets its former number of tasks back"),
    "chaosaws.elasticache.actions.reboot_cache_clusters": _CACHE,
    "chaosaws.elasticache.actions.test_failover": _CACHE,
    "chaosaws.elbv2.actions.deregister_target": _known(
        _balancing.deregistered, _balancing.TARGETS, says="it is registered again"),
    "chaosaws.elbv2.actions.enable_access_log": _known(_balancing.logged, _balancing.BALANCER),
    "chaosaws.elbv2.actions.set_security_groups": _known(_balancing.REGROUPED, _balancing.BALANCER),
    "chaosaws.elbv2.actions.set_subnets": _known(_balancing.RESETTLED, _balancing.BALANCER),
    "chaosaws.emr.actions.modify_cluster": _known(_others.steps_at_once, _others.CLUSTER),
    "chaosaws.emr.actions.modify_instance_fleet": _known(_others.fleet_resized, _others.CLUSTER),
    "chaosaws.emr.actions.modify_instance_groups_instance_count": _known(_others.group_resized, _others.CLUSTER),
    "chaosaws.fis.actions.start_experiment": _known(
        _others.experiment_started, _others.TEMPLATE, says="FIS is told to stop it, and undoes it",
        undo_s=_others.FIS_S),
    "chaosaws.iam.actions.attach_role_policy": _known(_others.attached(attached=True), _others.ROLE),
    "chaosaws.iam.actions.create_policy": _known(_others.policy_made, _others.POLICY, says="it is deleted again"),
    "chaosaws.iam.actions.detach_role_policy": _known(_others.attached(attached=False), _others.ROLE),
    "chaosaws.msk.actions.reboot_msk_broker": Healed("MSK, which starts the broker again"),
    "chaosaws.rds.actions.failover_db_cluster": _known(
        _databases.failed_over, _databases.WRITER, says="the former writer writes again",
        undo_s=_databases.FAILING_OVER_S),
    "chaosaws.rds.actions.reboot_db_instance": _DATABASE,
    "chaosaws.rds.actions.stop_db_cluster": _known(
        _databases.stopped(_databases.CLUSTER, "db_cluster_identifier"), _databases.CLUSTER, says=_STARTED,
        undo_s=_databases.STOPPING_S),
    "chaosaws.rds.actions.stop_db_instance": _known(
        _databases.stopped(_databases.INSTANCE, "db_instance_identifier"), _databases.INSTANCE, says=_STARTED,
        undo_s=_databases.STOPPING_S),
    "chaosaws.route53.actions.associate_vpc_with_zone": _known(_others.associated(associated=True), _others.ZONE),
    "chaosaws.route53.actions.disassociate_vpc_from_zone": _known(_others.associated(associated=False), _others.ZONE),
    "chaosaws.s3.actions.delete_object": _known(
        _others.object_deleted, _others.OBJECT, says="the mark that it is deleted is taken away"),
    "chaosaws.s3.actions.toggle_versioning": _known(_others.versioned, _others.BUCKET),
}
