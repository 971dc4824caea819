"""Lambda: how many may run at once, how long and with how much memory, their layers, and what feeds them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from chaos_runner.inverses.chaosaws._inverse import Arguments, Find
from chaos_runner.inverses.chaosaws._settings import Settings, Values, Wish
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need
from chaos_runner.targets.aws.waiting import wait

_READY_S: Final = 60.0
"""How long a function, or a mapping, may take to be as it was told last: it cannot be told more before."""
_MOST: Final = "reserved concurrency"
_ENABLED: Final = "enabled"
_LAYERS: Final = "layers"
_VARIABLE: Final = "variable "
_PLAIN: Final = {"timeout": "Timeout", "memory": "MemorySize"}
_LAYER: Final = ("arn:aws:lambda:us-east-1:871265522301:layer:"
                 "chaos-lambda-extension-x86_64-unknown-linux-gnu-release:12")
"""The package's own layer where none is given."""
_OWN: Final = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap", "CHAOSTOOLKIT_EXPERIMENT": "true"}
_SLOW: Final = "CHAOS_EXTENSION__LAMBDA__"
_FAULTY: Final = "CHAOS_EXTENSION__RESPONSE__"


def _arn(ref: Ref) -> str:
    name = ref.thing.rpartition(":function:")[2].partition(":")[0]
    return f"arn:aws:lambda:{ref.region}:{ref.account}:function:{name}"


class _Concurrency(Settings):
    """None: it shares in what the account has."""

    kind = "concurrency of function"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        _configuration(at, thing)
        found = at.ask("lambda", "get_function_concurrency", FunctionName=thing)
        return {_MOST: found.get("ReservedConcurrentExecutions")}

    def write(self, at: Account, thing: str, values: Values) -> None:
        most = values[_MOST]
        if most is None:
            at.ask("lambda", "delete_function_concurrency", FunctionName=thing)
        else:
            at.ask("lambda", "put_function_concurrency", FunctionName=thing, ReservedConcurrentExecutions=most)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need(f"lambda:{'Delete' if was[_MOST] is None else 'Put'}FunctionConcurrency", on=_arn(ref))]

    def by_hand(self, ref: Ref, was: Values) -> str:
        if was[_MOST] is None:
            return ref.command("lambda", "delete-function-concurrency", "--function-name", ref.thing)
        return ref.command("lambda", "put-function-concurrency", "--function-name", ref.thing,
                           "--reserved-concurrent-executions", str(was[_MOST]))

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, thing)


class _Configuration(Settings):
    """Its timeout, its memory, its layers, and single variables. What else is in its environment may be a secret, and
    is never recorded.
    """

    kind = "function"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        found = _configuration(at, thing)
        return {key: _setting(found, key) for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        """With the revision that was read: what somebody else changes in between is not overwritten."""
        wait(lambda: _configuration(at, thing).get("LastUpdateStatus") != "InProgress",
             f"function {thing} is still being updated", _READY_S)
        found = _configuration(at, thing)
        asked: dict[str, Any] = {_PLAIN[key]: value for key, value in values.items() if key in _PLAIN}
        if _LAYERS in values:
            asked["Layers"] = values[_LAYERS]
        if variables := {key: value for key, value in values.items() if key.startswith(_VARIABLE)}:
            asked["Environment"] = {"Variables": _with(found.get("Environment", {}).get("Variables", {}), variables)}
        if revision := found.get("RevisionId"):
            asked["RevisionId"] = revision
        at.ask("lambda", "update_function_configuration", FunctionName=thing, **asked)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("lambda:UpdateFunctionConfiguration", on=_arn(ref))]

    def by_hand(self, ref: Ref, was: Values) -> str:
        """Variables cannot be changed one by one there, and the others are not ours to tell."""
        words = [word for key, flag in (("timeout", "--timeout"), ("memory", "--memory-size")) if key in was
                 for word in (flag, str(was[key]))]
        words += ["--layers", *was[_LAYERS]] if _LAYERS in was else []
        asked = ref.command("lambda", "update-function-configuration", "--function-name", ref.thing, *words)
        return "" if any(key.startswith(_VARIABLE) for key in was) else asked

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, thing)


def _setting(found: Mapping[str, Any], key: str) -> Any:
    if key in _PLAIN:
        return found.get(_PLAIN[key])
    if key == _LAYERS:
        return [one["Arn"] for one in found.get("Layers") or ()]
    return found.get("Environment", {}).get("Variables", {}).get(key.removeprefix(_VARIABLE))


def _with(there: Mapping[str, str], changed: Values) -> dict[str, str]:
    after = {**there, **{key.removeprefix(_VARIABLE): value for key, value in changed.items()}}
    return {key: value for key, value in after.items() if value is not None}


def _configuration(at: Account, thing: str) -> dict[str, Any]:
    return at.ask("lambda", "get_function_configuration", FunctionName=thing)


