"""Where something from outside comes in: how a case of it is made, and what is done with it.

Each does what the command would, up to where anything would be touched, and raises AssertionError for a wrong answer.
"""

import asyncio
import ipaddress
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib import import_module
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any, Final

import click
import msgspec
from msgspec import Struct

from chaos_runner import mark, units, wiring
from chaos_runner.cli.main import cli
from chaos_runner.cli.validate import row
from chaos_runner.engine.dynamic import is_dynamic
from chaos_runner.errors import UsageError
from chaos_runner.experiment.codes import explain
from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.findings import Severity
from chaos_runner.experiment.loading import Loaded, load_text
from chaos_runner.experiment.model import Safeguards
from chaos_runner.experiment.project import InvalidSettings, read_policy, read_project
from chaos_runner.journal.reader import JournalUnreadable, read
from chaos_runner.journal.record import HASH_LENGTH, Chain, Record, decode, encode
from chaos_runner.plan.build import Wishes
from chaos_runner.plan.written import read_plan
from chaos_runner.proxy.address import LOOPBACK
from chaos_runner.proxy.bodies import ProxyBody, read_changed_toxic, read_new_toxic, read_proxies
from chaos_runner.proxy.collection import Collection
from chaos_runner.proxy.rejected import Rejected
from chaos_runner.redaction import Redactor
from chaos_runner.report import write
from chaos_runner.report.story import Story
from chaos_runner.run import events as ev
from chaos_runner.run.outcome import outcome
from chaos_runner.run.run import Run, fold
from chaos_runner.run.verdict import judge
from chaos_runner.units import NoUnit
from tests.fuzz import mutations, seeds
from tests.fuzz.mutations import changed, in_json, in_yaml, scribbled

STARTED: Final = datetime(2026, 11, 20, 11, 2, 10, 123000, tzinfo=UTC)
COMMAND: Final = (sys.executable, "-m", "chaos_runner")
_PLACED: Final = re.compile(r"(?:error|warning)\[[EW]\d{3}\] .*\n  --> .+:[1-9]\d*:[1-9]\d*\n")
_HEADLINE: Final = re.compile(r"^(?:error|warning)\[", re.MULTILINE)
_FOR_EDITORS: Final = 20_000
"""Bytes of a file that is put to the schema, which is slow."""
_RECOVERABLE: Final = ("cut-off", "interrupted", "aborted")
"""Journals whose acts lead to no process of this machine, and to no provider."""


class Case(Struct, frozen=True):
    """One fuzzed input: the name of its entrance, of its file, and what stands in it."""

    entrance: str
    file: str
    blob: bytes


class Entrance(Struct, frozen=True):
    """`makes` a file's name and content, `enters` with them. `share` of 1000 cases."""

    share: int
    makes: Callable[[Random], tuple[str, bytes]]
    enters: Callable[[str, bytes], None]


def case(seed: int, number: int) -> Case:
    """The case of that number: always the same for a seed, and for a corpus."""
    chance = Random(f"{seed}:{number}")
    name = chance.choices(list(ENTRANCES), [entrance.share for entrance in ENTRANCES.values()])[0]
    return Case(name, *ENTRANCES[name].makes(chance))


def enter(one: Case) -> None:
    """Puts a case in where it belongs."""
    ENTRANCES[one.entrance].enters(one.file, one.blob)


# Experiments


def _make_experiment(chance: Random) -> tuple[str, bytes]:
    way = chance.random()
    seed = chance.choice(seeds.experiments())
    if way < 0.04:
        text = mutations.monster(chance)
    elif way < 0.12:
        text = chance.choice((in_json, in_yaml))(mutations.filled(chance), chance)
    elif way < 0.35 or seed.data is None:
        text = scribbled(seed.text, chance)
    else:
        write_it = chance.choice((in_json, in_yaml))
        text = write_it(changed(seed.data, chance), chance)
        text = scribbled(text, chance) if chance.random() < 0.15 else text
    named = ".json" if text.lstrip().startswith(b"{") else ".yaml"
    return "f" + (named if chance.random() < 0.9 else chance.choice((".json", ".yaml", ".txt"))), text


def _enter_experiment(file: str, blob: bytes) -> None:
    loaded = load_text(blob, file)
    _complaints_are_told(loaded)
    if loaded.experiment is None:
        return
    if not loaded.findings and file.endswith(".json") and len(blob) < _FOR_EDITORS:
        wrong = [error.message for error in _validator().iter_errors(json.loads(loaded.text))]
        assert not wrong, f"the schema says no: {wrong[0][:300]}"
    _up_to_touching(wiring.request_for(loaded, Path("reports"), (), Wishes()))


@cache
def _validator() -> Any:
    from chaos_runner.experiment.schema import schema

    return import_module("jsonschema").Draft202012Validator(schema())


