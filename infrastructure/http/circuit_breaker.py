"""Leaving a host or a source alone that fails again and again, and trying it again later.

Not a library's: pybreaker, the one most used, loads the whole client of Redis when that is there (a
third of a second at each start), holds its lock during the call that it guards, and goes by the
time of day.
"""

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from infrastructure.http.held import Held, HeldHere

LONGEST_REST_SECONDS = 600.0
_LONGEST_TRIAL_SECONDS = 120.0
"""A trial that nobody has told the end of by then is forgotten, and another one allowed."""


@dataclass(frozen=True, slots=True)
class CircuitState:
    """What a circuit breaker remembers; moments are seconds of its clock.

    ``trial_by`` names the thread that was allowed the trial which lasts until ``trial_until``.
    """

    failures_in_a_row: int = 0
    openings: int = 0
    open_until: float = 0.0
    trial_until: float | None = None
    trial_by: str = ""

    def is_tried_by(self, who: str) -> bool:
        """Whether that thread makes a trial now."""
        return self.trial_until is not None and self.trial_by == who


CLOSED = CircuitState()


class CircuitBreaker:
    """Opens after ``failures`` in a row, half-opens after a rest, closes with a success.

    Half-open it allows one trial at a time; a trial that fails opens it again, for twice the rest
    (at most `LONGEST_REST_SECONDS`). Whoever was allowed to ask says with `succeeded` or `failed`
    how it went, or withdraws. Any number of threads may call it, and of processes, where ``held``
    is shared by them; that guards all it remembers. ``clock`` gives seconds that never go back,
    the same to all. (M. Nygard, Release It!, "Circuit Breaker".)
    """

    def __init__(
        self,
        *,
        failures: int,
        rest_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        held: Held[CircuitState] | None = None,
    ) -> None:
        self._most_failures = failures
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._held: Held[CircuitState] = HeldHere(CLOSED) if held is None else held
        self._name = uuid.uuid4().hex

    @property
    def is_open(self) -> bool:
        """True from the first opening to the next success, also while a trial is on its way."""
        return self._held.read().openings > 0

    @property
    def openings(self) -> int:
        """How often it has opened since the last success."""
        return self._held.read().openings

    @property
    def rest_seconds(self) -> float:
        """How long nobody may ask: 0 while it is closed, or when a trial may be made now."""
        state = self._held.read()
        return max(0.0, self._allowed_at(state) - self._clock()) if state.openings else 0.0

    def allows(self) -> bool:
        """Whether to ask now. When it is not closed, True is given for one trial at a time."""
        state = self._held.read()
        if not state.openings:
            return True
        return self._is_allowed(state) and self._held.change(self._with_trial)

    def succeeded(self) -> bool:
        """Note an answer; tells whether that has closed it. One from before it opened does not."""
        if self._held.read() == CLOSED:
            return False
        return self._held.change(_closed)

    def failed(self) -> bool:
        """Note a failure; tells whether that has opened it. One from before it opened does not.

        While a trial is on its way, only the thread that was allowed it can tell that it failed: a
        request of before may take until then to fail.
        """
        return self._held.change(self._with_failure)

    def withdraw(self) -> None:
        """Note that the trial, if there is one, has told nothing: another one may be made."""
        if self._held.read().is_tried_by(self._me()):
            self._held.change(self._without_trial)

    def trip(self) -> bool:
        """Open it at once, whatever was before; tells whether it was not open."""
        return self._held.change(self._tripped)

    def _me(self) -> str:
        """This thread, of all that there are anywhere."""
        return f"{self._name}:{threading.get_ident()}"

    def _is_allowed(self, state: CircuitState) -> bool:
        return self._clock() >= self._allowed_at(state)

    def _allowed_at(self, state: CircuitState) -> float:
        return max(state.open_until, state.trial_until or 0.0)

    def _with_trial(self, state: CircuitState) -> tuple[CircuitState, bool]:
        if not state.openings or not self._is_allowed(state):
            return state, not state.openings
        until = self._clock() + _LONGEST_TRIAL_SECONDS
        return replace(state, trial_until=until, trial_by=self._me()), True

    def _with_failure(self, state: CircuitState) -> tuple[CircuitState, bool]:
        if state.openings and not state.is_tried_by(self._me()):
            return state, False
        state = replace(state, failures_in_a_row=state.failures_in_a_row + 1)
        if not state.openings and state.failures_in_a_row < self._most_failures:
            return state, False
        return self._opened(state), True

    def _without_trial(self, state: CircuitState) -> tuple[CircuitState, None]:
        if not state.is_tried_by(self._me()):
            return state, None
        return replace(state, trial_until=self._clock()), None

    def _tripped(self, state: CircuitState) -> tuple[CircuitState, bool]:
        if state.openings and state.trial_until is None:
            return state, False
        return self._opened(state), True

    def _opened(self, state: CircuitState) -> CircuitState:
        rest = min(LONGEST_REST_SECONDS, self._rest_seconds * 2**state.openings)
        return replace(
            state,
            open_until=self._clock() + rest,
            openings=state.openings + 1,
            trial_until=None,
            trial_by="",
        )


def _closed(state: CircuitState) -> tuple[CircuitState, bool]:
    if state.openings and state.trial_until is None:
        return state, False
    return CLOSED, state.openings > 0
