"""Chooses a route for each request, and learns from how it goes."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from domain.errors import RunStopped, SourceBlocked
from infrastructure.http.adapter import SharedContext, SharedContextAdapter
from infrastructure.http.routes.connections import Connections
from infrastructure.http.routes.failures import RouteFailed
from infrastructure.http.routes.health import (
    FIRST_PATIENCE_SECONDS,
    RouteHealth,
    patience_beside,
)
from infrastructure.http.routes.journey import Journey, Leg
from infrastructure.http.routes.route import Route

logger = logging.getLogger(__name__)

CIRCUITS_TRIED = 3
"""When so many new circuits in a row are blocked, too, Tor is."""

_PROBES = 1
"""Requests at the same time through a route that may be dead."""

TOLD_AGAIN_AFTER_SECONDS = 60.0
"""A route that fails now and then is told of no more often than this."""

_LOOK_UP_SECONDS = 0.2
"""How often a waiting thread looks whether the run is being stopped."""


class Circuits(Protocol):
    """Asks Tor for new circuits."""

    def next_at(self) -> float:
        """The time, in seconds of `time.monotonic`, from which Tor takes the next request."""

    def renew(self) -> bool:
        """Ask for a new circuit; false, and a word to the user, when that cannot be done."""


class RoutePool:
    """Gives each request a route, and remembers how the routes do.

    The first group of routes in which one is usable is used; a later one only while all before it
    rest. Inside a group the routes are used in turn, those with fewer requests under way first. A
    route that has failed rests, ever longer; one that is blocked rests long. One that is not proven
    gets a single request at a time, and is not waited for much longer than a proven one takes. When
    all of them rest, the one whose rest ends first is used.

    Any number of threads may use a pool. One condition guards all that is known of the routes, and
    tells threads that wait for a route; nothing slow is done while it is held. ``stop`` ends the
    waiting. Closing the pool closes every connection.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Route]],
        *,
        max_connections: int,
        stop: threading.Event,
        circuits: Circuits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._groups = [[RouteHealth(route) for route in group] for group in groups]
        self._all = [health for group in self._groups for health in group]
        if not self._all:
            raise ValueError("a pool needs at least one route")
        self._stop = stop
        self._circuits = circuits
        self._clock = clock
        self._changed = threading.Condition()
        self._taken = 0
        self._renewing = False
        self._max_connections = max_connections
        self._context = SharedContext()
        self._connections = {health: Connections(self._new_adapter()) for health in self._all}

    @property
    def has_several(self) -> bool:
        """Whether there is another route when one fails."""
        return len(self._all) > 1

    def close(self) -> None:
        """Close every connection."""
        for connections in self._connections.values():
            connections.adapter.close()

    def journey(self, url: str) -> Journey:
        """The way of one request, with all its tries and redirects."""
        return Journey(self, url)

    def take(self, journey: Journey) -> Leg:
        """Choose a route, and wait for it when need be; for `Journey.leg`.

        Raises `RunStopped`.
        """
        while True:
            with self._changed:
                health = self._awaited(journey)
                if not health.needs_circuit:
                    return self._leg(health, journey)
                self._renewing = True
            self._renew(health)

    def settle(self, leg: Leg, error: BaseException | None) -> None:
        """Learn from how a leg has ended; for `Leg`."""
        journey, health, now = leg.journey, leg.health, self._clock()
        news = ""
        with self._changed:
            if leg.circuit == health.circuit:
                health.in_flight -= 1
            journey.goes_on = False
            if leg.was_sent:
                journey.tries[health] += 1
                journey.sticks_to = health if error is None else None
            if isinstance(error, RouteFailed):
                news = self._note_failure(leg, error, now)
            elif isinstance(error, SourceBlocked):
                news = self._note_block(leg, error, now)
            elif leg.is_damaged:
                health.note_damage()
            elif leg.latency is not None:
                health.note_answer(leg.began, leg.circuit, leg.latency, now)
            unused = self._connections[health].give_back(leg.adapter)
            self._changed.notify_all()
        if unused is not None:
            unused.close()
        if news:
            logger.info("%s: %s", health.route.name, news)

    def is_outdated(self, leg: Leg) -> bool:
        """Whether the route has begun to rest since it was chosen, and another one has not."""
        with self._changed:
            now = self._clock()
            return leg.health.rests(now) and not all(h.rests(now) for h in self._all)

    def _new_adapter(self) -> SharedContextAdapter:
        return SharedContextAdapter(self._context, max_connections=self._max_connections)

    def _awaited(self, journey: Journey) -> RouteHealth:
        """Wait until there is a route for the request. The caller holds the lock."""
        while not self._stop.is_set():
            health = self._choice(journey, self._clock())
            if health is not None:
                return health
            self._changed.wait(_LOOK_UP_SECONDS)
        raise RunStopped(journey.url)

    def _choice(self, journey: Journey, now: float) -> RouteHealth | None:
        """The route to take now; ``None`` when one has to be waited for."""
        if journey.sticks_to is not None and self._is_usable(journey.sticks_to, now):
            return journey.sticks_to
        for group in self._groups:
            usable = [health for health in group if self._is_usable(health, now)]
            if usable:
                return self._best(usable, journey, now)
        first = min(self._all, key=lambda health: health.rests_until)
        # A blocked circuit would only be blocked again: the next one is waited for.
        return None if first.needs_circuit else first

    def _is_usable(self, health: RouteHealth, now: float) -> bool:
        return not health.rests(now) and not (health.needs_circuit and self._renewing)

    def _best(
        self, usable: Sequence[RouteHealth], journey: Journey, now: float
    ) -> RouteHealth | None:
        """The best of the usable routes of a group; ``None`` when none of them has room."""
        best_latency = _best_latency(usable)
        fast, probed, slow = [], [], []
        for health in usable:
            is_slow = best_latency is not None and health.is_slow(best_latency)
            if health.is_proven() and not is_slow:
                fast.append(health)
            elif health.is_proven() and not health.is_forgotten(now):
                slow.append(health)
            elif health.in_flight < self._room(health):
                probed.append(health)
        # A request tries out one route at most: the next time it goes where it will succeed.
        preferred = fast if journey.tries else probed

        def order(health: RouteHealth) -> tuple[float, ...]:
            is_second_choice = health not in preferred
            return journey.tries[health], is_second_choice, health.load(), health.last_used

        return min(fast + probed or slow, key=order, default=None)

    def _room(self, health: RouteHealth) -> float:
        """How many requests at once a route may have that is not proven."""
        is_only_way = not self.has_several and not health.is_new_circuit()
        return math.inf if is_only_way else _PROBES

    def _leg(self, health: RouteHealth, journey: Journey) -> Leg:
        now = self._clock()
        patience = self._patience(health, journey, now)
        self._taken += 1
        health.last_used = self._taken
        health.in_flight += 1
        adapter = self._connections[health].lend()
        return Leg(
            self, journey, health, adapter=adapter, patience_seconds=patience, clock=self._clock
        )

    def _patience(self, health: RouteHealth, journey: Journey, now: float) -> float:
        """Seconds to wait for a first byte; without a limit when there is no better way.

        While no route is proven it doubles with each time-out of the request: a slow site must not
        look like so many dead routes. A route is never left in haste for one of a later group.
        """
        if health.is_proven() and not health.is_forgotten(now):
            return math.inf
        group = next(group for group in self._groups if health in group)
        others = [other for other in self._untried(group, journey, now) if other is not health]
        if not others:
            return math.inf
        best_latency = _best_latency(others)
        if best_latency is not None:
            return patience_beside(best_latency)
        return FIRST_PATIENCE_SECONDS * 2.0 ** max(0, journey.timeouts - 1)

    def _untried(
        self, healths: Iterable[RouteHealth], journey: Journey, now: float
    ) -> list[RouteHealth]:
        """Those that can be used now and that the request has not tried."""
        return [h for h in healths if not journey.tries[h] and self._is_usable(h, now)]

    def _note_failure(self, leg: Leg, error: RouteFailed, now: float) -> str:
        """Learn from a failure; give what the user may want to know of it."""
        leg.journey.timeouts += error.kind == "timed out"
        was_well = not leg.health.failures_in_a_row
        is_news = leg.health.note_failure(leg.began, error.kind, now)
        others = self._untried(self._all, leg.journey, now)
        # Only for its first time over this route: a page costs each route one try at most.
        leg.journey.goes_on = bool(others) and leg.journey.tries[leg.health] == 1
        if not (is_news and was_well and self.has_several):
            return ""
        if now - leg.health.told_at < TOLD_AGAIN_AFTER_SECONDS:
            return ""
        leg.health.told_at = now
        return f"{error}; others are used first"

    def _note_block(self, leg: Leg, error: SourceBlocked, now: float) -> str:
        """Learn from a challenge; give what the user may want to know of it."""
        health, news = leg.health, ""
        is_known = health.needs_circuit or (health.blocked and health.rests(now))
        if leg.circuit == health.circuit and not is_known:
            next_at = self._next_circuit_at(health, now)
            health.note_block(now, next_at)
            if next_at is not None:
                news = f"blocked ({error.how}); a new circuit is asked for"
            elif self.has_several:
                news = f"blocked ({error.how}); it is left alone for a while"
        is_first_time = leg.journey.tries[health] == 1
        if not health.blocked:
            del leg.journey.tries[health]  # through another circuit it is another way
        ways_out = any(self._is_way_out(h, leg.journey, now) for h in self._all)
        leg.journey.goes_on = ways_out and is_first_time
        return news

    def _next_circuit_at(self, health: RouteHealth, now: float) -> float | None:
        """When a blocked route gets a new circuit, if it gets one."""
        if health.route.kind != "tor" or self._circuits is None:
            return None
        if health.circuits_blocked >= CIRCUITS_TRIED:
            return None
        return max(now, self._circuits.next_at())

    def _is_way_out(self, health: RouteHealth, journey: Journey, now: float) -> bool:
        """Whether a request that was blocked may be answered through this route."""
        is_alive = health.ever_answered or health.needs_circuit or not health.rests(now)
        return not journey.tries[health] and not health.blocked and is_alive

    def _renew(self, health: RouteHealth) -> None:
        """Have Tor use another circuit, and leave the connections through the old one."""
        renewed = False
        try:
            renewed = self._circuits is not None and self._circuits.renew()
        finally:  # whatever happened, others wait for it to be over
            self._end_renewal(health, renewed=renewed)

    def _end_renewal(self, health: RouteHealth, *, renewed: bool) -> None:
        unused = None
        with self._changed:
            self._renewing = False
            if renewed:
                health.note_new_circuit()
                unused = self._connections[health].replace(self._new_adapter())
            else:
                health.note_block(self._clock(), None)
            self._changed.notify_all()
        if unused is not None:
            unused.close()


def _best_latency(healths: Iterable[RouteHealth]) -> float | None:
    """The shortest latency of the proven routes."""
    return min(
        (h.latency for h in healths if h.is_proven() and h.latency is not None), default=None
    )
