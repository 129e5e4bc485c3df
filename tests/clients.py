"""HTTP clients for tests."""

import threading
from typing import Any

from infrastructure.http.client import HttpClient


def http_client(**changes: Any) -> HttpClient:
    """A client without a rate limit that asks for no robots.txt, unless a test says so."""
    given: dict[str, Any] = {
        "max_connections": 10,
        "timeout_seconds": 5.0,
        "max_attempts": 4,
        "max_body_bytes": 1 << 24,
        "user_agent": "test-agent/1",
        "language": "de-AT",
        "requests_per_second": 0,
        "obeys_robots": False,
        "proxies": [],
        "stop": threading.Event(),
    }
    return HttpClient(**(given | changes))
