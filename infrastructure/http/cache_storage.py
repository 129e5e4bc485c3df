"""Where the HTTP cache keeps its pages: a folder, or Redis."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from filelock import FileLock, Timeout
from redis import Redis
from redis.exceptions import RedisError
from requests_cache.backends.base import BaseStorage
from requests_cache.backends.filesystem import FileDict
from requests_cache.backends.redis import RedisDict
from requests_cache.serializers import SerializerPipeline, Stage
from requests_cache.serializers.cattrs import CattrStage

from domain.errors import CacheUnavailable

# Not the library's pickle: whoever may write to the cache would run code of theirs here.
_SERIALIZER = SerializerPipeline(
    [CattrStage(), Stage(dumps=msgspec.msgpack.encode, loads=msgspec.msgpack.decode)],
    name="msgpack",
    is_binary=True,
)
_COUNTS_FILE = "counts.json"
_NAMESPACE = "imdb-title-collector:pages"
_COUNTS_KEY = "imdb-title-collector:page-counts"
_REDIS_TIMEOUT_SECONDS = 5
_LOCK_SECONDS = 10
_KEPT_AFTER_EXPIRY_SECONDS = 7 * 24 * 3600
"""Redis forgets a page so long after it has ceased to be fresh: until then it may be confirmed."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a storage: pages, the bytes they take, and the counts of all runs."""

    location: str
    pages: int
    bytes_held: int
    counts: Counter[str]


class Storage(Protocol):
    """Holds pages by their keys. Any number of threads and processes may use one."""

    @property
    def pages(self) -> BaseStorage[str, Any]:
        """The pages, as a mapping."""

    @property
    def location(self) -> str:
        """For the user, without any password."""

    def contents(self) -> Contents:
        """Look at what is held. Raises `CacheUnavailable`."""

    def purge(self) -> int:
        """Take away all pages and counts; give the number of pages. Raises `CacheUnavailable`."""

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Add a run's counts to those of all runs."""

    def close(self) -> None:
        """Let go of connections."""


class FolderStorage:
    """A file a page, in a folder that only we may enter. Raises `CacheUnavailable`."""

    def __init__(self, folder: Path) -> None:
        self.location = str(folder)
        self._counts_file = folder / _COUNTS_FILE
        self._lock = FileLock(folder / ".lock", timeout=_LOCK_SECONDS, fallback_to_soft=False)
        with self._explained():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._files = FileDict(folder.resolve(), serializer=_SERIALIZER, extension="msgpack")
            with self._lock:
                pass
        self.pages: BaseStorage[str, Any] = self._files

    def contents(self) -> Contents:
        """Count the files."""
        with self._explained(), self._lock:
            paths = list(self._files.paths())
            size = sum(path.stat().st_size for path in paths)
            return Contents(self.location, len(paths), size, self._read_counts())

    def purge(self) -> int:
        """Remove the files of pages, and no others."""
        with self._explained(), self._lock:
            paths = list(self._files.paths())
            for path in paths:
                path.unlink(missing_ok=True)
            self._counts_file.unlink(missing_ok=True)
            return len(paths)

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Write the counts' file anew."""
        with self._lock:
            total = self._read_counts()
            total.update(counts)
            self._counts_file.write_bytes(msgspec.json.encode(total))

    def close(self) -> None:
        """Nothing is open."""

    def _read_counts(self) -> Counter[str]:
        try:
            return Counter(msgspec.json.decode(self._counts_file.read_bytes(), type=dict[str, int]))
        except (FileNotFoundError, msgspec.DecodeError):
            return Counter()  # none yet, or cut short by a kill: they are nice to have

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, Timeout) as error:
            why = error.strerror or error
            raise CacheUnavailable(
                f"the HTTP cache in {self.location} cannot be used: {why}; see OUTPUT_DIR"
            ) from error


class RedisStorage:
    """Redis, by its URL. Raises `CacheUnavailable`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.location = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        with self._explained():
            self._redis: Any = Redis.from_url(
                url,
                socket_timeout=_REDIS_TIMEOUT_SECONDS,
                socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
            )
            self._redis.ping()
        self.pages: BaseStorage[str, Any] = RedisDict(
            _NAMESPACE,
            connection=self._redis,
            serializer=_SERIALIZER,
            ttl_offset=_KEPT_AFTER_EXPIRY_SECONDS,
        )

    def contents(self) -> Contents:
        """Count keys and the lengths of their values."""
        with self._explained():
            lengths = [self._redis.strlen(key) for key in self._keys()]
            held = self._redis.hgetall(_COUNTS_KEY)
        counts = Counter({name.decode(): int(count) for name, count in held.items()})
        return Contents(self.location, len(lengths), sum(lengths), counts)

    def purge(self) -> int:
        """Delete our keys, and no others."""
        with self._explained():
            deleted = sum(self._redis.delete(key) for key in self._keys())
            self._redis.delete(_COUNTS_KEY)
        return int(deleted)

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Add to the counts' hash."""
        for name, count in counts.items():
            self._redis.hincrby(_COUNTS_KEY, name, count)

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()

    def _keys(self) -> Iterator[bytes]:
        yield from self._redis.scan_iter(f"{_NAMESPACE}:*", count=1000)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, ValueError) as error:
            raise CacheUnavailable(
                f"the HTTP cache at {self.location} cannot be used: {error}; see REDIS_URL"
            ) from error
