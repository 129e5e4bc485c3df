"""Kept answers in Redis, shared by the servers that share a database."""

import asyncio
import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as CannotConnect
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from infrastructure.web.answer_cache import MOST_ANSWER_BYTES, KeptAnswer, Question

logger = logging.getLogger(__name__)

_NAMESPACE = "imdb-title-collector:answers"

_TIMEOUT_SECONDS = 0.25
"""So long Redis may take to connect or to answer: making the answer takes a few milliseconds."""

_PAUSE_SECONDS = 5.0
"""So long Redis is left alone after it has failed."""

_KEPT_SECONDS = 3600
"""Redis forgets an answer after this: those of older versions of the store are useless."""

_THREADS = 4
_MOST_WAITING = 64
"""Of more requests at a time the others do without Redis."""

_MAC_BYTES = 32
_MOST_BYTES = MOST_ANSWER_BYTES + 64 * 1024

_TROUBLE = (RedisError, OSError, EOFError, ValueError)
"""What the client raises, also when something answers that is no Redis."""


class _Entry(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """An answer as it is kept."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    route: str


@contextmanager
def open_redis_answers(
    url: str, *, failed: Callable[[], None] = lambda: None
) -> Iterator["RedisAnswers"]:
    """Make the cache in the Redis at ``url``, which need not be there yet, and close it at the end.

    ``failed`` is told of each failure. Raises `ValueError` when the URL cannot be read.
    """
    opened = RedisAnswers(url, failed=failed)
    try:
        yield opened
    finally:
        opened.close()


class RedisAnswers:
    """Fulfils `AnswerCache`; a few threads wait for Redis, not the event loop.

    When Redis fails, that is said once, and it is left alone for a while: requests go on without.
    Nobody who may write to Redis, but does not know the version of the store, can make up or change
    an answer: each is signed with it, together with its question, and has no part of it in the name
    of its key.
    """

    def __init__(self, url: str, *, failed: Callable[[], None] = lambda: None) -> None:
        parts = urlsplit(url)
        self.location = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._failed = failed
        # Tried again once: a connection that was idle may be broken. The client's own way would be
        # to wait for seconds.
        self._redis: Any = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1, supported_errors=(CannotConnect,)),
        )
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="answers-in-redis")
        self._waiting = 0
        self._lock = threading.Lock()
        self._no_try_before = 0.0
        self._is_failing = False

    async def get(self, question: Question) -> KeptAnswer | None:
        """Give what was kept for exactly this question, unless it has been tampered with."""
        key, secret = _key_and_secret(question)
        found = await self._in_thread(lambda: self._redis.get(key))
        if not isinstance(found, bytes) or len(found) > _MOST_BYTES:
            return None
        return _read(found, question, secret)

    async def put(self, question: Question, answer: KeptAnswer) -> None:
        """Keep an answer for `_KEPT_SECONDS`."""
        key, secret = _key_and_secret(question)
        entry = _written(answer, question, secret)
        if len(entry) <= _MOST_BYTES:
            await self._in_thread(lambda: self._redis.set(key, entry, ex=_KEPT_SECONDS))

    def close(self) -> None:
        """Wait for what has begun, and close all connections."""
        self._threads.shutdown()
        self._redis.close()

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        """What Redis says, or ``None`` when it says nothing."""
        if self._waiting >= _MOST_WAITING or time.monotonic() < self._no_try_before:
            return None
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._guarded, work)
        finally:
            self._waiting -= 1

    def _guarded(self, work: Callable[[], Any]) -> Any:
        if time.monotonic() < self._no_try_before:  # another thread has met the trouble meanwhile
            return None
        try:
            done = work()
        except _TROUBLE as error:
            self._note_failure(error)
            return None
        with self._lock:
            self._is_failing = False
        return done

    def _note_failure(self, error: Exception) -> None:
        with self._lock:
            is_new, self._is_failing = not self._is_failing, True
            # A Redis that answers, if only that it will not, takes nobody's time.
            if not isinstance(error, ResponseError):
                self._no_try_before = time.monotonic() + _PAUSE_SECONDS
        self._failed()
        if is_new:
            logger.warning(
                "Redis (%s) does not keep answers, going on without it: %s", self.location, error
            )


def _key_and_secret(question: Question) -> tuple[str, bytes]:
    """Under what an answer is kept, and with what it is signed."""
    secret = question.version.encode()
    name = hashlib.blake2b(question.request, key=secret[:64], digest_size=24).hexdigest()
    return f"{_NAMESPACE}:{name}", secret


def _signature(entry: bytes, question: Question, secret: bytes) -> bytes:
    signature = hashlib.blake2b(key=secret[:64], digest_size=_MAC_BYTES)
    signature.update(b"%d " % len(question.request) + question.request)
    signature.update(entry)
    return signature.digest()


def _written(answer: KeptAnswer, question: Question, secret: bytes) -> bytes:
    entry = msgspec.msgpack.encode(_Entry(answer.headers, answer.body, answer.route))
    return _signature(entry, question, secret) + entry


def _read(found: bytes, question: Question, secret: bytes) -> KeptAnswer | None:
    """The answer, or ``None`` when it is not one that was written for this question."""
    signature, entry = found[:_MAC_BYTES], found[_MAC_BYTES:]
    if not hmac.compare_digest(signature, _signature(entry, question, secret)):
        return None
    try:
        kept = msgspec.msgpack.decode(entry, type=_Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return KeptAnswer(kept.headers, kept.body, kept.route)
