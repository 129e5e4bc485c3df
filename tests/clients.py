"""HTTP clients for tests."""

import threading
from typing import Any

from infrastructure.http.client import HttpClient
from infrastructure.http.routes import RoutePool, route_groups
from infrastructure.scrapers.imdb_html import PageLocale
from shared.setting_values import ProxyUrl, TorSocksUrl

LOCALE = PageLocale("en-US", "US", lambda notice: None)
"""For sources whose pages may be for anybody."""


def http_client(**changes: Any) -> HttpClient:
    """A client without a rate limit that asks for no robots.txt, unless a test says so.

    Over ``proxies`` when there are any.
    """
    stop = changes.pop("stop", threading.Event())
    proxies = [ProxyUrl(url) for url in changes.pop("proxies", [])]
    order = changes.pop("order", ["proxies" if proxies else "direct"])
    routes = RoutePool(
        route_groups(order, proxies, TorSocksUrl(changes.pop("tor_socks_url", ""))),
        max_connections=changes.pop("max_connections", 10),
        circuits=changes.pop("circuits", None),
        stop=stop,
    )
    given: dict[str, Any] = {
        "timeout_seconds": 5.0,
        "max_attempts": 4,
        "max_body_bytes": 1 << 24,
        "user_agent": "test-agent/1",
        "language": "en-US",
        "country": "US",
        "requests_per_second": 0,
        "obeys_robots": False,
        "routes": routes,
        "stop": stop,
    }
    return HttpClient(**(given | changes))
