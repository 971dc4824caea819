"""Faults that did not act."""

from tests.truth import worlds
from tests.truth.pieces import action, experiment, http, hurt, mend, process, python
from tests.truth.trap import Said, Trap

_NOT_INJECTED = "the fault was never injected"
_FAILED = Said(5, "V401", "error", "nothing-to-restore")
_SERVICE = {"service": {"type": "env", "key": "SERVICE"}}
_STOP = "kill -STOP $WORKER"

TRAPS = (
    Trap(name="an action raises", truth=_NOT_INJECTED, says=_FAILED,
         experiment=experiment(action("hurt it", python("fail")))),
    Trap(name="an action's process ends with status 1", truth=_NOT_INJECTED, says=_FAILED,
         experiment=experiment(action("hurt it", process("sh", "-c", "echo denied >&2; exit 1")))),
    Trap(name="a pipe hides the status of the process that failed", truth=_NOT_INJECTED,
         says=Said(5, "V504", "inconclusive", "nothing-to-restore"),
         experiment=experiment(action("hurt it", process("sh", "-c", "false | cat")), require_proof=True)),
    Trap(name="an action gets HTTP 500", truth=_NOT_INJECTED, says=_FAILED, world=worlds.service,
         experiment=experiment(action("hurt it", http("${service}/broken")), configuration=_SERVICE)),
    Trap(name="nobody listens where an action sends its request", truth=_NOT_INJECTED, says=_FAILED,
         experiment=experiment(action("hurt it", http("http://127.0.0.1:9/hurt")))),
    Trap(name="an action logs its error and returns", truth=_NOT_INJECTED,
         says=Said(5, "V504", "inconclusive", "nothing-to-restore"),
         experiment=experiment(action("hurt it", python("log_only")), require_proof=True)),
    Trap(name="an action finds nothing to hurt, and says so in a list that nobody reads", truth=_NOT_INJECTED,
         says=Said(5, "V504", "inconclusive", "nothing-to-restore"),
         experiment=experiment(action("hurt it", python("hurt_all", name="worker")), require_proof=True)),
    Trap(name="an action returns its error", truth=_NOT_INJECTED, says=_FAILED,
         experiment=experiment(action("hurt it", python("refuse"), expect={"ok": True}))),
    Trap(name="an action in the background raises", truth=_NOT_INJECTED, says=_FAILED,
         experiment=experiment(action("hurt it", python("fail_late"), background=True))),
    Trap(name="an action in the background has an address that is none", truth=_NOT_INJECTED, says=_FAILED,
         experiment=experiment(action("hurt it", http("http://[broken"), background=True))),
    Trap(name="an action in the background is of a module that is not installed", truth=_NOT_INJECTED,
         says=Said(2, "E312"), flags=("--no-validation",),
         experiment=experiment(action("hurt it", python("hurt", module="no_such_package"), background=True))),
    Trap(name="an action lacks an argument", truth=_NOT_INJECTED, says=Said(2, "E314"), flags=("--no-validation",),
         experiment=experiment(action("hurt it", python("busy")))),
    Trap(name="an action calls sys.exit(0)", truth="it left in the middle of the method; the way back was to follow",
         says=Said(5, "V401", "error", "reported"),
         experiment=experiment(hurt(), action("hurt it more", python("leave")), rollbacks=[mend()])),
    Trap(name="an action calls os._exit(0)", truth="it left in the middle of the method; the way back was to follow",
         says=Said(5, "V401", "error", "reported"),
         experiment=experiment(hurt(), action("hurt it more", python("leave_at_once")), rollbacks=[mend()])),
    Trap(name="an action replaces the process by one that ends well",
         truth="it left in the middle of the method; the way back was to follow",
         says=Said(5, "V401", "error", "reported"),
         experiment=experiment(hurt(), action("hurt it more", python("become_true")), rollbacks=[mend()])),
    Trap(name="the target does not exist", truth=_NOT_INJECTED,
         says=Said(3, "V101", "not-started", "nothing-to-restore"),
         experiment=experiment({"name": "pause it", "fault": "host.process_pause", "duration": "200ms",
                                "target": {"name": "no-such-worker"}}),
         theirs=experiment(action("pause it", process("pkill", "-STOP", "-x", "no-such-worker")))),
    Trap(name="the target already is as the fault would make it", truth="the fault changed nothing",
         says=Said(5, "V503", "inconclusive", "nothing-to-restore"), world=worlds.paused_worker,
         experiment=experiment({"name": "pause it", "fault": "host.process_pause", "duration": "200ms",
                                "target": {"pid": "${worker}"}},
                               configuration={"worker": {"type": "env", "key": "WORKER", "env_var_type": "int"}}),
         theirs=experiment(action("pause it", process("sh", "-c", _STOP)))),
    Trap(name="the fault is undone as soon as it acts", truth="it acted for no time at all", says=Said(2, "E308"),
         world=worlds.paused_worker,
         experiment=experiment({"name": "pause it", "fault": "host.process_pause", "target": {"name": "worker"}}),
         theirs=experiment(hurt(), mend())),
)
