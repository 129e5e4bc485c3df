"""Where the HTTP cache keeps its pages: a folder, or Redis."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec
from filelock import FileLock
from redis import Redis
from requests_cache.backends.base import BaseStorage
from requests_cache.backends.filesystem import FileDict
from requests_cache.backends.redis import RedisDict
from requests_cache.serializers import SerializerPipeline, Stage
from requests_cache.serializers.cattrs import CattrStage

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
_KEPT_AFTER_EXPIRY_SECONDS = 7 * 24 * 3600
"""Redis forgets a page so long after it has ceased to be fresh: until then it may be confirmed."""


class Storage(Protocol):
    """Holds pages by their keys. Any number of threads and processes may use one."""

    @property
    def pages(self) -> BaseStorage[str, Any]:
        """The pages, as a mapping."""

    @property
    def location(self) -> str:
        """For the user, without any password."""

    def bytes_held(self) -> int:
        """What the pages take, in bytes."""

    def counts(self) -> Counter[str]:
        """What `add_counts` was given up to now, added up."""

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Add a run's counts to those of all runs."""

    def close(self) -> None:
        """Let go of connections."""


class FolderStorage:
    """A file a page, in a folder that only we may enter. Raises `OSError` when it is no use."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._files = FileDict(folder.resolve(), serializer=_SERIALIZER, extension="msgpack")
        self.pages: BaseStorage[str, Any] = self._files
        self.location = str(folder)
        self._counts_file = folder / _COUNTS_FILE
        self._lock = FileLock(folder / ".lock", timeout=10)
        with self._lock:
            pass

    def bytes_held(self) -> int:
        """The size of all files."""
        return int(self._files.size())

    def counts(self) -> Counter[str]:
        """What is in the counts' file."""
        with self._lock:
            return self._read_counts()

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


class RedisStorage:
    """Redis, by its URL. Raises `redis.exceptions.RedisError` and `ValueError`."""

    def __init__(self, url: str) -> None:
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
        parts = urlsplit(url)
        self.location = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def bytes_held(self) -> int:
        """The lengths of all values, as Redis counts them."""
        keys = self._redis.scan_iter(f"{_NAMESPACE}:*", count=1000)
        return sum(self._redis.strlen(key) for key in keys)

    def counts(self) -> Counter[str]:
        """What is in the counts' hash."""
        held = self._redis.hgetall(_COUNTS_KEY)
        return Counter({name.decode(): int(count) for name, count in held.items()})

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Add to the counts' hash."""
        for name, count in counts.items():
            self._redis.hincrby(_COUNTS_KEY, name, count)

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()
