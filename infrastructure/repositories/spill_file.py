"""Titles that wait for a repository that is away, in a file.

The file is a header line, then each batch: a byte that says what it has, titles or people, and
those as one MessagePack value. Titles are without their details there, and behind them come those
of each title, whose items say nothing of what sort they are. Only the process that wrote the file
reads it: what a killed run had there is fetched again, for a run that is continued asks the
repositories what they hold, and the next run removes the file. A file in use is locked, which the
kernel undoes when its process dies, whatever way it dies.
"""

import fcntl
import os
import stat
import tempfile
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from domain.details import Detail, DetailName, Item, item_of
from domain.errors import InvalidTitle, SpillUnavailable
from domain.person_profile import PersonProfile
from domain.provenance import Provenance
from domain.title import Title

MOST_BYTES = 256 * 1024 * 1024
"""How long a file may get: some 100,000 titles with 20 credits each."""

_PREFIX = ".imdb-title-collector-spill-"
_HEADER = b"imdb-title-collector spill 2\n"
_TITLES, _PEOPLE = b"t", b"p"

_Batch = tuple[Title, ...] | tuple[PersonProfile, ...]


class _SpilledDetail(NamedTuple):
    name: DetailName
    items: msgspec.Raw
    provenance: Provenance
    is_whole: bool


_SpilledTitles = tuple[tuple[Title, ...], tuple[tuple[_SpilledDetail, ...], ...]]


class SpillFile:
    """Fulfils `Spill`: a file that nobody else may read, made when the first batch comes.

    It is in the first of ``folders`` that takes that batch, and at most ``most_bytes`` long. Used
    by one thread.
    """

    def __init__(
        self, repository: str, folders: Sequence[Path], *, most_bytes: int = MOST_BYTES
    ) -> None:
        self._prefix = f"{_PREFIX}{repository}-"
        self._folders = folders
        self._most_bytes = most_bytes
        self._file: FileIO | None = None
        self._path: Path | None = None
        self._begin = self._end = len(_HEADER)
        self._lengths: deque[int] = deque()
        self._encoder = msgspec.msgpack.Encoder()
        self._titles = msgspec.msgpack.Decoder(_SpilledTitles)
        self._people = msgspec.msgpack.Decoder(tuple[PersonProfile, ...])

    @property
    def location(self) -> str:
        """The path of the file; empty while there is none."""
        return "" if self._path is None else str(self._path)

    def put(self, batch: Sequence[Title] | Sequence[PersonProfile]) -> None:
        """Write a batch behind the others.

        Raises `SpillUnavailable` when the file is as long as it may be or cannot be written; what
        is in it already is unharmed.
        """
        record = self._record(batch)
        if self._end + len(record) > self._most_bytes:
            limit = f"{self._most_bytes / 1024**2:g} MB"
            raise SpillUnavailable(f"the file in which titles wait is full ({limit})")
        try:
            if self._file is None:
                self._make_with(record)
            else:
                _write_at(self._file, self._end, record)
        except OSError as error:
            where = self.location or " and ".join(map(str, self._folders))
            raise SpillUnavailable(f"{where}: {error.strerror or error}") from error
        self._lengths.append(len(record))
        self._end += len(record)

    def first(self, count: int) -> list[_Batch]:
        """Read the first ``count`` batches that are kept."""
        batches = []
        position = self._begin
        for length in islice(self._lengths, count):
            batches.append(self._batch(position, length))
            position += length
        return batches

    def drop(self, count: int) -> None:
        """Forget the first ``count`` batches; the room of all is given back with the last one."""
        for _ in range(count):
            self._begin += self._lengths.popleft()
        if not self._lengths and self._file is not None:
            self._begin = self._end = len(_HEADER)
            with suppress(OSError):  # what is left behind the header is written over
                self._file.truncate(self._begin)

    def close(self) -> None:
        """Remove the file."""
        self._lengths.clear()
        if self._file is not None and self._path is not None:
            with suppress(OSError):  # the next run removes it
                self._path.unlink()
            self._file.close()
        self._file = self._path = None

    def _make_with(self, record: bytes) -> None:
        """Make the file in the first folder that has room for the header and a record."""
        trouble: OSError | None = None
        for folder in self._folders:
            try:
                self._file, self._path = _new_file(folder, self._prefix)
                _write_at(self._file, 0, _HEADER + record)
            except OSError as error:
                self.close()
                trouble = error
            else:
                return
        raise trouble or OSError("there is no folder for it")

    def _batch(self, position: int, length: int) -> _Batch:
        if self._file is None:
            raise RuntimeError("nothing has been put")
        try:
            record = os.pread(self._file.fileno(), length, position)
            if record[:1] == _PEOPLE:
                return self._people.decode(record[1:])
            bare, details = self._titles.decode(record[1:])
            return tuple(map(_with_details, bare, details))
        except (OSError, msgspec.DecodeError, InvalidTitle) as error:
            raise SpillUnavailable(f"{self.location} cannot be read: {error}") from error

    def _record(self, batch: Sequence[Title] | Sequence[PersonProfile]) -> bytes:
        titles = [item for item in batch if isinstance(item, Title)]
        if len(titles) < len(batch):
            return _PEOPLE + self._encoder.encode(batch)
        bare = [replace(title, details=()) if title.details else title for title in titles]
        details = [[self._spilled(detail) for detail in title.details] for title in titles]
        return _TITLES + self._encoder.encode((bare, details))

    def _spilled(self, detail: Detail) -> _SpilledDetail:
        items = msgspec.Raw(self._encoder.encode(detail.items))
        return _SpilledDetail(detail.name, items, detail.provenance, detail.is_whole)