def _complaints_are_told(loaded: Loaded) -> None:
    end = loaded.text.count("\n") + loaded.text.count("\r") + 2
    here = [found.place for found in loaded.findings if found.place.file == loaded.file]
    assert all(1 <= place.line <= end and place.column >= 1 for place in here), "a place nowhere"
    for color in (True, False):
        told = render(loaded.findings, {loaded.file: loaded.text}, color=color)
        assert told.encode() or not loaded.findings
    assert len(_PLACED.findall(told)) == len(_HEADLINE.findall(told)), "a complaint without a place"
    assert all(msgspec.json.encode(row(found)) for found in loaded.findings)
    broken = any(found.severity is Severity.ERROR for found in loaded.findings)
    assert broken == (loaded.experiment is None), "errors and an experiment, or neither"


def _up_to_touching(request: wiring.Request) -> None:
    """The plan, its record in the journal, and everything that could be told of a run that ended there.

    Not where the configuration is a probe: that would be asked, whatever the mutations have made of it.
    """
    if any(is_dynamic(value) for value in request.experiment.configuration.values()):
        return
    plan, values = wiring.planned(request, STARTED)
    started = Redactor(values.sensitive()).struct(ev.RunStarted(t=0.0, plan=plan))
    line = encode(0, "2026-11-20T11:02:10.123Z", started, Chain())
    record = decode(line)
    assert encode(0, record.at, record.event, Chain()) == line, "the journal reads another plan than was written"
    run = fold([record.event])
    _all_is_told(fold([record.event, judge(run)]), [record])


def _all_is_told(run: Run, records: Sequence[Record]) -> None:
    story = Story.of(run, records)
    for name in set(write.FORMATS) - {"pdf"}:
        written = write.FORMATS[name].told(story)
        assert isinstance(written, bytes) or written.encode() is not None
    if run.over:
        msgspec.json.encode(outcome(run))


def validate_as_a_command(one: Case) -> None:
    """The real command on the file: exit code 0 or 2, no traceback, and every complaint has its place."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / one.file).write_bytes(one.blob)
        done = _ran("validate", str(Path(folder) / one.file))
    told = done.stdout + done.stderr
    assert done.returncode in (0, 2), f"exit code {done.returncode}: {done.stderr[-1500:]}"
    assert "Traceback" not in done.stderr, done.stderr[-1500:]
    assert len(_PLACED.findall(told)) == len(_HEADLINE.findall(told)), f"a complaint without a place: {told[-1500:]}"
    assert done.returncode == 0 or _HEADLINE.search(told), f"exit code 2 without a complaint: {told[-1500:]}"


def _ran(*words: str) -> "subprocess.CompletedProcess[str]":
    root = str(seeds.ROOT)
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, errors="replace", timeout=60, check=False,
                          env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": root}, stdin=subprocess.DEVNULL)


# Journals


def _make_journal(chance: Random) -> tuple[str, bytes]:
    recover = chance.random() < 0.03
    known = seeds.journals()
    seed = chance.choice([one for one in known if Path(one.name).stem in _RECOVERABLE] if recover else known)
    if not recover and chance.random() < 0.3:
        return "journal", scribbled(seed.text, chance)
    lines = list(seed.data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(min(len(lines), chance.choice((1, 8, 1000))))
        lines[at] = _forged(lines, at, chance)
    if chance.random() < 0.3:
        del lines[chance.randrange(len(lines))]
    return "recover" if recover else "journal", _chained(lines)


def _forged(lines: list[Any], at: int, chance: Random) -> Any:
    """One line with something else in it, or another one in its place."""
    if chance.random() < 0.2:
        return chance.choice(lines)
    line = changed(lines[at], chance)
    return line if isinstance(line, dict) else lines[at]


def _chained(lines: Sequence[Any]) -> bytes:
    """With hashes that add up: as somebody would write it who wants it to be believed."""
    out, digest = [], ""
    for line in lines:
        body = json.dumps({key: value for key, value in line.items() if key != "hash"}, separators=(",", ":"),
                          default=str)[:-1].encode("utf-8", "surrogatepass")
        digest = sha256(digest.encode() + body).hexdigest()
        out.append(b'%s,"hash":"%s"}\n' % (body, digest.encode()))
    assert len(digest) == HASH_LENGTH
    return b"".join(out)


def _enter_journal(file: str, blob: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "runs" / "01RUN"
        folder.mkdir(parents=True)
        (folder / "journal.ndjson").write_bytes(blob)
        if file == "recover":
            _recovered(name)
            return
        with suppress(JournalUnreadable):
            _all_is_told(*read(folder / "journal.ndjson"))
        for words in (["show", "01RUN"], ["report", "01RUN", "--format", "junit,md"]):
            _as_a_command([*words, "--reports", name])


def _as_a_command(words: list[str]) -> None:
    """The command in this process. Its errors for people are as good as a return."""
    with suppress(click.ClickException, UsageError):
        cli(words, standalone_mode=False)


def _recovered(reports: str) -> None:
    done = _ran("recover", "01RUN", "--reports", reports)
    assert done.returncode in (0, 2, 6), f"exit code {done.returncode}: {done.stderr[-1500:]}"
    assert "Traceback" not in done.stderr, done.stderr[-1500:]


# Words


def _make_word(of: Sequence[bytes]) -> Callable[[Random], tuple[str, bytes]]:
    def make(chance: Random) -> tuple[str, bytes]:
        odd = chance.choice(mutations.ODD)
        if chance.random() < 0.2 and isinstance(odd, str):
            return "word", odd.encode("utf-8", "surrogatepass")
        return "word", scribbled(chance.choice(of), chance)

    return make


def _word(blob: bytes) -> str:
    """As Python gives the words of a command line: what is no UTF-8 becomes halves of characters."""
    return blob.decode("utf-8", "surrogateescape")


@cache
def _experiment_of_variables() -> Loaded:
    data = {**seeds.WHOLE, "secrets": {}, "title": "${l} ${url}"}
    return load_text(json.dumps(data).encode(), "f.json")


def _enter_variables(_: str, blob: bytes) -> None:
    words = [_word(word) for word in blob.split(b"\n")]
    request = wiring.request_for(_experiment_of_variables(), Path("reports"), words, Wishes())
    _up_to_touching(request)


def _make_settings(chance: Random) -> tuple[str, bytes]:
    data = chance.choice((seeds.PROJECT, seeds.POLICY))
    text = in_yaml(changed(data, chance), chance)
    return "chaos.yaml", scribbled(text, chance) if chance.random() < 0.3 else text


def _enter_settings(file: str, blob: bytes) -> None:
    """Read as a project and as a policy: narrowing something, or refused with its place."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, file)
        path.write_bytes(blob)
        for reader in (read_project, read_policy):
            try:
                assert msgspec.json.encode(reader(path).safeguards.and_also(Safeguards()))
            except InvalidSettings as problem:
                _refusal_is_told(problem)


