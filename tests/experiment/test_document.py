"""Every value equals what PyYAML and json give, knows its place, and no bytes whatever raise."""

import json
import subprocess
import sys
import timeit
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from chaos_runner.experiment.document import BYTES_MAX, DEPTH_MAX, Document, Node, parse, plain
from chaos_runner.experiment.findings import Place
from tests.examples import examples

EXPERIMENT = """\
title: Customers can pay
x-web: &web {timeout: 3, labels: [a, "b"]}
method:
  - name: stop a worker
    provider:
      <<: *web
      timeout: 5
      since: 2026-11-20
    pauses: {after: 1.5}
    notes: |
      one
      two
"""


def read(text: str | bytes, file: str = "f.yaml") -> Document:
    return parse(text.encode() if isinstance(text, str) else text, file)


def codes(document: Document) -> list[str]:
    return [finding.code for finding in document.findings]


def at(document: Document, *path: str | int) -> Node:
    assert document.root
    node = document.root
    for step in path:
        value: Any = node.value
        node = value[step].node if isinstance(step, str) else value[step]
    return node


def where(place: Place) -> tuple[int, int, int]:
    return place.line, place.column, place.length


def value(document: Document) -> Any:
    assert document.root, document.findings
    return plain(document.root)


# Values


@pytest.mark.parametrize("text", [
    EXPERIMENT,
    "a: [1, 0x1f, 1_000, -2.5, .inf, ~, null, true, 2026-11-20T10:00:00Z, !!binary aGk=, !!str 12, !!float 1]",
    "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nall: {<<: [*b, *o], z: 5}\nnested: {<<: {<<: *b, y: 9}}",
    "a: &a text\nb: *a\nc: [*a, *a]",
    "=: the value key",
    "folded: >\n  one\n  two\n\nquoted: 'it''s'\nescaped: \"\\x41\\n\"\nplain: two\n  lines",
    "%YAML 1.1\n---\na: 1\n...\n",
])
def test_yaml_values_are_those_of_pyyaml(text: str) -> None:
    document = read(text)
    assert codes(document) == []
    assert value(document) == yaml.safe_load(text)


@pytest.mark.parametrize("text", [
    '{"a": [1, -0, 1.5, 1e3, 1E-2, true, false, null, "", {}], "b": {"c": []}}',
    '{\n\t"tabs": "\\/ \\u00e9 \\ud83d\\ude00 \\n",\r\n\t"x": 1\n}\n',
    '{"a\x7f": "\u2028"}',
])
def test_json_values_are_those_of_json(text: str) -> None:
    document = read(text, "f.json")
    assert codes(document) == []
    assert value(document) == json.loads(text)


def test_what_looks_like_json_is_read_as_json_whatever_its_name() -> None:
    assert value(read('{"a": "\\/", "b": 1e3}', "experiment")) == {"a": "/", "b": 1000.0}


@pytest.mark.parametrize("text", ["{a: 1, b: [x, y]}", "{ 'a': 1, }", '{"a": NaN}', "[a]: [b"])
def test_what_looks_like_json_but_is_none_is_read_as_yaml(text: str) -> None:
    try:
        wanted = yaml.safe_load(text)
    except yaml.YAMLError:
        assert codes(read(text)) == ["E007"]
    else:
        assert value(read(text)) == wanted


def test_a_file_named_json_is_never_read_as_yaml() -> None:
    assert codes(read("{a: 1}", "f.JSON")) == ["E009"]


def test_a_json_file_does_not_import_yaml() -> None:
    script = ("import sys; from chaos_runner.experiment.document import parse;"
              "assert parse(b'{\"a\": 1}', 'f').root; assert 'yaml' not in sys.modules")
    subprocess.run([sys.executable, "-c", script], check=True)


# Places


def test_every_key_and_value_knows_its_place() -> None:
    document = read(EXPERIMENT)
    provider = at(document, "method", 0, "provider").value
    assert isinstance(provider, dict)
    assert where(provider["since"].key) == (8, 7, 5)
    assert where(provider["since"].node.place) == (8, 14, 10)
    assert provider["since"].node.raw == "2026-11-20"
    assert where(at(document, "method", 0, "pauses").place) == (9, 13, 12)
    assert where(at(document, "method", 0, "notes").place) == (10, 12, 1)


