"""One limit on requests for all threads."""

import math
import threading
import time

from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory

_LOOK_UP_SECONDS = 0.5


class RateLimit:
    """Lets at most so many requests a second through, over all threads, and can hold them all.

    Any number of threads may call it: the limiter's bucket and the time of the hold have a lock
    each. A limit of 0 lets everything through, but a hold still holds.
    """

    def __init__(self, requests_per_second: float, stop: threading.Event) -> None:
        self._bucket: InMemoryBucket | None = None
        if requests_per_second:
            self._bucket = InMemoryBucket([_rate(requests_per_second)])
            # Without the library's thread that empties buckets: each turn does it here.
            turns = SingleBucketFactory(self._bucket, schedule_leak=False)
            self._limiter = Limiter(turns, buffer_ms=0)
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
            elif self._bucket is None or self._limiter.try_acquire(timeout=_LOOK_UP_SECONDS):
                break
        self._forget_old_turns()

    def _forget_old_turns(self) -> None:
        if self._bucket is not None:
            now: int = self._bucket.now()  # type: ignore[no-untyped-call]  # the library has no type
            self._bucket.leak(now)

    def hold(self, seconds: float) -> None:
        """Let no request through for this many seconds, because the site asked for it."""
        with self._lock:
            self._held_until = max(self._held_until, time.monotonic() + seconds)


def _rate(requests_per_second: float) -> Rate:
    """The limit as a number of requests in a whole number of milliseconds, rounded to slower.

    Slow limits are one request an interval, without bursts; fast ones are cut into windows of
    about 100 ms, as short as the limiter's clock of 1 ms can tell apart.
    """
    requests = max(1, math.floor(requests_per_second / 10))
    return Rate(requests, math.ceil(requests * 1000 / requests_per_second))
