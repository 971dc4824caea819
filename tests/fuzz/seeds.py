"""What fuzzing starts from: whole and sound files, rich enough that every key of the format stands in one of them."""

import html
import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct

from chaos_runner.journal.record import Chain, encode
from tests.report import stories

CORPUS_VARIABLE: Final = "CHAOS_RUNNER_FUZZ_CORPUS"
"""Names a folder; every file in it and beneath it is a seed too."""
ROOT: Final = Path(__file__).parents[2]

PYTHON: Final = {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": "/"}}
WHOLE: Final[dict[str, Any]] = {
    "version": "1.0.0", "title": "Customers can pay", "description": "We believe so.", "tags": ["shop"], "owner": "us",
    "configuration": {"url": {"type": "env", "key": "URL", "default": "http://127.0.0.1"}, "wait": 1, "l": [1, None]},
    "secrets": {"shop": {"token": {"type": "env", "key": "PATH"}}},
    "steady-state-hypothesis": {
        "title": "They pay", "baseline": "2s", "recovers-within": "1m30s", "probes": [
            {"name": "fast", "probe": "http.latency", "below": "300ms",
             "arguments": {"url": "${url}", "timeout": "2s", "expect_status": [200]}, "every": "250ms",
             "for": "2s", "missing-for": "5s"},
            {"probe": "http.status", "arguments": {"url": "${url}", "method": "HEAD"}, "between": [200, 299]},
            {"name": "there", "type": "probe", "provider": PYTHON, "tolerance": True},
            {"type": "probe", "name": "ranged", "provider": {"type": "http", "url": "${url}", "timeout": [1, 2]},
             "tolerance": {"type": "range", "range": [1, 2.5]}},
            {"type": "probe", "name": "found", "provider": {"type": "process", "path": "true", "arguments": "-x"},
             "tolerance": {"type": "regex", "pattern": "a+", "target": "stdout"}, "background": False}]},
    "method": [
        {"name": "slow", "fault": "proxy.latency", "target": {"proxy": "db"}, "duration": "30s", "background": True,
         "arguments": {"latency": "200ms", "jitter": "${wait}", "stream": "upstream", "toxicity": "50%"}},
        {"fault": "host.process_pause", "target": {"name": "shop", "at-most": 2, "percent": "50%"}, "duration": "1s"},
        {"name": "act", "type": "action", "provider": {"type": "process", "path": "true", "arguments": ["a", 1, None]},
         "expect": {"status": 0}, "pauses": {"before": "${wait}", "after": 0.5},
         "undo": {"provider": PYTHON, "verify": {"probe": "process.running", "arguments": {"pid": 4}, "equals": 1}}},
        {"ref": "there"}, {"ref": "act", "background": True}],
    "rollbacks": [{"name": "tidy", "type": "action", "provider": PYTHON, "timeout": 3}],
    "stop-when": [{"name": "broken", "probe": "http.status", "arguments": {"url": "${url}"}, "at-least": 500}],
    "runtime": {"rollbacks": {"strategy": "always"}, "hypothesis": {"strategy": "default"}},
    "seed": 7, "require-proof": True, "require-verified-undo": False, "x-note": {"anything": [None]},
}
"""Nothing is wrong with it."""

TOOLKIT: Final[dict[str, Any]] = {
    "version": "1.0.0", "title": "Nothing but ${what} of Chaos Toolkit", "description": "Every key of its format.",
    "tags": ["toolkit", "é日本"], "contributions": {"reliability": "high", "security": "none"},
    "extensions": [{"name": "none", "data": {"n": 1.5}}],
    "configuration": {
        "what": "all", "port": {"type": "env", "key": "PORT", "default": "8080", "env_var_type": "int"},
        "flag": {"type": "env", "key": "FLAG", "default": "no", "env_var_type": "bool"},
        "made": {"type": "env", "key": "MADE", "default": "[1, {}]", "env_var_type": "json"}, "password": "hunter2345"},
    "secrets": {"shop": {"key": "abcdefgh", "nested": {"deep": {"a": "bcdefghijk"}}},
                "vault": {"type": "vault", "path": "secrets/shop", "key": "token"}},
    "controls": [], "dry": "",
    "steady-state-hypothesis": {"title": "All is there", "controls": [], "probes": [
        {"type": "probe", "name": "exact", "tolerance": 0, "secrets": ["shop"], "configuration": {"a": 1},
         "provider": {"type": "process", "path": "echo", "arguments": {"-n": "${what}", "b": None}, "timeout": 2.5}},
        {"type": "probe", "name": "listed", "tolerance": [200, 201], "provider": {
            "type": "http", "url": "http://127.0.0.1:${port}/", "method": "POST", "headers": {"A": "${key}"},
            "arguments": {"q": [1, 2]}, "timeout": "${port}", "verify_tls": False, "max_retries": 2,
            "expected_status": 200, "secrets": ["shop"]}},
        {"type": "probe", "name": "path", "provider": PYTHON,
         "tolerance": {"type": "jsonpath", "path": "$.a[*].b", "expect": [1], "target": "body"}},
        {"type": "probe", "name": "asked", "provider": PYTHON,
         "tolerance": {"type": "probe", "name": "asks", "provider": PYTHON}}]},
    "method": [
        {"type": "action", "name": "act", "provider": PYTHON, "pauses": {"before": 1, "after": "2s"}, "controls": [],
         "background": True, "timeout": 10, "dry": False, "secrets": ["shop"], "configuration": {}},
        {"type": "probe", "name": "look", "provider": {**PYTHON, "secrets": ["shop"]}, "tolerance": 1},
        {"ref": "exact"}],
    "rollbacks": [{"ref": "act"}], "runtime": {"rollbacks": {"strategy": "deviated"}},
}
OURS: Final[dict[str, Any]] = {
    "title": "Every key that is ours", "description": "Those that this version cannot do included.", "method": [
        {"name": "cut", "fault": "proxy.cut", "target": {"proxy": "db", "api": "http://127.0.0.1:8474"},
         "duration": "1m30s"},
        {"fault": "host.cpu_load", "arguments": {"share": "10%", "cores": 1}, "duration": "500ms"},
        {"fault": "host.memory_fill", "arguments": {"size": "10Mi"}, "duration": "1s", "background": True},
        {"fault": "host.network_partition", "target": {"hosts": ["10.0.0.1"]}, "duration": "1s"},
        {"fault": "host.process_kill", "target": {"name": "no-such-process"}},
        {"name": "look", "probe": "tcp.connect", "arguments": {"host": "127.0.0.1", "port": 1, "timeout": "1s"}}],
    "steady-state-hypothesis": {"title": "Well", "baseline": "0s", "recovers-within": "10s", "probes": [
        {"name": "a", "probe": "tcp.connect", "arguments": {"host": "127.0.0.1", "port": 1}, "at-most": "1s",
         "every": "1s", "allow": "1%"},
        {"name": "b", "probe": "http.latency", "arguments": {"url": "http://127.0.0.1/"}, "above": "0s"},
        {"name": "c", "probe": "http.status", "arguments": {"url": "http://127.0.0.1/"}, "equals": 200},
        {"use": "checkout-errors", "below": "5%"}]},
    "stop-when": [{"name": "gone", "probe": "tcp.connect", "arguments": {"host": "::1", "port": 1},
                   "missing-for": "5s"}],
    "limits": {"max-share": "50%", "max-targets": 3}, "confirm-above": {"share": "34%"}, "rehearse": True,
    "max-abort-latency": "500ms", "gates": [{"use": "no-open-incident", "watch": True, "defer": "10m"}],
    "controls": [{"name": "x"}],
    "require-verified-undo": True, "seed": 12345678901234567890,
}
TRICKY: Final = r"""%YAML 1.1
---
# every way to write a value that YAML has
title: !!str "Tricks \x41 \u00e9 \U0001F600"
description: >-
  folded
  text

  with a blank line
x-base: &base {type: python, module: os.path, func: exists}
x-more: &more
  <<: *base
  arguments: {path: /}
configuration: {on_: yes, off_: 0o17, octal: 010, sixty: 1:30:00, hex: 0xFF, none: ~, date: 2026-11-20,
  at: 2026-11-20 11:02:10.5 +01:00, binary: !!binary "aGVsbG8=", inf: .inf, nan: .NaN, float: 1_000.5e+3, minus: -0}
? method
: - name: 'single ''quoted'''
    type: action
    provider: *more
    pauses: {before: 1, after: "${minus}"}
  - &probe
    name: |+
      a literal
    type: probe
    provider: {<<: [*more, *base], type: python}
rollbacks:
- ref: "single 'quoted'"
...
"""
PROXIES: Final = b"""[{"name": "db", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:5432", "enabled": false,
  "type": "latency", "stream": "upstream", "toxicity": 0.5, "attributes": {"latency": 100, "jitter": 5}},
 {"name": "cache", "listen": "[::1]:0", "upstream": "localhost:6379", "enabled": false, "type": "slicer",
  "attributes": {"average_size": 1, "size_variation": 0, "delay": 3}, "toxicity": 1}]"""
MARKS: Final = (b"chaos-runner-01JD8ZK3T2QH5R7-0-20261120T110000Z",
                b"chaos-runner-01JD8ZK3T2QH5R7-12-20261120T110000Z-0123456789abcdef0123456789abcdef")
QUANTITIES: Final = (b"1m30s", b"250ms", b"34%", b"10Mi", b"500k", b"64B", b"1.5h", b"0.5us", b"2 d")
VARIABLES: Final = (b"wait=1", b"wait:int=2", b"url=http://127.0.0.1", b"wait:float=1e3", b"wait:bool=no",
                    b"l:json=[1, {}]", b"wait:bytes=abc", b"l:str=", b"wait:number=.5")
WORDS: Final = (b"E101", b"W001", b"V201", b"e390", b" E308 ")


class Seed(Struct, frozen=True):
    """A file to begin with, and what it holds where that can be read."""

    name: str
    text: bytes
    data: Any


@cache
def experiments() -> list[Seed]:
    """Every experiment there is, and those of the corpus if one is named."""
    return [_seed(name, text) for name, text in _experiment_texts()]


@cache
def journals() -> list[Seed]:
    """Journals of runs that took every turn a run can take."""
    return [Seed(f"{name}.ndjson", text, [json.loads(line) for line in text.splitlines()])
            for name, tell in stories.TOLD.items() for text in [_journal(tell()[1])]]


def _journal(records: Any) -> bytes:
    chain = Chain()
    return b"".join(encode(record.n, record.at, record.event, chain) + b"\n" for record in records)


def _experiment_texts() -> Iterator[tuple[str, bytes]]:
    for name, data in (("whole", WHOLE), ("toolkit", TOOLKIT), ("ours", OURS)):
        yield f"{name}.json", json.dumps(data, indent=1).encode()
        yield f"{name}.yaml", yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False).encode()
    yield "tricky.yaml", TRICKY.encode()
    yield "story.yaml", stories.SOURCE.encode()
    for file in sorted((ROOT / "experiments").glob("*.yaml")):
        yield file.name, file.read_bytes()
    for file in sorted((ROOT / "reports" / "samples").glob("*.html")):
        found = re.search(r'<details id="source">.*?<pre>(.*?)</pre>', file.read_text(encoding="utf-8"), re.DOTALL)
        if found:
            yield f"{file.stem}.yaml", html.unescape(found[1]).encode()
    if os.environ.get(CORPUS_VARIABLE):
        for file in sorted(Path(os.environ[CORPUS_VARIABLE]).rglob("*")):
            if file.suffix in (".yaml", ".yml", ".json"):
                yield file.name, file.read_bytes()


