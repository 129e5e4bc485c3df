"""A value that many remember together: the threads of a process, or those of several."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

State = TypeVar("State")
_Result = TypeVar("_Result")


class Held(Protocol[State]):
    """Holds a value that is never changed itself, only replaced; any thread may call it."""

    def read(self) -> State:
        """The value as it is, or was a moment ago."""

    def change(self, how: Callable[[State], tuple[State, _Result]]) -> _Result:
        """Replace the newest value by what ``how`` makes of it; give what it tells beside that.

        Nobody else changes it meanwhile. ``how`` may be called more than once, so it must do
        nothing else.
        """


class HeldHere(Generic[State]):
    """Held in memory, for the threads of this process; a lock guards the change."""

    def __init__(self, value: State) -> None:
        self._value = value
        self._lock = threading.Lock()

    def read(self) -> State:
        """The newest value."""
        return self._value

    def change(self, how: Callable[[State], tuple[State, _Result]]) -> _Result:
        """Replace the value under the lock."""
        with self._lock:
            self._value, result = how(self._value)
            return result
