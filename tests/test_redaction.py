"""Secrets never reach a file."""

import pytest

from chaos_runner.contracts import Grade
from chaos_runner.redaction import Redactor, leaves, named_like_a_secret
from chaos_runner.run.events import StepEnded


def test_a_known_secret_is_redacted_wherever_it_stands_in_an_event() -> None:
    event = StepEnded(t=1, step="m0", ok=False, grade=Grade.NONE, error=["login hunter2 failed"], note="hunter2",
                      output={"stdout": "the password is hunter2", "rows": [["hunter2"]], "hunter2": 1})
    clean = Redactor(["hunter2"]).struct(event)
    assert "hunter2" not in repr(clean)
    assert clean.error == ["login [redacted] failed"]
    assert clean.step == "m0"


@pytest.mark.parametrize("secret", ['with "quotes"', "back\\slash", "línea", "tab\there"])
def test_a_secret_that_json_writes_otherwise_is_redacted_too(secret: str) -> None:
    event = StepEnded(t=1, step="m0", ok=True, grade=Grade.REPORTED, output=f"<{secret}>")
    assert Redactor([secret]).struct(event).output == "<[redacted]>"


@pytest.mark.parametrize("text", [
    "AKIAIOSFODNN7EXAMPLE", "ghp_abcdefghijklmnopqrstuvwxyz0123", "xoxb-1234567890-abcdef",
    "Authorization: Bearer abc.def-ghi", "postgres://app:pa55word@db/shop",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
])
def test_known_shapes_are_redacted(text: str) -> None:
    clean = Redactor().text(f"before {text} after")
    assert "[redacted]" in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")


def test_an_event_without_a_secret_is_the_same_object() -> None:
    event = StepEnded(t=1, step="m0", ok=True, grade=Grade.REPORTED, output="all is well")
    assert Redactor(["hunter2"]).struct(event) is event


def test_words_too_short_to_be_told_from_others_are_left() -> None:
    assert Redactor(["a", "db"]).text("a db") == "a db"


@pytest.mark.parametrize(("key", "is_one"), [
    ("db_password", True), ("API_KEY", True), ("github_token", True), ("shop_url", False), ("keyboard", False)])
def test_configuration_keys_named_like_a_secret(key: str, *, is_one: bool) -> None:
    assert named_like_a_secret(key) is is_one


def test_leaves_are_every_text_and_number_in_nested_data() -> None:
    assert list(leaves({"a": ["b", {"c": "d"}], "e": 1, "f": True})) == ["b", "d", "1"]
