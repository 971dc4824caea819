"""Asking a Prometheus or an Alertmanager, and what the two say.

They are measuring systems: whatever keeps one from answering is NoData, never Unreachable. What is wrong with the
question itself is a BadQuestion.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from chaos_runner.contracts import BadQuestion, NoData, Seconds, Unreachable
from chaos_runner.probes._http import Answer, Request, ask
from chaos_runner.probes._network import Deadline

_SAID_MOST: Final = 300
_OK: Final = 200
_BAD_QUESTION: Final = 400

T = TypeVar("T")
Point = tuple[float, str]
"""A time in seconds since 1970, and a number as Prometheus writes it: "1.5", "NaN", "+Inf"."""


class Access(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to get in: a bearer token, or a name and a password; which certificates to trust; `timeout` for all of it."""

    timeout: Seconds = 5.0
    token: str = ""
    username: str = ""
    password: str = ""
    headers: dict[str, str] = {}
    verify_tls: bool = True
    ca_file: str = ""


class Series(Struct, frozen=True):
    """One series of a result: its labels, and its points."""

    labels: dict[str, str]
    points: list[Point]


class Found(Struct, frozen=True):
    """The result of a query, whatever its type was."""

    kind: str
    series: list[Series]
    warnings: list[str]


class Alert(Struct, frozen=True):
    """One alert of a rule: "pending" or "firing"."""

    labels: dict[str, str]
    state: str


class Rule(Struct, frozen=True, rename="camel"):
    """One alerting rule, and the alerts that it has made."""

    name: str = ""
    labels: dict[str, str] = {}
    alerts: list[Alert] = []
    health: str = ""
    last_error: str = ""
    last_evaluation: str = ""


class Group(Struct, frozen=True):
    """Rules that are evaluated together, every `interval` seconds."""

    rules: list[Rule] = []
    interval: float = 0.0


class Status(Struct, frozen=True, rename="camel"):
    """What Alertmanager does with an alert."""

    state: str
    silenced_by: list[str] = []
    inhibited_by: list[str] = []


class Received(Struct, frozen=True):
    """An alert that Alertmanager has received."""

    labels: dict[str, str]
    status: Status