def test_what_an_alias_brings_stands_where_it_was_written() -> None:
    provider = at(read(EXPERIMENT), "method", 0, "provider").value
    assert isinstance(provider, dict)
    assert provider["labels"].key.line == 2
    assert provider["timeout"].key.line == 7


def test_json_keys_and_values_know_their_places() -> None:
    document = read('{\n  "a": [10,\n    "two"]\n}', "f.json")
    root = at(document).value
    assert isinstance(root, dict)
    assert where(root["a"].key) == (2, 3, 3)
    assert where(root["a"].node.place) == (2, 8, 1)
    assert where(at(document, "a", 1).place) == (3, 5, 5)
    assert at(document, "a", 1).raw == '"two"'


def test_places_count_as_editors_do_also_where_yaml_has_breaks_of_its_own() -> None:
    document = read("a: '\u2028 \x85'\r\n# 日本語\rb: yes\n")
    assert where(at(document, "b").place) == (3, 4, 3)


def test_a_missing_value_stands_after_its_colon() -> None:
    node = at(read("a:\nb: 1"), "a")
    assert (node.value, node.raw, where(node.place)) == (None, "", (1, 3, 1))


def test_a_node_says_its_kind() -> None:
    document = read("{a: {}, b: [], c: x, d: 1, e: 1.5, f: true, g: , h: 2026-11-20}")
    assert [at(document, key).kind for key in "abcdefgh"] == [
        "a mapping", "a list", "text", "a whole number", "a number", "true or false", "nothing", "a date"]


# Encodings and shapes


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf_8_and_utf_16_with_a_mark_read_alike(codec: str) -> None:
    document = read("title: café 😀\n".encode(codec))
    assert value(document) == {"title": "café 😀"}
    assert where(at(document, "title").place) == (1, 8, 6)


@pytest.mark.parametrize(("text", "code", "place"), [
    (b"a: 1\nb: \xff", "E002", (2, 4)),
    (b"\xef\xbb\xbfa: \xc3", "E002", (1, 4)),
    (b"\xff\xfea\x00\x00\xd8", "E002", (1, 2)),
    ("a: 1".encode("utf-16-le"), "E003", (1, 2)),
    (b"a: 1\nb: \x00", "E003", (2, 4)),
    (b"a: \x1b[31m", "E003", (1, 4)),
    (b"", "E004", (1, 1)),
    (b"# nothing\n", "E004", (1, 1)),
    (b"---\n- 1\n", "E005", (2, 1)),
    (b"3", "E005", (1, 1)),
    (b"a: 1\n--- \nb: 2", "E006", (2, 1)),
    (b"a:\n\tb: 1", "E008", (2, 1)),
    (b"a: b\n\tc: d", "E008", (2, 1)),
    (b"a: b: c", "E007", (1, 5)),
    (b"a: 'open\nb: 1", "E007", (1, 4)),
    (b"a: {url: ${x}/y}", "E007", (1, 11)),
    (b"a: 1\nb: 2\na: 3", "E010", (3, 1)),
    (b"{a: 1, a: 2}", "E010", (1, 8)),
    (b'{"a": 1, "a": 2}', "E010", (1, 10)),
    (b"404: x", "E011", (1, 1)),
    (b"on: x", "E011", (1, 1)),
    (b"a: {{ name }}", "E011", (1, 5)),
    (b"?\n: x", "E011", (1, 2)),
    (b"a: !!int", "E017", (1, 4)),
    (b"2026-11-20: x", "E011", (1, 1)),
    (b"a: !Foo x", "E012", (1, 4)),
    (b"a: !!python/object/apply:os.system [id]", "E012", (1, 4)),
    (b"a: !!set {b}", "E012", (1, 4)),
    (b"a: =", "E012", (1, 4)),
    (b"a: &a [*a]", "E015", (1, 4)),
    (b"a: &a {<<: *a}", "E015", (1, 4)),
    (b"a: *b", "E016", (1, 4)),
    (b"a: 2026-13-45", "E017", (1, 4)),
    (b"a: 0x_", "E017", (1, 4)),
    (b"a: !!bool perhaps", "E017", (1, 4)),
    (b"a: " + b"9" * 1001, "E017", (1, 4)),
    (b'{"a": "\\ud83d"}', "E017", (1, 7)),
    (b"a: {<<: 3}", "E019", (1, 9)),
])
def test_what_is_wrong_is_said_once_with_its_place(text: bytes, code: str, place: tuple[int, int]) -> None:
    findings = read(text).findings
    assert [(found.code, found.place.line, found.place.column) for found in findings] == [(code, *place)]


