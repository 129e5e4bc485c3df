"""One CSV file that is appended to, read on from where it was last read, and repaired."""

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from domain.errors import RepositoryUnavailable
from infrastructure.repositories.csv.failures import foreign, malformed
from infrastructure.repositories.csv.rows import decode, decode_one, encode

MOST_TITLES_AT_ONCE = 100
"""Titles written in one go, and so the most of which a crash can leave a part."""

_IMDB_ID = re.compile(r"(tt|nm)[0-9]{7,15}")


class Record(NamedTuple):
    """A row and where it stands in its file: from byte ``start`` to before byte ``end``."""

    start: int
    end: int
    cells: list[str]


class CsvTable:
    """A CSV file with one header line. Whoever calls it holds the folder's lock.

    ``size`` is how far the file is known, in bytes: up to the end of the last row that was read or
    appended. The file stays open, so that its inode number is not given to another file and
    `is_replaced` cannot be deceived. ``added`` has the columns that files of earlier versions lack,
    with the cell that their rows get when such a file is opened.
    """

    def __init__(
        self, path: Path, columns: Sequence[str], added: Mapping[str, str] | None = None
    ) -> None:
        self.path = path
        self.header = encode([columns])
        self.size = 0
        self._columns = columns
        self._added = added or {}
        self._older_columns = [name for name in columns if name not in self._added]
        self._older_header = encode([self._older_columns])
        self._file: FileIO | None = None

    def header_size(self) -> int | None:
        """Give the length of the file's header line, or `None` when it is still to be written.

        Writes nothing. Raises `RepositoryUnavailable` when the file is not ours.
        """
        try:
            first_line = self._first_line()
        except FileNotFoundError:
            return None
        headers = (self.header, self._older_header)
        if any(_is_line(first_line, header) for header in headers):
            return len(first_line)
        # A crash can tear the header as well.
        if any(header.startswith(first_line) for header in headers):
            return None
        raise foreign(self.path, first_line, self._columns)

    def open(self) -> None:
        """Open the file, with a header when it has none; its rows are new, to be read."""
        self.close()
        size = self.header_size()
        if size is not None and self._added and _is_line(self._first_line(), self._older_header):
            size = self._add_columns()
        self._file = FileIO(self.path, "a+b")
        if size is None:
            self._file.truncate(0)
            _write_all(self._file, self.header)
            size = len(self.header)
        self.size = size

    def close(self) -> None:
        """Let go of the file, if it is open."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def is_replaced(self) -> bool:
        """Tell whether what is known of the file no longer holds: it is another file, or cut."""
        if self._file is None:
            return True
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return True
        known = os.fstat(self._file.fileno())
        return not os.path.samestat(found, known) or found.st_size < self.size

    def has_grown(self) -> bool:
        """Tell whether another process has appended rows since the file was last read."""
        return os.fstat(self._opened().fileno()).st_size > self.size

    def new_records(self) -> Iterator[Record]:
        """Give the rows after ``size``, then cut off a last row that a crash has torn.

        Raises `RepositoryUnavailable` naming the row that cannot be read.
        """
        with self.path.open("rb") as stream:
            stream.seek(self.size)
            for raw, is_whole in split_records(stream):
                if not is_whole:
                    self._refuse_unless_torn(raw)
                    self.truncate(self.size)
                    return
                start = self.size
                self.size += len(raw)
                yield Record(start, self.size, self._cells(raw, start))

    def records(self) -> Iterator[Record]:
        """Give all rows that are known.

        Raises `RepositoryUnavailable` naming the row that cannot be read.
        """
        start = self.header_size() or 0
        with self.path.open("rb") as stream:
            stream.seek(start)
            for raw, _ in split_records(stream):
                if start == self.size:
                    return
                yield Record(start, start + len(raw), self._cells(raw, start))
                start += len(raw)

    def skip_to_end(self) -> None:
        """Take the rows after ``size`` as known."""
        self.size = os.fstat(self._opened().fileno()).st_size

    def append(self, records: bytes) -> None:
        """Write encoded rows behind the last one. On `OSError`, what was written is still there."""
        _write_all(self._opened(), records)
        self.size += len(records)

    def truncate(self, size: int) -> None:
        """Cut the file to ``size`` bytes."""
        self._opened().truncate(size)
        self.size = size

    def read(self, start: int, end: int) -> bytes:
        """Give the bytes from ``start`` to before ``end``."""
        return os.pread(self._opened().fileno(), end - start, start)

    def flush_to_disk(self) -> None:
        """Wait until the rows would survive a power cut as well."""
        os.fsync(self._opened().fileno())

    def malformed(self, start: int, problem: object) -> RepositoryUnavailable:
        """Give the error for the row at byte ``start``, named as a spreadsheet counts it."""
        with self.path.open("rb") as stream:
            before = io.BytesIO(stream.read(start))
        number = sum(1 for _ in split_records(before)) + 1
        return malformed(self.path, f"record {number} (the header is record 1)", str(problem))

    def _first_line(self) -> bytes:
        with self.path.open("rb") as stream:
            return stream.readline(len(self.header) + 80)

    def _add_columns(self) -> int:
        """Write a file of an earlier version anew, with the columns that it lacks.

        A crash leaves the old file or the new one. Gives the length of the new header line.
        """
        older = CsvTable(self.path, self._older_columns)
        older.open()
        temporary = self.path.with_name(f".{self.path.name}.new")
        try:
            replace_file(self.path, temporary, self._with_added(older.new_records()))
        finally:
            older.close()
        return len(self.header)

    def _with_added(self, records: Iterable[Record]) -> Iterator[bytes]:
        yield self.header
        for record in records:
            row = {**self._added, **dict(zip(self._older_columns, record.cells, strict=True))}
            yield encode([[row[name] for name in self._columns]])

    def _opened(self) -> FileIO:
        if self._file is None:
            raise RuntimeError(f"{self.path} is not open")
        return self._file

    def _cells(self, raw: bytes, start: int) -> list[str]:
        try:
            cells = decode_one(raw)
        except (csv.Error, ValueError) as error:
            raise self.malformed(start, error) from error
        if len(cells) != len(self._columns):
            problem = f"has {len(cells)} cells instead of {len(self._columns)}"
            raise self.malformed(start, problem)
        return cells

    def _refuse_unless_torn(self, raw: bytes) -> None:
        """Raise when an unfinished last row has swallowed whole rows.

        Then no crash has torn it: a quote was added or lost by hand, and cutting it off would take
        every row after it along.
        """
        for line in raw.splitlines(keepends=True)[1:]:
            try:
                rows = decode(line)
            except (csv.Error, ValueError):
                continue
            for cells in rows:
                if len(cells) == len(self._columns) and _IMDB_ID.fullmatch(cells[0]):
                    raise self.malformed(self.size, "a quote opens a cell that is never closed")


@contextmanager
def cut_back_on_error(tables: Iterable[CsvTable]) -> Iterator[None]:
    """Cut the files back to what they are now when the block raises `OSError` (a full disk)."""
    sizes = [(table, table.size) for table in tables]
    try:
        yield
    except OSError:
        for table, size in sizes:
            table.truncate(size)
        raise


def split_records(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Join lines into CSV records, each with whether it is whole: only the last may not be.

    A record goes on over the end of a line while its quotes are odd in number.
    """
    record: list[bytes] = []
    quotes = 0
    for line in lines:
        record.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0 and line.endswith(b"\n"):
            yield b"".join(record), True
            record, quotes = [], 0
    if record:
        yield b"".join(record), False


def replace_file(target: Path, temporary: Path, chunks: Iterable[bytes]) -> None:
    """Give ``target`` new contents at one stroke: a crash leaves the old file or the new one."""
    write_file(temporary, chunks)
    temporary.replace(target)
    flush_folder(target.parent)


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file and wait until it is on the disk; leave nothing behind when that fails."""
    try:
        with path.open("wb") as stream:
            stream.writelines(chunks)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def flush_folder(directory: Path) -> None:
    """Wait until the names of a folder's files are on the disk."""
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_line(line: bytes, header: bytes) -> bool:
    # Editors may turn CR LF into LF.
    return line in {header, header.rstrip() + b"\n"}


def _write_all(file: FileIO, data: bytes) -> None:
    # A full disk may take a part of a write; only the next write says why.
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
