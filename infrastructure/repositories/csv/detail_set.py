"""Details of titles: a CSV file for each, one that tells what there is, and where all of it stands.

``details.csv`` (the ledger) has a row for each detail of each title; the items are in ``akas.csv``,
``episodes.csv`` and so on. Each file is made when there is something to put into it.
"""

import csv
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from io import FileIO
from os import pread
from pathlib import Path

from domain.details import Detail, DetailName
from domain.errors import InvalidTitle, RepositoryUnavailable
from domain.identifiers import TitleId
from infrastructure.repositories.csv.detail_index import DetailIndex, HeldDetail
from infrastructure.repositories.csv.detail_rows import (
    LEDGER_COLUMNS,
    columns_of,
    detail_from,
    ledger_row_from,
)
from infrastructure.repositories.csv.failures import malformed, not_in_ledger, without_titles
from infrastructure.repositories.csv.index import TitleIndex
from infrastructure.repositories.csv.rows import TitleRows, decode_one, moment_of
from infrastructure.repositories.csv.table import (
    MOST_TITLES_AT_ONCE,
    CsvTable,
    Record,
    cut_back_on_error,
)


class DetailSet:
    """The details of the titles of a folder. Whoever calls it holds the folder's lock.

    The items are written first, then the ledger's rows, then the title: details count when its row
    is there. What a crash has left at the ends of the files is cut off. ``index`` has what is held
    and ``tables`` the items' files that are open. ``has_strays`` is true when rows that count for
    nothing stand amid the others: their title was deleted by hand, or a power cut has taken rows
    away that the ledger tells of, and then the detail is not held. In a folder of ``updates``
    leftovers may be many: removing it begins with the titles.
    """

    def __init__(self, directory: Path, *, updates: bool) -> None:
        self._directory = directory
        self._is_updates = updates
        self.ledger = CsvTable(directory / "details.csv", LEDGER_COLUMNS)
        self.tables: dict[DetailName, CsvTable] = {}
        self.index = DetailIndex()
        self.has_strays = False
        self._is_open = False
        self._is_in_step = False

    def exists(self) -> bool:
        """Tell whether there is a ledger, without which no detail is held."""
        return self.ledger.path.exists()

    def check(self) -> None:
        """Raise `RepositoryUnavailable` when the ledger is not ours, or rows are there without it.

        What else somebody has in the folder, under a name that we would use, may stay until we do.
        """
        if self.exists():
            self.ledger.header_size()
            return
        for table in self._tables_there():
            if table.path.stat().st_size > (table.header_size() or 0):
                raise not_in_ledger(table.path, self.ledger.path)

    def forget(self) -> None:
        """Let go of the files and of what is known of them."""
        if self._is_open:
            for table in (self.ledger, *self.tables.values()):
                table.close()
            self.tables = {}
            self.index = DetailIndex()
        self.has_strays = self._is_open = self._is_in_step = False

    def sync(self, titles: TitleIndex) -> None:
        """Learn what the files hold of these titles now, and repair their ends.

        Reads only what was appended since the last time, unless a file was replaced. Raises
        `OSError`, or `RepositoryUnavailable` naming a row or a file that is not as we write it.
        """
        if self._is_open and (
            not self._is_in_step or any(table.is_replaced() for table in self._open_tables())
        ):
            self.forget()
            self.check()
        if not self._is_open:
            if not self.exists():
                return
            self._open()
        if any(table.has_grown() for table in self._open_tables()):
            self._is_in_step = False
            self._read_new_rows(titles)
        self._is_in_step = True

    @contextmanager
    def appending(self, titles: Sequence[TitleRows]) -> Iterator[None]:
        """Write the details of titles that have none here; the block writes the titles' rows.

        When either raises `OSError` (a full disk) the files are cut back to what they were.
        """
        detailed = [rows for rows in titles if rows.details]
        if not detailed:
            yield
            return
        items = self._tables_for(detailed)
        self._is_in_step = False
        sizes = {table: table.size for table in (self.ledger, *items.values())}
        with cut_back_on_error(sizes):
            for name, table in items.items():
                table.append(
                    b"".join(d.items for t in detailed for d in t.details if d.name is name)
                )
            self.ledger.append(b"".join(d.ledger for rows in detailed for d in rows.details))
            yield
        starts = {name: sizes[table] for name, table in items.items()}
        self._hold_appended(detailed, sizes[self.ledger], starts)
        self._is_in_step = True

    def read(self, held: HeldDetail) -> tuple[bytes, bytes]:
        """Give the ledger's row of a detail, and its items' rows."""
        ledger = self.ledger.read(held.ledger_start, held.ledger_end)
        return ledger, self.read_items(held)

    def saved_by(self, held: HeldDetail) -> str:
        """Give the id of the run that saved a detail last."""
        return decode_one(self.ledger.read(held.ledger_start, held.ledger_end))[-1]

    def read_items(self, held: HeldDetail) -> bytes:
        """Give the rows of a detail's items."""
        if not held.items_count:
            return b""
        return self.tables[held.name].read(held.items_start, held.items_end)

    def flush_to_disk(self) -> None:
        """Wait until all rows would survive a power cut as well."""
        for table in self._open_tables():
            table.flush_to_disk()

    def remove(self) -> None:
        """Delete the files, the ledger last: as long as it is there, so may the others be."""
        self.forget()
        if self.exists():
            for name in DetailName:
                self._path(name).unlink(missing_ok=True)
            self.ledger.path.unlink()

    def table(self, name: DetailName) -> CsvTable:
        """Give the file of a detail's items, open or not, there or not."""
        return self.tables.get(name) or CsvTable(self._path(name), columns_of(name))

    def _open_tables(self) -> Iterator[CsvTable]:
        if self._is_open:
            yield self.ledger
            yield from self.tables.values()

    def _path(self, name: DetailName) -> Path:
        return self._directory / f"{name}.csv"

    def _open(self) -> None:
        self._is_open = True
        self.ledger.open()
        self.tables = {DetailName(table.path.stem): table for table in self._tables_there()}
        for table in self.tables.values():
            table.open()

    def _tables_there(self) -> Iterator[CsvTable]:
        """Give the files that are there and have our header."""
        for name in DetailName:
            if not self._path(name).exists():
                continue
            table = self.table(name)
            if _has_our_header(table):
                yield table

    def _tables_for(self, titles: Sequence[TitleRows]) -> dict[DetailName, CsvTable]:
        """Give the files into which the items of titles go, open; makes those that are missing."""
        if not self._is_open:
            self._open()
        names = {detail.name for rows in titles for detail in rows.details if detail.count}
        for name in names - self.tables.keys():
            # Rows that are there already are what a crash has left.
            self._read_items_of(name)
        return {name: self.tables[name] for name in DetailName if name in names}

    def _hold_appended(
        self, titles: Sequence[TitleRows], ledger_start: int, starts: Mapping[DetailName, int]
    ) -> None:
        ends = dict(starts)
        for rows in titles:
            found = []
            for detail in rows.details:
                ledger_end = ledger_start + len(detail.ledger)
                items_start = ends.get(detail.name, 0)
                items_end = items_start + len(detail.items)
                found.append(
                    HeldDetail(
                        detail.name, detail.moment, ledger_start, ledger_end,
                        detail.count, items_start, items_end,
                    )
                )  # fmt: skip
                ledger_start, ends[detail.name] = ledger_end, items_end
            self.index.add(rows.imdb_id, found)

    def _read_new_rows(self, titles: TitleIndex) -> None:
        first = self.index.end
        names = self._read_ledger(titles)
        for name in DetailName:
            if name in names or name in self.tables:
                self._read_items_of(name)
        if self.index.drop_unplaced(first):
            self.has_strays = True

    def _read_ledger(self, titles: TitleIndex) -> set[DetailName]:
        """Read the new rows of the ledger; give the details that have items."""
        names: set[DetailName] = set()
        leftovers: list[int] = []
        for imdb_id, records in _by_title(self.ledger):
            if imdb_id not in titles:
                leftovers.append(records[0].start)
                continue
            self._note_strays(leftovers)
            if imdb_id in self.index:
                problem = f"the details of {imdb_id} do not stand together"
                raise self.ledger.malformed(records[0].start, problem)
            found = {held.name: held for held in map(self._told_by, records)}
            if len(found) != len(records):
                problem = f"a detail of {imdb_id} stands there twice"
                raise self.ledger.malformed(records[0].start, problem)
            self.index.add(imdb_id, list(found.values()))
            names |= {name for name, held in found.items() if held.items_count}
        if self._are_too_many(leftovers):
            raise without_titles(self.ledger.path, self._directory / "titles.csv", "details")
        if leftovers:
            self.ledger.truncate(leftovers[0])
        return names

    def _told_by(self, record: Record) -> HeldDetail:
        try:
            row = ledger_row_from(record.cells)
        except (ValueError, InvalidTitle) as error:
            raise self.ledger.malformed(record.start, error) from error
        moment = moment_of(row.provenance.fetched_at)
        return HeldDetail(row.name, moment, record.start, record.end, row.items_count)

    def _read_items_of(self, name: DetailName) -> None:
        """Read the new rows of a file, of which the ledger has been read."""
        if name not in self.tables:
            self.tables[name] = self.table(name)
            self.tables[name].open()
        table = self.tables[name]
        leftovers: list[int] = []
        torn: tuple[Record, str] | None = None
        for imdb_id, records in _by_title(table):
            if torn is not None:
                raise table.malformed(torn[0].start, torn[1])
            held = self.index.get(imdb_id, name)
            if held is None:
                leftovers.append(records[0].start)
                continue
            self._note_strays(leftovers)
            start, end = records[0].start, records[-1].end
            if held.items_end:
                problem = f"the rows of {imdb_id} do not stand together"
                raise table.malformed(start, problem)
            self._check_places(table, records)
            if len(records) == held.items_count:
                self.index.place(imdb_id, name, start, end)
                continue
            problem = (
                f"{imdb_id} has {len(records)} rows, and details.csv tells of {held.items_count}"
            )
            if len(records) > held.items_count:
                raise table.malformed(start, problem)
            torn = records[0], problem
        if torn is not None:
            # A power cut takes the ends of files: what is left of the last rows is no detail.
            leftovers.append(torn[0].start)
        if self._are_too_many(leftovers):
            raise not_in_ledger(table.path, self.ledger.path)
        if leftovers:
            table.truncate(leftovers[0])

    def _check_places(self, table: CsvTable, records: Sequence[Record]) -> None:
        """Raise unless the rows stand in their order.

        What is in them is looked at when it is read: to make all items takes three times as long.
        """
        for place, record in enumerate(records, 1):
            if record.cells[1] != str(place):
                problem = f"position {record.cells[1]!r} comes where {place} should"
                raise table.malformed(record.start, problem)

    def _note_strays(self, leftovers: list[int]) -> None:
        """A crash leaves rows at the end only: those before a row that counts are strays."""
        if leftovers:
            self.has_strays = True
            leftovers.clear()

    def _are_too_many(self, leftovers: Sequence[int]) -> bool:
        return len(leftovers) > MOST_TITLES_AT_ONCE and not self._is_updates


