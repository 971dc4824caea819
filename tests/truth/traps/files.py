"""Files that are not what they seem, and what they give that cannot be kept."""

import json

from tests.truth.pieces import action, experiment, hurting, process, python, unhurt
from tests.truth.trap import Said, Trap


def _with_two_hypotheses() -> str:
    """The second one wins, in Python's reader."""
    first = json.dumps(hurting(probes=[unhurt()])).removesuffix("}")
    second = json.dumps(experiment()["steady-state-hypothesis"])
    return f'{first}, "steady-state-hypothesis": {second}}}'


TRAPS = (
    Trap(name="the hypothesis stands there twice", truth="it was broken, and never looked at", says=Said(2, "E010"),
         experiment=_with_two_hypotheses()),
    Trap(name="a ${name} is misspelt and stays as it is", truth="the fault hit nothing", says=Said(2, "E321"),
         experiment=experiment(action("hurt it", python("hurt_all", name="${wroker}")),
                               configuration={"worker": "no-such-worker"})),
    Trap(name="a configuration that is asked for cannot be read", truth="the fault hit nothing", says=Said(3, ""),
         experiment=experiment(
             action("hurt it", process("echo", "${worker}")),
             configuration={"worker": {"type": "probe", "name": "which worker", "provider": process("false")}})),
    Trap(name="a safeguard is not installed", truth="nothing guarded the run",
         says=Said(5, "V510", "inconclusive", "reported"),
         experiment=hurting(controls=[
             {"name": "guard", "provider": {"type": "python", "module": "no_such_safeguard"}}])),
    Trap(name="a file asks to be tried without acting", truth="nothing was done",
         says=Said(5, "V508", "inconclusive", "nothing-to-restore"),
         experiment=hurting(dry="activities")),
    Trap(name="an action gives what no journal can hold", truth="all went well", well=True,
         says=Said(0, "V001", "passed", "reported"), experiment=hurting(action("count them", python("a_set")))),
)
