"""Secrets of `type: vault`. chaoslib reads them; what it would leave out with a line in its log is an error here."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from chaos_runner.errors import UsageError

SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def vault_leaves(declared: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The secrets that are to come from a vault."""
    if declared.get("type") == "vault":
        yield declared
        return
    for member in declared.values():
        if isinstance(member, Mapping):
            yield from vault_leaves(member)


def logged_in(declared: Mapping[str, Any], configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration that chaoslib reads them with: with a token, where a role is to be logged in.

    chaoslib 1.44 does that with functions that hvac no longer has. Raises UsageError.
    """
    leaves = list(vault_leaves(declared))
    if not leaves:
        return configuration
    if find_spec("hvac") is None:
        raise UsageError('secrets of `type: vault` need the package hvac: pip install "chaos-runner[vault]"')
    if not all(leaf.get("path") for leaf in leaves):
        raise UsageError("a secret of `type: vault` needs a `path`")
    if "vault_token" in configuration or not {"vault_role_id", "vault_sa_role"} & set(configuration):
        return configuration
    return {**configuration, "vault_token": _login(configuration)["auth"]["client_token"]}


def _login(configuration: Mapping[str, Any]) -> Any:
    auth = import_module("hvac").Client(url=configuration.get("vault_addr")).auth
    if "vault_role_id" in configuration:
        return auth.approle.login(configuration["vault_role_id"], configuration.get("vault_role_secret"))
    token = Path(configuration.get("vault_sa_token_path") or SERVICE_ACCOUNT).read_text(encoding="utf-8")
    mount = configuration.get("vault_k8s_mount_point", "kubernetes")
    return auth.kubernetes.login(configuration["vault_sa_role"], token, mount_point=mount)


def refusals(declared: Mapping[str, Any]) -> tuple[type[Exception], ...]:
    """What is raised when a vault says no; nothing where none is asked."""
    if not any(vault_leaves(declared)) or find_spec("hvac") is None:
        return ()
    return (import_module("hvac.exceptions").VaultError,)
