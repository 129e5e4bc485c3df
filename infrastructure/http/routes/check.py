"""Testing routes one by one: what ``python main.py routes`` shows."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import requests
import urllib3

from infrastructure.http.adapter import SharedContext, SharedContextAdapter
from infrastructure.http.causes import Cause, cause_of
from infrastructure.http.deadlines import Deadline, Deadlines
from infrastructure.http.routes.failures import RouteFailed, refused_password, route_failure
from infrastructure.http.routes.route import Route
from infrastructure.http.routes.tor import TorCircuits, TorUnusable

BlockReason = Callable[[int, Mapping[str, str], bytes], str | None]
"""Says how an answer blocks us, of its status, headers and body; ``None`` when it does not."""

_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError)
_AT_A_TIME = 20
_READ_BYTES = 1 << 16
_WHOLE_TIMEOUTS = 2
"""An answer has to begin within so many time limits, one to connect and one to answer."""
_BY_THE_PROXY = "name resolved by proxy"
_FAMILIES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}


@dataclass(frozen=True, slots=True)
class RouteCheck:
    """How one route is. ``latency_ms`` is until the answer began; ``None`` when none did.

    ``family`` is how the site was reached, as far as that is known: ``IPv4``, ``IPv6``, or who
    looked the name up. ``state`` is for people and has no credentials in it. ``note`` is about new
    circuits, for Tor only.
    """

    route: str
    works: bool
    family: str
    latency_ms: float | None
    state: str
    note: str = ""


class RouteChecker:
    """Asks an address once over each route, twenty at a time, each with the whole time limit.

    When whoever takes the results stops doing so, what is under way is ended.
    """

    def __init__(
        self,
        *,
        url: str,
        timeout_seconds: float,
        headers: Mapping[str, str],
        block_reason: BlockReason,
        circuits: TorCircuits | None,
    ) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._headers = dict(headers)
        self._block_reason = block_reason
        self._circuits = circuits
        self._context = SharedContext()

    def check(self, routes: Sequence[Route]) -> Iterator[RouteCheck]:
        """Test the routes; gives what was found in their order, each when it is known."""
        over = threading.Event()
        with closing(Deadlines(over, grace_seconds=0.0)) as deadlines:
            pool = ThreadPoolExecutor(min(len(routes), _AT_A_TIME))
            try:
                yield from pool.map(partial(self._in_time, deadlines), routes)
            finally:
                over.set()
                pool.shutdown(cancel_futures=True)

    def _in_time(self, deadlines: Deadlines, route: Route) -> RouteCheck:
        with deadlines.within(_WHOLE_TIMEOUTS * self._timeout_seconds) as deadline:
            return self._of(route, deadline)

    def _of(self, route: Route, deadline: Deadline) -> RouteCheck:
        adapter = SharedContextAdapter(self._context, max_connections=1)
        began = time.monotonic()
        try:
            with self._answer(adapter, route) as answer:
                latency_ms = (time.monotonic() - began) * 1000
                if answer.status_code == 407 and route.proxies:
                    return self._failed(route, refused_password())
                family = self._family(route, answer)
                body = answer.raw.read1(_READ_BYTES, decode_content=True)
                if deadline.over:  # headers that are cut look like whole ones
                    raise TimeoutError
                state, works = self._state(answer, body)
        except _ERRORS as error:
            if deadline.over:
                cause = Cause(f"no whole answer within {deadline.seconds:g} s")
                return self._failed(route, RouteFailed("timed out", cause))
            failure = route_failure(error, self._timeout_seconds)
            cause = cause_of(error, self._timeout_seconds)
            return self._failed(route, failure or RouteFailed("failed", cause))
        finally:
            adapter.close()
        return RouteCheck(route.name, works, family, latency_ms, state, self._note(route))

    def _answer(self, adapter: SharedContextAdapter, route: Route) -> requests.Response:
        request = requests.Request("GET", self._url, headers=self._headers).prepare()
        limit = self._timeout_seconds
        return adapter.send(request, stream=True, timeout=(limit, limit), proxies=route.proxies)

    def _state(self, answer: requests.Response, body: bytes) -> tuple[str, bool]:
        status = answer.status_code
        reason = self._block_reason(status, answer.headers, body)
        if reason is None and status in {403, 405, 429}:
            reason = f"HTTP {status}"
        if reason is not None:
            return f"blocked ({reason})", False
        return (f"failed (HTTP {status})", False) if status >= 500 else ("ok", True)

    def _failed(self, route: Route, failure: RouteFailed) -> RouteCheck:
        state: str = failure.kind
        if failure.kind in {"failed", "timed out"}:
            state = f"{failure.kind} ({failure})"
        family = _BY_THE_PROXY if _looks_names_up(route) else "unknown"
        return RouteCheck(route.name, False, family, None, state, self._note(route))

    def _note(self, route: Route) -> str:
        """Whether a new circuit could be had."""
        if route.kind != "tor":
            return ""
        if self._circuits is None:
            return "no new circuits: TOR_CONTROL_URL is empty"
        try:
            self._circuits.check()
        except TorUnusable as error:
            return f"no new circuits: {error}"
        return "new circuits can be asked for"

    def _family(self, route: Route, answer: requests.Response) -> str:
        if route.kind == "direct":
            return _family_of_connection(answer)
        if _looks_names_up(route):
            return _BY_THE_PROXY
        # PySocks takes the first address of the look-up, too.
        parts = urlsplit(self._url)
        first, *_ = socket.getaddrinfo(parts.hostname, None, type=socket.SOCK_STREAM)
        return _FAMILIES.get(first[0], "unknown")


def _looks_names_up(route: Route) -> bool:
    return route.kind != "direct" and urlsplit(route.proxy.reveal()).scheme != "socks5"


def _family_of_connection(answer: requests.Response) -> str:
    """The family of the socket that the answer comes from, which a server may have closed."""
    connection = answer.raw.connection
    used = getattr(connection, "sock", None)
    return _FAMILIES.get(used.family, "unknown") if used is not None else "unknown"
