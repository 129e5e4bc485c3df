"""Leaving a host or a source alone that fails again and again, and trying it again later.

Not a library's: pybreaker, the one most used, loads the whole client of Redis when that is there (a
third of a second at each start), holds its lock during the call that it guards, and goes by the
time of day.
"""

import threading
import time
from collections.abc import Callable

LONGEST_REST_SECONDS = 600.0
_LONGEST_TRIAL_SECONDS = 120.0
"""A trial that nobody has told the end of by then is forgotten, and another one allowed."""


class CircuitBreaker:
    """Opens after ``failures`` in a row, half-opens after a rest, closes with a success.

    Half-open it allows one trial at a time; a trial that fails opens it again, for twice the rest
    (at most `LONGEST_REST_SECONDS`). Whoever was allowed to ask says with `succeeded` or `failed`
    how it went, or withdraws. Any number of threads may call it; a lock guards all it remembers.
    ``clock`` gives seconds that never go back. (M. Nygard, Release It!, "Circuit Breaker".)
    """

    def __init__(
        self, *, failures: int, rest_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_failures = failures
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures_in_a_row = 0
        self._openings = 0
        self._open_until = 0.0
        self._trial_until: float | None = None
        self._trial_thread: int | None = None

    @property
    def is_open(self) -> bool:
        """True from the first opening to the next success, also while a trial is on its way."""
        return self._openings > 0

    @property
    def openings(self) -> int:
        """How often it has opened since the last success."""
        return self._openings

    def allows(self) -> bool:
        """Whether to ask now. When it is not closed, True is given for one trial at a time."""
        with self._lock:
            if not self._openings:
                return True
            now = self._clock()
            if now < self._open_until or now < (self._trial_until or 0.0):
                return False
            self._trial_until = now + _LONGEST_TRIAL_SECONDS
            self._trial_thread = threading.get_ident()
            return True

    def succeeded(self) -> bool:
        """Note an answer; tells whether that has closed it. One from before it opened does not."""
        with self._lock:
            was_open = self._openings > 0
            if was_open and self._trial_until is None:
                return False
            self._failures_in_a_row = self._openings = 0
            self._trial_until = None
            return was_open

    def failed(self) -> bool:
        """Note a failure; tells whether that has opened it. One from before it opened does not.

        While a trial is on its way, only the thread that was allowed it can tell that it failed: a
        request of before may take until then to fail.
        """
        with self._lock:
            if self._openings and not self._is_on_trial():
                return False
            self._failures_in_a_row += 1
            if not self._openings and self._failures_in_a_row < self._most_failures:
                return False
            self._open()
            return True

    def withdraw(self) -> None:
        """Note that the trial, if there is one, has told nothing: another one may be made."""
        with self._lock:
            if self._is_on_trial():
                self._trial_until = self._clock()

    def trip(self) -> bool:
        """Open it at once, whatever was before; tells whether it was not open."""
        with self._lock:
            if self._openings and self._trial_until is None:
                return False
            self._open()
            return True

    def _is_on_trial(self) -> bool:
        """Whether this thread makes the trial."""
        return self._trial_until is not None and self._trial_thread == threading.get_ident()

    def _open(self) -> None:
        rest = min(LONGEST_REST_SECONDS, self._rest_seconds * 2**self._openings)
        self._open_until = self._clock() + rest
        self._openings += 1
        self._trial_until = None
