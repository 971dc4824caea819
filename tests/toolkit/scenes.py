"""Experiments that are run under chaoslib and under us, one noun each: what is asked, and where we differ and why."""

from typing import Any, Final

from msgspec import Struct

Data = dict[str, Any]


class Scene(Struct, frozen=True, kw_only=True):
    """One experiment. `differs` is the policy by which `run_experiment` does something else than chaoslib."""

    name: str
    experiment: Data
    strategy: str = "default"
    schedule: Data = {}
    settings: Data = {}
    variables: tuple[Data, Data] = ({}, {})
    dry: str = ""
    signal: str = ""
    at: str = ""
    loose: bool = False
    """Whether two threads take turns in it: then the order of calls and records is not compared."""
    differs: str = ""


POLICIES: Final = {
    "validated first": "chaoslib's `run_experiment` finds out in the middle of a run, after the first faults, that a "
                       "function is not there. We look before anything is touched.",
    "null is absent": "An explicit `null` ends chaoslib with a traceback, or stops the run in its middle.",
    "a judge that raises": "A tolerance that cannot judge a value ends chaoslib with a traceback: no rollbacks, no "
                           "journal. With us it is a reading that does not hold.",
    "no configuration, no run": "chaoslib goes on when dynamic configuration fails, and `${key}` reaches activities as "
                                "it stands. We refuse before anything is touched.",
    "dry is dry": "chaoslib overwrites a `dry` in the file, or does not know it, and runs everything for real; at an "
                  "activity it even switches `--dry` off. Whoever writes `dry` wants a dry run.",
    "a signal is no exception": "chaoslib raises in the middle of whatever runs. Under Python 3.11 a Python action "
                                "that SIGTERM interrupts counts as failed, the next one is run, and the run is "
                                "completed. With us a signal ends the run, under every Python.",
}
"""Where `run_experiment` differs from chaoslib, by name, and why."""


def call(name: str, func: str = "do", kind: str = "action", **keys: Any) -> Data:
    """An activity that calls one of ours."""
    arguments = {"name": name, **keys.pop("arguments", {})}
    provider = {"type": "python", "module": "tests.toolkit.steps", "func": func, "arguments": arguments,
                **keys.pop("provider", {})}
    return {"type": kind, "name": name, "provider": provider, **keys}


def probe(*answers: Any, name: str = "steady", tolerance: Any = True, **keys: Any) -> Data:
    """A probe of the hypothesis with these answers."""
    return call(name, "say", "probe", arguments={"answers": list(answers)}, tolerance=tolerance, **keys)


def nap(seconds: float, name: str = "act", **keys: Any) -> Data:
    """An action that takes a while."""
    return call(name, "nap", arguments={"seconds": seconds}, **keys)


def experiment(*method: Data, probes: list[Data] | None = None, **keys: Any) -> Data:
    """An experiment with a rollback."""
    return {"title": "a test", "description": "d",
            "steady-state-hypothesis": {"title": "all is well", "probes": [probe(True)] if probes is None else probes},
            "method": list(method) or [call("act")], "rollbacks": [call("back")], **keys}


def control(tag: str = "c", **keys: Any) -> Data:
    """A control that writes its calls down. What is not a key of controls is an argument."""
    own: Data = {key: keys.pop(key) for key in ("scope", "automatic") if key in keys}
    return {"name": f"watching {tag}", **own,
            "provider": {"type": "python", "module": "tests.toolkit.watching", "arguments": {"tag": tag, **keys}}}


def rollbacks(strategy: str) -> Data:
    """Settings with that strategy."""
    return {"runtime": {"rollbacks": {"strategy": strategy}}}


def _of_outcomes() -> list[Scene]:
    return [
        Scene(name="all is well", experiment=experiment()),
        Scene(name="not steady before", experiment=experiment(probes=[probe(False), probe(True, name="second")])),
        Scene(name="a probe raises before", experiment=experiment(probes=[probe("raise")])),
        Scene(name="not steady after", experiment=experiment(probes=[probe(True, False), probe(True, name="second")])),
        Scene(name="a probe raises after", experiment=experiment(probes=[probe(True, "raise")])),
        Scene(name="an action fails", experiment=experiment(call("break", "fail"), call("next"))),
        Scene(name="an action leaves", experiment=experiment(call("leave", "leave"), call("next"))),
        Scene(name="a rollback fails", experiment=experiment(rollbacks=[call("break", "fail"), call("next")])),
        Scene(name="no hypothesis", experiment={**experiment(probes=[]), "steady-state-hypothesis": {"title": "t"}}),
        Scene(name="an empty method", experiment={**experiment(), "method": []}),
        Scene(name="what JSON does not have", experiment=experiment(call("odd", "odd"))),
        Scene(name="in the background", loose=True, experiment=experiment(nap(0.3, background=True), call("next"))),
        Scene(name="by reference", experiment=experiment(call("act"), {"ref": "act"}, {"ref": "steady"})),
        Scene(name="a process with another status", experiment=experiment(
            {"type": "action", "name": "p", "provider": {
                "type": "process", "path": "sh", "arguments": "-c 'exit 3'"}})),
        Scene(name="a tolerance that raises", experiment=experiment(probes=[probe("word", tolerance=[1, 3])]),
              differs="a judge that raises"),
        Scene(name="a function that is not there", differs="validated first",
              experiment=experiment(call("act"), call("gone", "no_such_function"))),
        Scene(name="rollbacks: null", experiment={**experiment(), "rollbacks": None}, differs="null is absent"),
        Scene(name="pauses: null", experiment=experiment(call("act", pauses=None)), differs="null is absent"),
    ]


