"""What writes titles into files of other formats."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from application.ports import TitleWriter
from domain.errors import ExportFailed
from shared.config import Settings

if TYPE_CHECKING:
    from application.title_fields import TitleField
    from application.title_statistics import TitleStatistics


ExportFormat = Literal["csv", "jsonl", "parquet", "xlsx", "sqlite"]
"""The formats in which titles can be written."""


TEXT_FORMATS = frozenset({"csv", "jsonl"})
"""The formats that a stream can take."""


@contextmanager
def open_title_writer(
    settings: Settings,
    file_format: ExportFormat,
    columns: "Sequence[TitleField] | None",
    out: Path | BinaryIO,
) -> Iterator[TitleWriter]:
    """Make what writes titles to a stream, or to a file that is there whole at the end or not.

    A stream takes the formats that are text. Raises `ExportFailed`, among others for a library that
    is not installed.
    """
    from infrastructure.exporters.new_file import new_file

    if not isinstance(out, Path):
        yield text_writer(settings, file_format, columns, out)
        return
    with new_file(out) as path:
        if file_format in TEXT_FORMATS:
            with path.open("wb") as stream:
                yield text_writer(settings, file_format, columns, stream)
        else:
            yield _file_writer(file_format, columns, path)


def text_writer(
    settings: Settings,
    file_format: ExportFormat,
    columns: "Sequence[TitleField] | None",
    stream: BinaryIO,
) -> TitleWriter:
    """What writes titles to a stream as text: ``csv``, or ``jsonl``."""
    from application.export_columns import FLAT, WHOLE
    from infrastructure.exporters.text_files import CsvWriter, JsonLinesWriter
    from infrastructure.repositories.csv.formulas import escaped

    if file_format == "jsonl":
        return JsonLinesWriter(stream, columns or WHOLE)
    escapes = settings.csv_escape_formulas == "true"
    return CsvWriter(stream, columns or FLAT, partial(escaped, formulas=True) if escapes else str)


def _file_writer(
    file_format: ExportFormat, columns: "Sequence[TitleField] | None", path: Path
) -> TitleWriter:
    from application.export_columns import NAMES, TYPED

    if file_format == "sqlite":
        from infrastructure.exporters.sqlite_file import SqliteWriter

        return SqliteWriter(path)
    if file_format == "xlsx":
        from infrastructure.exporters.excel_file import ExcelWriter

        return ExcelWriter(path, columns or NAMES)
    try:
        from infrastructure.exporters.parquet_file import ParquetWriter
    except ImportError as error:
        raise ExportFailed(
            "Parquet files are written by the package pyarrow, which is not installed: "
            "pip install -r requirements/parquet.txt, or choose another format"
        ) from error
    return ParquetWriter(path, columns or TYPED)


def write_report(found: "TitleStatistics", out: Path, *, made_at: datetime, origin: str) -> None:
    """Write the report of titles as a page for a browser. Raises `ExportFailed` or `OSError`."""
    from infrastructure.exporters.new_file import new_file
    from infrastructure.report_page import page_of

    with new_file(out) as path:
        path.write_text(page_of(found, made_at=made_at, origin=origin), encoding="utf-8")
