"""How fast each host is asked: a limit over all threads that follows what the host can take."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from infrastructure.http.held import Held, HeldHere

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

LONGEST_HOLD_SECONDS = 180.0
"""No site is waited for as long: what it names is 2 minutes at most. A later end, which can only
have come from a memory that many write, is waited for no longer than this."""

LATENCY_RISE = 2.0
LATENCY_MARGIN_SECONDS = 0.5
"""Answers come slowly when they take twice as long as they did, and half a second longer."""
_SAMPLES = 20
"""Answers after a change of rate, before their latency is looked at."""
_WEIGHT = 0.1
"""Of the newest latency in the mean; the one before counts a tenth less, and so on."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a throttle remembers of a host: rates in requests a second, moments in seconds.

    ``rate`` is what the host takes when that is less than the limit, else infinite; ``ceiling``
    what is taken for the limit where there is none, until it is reached again.
    """

    rate: float = math.inf
    ceiling: float = math.inf
    changed_at: float = 0.0
    held_until: float = 0.0


class Turns(Protocol):
    """Gives turns at a rate that may be changed; any thread may call it."""

    def set_rate(self, requests_per_second: float) -> None:
        """Have the next turns come at another rate."""

    def take(self, timeout_seconds: float) -> bool:
        """Wait for a turn at most this long; tell whether there was one."""


class Throttle:
    """Lets at most so many requests a second through, over all threads, and can hold them all.

    The rate begins at ``requests_per_second``, is halved when the host answers 429 or 503 or takes
    longer and longer to answer, and recovers slowly. With a limit of 0 there is none until the host
    answers 429 or 503: then it is what this process has asked in the last second (at least 10),
    until that is reached again. Requests that were on their way when the rate was lowered do not
    lower it once more.

    Any number of threads may call it. ``held`` guards the rate and the time of the hold, and what
    ``new_turns`` makes the turns; both may be shared with other processes. One lock guards the
    rest. ``clock`` gives seconds that never go back, the same to all.
    """

    def __init__(
        self,
        requests_per_second: float,
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
        *,
        held: Held[Pace] | None = None,
        new_turns: Callable[[float], Turns] | None = None,
    ) -> None:
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._limit = requests_per_second or math.inf
        self._held: Held[Pace] = HeldHere(Pace()) if held is None else held
        self._new_turns = LocalTurns if new_turns is None else new_turns
        self._turns: Turns | None = None
        self._turns_rate = math.inf
        self._odd_hold = (0.0, 0.0)
        self._asked = _LastSecond()
        self._latency = _Latency()
        self._latency_since = 0.0

    @property
    def rate(self) -> float:
        """Requests a second that go through now; infinite when there is no limit."""
        return self._rate_of(self._held.read())

    @property
    def limit(self) -> float:
        """Requests a second that go through without trouble; infinite when there is no limit."""
        return self._limit

    def wait(self) -> float:
        """Wait for a turn and give its moment; returns at once when the run is being stopped."""
        while not self._stop.is_set():
            pace = self._held.read()
            held_seconds = self._held_seconds(pace)
            if held_seconds > 0:
                self._stop.wait(held_seconds)
            elif self._has_turn(self._rate_of(pace)):
                break
        now = self._clock()
        with self._lock:
            self._asked.note(now)
        return now

    def seconds_since(self, moment: float) -> float:
        """How long ago a moment was that `wait` gave."""
        return self._clock() - moment

    def hold(self, seconds: float) -> None:
        """Let no request through for this many seconds, because the site asked for it."""
        until = self._clock() + seconds
        self._held.change(
            lambda pace: (replace(pace, held_until=max(pace.held_until, until)), None)
        )

    def limit_to(self, requests_per_second: float) -> None:
        """Never go faster than this (the ``Crawl-delay`` of a robots.txt)."""
        with self._lock:
            self._limit = min(self._limit, requests_per_second)

    def answered(self, asked_at: float, seconds: float) -> None:
        """Note an answer without trouble to a request of the moment ``asked_at``, and its latency.

        Without a limit of the user's the latency is not looked at: fifty threads that ask as fast
        as they can make answers slow by themselves.
        """
        now = self._clock()
        pace = self._held.read()
        if asked_at < pace.changed_at:
            return
        if self._is_getting_slow(pace, seconds):
            self._held.change(partial(self._slowed, asked_at, now))
        elif pace.rate < self._limit and now - pace.changed_at >= RECOVERY_SECONDS:
            self._held.change(partial(self._recovered, now))

    def refused(self, asked_at: float) -> bool:
        """Note that the host was asked too often (429, 503); tells whether the rate was lowered."""
        return self._held.change(partial(self._slowed, asked_at, self._clock()))

    def _rate_of(self, pace: Pace) -> float:
        """The rate now; one that is none, for example not a number, does not count."""
        return min(self._limit, pace.rate) if pace.rate > 0 else self._limit

    def _held_seconds(self, pace: Pace) -> float:
        """How long to let nothing through: of a hold without a sensible end only as long as may be.

        That counts from when it was first seen here.
        """
        now = self._clock()
        if math.isnan(pace.held_until):
            return 0.0
        seconds = pace.held_until - now
        if seconds <= LONGEST_HOLD_SECONDS:
            return seconds
        with self._lock:
            if self._odd_hold[0] != pace.held_until:
                self._odd_hold = (pace.held_until, now)
            return self._odd_hold[1] + LONGEST_HOLD_SECONDS - now

    def _has_turn(self, rate: float) -> bool:
        if rate == math.inf:
            return True
        with self._lock:
            if self._turns is None:
                self._turns = self._new_turns(rate)
            elif rate != self._turns_rate:
                self._turns.set_rate(rate)
            self._turns_rate = rate
            turns = self._turns
        return turns.take(_LOOK_UP_SECONDS)

    def _is_getting_slow(self, pace: Pace, seconds: float) -> bool:
        if self._limit == math.inf:
            return False
        with self._lock:
            if pace.changed_at != self._latency_since:
                self._latency_since = pace.changed_at
                self._latency.begin_anew()
            return self._latency.is_rising_with(seconds)

    def _slowed(self, asked_at: float, now: float, pace: Pace) -> tuple[Pace, bool]:
        if asked_at < pace.changed_at:
            return pace, False
        before = rate = min(self._limit, pace.rate)
        ceiling = pace.ceiling
        if rate == math.inf:
            with self._lock:
                ceiling = rate = max(_LEAST_CEILING, self._asked.count(now))
        top = min(self._limit, ceiling)
        slower = max(rate * SLOWER, top * SLOWEST_SHARE)
        return replace(pace, rate=slower, ceiling=ceiling, changed_at=now), slower < before

    def _recovered(self, now: float, pace: Pace) -> tuple[Pace, None]:
        if now - pace.changed_at < RECOVERY_SECONDS:  # another one was quicker
            return pace, None
        top = min(self._limit, pace.ceiling)
        rate = pace.rate + RECOVERY_SHARE * top
        if rate < top:
            return replace(pace, rate=rate, changed_at=now), None
        return replace(pace, rate=math.inf, ceiling=math.inf, changed_at=now), None


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


class LocalTurns:
    """Turns of this process: the library's limiter, not loaded where there is no limit."""

    def __init__(self, requests_per_second: float) -> None:
        from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory

        self._rate_type = Rate
        self._bucket = InMemoryBucket([Rate(*window_of(requests_per_second))])
        # Without the library's thread that empties buckets: each turn does it here.
        turns = SingleBucketFactory(self._bucket, schedule_leak=False)
        self._limiter = Limiter(turns, buffer_ms=0)

    def set_rate(self, requests_per_second: float) -> None:
        """Have the next turns come at another rate."""
        self._bucket.rates = [self._rate_type(*window_of(requests_per_second))]

    def take(self, timeout_seconds: float) -> bool:
        """Wait for a turn at most this long; tell whether there was one."""
        taken = self._limiter.try_acquire(timeout=timeout_seconds)
        now: int = self._bucket.now()  # type: ignore[no-untyped-call]  # the library has no type
        self._bucket.leak(now)
        return bool(taken)


def window_of(requests_per_second: float) -> tuple[int, int]:
    """The limit as a number of requests in a whole number of milliseconds, rounded to slower.

    Slow limits are one request an interval, without bursts; fast ones are cut into windows of
    about 100 ms, as short as the limiter's clock of 1 ms can tell apart.
    """
    requests = max(1, math.floor(requests_per_second / 10))
    return requests, math.ceil(requests * 1000 / requests_per_second)
