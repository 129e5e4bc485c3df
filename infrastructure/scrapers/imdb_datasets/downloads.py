"""Dataset files from where they are published, part by part: a download can be continued."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from application.ports import DatasetProgress
from domain.datasets import DatasetFile, DatasetName
from domain.errors import DatasetDamaged, SourceBlocked, SourceUnavailable
from infrastructure.scrapers.answers import Answer, PackedAnswer
from infrastructure.scrapers.imdb_pages import block_reason

PART_BYTES = 1 << 21
"""What one request asks for: little enough to arrive in time over a slow connection."""

MOST_BYTES = 8_000_000_000
"""The largest file that is fetched: ten times the largest one of 2026."""

_TIMES_ANEW = 3
_PARTIAL, _NOT_MODIFIED, _CHANGED, _BEYOND = 206, 304, 412, 416
_RANGE = re.compile(r"bytes (?P<first>\d+)-(?P<last>\d+)/(?P<size>\d+)")

_Read = TypeVar("_Read")


class Http(Protocol):
    """The part of `HttpClient` that is needed."""

    def fetch_part(
        self, url: str, headers: Mapping[str, str], read: Callable[[PackedAnswer], _Read]
    ) -> _Read:
        """Get a part of something large, which ``headers`` ask for."""


class _Version(msgspec.Struct, frozen=True):
    """Which version of a file parts belong to; ``size`` is that of the whole file, in bytes."""

    etag: str
    last_modified: str
    size: int


class _Changed(Exception):
    """The file is another one than its first parts are of."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Some bytes of a file, from ``first`` on."""

    version: _Version
    first: int
    data: bytes


class DatasetDownloads:
    """Fulfils `DatasetFiles` over HTTP, keeping the files in a folder.

    A file that is there is asked for only if it has changed; one that was begun is continued. What
    is not whole has the name ``<file>.part``. Used by one thread.
    """

    def __init__(self, http: Http, url: str, folder: Path) -> None:
        self._http = http
        self._url = url
        self._folder = folder

    def obtain(self, name: DatasetName, progress: DatasetProgress) -> DatasetFile:
        """Give a file as it is published now; raises as `DatasetFiles.obtain` says."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._obtain(name, progress)
        except OSError as error:
            raise DatasetDamaged(
                str(self._folder), f"{name}.tsv.gz cannot be kept there: {error.strerror or error}"
            ) from error

    def _obtain(self, name: DatasetName, progress: DatasetProgress) -> DatasetFile:
        path = self._folder / f"{name.value}.tsv.gz"
        held = _version_of(path)
        headers = {"If-None-Match": held.etag} if held is not None and held.etag else {}
        first = self._first(path.name, headers)
        if first is None:
            version = held
        else:
            version = self._download(
                path, first, lambda done, size: progress(name, "download", done, size)
            )
        if version is None:
            raise SourceUnavailable(f"{self._url}/{path.name}", "HTTP 304 for a file never held")
        return DatasetFile(name, path, _time_of(version.last_modified), version.etag or None)

    def _download(self, path: Path, first: _Part, told: Callable[[int, int], None]) -> _Version:
        for _ in range(_TIMES_ANEW):
            try:
                self._download_version(path, first, told)
            except _Changed:
                again = self._first(path.name, {})
                if again is not None:
                    first = again
            else:
                return first.version
        raise SourceUnavailable(
            f"{self._url}/{path.name}", "it changes again and again while it is fetched"
        )

    def _download_version(self, path: Path, first: _Part, told: Callable[[int, int], None]) -> None:
        """Fetch what is missing of one version; raises `_Changed` when that is gone."""
        version = first.version
        part = path.with_name(f"{path.name}.part")
        done = part.stat().st_size if _version_of(part) == version and part.exists() else 0
        self._check_room(path.name, version.size - done)
        with part.open("r+b" if done else "wb") as file:
            _note_version(part, version)
            file.seek(done)
            while done < version.size:
                piece = first if done == 0 else self._piece(path.name, done, version)
                file.write(piece.data)
                done += len(piece.data)
                told(done, version.size)
            file.flush()
            os.fsync(file.fileno())
        # In this order: a file is never taken for another version than it is.
        _note_of(path).unlink(missing_ok=True)
        part.replace(path)
        _note_version(path, version)
        _note_of(part).unlink(missing_ok=True)

    def _first(self, file_name: str, headers: Mapping[str, str]) -> _Part | None:
        try:
            return self._ask(file_name, 0, headers)
        except _Changed as error:
            raise SourceUnavailable(f"{self._url}/{file_name}", f"HTTP {error}") from error

    def _piece(self, file_name: str, first: int, version: _Version) -> _Part:
        is_strong = version.etag and not version.etag.startswith("W/")
        part = self._ask(file_name, first, {"If-Match": version.etag} if is_strong else {})
        if part is None or part.version != version or part.first != first:
            raise _Changed
        return part

    def _ask(self, file_name: str, first: int, headers: Mapping[str, str]) -> _Part | None:
        """Ask for a part; ``None`` when the file is the one that is held."""
        asked = {"Range": f"bytes={first}-{first + PART_BYTES - 1}", "Accept-Encoding": "identity"}
        url = f"{self._url}/{file_name}"
        return self._http.fetch_part(url, asked | dict(headers), _read_part)

    def _check_room(self, file_name: str, size: int) -> None:
        url = f"{self._url}/{file_name}"
        if size > MOST_BYTES:
            raise SourceUnavailable(url, f"it has {size:,} bytes, more than {MOST_BYTES:,}")
        if size > (free := shutil.disk_usage(self._folder).free):
            raise DatasetDamaged(
                str(self._folder), f"{file_name} takes {size:,} bytes, and {free:,} are free"
            )


def _read_part(answer: PackedAnswer) -> _Part | None:
    if answer.status == _NOT_MODIFIED:
        return None
    if answer.status in {_CHANGED, _BEYOND}:
        raise _Changed(answer.status)
    unpacked = answer.unpacked()
    data = bytes(unpacked.body)
    if answer.status == _PARTIAL:
        found = _RANGE.fullmatch(unpacked.headers.get("Content-Range", ""))
        if found is None or int(found["last"]) - int(found["first"]) + 1 != len(data):
            raise SourceUnavailable(answer.url, "it answers with another part than it says")
        return _Part(_version(unpacked, int(found["size"])), int(found["first"]), data)
    if answer.status == 200:  # a server that knows no parts gives all there is
        return _Part(_version(unpacked, len(data)), 0, data)
    if reason := block_reason(unpacked.status, unpacked.headers, unpacked.body):
        raise SourceBlocked(answer.url, reason)
    raise SourceUnavailable(answer.url, f"HTTP {answer.status}")


def _version(answer: Answer, size: int) -> _Version:
    return _Version(answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""), size)


def _note_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _note_version(path: Path, version: _Version) -> None:
    _note_of(path).write_bytes(msgspec.json.encode(version))


def _version_of(path: Path) -> _Version | None:
    """What was noted of a file, if it is there; a note that cannot be read says nothing."""
    if not path.exists():
        return None
    with suppress(FileNotFoundError, msgspec.DecodeError):
        version = msgspec.json.decode(_note_of(path).read_bytes(), type=_Version)
        if path.stat().st_size <= version.size:
            return version
    return None


def _time_of(last_modified: str) -> datetime:
    """When a file was made; when it was got, as long as the server does not say."""
    try:
        return parsedate_to_datetime(last_modified).astimezone(UTC)
    except (ValueError, TypeError):
        return datetime.now(UTC)