def _tags(at: Account, thing: str) -> dict[str, str]:
    arn = _configuration(at, thing)["FunctionArn"]
    found: dict[str, str] = at.ask("lambda", "list_tags", Resource=arn)["Tags"]
    return found


class _Mapping(Settings):
    """Whether what feeds a function does."""

    kind = "event source mapping"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        return {_ENABLED: _state(at, thing) in ("Enabled", "Enabling", "Creating", "Updating")}

    def write(self, at: Account, thing: str, values: Values) -> None:
        wait(lambda: not _state(at, thing).endswith("ing"), f"the mapping {thing} is on its way", _READY_S)
        at.ask("lambda", "update_event_source_mapping", UUID=thing, Enabled=values[_ENABLED])

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        arn = f"arn:aws:lambda:{ref.region}:{ref.account}:event-source-mapping:{ref.thing}"
        return [Need("lambda:UpdateEventSourceMapping", on=arn)]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return ref.command("lambda", "update-event-source-mapping", "--uuid", ref.thing,
                           "--enabled" if was[_ENABLED] else "--no-enabled")


def _state(at: Account, mapping: str) -> str:
    return str(at.ask("lambda", "get_event_source_mapping", UUID=mapping)["State"])


CONCURRENCY: Final = _Concurrency()
CONFIGURATION: Final = _Configuration()
MAPPING: Final = _Mapping()


# ── what the package's actions do ───────────────────────────────────────────────────────────────────────────────────

def limited(at: Account, given: Arguments) -> Iterator[Wish]:
    """So many at once at most."""
    yield Wish(CONCURRENCY, given["function_name"], {_MOST: int(given["concurrent_executions"])})


def unlimited(at: Account, given: Arguments) -> Iterator[Wish]:
    """Without a number of its own."""
    yield Wish(CONCURRENCY, given["function_name"], {_MOST: None})


def configured(setting: str, argument: str) -> Find:
    """Another timeout, or another size of its memory."""
    def find(at: Account, given: Arguments) -> Iterator[Wish]:
        yield Wish(CONFIGURATION, given["function_name"], {setting: int(given[argument])})

    return find


def toggled(at: Account, given: Arguments) -> Iterator[Wish]:
    """Fed or not."""
    yield Wish(MAPPING, given["event_uuid"], {_ENABLED: bool(given["enabled"])})


def layered(at: Account, given: Arguments) -> Iterator[Wish]:
    """With that layer alone."""
    yield Wish(CONFIGURATION, given["function_name"], {_LAYERS: [given["layer"]]})


def unlayered(at: Account, given: Arguments) -> Iterator[Wish]:
    """Without that layer."""
    yield Wish(CONFIGURATION, given["function_name"], {_LAYERS: _without(at, given)})


def slowed(at: Account, given: Arguments) -> Iterator[Wish]:
    """With the layer that answers late."""
    return _injected(given, {"LAMBDA__ENABLE_LATENCY": "true", "LAMBDA__LATENCY_VALUE": str(given.get("latency", 1)),
                             "LAMBDA__LATENCY_PROBABILITY": str(given.get("probability", 0.9))})


def failing(at: Account, given: Arguments) -> Iterator[Wish]:
    """With the layer that answers something else."""
    body = given.get("body", '{"statusCode": 500, "body": "Greeting from Chaos Toolkit"}')
    return _injected(given, {"RESPONSE__ENABLE_CHANGE_RESPONSE_BODY": "true", "RESPONSE__DEFAULT_RESPONSE": str(body),
                             "RESPONSE__CHANGE_RESPONSE_PROBABILITY": str(given.get("probability", 0.9))})


def _injected(given: Arguments, more: Mapping[str, str]) -> Iterator[Wish]:
    variables = {**_OWN, **{f"CHAOS_EXTENSION__{key}": value for key, value in more.items()}}
    yield Wish(CONFIGURATION, given["function_name"], {
        _LAYERS: [given.get("layer", _LAYER)], **{f"{_VARIABLE}{key}": value for key, value in variables.items()}})


def healed(*names: str) -> Find:
    """Without the layer, and without these variables of it and the package's own."""
    def find(at: Account, given: Arguments) -> Iterator[Wish]:
        away = dict.fromkeys([f"{_VARIABLE}{name}" for name in (*_OWN, *names)])
        yield Wish(CONFIGURATION, given["function_name"], {_LAYERS: _without(at, given), **away})

    return find


NOT_SLOW: Final = healed(f"{_SLOW}ENABLE_LATENCY", f"{_SLOW}LATENCY_PROBABILITY")
NOT_FAILING: Final = healed(f"{_FAULTY}ENABLE_CHANGE_RESPONSE_BODY", f"{_FAULTY}DEFAULT_RESPONSE",
                            f"{_FAULTY}CHANGE_RESPONSE_PROBABILITY")


def _without(at: Account, given: Arguments) -> list[str]:
    there: list[str] = CONFIGURATION.read(at, given["function_name"], [_LAYERS])[_LAYERS]
    return [one for one in there if one != given.get("layer", _LAYER)]
