"""One rate a host over all processes that use the same Redis, and one circuit breaker in a team."""

import threading
import time

from pyrate_limiter import GCRA, Limiter, Rate, SingleBucketFactory
from pyrate_limiter.buckets.redis_state import RedisStateStore
from pyrate_limiter.buckets.state_bucket import StateBucket
from pyrate_limiter.clocks import AbstractClock

from infrastructure.http.circuit_breaker import CLOSED, LONGEST_REST_SECONDS, CircuitState
from infrastructure.http.held import Held, HeldHere
from infrastructure.http.shared_memory import HeldInRedis, MemoryAway, SharedMemory
from infrastructure.http.throttle import SLOWEST_SHARE, LocalTurns, Pace, window_of

_PACE_SECONDS = 3600.0
"""So long after its last change the pace of a host is known; no hold is longer than 2 minutes."""
_TURNS_MILLISECONDS = 3_600_000
"""So long after the last turn the bucket is known; the longest pause between two is 2 minutes."""
_CIRCUIT_SECONDS = 2 * LONGEST_REST_SECONDS


class SharedLimits:
    """What clients of several processes have in common, kept in Redis.

    The pace of a host (its rate, and how long it wants to be left alone) belongs to all processes,
    whatever they are at. Circuits belong to those of one ``team``, such as the workers; a process
    without one has its own, and tries anew what was down for others.

    Any number of threads may call it. Closing it closes the connections to Redis.
    """

    def __init__(self, memory: SharedMemory, team: str | None = None) -> None:
        self._memory = memory
        self._team = team
        self.clock = memory.now

    def pace(self, netloc: str) -> Held[Pace]:
        """The pace of a host, by name and port."""
        return HeldInRedis(self._memory, f"pace:{netloc}", Pace(), lifetime_seconds=_PACE_SECONDS)

    def turns(self, netloc: str, requests_per_second: float) -> "SharedTurns":
        """The turns in which all ask a host."""
        return SharedTurns(self._memory, f"turns:{netloc}", requests_per_second)

    def circuit(self, netloc: str) -> Held[CircuitState]:
        """What the circuit breaker of a host remembers."""
        if self._team is None:
            return HeldHere(CLOSED)
        return HeldInRedis(
            self._memory,
            f"circuit:{self._team}:{netloc}",
            CLOSED,
            lifetime_seconds=_CIRCUIT_SECONDS,
        )

    def source_circuit(self, source: str) -> Held[CircuitState]:
        """What the circuit breaker of a source remembers, by its name and host."""
        return self.circuit(f"source:{source}")

    def close(self) -> None:
        """Close the connections."""
        self._memory.close()


class SharedTurns:
    """Turns of all processes: the library's token bucket in Redis, by the clock of Redis.

    While Redis is away this process takes turns by itself, at the least share of the rate that a
    host in trouble is asked at (`SLOWEST_SHARE`): others may do so, too.

    Any number of threads may call it; a lock lets one of them wait for the bucket at a time, so
    that only processes ask Redis again and again.
    """

    def __init__(self, memory: SharedMemory, key: str, requests_per_second: float) -> None:
        self._memory = memory
        self._waiting = threading.Lock()
        self._alone = LocalTurns(requests_per_second * SLOWEST_SHARE)
        store = RedisStateStore(memory.client, memory.key(key), ttl_ms=_TURNS_MILLISECONDS)
        self._bucket = StateBucket(
            [_bucket_rate(requests_per_second)], GCRA(), store, _ClockOf(memory)
        )
        # Without the library's thread that empties buckets: there is nothing to empty here.
        turns = SingleBucketFactory(self._bucket, schedule_leak=False)
        self._limiter = Limiter(turns, buffer_ms=0)

    def set_rate(self, requests_per_second: float) -> None:
        """Have the next turns of this process come at another rate."""
        self._bucket.rates = [_bucket_rate(requests_per_second)]
        self._alone.set_rate(requests_per_second * SLOWEST_SHARE)

    def take(self, timeout_seconds: float) -> bool:
        """Wait for a turn at most this long; tell whether there was one."""
        until = time.monotonic() + timeout_seconds
        if not self._waiting.acquire(timeout=timeout_seconds):
            return False
        try:
            left = max(0.0, until - time.monotonic())
            taken = self._memory.ask(lambda _: self._limiter.try_acquire(timeout=left))
        except MemoryAway:
            return self._alone.take(max(0.0, until - time.monotonic()))
        finally:
            self._waiting.release()
        return bool(taken)


class _ClockOf(AbstractClock):
    """The clock of Redis, in milliseconds."""

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory

    def now(self) -> int:
        return int(self._memory.now() * 1000)


def _bucket_rate(requests_per_second: float) -> Rate:
    """The rate of a bucket that holds the turns of about 100 ms, in which they may come at once."""
    requests, milliseconds = window_of(requests_per_second)
    return Rate(requests, milliseconds, burst=requests)