class Server:
    """One Prometheus or Alertmanager, for as long as one reading may take."""

    def __init__(self, name: str, url: str, access: Access) -> None:
        self._name = name
        self._url = url.rstrip("/")
        self._access = access
        self._headers = {**_authorization(access), **access.headers}
        self._deadline = Deadline(access.timeout)

    def query(self, expression: str) -> Found:
        """The result of an instant query, at the server's own time. Raises NoData and BadQuestion."""
        return self._found("query", [("query", expression)])

    def query_range(self, expression: str, window: "Window") -> Found:
        """The result of a range query. Raises NoData and BadQuestion."""
        return self._found("query_range", [("query", expression), *window.parameters()])

    def groups(self, alert: str) -> tuple[Sequence[Group], datetime]:
        """The groups of alerting rules, and the server's time. Raises NoData.

        A Prometheus from 2.48 on leaves out the rules of other names; older ones tell of all.
        """
        body, answer = self._get("/api/v1/rules", [("type", "alert"), ("rule_name[]", alert)])
        return self._decoded(body, _Rules).data.groups, _date(answer)

    def alerts(self, labels: Mapping[str, str | int]) -> list[Received]:
        """What Alertmanager has of alerts with these labels, silenced and inhibited ones too. Raises NoData."""
        filters = [("filter", f"{name}={_quoted(str(value))}") for name, value in labels.items()]
        body, _ = self._get("/api/v2/alerts", filters)
        return self._decoded(body, list[Received])

    def _found(self, what: str, parameters: Sequence[tuple[str, str]]) -> Found:
        body, _ = self._get(f"/api/v1/{what}", parameters)
        said = self._decoded(body, _Said)
        return Found(said.data.result_type, self._series(said.data), said.warnings)

    def _series(self, data: "_Result") -> list[Series]:
        match data.result_type:
            case "scalar":
                return [Series({}, self._converted([data.result], list[Point]))]
            case "vector":
                return [Series(one.metric, _numbers(one.value, one.histogram))
                        for one in self._converted(data.result, list[_Instant])]
            case "matrix":
                return [Series(one.metric, one.values) for one in self._converted(data.result, list[_Range])]
            case _:
                raise BadQuestion(f"the query gives a {data.result_type}, and not a number")

    def _get(self, path: str, parameters: Sequence[tuple[str, str]]) -> tuple[bytes, Answer]:
        access, body = self._access, bytearray()
        request = Request(url=f"{self._url}{path}?{urlencode(parameters)}", timeout=access.timeout,
                          headers=self._headers, verify_tls=access.verify_tls, ca_file=access.ca_file)
        try:
            answer = ask(request, self._deadline, body.extend)
        except Unreachable as problem:
            raise NoData(f"{self._who}: {problem}") from problem
        if answer.note:
            raise NoData(f"{self._who}: {answer.note}")
        if answer.status != _OK:
            raise self._refusal(answer.status, bytes(body))
        return bytes(body), answer

    def _refusal(self, status: int, body: bytes) -> Exception:
        kind, text = _told(body)
        if status == _BAD_QUESTION and kind == "bad_data":
            return BadQuestion(f"{self._name} cannot understand the query: {text}")
        return NoData(f"{self._who} answered {status}" + (f": {text}" if text else ""))

    def _decoded(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as problem:
            raise NoData(f"{self._who} answered, but not as {self._name} does ({problem})") from problem

    def _converted(self, data: Any, kind: type[T]) -> T:
        try:
            return msgspec.convert(data, kind)
        except msgspec.ValidationError as problem:
            raise NoData(f"{self._who} answered, but not as {self._name} does ({problem})") from problem

    @property
    def _who(self) -> str:
        return f"{self._name} at {urlsplit(self._url).netloc}"


class Window(Struct, frozen=True):
    """The points of a range query, in whole milliseconds so that the last one is exactly at the end."""

    end_ms: int
    step_ms: int
    steps: int

    def parameters(self) -> list[tuple[str, str]]:
        """As Prometheus wants them."""
        start_ms = self.end_ms - self.steps * self.step_ms
        return [(name, f"{value / 1000:.3f}") for name, value
                in (("start", start_ms), ("end", self.end_ms), ("step", self.step_ms))]


class _Result(Struct, rename="camel"):
    result_type: str
    result: Any


class _Said(Struct):
    data: _Result
    warnings: list[str] = []


class _Instant(Struct):
    metric: dict[str, str]
    value: Point | None = None
    histogram: Any = None


class _Range(Struct):
    metric: dict[str, str]
    values: list[Point] = []


class _Groups(Struct):
    groups: list[Group]


class _Rules(Struct):
    data: _Groups


class _Error(Struct, rename="camel"):
    error_type: str = ""
    error: str = ""
    message: str = ""


def _numbers(value: Point | None, histogram: Any) -> list[Point]:
    if histogram is not None:
        raise BadQuestion("the query gives a histogram, and not a number: use histogram_quantile() or the like")
    return [value] if value else []


def _authorization(access: Access) -> dict[str, str]:
    if access.token and access.username:
        raise BadQuestion("either a token or a username, not both")
    if access.token:
        return {"authorization": f"Bearer {access.token.strip()}"}
    if access.username:
        return {"authorization": f"Basic {b64encode(f'{access.username}:{access.password}'.encode()).decode()}"}
    return {}


def _told(body: bytes) -> tuple[str, str]:
    """The kind and the words of a refusal: Prometheus' and Alertmanager's own, or the first line of anything else."""
    with suppress(msgspec.DecodeError):
        said = msgspec.json.decode(body, type=_Error)
        return said.error_type, f"{said.error or said.message}"[:_SAID_MOST]
    lines = body[:4 * _SAID_MOST].decode(errors="replace").strip().splitlines()
    return "", lines[0][:_SAID_MOST] if lines else ""


def _date(answer: Answer) -> datetime:
    """The server's time. Ours, where it does not say."""
    with suppress(ValueError):
        return parsedate_to_datetime(answer.date).astimezone(UTC)
    return datetime.now(UTC)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
