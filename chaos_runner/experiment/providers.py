"""Chaos Toolkit's providers, checked as chaoslib would, with the place of what is wrong."""

import importlib
import inspect
import os
import shutil
from typing import Any, Final

from chaos_runner.experiment.fields import Fields
from chaos_runner.experiment.model import Provider
from chaos_runner.experiment.suggest import did_you_mean

_KEYS: Final = {
    "python": ("type", "module", "func", "arguments", "secrets", "configuration"),
    "process": ("type", "path", "arguments", "timeout", "secrets", "configuration"),
    "http": ("type", "url", "method", "headers", "arguments", "timeout", "verify_tls", "max_retries", "expected_status",
             "secrets", "configuration"),
}


def provider(fields: Fields) -> Provider | None:
    """The provider of an activity, checked: the module is imported, the executable is looked for."""
    if not fields.require("type"):
        return None
    kind = fields.one_of("type", tuple(_KEYS), "")
    if kind not in _KEYS:
        return None
    fields.known(_KEYS[kind])
    {"python": _check_python, "process": _check_process, "http": _check_http}[kind](fields)
    return Provider(fields.plain_all())


def _check_http(fields: Fields) -> None:
    if fields.require("url"):
        fields.text("url")
    _check_timeout(fields)


def _check_timeout(fields: Fields) -> None:
    timeout = fields.plain("timeout")
    pair = isinstance(timeout, list) and all(isinstance(part, int | float) for part in timeout)
    if timeout is not None and not pair and not isinstance(timeout, int | float) and "${" not in str(timeout):
        fields.complain("E103", "timeout must be a number of seconds", fields.node_of("timeout"),
                        found=f"found {timeout!r}")


def _check_process(fields: Fields) -> None:
    _check_timeout(fields)
    if not fields.require("path"):
        return
    path = os.path.expanduser(fields.text("path"))  # noqa: PTH111 -- as chaoslib does
    if path and shutil.which(path) is None:
        fields.complain("E315", f"there is no executable {path}", fields.node_of("path"),
                        "give its whole path, or install it")


def _check_python(fields: Fields) -> None:
    if not fields.require("module", "func"):
        return
    arguments = fields.mapping("arguments")
    module = _module(fields, fields.text("module"))
    function = _function(fields, module, fields.text("func")) if module else None
    if function:
        _check_call(fields, function, arguments)


def _module(fields: Fields, name: str) -> Any:
    if not name:
        return None
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        wanted = problem.name or name
        missing = f"it is not installed (try `pip install {_package(wanted)}`)" if name.startswith(wanted) else ""
        fields.complain("E312", f"the module {name} cannot be imported: {problem}", fields.node_of("module"), missing)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 -- importing runs foreign code, which may raise anything
        fields.complain("E312", f"importing {name} raised {type(problem).__name__}: {problem}",
                        fields.node_of("module"))
    return None


def _package(module: str) -> str:
    known = {"chaosk8s": "chaostoolkit-kubernetes", "chaosaws": "chaostoolkit-aws",
             "chaostoxi": "chaostoolkit-toxiproxy",
             "chaosgcp": "chaostoolkit-google-cloud-platform", "chaosazure": "chaostoolkit-azure",
             "chaosprometheus": "chaostoolkit-prometheus", "chaosistio": "chaostoolkit-istio"}
    root = module.partition(".")[0]
    return known.get(root, root)


def _function(fields: Fields, module: Any, name: str) -> Any:
    found = getattr(module, name, None)
    if inspect.isfunction(found) or inspect.isbuiltin(found):
        return found
    close = did_you_mean(name, [member for member, thing in vars(module).items() if inspect.isroutine(thing)])
    fields.complain("E313", f"{fields.text('module')} has no function {name}", fields.node_of("func"),
                    f'did you mean "{close}"?' if close else "a class or another callable does not count")
    return None


def _check_call(fields: Fields, function: Any, arguments: dict[str, Any]) -> None:
    try:
        signature = inspect.signature(function)
    except ValueError:  # some builtins do not tell
        return
    given = dict(arguments)
    for name in ("configuration", "secrets"):
        if name in signature.parameters:
            given.setdefault(name, None)
    try:
        signature.bind(**given)
    except TypeError as problem:
        fields.complain("E314", f"{fields.text('func')}: {problem}",
                        fields.node_of("arguments") or fields.node_of("func"),
                        f"it takes {fields.text('func')}{signature}")
