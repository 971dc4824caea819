"""What `explain` says about the codes of the format itself: keys, values, and what they refer to."""

from typing import Final

from chaos_runner.experiment.code import Code

FORMAT_CODES: Final = (
    Code("E101", "an unknown key that looks like a known one",
         "A misspelt key would be ignored, and with it whatever it was meant to do: without its hypothesis an\n"
         "experiment injects faults and checks nothing.",
         "steady-state-hypotesis: {…}", "steady-state-hypothesis: {…}"),
    Code("E102", "a key that is needed is missing or empty",
         "An experiment needs a title, a description and a method; a hypothesis a title; an activity a name."),
    Code("E103", "a value of the wrong kind",
         "The key wants a text, a list, a mapping, a whole number, or true or false, and found another kind.\n"
         "`null` counts as if the key were not there."),
    Code("E104", "a word that is not one of the few allowed",
         "Some keys take one of a short list of words; the message names them."),
    Code("E201", "a duration without its unit",
         "Numbers that carry a dimension have a unit, so that nobody has to guess: us, ms, s, m, h or d. Chaos\n"
         "Toolkit's own fields (`timeout`, `pauses`) keep its plain seconds.",
         "duration: 30", "duration: 30s"),
    Code("E202", "a share without its percent sign", "A share stands between 0% and 100% and has its sign.",
         "allow: 0.01", "allow: 1%"),
    Code("E204", "a tolerance that Chaos Toolkit would not accept",
         "A tolerance is true or false, a whole number, a text, a list (two members: a range; else: one of them),\n"
         "or a mapping with `type: probe`, `regex`, `jsonpath` or `range`.",
         "tolerance: 1.5", "tolerance: {type: range, range: [1.4, 1.6]}"),
    Code("E205", "a limit that cannot be compared with",
         "`below`, `above`, `at-least` and `at-most` take one number, `between` takes two, `equals` any value. What\n"
         "the probe reads decides the unit: seconds want `300ms`, shares `5%`, sizes `10Mi`.",
         "below: 300", "below: 300ms"),
    Code("E206", "a probe that says nothing about which values are good",
         "Without a condition every value would be good, and the verdict would be green whatever happened.",
         "- probe: http.latency\n  arguments: {url: …}",
         "- probe: http.latency\n  arguments: {url: …}\n  below: 300ms"),
    Code("E207", "a probe with two conditions", "Only one can count. Make one probe for each.",
         "above: 1\nbelow: 5", "between: [1, 5]"),
    Code("E208", "a recovery that is too short to be seen",
         "After the undo a sampled probe must hold five times in a row within `recovers-within`; with less time than\n"
         "that a system in perfect health would be called deviated.",
         "recovers-within: 2s", "recovers-within: 10s"),
    Code("E301", "a fault that is not on the shelf",
         "`fault:` names a native fault by its path, as `chaos-runner faults` lists them."),
    Code("E302", "a probe that is not on the shelf",
         "`probe:` names a native probe by its source and function, as `chaos-runner probes` lists them."),
    Code("E303", "an argument that the fault or probe does not take",
         "`chaos-runner faults` and `chaos-runner probes` list the arguments."),
    Code("E304", "an argument that is needed is missing",
         "`chaos-runner faults` and `chaos-runner probes` say which arguments are required."),
    Code("E305", "an argument that cannot be used", "The message says what was wanted; dimensions need a unit.",
         "arguments: {latency: 200}", "arguments: {latency: 200ms}"),
    Code("E308", "a fault that would be undone at once",
         "Without a duration a fault lasts to the end of the method. As the last step that is no time at all.",
         "- fault: proxy.latency\n  target: {proxy: db}",
         "- fault: proxy.latency\n  target: {proxy: db}\n  duration: 30s"),
    Code("E309", "an activity that says nothing about what to do, or two things",
         "An activity has exactly one of `fault`, `probe` and `provider`."),
    Code("E310", "an action where only a probe may stand, or a fault among the rollbacks",
         "The hypothesis and stop rules only look. Faults undo themselves, so they are no rollbacks."),
    Code("E311", "a duration on something that cannot be undone by itself",
         "Only a native fault knows its way back, so only it can be over after a duration. To wait after a Chaos\n"
         "Toolkit action use `pauses: {after: …}`."),
    Code("E312", "a Python module that cannot be imported",
         "Chaos Toolkit's extensions are Python packages of their own: install the one the module belongs to. The\n"
         "folder the command is started in is searched too."),
    Code("E313", "a function that its module does not have",
         "Functions and builtins count; classes, methods and partials do not, as in Chaos Toolkit."),
    Code("E314", "arguments that do not fit the function",
         "The function would raise a TypeError in the middle of the run. `configuration` and `secrets` are given by\n"
         "the runner where the function asks for them."),
    Code("E315", "an executable that is not there",
         "A process provider's `path` is looked for as a shell would. Configuration is not filled in here, as in\n"
         "Chaos Toolkit."),
    Code("E317", "a ref to nothing", "`ref` names an activity of the same file by its `name`."),
    Code("E318", "an undo on a native fault", "A native fault records its own way back before it acts."),
    Code("E319", "use of a reusable probe that is not there",
         "`use` names a probe in `probes/*.yaml`: in the nearest folder `probes` with such files, looked for from the\n"
         "experiment's folder upwards. `chaos-runner probes` lists them."),
    Code("E320", "a reusable probe that cannot be told or read",
         "Each name stands once in all files of the folder, and each file can be read. Otherwise it would be chance\n"
         "which probe judges the run."),
    Code("E321", "a ${name} that looks like a declared one",
         "What nothing is declared for stays as it is, and the activity hits whatever is called `${name}`: mostly\n"
         "nothing, and nobody notices.",
         "arguments: {path: \"${foldr}\"}", "arguments: {path: \"${folder}\"}"),
    Code("E322", "a step that cannot act again",
         "With `every` a fault acts at its beginning, and again and again until its `duration` is over. That is for\n"
         "native faults whose targets others heal: `chaos-runner faults` says which. Each time it looks anew whom it\n"
         "hits, within the limits.",
         "- fault: kubernetes.pod_kill\n  target: {workload: deployment/web, count: 1}\n  every: 10s",
         "- fault: kubernetes.pod_kill\n  target: {workload: deployment/web, count: 1}\n  every: 10s\n  duration: 1m"),
    Code("E390", "something that this version cannot do yet",
         "The key is part of the format, and this version would have to ignore it. It refuses instead: a safeguard\n"
         "that is silently ignored is worse than none."),
    Code("W101", "an unknown key", "It is ignored. Begin the names of your own notes with x-."),
    Code("W302", "an environment variable that is not set",
         "The configuration asks for a variable of the environment, there is none of that name, and no default. A run\n"
         "stops there, unless --var gives the value.",
         "url: {type: env, key: SHOP_URL}", "url: {type: env, key: SHOP_URL, default: \"http://127.0.0.1:8080\"}"),
    Code("W304", "a ${name} that nothing is declared for",
         "It stays as it is, as in Chaos Toolkit. Declare it under configuration or secrets, or write `$${name}`\n"
         "where it is meant so."),
    Code("W303", "a control that cannot be imported",
         "Chaos Toolkit leaves such a control out and says so; chaos-runner does the same, and the run is\n"
         "inconclusive."),
    Code("W301", "a tolerance in the method",
         "Chaos Toolkit ignores it there. Here it is asked, and when it is not met the run is inconclusive; it cannot\n"
         "make a run deviated. `expect:` judges an action; the hypothesis judges probes."),
)
VERDICT_CODES: Final = (
    Code("V001", "passed",
         "Every probe was measured before, while and after the fault acted (where the file asks for it) and stayed\n"
         "inside its limit; the fault is proven or reported to have acted; nothing failed."),
    Code("V002", "the steady state holds", "Only the hypothesis was asked for (`--hypothesis-only`). It says nothing\n"
         "about faults."),
    Code("V101", "not started: nothing matches a target", "A fault that hits nothing proves nothing. Look at the\n"
         "target's keys, and whether it is running."),
    Code("V102", "not started: the steady state was not there", "A probe was outside its limit before any fault, so a\n"
         "deviation afterwards would mean nothing. Mend the environment or the limit, then run again."),
    Code("V103", "not started: a probe could not be judged",
         "Before any fault there was no data, or the judge raised."),
    Code("V104", "not started: a fault was refused", "Its `prepare` looked and said no; nothing was changed."),
    Code("V105", "not started: a stop rule could not be read", "What is meant to stop the run must be readable before\n"
         "it starts."),
    Code("V106", "not started: a limit",
         "What the faults together would hit, or how long they would last, is more than\n"
         "the experiment, chaos.yaml, the environment or the policy allows. No flag exceeds a limit."),
    Code("V107", "not started: a stop rule does not trip",
         "The rehearsal gave the stop rule a value that it must call\n"
         "bad, again and again, and it would not have ended the run. Look at its condition."),
    Code("V108", "not started: a stop would be too slow",
         "The rehearsal measured the time from a bad sample to an undo\n"
         "that is ready: longer than `max-abort-latency`. The disk or the machine is too busy."),
    Code("V109", "not started: a gate is closed",
         "Something that must be so before the first fault is not, or could\n"
         "not be found out. A gate that gives no answer is closed."),
    Code("V110", "not started: a gate defers",
         "A gate with `defer` was read and is closed: the same run may be tried again at the time that is said. A\n"
         "gate that could not be read does not defer, it denies (V109)."),
    Code("V201", "deviated while the fault acted", "A probe was outside its limit longer or oftener than its author\n"
         "allows. It counts also when it had recovered by the end."),
    Code("V203", "did not recover in time",
         "After the undo every probe must hold within `recovers-within`: five times in a row when it is sampled, once\n"
         "when it is single-shot."),
    Code("V301", "interrupted by a signal",
         "The run was stopped by SIGINT, SIGTERM, SIGHUP or SIGQUIT, and undone."),
    Code("V302", "interrupted: the runner died",
         "The runner was killed, ran out of memory, or its machine went down. What it left was undone afterwards, by\n"
         "the watchdog or by `chaos-runner recover`; the reasons say by whom."),
    Code("V311", "aborted: a stop rule tripped", "The stop rule's condition held, and everything was undone."),
    Code("V312", "aborted: a stop rule went blind",
         "The stop rule gave no data for longer than `missing-for`; to go on without it would be to go on without\n"
         "brakes."),
    Code("V313", "aborted: somebody asked", "`chaos-runner stop`, or another request, ended the run."),
    Code("V314", "aborted: fail-fast",
         "The hypothesis was read while the method ran, did not hold, and `--fail-fast` ends the run then. Everything\n"
         "was undone at once."),
    Code("V315", "aborted: a control stopped the run", "A control raised InterruptExecution. Everything was undone."),
    Code("V316", "aborted: the longest time was over",
         "The faults had acted for as long as `max-duration` allows, and\n"
         "everything was undone."),
    Code("V317", "aborted: a gate closed",
         "A gate with `watch: true` closed while the run went on, and everything was undone."),
    Code("V401", "error: a step failed", "An activity raised, timed out, or ended with a bad status. What the run saw\n"
         "is no statement about the system."),
    Code("V402", "error: a rollback failed",
         "What the author wrote to bring the system back did not work: look at it."),
    Code("V403", "error: the journal was lost", "The disk refused the journal while a fault acted; everything was\n"
         "undone, and nothing further was started."),
    Code("V490", "error: a bug in chaos-runner",
         "Everything was undone all the same. The journal holds the details."),
    Code("V501", "inconclusive: no hypothesis", "Without a hypothesis there is nothing to judge."),
    Code("V502", "inconclusive: no action", "No action was run, so nothing was tested."),
    Code("V503", "inconclusive: no effect", "The fault did not act, or the target already was as the fault would make\n"
         "it."),
    Code("V504", "inconclusive: reported, not measured", "`require-proof` asks for measured evidence, and the action\n"
         "only returned without an error. Give it an `expect:`."),
    Code("V505", "inconclusive: data is missing",
         "A probe could not be judged while or after the fault acted. Missing data is never green."),
    Code("V506", "inconclusive: the target was gone",
         "Between the first look and the fault the target disappeared."),
    Code("V507", "inconclusive: the steady state was not measured",
         "The hypothesis strategy left the probes unread before or after the method. What was not measured is not\n"
         "known to have held: use the strategy `default` or `continuously`."),
    Code("V508", "inconclusive: a dry run", "Activities were only gone through and not called, so nothing was tested."),
    Code("V510", "inconclusive: a control was left out",
         "Its module cannot be imported, so whatever it was to guard or to measure, it did not. Install its package,\n"
         "or take it out of the file."),
    Code("V509", "inconclusive: a tolerance in the method was not met",
         "Only the hypothesis says whether a run deviated; but a step of the method was not as its author wanted,\n"
         "so the run has not passed. Move the probe to the hypothesis, with `every:` to have it read all the time."),
)
