"""What `init` makes: a folder where experiments live, with limits, probes, a first experiment and a pipeline."""

import json
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.cli.drafts.draft import URL, Wish, draft, look, question
from chaos_runner.cli.drafts.pipelines import PIPELINES
from chaos_runner.cli.drafts.writing import written
from chaos_runner.cli.drafts.yaml import flow
from chaos_runner.experiment.reusable import Library

FAULT: Final = "host.cpu_load"
"""What every machine can do, without rights or tools."""
SCHEMA: Final = ".schema.json"


class Choices(Struct, frozen=True, kw_only=True):
    """What somebody who begins has to decide."""

    url: str = URL
    fault: str = FAULT
    pipeline: str = ""


class Made(Struct, frozen=True, kw_only=True):
    """A file of the project: its path below the folder, whether it was made or was there already, what it is for."""

    path: str
    made: bool
    use: str


def make(folder: Path, choices: Choices) -> list[Made]:
    """Makes what is not there yet. Raises UsageError when a file cannot be written, or the fault does not exist."""
    from chaos_runner.cli.catalogue import fault_named
    from chaos_runner.experiment.schema import schema

    fault_named(choices.fault)
    done = [_made(folder, "chaos.yaml", _settings(choices), "limits and environments, for all experiments below")]
    done.append(_made(folder, "probes/service.yaml", _probes(choices), "what customers notice, to be used by name"))
    done.append(_made(folder, f"experiments/{SCHEMA}", json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
                      "lets editors complete and check experiments"))
    done.append(_made(folder, f"experiments/01-{choices.fault.replace('.', '-').replace('_', '-')}.yaml",
                      _experiment(folder, choices), "a first experiment"))
    done.append(_made(folder, "reports/.gitignore", "*\n!.gitignore\n", "reports stay out of version control"))
    if choices.pipeline:
        path, text = PIPELINES[choices.pipeline]
        done.append(_made(folder, path, text, "runs the experiments, and keeps their reports"))
    return done


def _made(folder: Path, path: str, text: str, use: str) -> Made:
    return Made(path=path, made=written(folder / path, text), use=use)


def guessed_pipeline(folder: Path) -> str:
    """Where the folder's repository lives, as far as it tells: "github", "gitlab", or ""."""
    if (folder / ".github").is_dir():
        return "github"
    if (folder / ".gitlab-ci.yml").is_file():
        return "gitlab"
    try:
        remotes = (folder / ".git" / "config").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return next((name for name in PIPELINES if f"{name}." in remotes), "")


def _experiment(folder: Path, choices: Choices) -> str:
    from chaos_runner.cli.catalogue import fault_named

    fault = fault_named(choices.fault)
    wish = Wish(name=choices.fault, schema=SCHEMA)
    found = look(wish, fault)
    return draft(wish, fault, found, question(wish, found, Library((folder / "experiments").absolute()), choices.url))


def _probes(choices: Choices) -> str:
    return f"""\
# What customers notice of the service. An experiment says `use: service-answers-quickly`, and may override what is its
# own: the limit, `every`, `allow`. `chaos-runner probes` lists these and all that can be asked.
# ${{service_url}} comes from the environment SERVICE_URL, or from the experiment: {flow(choices.url)}
service-answers-quickly:
  name: the service answers within 300 ms
  probe: http.latency
  arguments: {{url: "${{service_url}}", timeout: 2s}}
  below: 300ms                      # yours to decide: what would customers notice?
  every: 500ms
  allow: 5%                         # this share of bad samples still holds

service-answers:
  name: the service answers 200
  probe: http.status
  arguments: {{url: "${{service_url}}", timeout: 2s}}
  equals: 200
  every: 500ms
"""


def _settings(choices: Choices) -> str:
    return f"""\
# What holds for every experiment below this folder. Limits only ever narrow: of all that are given the narrowest holds,
# and no flag exceeds one.
reports: reports
limits: {{max-share: 50%, max-targets: 3, max-duration: 10m}}
protected: {{names: ["*-primary"], labels: {{chaos: never}}}}    # what no fault may hit

environments:                       # chaos-runner run --env staging experiments/01-...yaml
  staging:
    configuration: {{service_url: {flow(choices.url)}}}
  production:
    production: true                # somebody is asked before every run
    limits: {{max-targets: 1, max-duration: 2m}}
"""