def _seed(name: str, text: bytes) -> Seed:
    """With its data, or without where it holds what only its text can tell."""
    try:
        data = json.loads(text) if name.endswith(".json") else yaml.load(text, yaml.CSafeLoader)
    except (ValueError, yaml.YAMLError):
        data = None
    return Seed(name, text, data)


POLICY: Final[dict[str, Any]] = {
    "limits": {"max-share": "34%", "max-targets": 3, "max-duration": "5m", "namespaces": ["shop-*"], "accounts": ["12"],
               "contexts": ["staging-*"], "regions": ["eu-*"]},
    "protected": {"names": ["*-primary"], "labels": {"chaos": "never"}, "tags": {"tier": "gold"}},
    "confirm-above": {"share": "10%", "targets": 1}, "require-proof": True, "require-verified-undo": False,
    "rehearse": True, "max-abort-latency": "500ms",
}
PROJECT: Final[dict[str, Any]] = {
    "reports": "out", "defaults": {"require-proof": True, "limits": {"max-targets": 9}},
    "environments": {"staging": {"configuration": {"a": 1}, "production": False, "contexts": ["s-*"], "accounts": [7]},
                     "live": {"production": True, "protected": {"names": ["*"]}}}, **POLICY,
}
PLAN: Final[dict[str, Any]] = {
    "schema": 1, "file": "x.yaml", "title": "t", "made": "2026-11-20T11:02:10.123Z", "digest": "0" * 16,
    "parts": {"title and description": "0" * 16}, "seed": 7, "environment": "", "targets": 1, "longest_s": 9.5,
    "asks": "", "refusals": [], "stop_rules": ["r"], "limits": [], "rehearse": False,
    "faults": [{"step": "m0", "name": "n", "fault": "host.process_pause", "does": "d", "undo": "u",
                "way_back": "verified", "healed_by": "", "duration_s": 1.0, "background": False, "refused": "",
                "targets": [{"label": "l", "target": {"pid": 7, "started": 0.5}}], "rights": [], "shares": []}],
}
