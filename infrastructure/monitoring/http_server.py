"""Measuring the answers of the program's own API."""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from infrastructure.monitoring.metrics import Metrics

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

UNMATCHED = "unmatched"
"""The route of a path that the application does not know: any client can invent as many."""


class HttpServerMetrics:
    """ASGI middleware: the duration of every request by method, route and status.

    ``app.add_middleware(HttpServerMetrics, metrics=metrics)`` in Starlette and FastAPI, added last,
    so that it stands around all others. The route is the template (``/titles/{id}``) that the
    router has found. A request whose handler fails, or whose client leaves before there is an
    answer, counts with status 500 or 499.
    """

    def __init__(self, app: App, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Measure an HTTP request; let anything else through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 499

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        self._metrics.serving.inc()
        try:
            await self._app(scope, receive, noting)
        except Exception:
            status = 500
            raise
        finally:
            self._metrics.serving.dec()
            seconds = time.perf_counter() - began
            self._metrics.answered(scope["method"], route_of(scope), status, seconds)


def route_of(scope: Message) -> str:
    """The template of the route that was taken, with what stands before it.

    Who answers in place of a route says so by ``route_template``.
    """
    if isinstance(known := scope.get("route_template"), str):
        return known
    route = scope.get("route")
    path, pattern = getattr(route, "path", None), getattr(route, "path_regex", None)
    if not isinstance(path, str) or not isinstance(pattern, re.Pattern):
        return UNMATCHED
    return _prefix_of(scope, pattern) + path


def _prefix_of(scope: Message, pattern: re.Pattern[str]) -> str:
    """The prefix of the router that has the route, which FastAPI and Starlette do not note with it.

    It is what the route's own pattern leaves over of the path. A prefix with parameters of its own
    is left out: a client could invent as many.
    """
    if scope.get("path_params", {}).keys() - pattern.groupindex.keys():
        return ""
    parts = scope["path"].split("/")
    for count in range(1, len(parts) + 1):
        rest = "".join(f"/{part}" for part in parts[count:])
        if pattern.match(rest):
            return "/".join(parts[:count])
    return ""
