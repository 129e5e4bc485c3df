"""How a route has done up to now, and what that says about using it."""

import math
from dataclasses import dataclass

from infrastructure.http.routes.failures import FailureKind
from infrastructure.http.routes.route import Route

FIRST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 300.0
"""A route that has failed rests: twice as long for each failure in a row, up to this."""

BLOCKED_REST_SECONDS = 600.0
"""A route that the site has blocked is left alone for this long."""

FIRST_PATIENCE_SECONDS = 0.5
"""How long a route is waited for when nobody knows how long one takes."""

LEAST_PATIENCE_SECONDS = 1.0
SLOWER = 5.0
"""A route that takes this many times as long as the best one is slow (and `LEAST_PATIENCE_SECONDS`
at least, as small differences mean nothing)."""

_FORGOTTEN_AFTER_SECONDS = 60.0
"""A slow route gets another chance when its latency has not been measured for this long."""

_WEIGHT = 0.25
"""Of the newest observation in the moving averages."""


@dataclass(slots=True, eq=False)
class RouteHealth:
    """What is known of one route. Times are in seconds of one monotonic clock.

    Success rate and latency are exponentially weighted moving averages. Every method is for the
    holder of the pool's lock.
    """

    route: Route
    in_flight: int = 0
    """Requests under way, over the circuit in use."""
    last_used: int = 0
    """The pool's count of requests when this route was last taken."""
    latency: float | None = None
    """Until the first byte of an answer; ``None`` while nobody knows."""
    success_rate: float = 1.0
    failures_in_a_row: int = 0
    rests_until: float = -math.inf
    blocked: bool = False
    ever_answered: bool = False
    circuit: int = 0
    """Number of the Tor circuit in use: how often a new one was asked for."""
    circuits_blocked: int = 0
    """How many circuits in a row were blocked."""
    needs_circuit: bool = False
    told_at: float = -math.inf
    """When the user was last told that it has failed."""
    _failed_at: float = -math.inf
    _measured_at: float = -math.inf

    def rests(self, now: float) -> bool:
        """Whether the route is cooling down."""
        return now < self.rests_until

    def is_proven(self) -> bool:
        """Whether its last request brought an answer."""
        return self.latency is not None and not self.failures_in_a_row and not self.blocked

    def is_slow(self, best_latency: float) -> bool:
        """Whether it takes much longer than the best one."""
        return self.latency is not None and self.latency > patience_beside(best_latency)

    def is_forgotten(self, now: float) -> bool:
        """Whether what was measured is too old to judge it by."""
        return now - self._measured_at > _FORGOTTEN_AFTER_SECONDS

    def is_new_circuit(self) -> bool:
        """Whether it goes through a Tor circuit that has not brought an answer yet."""
        return self.circuit > 0 and self.latency is None

    def load(self) -> float:
        """Requests in flight, weighted: a slow or failing route is busy with fewer of them."""
        return self.in_flight * (self.latency or LEAST_PATIENCE_SECONDS) / self.success_rate

    def note_answer(self, began: float, circuit: int, latency: float, now: float) -> None:
        """An answer to a request that began then, on this circuit."""
        self.ever_answered = True
        self._measured_at = now
        self.success_rate += _WEIGHT * (1 - self.success_rate)
        old = latency if self.latency is None else self.latency
        self.latency = old + _WEIGHT * (latency - old)
        if began >= self._failed_at and circuit == self.circuit and not self.needs_circuit:
            self.failures_in_a_row = self.circuits_blocked = 0
            self.rests_until = -math.inf
            self.blocked = False

    def note_damage(self) -> None:
        """An answer that broke off: less often a route's fault, so that it does not rest."""
        self._lower()

    def note_failure(self, began: float, kind: FailureKind, now: float) -> bool:
        """A request that began then has failed; false when that is no news.

        The requests that were on their way when the route began to rest say nothing new.
        """
        self._lower()
        if began < self._failed_at and self.rests(now):
            return False
        self._failed_at = now
        self.failures_in_a_row += 1
        rest = FIRST_REST_SECONDS * 2.0 ** min(self.failures_in_a_row - 1, 30)
        if kind == "wrong password":
            rest = LONGEST_REST_SECONDS
        self.rests_until = max(self.rests_until, now + min(rest, LONGEST_REST_SECONDS))
        return True

    def note_block(self, now: float, next_circuit_at: float | None) -> None:
        """The site has blocked the route, which gets a new circuit at the time that is given."""
        self._failed_at = now
        self.latency = None
        if next_circuit_at is None:
            self.blocked, self.needs_circuit = True, False
            self.circuits_blocked = 0
            self.rests_until = now + BLOCKED_REST_SECONDS
        else:
            self.needs_circuit = True
            self.circuits_blocked += 1
            self.rests_until = next_circuit_at

    def note_new_circuit(self) -> None:
        """Nothing is known of the new way; what is under way goes the old one."""
        self.circuit += 1
        self.in_flight = 0
        self.needs_circuit = self.blocked = False
        self.latency = None
        self.failures_in_a_row = 0
        self.rests_until = -math.inf

    def _lower(self) -> None:
        self.success_rate = max(0.05, self.success_rate * (1 - _WEIGHT))


def patience_beside(best_latency: float) -> float:
    """How long to wait for a first byte, in seconds, while another route takes this long."""
    return max(LEAST_PATIENCE_SECONDS, SLOWER * best_latency)
