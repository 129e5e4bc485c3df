"""Leaving a host or a source alone that fails again and again, and trying it again later."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pybreaker

LONGEST_REST_SECONDS = 600.0
_LONGEST_TRIAL_SECONDS = 120.0
"""A trial that nobody has told the end of by then is forgotten, and another one allowed."""


class CircuitBreaker:
    """Opens after ``failures`` in a row, half-opens after a rest, closes with a success.

    Half-open it allows one trial at a time; a trial that fails opens it again, for twice the rest
    (at most `LONGEST_REST_SECONDS`). Whoever was allowed to ask says with `succeeded` or `failed`
    how it went. Any number of threads may call it: a lock guards it, held for no longer than it
    takes to count. The states are pybreaker's, which counts what it is told of and never holds its
    lock during a request; ``clock`` gives seconds that never go back, where pybreaker would go by
    the time of day.
    """

    def __init__(
        self, *, failures: int, rest_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._breaker = pybreaker.CircuitBreaker(fail_max=failures)
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._openings = 0
        self._open_until = 0.0
        self._trial_until = 0.0

    @property
    def is_open(self) -> bool:
        """True from the first opening to the next success, also while a trial is on its way."""
        return bool(self._breaker.current_state != pybreaker.STATE_CLOSED)

    @property
    def openings(self) -> int:
        """How often it has opened since the last success."""
        return self._openings

    def allows(self) -> bool:
        """Whether to ask now. When it is not closed, True is given for one trial at a time."""
        if not self.is_open:
            return True
        with self._lock:
            now = self._clock()
            if self._breaker.current_state == pybreaker.STATE_CLOSED:
                return True
            if now < self._open_until or now < self._trial_until:
                return False
            self._breaker.half_open()
            self._trial_until = now + _LONGEST_TRIAL_SECONDS
            return True

    def succeeded(self) -> bool:
        """Note an answer; tells whether that has closed it. One from before it opened does not."""
        if not self._breaker.fail_counter and not self.is_open:
            return False
        with self._lock:
            state = self._breaker.current_state
            if state == pybreaker.STATE_OPEN:
                return False
            self._breaker.call(_succeed)
            self._openings = 0
            return bool(state == pybreaker.STATE_HALF_OPEN)

    def failed(self) -> bool:
        """Note a failure; tells whether that has opened it."""
        with self._lock:
            if self._breaker.current_state == pybreaker.STATE_OPEN:
                return False
            with suppress(_Failure, pybreaker.CircuitBreakerError):
                self._breaker.call(_fail)
            if not self.is_open or self._breaker.current_state == pybreaker.STATE_HALF_OPEN:
                return False
            self._rest()
            return True

    def trip(self) -> bool:
        """Open it at once, whatever was before; tells whether it was not open."""
        with self._lock:
            if self._breaker.current_state == pybreaker.STATE_OPEN:
                return False
            self._breaker.open()
            self._rest()
            return True

    def _rest(self) -> None:
        self._trial_until = 0.0
        rest = min(LONGEST_REST_SECONDS, self._rest_seconds * 2**self._openings)
        self._open_until = self._clock() + rest
        self._openings += 1


class _Failure(Exception):
    """What pybreaker is told of."""


def _succeed() -> None:
    """What pybreaker takes for a success."""


def _fail() -> None:
    raise _Failure
