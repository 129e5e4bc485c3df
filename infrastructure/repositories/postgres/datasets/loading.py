"""Copies the lines of a file into a table: whole chunks at once, and a bad one line by line.

The server checks the values, in both ways alike. What it refuses is found by halves.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO

import psycopg2
from psycopg2.extensions import cursor

from infrastructure.repositories.postgres.datasets.stream import Chunk
from infrastructure.repositories.postgres.datasets.table_layout import LOADING, Layout
from infrastructure.repositories.postgres.errors import is_refusal, refusal_message
from infrastructure.repositories.postgres.sending import execute_many

LONGEST_REJECT = 1000
"""Characters of a refused line that are kept."""

_LINES_AT_ONCE = 2000
_REJECTS_AT_ONCE = 1000
_SEND_BYTES = 1 << 18

_QUOTE = b"\x01"
"""What the server is told quotes are: lines with it go one by one, so that none is ever read so."""
_END_OF_DATA = b"\\.\n"
"""A line that servers before PostgreSQL 18 take for the end of everything."""
_MISSING = rb"\N"

_COPY_LINES = (
    "COPY {table} ({columns}) FROM STDIN WITH"
    r" (FORMAT csv, DELIMITER E'\t', NULL '\N', QUOTE E'\x01', ENCODING 'UTF8')"
)
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


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    content: bytes
    """Without its line end."""


class Loader:
    """Fills one new table, inside one transaction of ``statements``. Used by one thread.

    Refused lines go to ``rejects`` beside the table, with their numbers.
    """

    def __init__(self, statements: cursor, layout: Layout) -> None:
        self._statements = statements
        self._layout = layout
        names = {"table": f"{LOADING}.{layout.table}", "columns": ", ".join(layout.columns)}
        self._copy_lines = _COPY_LINES.format(**names)
        self._copy_fields = _COPY_FIELDS.format(**names)
        self._rejects: list[tuple[str, int, str, str]] = []
        self.account = Loaded()

    def load(self, chunks: Iterable[Chunk], check: Callable[[], None]) -> Loaded:
        """Load all chunks; ``check`` is called before each, and may raise to end it.

        Raises psycopg2's errors when it is not a line that is refused.
        """
        for chunk in chunks:
            check()
            self.account.lines += chunk.lines
            if not self._load_whole(chunk):
                self._load_lines(chunk)
        self._send_rejects()
        return self.account

    def _load_whole(self, chunk: Chunk) -> bool:
        """Try to load a chunk as it is; tells whether that went well."""
        data = chunk.data
        if _QUOTE in data or _END_OF_DATA in data:
            return False
        return self._copied(self._copy_lines, data, chunk.lines) is None

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
        data = b"".join(map(_as_text_format, lines))
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
            self._statements.copy_expert(copy, BytesIO(data), size=_SEND_BYTES)
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
        return ""


def _as_text_format(line: _Line) -> bytes:
    """A line for COPY's text format, in which a backslash begins an escape."""
    fields = line.content.split(b"\t")
    return (
        b"\t".join(
            field if field == _MISSING else _ESCAPES.sub(lambda found: _ESCAPED[found[0]], field)
            for field in fields
        )
        + b"\n"
    )


def _reason(refusal: psycopg2.Error) -> str:
    """What the server says of a value, with the name of its column."""
    column = _COLUMN.search(refusal.diag.context or "")
    message = refusal_message(refusal)
    return f"{column[1]}: {message}" if column else message
