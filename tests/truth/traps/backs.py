"""Ways back that lead nowhere."""

from tests.truth.pieces import action, experiment, hurt, hurting, mend, process, python, unhurt
from tests.truth.trap import Said, Trap

_LEFT = "the fault still acts"

TRAPS = (
    Trap(name="a rollback raises", truth=_LEFT, says=Said(6, "V402", "error", "unknown"),
         experiment=hurting(rollbacks=[action("mend it", python("fail"))])),
    Trap(name="a rollback's process ends with status 1", truth=_LEFT, says=Said(6, "V402", "error", "unknown"),
         experiment=hurting(rollbacks=[action("mend it", process("false"))])),
    Trap(name="an undo says that it worked", truth=_LEFT, says=Said(6, "V001", "passed", "not-restored"),
         experiment=experiment(hurt(undo={"provider": process("true"), "verify": unhurt()})),
         theirs=hurting(rollbacks=[action("mend it", process("true"))])),
    Trap(name="the rollbacks are misspelt", truth=_LEFT, says=Said(2, "E101"),
         experiment=experiment(hurt(), rollback=[mend()])),
    Trap(name="a rollback refers to an activity that is not there", truth="the fault was to be undone",
         says=Said(2, "E317"), experiment=hurting(rollbacks=[{"ref": "mend everything"}, mend()])),
    Trap(name="an action that was given up acts after the run", truth="the fault acts after the run is over",
         says=Said(5, "V401", "error", "reported"), after_s=1.2,
         experiment=experiment(
             action("hurt it", {"type": "process", "path": "sh", "arguments": "-c 'sleep 1; touch fault'",
                                "timeout": 0.3}), rollbacks=[mend()])),
)