class DetailReader:
    """Reads what is held at this moment, whatever becomes of the files; any one thread may use it.

    The files are closed with ``stack``.
    """

    def __init__(self, details: DetailSet, stack: ExitStack) -> None:
        self._index = details.index
        self._paths = {name: table.path for name, table in details.tables.items()}
        self._files = {n: stack.enter_context(FileIO(path)) for n, path in self._paths.items()}
        self._directory = details.ledger.path.parent
        self._ledger = None
        if len(self._index):
            self._ledger = stack.enter_context(FileIO(details.ledger.path))

    def details_of(self, imdb_id: TitleId) -> tuple[Detail, ...]:
        """Give the details of a title, in the order of their names."""
        if self._ledger is None:
            return ()
        found = []
        for held in self._index.of(imdb_id):
            ledger = _part(self._ledger, held.ledger_start, held.ledger_end)
            items = b""
            if held.items_count:
                items = _part(self._files[held.name], held.items_start, held.items_end)
            found.append(read_detail(self._directory, imdb_id, held, ledger, items))
        return in_order(found)


def newest(
    main: DetailSet, updates: DetailSet, imdb_id: TitleId
) -> dict[DetailName, tuple[DetailSet, HeldDetail]]:
    """Give the newest version of each detail of a title, and the set that has it."""
    return {
        held.name: (details, held)
        for details in (main, updates) for held in details.index.of(imdb_id)
    }  # fmt: skip


