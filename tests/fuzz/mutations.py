"""What is done to a sound file: to its bytes, to its structure, to its values. All of it follows from a `Random`."""

import base64
import copy
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from random import Random
from typing import Any, Final

import yaml

from tests.fuzz.seeds import PYTHON

Change = Callable[[Any, Any, Random], None]

ODD: Final[list[Any]] = [
    None, True, False, 0, -1, -0.0, 10**400, -(10**30), 2**63, 1e308, 5e-324, -0.5, 1.5, float("nan"), float("inf"),
    float("-inf"), date(2026, 2, 1), datetime(1, 1, 1), b"bytes", "", " ", "é日本", "\u202e\x1b", "\ufeff", "\u2028",  # noqa: DTZ001
    "30", "30s", "0s", "5%", "34%%", "200%", "10Mi", "-1s", "1e9h", "1e400", "0x1F", "010", "1:30", "yes", "NaN", "~",
    "9" * 400 + "s", "9" * 400 + "Ti", "366d", "367d", "1" * 1001, "2026-13-45", "2026-01-01", "a:int=1",
    "${wait}", "${", "${a", "${}", "$", "$$", "a${wait}b", "${minus}", "${inf}", "~a\0b", "a\0b", ".path", "os.path",
    "no.such", "exists", "(", "(a+)+$", "[" * 5000, "x" * 5000, "range", "jsonpath", "$.a[?(", "$..*", "regex", "env",
    "vault", "int", "float", "json", "bool", "bytes", "probe", "action", "python", "process", "http", "proxy.cut",
    "host.process_kill", "host.no_such", "http.latency", "tcp.connect", "slow", "act", "always", "m0", "m0.0", "r9",
    "http://[", "http://127.0.0.1:99999/", "::1", "/", "../..", "a/b", "-", "passed", "restored", "AKIA" + "A" * 16,
    [], {}, [None], [[]], [1, 2], [2, 1], ["1s", "5%"], {"": {}}, {"ref": "act"}, {"type": "probe"}, {"a": {"b": []}},
    PYTHON, {"type": "env", "key": "NO_SUCH", "default": "1"}, {"type": "env", "key": 1},
    {"type": "env", "key": "NO_SUCH", "default": float("inf"), "env_var_type": "int"},
    {"type": "env", "key": "NO_SUCH", "default": "[" * 100_000, "env_var_type": "json"},
]
NAMES: Final = ["x-mine", "nam", "Title", "ref", "use", "fault", "probe", "provider", "below", "tolerance", "every",
                "undo", "controls", "limits", "pauses", "", "é", "name", "type", "duration", "on", "arguments",
                "target", "configuration", "default", "env_var_type", "rollbacks", "method", "seed", "timeout",
                "<<", "y"]
PAWS: Final = [b"", b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\r", b"\n", b"\t", b"\xed\xa0\x80", b"\\ud800",
               b"\xc2\x85", b"\xe2\x80\xa8", b"\x1b[31m", b": ", b"- ", b'"', b"'", b"{", b"}", b"[", b"]", b",",
               b"&a ", b"*a", b"<<: *base\n", b"!!python/object:os.system ", b"!!set ", b"!!omap ", b"!!binary ",
               b"!!float ", b"!!int ", b"!x ", b"? ", b"| ", b"> ", b"%TAG ! x\n", b"---\n", b"...\n", b"#", b"//",
               b"`", b"@", b"0", b"9" * 1200, b"1e999", b"NaN", b"-Infinity", b"${", b"x" * 70_000, b"\xf0\x9f\x98\x80",
               b"%", b"~"]


def scribbled(text: bytes, chance: Random) -> bytes:
    """The text with one to four things done to its bytes."""
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(SCRIBBLES)(text, chance)
    return text


def _flip(text: bytes, chance: Random) -> bytes:
    if not text:
        return text
    at = chance.randrange(len(text))
    return text[:at] + bytes([text[at] ^ 1 << chance.randrange(8)]) + text[at + 1:]


def _truncate(text: bytes, chance: Random) -> bytes:
    return text[: chance.randint(0, len(text))]


def _insert(text: bytes, chance: Random) -> bytes:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(PAWS) + text[at:]


def _cut_out(text: bytes, chance: Random) -> bytes:
    at = chance.randint(0, len(text))
    return text[:at] + text[at + chance.choice((1, 2, 10, 100)):]


