"""The pool of connections that all threads share."""

import ssl
from typing import Any

import certifi
from requests.adapters import HTTPAdapter
from urllib3 import ProxyManager
from urllib3.connection import HTTPSConnection


class SharedContextAdapter(HTTPAdapter):
    """Pools connections, with one `ssl.SSLContext` for all of them.

    `requests` has every new TLS connection read the bundle of authorities anew, 20 ms of CPU each,
    which fifty connections pay one after the other. An `SSLContext` may be shared by threads.
    Trusted are the authorities of certifi and of the system, among them what ``SSL_CERT_FILE`` and
    ``SSL_CERT_DIR`` name (OpenSSL's own variables). Certificates and names are always checked.
    """

    def __init__(self, *, max_connections: int) -> None:
        self._context = ssl.create_default_context()
        self._context.load_verify_locations(certifi.where())
        super().__init__(pool_maxsize=max_connections)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        """Make the pools with our context."""
        pool_kwargs["ssl_context"] = self._context
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> ProxyManager:
        """Make the pools behind a proxy with our context."""
        proxy_kwargs["ssl_context"] = self._context
        manager: ProxyManager = super().proxy_manager_for(proxy, **proxy_kwargs)
        return manager

    def cert_verify(self, conn: HTTPSConnection, url: str, verify: Any, cert: Any) -> None:
        """Leave the checking of certificates to the context, which always does it."""
