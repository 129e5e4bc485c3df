"""Titles as a Parquet file, with typed columns: lists are lists, credits and details structures."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from application.title_fields import FieldKind, TitleField
from domain.details import DetailName, Kind, fields_of, item_of
from domain.errors import ExportFailed
from domain.title import Title
from infrastructure.exporters.values import json_text, json_value

_TITLES_AT_ONCE = 2_000
"""Titles of a row group: with all details a title can have some hundred kilobytes."""

_TEXTS = pa.list_(pa.string())

_TYPES = {
    FieldKind.WHOLE_NUMBER: pa.int32(),
    FieldKind.NUMBER: pa.float64(),
    FieldKind.TEXT: pa.string(),
    FieldKind.MOMENT: pa.timestamp("us", tz="UTC"),
    FieldKind.TEXTS: _TEXTS,
    FieldKind.BESIDE_CREDITS: _TEXTS,
    FieldKind.CREDITS: pa.list_(
        pa.struct([("imdb_id", pa.string()), ("name", pa.string()), ("characters", _TEXTS)])
    ),
    FieldKind.DETAILS: pa.string(),
}

_ITEM_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.WHOLE_NUMBER: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.FLAG: pa.bool_(),
    Kind.DATE: pa.string(),
    Kind.TEXTS: _TEXTS,
}


class ParquetWriter:
    """Writes a Parquet file, compressed with Zstandard."""

    def __init__(self, path: Path, columns: Sequence[TitleField]) -> None:
        self._path = path
        self._columns = columns

    def write(self, titles: Iterable[Title]) -> Sequence[str]:
        """Write all titles, some thousand at a time. Raises `ExportFailed` or `OSError`."""
        schema = pa.schema([(column.name, _type(column)) for column in self._columns])
        left = iter(titles)
        try:
            with pq.ParquetWriter(self._path, schema, compression="zstd") as file:
                while some := list(islice(left, _TITLES_AT_ONCE)):
                    rows = [self._row(title) for title in some]
                    file.write_table(pa.Table.from_pylist(rows, schema=schema))
        except pa.ArrowException as error:
            raise ExportFailed(f"the Parquet file cannot be written: {error}") from error
        return ()

    def _row(self, title: Title) -> dict[str, Any]:
        return {column.name: _value(column, title) for column in self._columns}


def _type(column: TitleField) -> pa.DataType:
    if column.kind is not FieldKind.DETAIL:
        return _TYPES[column.kind]
    fields = fields_of(item_of(DetailName(column.name)))
    return pa.list_(pa.struct([(field.name, _ITEM_TYPES[field.kind]) for field in fields]))


def _value(column: TitleField, title: Title) -> Any:
    if column.kind is FieldKind.MOMENT:
        return column.value(title)
    value = json_value(column, title)
    return json_text(value) if column.kind is FieldKind.DETAILS else value