def _refusal_is_told(problem: InvalidSettings) -> None:
    assert render(problem.findings, {problem.document.file: problem.document.text}, color=False), "nothing is said"


def _make_plan(chance: Random) -> tuple[str, bytes]:
    text = in_json(changed(seeds.PLAN, chance), chance)
    return "plan.json", scribbled(text, chance) if chance.random() < 0.5 else text


def _enter_plan(file: str, blob: bytes) -> None:
    with suppress(UsageError):
        read_plan(blob, file)


def _enter_explain(_: str, blob: bytes) -> None:
    assert explain(_word(blob)).encode()


def _enter_units(_: str, blob: bytes) -> None:
    for parse in (units.seconds, units.share, units.size_bytes, lambda text: units.measure(text)[0]):
        with suppress(NoUnit):
            value = parse(_word(blob))
            assert isfinite(value), f"{parse} says {value}"
            assert value >= 0, f"{parse} says {value}"
            assert all(units.spoken(value, unit) for unit in units.Unit)


def _enter_marks(_: str, blob: bytes) -> None:
    found = mark.parse(_word(blob))
    if found is None:
        return
    assert str(found) == _word(blob), "a mark that is written otherwise"
    found.expired(STARTED)
    assert found.signed(mark.Key("key"), "fault", "target").is_signed_by(mark.Key("key"), "fault", "target")


# Proxies


def _make_proxies(chance: Random) -> tuple[str, bytes]:
    if chance.random() < 0.4:
        return "toxiproxy.json", scribbled(seeds.PROXIES, chance)
    return "toxiproxy.json", in_json(changed(json.loads(seeds.PROXIES), chance), chance)


def _enter_proxies(_: str, blob: bytes) -> None:
    bodies = [blob]
    with suppress(Rejected):
        wanted = read_proxies(blob)
        bodies += [json.dumps(each).encode() for each in json.loads(blob)]
        with ThreadPoolExecutor(1) as apart:  # where a browser was driven before, this thread has a loop already
            apart.submit(asyncio.run, _populate(wanted)).result()
    for body in bodies:
        try:
            read_changed_toxic(body, read_new_toxic(body))
        except Rejected as problem:
            json.dumps({"error": problem.message})


async def _populate(wanted: list[ProxyBody]) -> None:
    """Only on addresses that need no name server, and on ports that are nobody's."""
    local = [each._replace(enabled=each.enabled and _is_ours(each.listen)) for each in wanted]
    collection = Collection()
    try:
        await collection.populate(local, [])
    finally:
        collection.stop()


def _is_ours(listen: str) -> bool:
    host, _, port = listen.rpartition(":")
    try:
        return port in ("", "0") and ipaddress.ip_address(host.strip("[]") or LOOPBACK).is_loopback
    except ValueError:
        return False


ENTRANCES: Final[dict[str, Entrance]] = {
    "experiment": Entrance(770, _make_experiment, _enter_experiment),
    "journal": Entrance(70, _make_journal, _enter_journal),
    "variables": Entrance(40, _make_word(seeds.VARIABLES), _enter_variables),
    "settings": Entrance(30, _make_settings, _enter_settings),
    "plan": Entrance(20, _make_plan, _enter_plan),
    "proxies": Entrance(30, _make_proxies, _enter_proxies),
    "units": Entrance(20, _make_word(seeds.QUANTITIES), _enter_units),
    "marks": Entrance(10, _make_word(seeds.MARKS), _enter_marks),
    "explain": Entrance(10, _make_word(seeds.WORDS), _enter_explain),
}
