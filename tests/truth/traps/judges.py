"""Tolerances that are met by what they should not be met by, or that break."""

from tests.truth.pieces import answers, hurting, python
from tests.truth.trap import Said, Trap

_UNKNOWN = Said(5, "V505", "inconclusive", "reported")
_BREAKS = "nobody knows whether the system held; the fault was to be undone"
_WEATHER = {"calm": "calm", "storm": "storm"}
_GREEN_TO_AMBER = ["amber", "green"]


def _asked(provider: dict[str, object]) -> dict[str, object]:
    return {"type": "probe", "name": "a judge", "provider": provider}


TRAPS = (
    Trap(name="a pattern meets a number", truth=_BREAKS, says=_UNKNOWN,
         experiment=hurting(probes=[answers({"type": "regex", "pattern": "^ok"}, calm="ok", storm=503)])),
    Trap(name="a range meets a text", truth=_BREAKS, says=_UNKNOWN,
         experiment=hurting(probes=[answers([0, 1], calm=0.5, storm="timed out")])),
    Trap(name="a range meets nothing", truth=_BREAKS, says=_UNKNOWN,
         experiment=hurting(probes=[answers({"type": "range", "range": [0, 1]}, calm=0, storm=None)])),
    Trap(name="a range meets what is not a number", truth=_BREAKS, says=_UNKNOWN,
         experiment=hurting(probes=[answers({"type": "range", "range": [0, 1]}, calm=0, storm="nan")])),
    Trap(name="no failed orders are found in an error page", truth="nobody knows whether orders failed", says=_UNKNOWN,
         experiment=hurting(probes=[answers({"type": "jsonpath", "path": "$.failed[*]", "count": 0},
                                            calm={"failed": []}, storm="<html>sorry</html>")])),
    Trap(name="no failed orders are found in an empty answer", truth="nobody knows whether orders failed",
         says=_UNKNOWN, experiment=hurting(probes=[
             answers({"type": "jsonpath", "path": "$.failed[*]", "count": 0}, calm={"failed": []}, storm=None)])),
    Trap(name="one of two words is read as all words between them", truth='it answered "broken"', says=_UNKNOWN,
         experiment=hurting(probes=[answers(_GREEN_TO_AMBER, calm="green", storm="broken")])),
    Trap(name="a judge's process says no", truth="the judge found it broken",
         says=Said(1, "V201", "deviated", "reported"),
         experiment=hurting(probes=[answers(
             _asked({"type": "process", "path": "sh", "arguments": {"-c": "test ! -e fault"}}), calm=1, storm=1)])),
    Trap(name="a judge calls sys.exit(0)", truth="nothing was judged; the fault was to be undone", says=_UNKNOWN,
         experiment=hurting(probes=[answers(_asked(python("leave_with", value=None)), **_WEATHER)])),
    Trap(name="a judge calls os._exit(0)", truth="nothing was judged; the fault was to be undone", says=_UNKNOWN,
         experiment=hurting(probes=[answers(_asked(python("leave_at_once_with", value=None)), **_WEATHER)])),
)
