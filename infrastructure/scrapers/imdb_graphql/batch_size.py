"""How many titles are asked for in one request."""

import logging
import threading

logger = logging.getLogger(__name__)


class BatchSize:
    """A size that becomes smaller when it proves to be too large, and stays so.

    Any number of threads may call it; a lock guards the size.
    """

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._size = size

    @property
    def now(self) -> int:
        """The size, at least 1."""
        with self._lock:
            return self._size

    def halve(self, refused: int) -> int:
        """Note that ``refused`` titles, at least 2, are too many; give how many to ask for now.

        Threads whose requests were on their way together halve it once.
        """
        with self._lock:
            half = refused // 2
            if half < self._size:
                self._size = half
                logger.info("the API takes fewer than %d titles: going on with %d", refused, half)
            return self._size
