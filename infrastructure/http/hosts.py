"""What the client knows of each host: how fast it may be asked, and whether it answers."""

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from infrastructure.http.circuit_breaker import CircuitBreaker
from infrastructure.http.throttle import Throttle

if TYPE_CHECKING:
    from infrastructure.http.shared_limits import SharedLimits

FAILURES_IN_A_ROW = 10
"""Pages, not tries, that a host fails to give in a row before its circuit opens."""
REST_SECONDS = 1.0
MOST_OPENINGS = 4
"""A circuit that has opened so often without an answer in between, after rests of 1, 2 and 4
seconds, belongs to a host that is down: it is given up."""


class Host:
    """A host by name and port; any thread may call it, and a lock guards what it remembers."""

    def __init__(self, throttle: Throttle, circuit: CircuitBreaker) -> None:
        self.throttle = throttle
        self.circuit = circuit
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


def host_of_this_process(requests_per_second: float, stop: threading.Event) -> Host:
    """A host whose limits are those of this process alone."""
    throttle = Throttle(requests_per_second, stop)
    return Host(throttle, CircuitBreaker(failures=FAILURES_IN_A_ROW, rest_seconds=REST_SECONDS))


def shared_host(
    requests_per_second: float, stop: threading.Event, limits: "SharedLimits", netloc: str
) -> Host:
    """A host whose limits are those of all processes that use the same Redis."""
    throttle = Throttle(
        requests_per_second,
        stop,
        limits.clock,
        held=limits.pace(netloc),
        new_turns=partial(limits.turns, netloc),
    )
    circuit = CircuitBreaker(
        failures=FAILURES_IN_A_ROW,
        rest_seconds=REST_SECONDS,
        clock=limits.clock,
        held=limits.circuit(netloc),
    )
    return Host(throttle, circuit)


class Hosts:
    """One `Host` for each name and port, made when it is first asked; any thread may call it."""

    def __init__(self, new_host: Callable[[str], Host]) -> None:
        self._new_host = new_host
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
                self._known[netloc] = self._new_host(netloc)
            return self._known[netloc]
