"""The JSON Schemas (draft 2020-12) of `chaos.yaml` and of the policy, for editors.

Their keys are the very tuples that the loader knows. They say yes to every file in which the loader finds nothing to
complain of.
"""

from typing import Final

from chaos_runner.experiment import project
from chaos_runner.experiment import safeguards as guards
from chaos_runner.experiment.schema import gate_definitions
from chaos_runner.experiment.schema_notify import channels_schema
from chaos_runner.experiment.schema_safeguards import PATTERNS, PROTECTED, SAFEGUARDS
from chaos_runner.experiment.schema_values import Schema, mapping, text, to, whole


def schema() -> Schema:
    """That of `chaos.yaml`, as ordinary data. Imports every probe on the shelf."""
    keys = {**_KEYS, "notify": {**channels_schema(), "description": "Who is told of the runs of schedules."}}
    return {**whole("A chaos.yaml of chaos-runner"), **mapping(project.PROJECT_KEYS, keys),
            "$defs": {"environment": mapping(project.ENVIRONMENT_KEYS, {**_ENVIRONMENT, "notify": keys["notify"]}),
                      **gate_definitions()}}


def policy_schema() -> Schema:
    """That of the policy, which only narrows."""
    return {**whole("A policy of chaos-runner"), **mapping(project.POLICY_KEYS, _NARROWS), "$defs": gate_definitions()}


_NARROWS: Final[dict[str, Schema]] = {
    "protected": {**PROTECTED, "description": "What nothing may hit, whoever asks."}, **SAFEGUARDS}
_KEYS: Final[dict[str, Schema]] = {
    "reports": text("The folder for reports, seen from this file; reports beside it if not given."),
    "defaults": {**mapping(guards.SAFEGUARD_KEYS, SAFEGUARDS), "description": "Hold for every experiment below."},
    "environments": {"type": "object", "additionalProperties": to("environment"),
                     "description": "Places where experiments run, by the name that --env gives."},
    "allow-unmarked": {"type": "array", "items": {"type": "string"},
                       "description": "Faults that leave no mark, and may be injected from here nevertheless."},
    **_NARROWS,
}
_ENVIRONMENT: Final[dict[str, Schema]] = {
    "configuration": {"type": "object", "description": "Laid over the configuration of the experiment."},
    "production": {"type": "boolean", "description": "Somebody is asked before every run."},
    **{key: {**PATTERNS, "description": f"Patterns of the {key} in which targets may stand."}
       for key in guards.PATTERN_KEYS},
    **_NARROWS,
}
