"""What a real Prometheus and a real Alertmanager say of a target that gives odd numbers, and then goes away."""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import BadQuestion, NoData
from chaos_runner.probes.prometheus import AlertArguments, QueryArguments
from tests import turns
from tests.probes.monitoring import alertmanager, prometheus, within

pytestmark = [pytest.mark.slow, turns.MONITORING]
QUERY = shelf.probe("prometheus.query")
ALERT = shelf.probe("prometheus.alert")
RULES: Final = """
groups:
  - name: odd
    rules:
      - {alert: Seven, expr: seven == 7, labels: {severity: page, value: "{{ $value }}"}}
      - {alert: Broken, expr: many * on(code) many}
      - {alert: Quiet, expr: seven > 100}
      - {record: recorded, expr: late}
"""
CONFIG: Final = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yaml]
scrape_configs: [{{job_name: odd, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]}}
"""


class Target:
    """Something to scrape. What it calls `late` was measured 40 s before it began, and stays so."""

    def __init__(self) -> None:
        late_ms = int((time.time() - 40) * 1000)
        text = (f"seven 7\nnan NaN\ninf +Inf\nlate 9 {late_ms}\n"
                'many{path="/a",code="200"} 1\nmany{path="/b",code="200"} 2\n').encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self._thread.start()

    def go_away(self) -> None:
        if self._thread.is_alive():
            self.server.shutdown()
            self._thread.join()
            self.server.server_close()


class Asked:
    """The two servers, and the target that they watch."""

    def __init__(self, target: Target, url: str, manager: str) -> None:
        self.target = target
        self.url = url
        self.manager = manager

    def query(self, query: str, **more: Any) -> Any:
        """The number, or why there is none."""
        try:
            return QUERY.read(QueryArguments(query=query, url=self.url, **more)).value
        except NoData as why:
            return str(why)
        except BadQuestion as why:
            return f"mistake: {why}"

    def alert(self, alert: str, **more: Any) -> str:
        """The state, or why there is none."""
        try:
            return str(ALERT.read(AlertArguments(alert=alert, url=self.url, **more)).value)
        except NoData as why:
            return str(why)

    def received(self) -> tuple[str, str]:
        """What Alertmanager says of the alert that fires, with the note."""
        found = ALERT.read(AlertArguments(alert="Seven", alertmanager=self.manager, labels={"severity": "page"}))
        return found.value, found.note


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Both servers once they know the target. The last test lets the target go."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    (folder / "rules.yaml").write_text(RULES)
    target = Target()
    try:
        with alertmanager(folder) as manager:
            place = manager.removeprefix("http://")
            with prometheus(folder, CONFIG.format(port=target.server.server_port, alertmanager=place)) as url:
                it = Asked(target, url, manager)
                assert within(30, lambda: it.alert("Seven") == "firing" and it.query("recorded") == 9)
                yield it
    finally:
        target.go_away()


@pytest.mark.parametrize(("query", "answer"), [
    ("seven", 7), ("sum(many)", 3), ("time() > bool 0", 1), ("late", 9), ("recorded", 9),
    ("nope", "no series"), ("seven > 8", "no series"),
    ("nan", "NaN: the query divides nothing by nothing, or its metric has no number"),
    ("inf", "an infinite number: the query divides by nothing"),
])
def test_a_query_gives_a_number_or_says_why_not(asked: Asked, query: str, answer: Any) -> None:
    assert asked.query(query) == answer


@pytest.mark.parametrize(("query", "words"), [
    ("sum(", "mistake: Prometheus cannot understand the query: invalid parameter \"query\": 1:5: parse error"),
    ("seven[1m]", "mistake: the query gives many samples"), ('"text"', "mistake: the query gives a string"),
    ("many * on(code) many", "answered 422: found duplicate series"), ("many", "2 series, told apart by path (/a, /b)"),
])
def test_a_query_without_one_number_says_what_is_wrong(asked: Asked, query: str, words: str) -> None:
    assert words in asked.query(query)


def test_old_samples_are_found_out_behind_a_fresh_evaluation(asked: Asked) -> None:
    assert asked.query("late", stale_after=30.0).startswith("stale: the newest sample is ")
    assert asked.query("sum(late)", fresh="late", stale_after=30.0).startswith("stale: the newest sample is ")
    assert asked.query("recorded", stale_after=30.0) == 9  # a rule writes its own samples, whatever they are made of
    assert asked.query("seven", stale_after=10.0) == 7


def test_labels_and_ranges_are_as_prometheus_has_them(asked: Asked) -> None:
    assert asked.query("many", labels={"path": "/b", "code": 200}) == 2
    assert within(10, lambda: asked.query("count_over_time(seven[1m])") >= 4)
    assert asked.query("seven", range=2.0, step=1.0, reduce="avg") == 7
    assert "exceeded maximum resolution" in asked.query("seven", range=1e6, step=0.01)


def test_a_rule_that_cannot_be_evaluated_or_is_unknown_is_not_inactive(asked: Asked) -> None:
    assert asked.alert("Quiet") == "inactive"
    assert asked.alert("Sevn") == "no rule of the name Sevn"
    assert asked.alert("Broken").startswith("the rule Broken cannot be evaluated: found duplicate series")
    assert asked.alert("Seven", labels={"severity": "page", "value": "7"}) == "firing"
    assert asked.alert("Seven", labels={"severity": "mail"}).startswith("no rule of the name Seven makes alerts with")


def test_a_silenced_alert_fires_all_the_same_with_a_note(asked: Asked) -> None:
    assert within(10, lambda: asked.received() == ("firing", ""))
    matcher = {"name": "alertname", "value": "Seven", "isRegex": False, "isEqual": True}
    silence = {"matchers": [matcher], "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z",
               "createdBy": "a test", "comment": "as told"}
    request = urllib.request.Request(f"{asked.manager}/api/v2/silences", json.dumps(silence).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5):
        assert within(10, lambda: asked.received() == ("firing", "1 of 1 silenced"))


def test_a_target_that_goes_away_ends_its_series_at_the_next_scrape(asked: Asked) -> None:
    asked.target.go_away()
    began_s = time.monotonic()
    assert within(10, lambda: str(asked.query("seven")).startswith("the series has ended: there was one within the"))
    assert time.monotonic() - began_s < 5
    assert str(asked.query("seven", range=10.0, step=1.0)).startswith("the series ended ")
    assert asked.query("sum(seven)") == "no series"
    assert asked.query("late") == 9  # samples with times of their own are ended by nobody
    assert str(asked.query("late", stale_after=30.0)).startswith("stale")