def _with_details(title: Title, details: Sequence[_SpilledDetail]) -> Title:
    if not details:
        return title
    return replace(title, details=tuple(map(_detail, details)))


def _detail(spilled: _SpilledDetail) -> Detail:
    items = _items_decoder(spilled.name).decode(spilled.items)
    return Detail(
        name=spilled.name,
        items=items,
        provenance=spilled.provenance,
        is_whole=spilled.is_whole,
    )


@cache
def _items_decoder(name: DetailName) -> msgspec.msgpack.Decoder[tuple[Item, ...]]:
    return msgspec.msgpack.Decoder(tuple[item_of(name), ...])  # type: ignore[misc]


def remove_leftovers(folders: Iterable[Path]) -> None:
    """Remove the files that killed runs of this user have left in ``folders``; harm no other."""
    for folder in folders:
        with suppress(OSError):  # no such folder, or not ours to look into: nothing to remove
            for path in [entry for entry in folder.iterdir() if entry.name.startswith(_PREFIX)]:
                _remove_unless_in_use(path)


def _new_file(folder: Path, prefix: str) -> tuple[FileIO, Path]:
    """Make a file that is locked before anybody can take it for a leftover and remove it."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix=prefix, dir=folder)
        file, path = FileIO(descriptor, "r+b"), Path(name)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            path.unlink()
            file.close()
            raise
        if _is_still(path, file):
            return file, path
        file.close()


def _is_still(path: Path, file: FileIO) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _remove_unless_in_use(path: Path) -> None:
    with suppress(OSError):  # another user's, in use, or gone by now
        file = FileIO(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK), "r+b")
        with file:
            found = os.fstat(file.fileno())
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _write_at(file: FileIO, position: int, data: bytes) -> None:
    """Write all of it there, or leave the file as long as it was."""
    try:
        rest = memoryview(data)
        while rest:
            # A full disk may take a part of a write; only the next write says why.
            rest = rest[os.pwrite(file.fileno(), rest, position + len(data) - len(rest)) :]
    except OSError:
        with suppress(OSError):
            file.truncate(position)
        raise
