"""One limit on requests for all threads."""

import math
import threading
import time

_LOOK_UP_SECONDS = 0.5


class RateLimit:
    """Lets at most so many requests a second through, over all threads, and can hold them all.

    Any number of threads may call it: the limiter's bucket and the time of the hold have a lock
    each. A limit of 0 lets everything through, but a hold still holds.
    """

    def __init__(self, requests_per_second: float, stop: threading.Event) -> None:
        self._turns = _Turns(requests_per_second) if requests_per_second else None
        self._stop = stop
        self._lock = threading.Lock()
        self._held_until = 0.0

    def wait(self) -> None:
        """Wait for a turn; returns at once when the run is being stopped."""
        while not self._stop.is_set():
            with self._lock:
                held_seconds = self._held_until - time.monotonic()
            if held_seconds > 0:
                self._stop.wait(held_seconds)
            elif self._turns is None or self._turns.take(_LOOK_UP_SECONDS):
                break

    def hold(self, seconds: float) -> None:
        """Let no request through for this many seconds, because the site asked for it."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + seconds)


class _Turns:
    """The library's limiter, which is not loaded where there is no limit."""

    def __init__(self, requests_per_second: float) -> None:
        from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory

        self._bucket = InMemoryBucket([Rate(*_rate(requests_per_second))])
        # Without the library's thread that empties buckets: each turn does it here.
        turns = SingleBucketFactory(self._bucket, schedule_leak=False)
        self._limiter = Limiter(turns, buffer_ms=0)

    def take(self, timeout_seconds: float) -> bool:
        """Wait for a turn at most this long; tell whether there was one."""
        taken = self._limiter.try_acquire(timeout=timeout_seconds)
        now: int = self._bucket.now()  # type: ignore[no-untyped-call]  # the library has no type
        self._bucket.leak(now)
        return bool(taken)


def _rate(requests_per_second: float) -> tuple[int, int]:
    """The limit as a number of requests in a whole number of milliseconds, rounded to slower.

    Slow limits are one request an interval, without bursts; fast ones are cut into windows of
    about 100 ms, as short as the limiter's clock of 1 ms can tell apart.
    """
    requests = max(1, math.floor(requests_per_second / 10))
    return requests, math.ceil(requests * 1000 / requests_per_second)