def _of_strategies() -> list[Scene]:
    names = ("before-method-only", "after-method-only", "during-method-only", "continuous", "skip")
    return [
        *(Scene(name=f"strategy {name}", experiment=experiment(nap(0.5)), strategy=name,
                schedule={"continuous_hypothesis_frequency": 0.1}, loose="during" in name or "cont" in name)
          for name in names),
        Scene(name="after-method-only, not steady", experiment=experiment(probes=[probe(False)]),
              strategy="after-method-only"),
        Scene(name="continuously, once not steady, recovered", strategy="continuous", loose=True,
              experiment=experiment(nap(0.5), probes=[probe(True, True, False, True)]),
              schedule={"continuous_hypothesis_frequency": 0.1}),
        Scene(name="fail-fast, not recovered", strategy="continuous", loose=True,
              experiment=experiment(nap(0.5), call("next"), probes=[probe(True, True, False)]),
              schedule={"continuous_hypothesis_frequency": 0.1, "fail_fast": True}),
        Scene(name="fail-fast, recovered", strategy="continuous", loose=True,
              experiment=experiment(nap(0.5), call("next"), probes=[probe(True, True, False, True)]),
              schedule={"continuous_hypothesis_frequency": 0.1, "fail_fast": True}),
        Scene(name="fail-fast above half of the rounds", strategy="during-method-only", loose=True,
              experiment=experiment(nap(0.5), call("next"), probes=[probe(True, False, True)]),
              schedule={"continuous_hypothesis_frequency": 0.1, "fail_fast": True, "fail_fast_ratio": 60.0}),
    ]


def _of_rollbacks() -> list[Scene]:
    cases = {"not steady after": [probe(True, False)], "a probe raises after": [probe(True, "raise")],
             "not steady before": [probe(False)]}
    return [Scene(name=f"rollbacks {strategy}, {name}", experiment=experiment(probes=probes),
                  settings=rollbacks(strategy))
            for strategy in ("always", "never", "deviated") for name, probes in cases.items()] + [
        Scene(name="rollbacks always, an action leaves", experiment=experiment(call("leave", "leave")),
              settings=rollbacks("always"))]


def _of_controls() -> list[Scene]:
    def controlled(*controls: Data, **keys: Any) -> Data:
        return experiment(call("act"), call("second"), controls=list(controls), **keys)

    hypothesis = experiment()["steady-state-hypothesis"]
    changing = control(change={"who": "changed"})
    return [
        Scene(name="a control", experiment=controlled(control())),
        Scene(name="two controls", experiment=controlled(control("a"), control("b"))),
        Scene(name="controls everywhere", experiment={
            **controlled(control("a"), control("b")),
            "steady-state-hypothesis": {**hypothesis, "controls": [control("h")]},
            "method": [call("act", controls=[control("m")]), call("next", controls=[{"ref": "watching a"}])]}),
        Scene(name="a control of one activity", experiment=experiment(call("act", controls=[control("m")]), call("b"))),
        Scene(name="scope before", experiment=controlled(control(scope="before"))),
        Scene(name="automatic: false", experiment=controlled(
            control(automatic=False), method=[call("act", controls=[{"ref": "watching c"}])])),
        Scene(name="a control, an action fails", experiment=experiment(call("break", "fail"), controls=[control()])),
        Scene(name="a control, not steady after", experiment=controlled(control(), probes=[probe(True, False)])),
        Scene(name="a control, in the background", loose=True,
              experiment=experiment(nap(0.2, background=True), call("next"), controls=[control()])),
        Scene(name="a control, continuously", strategy="continuous", loose=True,
              schedule={"continuous_hypothesis_frequency": 0.1}, experiment=experiment(nap(0.4), controls=[control()])),
        Scene(name="a control changes the configuration", experiment=experiment(
            call("${who}", arguments={"name": "${who}"}), configuration={"who": "as written"}, controls=[changing])),
        Scene(name="a control changes an activity", experiment=controlled(control(rename="act"))),
        Scene(name="a control makes an activity dry", experiment=controlled(control(dry="act"))),
        Scene(name="a control with a bug", experiment=controlled(control(fail="act"))),
        Scene(name="a control stops the run at an action", experiment=controlled(control(stop_at="second"))),
        Scene(name="a control stops the run at a probe", experiment=controlled(control(stop_at="steady"))),
        Scene(name="a control stops the run at once", experiment=controlled(control(stop_at="a test"))),
        Scene(name="a control stops, rollbacks always", experiment=controlled(control(stop_at="act")),
              settings=rollbacks("always")),
    ]


