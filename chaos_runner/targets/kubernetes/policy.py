"""A service account with the least rights for what is demanded, as objects to be applied."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from chaos_runner.targets.kubernetes.kinds import Kind, body_of
from chaos_runner.targets.kubernetes.rights import Demand

_API: Final = "rbac.authorization.k8s.io/v1"
_ACCOUNT: Final = Kind("serviceaccount", "v1", "serviceaccounts", "ServiceAccount")
_ROLE: Final = Kind("role", _API, "roles", "Role")
_CLUSTER_ROLE: Final = Kind("clusterrole", _API, "clusterroles", "ClusterRole", namespaced=False)
_BINDING: Final = Kind("rolebinding", _API, "rolebindings", "RoleBinding")
_CLUSTER_BINDING: Final = Kind("clusterrolebinding", _API, "clusterrolebindings", "ClusterRoleBinding",
                               namespaced=False)


class Account(NamedTuple):
    """The service account that is to have the rights, and how its roles are called too."""

    name: str
    namespace: str


class _On(NamedTuple):
    """What a rule is about; no names: all."""

    group: str
    resource: str
    names: tuple[str, ...]


def policy(account: Account, demands: Iterable[Demand]) -> list[dict[str, Any]]:
    """The account, a role for each namespace, one for the cluster where something needs it, and their bindings."""
    spaces: dict[str, dict[_On, set[str]]] = {}
    for one in demands:
        rules = spaces.setdefault(one.namespace, {})
        group, _, _ = one.need.kind.api.rpartition("/")
        resource = f"{one.need.kind.plural}{f'/{one.need.below}' if one.need.below else ''}"
        rules.setdefault(_On(group, resource, one.names), set()).add(one.need.verb)
    made: list[dict[str, Any]] = [body_of(_ACCOUNT, metadata={"name": account.name, "namespace": account.namespace})]
    for space, rules in sorted(spaces.items()):
        made += _bound(account, space, _rules(rules))
    return made


def _bound(account: Account, space: str, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A role and its binding, in one namespace or ("") in the cluster."""
    role, binding = (_ROLE, _BINDING) if space else (_CLUSTER_ROLE, _CLUSTER_BINDING)
    metadata = {"name": account.name, **({"namespace": space} if space else {})}
    subject = {"kind": _ACCOUNT.camel, "name": account.name, "namespace": account.namespace}
    return [body_of(role, metadata=metadata, rules=rules),
            body_of(binding, metadata=dict(metadata), subjects=[subject],
                    roleRef={"apiGroup": _API.partition("/")[0], "kind": role.camel, "name": account.name})]


def _rules(verbs: Mapping[_On, set[str]]) -> list[dict[str, Any]]:
    """One rule for all resources that are allowed alike. What is allowed for all names is not said for single ones."""
    alike: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for on, wanted in verbs.items():
        left = wanted - verbs.get(on._replace(names=()), set()) if on.names else wanted
        if left:
            alike.setdefault((on.group, on.names, tuple(sorted(left))), []).append(on.resource)
    return [{"apiGroups": [group], "resources": sorted(resources), "verbs": list(allowed),
             **({"resourceNames": list(names)} if names else {})}
            for (group, names, allowed), resources in sorted(alike.items())]
