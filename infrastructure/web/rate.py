"""How often each client may ask."""

import time
from collections import OrderedDict
from collections.abc import Callable

from pyrate_limiter import GCRA, Rate

_MINUTE = 60_000
"""Milliseconds."""

_BURST_SECONDS = 10
"""A client may use at once what it may use in so many seconds: a page asks for several things."""

_MOST_CLIENTS = 20_000
"""So many are remembered; of more the one that has not asked for longest is forgotten."""


class ClientRates:
    """Counts the requests of each client; used by one thread, that of the event loop.

    A number is kept for each client: when it has used up nothing any more (the generic cell rate
    algorithm). ``clock`` gives seconds, and never goes back.
    """

    def __init__(
        self, requests_per_minute: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        burst = max(1, requests_per_minute * _BURST_SECONDS // 60)
        self._rates = [Rate(requests_per_minute, _MINUTE, burst=burst)]
        self._algorithm = GCRA()
        self._states: OrderedDict[str, tuple[float, ...]] = OrderedDict()
        self._clock = clock

    def wait_seconds(self, client: str) -> float:
        """Count a request and give 0, or, when it is one too many, how long to wait."""
        state = self._states.pop(client, None) or self._algorithm.initial(self._rates)
        now = int(self._clock() * 1000)
        state, decision = self._algorithm.step(self._rates, state, now, 1)
        self._states[client] = state
        if len(self._states) > _MOST_CLIENTS:
            self._states.popitem(last=False)
        return 0.0 if decision.allowed else max(decision.retry_after_ms or 0, 1) / 1000
