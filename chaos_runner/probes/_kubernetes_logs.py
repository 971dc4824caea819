"""Reading the last seconds of pods' logs."""

import math
import re
from collections.abc import Sequence
from time import monotonic
from typing import Final, Protocol

from chaos_runner.contracts import BadQuestion, NoData, Reading
from chaos_runner.errors import Gone
from chaos_runner.probes._kubernetes import Asked, some
from chaos_runner.targets.kubernetes.access import Denied, Forbidden
from chaos_runner.targets.kubernetes.kinds import POD
from chaos_runner.targets.kubernetes.seen import SeenPod

_PODS_MOST: Final = 20
_BYTES_MOST: Final = 4 * 2**20
_TAKES_S: Final = 8.0
_NOT_YET: Final = ("waiting to start", "is not running", "not found", "not available")


class Wanted(Protocol):
    """Which lines of which seconds."""

    @property
    def matching(self) -> str: ...
    @property
    def within(self) -> float: ...
    @property
    def container(self) -> str: ...


def lines_matching(asked: Asked, pods: Sequence[SeenPod], wanted: Wanted) -> Reading:
    """How many lines match in all of them. Raises BadQuestion, NoData."""
    pattern = _pattern(wanted)
    if len(pods) > _PODS_MOST:
        raise BadQuestion(f"{len(pods)} pods, and the logs of at most {_PODS_MOST} are read: choose them with `labels`")
    until_s = monotonic() + _TAKES_S
    found: dict[str, int] = {}
    cut = False
    for pod in pods:
        if monotonic() > until_s:
            raise NoData("the logs could not be read in time")
        text = _log(asked, pod.name, wanted)
        cut = cut or len(text) >= _BYTES_MOST
        found[pod.name] = sum(1 for line in text.splitlines() if pattern.search(line))
    note = some(f"{name}: {lines}" for name, lines in found.items() if lines)
    return Reading(value=sum(found.values()), note=f"{note}; at least: more than 4 MiB" if cut else note)


def _pattern(wanted: Wanted) -> "re.Pattern[str]":
    if wanted.within < 1:
        raise BadQuestion("`within` is at least 1s: the API knows whole seconds")
    try:
        return re.compile(wanted.matching)
    except re.error as problem:
        raise BadQuestion(f"{wanted.matching!r} is no regular expression: {problem}") from problem


def _log(asked: Asked, pod: str, wanted: Wanted) -> str:
    """What a pod said in the last seconds: nothing, where it has not begun or is gone."""
    query = {"sinceSeconds": str(math.ceil(wanted.within)), "limitBytes": str(_BYTES_MOST),
             **({"container": wanted.container} if wanted.container else {})}
    try:
        return asked.at.within(0.0).text(POD.path(asked.namespace, pod, "log"), query)
    except Gone:
        return ""
    except Forbidden:
        raise
    except Denied as refusal:
        said = str(refusal)
        if any(words in said for words in _NOT_YET):
            return ""
        raise BadQuestion(said) from refusal