def _overwrite(text: bytes, chance: Random) -> bytes:
    paw = chance.choice(PAWS)
    at = chance.randint(0, len(text))
    return text[:at] + paw + text[at + len(paw):]


def _lines(text: bytes, chance: Random) -> bytes:
    """A line lost, doubled, moved, indented."""
    lines = text.split(b"\n")
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    done = chance.randrange(4)
    if done == 0:
        del lines[at]
    elif done == 1:
        lines.insert(at, lines[at])
    elif done == 2:
        lines.insert(to, lines.pop(at))
    else:
        lines[at] = chance.choice((b" ", b"\t", b"    ")) + lines[at]
    return b"\n".join(lines)


def _recode(text: bytes, chance: Random) -> bytes:
    """Other line ends, another encoding, another mark."""
    done = chance.randrange(5)
    if done == 0:
        return text.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\xc2\x85", b" ", b"")))
    if done == 1:
        return b"\xef\xbb\xbf" + text
    codec = chance.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"))
    return text.decode("utf-8", "replace").encode(codec, "replace")


SCRIBBLES: Final = (_flip, _flip, _truncate, _insert, _insert, _insert, _cut_out, _overwrite, _lines, _lines, _recode)


def changed(data: Any, chance: Random) -> Any:
    """The data with one to four things done to its structure or its values."""
    data = copy.deepcopy(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        places = list(spots(data))
        if places:
            chance.choice(CHANGES)(*chance.choice(places), chance)
    return data


def filled(chance: Random) -> dict[str, Any]:
    """An experiment that is sound but for what `${name}` stands for, wherever it may be filled in."""
    odd = {f"c{n}": copy.deepcopy(chance.choice(ODD)) for n in range(3)}
    kind = chance.choice((None, "str", "int", "float", "bool", "bytes", "json", "set", 1))
    odd["c3"] = {"type": "env", "key": "NO_SUCH", "default": copy.deepcopy(chance.choice(ODD)), "env_var_type": kind}
    name = f"${{{chance.choice(list(odd))}}}"
    provider = {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": name}}
    step = {"name": name, "type": "action", "provider": provider, "expect": name,
            "pauses": {"before": name, "after": chance.choice((0, "${c0}", "366d"))},
            "undo": {"provider": provider}}
    probe = {"name": name, "type": "probe", "provider": provider, "tolerance": chance.choice((name, [name], True))}
    return {"title": f"a {name}", "description": name, "configuration": odd, "secrets": {"g": {"s": odd["c1"]}},
            "steady-state-hypothesis": {"title": name, "probes": [probe]}, "method": [step] * chance.randint(0, 2),
            "rollbacks": [{**step, "undo": None}] * chance.randint(0, 1), "seed": chance.choice((None, 1, 2**80)),
            "stop-when": chance.choice(([], [{"name": name, "type": "probe", "provider": provider, "equals": 1}]))}


def spots(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in the data: a mapping or list, and a key or index in it."""
    if isinstance(data, dict | list):
        for key in list(data) if isinstance(data, dict) else range(len(data)):
            yield data, key
            yield from spots(data[key])


def _delete(holder: Any, key: Any, _: Random) -> None:
    del holder[key]


def _replace(holder: Any, key: Any, chance: Random) -> None:
    holder[key] = copy.deepcopy(chance.choice(ODD))


def _repeat(holder: Any, key: Any, chance: Random) -> None:
    if isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[chance.choice(NAMES)] = copy.deepcopy(holder[key])


def _rename(holder: Any, key: Any, chance: Random) -> None:
    value = holder.pop(key)
    if isinstance(holder, dict):
        holder[chance.choice(NAMES)] = value


def _wrap(holder: Any, key: Any, chance: Random) -> None:
    """In a few lists, or in so many that the file is too deep."""
    for _ in range(chance.choice((1, 2, 60, 120))):
        holder[key] = [holder[key]] if chance.random() < 0.5 else {"x": holder[key]}


def _add(holder: Any, _: Any, chance: Random) -> None:
    odd = copy.deepcopy(chance.choice(ODD))
    if isinstance(holder, list):
        holder.insert(chance.randint(0, len(holder)), odd)
    else:
        holder[chance.choice(NAMES)] = odd


def _twist(holder: Any, key: Any, chance: Random) -> None:
    """The same value in another type, or written a little differently."""
    value = holder[key]
    if isinstance(value, str):
        holder[key] = chance.choice((value.upper(), value + " ", "-" + value, value + "%", value * 50, [value],
                                     {value: value}, value[1:], value.encode(errors="replace"), "${" + value + "}"))
    elif isinstance(value, bool | int | float) and abs(value) < 2**999:
        much = value << 999 if isinstance(value, int) else value * 1e300
        holder[key] = chance.choice((-value, much, str(value), f"{value}s", [value], bool(value)))
    elif isinstance(value, dict):
        holder[key] = chance.choice((list(value), list(value.values()), str(value), None))
    else:
        holder[key] = chance.choice(({}, str(value), {str(value): value}))


def _move(holder: Any, key: Any, chance: Random) -> None:
    """What stands here stands somewhere in its own neighbourhood too, or instead."""
    others = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    other = chance.choice(others)
    holder[key], holder[other] = copy.deepcopy(holder[other]), copy.deepcopy(holder[key])


CHANGES: Final[Sequence[Change]] = (_delete, _replace, _replace, _replace, _repeat, _rename, _wrap, _add, _twist,
                                    _twist, _move)


def in_json(data: Any, chance: Random) -> bytes:
    """As JSON, in one of the ways it is written."""
    indent = chance.choice((None, 1, 2))
    return json.dumps(data, indent=indent, default=_told, ensure_ascii=chance.random() < 0.5).encode(
        "utf-8", "surrogatepass")


def in_yaml(data: Any, chance: Random) -> bytes:
    """As YAML, in one of the ways it is written."""
    text: str = yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=chance.random() < 0.5, sort_keys=False,
                          default_flow_style=chance.choice((None, True, False)), width=chance.choice((80, 10_000)))
    return text.encode("utf-8", "surrogatepass")


def _told(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def monster(chance: Random) -> bytes:
    """A file that is made to take for ever, or all there is."""
    return chance.choice(MONSTERS)(chance)


def _laughs(chance: Random) -> bytes:
    rows = [b"x-0: &a0 [lol, lol]"]
    for n in range(1, chance.randint(3, 40)):
        alias = b"*a%d" % (n - 1)
        rows.append(b"x-%d: &a%d " % (n, n) + chance.choice((b"[" + b", ".join([alias] * 9) + b"]",
                                                              b"{<<: [%s, %s], k%d: %s}" % (alias, alias, n, alias))))
    return b"\n".join(rows)


def _deep(chance: Random) -> bytes:
    depth = chance.choice((90, 101, 1000, 100_000))
    opening = chance.choice((b"[", b"{", b'{"a":', b"- ", b"? ", b"a: {", b"!!seq ["))
    return b'{"title": ' * (chance.random() < 0.5) + opening * depth


def _wide(chance: Random) -> bytes:
    item = chance.choice((b"1", b'"a"', b"{}", b'{"ref": "a"}', b'{"fault": "proxy.cut"}', b"yes", b"${x}", b"~"))
    count = chance.choice((1000, 20_000, 99_000, 200_000))
    return b'{"title": "t", "description": "d", "method": [' + b", ".join([item] * count) + b"]}"


def _one_long_line(chance: Random) -> bytes:
    letter = chance.choice((b"x", b" ", b"\t", "日".encode(), b"\\u0041", b"'", b"9", b"${a}", b"\xcc\x81", b"&"))
    return b"title: " + chance.choice((b'"', b"'", b"", b"|\n ", b">\n ")) + letter * chance.choice((4999, 300_000))


def _long_lives(chance: Random) -> bytes:
    """So many steps, each of which may take a year, that the calendar ends."""
    count = chance.choice((10, 2000, 12_000))
    step = b"{name: a, fault: proxy.cut, target: {proxy: a}, duration: 366d}"
    return (b"title: t\ndescription: d\nx-a: &a " + step + b"\nmethod: [" + b", ".join([b"*a"] * count) + b"]\n")


def _same_keys(chance: Random) -> bytes:
    count = chance.choice((2, 300, 20_000))
    rows = [b'"%s": %d' % (chance.choice((b"title", b"a", b"method")), n) for n in range(count)]
    return b"{" + b", ".join(rows) + b"}"


def _many_findings(chance: Random) -> bytes:
    key = chance.choice((b"titel", b"metho", b"x" * 50, "é".encode() * 99))
    rows = [key + b"%d: no" % n for n in range(chance.choice((199, 5000, 20_000)))]
    return b"\n".join(rows)


MONSTERS: Final = (_laughs, _deep, _wide, _one_long_line, _long_lives, _same_keys, _many_findings)
