"""What several processes, on any number of machines, remember together in Redis."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import msgspec
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from infrastructure.http.held import HeldHere, State

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_TIMEOUT_SECONDS = 2.0
_AWAY_SECONDS = 5.0
"""After a failure Redis is not asked for so long: each question could take the time-out."""
_FRESH_SECONDS = 0.05
"""So old a value may be that is read: what one process learns, all know after that."""
_CLOCK_SECONDS = 60.0
"""How often the distance to the clock of Redis is measured anew."""
_PREFIX = "imdb-title-collector:limits"


class MemoryAway(Exception):
    """Redis cannot be asked now."""


class SharedMemory:
    """A Redis server that is asked as long as it answers, and left alone for a while when not.

    Any number of threads may call it; a lock guards what it knows of the server and its clock.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._location = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        # Tried twice: the first command after a restart of Redis finds a dead connection.
        self._redis: Any = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._is_away = False
        self._clock_offset = time.time() - time.monotonic()
        self._clock_set_at: float | None = None

    @property
    def client(self) -> Any:
        """The client of Redis, for a library that asks by itself within `ask`."""
        return self._redis

    def key(self, name: str) -> str:
        """What something is called in Redis, apart from everything that is not ours."""
        return f"{_PREFIX}:{name}"

    def ask(self, question: Callable[[Any], _Result]) -> _Result:
        """Give what ``question`` gets from the client of Redis. Raises `MemoryAway`."""
        if time.monotonic() < self._away_until:
            raise MemoryAway
        try:
            result = question(self._redis)
        except (RedisError, OSError) as error:
            self._lost(error)
            raise MemoryAway from error
        if self._is_away:
            self._found()
        return result

    def now(self) -> float:
        """Seconds by the clock of Redis, which goes alike for everybody; by our own while away."""
        now = time.monotonic()
        with self._lock:
            set_at = self._clock_set_at
            is_due = set_at is None or now - set_at > _CLOCK_SECONDS
            if is_due:
                self._clock_set_at = now
        if is_due:
            self._set_clock()
        return time.monotonic() + self._clock_offset

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _set_clock(self) -> None:
        before = time.monotonic()
        try:
            seconds, microseconds = self.ask(lambda redis: redis.time())
        except MemoryAway:
            return
        middle = (before + time.monotonic()) / 2
        self._clock_offset = seconds + microseconds / 1e6 - middle

    def _lost(self, error: Exception) -> None:
        with self._lock:
            is_new, self._is_away = not self._is_away, True
            self._away_until = time.monotonic() + _AWAY_SECONDS
        if is_new:
            logger.warning(
                "Redis at %s cannot be asked (%s): going on more slowly, by ourselves; see "
                "REDIS_URL", self._location, error,
            )  # fmt: skip

    def _found(self) -> None:
        with self._lock:
            was_away, self._is_away = self._is_away, False
        if was_away:
            logger.info("Redis at %s answers again", self._location)


class HeldInRedis(Generic[State]):
    """A value under a key of Redis, which all processes hold together.

    What is read may be 50 ms old; a change begins with the newest value (optimistic locking:
    WATCH, MULTI). It is forgotten ``lifetime_seconds`` after its last change. While Redis is away,
    each process goes on by itself with what it has seen last. What is no such value, whoever wrote
    it, counts as none.

    Any number of threads may call it. A lock guards what was seen; another one lets one thread of
    this process change it at a time, so that only processes have to try again.
    """

    def __init__(
        self, memory: SharedMemory, key: str, initial: State, *, lifetime_seconds: float
    ) -> None:
        self._memory = memory
        self._key = memory.key(key)
        self._initial = initial
        self._lifetime_ms = round(lifetime_seconds * 1000)
        self._decode = msgspec.msgpack.Decoder(type(initial)).decode
        self._alone = HeldHere(initial)
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._read_at = -1.0

    def read(self) -> State:
        """The value as it was at most 50 ms ago, or as it was seen last."""
        with self._lock:
            now = time.monotonic()
            is_fresh = 0 <= now - self._read_at < _FRESH_SECONDS
            if not is_fresh:
                self._read_at = now
        if not is_fresh:
            try:
                packed = self._memory.ask(lambda redis: redis.get(self._key))
            except MemoryAway:
                return self._alone.read()
            self._see(self._unpacked(packed))
        return self._alone.read()

    def change(self, how: Callable[[State], tuple[State, _Result]]) -> _Result:
        """Replace the newest value, in Redis when it can be asked."""

        def transact(pipe: Any) -> tuple[State, _Result]:
            old = self._unpacked(pipe.get(self._key))
            new, result = how(old)
            pipe.multi()
            if new != old:
                pipe.set(self._key, msgspec.msgpack.encode(new), px=self._lifetime_ms)
            return new, result

        def ask(redis: Any) -> tuple[State, _Result]:
            changed: tuple[State, _Result] = redis.transaction(
                transact, self._key, value_from_callable=True
            )
            return changed

        with self._changing:
            try:
                new, result = self._memory.ask(ask)
            except MemoryAway:
                return self._alone.change(how)
            self._see(new)
            return result

    def _see(self, value: State) -> None:
        self._alone.change(lambda _: (value, None))

    def _unpacked(self, packed: bytes | None) -> State:
        if packed is None:
            return self._initial
        try:
            return self._decode(packed)
        except msgspec.MsgspecError:
            return self._initial
