"""Proxies, used in turn."""

import itertools
import threading
from collections.abc import Sequence


class ProxyRotation:
    """Gives each request the next proxy, so that a retry goes through another one.

    Any number of threads may call it; a lock guards whose turn it is. SOCKS proxies go through
    PySocks; with ``socks5h`` the proxy resolves names.
    """

    def __init__(self, proxies: Sequence[str]) -> None:
        self._turns = itertools.cycle(proxies) if proxies else None
        self._lock = threading.Lock()

    def next(self) -> dict[str, str]:
        """The next proxy as `requests` wants it, or an empty mapping for a direct connection."""
        if self._turns is None:
            return {}
        with self._lock:
            proxy = next(self._turns)
        return {"http": proxy, "https": proxy}