@pytest.mark.parametrize(("text", "column"), [
    ('{"a": 1,}', 8), ('{"a": 1 "b": 2}', 9), ('{"a" 1}', 6), ("{a: 1}", 2), ('{"a": \'b\'}', 7), ('{"a": [1}', 9),
    ('{"a": tru}', 7), ('{"a": "b', 7), ('{"a": "\\q"}', 8), ('{"a": 1} x', 10), ('{"a": // no\n1}', 7), ("{", 2),
    ('{"a": 01}', 8), ('{"a": .5}', 7), ('{"a": "\t"}', 8), ("[1, 2", 1),
])
def test_json_errors_stand_at_the_exact_character(text: str, column: int) -> None:
    document = read(text, "f.json")
    assert document.root is None
    assert [(found.code, found.place.column) for found in document.findings] == [("E009", column)]


def test_json_takes_no_number_that_is_none() -> None:
    document = read('{"a": NaN, "b": -Infinity, "c": 1e999}', "f.json")
    assert codes(document) == ["E018"] * 3
    assert [found.place.column for found in document.findings] == [7, 17, 33]


def test_everything_that_can_be_said_of_a_file_is_said_at_once() -> None:
    document = read("a: 1\non: 2\na: !X 3\nb: yes\n---\nc: 1\n")
    assert sorted(codes(document)) == ["E006", "E010", "E011", "E012", "W001"]


def test_a_second_key_names_the_line_of_the_first() -> None:
    assert "line 1" in read("a: 1\nb: 2\na: 3").findings[0].help


@pytest.mark.parametrize(("key", "read_as"), [("on", "true"), ("No", "false"), ("404", "a number"), ("~", "nothing")])
def test_a_key_that_is_not_text_says_how_to_quote_it(key: str, read_as: str) -> None:
    found = read(f"{key}: x").findings[0]
    assert read_as in found.message
    assert f'"{key}":' in found.help


# Limits


def test_a_file_of_more_than_ten_mebibytes_is_not_read() -> None:
    assert codes(read(b"a" * (BYTES_MAX + 1))) == ["E001"]


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "? " * 50_000, "{a: " * 50_000, '{"a":' * 50_000])
@pytest.mark.parametrize("file", ["f.yaml", "f.json"])
def test_deep_files_are_refused_without_a_stack_overflow(text: str, file: str) -> None:
    assert set(codes(read(text, file))) <= {"E013", "E009"}


def test_depth_that_only_aliases_make_is_refused() -> None:
    deep = ["a0: &a0 x"]
    deep += [f"a{i}: &a{i} {'[' * 50}*a{i - 1}{']' * 50}" for i in range(1, 40)]
    assert codes(read("\n".join(deep))) == ["E013"]


def test_a_file_may_be_as_deep_as_the_limit_and_no_deeper() -> None:
    for left, right, file in (("[", "]", "f.json"), ("[", "]", "f.yaml")):
        assert codes(read(left * (DEPTH_MAX - 1) + "1" + right * (DEPTH_MAX - 1), file)) == ["E005"]
        assert codes(read(left * (DEPTH_MAX + 1) + "1" + right * (DEPTH_MAX + 1), file)) == ["E013"]


@pytest.mark.parametrize("bomb", [
    "a0: &a0 [x, x]\n" + "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)),
    "a0: &a0 {x: 1}\n" + "\n".join(
        f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 10)}]}}" for i in range(1, 12)),
    "- x\n" * 100_001,
    "[" + "1," * 100_001 + "1]",
])
def test_too_many_values_are_refused(bomb: str) -> None:
    assert codes(read(bomb)) == ["E014"]


def test_an_anchor_used_often_is_complained_of_once() -> None:
    assert codes(read("a: &a [yes]\nb: [*a, *a]\nc: *a")) == ["W001"]


