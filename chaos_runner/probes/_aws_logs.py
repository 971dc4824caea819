"""Counting lines in CloudWatch Logs."""

from datetime import datetime
from time import monotonic
from typing import Any, ClassVar, Final

from chaos_runner.contracts import BadQuestion, NoData, Reading, Seconds
from chaos_runner.errors import Gone
from chaos_runner.targets.aws.access import Account, Denied
from chaos_runner.targets.aws.choosing import Placed

_TAKES_S: Final = 8.0
_LINES_MOST: Final = 10_000


class LogsArguments(Placed, frozen=True, kw_only=True):
    """A log group, a filter pattern of CloudWatch (`ERROR`, `?ERROR ?Traceback`, `{ $.status >= 500 }`), and the last
    while that is looked at. `streams` is the beginning of the names of those log streams that count.
    """

    looks: ClassVar[tuple[str, ...]] = ("logs:FilterLogEvents",)
    log_group: str
    pattern: str = ""
    within: Seconds = 60.0
    streams: str = ""


def lines(at: Account, arguments: LogsArguments, now: datetime) -> Reading:
    """How many lines match. Raises NoData, and BadQuestion for a pattern that is none."""
    until_s, count, token = monotonic() + _TAKES_S, 0, ""
    while count < _LINES_MOST:
        if monotonic() > until_s:
            raise NoData(f"{arguments.log_group} could not be read within {_TAKES_S:g} s")
        page = _page(at, arguments, now, token)
        count += len(page["events"])
        token = page.get("nextToken", "")
        if not token:
            return Reading(value=count)
    return Reading(value=count, note="at least: no more are counted")


def _page(at: Account, arguments: LogsArguments, now: datetime, token: str) -> dict[str, Any]:
    """A page may be empty and not the last one."""
    end_ms = round(now.timestamp() * 1000)
    asked = {"filterPattern": arguments.pattern, "logStreamNamePrefix": arguments.streams, "nextToken": token}
    try:
        return at.ask("logs", "filter_log_events", logGroupName=arguments.log_group, endTime=end_ms,
                      startTime=end_ms - round(arguments.within * 1000),
                      **{key: value for key, value in asked.items() if value})
    except Gone as gone:
        raise NoData(str(gone)) from gone
    except Denied as denied:
        if "(InvalidParameterException)" in str(denied):
            raise BadQuestion(str(denied)) from denied
        raise