def _of_values() -> list[Scene]:
    env = {"who": {"type": "env", "key": "TOOLKIT_TEST_WHO", "default": "nobody"}}
    dynamic = {"base": "dyn", "who": {"type": "probe", "name": "n", "provider": {
        "type": "process", "path": "echo", "arguments": "${base}amic"}}}
    python = {"who": {"type": "probe", "name": "n", "provider": {
        "type": "python", "module": "tests.toolkit.steps", "func": "say",
        "arguments": {"name": "d", "answers": [[7]]}}}}
    broken = {"who": {"type": "probe", "name": "n", "provider": {
        "type": "python", "module": "tests.toolkit.steps", "func": "fail", "arguments": {"name": "d"}}}}
    secret = call("known", "known", provider={"secrets": ["mine"]})
    method = (call("act", arguments={"name": "${who}"}), secret)
    secrets = {"mine": {"token": {"type": "env", "key": "TOOLKIT_TEST_TOKEN"}}}
    return [
        Scene(name="configuration and secrets", experiment=experiment(*method, configuration=env, secrets=secrets)),
        Scene(name="variables", variables=({"who": "me", "not": "declared"}, {}),
              experiment=experiment(*method, configuration=env, secrets=secrets)),
        Scene(name="variables that are secret", variables=({}, {"mine": {"token": "theirs"}}),
              experiment=experiment(*method, configuration=env, secrets=secrets)),
        Scene(name="no such variable", experiment=experiment(*method, secrets={
            "mine": {"token": {"type": "env", "key": "TOOLKIT_TEST_NOT_SET"}}})),
        Scene(name="dynamic configuration", experiment=experiment(*method, configuration=dynamic)),
        Scene(name="dynamic configuration from Python", experiment=experiment(*method, configuration=python)),
        Scene(name="dynamic configuration that fails", experiment=experiment(*method, configuration=broken),
              differs="no configuration, no run"),
        Scene(name="a title with a name", experiment={**experiment(configuration=env), "title": "of ${who}"}),
        Scene(name="a pause", experiment=experiment(call("act", pauses={"before": "${p}", "after": 0.1}),
                                                    configuration={"p": 0.1})),
    ]


def _of_dry_runs() -> list[Scene]:
    return [
        *(Scene(name=f"dry {kind}", dry=kind,
                experiment=experiment(call("look", kind="probe"), call("act", pauses={"after": 0.3}),
                                      controls=[control()]))
          for kind in ("probes", "actions", "activities", "pause")),
        Scene(name="dry in the file", experiment=experiment(dry="actions"), differs="dry is dry"),
        Scene(name="dry at an activity", experiment=experiment(call("act", dry="probes")), dry="activities",
              differs="dry is dry"),
    ]


def _of_signals() -> list[Scene]:
    process = {"type": "action", "name": "act", "provider": {"type": "process", "path": "sleep", "arguments": "20"}}
    return [
        Scene(name="SIGINT in a process", experiment=experiment(process, call("next")), signal="SIGINT", at="act"),
        Scene(name="SIGTERM in a process", experiment=experiment(process, call("next")), signal="SIGTERM", at="act"),
        Scene(name="SIGTERM in Python", experiment=experiment(nap(3), call("next")), signal="SIGTERM", at="act",
              differs="a signal is no exception"),
        Scene(name="a safeguard asks to leave", experiment=experiment(call("guard", "safeguard"), call("next"))),
        Scene(name="a safeguard, rollbacks always", experiment=experiment(call("guard", "safeguard"), call("next")),
              settings=rollbacks("always")),
        Scene(name="a harsh safeguard, rollbacks always", settings=rollbacks("always"),
              experiment=experiment(call("guard", "safeguard", arguments={"harshly": True}), call("next"))),
    ]


SCENES: Final = {scene.name: scene for scene in (
    *_of_outcomes(), *_of_strategies(), *_of_rollbacks(), *_of_controls(), *_of_values(), *_of_dry_runs(),
    *_of_signals())}
