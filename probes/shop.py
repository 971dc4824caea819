"""Questions to the shop that need more than one request."""

import urllib.error
import urllib.request


def share_of_checkouts_that_fail(shop_url: str, checkouts: int = 40, timeout_s: float = 2.0) -> float:
    """Pays as so many customers, one after the other; gives the share that was refused, from 0 to 1."""
    failed = sum(not _pays(f"{shop_url}/checkout?customer={customer + 1}", timeout_s) for customer in range(checkouts))
    return failed / checkouts


def _pays(url: str, timeout_s: float) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 -- the shop's own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
