"""All the proxies of a process."""

from chaos_runner.proxy.bodies import ProxyBody
from chaos_runner.proxy.rejected import Rejected, missing
from chaos_runner.proxy.tcp import TcpProxy


class Collection:
    """Proxies by name."""

    def __init__(self) -> None:
        self._proxies: dict[str, TcpProxy] = {}

    def all(self) -> list[TcpProxy]:
        """By name."""
        return sorted(self._proxies.values(), key=lambda proxy: proxy.name)

    def get(self, name: str) -> TcpProxy:
        """Raises Rejected (404)."""
        if name not in self._proxies:
            raise Rejected(404, "proxy not found")
        return self._proxies[name]

    async def create(self, wanted: ProxyBody) -> TcpProxy:
        """Raises Rejected: a field is missing, the name is taken, the port cannot be had."""
        _complete(wanted, "")
        if wanted.name in self._proxies:
            raise Rejected(409, "proxy already exists")
        return await self._put(wanted)

    async def populate(self, wanted: list[ProxyBody], done: list[TcpProxy]) -> None:
        """Creates or replaces; what already is as wanted is left alone, toxics included.

        Appends to `done` as it goes, for when the port of a later one cannot be had: then Rejected is raised.
        """
        for number, each in enumerate(wanted, 1):
            _complete(each, f" at proxy {number}")
        for each in wanted:
            proxy = await self._as_wanted(each)
            done.append(proxy)

    def delete(self, name: str) -> None:
        """Raises Rejected (404)."""
        self.get(name).stop()
        del self._proxies[name]

    def stop(self) -> None:
        for proxy in self._proxies.values():
            proxy.stop()

    async def _as_wanted(self, wanted: ProxyBody) -> TcpProxy:
        there = self._proxies.get(wanted.name)
        if there and not await there.differs(wanted.listen, wanted.upstream):
            return there
        if there:
            there.stop()
        return await self._put(wanted)

    async def _put(self, wanted: ProxyBody) -> TcpProxy:
        proxy = TcpProxy(wanted.name, wanted.listen, wanted.upstream)
        await proxy.enable(wanted.enabled)
        self._proxies[proxy.name] = proxy
        return proxy


def _complete(wanted: ProxyBody, where: str) -> None:
    for field in ("name", "upstream"):
        if not getattr(wanted, field):
            raise missing(f"{field}{where}")
