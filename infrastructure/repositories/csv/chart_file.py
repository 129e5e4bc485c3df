"""The latest snapshot of every chart, in one small file."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from domain.chart import Chart, ChartEntry, ChartName
from domain.errors import InvalidTitle
from domain.identifiers import title_id
from infrastructure.repositories.csv.rows import (
    CHART_COLUMNS,
    encode,
    parse_timestamp,
    timestamp,
)
from infrastructure.repositories.csv.table import CsvTable, Record, replace_file


class ChartFile:
    """``chart.csv``: of each chart its latest snapshot only. Call it with the folder's lock held.

    What the charts were before is in PostgreSQL.
    """

    def __init__(self, directory: Path) -> None:
        self._table = CsvTable(directory / "chart.csv", CHART_COLUMNS)

    def check(self) -> None:
        """Raise `RepositoryUnavailable` when the file is not ours. Writes nothing."""
        self._table.header_size()

    def keep(self, chart: Chart, run_id: str) -> None:
        """Put a chart in the place of its earlier snapshot, unless the file has a later one.

        Raises `OSError`, or `RepositoryUnavailable` naming a row that cannot be read.
        """
        rows: dict[ChartName, list[list[str]]] = {}
        for name, captured_at, cells in self._entries():
            if name is chart.name and captured_at > chart.captured_at:
                return
            rows.setdefault(name, []).append(cells)
        captured = timestamp(chart.captured_at)
        rows[chart.name] = [
            [chart.name.value, str(entry.rank), entry.title_id, run_id, captured]
            for entry in chart.entries
        ]
        in_order = [row for name in ChartName for row in rows.get(name, ())]
        path = self._table.path
        temporary = path.with_name(f".{path.name}.new")
        replace_file(path, temporary, [self._table.header, encode(in_order)])

    def kept_by(self, run_id: str) -> Chart | None:
        """Give the chart that a run kept, or ``None`` when there is none, or a later one."""
        entries: list[ChartEntry] = []
        found: tuple[ChartName, datetime] | None = None
        for name, captured_at, cells in self._entries():
            if cells[3] == run_id:
                found = name, captured_at
                entries.append(ChartEntry(int(cells[1]), title_id(cells[2])))
        return None if found is None else Chart(found[0], tuple(entries), found[1])

    def _entries(self) -> Iterator[tuple[ChartName, datetime, list[str]]]:
        try:
            self._table.open()
            for record in self._table.new_records():
                yield self._entry(record)
        finally:
            self._table.close()

    def _entry(self, record: Record) -> tuple[ChartName, datetime, list[str]]:
        name, rank, imdb_id, _, captured_at = record.cells
        try:
            ChartEntry(int(rank), title_id(imdb_id))
            return ChartName(name), parse_timestamp(captured_at), record.cells
        except (ValueError, InvalidTitle) as error:
            raise self._table.malformed(record.start, error) from error