def test_places_cost_at_most_three_times_the_time_of_values_alone() -> None:
    text = "method:\n" + "- name: step\n  provider:\n    func: f\n    arguments: {x: 1, y: [a, 2.5]}\n" * 500
    ours = best_of_five(lambda: read(text))
    pyyaml = best_of_five(lambda: yaml.load(text, yaml.CSafeLoader))
    assert ours < 3 * pyyaml


def best_of_five(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=1, repeat=5))


# Warnings


@pytest.mark.parametrize(("text", "code", "read_as"), [
    ("yes", "W001", "true"), ("Off", "W001", "false"), ("NO", "W001", "false"), ("on", "W001", "true"),
    ("010", "W002", "8"), ("-017", "W002", "-15"), ("1:30", "W003", "90"), ("1:30.5", "W003", "90.5"),
])
def test_unquoted_text_that_surprises_gets_a_warning(text: str, code: str, read_as: str) -> None:
    finding, = read(f"a: {text}").findings
    assert (finding.code, finding.place.column) == (code, 4)
    assert read_as in finding.message


@pytest.mark.parametrize("text", ["'yes'", '"010"', "'1:30'", "true", "false", "0", "10", "0x10", "yesterday",
                                  "12:00 h", "08", "!!str on", "|\n  no"])
def test_what_reads_as_it_looks_gets_no_warning(text: str) -> None:
    assert codes(read(f"a: {text}")) == []


def test_json_knows_no_such_surprises() -> None:
    assert codes(read('{"a": "yes", "b": "010"}', "f.json")) == []


# Any bytes whatever

SEEDS = [EXPERIMENT, json.dumps(yaml.safe_load(EXPERIMENT), default=str, indent=1), "{a: [*b, &c 'd'], <<: !x y}"]
FILES = st.sampled_from(["f.yaml", "f.json", "f"])
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-10**20, 10**20) | st.floats(allow_nan=False, allow_infinity=False) | KEYS
    | st.dates(min_value=date(1000, 1, 1)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=15)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A file that someone's cat walked over."""
    text = draw(st.sampled_from(SEEDS)).encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 6)))
        paw = draw(st.binary(max_size=4) | st.sampled_from([b"\t", b"{", b"]", b'"', b": ", b"*a", b"-"]))
        text = text[:start] + paw + text[stop:]
    return text


def never_lies(text: bytes, file: str) -> None:
    """A document without root says why, and one without errors equals what the libraries give.

    Of files that are nearly YAML, libyaml takes some that PyYAML's own scanner refuses (a tab after a key).
    """
    document = parse(text, file)
    errors = [finding for finding in document.findings if finding.code.startswith("E")]
    assert document.root or errors
    if document.root and not errors and file != "f":
        in_json = file == "f.json" or _is_json(document.text)
        loaded = json.loads(document.text) if in_json else yaml.load(document.text, yaml.CSafeLoader)
        assert plain(document.root) == loaded or "nan" in repr(loaded)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return text.lstrip()[:1] in ("{", "[")


@given(st.binary(max_size=60), FILES)
@examples(300)
def test_no_bytes_raise(text: bytes, file: str) -> None:
    never_lies(text, file)


@given(st.text("abc:-[]{}&*!|>'\"%@`#?,<=~ \n\t019.", max_size=40), FILES)
@examples(500)
def test_no_salad_of_punctuation_raises(text: str, file: str) -> None:
    never_lies(text.encode(), file)


@given(mutated(), FILES)
@examples(300)
def test_no_broken_file_raises(text: bytes, file: str) -> None:
    never_lies(text, file)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
@examples(200)
def test_any_valid_yaml_equals_what_pyyaml_gives(data: dict[str, Any], flow: bool) -> None:  # noqa: FBT001
    text = yaml.safe_dump(data, allow_unicode=True, default_flow_style=flow, sort_keys=False)
    assume(not _is_json(text))
    document = read(text)
    assert value(document) == yaml.safe_load(text)


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
@examples(200)
def test_any_valid_json_equals_what_json_gives(data: Any, indent: int | str | None, ascii_only: bool) -> None:  # noqa: FBT001
    text = json.dumps(data, default=str, indent=indent, ensure_ascii=ascii_only)
    assert value(read(text, "f.json")) == json.loads(text)
