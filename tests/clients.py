"""HTTP clients for tests."""

import threading
from typing import Any

from infrastructure.http.client import HttpClient
from infrastructure.http.rate_limit import RateLimit


def http_client(**changes: Any) -> HttpClient:
    """A client without a rate limit, unless a test says so."""
    stop = changes.pop("stop", threading.Event())
    given: dict[str, Any] = {
        "max_connections": 10,
        "timeout_seconds": 5.0,
        "max_attempts": 4,
        "max_body_bytes": 1 << 24,
        "user_agent": "test-agent/1",
        "language": "de-AT",
        "rate_limit": RateLimit(changes.pop("requests_per_second", 0), stop),
        "proxies": [],
        "stop": stop,
    }
    return HttpClient(**(given | changes))
