"""Many rows in one go: by COPY, or in one statement."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from io import RawIOBase
from itertools import islice
from typing import TypeVar

from psycopg2 import errors as pg
from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from infrastructure.repositories.postgres.rows import Row

_Item = TypeVar("_Item")

_ROWS_PER_STATEMENT = 1000
_ITEMS_PER_READ = 64
"""What is sent to a COPY in one go: the server is at work on it while the next is made."""


def copy_into(table: str, columns: Iterable[str]) -> str:
    """Give the statement that copies into columns of a table."""
    # The URL may ask for another encoding of the connection.
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN WITH (ENCODING 'UTF8')"


def execute_many(statements: cursor, statement: str, rows: Sequence[Row]) -> None:
    """Run a statement over many rows. Nothing to do for no rows."""
    if rows:
        execute_values(statements, statement, rows, page_size=_ROWS_PER_STATEMENT)


def copy_lines(
    statements: cursor,
    statement: str,
    items: Collection[_Item],
    lines: Callable[[_Item], str],
    when_sent: Callable[[], None] | None = None,
) -> None:
    """Send the lines of each item by COPY, and call ``when_sent``. Nothing to do for no items."""
    if not items:
        return
    stream = _Lines(map(lines, items), when_sent)
    try:
        statements.copy_expert(statement, stream)
    except pg.QueryCanceled:
        if stream.error is None:
            raise
        raise stream.error from None


class _Lines(RawIOBase):
    """Lines as the file that psycopg2 reads for a COPY, made when it asks for them.

    Of an error of ours psycopg2 reports only that there was one, so ``error`` keeps it.
    """

    def __init__(self, lines: Iterator[str], when_sent: Callable[[], None] | None) -> None:
        super().__init__()
        # Nothing is the end of a file, and a title may have no credits.
        self._lines = filter(None, lines)
        self._when_sent = when_sent
        self.error: ValueError | None = None

    def read(self, _size: int = -1) -> bytes:
        try:
            part = "".join(islice(self._lines, _ITEMS_PER_READ)).encode()
        except ValueError as error:
            self.error = error
            raise
        if not part and self._when_sent is not None:
            self._when_sent()
        return part