def read_detail(
    directory: Path, imdb_id: TitleId, held: HeldDetail, ledger: bytes, items: bytes
) -> Detail:
    """Read a detail from its rows. Raises `RepositoryUnavailable` when somebody changed them."""
    try:
        return detail_from(ledger, items)
    except (csv.Error, ValueError, InvalidTitle) as error:
        path = directory / f"{held.name}.csv"
        raise malformed(path, f"the rows of {imdb_id}", str(error)) from error


def in_order(details: Sequence[Detail]) -> tuple[Detail, ...]:
    """Give details in the order of `DetailName`."""
    return tuple(sorted(details, key=lambda detail: _PLACES[detail.name]))


_PLACES = {name: place for place, name in enumerate(DetailName)}


def _has_our_header(table: CsvTable) -> bool:
    try:
        return table.header_size() is not None
    except RepositoryUnavailable:  # somebody else's
        return False


def _by_title(table: CsvTable) -> Iterator[tuple[TitleId, list[Record]]]:
    def title(record: Record) -> TitleId:
        return TitleId(record.cells[0])

    for imdb_id, records in itertools.groupby(table.new_records(), title):
        yield imdb_id, list(records)


def _part(file: FileIO, start: int, end: int) -> bytes:
    return pread(file.fileno(), end - start, start)
