"""Probes that saw nothing, or that nobody listened to."""

from tests.truth import worlds
from tests.truth.pieces import answers, experiment, http, hurt, hurting, mend, probe, python, unhurt, wait
from tests.truth.trap import Said, Trap

_SAMPLED = {"every": "50ms"}
_QUICK = {"title": "all is well", "baseline": "250ms", "recovers-within": "5s"}
_SERVICE = {"service": {"type": "env", "key": "SERVICE"}}
_BROKE = "the system broke while the fault acted, and recovered before anybody looked"


def _sampled(*probes: dict[str, object]) -> dict[str, object]:
    return {**_QUICK, "probes": list(probes)}


TRAPS = (
    Trap(name="the system is down while the fault acts and well at the end", truth=_BROKE,
         says=Said(1, "V201", "deviated", "nothing-to-restore"),
         experiment=experiment(hurt(), wait(0.6), mend(), steady_state_hypothesis=_sampled(unhurt(**_SAMPLED)))),
    Trap(name="the same, watched all the time", truth=_BROKE,
         says=Said(1, "V201", "deviated", "nothing-to-restore"),
         flags=("--hypothesis-strategy", "continuously", "--hypothesis-frequency", "0.1"),
         experiment=experiment(hurt(), wait(0.6), mend(), steady_state_hypothesis=_sampled(unhurt(**_SAMPLED)))),
    Trap(name="the service answers 503 while the fault acts and 200 at the end", truth=_BROKE, world=worlds.service,
         says=Said(1, "V201", "deviated", "nothing-to-restore"),
         experiment=experiment(hurt(), wait(0.6), mend(), configuration=_SERVICE, steady_state_hypothesis=_sampled(
             probe("customers are served", http("${service}/"), 200, **_SAMPLED)))),
    Trap(name="a probe in the method raises", truth="nobody could look while the fault acted",
         says=Said(5, "V401", "error", "reported"),
         experiment=hurting({"type": "probe", "name": "look", "provider": python("fail")})),
    Trap(name="a tolerance stands in the method, where nobody looks at it",
         truth="the system broke while the fault acted", says=Said(5, "V509", "inconclusive", "nothing-to-restore"),
         experiment=experiment(hurt(), unhurt(), mend())),
    Trap(name="a probe raises while the fault acts", truth="the system did not answer; the fault was to be undone",
         says=Said(1, "V201", "deviated", "reported"),
         experiment=hurting(probes=[probe("it answers", python("raise_in_storm"), tolerance=True)])),
    Trap(name="a stop rule cannot be judged", truth="the brakes do not work",
         says=Said(4, "V312", "aborted", "reported"),
         experiment=hurting(wait(0.6), stop_when=[
             {**answers({"type": "regex", "pattern": "calm"}, calm="calm", storm=7), "every": "50ms"}])),
    Trap(name="a stop rule trips", truth="the run had to be stopped", says=Said(4, "V311", "aborted", "reported"),
         experiment=hurting(wait(0.6), stop_when=[unhurt(every="50ms")])),
)
