"""Chaos Toolkit's providers, checked as chaoslib would, with the place of what is wrong."""

import importlib
import inspect
import os
import shutil
from functools import cache
from typing import Any, Final

from chaos_runner.experiment.fields import DURATION_MAX_S, Fields
from chaos_runner.experiment.model import Provider
from chaos_runner.experiment.suggest import did_you_mean

PROVIDER_KEYS: Final = {
    "python": ("type", "module", "func", "arguments", "secrets", "configuration"),
    "process": ("type", "path", "arguments", "timeout", "secrets", "configuration"),
    "http": ("type", "url", "method", "headers", "arguments", "timeout", "verify_tls", "max_retries", "expected_status",
             "secrets", "configuration"),
}
_PAIR: Final = 2


def provider(fields: Fields) -> Provider | None:
    """The provider of an activity, checked: the module is imported, the executable is looked for."""
    if not fields.require("type"):
        return None
    kind = fields.one_of("type", tuple(PROVIDER_KEYS), "")
    if kind not in PROVIDER_KEYS:
        return None
    fields.known(PROVIDER_KEYS[kind])
    {"python": _check_python, "process": _check_process, "http": _check_http}[kind](fields)
    return Provider(fields.plain_all())


def _check_http(fields: Fields) -> None:
    fields.filled_text("url")
    fields.text("method")
    fields.mapping("headers")
    timeout = fields.plain("timeout")
    open_or_pair = (isinstance(timeout, str) and "${" in timeout) or (
        isinstance(timeout, list) and len(timeout) == _PAIR and all(map(_is_seconds, timeout)))
    if not open_or_pair:
        _check_timeout(fields)


def _check_timeout(fields: Fields) -> None:
    timeout = fields.node_of("timeout")
    if timeout and not _is_seconds(timeout.value):
        fields.complain("E103", "timeout must be a number of seconds", timeout, found=timeout.raw or timeout.kind)


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= DURATION_MAX_S


def _check_process(fields: Fields) -> None:
    _check_timeout(fields)
    arguments = fields.node_of("arguments")
    if arguments and not isinstance(arguments.value, str | list | dict):
        fields.complain("E103", "arguments must be a text, a list or a mapping", arguments, found=arguments.kind)
    path = fields.filled_text("path")
    if path.strip() and _executable(path) is None:
        fields.complain("E315", f"there is no executable {path}", fields.node_of("path"),
                        "give its whole path, or install it")


def _executable(path: str) -> str | None:
    try:
        return shutil.which(os.path.expanduser(path))  # noqa: PTH111 -- as chaoslib does
    except ValueError:  # no file's name holds a NUL, nor half of a character
        return None


def _check_python(fields: Fields) -> None:
    name, func, arguments = fields.filled_text("module"), fields.filled_text("func"), fields.mapping("arguments")
    module = _module(fields, name) if name.strip() else None
    function = _function(fields, module, func) if module and func.strip() else None
    if function:
        _check_call(fields, function, arguments)


def _module(fields: Fields, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        wanted = problem.name or name
        missing = _where_from(wanted) if name.startswith(wanted) else ""
        fields.complain("E312", f"the module {name} cannot be imported: {problem}", fields.node_of("module"), missing)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 -- importing runs foreign code, which may raise anything
        fields.complain("E312", f"importing {name} raised {type(problem).__name__}: {problem}",
                        fields.node_of("module"))
    return None


def _where_from(module: str) -> str:
    """Names a package only where we know it: a guess may be a stranger's."""
    package = _PACKAGES.get(module.partition(".")[0])
    if package:
        return f"it is not installed: try `pip install {package}`"
    return "it is not installed; if it is your own, start from the folder it lies in, or set PYTHONPATH"


_PACKAGES: Final = {
    "chaosk8s": "chaostoolkit-kubernetes", "chaosaws": "chaostoolkit-aws", "chaostoxi": "chaostoolkit-toxiproxy",
    "chaosgcp": "chaostoolkit-google-cloud-platform", "chaosazure": "chaostoolkit-azure",
    "chaosprometheus": "chaostoolkit-prometheus", "chaosistio": "chaostoolkit-istio",
    "chaosspring": "chaostoolkit-spring", "chaosgremlin": "chaostoolkit-gremlin",
}


def _function(fields: Fields, module: Any, name: str) -> Any:
    found = getattr(module, name, None)
    if inspect.isfunction(found) or inspect.isbuiltin(found):
        return found
    close = did_you_mean(name, [member for member, thing in vars(module).items() if inspect.isroutine(thing)])
    fields.complain("E313", f"{fields.text('module')} has no function {name}", fields.node_of("func"),
                    f'did you mean "{close}"?' if close else "a class or another callable does not count")
    return None


@cache
def _signature(function: Any) -> inspect.Signature | None:
    """What the function takes, None when it does not tell. A builtin's takes 150 us, and one function is used often."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _check_call(fields: Fields, function: Any, arguments: dict[str, Any]) -> None:
    signature = _signature(function)
    if signature is None:
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
