"""chaostoolkit-kubernetes (measured with 0.39): what it scales, cordons, patches, makes and deletes.

What is deleted is made anew under the same name. Network policies, Services, Ingresses and nodes stand in the journal
until then; everything else may have a secret in it, and is kept in a Secret of its own namespace. Pods are not made
anew, nor is a restart taken back: who does that is named.

Without a way back, since nothing could give back what they do: `exec_in_pods`, and whole namespaces.
"""

from collections.abc import Mapping
from typing import Final

from chaos_runner.inverses._looking import Healed, Looking
from chaos_runner.inverses.chaosk8s import _finding as find
from chaos_runner.inverses.chaosk8s._inverse import Known
from chaos_runner.targets.kubernetes.access import JSON_PATCH
from chaos_runner.targets.kubernetes.kinds import (
    DEPLOYMENT,
    INGRESS,
    POLICY,
    REPLICASET,
    SECRET,
    SERVICE,
    WORKLOADS,
)

_STATEFUL: Final = WORKLOADS["statefulset"]
_DAEMON: Final = WORKLOADS["daemonset"]
_FIELDS: Final = "the fields get their former values back, unless somebody else has changed them"
_UNCORDONED: Final = "the nodes can be scheduled on again that could be before; the pods' workloads make new ones"
_AWAY: Final = "what it made is deleted again"
_ANEW: Final = "what it deleted is made anew under the same name"
_PODS: Final = Healed("their workload, which makes new pods")
_SCALED: Final = Known(find.scaled(DEPLOYMENT), "it gets its former number of replicas back")
_ENDPOINT: Final = Known(find.deleted_named(SERVICE), _ANEW)
_STARTED: Final = Known(find.made_from_file(DEPLOYMENT), _AWAY)
_KILLED: Final = Known(find.each_of(find.deleted_chosen(DEPLOYMENT), find.deleted_chosen(REPLICASET)), _ANEW)
_LATENCY: Final = Known(find.mesh_made("networkchaos"), _AWAY)
_STRESS: Final = Known(find.mesh_made("stresschaos"), _AWAY)
_INGRESS_DENIED: Final = "chaostoolkit-deny-all-ingress"
_EGRESS_DENIED: Final = "chaostoolkit-deny-all-egress"
_DNS: Final = "chaostoolkit-allow-dns"

