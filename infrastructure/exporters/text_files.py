"""Titles as CSV (RFC 4180) and as JSON lines, in UTF-8: a line or record after another."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

import msgspec

from application.title_fields import TitleField
from domain.title import Title
from infrastructure.exporters.values import Cell, cell, json_value

_WRITTEN_AT_ONCE = 64 * 1024


class CsvWriter:
    """One record a title, with a header. ``escape`` is given every text as it is to stand there."""

    def __init__(
        self, stream: BinaryIO, columns: Sequence[TitleField], escape: Callable[[str], str]
    ) -> None:
        self._stream = stream
        self._columns = columns
        self._escape = escape

    def write(self, titles: Iterable[Title]) -> Sequence[str]:
        """Write all titles. Raises `OSError`."""
        text = io.StringIO(newline="")
        records = csv.writer(text)
        records.writerow(column.name for column in self._columns)
        for title in titles:
            records.writerow([self._escaped(cell(column, title)) for column in self._columns])
            if text.tell() >= _WRITTEN_AT_ONCE:
                self._stream.write(text.getvalue().encode())
                text.seek(0)
                text.truncate()
        self._stream.write(text.getvalue().encode())
        self._stream.flush()
        return ()

    def _escaped(self, value: Cell) -> Cell:
        return self._escape(value) if isinstance(value, str) else value


class JsonLinesWriter:
    """One JSON object a title and line, by the names of the columns."""

    def __init__(self, stream: BinaryIO, columns: Sequence[TitleField]) -> None:
        self._stream = stream
        self._columns = columns

    def write(self, titles: Iterable[Title]) -> Sequence[str]:
        """Write all titles. Raises `OSError`."""
        encoder = msgspec.json.Encoder()
        lines = bytearray()
        for title in titles:
            row = {column.name: json_value(column, title) for column in self._columns}
            lines += encoder.encode(row)
            lines += b"\n"
            if len(lines) >= _WRITTEN_AT_ONCE:
                self._stream.write(lines)
                lines.clear()
        self._stream.write(lines)
        self._stream.flush()
        return ()
