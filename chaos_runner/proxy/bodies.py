"""JSON to nouns and back: what the API takes and shows. Unknown fields are ignored, null is as good as absent."""

import json
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from chaos_runner.proxy import toxics
from chaos_runner.proxy.rejected import Rejected, bad_body
from chaos_runner.proxy.toxic import Dose, Toxic

if TYPE_CHECKING:
    from chaos_runner.proxy.tcp import TcpProxy

Json = dict[str, object]
_T = TypeVar("_T")
_WORDS: Final = {str: "string", bool: "bool", int: "int64", dict: "object", list: "array"}


class ProxyBody(NamedTuple):
    """A proxy as someone wants it."""

    name: str = ""
    listen: str = ""
    upstream: str = ""
    enabled: bool = True


def read_proxy(body: bytes, base: ProxyBody) -> ProxyBody:
    """The proxy that is asked for; `base` stands for what is not said. Raises Rejected."""
    return _proxy(_as_object(_parse(body)), base)


def read_proxies(body: bytes) -> list[ProxyBody]:
    """A list of proxies. Raises Rejected."""
    found = _parse(body)
    if not isinstance(found, list):
        raise bad_body(f"wanted an array of proxies, found {_word(found)}")
    return [_proxy(_as_object(each), ProxyBody()) for each in found]


def read_new_toxic(body: bytes) -> Dose:
    """A toxic to add. Raises Rejected."""
    said = _as_object(_parse(body))
    kind, stream = _text(said, "type", ""), _text(said, "stream", "") or "downstream"
    name, toxicity = _text(said, "name", "") or f"{kind}_{stream}", _number(said, "toxicity", 1)
    if stream.lower() not in ("upstream", "downstream"):
        raise Rejected(400, "stream was invalid, can be either upstream or downstream")
    toxic = toxics.find(kind)
    if toxic is None:
        raise Rejected(400, "invalid toxic type")
    return Dose(name, kind, stream, toxicity, _with_attributes(toxic(), said))


def read_changed_toxic(body: bytes, dose: Dose) -> Dose:
    """The toxic with other attributes or another toxicity; the rest cannot be changed. Raises Rejected."""
    said = _as_object(_parse(body))
    return replace(dose, toxicity=_number(said, "toxicity", dose.toxicity), toxic=_with_attributes(dose.toxic, said))


def show_proxy(proxy: "TcpProxy") -> Json:
    return {
        "name": proxy.name, "listen": proxy.listen, "upstream": proxy.upstream, "enabled": proxy.enabled,
        "toxics": show_toxics(proxy),
    }


def show_toxics(proxy: "TcpProxy") -> list[Json]:
    return [show_toxic(dose) for dose in proxy.doses()]


def show_toxic(dose: Dose) -> Json:
    return {
        "attributes": asdict(dose.toxic), "name": dose.name, "type": dose.type, "stream": dose.stream,
        "toxicity": dose.toxicity,
    }


def _parse(body: bytes) -> object:
    if not body.strip():
        raise bad_body("EOF")
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_body(str(error)) from error


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def _proxy(said: Json, base: ProxyBody) -> ProxyBody:
    return ProxyBody(
        name=_text(said, "name", base.name),
        listen=_text(said, "listen", base.listen),
        upstream=_text(said, "upstream", base.upstream),
        enabled=_typed(said, "enabled", bool, base.enabled),
    )


def _with_attributes(toxic: Toxic, said: Json) -> Toxic:
    given = _typed(said, "attributes", dict, {})
    known = {field.name: _typed(given, field.name, int, getattr(toxic, field.name)) for field in fields(toxic)}
    return replace(toxic, **known)


def _as_object(found: object) -> Json:
    if not isinstance(found, dict):
        raise bad_body(f"wanted an object, found {_word(found)}")
    return found


def _text(said: Json, field: str, default: str) -> str:
    return _typed(said, field, str, default)


def _number(said: Json, field: str, default: float) -> float:
    value = said.get(field)
    return value if isinstance(value, float) else _typed(said, field, int, default)


def _typed(said: Json, field: str, kind: type[_T], default: _T) -> _T:
    value = said.get(field)
    if value is None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise bad_body(f"field {field} wants {_WORDS[kind]}, found {_word(value)}")
    return value


def _word(value: object) -> str:
    return "null" if value is None else _WORDS.get(type(value), f"number {value}")
