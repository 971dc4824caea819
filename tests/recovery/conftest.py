"""Proxies, as the tests of faults have them."""

from tests.faults.conftest import address, api, echo, proxy, setting

__all__ = ["address", "api", "echo", "proxy", "setting"]
