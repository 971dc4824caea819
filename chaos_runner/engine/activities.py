"""Calling a Chaos Toolkit activity once, through its provider."""

import re
import traceback
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from subprocess import Popen
from typing import Any, Final
from uuid import UUID

from msgspec import Struct, structs

from chaos_runner.contracts import Grade
from chaos_runner.engine import process
from chaos_runner.engine.exits import no_way_out
from chaos_runner.experiment.model import Provider
from chaos_runner.experiment.values import Values
from chaos_runner.redaction import fit

HTTP_TIMEOUT_S: Final = 30.0
"""Where the author says nothing. Chaos Toolkit waits for ever."""
HTTP_BAD: Final = 400
_ADDRESS: Final = re.compile(r"host='([^']+)', port=(\d+)")
_NETWORK: Final = {"Connection refused": "connection refused", "Failed to resolve": "the name cannot be resolved",
                   "Name or service not known": "the name cannot be resolved", "timed out": "no answer in time",
                   "Connection reset": "connection reset", "Network is unreachable": "the network is unreachable"}
RUN_VARIABLE: Final = "CHAOS_RUNNER_RUN"
STEP_VARIABLE: Final = "CHAOS_RUNNER_STEP"
"""Both stand in the environment of every process that a step starts: the run's id, and the step's key."""


Started = Callable[["Popen[bytes]"], None]


def nobody(_: "Popen[bytes]") -> None:
    """Wants to know of no process."""


class Caller(Struct, frozen=True):
    """Who calls: what `${name}` stands for, the sign that processes carry, and who learns of a process."""

    values: Values
    sign: dict[str, str] = {}
    started: Started = nobody


class Called(Struct, frozen=True, kw_only=True):
    """What came of one call. `ok` is False when it raised, timed out or could not be made. `output` is as it came."""

    ok: bool
    grade: Grade
    output: Any = None
    error: list[str] = []
    note: str = ""
    broke: bool = False
    """Whether it could not even be called: what it raised is no failure of the activity to chaoslib."""
    dry: bool = False
    """Whether it was not called, because a control wants it so."""
    left: bool = False
    """Whether it asked the process to leave."""

    @property
    def went_well(self) -> bool:
        """Whether nothing about it is an error."""
        return self.ok and (self.dry or self.grade is not Grade.NONE)

    @property
    def ends_run(self) -> bool:
        """Whether it ends the run by chaoslib's rules."""
        return self.broke or self.left


def call(provider: Provider, caller: Caller) -> Called:
    """Calls the provider and tells what came of it. Raises nothing that the called code may raise."""
    match provider.kind:
        case "process":
            return _process(provider, caller)
        case "http":
            return _http(provider, caller.values)
        case _:
            return _python(provider, caller.values)


def _process(provider: Provider, caller: Caller) -> Called:
    spec = {**provider.spec, "arguments": caller.values.fill(provider.spec.get("arguments"))}
    try:
        outcome = process.run(spec, caller.started, caller.sign)
    except process.ProcessFailed as problem:
        return _failed(str(problem), [str(problem)])
    output = {"status": outcome.status, "stdout": outcome.stdout, "stderr": outcome.stderr}
    cut = f"{outcome.cut} bytes of output were cut (kept: the first MiB of each stream)" if outcome.cut else ""
    if outcome.status == 0:
        return Called(ok=True, grade=Grade.REPORTED, output=output, note=cut)
    told = outcome.stderr.strip().splitlines()
    said = f": {told[-1]}" if told else ""
    return Called(ok=True, grade=Grade.NONE, output=output, note=f"exit status {outcome.status}{said}")


def _http(provider: Provider, values: Values) -> Called:
    from chaoslib.provider.http import run_http_activity

    spec = {"timeout": HTTP_TIMEOUT_S, **provider.spec}
    called = _guarded(run_http_activity, {"provider": spec}, values)
    if called.ok and isinstance(called.output, dict) and called.output.get("status", 0) >= HTTP_BAD:
        return Called(ok=True, grade=Grade.NONE, output=called.output, note=f"HTTP status {called.output['status']}")
    return called


def _python(provider: Provider, values: Values) -> Called:
    from chaoslib.provider.python import run_python_activity

    return _guarded(run_python_activity, {"provider": provider.spec}, values)


def _guarded(run: Callable[..., Any], activity: dict[str, Any], values: Values) -> Called:
    """Foreign code may raise anything, exits included; whatever it is becomes the step's own failure."""
    try:
        with no_way_out():
            output = run(activity, dict(values.configuration), dict(values.secrets))
    except BaseException as problem:  # noqa: BLE001 -- SystemExit and KeyboardInterrupt too: it is not our exit
        return structs.replace(_failed(_reason(problem), _trace(problem)), left=not isinstance(problem, Exception),
                               broke=isinstance(problem, Exception) and not _is_failure(problem))
    return Called(ok=True, grade=Grade.REPORTED, output=output)


def _is_failure(problem: BaseException) -> bool:
    from chaoslib.exceptions import ActivityFailed

    return isinstance(problem, ActivityFailed)


def _trace(problem: BaseException) -> list[str]:
    try:
        return traceback.format_exception(problem)
    except Exception:  # noqa: BLE001 -- an error whose own words raise
        return [type(problem).__name__]


def _reason(problem: BaseException) -> str:
    """The last line of what was said; of what requests says at length, the few words that matter."""
    text = (_said(problem).strip().splitlines() or [type(problem).__name__])[-1]
    address = _ADDRESS.search(text)
    words = next((words for sign, words in _NETWORK.items() if sign in text), "")
    return f"{words} ({address[1]}:{address[2]})" if words and address else text


def _said(problem: BaseException) -> str:
    try:
        return str(problem) or type(problem).__name__
    except Exception:  # noqa: BLE001 -- foreign code to its last word
        return type(problem).__name__


def _failed(note: str, error: list[str]) -> Called:
    return Called(ok=False, grade=Grade.NONE, error=error, note=note)


def recorded(output: Any) -> tuple[Any, str]:
    """The output as data that a journal can hold, and what was cut of it: at most a MiB is kept."""
    data = writable(output)
    if isinstance(data, bool | int | float | None):
        return data, ""
    import msgspec

    text = msgspec.json.encode(data)
    cut = len(text) - 2 * process.OUTPUT_MAX
    if cut <= 0:
        return data, ""
    kept = data if isinstance(data, str) else text.decode()
    return kept[:process.OUTPUT_MAX], f"{len(text) - process.OUTPUT_MAX} bytes of output were cut (kept: the first MiB)"


def writable(output: Any) -> Any:
    """The output with whatever a journal cannot hold replaced by its `repr`, in the same place."""
    try:
        return _written(output)
    except RecursionError:
        return f"{type(output).__name__}, nested without an end"


def _written(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return fit(value)
        case float():
            return value if isfinite(value) else repr(value)
        case Mapping():
            return {_key(key): _written(member) for key, member in value.items()}
        case list() | tuple():
            return [_written(member) for member in value]
        case set() | frozenset():
            return [_written(member) for member in sorted(value, key=_represented)]
        case bytes() | bytearray():
            return process.text_of(bytes(value))
        case date() | Decimal() | UUID():
            return str(value)
        case _:
            return _represented(value)


def _key(key: Any) -> str:
    return str(fit(key)) if isinstance(key, str | int) else _represented(key)


def _represented(value: Any) -> str:
    try:
        return repr(value)
    except BaseException as problem:  # noqa: BLE001 -- foreign code, which may raise anything, exits included
        return f"{type(value).__name__}, whose repr raises {type(problem).__name__}"
