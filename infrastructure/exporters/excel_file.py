"""Titles as an Excel workbook: sheets for titles, people, credits and each detail that there is."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from application.title_fields import TitleField, comparable
from domain.details import DetailName, fields_of, item_of
from domain.errors import ExportFailed
from domain.title import CreditCategory, Title
from infrastructure.exporters.values import Cell, cell, item_as_json, joined

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

ROWS = 1_048_576
"""Rows of a sheet, with its header; what is more goes on in another one."""

CHARACTERS = 32_767
"""Characters of a cell, counted as UTF-16 does; a longer text is cut."""

_CREDITS = ("title_id", "title", "category", "position", "person_id", "name", "characters")
_PEOPLE = ("imdb_id", "name", "titles")
_WIDE = frozenset({"title", "original_title", "name", "plot", "text", "characters"})


class ExcelWriter:
    """Writes a workbook. Everything is text or a number: nothing is ever run as a formula."""

    def __init__(self, path: Path, columns: Sequence[TitleField]) -> None:
        self._path = path
        self._columns = columns

    def write(self, titles: Iterable[Title]) -> Sequence[str]:
        """Write all titles; tells of texts that had to be cut. Raises `ExportFailed`, `OSError`."""
        from xlsxwriter import Workbook
        from xlsxwriter.exceptions import XlsxWriterException

        # Its folder for what it does not keep in memory, which is gone however this ends.
        with TemporaryDirectory(prefix="imdb-export-") as scratch:
            workbook = Workbook(str(self._path), {"constant_memory": True, "tmpdir": scratch})
            book = _Book(workbook, self._columns)
            try:
                book.add(titles)
                workbook.close()
            except XlsxWriterException as error:
                raise ExportFailed(f"the workbook cannot be written: {error}") from error
            finally:
                # What `close` does, which writes the file as well, and is not for a part of one.
                for sheet in workbook.worksheets():
                    sheet.row_data_fh.close()
        return (_cut(book.cut),) if book.cut else ()


def _cut(texts: int) -> str:
    return (
        f"{texts:,} texts have more than the {CHARACTERS:,} characters that a cell takes, and were "
        "cut: another format has them whole"
    )


class _Book:
    """The sheets of a workbook, each made with its first row."""

    def __init__(self, workbook: "Workbook", columns: Sequence[TitleField]) -> None:
        self._workbook = workbook
        self._columns = columns
        self._header = workbook.add_format({"bold": True})
        self._titles = _Sheet(self, "titles", [column.name for column in columns])
        self._people = _Sheet(self, "people", _PEOPLE)
        self._credits = _Sheet(self, "credits", _CREDITS)
        self._details: dict[DetailName, _Sheet] = {}
        self.cut = 0

    def add(self, titles: Iterable[Title]) -> None:
        """Write the rows of all titles, then those of the people."""
        with closing(sqlite3.connect("")) as people:
            people.execute(
                "CREATE TABLE people (imdb_id TEXT PRIMARY KEY, name, moment, titles) WITHOUT ROWID"
            )
            for title in titles:
                self._add_title(title)
                moment = comparable(title.provenance.fetched_at)
                people.executemany(_ADD_PERSON, ((p.imdb_id, p.name, moment) for p in title.people))
            for row in people.execute("SELECT imdb_id, name, titles FROM people ORDER BY imdb_id"):
                self._people.add(row)

    def _add_title(self, title: Title) -> None:
        self._titles.add([cell(column, title) for column in self._columns])
        for category in CreditCategory:
            for c in title.credits_of(category):
                who = (c.position, c.person_id, c.name, joined(c.characters))
                self._credits.add((title.imdb_id, title.title, category.value, *who))
        for detail in title.details:
            sheet = self._details.get(detail.name)
            if sheet is None:
                names = [field.name for field in fields_of(item_of(detail.name))]
                header = ("of_title_id", "of_title", "place", *names)
                sheet = self._details[detail.name] = _Sheet(self, detail.name.value, header)
            for place, item in enumerate(detail.items, 1):
                cells = (
                    joined(value) if isinstance(value, list) else value
                    for value in item_as_json(item).values()
                )
                sheet.add((title.imdb_id, title.title, place, *cells))

    def new_sheet(self, name: str, columns: Sequence[str]) -> "Worksheet":
        """Make a sheet with a header that stays in sight."""
        sheet: Worksheet = self._workbook.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, 40 if column in _WIDE else 14)
        for place, column in enumerate(columns):
            sheet.write_string(0, place, column, self._header)
        return sheet


class _Sheet:
    """A table, which goes on in another sheet where one is full."""

    def __init__(self, book: _Book, name: str, columns: Sequence[str]) -> None:
        self._book = book
        self._name = name
        self._columns = columns
        self._sheets = 1
        self._sheet = book.new_sheet(name, columns)
        self._row = 1

    def add(self, cells: Iterable[Cell]) -> None:
        """Write a row."""
        if self._row == ROWS:
            self._sheets += 1
            self._sheet = self._book.new_sheet(f"{self._name} {self._sheets}", self._columns)
            self._row = 1
        for place, value in enumerate(cells):
            if isinstance(value, bool):
                self._sheet.write_boolean(self._row, place, value)
            elif isinstance(value, str):
                self._write_text(place, value)
            elif value is not None:
                self._sheet.write_number(self._row, place, value)
        self._row += 1

    def _write_text(self, place: int, text: str) -> None:
        if not text:
            return
        if len(text) > CHARACTERS // 2:
            in_utf_16 = text.encode("utf-16-le")
            if len(in_utf_16) > 2 * CHARACTERS:
                text = in_utf_16[: 2 * CHARACTERS].decode("utf-16-le", "ignore")
                self._book.cut += 1
        self._sheet.write_string(self._row, place, text)


_ADD_PERSON = """
    INSERT INTO people VALUES (?, ?, ?, 1) ON CONFLICT (imdb_id) DO UPDATE
    SET titles = titles + 1,
        name = CASE WHEN excluded.moment >= moment THEN excluded.name ELSE name END,
        moment = max(excluded.moment, moment)
"""
