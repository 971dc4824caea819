"""Every code is explained, and its examples are true."""

import pytest

from chaos_runner.errors import UsageError
from chaos_runner.experiment.code import Code
from chaos_runner.experiment.codes import CODES, explain
from chaos_runner.experiment.document import parse
from chaos_runner.experiment.suggest import did_you_mean

TEXT_LAYER = [code for name, code in CODES.items() if name < "E020" or name.startswith("W00")]
WITH_EXAMPLES = [code for code in TEXT_LAYER if code.example_wrong]


def found_in(example: str) -> list[str]:
    file = "f.json" if example.startswith("{") else "f.yaml"
    return [finding.code for finding in parse(example.encode(), file).findings]


@pytest.mark.parametrize("code", WITH_EXAMPLES, ids=lambda code: code.code)
def test_the_wrong_example_gets_the_code_and_the_right_one_gets_none(code: Code) -> None:
    assert code.code in found_in(code.example_wrong)
    assert found_in(code.example_right) == []


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained_within_120_columns(code: str) -> None:
    text = explain(code)
    assert text.startswith(f"{code}  {CODES[code].title}\n\n")
    assert max(map(len, text.splitlines())) <= 120


def test_the_examples_stand_below_the_explanation() -> None:
    assert explain("e010").endswith(
        "Instead of\n\n    title: one\n    method: []\n    title: two\n\nwrite\n\n    title: two\n    method: []\n")


def test_an_unknown_code_is_refused_with_the_closest_one() -> None:
    with pytest.raises(UsageError, match="did you mean E010"):
        explain("E0100")
    with pytest.raises(UsageError, match=r"no finding has the code 'frobnicate'$"):
        explain("frobnicate")


@pytest.mark.parametrize(("word", "meant"), [
    ("steady-state-hypotesis", "steady-state-hypothesis"), ("steady_state_hypothesis", "steady-state-hypothesis"),
    ("SteadyStateHypothesis", "steady-state-hypothesis"), ("rolbacks", "rollbacks"), ("Method", "method"),
    ("zebra", None), ("", None),
])
def test_a_misspelt_word_is_recognised(word: str, meant: str | None) -> None:
    assert did_you_mean(word, ["title", "method", "rollbacks", "steady-state-hypothesis"]) == meant


def test_of_words_alike_the_one_named_first_is_meant() -> None:
    assert did_you_mean("max_share", ["max-share", "max_Share"]) == "max-share"
