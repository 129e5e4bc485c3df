"""The way of one request, try by try."""

from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from infrastructure.http.adapter import SharedContextAdapter
from infrastructure.http.routes.health import RouteHealth
from infrastructure.http.routes.route import Route


class Dispatcher(Protocol):
    """Chooses the routes: `RoutePool`."""

    def take(self, journey: "Journey") -> "Leg":
        """Choose a route for the next try."""

    def settle(self, leg: "Leg", error: BaseException | None) -> None:
        """Learn from how a try has ended."""

    def is_outdated(self, leg: "Leg") -> bool:
        """Whether another route should be taken by now."""


class Journey:
    """The way of one request: which routes it has tried. For one thread.

    Redirects stay on the route that answered; a try after a failure prefers another one.
    ``goes_on`` says, after a leg that has failed or was blocked, that there is another way to try
    at once. The other fields are the pool's, which guards nothing here: the thread has called it.
    """

    def __init__(self, pool: Dispatcher, url: str) -> None:
        self._pool = pool
        self.url = url
        self.tries: Counter[RouteHealth] = Counter()
        self.timeouts = 0
        self.sticks_to: RouteHealth | None = None
        self.goes_on = False

    def leg(self) -> "Leg":
        """The next way to try; waits for one. Raises `RunStopped`."""
        return self._pool.take(self)


class Leg:
    """One try over one route. Use as a context manager, in one thread.

    What ends the block is what the pool learns: `RouteFailed`, `SourceBlocked`, or anything else,
    with which the route has brought an answer when `answered` was called.

    ``adapter`` is what to send the request with, ``patience_seconds`` how long to wait for its
    first byte, beside any other limit.
    """

    def __init__(
        self,
        pool: Dispatcher,
        journey: Journey,
        health: RouteHealth,
        *,
        adapter: SharedContextAdapter,
        patience_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._sent_at: float | None = None
        self.journey = journey
        self.health = health
        self.adapter = adapter
        self.circuit = health.circuit
        self.patience_seconds = patience_seconds
        self.began = clock()
        self.latency: float | None = None
        self.is_damaged = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.settle(self, error)

    @property
    def route(self) -> Route:
        """The route that was chosen."""
        return self.health.route

    @property
    def is_outdated(self) -> bool:
        """Whether another route should be taken: this one has failed since it was chosen."""
        return self._pool.is_outdated(self)

    @property
    def was_sent(self) -> bool:
        """Whether the route was used at all."""
        return self._sent_at is not None

    def sends(self) -> None:
        """Note that the request is being sent now."""
        self._sent_at = self._clock()

    def answered(self) -> None:
        """Note that the answer has begun."""
        if self._sent_at is not None:
            self.latency = self._clock() - self._sent_at

    def broke_off(self) -> None:
        """Note that the answer has ended before it was whole."""
        self.is_damaged = True
