"""Pools of connections that all threads share."""

import ssl
import threading
from typing import Any

import certifi
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import ProxyManager
from urllib3.connection import HTTPSConnection

from infrastructure.http.deadlines import note_connections


class SharedContext:
    """One `ssl.SSLContext` for all connections, made when the first one needs it, under a lock.

    `requests` has every new TLS connection read the bundle of authorities anew, 20 ms of CPU each,
    which fifty connections pay one after the other. An `SSLContext` may be shared by threads.
    Trusted are the authorities of certifi and of the system, among them what OpenSSL's own
    variables ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: ssl.SSLContext | None = None

    def get(self) -> ssl.SSLContext:
        """The context; any thread may ask for it."""
        with self._lock:
            if self._made is None:
                self._made = ssl.create_default_context()
                self._made.load_verify_locations(certifi.where())
            return self._made


class SharedContextAdapter(HTTPAdapter):
    """Pools connections of one route, with a context that all routes share.

    Any number of threads may use it. Certificates and names are always checked.
    """

    def __init__(self, context: SharedContext, *, max_connections: int) -> None:
        self._context = context
        super().__init__(pool_maxsize=max_connections)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools, whose connections a `Deadline` can end."""
        super().init_poolmanager(*arguments, **options)
        note_connections(self.poolmanager)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Have the pools of https addresses made with our context."""
        where, options = super().build_connection_pool_key_attributes(request, verify, cert)
        if where["scheme"] == "https":
            options["ssl_context"] = self._context.get()
        return where, options

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> ProxyManager:
        """Make the pools behind a proxy, with our context towards a proxy that speaks TLS."""
        if proxy.lower().startswith("https://"):
            proxy_kwargs["proxy_ssl_context"] = self._context.get()
        known = proxy in self.proxy_manager
        manager: ProxyManager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not known:
            note_connections(manager)
        return manager

    def cert_verify(self, conn: HTTPSConnection, url: str, verify: Any, cert: Any) -> None:
        """Leave the checking of certificates to the context, which always does it."""
