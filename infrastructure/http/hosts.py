"""What the client knows of each host: how fast it may be asked, and whether it answers."""

import threading
from collections.abc import Callable

from infrastructure.http.circuit_breaker import CircuitBreaker
from infrastructure.http.throttle import Throttle

FAILURES_IN_A_ROW = 10
"""Pages, not tries, that a host fails to give in a row before its circuit opens."""
REST_SECONDS = 1.0
MOST_OPENINGS = 4
"""A circuit that has opened so often without an answer in between, after rests of 1, 2 and 4
seconds, belongs to a host that is down: it is given up."""


class Host:
    """A host by name and port; any thread may call it, and a lock guards what it remembers."""

    def __init__(self, throttle: Throttle) -> None:
        self.throttle = throttle
        self.circuit = CircuitBreaker(failures=FAILURES_IN_A_ROW, rest_seconds=REST_SECONDS)
        self.has_answered = False
        self._lock = threading.Lock()
        self._failing: set[str] = set()

    @property
    def is_down(self) -> bool:
        """Whether it has failed again and again, also after rests."""
        return self.circuit.openings >= MOST_OPENINGS

    def succeeded(self) -> None:
        """Note an answer that is no failure of the server."""
        if self._failing:
            with self._lock:
                self._failing.clear()
        self.circuit.succeeded()

    def failed(self, url: str) -> bool:
        """Note that a page could not be had; tells whether that has opened the circuit.

        A page counts once, however often it is tried: it may be that page which is broken.
        """
        with self._lock:
            is_known = url in self._failing
            self._failing.add(url)
        if is_known and not self.circuit.is_open:
            return False
        return self.circuit.failed()


class Hosts:
    """One `Host` for each name and port, made when it is first asked; any thread may call it."""

    def __init__(self, throttle: Callable[[], Throttle]) -> None:
        self._throttle = throttle
        self._lock = threading.Lock()
        self._known: dict[str, Host] = {}

    def known(self) -> dict[str, Host]:
        """The hosts that have been asked, by name and port."""
        with self._lock:
            return dict(self._known)

    def of(self, netloc: str) -> Host:
        """The host of an address."""
        with self._lock:
            if netloc not in self._known:
                self._known[netloc] = Host(self._throttle())
            return self._known[netloc]
