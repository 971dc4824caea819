"""Toxiproxy's HTTP API: which request does what to the proxies."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from chaos_runner.proxy.bodies import (
    ProxyBody,
    read_changed_toxic,
    read_new_toxic,
    read_proxies,
    read_proxy,
    show_proxy,
    show_toxic,
    show_toxics,
)
from chaos_runner.proxy.collection import Collection
from chaos_runner.proxy.http import Request, Response, as_json
from chaos_runner.proxy.rejected import Rejected
from chaos_runner.proxy.tcp import TcpProxy

TOXIPROXY_VERSION: Final = "2.12.0"
_NO_BROWSERS: Final = Response(403, b"User agent not allowed\n", "text/plain; charset=utf-8")
_NO_PAGE: Final = Response(404, b"404 page not found\n", "text/plain; charset=utf-8")

Call = Callable[[Request], Awaitable[Response]]


class Api:
    """Handles requests one after the other: each sees the proxies as the one before has left them."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._turn = asyncio.Lock()

    async def handle(self, request: Request) -> Response:
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            return _NO_BROWSERS  # no web page a person happens to open may command this
        calls = self._calls(request.segments)
        if calls is None:
            return _NO_PAGE
        call = calls.get(request.method)
        if call is None:
            return Response(405)
        return await self._answer(call, request)

    async def _answer(self, call: Call, request: Request) -> Response:
        async with self._turn:
            try:
                return await call(request)
            except Rejected as error:
                return as_json(error.status, {"error": error.message, "status": error.status})

    def _calls(self, path: list[str]) -> dict[str, Call] | None:
        match path:
            case ["version"]:
                return {"GET": self._version}
            case ["reset"]:
                return {"POST": self._reset}
            case ["populate"]:
                return {"POST": self._populate}
            case ["proxies"]:
                return {"GET": self._index, "POST": self._create}
            case ["proxies", name] if name:
                return self._proxy_calls(name)
            case ["proxies", name, "toxics"] if name:
                return self._toxics_calls(name)
            case ["proxies", name, "toxics", toxic] if name and toxic:
                return self._toxic_calls(name, toxic)
        return None

    def _proxy_calls(self, name: str) -> dict[str, Call]:
        async def show(_: Request) -> Response:
            return as_json(200, show_proxy(self._collection.get(name)))

        async def update(request: Request) -> Response:
            return await _updated(self._collection.get(name), request)

        async def delete(_: Request) -> Response:
            self._collection.delete(name)
            return Response(204)

        return {"GET": show, "POST": update, "PATCH": update, "DELETE": delete}

    def _toxics_calls(self, name: str) -> dict[str, Call]:
        async def index(_: Request) -> Response:
            return as_json(200, show_toxics(self._collection.get(name)))

        async def add(request: Request) -> Response:
            return _added(self._collection.get(name), request)

        return {"GET": index, "POST": add}

    def _toxic_calls(self, name: str, toxic: str) -> dict[str, Call]:
        async def show(_: Request) -> Response:
            return as_json(200, show_toxic(self._collection.get(name).dose(toxic)))

        async def update(request: Request) -> Response:
            proxy = self._collection.get(name)
            changed = read_changed_toxic(request.body, proxy.dose(toxic))
            proxy.update(changed)
            return as_json(200, show_toxic(changed))

        async def remove(_: Request) -> Response:
            proxy = self._collection.get(name)
            proxy.remove(proxy.dose(toxic))
            return Response(204)

        return {"GET": show, "POST": update, "PATCH": update, "DELETE": remove}

    async def _version(self, _: Request) -> Response:
        return as_json(200, {"version": TOXIPROXY_VERSION, "server": "chaos-runner"})

    async def _reset(self, _: Request) -> Response:
        for proxy in self._collection.all():
            await proxy.reset()
        return Response(204)

    async def _index(self, _: Request) -> Response:
        return as_json(200, {proxy.name: show_proxy(proxy) for proxy in self._collection.all()})

    async def _create(self, request: Request) -> Response:
        return as_json(201, show_proxy(await self._collection.create(read_proxy(request.body, ProxyBody()))))

    async def _populate(self, request: Request) -> Response:
        done: list[TcpProxy] = []
        try:
            await self._collection.populate(read_proxies(request.body), done)
        except Rejected as error:
            trouble = {"error": error.message, "status": error.status}
            return as_json(error.status, trouble | {"proxies": [show_proxy(proxy) for proxy in done]})
        return as_json(201, {"proxies": [show_proxy(proxy) for proxy in done]})


async def _updated(proxy: TcpProxy, request: Request) -> Response:
    now = ProxyBody(proxy.name, proxy.listen, proxy.upstream, proxy.enabled)
    wanted = read_proxy(request.body, now)
    await proxy.move(wanted.listen, wanted.upstream)
    await proxy.enable(wanted.enabled)
    return as_json(200, show_proxy(proxy))


def _added(proxy: TcpProxy, request: Request) -> Response:
    dose = read_new_toxic(request.body)
    if proxy.has(dose.name):
        raise Rejected(409, "toxic already exists")
    proxy.add(dose)
    return as_json(200, show_toxic(dose))
