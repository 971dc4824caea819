"""What Ant's JUnit schema (windyroad/JUnit-Schema, JUnit.xsd) wants of a document, rule by rule."""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, fromstring

_SUITE: Final = {"name", "package", "id", "hostname", "timestamp", "time", "tests", "failures", "errors"}
_CASE: Final = {"name", "classname", "time"}
_ORDER: Final = re.compile(r"properties (testcase )*system-out system-err ")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_ATTRIBUTES: Final = {"failure": {"message", "type"}, "error": {"message", "type"}, "skipped": {"message"}}


def suites(document: str) -> list[Element]:
    """The suites of a well-formed document."""
    return list(fromstring(document))  # noqa: S314 -- our own


def complaints(document: str) -> list[str]:
    """Everything in which a document is not as the schema says."""
    root = fromstring(document)  # noqa: S314 -- our own
    found = [] if root.tag == "testsuites" and not root.attrib else ["the root is no plain testsuites"]
    for number, suite in enumerate(root):
        found += [f"suite {number}: {what}" for what in _of_suite(suite, number)]
    return found


def _of_suite(suite: Element, number: int) -> Iterator[str]:
    if suite.tag != "testsuite" or set(suite.attrib) - {"skipped"} != _SUITE:
        yield f"{suite.tag} has {sorted(suite.attrib)}"
    if not _ORDER.fullmatch("".join(f"{child.tag} " for child in suite)):
        yield f"its children are {[child.tag for child in suite]}"
    if suite.attrib["id"] != str(number) or not _MOMENT.fullmatch(suite.attrib["timestamp"]):
        yield f"id {suite.attrib['id']}, timestamp {suite.attrib['timestamp']}"
    yield from (f"{key} is empty" for key in ("name", "package", "hostname") if not suite.attrib[key].split())
    yield from (f"{key} is no number" for key in ("tests", "failures", "errors") if not suite.attrib[key].isdigit())
    yield from (f"property {entry.attrib}" for entry in suite.iter("property")
                if set(entry.attrib) != {"name", "value"} or not entry.attrib["name"])
    for case in suite.iter("testcase"):
        yield from _of_case(case)


def _of_case(case: Element) -> Iterator[str]:
    if set(case.attrib) != _CASE or not all(case.attrib.values()) or float(case.attrib["time"]) < 0:
        yield f"case {case.attrib}"
    if len(case) > 1:
        yield "a case has more than one outcome"
    for outcome in case:
        if set(outcome.attrib) != _ATTRIBUTES.get(outcome.tag) or len(outcome):
            yield f"{outcome.tag} {sorted(outcome.attrib)}"