INVERSES: Final[Mapping[str, Looking]] = {
    "chaosk8s.actions.kill_microservice": _KILLED,
    "chaosk8s.actions.remove_service_endpoint": _ENDPOINT,
    "chaosk8s.actions.scale_microservice": _SCALED,
    "chaosk8s.actions.start_microservice": _STARTED,
    "chaosk8s.chaosmesh.network.actions.add_latency": _LATENCY,
    "chaosk8s.chaosmesh.network.actions.corrupt_packets": _LATENCY,
    "chaosk8s.chaosmesh.network.actions.delete_network_fault": Known(find.mesh_deleted("networkchaos"), _ANEW),
    "chaosk8s.chaosmesh.network.actions.duplicate_packets": _LATENCY,
    "chaosk8s.chaosmesh.network.actions.reorder_packets": _LATENCY,
    "chaosk8s.chaosmesh.network.actions.set_bandwidth": _LATENCY,
    "chaosk8s.chaosmesh.network.actions.set_loss": _LATENCY,
    "chaosk8s.chaosmesh.stress.actions.delete_stressor": Known(find.mesh_deleted("stresschaos"), _ANEW),
    "chaosk8s.chaosmesh.stress.actions.stress_cpu": _STRESS,
    "chaosk8s.chaosmesh.stress.actions.stress_memory": _STRESS,
    "chaosk8s.crd.actions.apply_from_json": Known(find.custom_applied, _AWAY),
    "chaosk8s.crd.actions.apply_from_yaml": Known(find.custom_applied, _AWAY),
    "chaosk8s.crd.actions.create_cluster_custom_object": Known(find.custom_made(namespaced=False), _AWAY),
    "chaosk8s.crd.actions.create_custom_object": Known(find.custom_made(), _AWAY),
    "chaosk8s.crd.actions.delete_cluster_custom_object": Known(find.custom_deleted(namespaced=False), _ANEW),
    "chaosk8s.crd.actions.delete_custom_object": Known(find.custom_deleted(), _ANEW),
    "chaosk8s.crd.actions.patch_cluster_custom_object": Known(
        find.custom_changed(JSON_PATCH, namespaced=False), _FIELDS),
    "chaosk8s.crd.actions.patch_custom_object": Known(find.custom_changed(JSON_PATCH), _FIELDS),
    "chaosk8s.crd.actions.replace_cluster_custom_object": Known(
        find.custom_changed("PUT", namespaced=False), _FIELDS),
    "chaosk8s.crd.actions.replace_custom_object": Known(find.custom_changed("PUT"), _FIELDS),
    "chaosk8s.daemonset.actions.create_daemon_set": Known(find.made_from_file(_DAEMON), _AWAY),
    "chaosk8s.daemonset.actions.delete_daemon_set": Known(find.deleted_chosen(_DAEMON), _ANEW),
    "chaosk8s.daemonset.actions.update_daemon_set": Known(find.patched(_DAEMON), _FIELDS),
    "chaosk8s.deployment.actions.create_deployment": _STARTED,
    "chaosk8s.deployment.actions.delete_deployment": Known(find.deleted_chosen(DEPLOYMENT), _ANEW),
    "chaosk8s.deployment.actions.rollout_deployment": Healed("its rollout, which ends by itself"),
    "chaosk8s.deployment.actions.scale_deployment": _SCALED,
    "chaosk8s.networking.actions.allow_dns_access": Known(find.made_policy(_DNS), _AWAY),
    "chaosk8s.networking.actions.create_ingress": Known(find.made_from_file(INGRESS), _AWAY),
    "chaosk8s.networking.actions.create_network_policy": Known(find.made_from_file(POLICY), _AWAY),
    "chaosk8s.networking.actions.delete_ingress": Known(find.deleted_named(INGRESS), _ANEW),
    "chaosk8s.networking.actions.deny_all_egress": Known(find.made_policy(_EGRESS_DENIED), _AWAY),
    "chaosk8s.networking.actions.deny_all_ingress": Known(find.made_policy(_INGRESS_DENIED), _AWAY),
    "chaosk8s.networking.actions.remove_allow_dns_access": Known(find.deleted_named(POLICY, _DNS), _ANEW),
    "chaosk8s.networking.actions.remove_deny_all_egress": Known(find.deleted_named(POLICY, _EGRESS_DENIED), _ANEW),
    "chaosk8s.networking.actions.remove_deny_all_ingress": Known(find.deleted_named(POLICY, _INGRESS_DENIED), _ANEW),
    "chaosk8s.networking.actions.remove_network_policy": Known(find.deleted_named(POLICY), _ANEW),
    "chaosk8s.networking.actions.update_ingress": Known(find.patched(INGRESS), _FIELDS),
    "chaosk8s.node.actions.cordon_node": Known(find.cordoned, _UNCORDONED),
    "chaosk8s.node.actions.create_node": Known(find.made_node, _AWAY),
    "chaosk8s.node.actions.delete_nodes": Known(find.deleted_nodes, _ANEW),
    "chaosk8s.node.actions.drain_nodes": Known(find.cordoned, _UNCORDONED),
    "chaosk8s.node.actions.uncordon_node": Known(find.uncordoned, _FIELDS),
    "chaosk8s.pod.actions.delete_pods": _PODS,
    "chaosk8s.pod.actions.terminate_pods": _PODS,
    "chaosk8s.replicaset.actions.delete_replica_set": Known(find.deleted_chosen(REPLICASET), _ANEW),
    "chaosk8s.secret.actions.create_secret": Known(find.made_from_file(SECRET), _AWAY),
    "chaosk8s.secret.actions.delete_secret": Known(find.deleted_named(SECRET), _ANEW),
    "chaosk8s.service.actions.create_service_endpoint": Known(find.made_from_file(SERVICE), _AWAY),
    "chaosk8s.service.actions.delete_service": Known(find.deleted_named(SERVICE), _ANEW),
    "chaosk8s.statefulset.actions.create_statefulset": Known(find.made_from_file(_STATEFUL), _AWAY),
    "chaosk8s.statefulset.actions.remove_statefulset": Known(find.deleted_chosen(_STATEFUL), _ANEW),
    "chaosk8s.statefulset.actions.scale_statefulset": Known(
        find.scaled(_STATEFUL), "it gets its former number of replicas back"),
}
