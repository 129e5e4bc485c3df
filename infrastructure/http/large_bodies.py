"""How much memory answers may take that are larger than pages are."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from infrastructure.http.deadlines import Deadline

PAGE_BYTES = 2 * 1024 * 1024
"""An answer up to this size is none of this: IMDb's pages have 1.5 MB, packed a sixth of it."""

LARGE_BYTES = 256 * 1024 * 1024
"""What larger answers may take together while they are held packed, or one of them takes alone."""

_COPIES = 2
"""For a moment a body is held in parts and as a whole."""

_LOOK_UP_SECONDS = 0.25


class LargeBodies:
    """Lets a few threads at a time hold an answer larger than `PAGE_BYTES`.

    As many as fit into `LARGE_BYTES` when each takes ``most_bytes``, one at least. A thread has one
    turn at most, for one answer, and gives it back before it asks for another one; whoever has a
    turn waits for nobody who waits for one, so that all get theirs. Any number of threads may use
    it; a semaphore counts the turns.
    """

    def __init__(self, most_bytes: int) -> None:
        self._turns = threading.BoundedSemaphore(max(1, LARGE_BYTES // (_COPIES * most_bytes)))

    @contextmanager
    def turn(self) -> Iterator["Turn"]:
        """What one answer may take, until the end of the block; nothing at first."""
        turn = Turn(self._turns)
        try:
            yield turn
        finally:
            turn.end()


class Turn:
    """One thread's right to hold one large answer, once it has been taken."""

    def __init__(self, turns: threading.BoundedSemaphore) -> None:
        self._turns = turns
        self._is_taken = False

    def take(self, deadline: Deadline) -> None:
        """Wait for the right, unless it is held. Raises `TimeoutError` when the time is up."""
        while not self._is_taken:
            if deadline.over:
                raise TimeoutError
            self._is_taken = self._turns.acquire(timeout=_LOOK_UP_SECONDS)

    def end(self) -> None:
        """Give it back, if it is held."""
        if self._is_taken:
            self._is_taken = False
            self._turns.release()
