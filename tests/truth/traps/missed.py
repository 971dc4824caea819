"""Traps that chaos-runner falls into today. They stand in the table like all others."""

from tests.truth import worlds
from tests.truth.pieces import action, answers, experiment, hurt, hurting, mend, probe, process, python
from tests.truth.trap import Said, Trap

_GREEN = Said(0, "V001", "passed", "nothing-to-restore")
_MENDED = Said(0, "V001", "passed", "reported")
_REPORTED = "reported, not measured: only require-proof asks for more"

TRAPS = (
    Trap(name="a probe takes longer than the timeout beside it", truth="the answer came too late", says=_MENDED,
         missed="a timeout beside an activity is not used, as in Chaos Toolkit",
         experiment=hurting(probes=[probe("it answers soon", python("one_second_late"), tolerance=True, timeout=0.3)])),
    Trap(name="a pipe hides the status, and no proof is asked for", truth="the fault was never injected", says=_GREEN,
         missed=_REPORTED, experiment=experiment(action("hurt it", process("sh", "-c", "false | cat")))),
    Trap(name="an action logs its error, and no proof is asked for", truth="the fault was never injected", says=_GREEN,
         missed=_REPORTED, experiment=experiment(action("hurt it", python("log_only")))),
    Trap(name="an action finds nothing to hurt, and no proof is asked for", truth="the fault was never injected",
         says=_GREEN, missed=_REPORTED, experiment=experiment(action("hurt it", python("hurt_all", name="worker")))),
    Trap(name="an action pauses what is paused already", truth="the fault changed nothing", says=_GREEN,
         missed="only native faults look at their target first", world=worlds.paused_worker,
         experiment=experiment(action("pause it", process("sh", "-c", "kill -STOP $WORKER")))),
    Trap(name="the next action undoes the fault as soon as it acts", truth="it acted for no time at all", says=_GREEN,
         missed="only native faults have a duration that can be looked at", experiment=experiment(hurt(), mend())),
    Trap(name="the tolerance is true of everything", truth="it broke, and the tolerance holds of what is broken",
         says=_MENDED, missed="what a pattern should refuse cannot be known",
         experiment=hurting(probes=[answers({"type": "regex", "pattern": "ok|.*"}, calm="ok", storm="broken")])),
    Trap(name="a system is down while the fault acts, and its probe is read once", says=_GREEN,
         truth="the system broke while the fault acted, and recovered before anybody looked",
         missed='without every nobody looks meanwhile: the sentence says "not watched while the fault acted"',
         experiment=experiment(hurt(), mend(), probes=[answers("well", calm="well", storm="ill")])),
)
