"""What `explain` says about the traps that `validate` finds in a valid experiment. From W450 on it is advice."""

from typing import Final

from chaos_runner.experiment.code import Code

LINT_CODES: Final = (
    Code("W401", "no stop rule",
         "The hypothesis says what is hoped for; a stop rule says when it hurts too much. Without one, customers\n"
         "bear whatever the faults do until the method is over.",
         "method:\n"
         "  - fault: proxy.latency",
         "method:\n"
         "  - fault: proxy.latency\n"
         "stop-when:\n"
         "  - name: one customer in twenty fails\n"
         "    probe: http.status\n"
         "    arguments: {url: \"http://127.0.0.1:8080/checkout\"}\n"
         "    above: 499\n"
         "    for: 5s"),
    Code("W402", "a fault without a duration",
         "It lasts to the end of the method, however long the steps behind it take: a step that hangs keeps the\n"
         "fault acting.",
         "- fault: proxy.cut\n"
         "  target: {proxy: db}",
         "- fault: proxy.cut\n"
         "  target: {proxy: db}\n"
         "  duration: 30s"),
    Code("W403", "an action without a way back",
         "No `undo:`, no known inverse, no `rollbacks`: nothing brings back what it changes, after an abort or a\n"
         "crash neither. For an action that has nothing to undo, the report says *untracked*.",
         "- type: action\n"
         "  name: stop the worker\n"
         "  provider: {…}",
         "- type: action\n"
         "  name: stop the worker\n"
         "  provider: {…}\n"
         "  undo:\n"
         "    provider: {…}\n"
         "    verify: {…}"),
    Code("W404", "a selector without a bound",
         "A name or a regular expression hits all that matches, and on another day that is more than on the day\n"
         "it was written.",
         "target: {command: 'orders'}",
         "target: {command: 'orders', at-most: 1}"),
    Code("W405", "a fixed seed in a schedule",
         "The seed makes random choice repeatable, which is for looking into one run again. A schedule with a\n"
         "fixed one tests the same targets each time, and never the others."),
    Code("W406", "a stop rule that is slower than the fault",
         "When the rule could trip, the faults are undone already. A rule trips after its `for`, with `allow`\n"
         "after so many samples that one bad one does not exceed the share, else after two samples.",
         "duration: 5s … stop-when: [{…, for: 10s}]",
         "duration: 30s … stop-when: [{…, for: 10s}]"),
    Code("W407", "a stop rule that trips while all is well",
         "The limit of a stop rule says what is bad, that of the hypothesis what is good. A rule that was copied\n"
         "from the hypothesis ends each run at once. With a Chaos Toolkit `tolerance` it is the other way round.",
         "stop-when:\n"
         "  - probe: http.status\n"
         "    equals: 200",
         "stop-when:\n"
         "  - probe: http.status\n"
         "    above: 499"),
    Code("W411", "nothing to judge",
         "Without a probe in the hypothesis nothing was believed, so nothing can be learned: the verdict is\n"
         "always inconclusive."),
    Code("W412", "nothing is done",
         "A method without an action tests nothing: the verdict is always inconclusive."),
    Code("W413", "a probe that the fault blinds",
         "It reads the fault itself and not what the fault does to the system: it goes to an address that the\n"
         "fault cuts, asks the proxy's own API, or counts the processes that are paused. In the hypothesis it\n"
         "breaks for certain; a stop rule goes blind and ends the run. Where a proxy listens is not in the file,\n"
         "so that is for you to see."),
    Code("W414", "a weak tolerance",
         "Whether there is an answer, a connection or a process tells neither how long customers wait nor\n"
         "whether the answer is right. Such a hypothesis passes while the system is useless.",
         "- probe: http.status\n"
         "  equals: 200",
         "- probe: http.status\n"
         "  equals: 200\n"
         "- probe: http.latency\n"
         "  below: 300ms\n"
         "  allow: 1%"),
    Code("W415", "a limit that nothing breaks",
         "Half of all samples may be bad, or a server's own errors count as good: hardly any outage would be\n"
         "called one.",
         "allow: 100%",
         "allow: 1%"),
    Code("W416", "a probe that is slower than the fault",
         "However bad the system is while the faults act, the probe does not break: they are over before its\n"
         "`for` has passed, or before it was read often enough.",
         "every: 10s … duration: 8s",
         "every: 500ms … duration: 8s"),
    Code("W417", "proof that cannot come",
         "`require-proof` counts only measured evidence. A Chaos Toolkit action gives it only by an `expect:`\n"
         "that holds.",
         "require-proof: true",
         "require-proof: true … expect: {status: 0}"),
    Code("W451", "nothing is watched while the faults act",
         "A probe without `every` is read before, at the end of the method and after the undo. What breaks and\n"
         "recovers in between stays unseen, and the verdict states the weaker claim."),
    Code("W452", "a baseline of a few samples",
         "A steady state that was looked at less than five times may have been luck.",
         "baseline: 1s … every: 500ms",
         "baseline: 5s … every: 500ms"),
    Code("W453", "little time to heal",
         "What is not undone must first be noticed by whoever heals it: a supervisor or an orchestrator that\n"
         "looks every ten seconds needs more than ten seconds. A shorter `recovers-within` calls every healthy\n"
         "system deviated."),
    Code("W454", "undone twice",
         "The rollback makes the same call as the undo that is recorded for the action, or is known of it. The\n"
         "recorded one runs first, and after a crash as well."),
    Code("W455", "a limit beyond the timeout",
         "The probe stops waiting before an answer could be slower than the limit: only no answer at all is bad.",
         "arguments: {timeout: 1s} … below: 2s",
         "arguments: {timeout: 5s} … below: 2s"),
)
