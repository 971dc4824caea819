"""chaos.yaml, its environments and the policy file: what surrounds an experiment."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos_runner.errors import UsageError
from chaos_runner.experiment.project import InvalidSettings, policy, project_above, read_project, surroundings

PROJECT = """
reports: out
limits: {max-share: 50%}
defaults: {require-proof: true}
protected: {names: ["*-primary"], labels: {chaos: never}}
environments:
  staging:
    contexts: ["staging-*"]
    configuration: {shop_url: "http://staging"}
    limits: {max-targets: 3}
  live: {production: true, confirm-above: {targets: 0}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "chaos.yaml").write_text(PROJECT)
    (tmp_path / "experiments" / "deep").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def named_policy(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "policy.yaml"
    before = os.environ.get("CHAOS_RUNNER_POLICY")
    os.environ["CHAOS_RUNNER_POLICY"] = str(file)
    yield file
    os.environ.pop("CHAOS_RUNNER_POLICY")
    if before is not None:
        os.environ["CHAOS_RUNNER_POLICY"] = before


def test_it_is_found_from_the_folder_of_the_experiment_upwards(place: Path) -> None:
    found = project_above(place / "experiments" / "deep")
    assert found.file == str(place / "chaos.yaml")
    assert found.reports == place / "out"


def test_without_one_nothing_is_narrowed(tmp_path: Path) -> None:
    assert project_above(tmp_path).safeguards.limits == ()


def test_an_environment_narrows_what_the_project_allows(place: Path) -> None:
    found = surroundings(str(place / "experiments" / "x.yaml"), "staging")
    limits = found.safeguards.limits
    assert [(limit.source, limit.max_share, limit.max_targets, limit.contexts) for limit in limits] == [
        ("chaos.yaml", 0.5, None, ()), ('the environment "staging"', None, 3, ()),
        ('the environment "staging"', None, None, ("staging-*",))]
    assert found.safeguards.require_proof
    assert found.environment.configuration == {"shop_url": "http://staging"}


def test_an_environment_that_is_not_there_is_told_with_those_that_are(place: Path) -> None:
    with pytest.raises(UsageError, match=r'no such environment \(staging, live\); did you mean "staging"\?'):
        surroundings(str(place / "x.yaml"), "stagign")


def test_an_environment_without_a_project_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no chaos\.yaml"):
        surroundings(str(tmp_path / "x.yaml"), "staging")


@pytest.mark.parametrize("text", ["limit: {max-share: 5%}\n", "limits: {max-share: 5}\n", "- a\n", "", "limits: [\n",
                                  "somethingelse: 1\n", "environments: {a: 1}\n", "environments: [a]\n"])
def test_a_project_that_cannot_be_followed_is_never_passed_by(tmp_path: Path, text: str) -> None:
    """A safeguard that is misspelt would be none."""
    (tmp_path / "chaos.yaml").write_text(text)
    with pytest.raises(InvalidSettings):
        read_project(tmp_path / "chaos.yaml")


def test_a_policy_holds_for_whoever_runs(named_policy: Path) -> None:
    named_policy.write_text("limits: {max-targets: 1}\nrequire-verified-undo: true\n")
    found = policy()
    assert (found.limits[0].max_targets, found.limits[0].source, found.require_verified_undo) == (1, "the policy", True)


def test_a_policy_that_is_named_and_not_there_is_an_error(named_policy: Path) -> None:
    with pytest.raises(UsageError, match="nothing is run without knowing what it holds"):
        policy()
