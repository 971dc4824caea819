"""Experiments that have nothing to judge, or nothing to judge by."""

from tests.truth.pieces import answers, experiment, holds, hurt, hurting, mend, unhurt
from tests.truth.trap import Said, Trap

_NOTHING_LEARNED = "nothing was learned about the system"
_NOTHING_TESTED = "nothing was tested"
_NO_HYPOTHESIS = Said(5, "V501", "inconclusive", "reported")
_NO_ACTION = Said(5, "V502", "inconclusive", "nothing-to-restore")


def _without(key: str) -> dict[str, object]:
    return {name: value for name, value in hurting().items() if name != key}


TRAPS = (
    Trap(name="there is no hypothesis", truth=_NOTHING_LEARNED, says=_NO_HYPOTHESIS,
         experiment=_without("steady-state-hypothesis")),
    Trap(name="the hypothesis has no probes", truth=_NOTHING_LEARNED, says=_NO_HYPOTHESIS,
         experiment=hurting(probes=[])),
    Trap(name="the hypothesis is misspelt", truth="it was broken, and never looked at", says=Said(2, "E101"),
         experiment={**_without("steady-state-hypothesis"),
                     "steady-state-hypotesis": {"title": "all is well", "probes": [unhurt()]}}),
    Trap(name="the hypothesis' probes are misspelt", truth="it was broken, and never looked at", says=Said(2, "E101"),
         experiment={**hurting(), "steady-state-hypothesis": {"title": "all is well", "probs": [unhurt()]}}),
    Trap(name="the method is empty", truth=_NOTHING_TESTED, says=_NO_ACTION, experiment=experiment()),
    Trap(name="the method has probes only", truth=_NOTHING_TESTED, says=_NO_ACTION, experiment=experiment(holds())),
    Trap(name="the steady state is not there before the fault", truth="the method was never run",
         says=Said(3, "V102", "not-started", "nothing-to-restore"),
         experiment=hurting(probes=[answers("well", calm="ill", storm="ill")])),
    Trap(name="the steady state is not there, and the way back from what was never done is gone",
         truth="the method was never run, and a rollback changed what was well",
         says=Said(3, "V102", "not-started", "nothing-to-restore"),
         experiment=experiment(mend(), probes=[answers("well", calm="ill", storm="ill")], rollbacks=[hurt()])),
)
