"""Copies the lines of a file into a table: all at once, or when one is bad, as many as possible.

The server checks the values, in all ways alike. What it refuses is found by halves.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import cursor

from infrastructure.repositories.postgres.datasets.id_numbers import IdNumbers
from infrastructure.repositories.postgres.datasets.stream import Chunk, read_ahead
from infrastructure.repositories.postgres.datasets.table_layout import LOADING, Layout
from infrastructure.repositories.postgres.errors import is_refusal, refusal_message
from infrastructure.repositories.postgres.sending import execute_many

LONGEST_REJECT = 1000
"""Characters of a refused line that are kept."""

_LINES_AT_ONCE = 2000
_REJECTS_AT_ONCE = 1000
_SEND_BYTES = 1 << 18

_BACKSLASH = b"\\"
_MISSING = rb"\N"

# The text format is read faster than CSV. A backslash begins an escape in it, and is a character as
# any other in the files: so all are doubled before, also that of a missing value.
_COPY_LINES = r"COPY {table} ({columns}) FROM STDIN WITH (NULL '\\N', ENCODING 'UTF8'{freeze})"
_COPY_FIELDS = "COPY {table} ({columns}) FROM STDIN WITH (ENCODING 'UTF8')"
_INSERT_REJECTS = f"INSERT INTO {LOADING}.rejects (file, line, reason, content) VALUES %s"  # noqa: S608 - a constant

_COLUMN = re.compile(r"column (\w+)")
# The text format's own escapes (PostgreSQL's manual, COPY, "Text Format").
_ESCAPES = re.compile(rb"[\\\r]")
_ESCAPED = {b"\\": rb"\\", b"\r": rb"\r"}


@dataclass(slots=True)
class Loaded:
    """How many lines there were after the header, and what became of them."""

    lines: int = 0
    loaded: int = 0
    rejected: int = 0
    first_reason: str = ""
    """Why the first of the rejected lines was refused."""
    sha256: str = ""
    """Of the file as it was read, packed or not."""


class LinesRefused(Exception):
    """A file cannot be loaded at once, as it has lines that are to be looked at."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    content: bytes
    """Without its line end."""


class _Sent(io.RawIOBase):
    """Lines as the file that psycopg2 reads for a COPY, in one thread.

    ``parts`` are whole lines as the server is to have them, with their number.
    """

    def __init__(self, parts: Iterator[tuple[bytes, int]], check: Callable[[], None]) -> None:
        super().__init__()
        self._parts = parts
        self._check = check
        self._rest = memoryview(b"")
        self.lines = 0
        self.trouble: BaseException | None = None
        """What was raised here: psycopg2 tells its caller no more than its text."""

    def read(self, size: int = -1) -> bytes:
        """Give the next bytes, at most this many; none at the end."""
        if not self._rest:
            try:
                self._rest = memoryview(self._next())
            except BaseException as error:
                self.trouble = error
                raise
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)

    def _next(self) -> bytes:
        self._check()
        data, lines = next(self._parts, (b"", 0))
        self.lines += lines
        return data


def load_at_once(
    statements: cursor, layout: Layout, chunks: Iterator[Chunk], check: Callable[[], None]
) -> Loaded:
    """Fill a table that this transaction has made, by one COPY of all chunks.

    The rows are frozen, so that nobody who reads them, an index that is built first of all, has to
    ask whether they are there for him, or to note that in the table (PostgreSQL's manual, COPY).
    ``check`` is called before each chunk, and may raise to end it.

    Raises `LinesRefused`, after which the transaction can only be rolled back, when a line is not
    as it should be; psycopg2's errors.
    """
    numbers = IdNumbers(layout)

    def prepared(chunk: Chunk) -> tuple[bytes, int]:
        data = _as_sent(numbers, chunk)
        if data is None:
            raise LinesRefused
        return data, chunk.lines

    # What the server gets is made in the other thread, so that it never waits for that.
    with read_ahead(map(prepared, chunks)) as parts:
        sent = _Sent(parts, check)
        try:
            statements.copy_expert(
                _copy(_COPY_LINES, layout, freeze=", FREEZE"), sent, size=_SEND_BYTES
            )
        except psycopg2.Error as error:
            if sent.trouble is not None:
                raise sent.trouble from None
            if is_refusal(error):
                raise LinesRefused from error
            raise
    if statements.rowcount != sent.lines:
        raise AssertionError(f"{statements.rowcount} rows made of {sent.lines} lines")
    return Loaded(lines=sent.lines, loaded=sent.lines)


def load_by_chunks(
    statements: cursor, layout: Layout, chunks: Iterator[Chunk], check: Callable[[], None]
) -> Loaded:
    """Fill a table with all lines that the server takes; those that it refuses become rejects.

    ``check`` is called before each chunk, and may raise to end it. Raises psycopg2's errors when it
    is not a line that is refused.
    """
    with read_ahead(chunks) as ready:
        return _Loader(statements, layout).load(ready, check)


def _copy(template: str, layout: Layout, *, freeze: str = "") -> str:
    table, columns = f"{LOADING}.{layout.table}", ", ".join(layout.columns)
    return template.format(table=table, columns=columns, freeze=freeze)


