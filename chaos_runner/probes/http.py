"""Asking over HTTP, as a customer does who comes for the first time.

Every reading is a new connection, straight to the host: proxies named in environment variables are not used, redirects
are not followed (a 3xx is an answer like any other), and no cookie is kept. `timeout` is for the whole of it, from
finding the address to the last byte, however slowly they drip.
"""

from typing import TYPE_CHECKING, Final

from chaos_runner.contracts import NoData, Reading, Unreachable, probe
from chaos_runner.probes._http import Request, ask
from chaos_runner.probes._network import Deadline
from chaos_runner.units import Unit

if TYPE_CHECKING:
    from collections.abc import Collection

_SERVER_ERRORS: Final = range(500, 1000)
_WELL: Final = range(200, 300)


class TimedRequest(Request, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request, and the status or statuses that count as an answer: by default, all below 500."""

    expect_status: int | list[int] | None = None


class JsonRequest(Request, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request, and where in its JSON something stands: `.state`, `.builds[0].state`, or a filter as in
    `.incidents[?(@.status=="open")]`. With `count` it is how many stand there.
    """

    path: str
    count: bool = False


@probe(Request, Unit.COUNT,
       example={"arguments": {"url": "http://127.0.0.1:8080/", "timeout": "2s"}, "equals": 200})
def status(arguments: Request) -> Reading:
    """The status code of one request; a redirect is not followed, its 3xx is the value.

    Raises Unreachable without a whole answer in time, NoData for a request that cannot be sent.
    """
    answer = ask(arguments, Deadline(arguments.timeout))
    return Reading(value=answer.status, note=answer.note)


@probe(TimedRequest, Unit.SECONDS, example={"arguments": {"url": "http://127.0.0.1:8080/", "timeout": "2s"},
                                             "below": "300ms", "every": "500ms", "allow": "5%"})
def latency(arguments: TimedRequest) -> Reading:
    """Seconds until the whole answer was read, from a new connection on; a redirect is not followed.

    Raises Unreachable without a whole answer in time, or with a status that is none of `expect_status` (by default: one
    of 500 and above). NoData for a request that cannot be sent. At most 10 MiB are read.
    """
    answer = ask(arguments, Deadline(arguments.timeout))
    if not _expected(answer.status, arguments.expect_status):
        raise Unreachable(f"answered {answer.status}")
    return Reading(value=answer.took_s, note=answer.note)


@probe(JsonRequest, Unit.COUNT, example={
    "arguments": {"url": "https://status.example.org/incidents.json", "path": '.incidents[?(@.status=="open")]',
                  "count": True}, "at-most": 0})
def value(arguments: JsonRequest) -> Reading:
    """What stands at a path in the JSON that an address answers with: a text, a number, true or false; or how many.

    Where nothing stands there, or no list where `count` wants one, there is no data: a misspelt path is never read as
    none. Raises NoData; Unreachable without a whole answer in time, or with a status that is none of 200 to 299.
    """
    from chaos_runner.probes._http_json import count_at, decoded, value_at

    body = bytearray()
    answer = ask(arguments, Deadline(arguments.timeout), body.extend)
    if answer.status not in _WELL:
        raise Unreachable(f"answered {answer.status}")
    if answer.note:
        raise NoData(answer.note)
    read = count_at if arguments.count else value_at
    return Reading(value=read(decoded(bytes(body)), arguments.path))


def _expected(found: int, wanted: int | list[int] | None) -> bool:
    if wanted is None:
        return found not in _SERVER_ERRORS
    statuses: Collection[int] = [wanted] if isinstance(wanted, int) else wanted
    return found in statuses
