"""How fast each host is asked: a limit over all threads that follows what the host can take."""

import math
import threading
import time
from collections.abc import Callable

_LOOK_UP_SECONDS = 0.5

SLOWER = 0.5
"""What the rate is multiplied with when the host is in trouble."""
SLOWEST_SHARE = 1 / 8
"""The rate never falls below this share of the limit: three times halved."""
_LEAST_CEILING = 10.0
"""Requests a second that are taken for the limit where there is none, and little was asked."""
RECOVERY_SECONDS = 2.0
RECOVERY_SHARE = 0.05
"""So much of the limit is added to the rate after each `RECOVERY_SECONDS` without trouble."""

LATENCY_RISE = 2.0
LATENCY_MARGIN_SECONDS = 0.5
"""Answers come slowly when they take twice as long as they did, and half a second longer."""
_SAMPLES = 20
"""Answers after a change of rate, before their latency is looked at."""
_WEIGHT = 0.1
"""Of the newest latency in the mean; the one before counts a tenth less, and so on."""


class Throttle:
    """Lets at most so many requests a second through, over all threads, and can hold them all.

    The rate begins at ``requests_per_second``, is halved when the host answers 429 or 503 or takes
    longer and longer to answer, and recovers slowly. With a limit of 0 there is none until the host
    answers 429 or 503: then it is what has been asked in the last second (at least 10), until that
    is reached again. Requests that were on their way when the rate was lowered do not lower it
    once more.

    Any number of threads may call it; one lock guards the rate and the time of the hold, the
    limiter's bucket has its own. ``clock`` gives seconds that never go back.
    """

    def __init__(
        self,
        requests_per_second: float,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._limit = requests_per_second or math.inf
        self._ceiling = math.inf
        self._rate = self._limit
        self._turns = _Turns(self._limit) if self._limit < math.inf else None
        self._changed_at = clock()
        self._held_until = 0.0
        self._asked = _LastSecond()
        self._latency = _Latency()

    @property
    def rate(self) -> float:
        """Requests a second that go through now; infinite when there is no limit."""
        with self._lock:
            return self._rate

    @property
    def limit(self) -> float:
        """Requests a second that go through without trouble; infinite when there is no limit."""
        with self._lock:
            return self._limit

    def wait(self) -> float:
        """Wait for a turn and give its moment; returns at once when the run is being stopped."""
        while not self._stop.is_set():
            with self._lock:
                held_seconds = self._held_until - self._clock()
                turns = self._turns
            if held_seconds > 0:
                self._stop.wait(held_seconds)
            elif turns is None or turns.take(_LOOK_UP_SECONDS):
                break
        now = self._clock()
        with self._lock:
            self._asked.note(now)
        return now

    def hold(self, seconds: float) -> None:
        """Let no request through for this many seconds, because the site asked for it."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def limit_to(self, requests_per_second: float) -> None:
        """Never go faster than this (the ``Crawl-delay`` of a robots.txt)."""
        with self._lock:
            self._limit = min(self._limit, requests_per_second)
            if self._limit < self._rate:
                self._set_rate(self._limit)

    def answered(self, asked_at: float, seconds: float) -> None:
        """Note an answer without trouble to a request of the moment ``asked_at``, and its latency.

        Without a limit of the user's the latency is not looked at: fifty threads that ask as fast
        as they can make answers slow by themselves.
        """
        now = self._clock()
        with self._lock:
            if asked_at < self._changed_at:
                return
            if self._limit < math.inf and self._latency.is_rising_with(seconds):
                self._slow_down(now)
            elif self._rate < self._limit and now - self._changed_at >= RECOVERY_SECONDS:
                self._recover(now)

    def refused(self, asked_at: float) -> bool:
        """Note that the host was asked too often (429, 503); tells whether the rate was lowered."""
        now = self._clock()
        with self._lock:
            if asked_at < self._changed_at:
                return False
            before = self._rate
            self._slow_down(now)
            return self._rate < before

    def _slow_down(self, now: float) -> None:
        if self._rate == math.inf:
            self._ceiling = self._rate = max(_LEAST_CEILING, self._asked.count(now))
        top = min(self._limit, self._ceiling)
        self._changed_at = now
        self._latency.begin_anew()
        self._set_rate(max(self._rate * SLOWER, top * SLOWEST_SHARE))

    def _recover(self, now: float) -> None:
        top = min(self._limit, self._ceiling)
        self._changed_at = now
        rate = self._rate + RECOVERY_SHARE * top
        if rate < top:
            self._set_rate(rate)
        else:
            self._ceiling = math.inf
            self._set_rate(self._limit)

    def _set_rate(self, rate: float) -> None:
        self._rate = rate
        if rate == math.inf:
            self._turns = None
        elif self._turns is None:
            self._turns = _Turns(rate)
        else:
            self._turns.set_rate(rate)


class _LastSecond:
    """How many requests began in the last second or so; its owner's lock guards it."""

    def __init__(self) -> None:
        self._second = 0
        self._count = 0
        self._before = 0

    def note(self, now: float) -> None:
        self._turn_to(now)
        self._count += 1

    def count(self, now: float) -> float:
        self._turn_to(now)
        return max(self._count, self._before)

    def _turn_to(self, now: float) -> None:
        second = math.floor(now)
        if second != self._second:
            self._before = self._count if second == self._second + 1 else 0
            self._second, self._count = second, 0


class _Latency:
    """Tells when answers take longer than they did; its owner's lock guards it."""

    def __init__(self) -> None:
        self._mean = 0.0
        self._samples = 0
        self._best = math.inf

    def begin_anew(self) -> None:
        """Take a mean of what comes from now on; what was best stays so."""
        self._samples = 0

    def is_rising_with(self, seconds: float) -> bool:
        """Take a latency into the mean, and tell whether that has got far above its best."""
        self._samples += 1
        weight = max(_WEIGHT, 1 / self._samples)
        self._mean += weight * (seconds - self._mean)
        if self._samples < _SAMPLES:
            return False
        self._best = min(self._best, self._mean)
        return self._mean > max(LATENCY_RISE * self._best, self._best + LATENCY_MARGIN_SECONDS)


class _Turns:
    """The library's limiter, which is not loaded where there is no limit."""

    def __init__(self, requests_per_second: float) -> None:
        from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory

        self._rate_type = Rate
        self._bucket = InMemoryBucket([Rate(*_rate(requests_per_second))])
        # Without the library's thread that empties buckets: each turn does it here.
        turns = SingleBucketFactory(self._bucket, schedule_leak=False)
        self._limiter = Limiter(turns, buffer_ms=0)

    def set_rate(self, requests_per_second: float) -> None:
        """Have the next turns come at another rate."""
        self._bucket.rates = [self._rate_type(*_rate(requests_per_second))]

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