def _as_sent(numbers: IdNumbers, chunk: Chunk) -> bytes | None:
    """Lines as `_COPY_LINES` reads them; ``None`` when an id is none."""
    data = numbers.written(chunk.data, chunk.lines)
    return None if data is None else data.replace(_BACKSLASH, 2 * _BACKSLASH)


class _Loader:
    """Fills one new table, inside one transaction of ``statements``. Used by one thread.

    Refused lines go to ``rejects`` beside the table, with their numbers.
    """

    def __init__(self, statements: cursor, layout: Layout) -> None:
        self._statements = statements
        self._layout = layout
        self._numbers = IdNumbers(layout)
        self._copy_lines = _copy(_COPY_LINES, layout)
        self._copy_fields = _copy(_COPY_FIELDS, layout)
        self._rejects: list[tuple[str, int, str, str]] = []
        self.account = Loaded()

    def load(self, chunks: Iterator[Chunk], check: Callable[[], None]) -> Loaded:
        """Load all chunks; as `load_by_chunks`."""
        for chunk in chunks:
            check()
            self.account.lines += chunk.lines
            if not self._load_whole(chunk):
                self._load_lines(chunk)
        self._send_rejects()
        return self.account

    def _load_whole(self, chunk: Chunk) -> bool:
        """Try to load a chunk as it is; tells whether that went well."""
        data = _as_sent(self._numbers, chunk)
        return data is not None and self._copied(self._copy_lines, data, chunk.lines) is None

    def _load_lines(self, chunk: Chunk) -> None:
        """Load what is right of a chunk that was refused."""
        good: list[_Line] = []
        for number, content in enumerate(chunk.data[:-1].split(b"\n"), chunk.first_line):
            line = _Line(number, content.removesuffix(b"\r"))
            trouble = self._trouble(line.content)
            if trouble:
                self._reject(line, trouble)
            else:
                good.append(line)
        for start in range(0, len(good), _LINES_AT_ONCE):
            self._load_some(good[start : start + _LINES_AT_ONCE])

    def _load_some(self, lines: list[_Line]) -> None:
        """Load lines whose fields are whole, without those whose values the server refuses."""
        if not lines:
            return
        data = b"".join(map(self._as_text_format, lines))
        refusal = self._copied(self._copy_fields, data, len(lines))
        if refusal is None:
            return
        if len(lines) == 1:
            self._reject(lines[0], _reason(refusal))
            return
        half = len(lines) // 2
        self._load_some(lines[:half])
        self._load_some(lines[half:])

    def _copied(self, copy: str, data: bytes, lines: int) -> psycopg2.Error | None:
        """Copy lines, all or none; gives the server's refusal, or ``None`` when they are there."""
        self._statements.execute("SAVEPOINT lines")
        try:
            self._statements.copy_expert(copy, io.BytesIO(data), size=_SEND_BYTES)
        except psycopg2.Error as error:
            if not is_refusal(error):
                raise
            self._statements.execute("ROLLBACK TO SAVEPOINT lines; RELEASE SAVEPOINT lines")
            return error
        if self._statements.rowcount != lines:
            raise AssertionError(f"{self._statements.rowcount} rows made of {lines} lines")
        self._statements.execute("RELEASE SAVEPOINT lines")
        self.account.loaded += lines
        return None

    def _reject(self, line: _Line, reason: str) -> None:
        content = line.content[: 4 * LONGEST_REJECT].decode(errors="backslashreplace")
        shown = content.replace("\0", "\\x00")[:LONGEST_REJECT]
        self._rejects.append((self._layout.name.value, line.number, reason, shown))
        self.account.rejected += 1
        self.account.first_reason = self.account.first_reason or reason
        if len(self._rejects) >= _REJECTS_AT_ONCE:
            self._send_rejects()

    def _send_rejects(self) -> None:
        execute_many(self._statements, _INSERT_REJECTS, self._rejects)
        self._rejects.clear()

    def _trouble(self, line: bytes) -> str:
        """What is wrong with a line, by its form; empty when nothing is."""
        fields = line.count(b"\t") + 1
        expected = len(self._layout.columns)
        if fields != expected:
            return f"{fields} {'field' if fields == 1 else 'fields'} instead of {expected}"
        if b"\0" in line:
            return "a NUL byte"
        try:
            line.decode()
        except UnicodeDecodeError as error:
            return f"not UTF-8 at byte {error.start + 1}"
        return self._numbers.trouble(line)

    def _as_text_format(self, line: _Line) -> bytes:
        """A line for COPY's text format, in which a backslash begins an escape."""
        return (
            b"\t".join(
                field
                if field == _MISSING
                else _ESCAPES.sub(lambda found: _ESCAPED[found[0]], field)
                for field in self._numbers.of_line(line.content)
            )
            + b"\n"
        )


def _reason(refusal: psycopg2.Error) -> str:
    """What the server says of a value, with the name of its column."""
    column = _COLUMN.search(refusal.diag.context or "")
    message = refusal_message(refusal)
    return f"{column[1]}: {message}" if column else message
