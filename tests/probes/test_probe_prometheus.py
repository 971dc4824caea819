"""prometheus.query and prometheus.alert, against a server that gives every odd answer."""

import base64
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import BadQuestion, NoData
from chaos_runner.experiment.loading import load_data
from chaos_runner.probes.prometheus import AlertArguments, QueryArguments

QUERY = shelf.probe("prometheus.query")
ALERT = shelf.probe("prometheus.alert")
NOW_S = 1_700_000_000.5
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
EVALUATED = "2023-11-14T22:13:19.123456789Z"


class Fake:
    """A server that answers a path and a query with what it was told to. Keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.delay_s = 0.0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(fake.delay_s)
                url = urlsplit(self.path)
                query = parse_qs(url.query)
                headers = {name.lower(): value for name, value in self.headers.items()}
                fake.asked.append((url.path, query, headers))
                status, body = fake.answers.get(query.get("query", [url.path])[0], (404, b"404 page not found\n"))
                self.send_response_only(status)
                self.send_header("Date", DATE)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def says(self, key: str, kind: str, result: Any, **more: Any) -> None:
        """To a query: this result."""
        data = {"status": "success", "data": {"resultType": kind, "result": result}, **more}
        self.answers[key] = (200, json.dumps(data).encode())

    def has(self, key: str, *values: str, age_s: float = 1.0) -> None:
        """To a query: a series for each value, told apart by `code`, with samples of this age."""
        labels = [{"__name__": "errors", "code": str(500 + number)} for number in range(len(values))]
        self.says(key, "vector", [{"metric": metric, "value": [NOW_S, value]}
                                  for metric, value in zip(labels, values, strict=True)])
        self.says(f"timestamp({key})", "vector", [
            {"metric": {"code": metric["code"]}, "value": [NOW_S, str(NOW_S - age_s)]} for metric in labels])

    def has_points(self, *values: str, end_s: float = NOW_S, step_s: float = 1.0) -> None:
        """To a range query for `errors`: one series with these points."""
        self.says("time()", "scalar", [NOW_S, str(NOW_S)])
        points = [[end_s - step_s * (len(values) - 1 - number), value] for number, value in enumerate(values)]
        self.has("errors")
        self.says("timestamp(errors)", "vector", [{"metric": {}, "value": [NOW_S, str(NOW_S)]}])
        self.says("errors", "matrix", [{"metric": {}, "values": points}])

    def has_rules(self, *rules: dict[str, Any], interval: float = 1.0) -> None:
        """The alerting rules, each with what is usual unless told otherwise."""
        usual = {"name": "Down", "type": "alerting", "health": "ok", "lastEvaluation": EVALUATED, "labels": {},
                 "alerts": []}
        groups = [{"name": "g", "interval": interval, "rules": [{**usual, **rule} for rule in rules]}]
        self.answers["/api/v1/rules"] = (200, json.dumps({"status": "success", "data": {"groups": groups}}).encode())

    def has_received(self, *alerts: dict[str, Any]) -> None:
        """What Alertmanager knows."""
        self.answers["/api/v2/alerts"] = (200, json.dumps(list(alerts)).encode())

    def query(self, query: str, **more: Any) -> Any:
        return QUERY.read(QueryArguments(query=query, url=self.url, **more)).value

    def note(self, query: str, **more: Any) -> str:
        return QUERY.read(QueryArguments(query=query, url=self.url, **more)).note

    def alert(self, **more: Any) -> Any:
        return ALERT.read(AlertArguments(alert="Down", url=self.url, **more)).value


@pytest.fixture
def fake() -> Iterator[Fake]:
    it = Fake()
    thread = threading.Thread(target=it.server.serve_forever, args=(0.01,))
    thread.start()
    yield it
    it.server.shutdown()
    thread.join()
    it.server.server_close()


# ── one number ──────────────────────────────────────────────────────────────────────────────────────────────────────

def test_the_value_of_the_one_series_is_the_number(fake: Fake) -> None:
    fake.has("errors", "0.25")
    assert fake.query("errors") == 0.25
    assert [path for path, _, _ in fake.asked] == ["/api/v1/query"] * 2
    assert all("time" not in asked for _, asked, _ in fake.asked)  # the server's own clock counts


def test_a_scalar_is_a_number_too_and_is_asked_for_once(fake: Fake) -> None:
    fake.says("time() / 2", "scalar", [NOW_S, "12"])
    assert fake.query("time() / 2") == 12
    assert len(fake.asked) == 1


def test_a_prometheus_below_a_path_is_found(fake: Fake) -> None:
    fake.has("errors", "1")
    QUERY.read(QueryArguments(query="errors", url=f"{fake.url}/mimir/"))
    assert fake.asked[0][0] == "/mimir/api/v1/query"


def test_labels_choose_one_of_several_series(fake: Fake) -> None:
    fake.has("errors", "1", "2", "3")
    assert fake.query("errors", labels={"code": "501"}) == 2
    assert fake.query("errors", labels={"code": 502, "__name__": "errors", "absent": ""}) == 3


def test_several_series_are_no_number_and_what_tells_them_apart_is_said(fake: Fake) -> None:
    fake.has("errors", "1", "2", "3", "4")
    with pytest.raises(NoData, match=r"^4 series, told apart by code \(500, 501, 502, …\): choose one with `labels`"):
        fake.query("errors")
    with pytest.raises(NoData, match=r'^none of the 4 series has the labels \{code="404"\}$'):
        fake.query("errors", labels={"code": 404})


def test_no_series_is_no_data(fake: Fake) -> None:
    fake.says("sum(errors)", "vector", [])
    with pytest.raises(NoData, match=r"^no series$"):
        fake.query("sum(errors)")


def test_a_series_that_was_there_until_just_now_has_ended(fake: Fake) -> None:
    fake.says("errors", "vector", [])
    fake.says("count(last_over_time(errors[5m]))", "vector", [{"metric": {}, "value": [NOW_S, "1"]}])
    with pytest.raises(NoData, match=r"^the series has ended: there was one within the last 5m"):
        fake.query("errors")


@pytest.mark.parametrize(("value", "words"), [
    ("NaN", "^NaN: the query divides nothing by nothing"), ("+Inf", "^an infinite number"),
    ("-Inf", "^an infinite number"), ("many", "'many', which is no number"),
])
def test_what_is_no_number_is_no_data(fake: Fake, value: str, words: str) -> None:
    fake.has("errors", value)
    with pytest.raises(NoData, match=words):
        fake.query("errors")


@pytest.mark.parametrize(("kind", "result", "words"), [
    ("string", [NOW_S, "text"], "gives a string"), ("matrix", [], "many samples of each series"),
    ("vector", [{"metric": {}, "histogram": [NOW_S, {"count": "3"}]}], "gives a histogram"),
])
def test_a_query_for_anything_but_a_number_is_the_authors_mistake(
    fake: Fake, kind: str, result: Any, words: str,
) -> None:
    fake.says("errors", kind, result)
    with pytest.raises(BadQuestion, match=words):
        fake.query("errors")


def test_warnings_are_noted(fake: Fake) -> None:
    fake.says("sum(errors)", "vector", [{"metric": {}, "value": [NOW_S, "1"]}], warnings=["one store is away"])
    assert fake.note("sum(errors)") == "one store is away"


# ── how old it is ───────────────────────────────────────────────────────────────────────────────────────────────────

def test_an_old_sample_is_stale_and_the_limit_can_be_told(fake: Fake) -> None:
    fake.has("errors", "0", age_s=40)
    assert fake.query("errors") == 0
    with pytest.raises(NoData, match=r"^stale: the newest sample is 40 s old \(older than 30 s\)$"):
        fake.query("errors", stale_after=30.0)
    fake.has("errors", "0", age_s=121)
    with pytest.raises(NoData, match=r"^stale: the newest sample is 2 m 01 s old \(older than 2 m 00 s\)$"):
        fake.query("errors")


@pytest.mark.parametrize("selector", [
    "errors", 'errors{code="500"}', "errors{ code =~ '5..', path != \"a}b\\\"\" , }", '{__name__="errors"}', " a:b ",
    '{"my.errors", code=`500`}', "errors{}",
])
def test_of_a_plain_selector_the_age_is_asked_for(fake: Fake, selector: str) -> None:
    fake.has(selector, "1", age_s=500)
    with pytest.raises(NoData, match=r"^stale"):
        fake.query(selector)


@pytest.mark.parametrize("expression", ["sum(errors)", "errors > 3", "errors offset 5m", "-errors", "a or b"])
def test_of_anything_else_it_is_told_by_another_selector_or_not_at_all(fake: Fake, expression: str) -> None:
    fake.has(expression, "1")
    fake.has("errors", "1", age_s=500)
    assert fake.query(expression) == 1
    with pytest.raises(NoData, match=r"^stale: the newest sample is 8 m 20 s old"):
        fake.query(expression, fresh="errors")
    with pytest.raises(BadQuestion, match="name a selector as `fresh`"):
        fake.query(expression, stale_after=10.0)


def test_the_oldest_of_what_a_number_is_made_of_counts(fake: Fake) -> None:
    fake.has("sum(errors)", "1")
    fake.says("timestamp(errors)", "vector", [{"metric": {"code": code}, "value": [NOW_S, str(NOW_S - age_s)]}
                                              for code, age_s in (("500", 1), ("501", 50))])
    with pytest.raises(NoData, match="50 s old"):
        fake.query("sum(errors)", fresh="errors", stale_after=10.0)
    fake.says("timestamp(errors)", "vector", [])
    with pytest.raises(NoData, match="nothing tells how old the data are: no series matches errors"):
        fake.query("sum(errors)", fresh="errors")


# ── over a range ────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize(("reduce", "value"), [("last", 4), ("max", 8), ("min", 1), ("avg", 4.25)])
def test_a_range_is_reduced_to_one_number(fake: Fake, reduce: Any, value: float) -> None:
    fake.has_points("1", "8", "4", "4")
    assert fake.query("errors", range=3.0, step=1.0, reduce=reduce) == value
    asked = next(asked for path, asked, _ in fake.asked if path == "/api/v1/query_range")
    assert (asked["start"], asked["end"], asked["step"]) == (["1699999997.500"], ["1700000000.500"], ["1.000"])


def test_points_without_a_number_are_left_out_and_counted(fake: Fake) -> None:
    fake.has_points("NaN", "8", "4")
    assert fake.note("errors", range=3.0, step=1.0, reduce="avg") == "2 of 4 points have no number"
    fake.has_points("8", "NaN")
    with pytest.raises(NoData, match=r"^NaN"):
        fake.query("errors", range=3.0, step=1.0)
    fake.has_points("NaN", "NaN")
    with pytest.raises(NoData, match=r"^NaN at every point$"):
        fake.query("errors", range=3.0, step=1.0, reduce="max")


def test_a_range_whose_series_ended_before_now_is_no_data(fake: Fake) -> None:
    fake.has_points("1", "2", end_s=NOW_S - 12)
    with pytest.raises(NoData, match=r"^the series ended 12 s ago$"):
        fake.query("errors", range=60.0, step=1.0, reduce="max")


@pytest.mark.parametrize(("more", "words"), [
    ({"step": 1.0}, "need a range"), ({"reduce": "max"}, "need a range"), ({"range": 1.0, "step": 2.0}, "not longer"),
    ({"range": 0.0}, "longer than nothing"), ({"fresh": "sum(x)"}, "fresh is a selector"),
    ({"token": "a", "username": "b"}, "either a token or a username"),
])
def test_arguments_that_make_no_sense_are_the_authors_mistake(fake: Fake, more: Any, words: str) -> None:
    with pytest.raises(BadQuestion, match=words):
        fake.query("errors", **more)
    assert not fake.asked


# ── a server that does not answer ───────────────────────────────────────────────────────────────────────────────────

def refusal(kind: str, text: str) -> bytes:
    return json.dumps({"status": "error", "errorType": kind, "error": text}).encode()


def test_a_query_that_cannot_be_understood_is_the_authors_mistake(fake: Fake) -> None:
    fake.answers["sum("] = (400, refusal("bad_data", "1:5: parse error: unclosed left parenthesis"))
    with pytest.raises(BadQuestion, match=r"^Prometheus cannot understand the query: 1:5: parse error: unclosed"):
        fake.query("sum(")


@pytest.mark.parametrize(("status", "body", "words"), [
    (422, refusal("execution", "duplicate series"), "answered 422: duplicate series$"),
    (503, refusal("timeout", "query timed out"), "answered 503: query timed out$"),
    (503, b"Service Unavailable", "answered 503: Service Unavailable$"), (401, b"Unauthorized\n", "401: Unauthorized$"),
    (400, b"the gateway dislikes this", "answered 400: the gateway dislikes this$"), (302, b"", "answered 302$"),
    (200, b"<html>", "answered, but not as Prometheus does"), (200, b"{}", "not as Prometheus does"),
    (200, b'{"status":"success","data":{"resultType":"vector","result":{}}}', "not as Prometheus does"),
    (500, b"x" * 5000, "answered 500: x{300}$"), (200, b" " * (10 * 2**20 + 1), "only the first 10 MiB were read$"),
])
def test_a_server_that_refuses_is_no_data_in_its_own_words(
    fake: Fake, status: int, body: bytes, words: str,
) -> None:
    fake.answers["errors"] = (status, body)
    with pytest.raises(NoData, match=rf"^Prometheus at 127\.0\.0\.1:\d+:? .*{words}"):
        fake.query("errors")


def test_a_server_that_is_away_is_no_data_and_no_outage(fake: Fake) -> None:
    url = "http://127.0.0.1:9"
    with pytest.raises(NoData, match=r"^Prometheus at 127\.0\.0\.1:9: connection refused$"):
        QUERY.read(QueryArguments(query="errors", url=url))
    with pytest.raises(NoData, match=r"^Alertmanager at 127\.0\.0\.1:9: connection refused$"):
        ALERT.read(AlertArguments(alert="Down", alertmanager=url))


def test_one_timeout_is_for_all_that_is_asked(fake: Fake) -> None:
    fake.has("errors", "1")
    fake.delay_s = 0.2
    with pytest.raises(NoData, match="no answer within 300 ms"):
        fake.query("errors", timeout=0.3)


# ── getting in ──────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize(("access", "header"), [
    ({"token": "secret\n"}, "Bearer secret"),
    ({"username": "me", "password": "sécret"}, f"Basic {base64.b64encode('me:sécret'.encode()).decode()}"),
    ({"headers": {"Authorization": "Mine 1", "X-Scope-OrgID": "shop"}}, "Mine 1"),
])
def test_a_token_or_a_password_or_headers_get_in(fake: Fake, access: Any, header: str) -> None:
    fake.has("errors", "1")
    fake.query("errors", **access)
    assert {headers["authorization"] for _, _, headers in fake.asked} == {header}
    assert {headers.get("x-scope-orgid") for _, _, headers in fake.asked} == {"shop" if "headers" in access else None}


def test_a_token_that_cannot_be_sent_is_not_told(fake: Fake) -> None:
    with pytest.raises(NoData) as refused:
        fake.query("errors", token="very\nsecret")
    assert str(refused.value) == "a request that cannot be sent: Invalid header value"


def test_certificates_of_ones_own_are_trusted_when_they_are_named(fake: Fake, tmp_path: Path) -> None:
    file, key = tmp_path / "ca.crt", tmp_path / "ca.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", file],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    fake.has("errors", "1")
    fake.server.socket = context.wrap_socket(fake.server.socket, server_side=True)
    fake.url = fake.url.replace("http:", "https:")
    with pytest.raises(NoData, match="TLS: certificate not trusted"):
        fake.query("errors")
    assert fake.query("errors", ca_file=str(file)) == 1
    assert fake.query("errors", verify_tls=False) == 1
    with pytest.raises(NoData, match=r"certificates in '.*none' cannot be read: No such file"):
        fake.query("errors", ca_file=str(tmp_path / "none"))


# ── alerts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def firing(state: str = "firing", **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": "Down", **labels}, "state": state}


def test_the_worst_state_of_the_alerts_that_are_meant_counts(fake: Fake) -> None:
    fake.has_rules({})
    assert fake.alert() == "inactive"
    fake.has_rules({"alerts": [firing("pending", job="a"), firing("firing", job="b")]}, {"name": "Up"})
    assert fake.alert() == "firing"
    assert fake.alert(labels={"job": "a"}) == "pending"
    assert fake.alert(labels={"job": "c"}) == "inactive"


def test_a_name_or_a_label_that_no_rule_has_is_no_data_and_not_inactive(fake: Fake) -> None:
    fake.has_rules({"name": "Up"})
    with pytest.raises(NoData, match=r"^no rule of the name Down$"):
        fake.alert()
    fake.has_rules({"labels": {"severity": "page", "who": "{{ $labels.team }}"}})
    assert fake.alert(labels={"severity": "page", "who": "me", "job": "a"}) == "inactive"
    with pytest.raises(NoData, match=r'^no rule of the name Down makes alerts with \{severity="pgae"\}$'):
        fake.alert(labels={"severity": "pgae"})


@pytest.mark.parametrize(("rule", "words"), [
    ({"health": "err", "lastError": "many-to-many"}, "cannot be evaluated: many-to-many$"),
    ({"health": "unknown", "lastEvaluation": "0001-01-01T00:00:00Z"}, "has not been evaluated yet$"),
    ({"lastEvaluation": "2023-11-14T22:10:20Z"}, "^stale: the rule Down was last evaluated 3 m 00 s ago$"),
    ({"lastEvaluation": "soon"}, "'soon', which is no time$"),
])
def test_a_rule_that_says_nothing_is_no_data_and_not_inactive(fake: Fake, rule: Any, words: str) -> None:
    fake.has_rules(rule)
    with pytest.raises(NoData, match=words):
        fake.alert()


def test_a_rule_that_is_evaluated_seldom_is_not_stale_between(fake: Fake) -> None:
    fake.has_rules({"lastEvaluation": "2023-11-14T23:10:20+01:00"}, interval=100)
    assert fake.alert() == "inactive"
    with pytest.raises(NoData, match=r"^stale"):
        fake.alert(stale_after=60.0)


def test_alertmanager_knows_what_fires_and_whether_anybody_is_told(fake: Fake) -> None:
    def state(**more: Any) -> tuple[str, str]:
        found = ALERT.read(AlertArguments(alert='Do"wn', alertmanager=fake.url, labels={"job": "a\\b"}, **more))
        return found.value, found.note

    status = {"state": "active", "silencedBy": [], "inhibitedBy": []}
    fake.has_received()
    assert state() == ("inactive", "")
    assert fake.asked[0][1]["filter"] == ['alertname="Do\\"wn"', 'job="a\\\\b"']
    fake.has_received({"labels": {}, "status": status})
    assert state() == ("firing", "")
    fake.has_received({"labels": {}, "status": {**status, "silencedBy": ["1"]}},
                      {"labels": {}, "status": {**status, "inhibitedBy": ["2"]}})
    assert state() == ("firing", "1 of 2 silenced; 1 of 2 inhibited")


def test_asked_together_either_may_say_that_it_fires_and_prometheus_must_know_the_rule(fake: Fake) -> None:
    fake.has_received()
    fake.has_rules({"alerts": [firing("pending")]})
    assert fake.alert(alertmanager=fake.url) == "pending"
    fake.has_received({"labels": {}, "status": {"state": "active"}})
    assert fake.alert(alertmanager=fake.url) == "firing"
    fake.has_rules({"name": "Up"})
    with pytest.raises(NoData, match="no rule of the name Down"):
        fake.alert(alertmanager=fake.url)


# ── in a file ───────────────────────────────────────────────────────────────────────────────────────────────────────

def with_probe(**probe: Any) -> Callable[[], Any]:
    data = {"title": "t", "description": "d", "method": [], "steady-state-hypothesis": {
        "title": "h", "probes": [{"name": "p", **probe}]}}
    return lambda: load_data(data)


def test_the_unit_of_the_limit_is_the_unit_of_what_is_read() -> None:
    arguments = {"query": "x"}
    for limit, unit in (("300ms", "s"), ("5%", "%"), (7, "")):
        loaded = with_probe(probe="prometheus.query", arguments=arguments, below=limit)()
        assert loaded.experiment.hypothesis.probes[0].unit == unit


@pytest.mark.parametrize("condition", [{"equals": "fring"}, {"equals": 1}, {"above": 1}, {"equals": ["firing"]},
                                       {"tolerance": "fring"}])
def test_a_state_that_no_alert_has_is_refused_in_the_file(condition: Any) -> None:
    loaded = with_probe(probe="prometheus.alert", arguments={"alert": "Down"}, **condition)()
    assert [finding.code for finding in loaded.findings] == ["E205"]
    assert "inactive, pending, firing" in loaded.findings[0].message
