"""Writing the titles that are held for other programs."""

import sys
from pathlib import Path
from typing import BinaryIO, cast, get_args

from application.conditions import Condition
from application.export_columns import parse_columns
from application.export_titles import Exported, ExportTitles
from application.title_fields import TitleField
from application.title_filter import parse_filter
from application.title_order import SortKey, parse_order
from domain.errors import ExportFailed, InvalidSelection, NoTitles, RepositoryUnavailable
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.cli.out_file import out_file
from infrastructure.cli.shown import shown
from infrastructure.container import (
    TEXT_FORMATS,
    ExportFormat,
    open_selection,
    open_title_writer,
)
from shared.config import RepositoryName, Settings
from shared.wording import counted

STANDARD_OUTPUT = "-"

_SUFFIXES = {".db": "sqlite", ".sqlite3": "sqlite", ".ndjson": "jsonl"}


class Wanted:
    """What is to be exported, read from the options.

    Raises `InvalidSelection`, which says which option is wrong.
    """

    def __init__(
        self,
        *,
        file_format: str | None,
        out: str | None,
        where: str | None,
        order: str | None,
        columns: str | None,
    ) -> None:
        self.file_format = _format(file_format, out)
        self.condition: Condition | None = None
        self.order: tuple[SortKey, ...] = ()
        self.columns: tuple[TitleField, ...] | None = None
        try:
            option = "--where"
            self.condition = parse_filter(where) if where is not None else None
            option = "--sort"
            self.order = parse_order(order) if order is not None else ()
            option = "--columns"
            self.columns = parse_columns(columns) if columns is not None else None
        except InvalidSelection as error:
            raise InvalidSelection(f"{option}: {error}") from error
        if self.columns is not None and self.file_format == "sqlite":
            raise InvalidSelection("--columns: an SQLite file has tables, and always all of them")


def export(
    settings: Settings, wanted: Wanted, *, out: str | None, repository: RepositoryName | None
) -> int:
    """Write the titles; give the exit status."""
    target = _target(settings, wanted.file_format, out)
    try:
        with (
            open_selection(settings, repository) as selection,
            open_title_writer(settings, wanted.file_format, wanted.columns, target) as writer,
        ):
            exported = ExportTitles(selection).execute(writer, wanted.condition, wanted.order)
    except (NoTitles, ExportFailed, RepositoryUnavailable) as error:
        sys.stderr.write(f"{shown(str(error))}\n")
        return INCOMPLETE
    _tell(exported, target)
    return SAVED


def _format(named: str | None, out: str | None) -> ExportFormat:
    """The format that is named, or that the name of the file tells, or else CSV."""
    if named is not None:
        return cast("ExportFormat", named)
    suffix = Path(out).suffix.lower() if out not in {None, STANDARD_OUTPUT} else ".csv"
    found = _SUFFIXES.get(suffix, suffix.removeprefix("."))
    if found not in get_args(ExportFormat):
        names = ", ".join(get_args(ExportFormat))
        raise InvalidSelection(f"--format: the name {out} does not tell: give one of {names}")
    return cast("ExportFormat", found)


def _target(settings: Settings, file_format: ExportFormat, out: str | None) -> Path | BinaryIO:
    """Where to write to. Raises `InvalidSelection` where that would harm."""
    is_text = file_format in TEXT_FORMATS
    if out == STANDARD_OUTPUT and not is_text:
        raise InvalidSelection(f"--out: {file_format} needs a file: a stream cannot be it")
    if out == STANDARD_OUTPUT or (out is None and is_text):
        return sys.stdout.buffer
    return out_file(settings, out, f"export.{file_format}")


def _tell(exported: Exported, target: Path | BinaryIO) -> None:
    """Say what was written, unless that is what standard output is for."""
    for notice in exported.notices:
        sys.stderr.write(f"! {notice}\n")
    if isinstance(target, Path):
        sys.stderr.write(f"{counted(exported.titles, 'title')} written to {shown(str(target))}\n")
