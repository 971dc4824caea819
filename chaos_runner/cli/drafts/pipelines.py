"""Pipelines that run the experiments of a folder. A run without an outcome is an error: nothing is known then."""

from typing import Final

COMPLETE: Final = """\
for run in reports/runs/*/; do test -s "$run/outcome.json" || { echo "$run has no outcome"; exit 70; }; done"""
"""A shell's line that fails unless every run has an outcome, and if there is none."""

GITHUB: Final = f"""\
# Runs the experiments against a service that this runner can reach. Exit codes: 0 passed, 1 a weakness was found, 6
# something is not restored, everything else: nothing was learned.
name: chaos
on:
  workflow_dispatch:
  # schedule:
  #   - cron: "17 9 * * 1-5"
permissions:
  contents: read
concurrency: chaos                  # never two at once on the same service
jobs:
  experiments:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    # env:
    #   SERVICE_URL: https://staging.example.com/
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install chaos-runner
      - run: chaos-runner validate experiments/*.yaml
      - run: exec chaos-runner ci experiments    # exec: a cancelled job's signal reaches the runner itself
      - name: undo what a killed runner has left, and look whether every run has an outcome
        if: always()
        run: |
          chaos-runner recover --all
          {COMPLETE}
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: chaos-reports
          path: reports/
"""

GITLAB: Final = f"""\
# Runs the experiments against a service that this runner can reach. Exit codes: 0 passed, 1 a weakness was found, 6
# something is not restored, everything else: nothing was learned.
chaos:
  image: python:3.12
  resource_group: chaos             # never two at once on the same service
  timeout: 30 minutes
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule" || $CI_PIPELINE_SOURCE == "web"
  # variables:
  #   SERVICE_URL: https://staging.example.com/
  before_script:
    - pip install chaos-runner
  script:
    - chaos-runner validate experiments/*.yaml
    - |                             # what comes after the script could no longer fail the job
      code=0
      chaos-runner ci experiments || code=$?
      chaos-runner recover --all || code=6
      {COMPLETE}
      exit $code
  artifacts:
    when: always
    paths: [reports/]
    reports:
      junit: reports/runs/*/junit.xml
"""

PIPELINES: Final = {"github": (".github/workflows/chaos.yml", GITHUB), "gitlab": (".gitlab-ci.yml", GITLAB)}
"""By name: where the file stands, and its text."""
