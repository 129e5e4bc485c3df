"""Ids that have been merged into others, in one small file that is made with the first of them."""

from collections.abc import Sequence
from pathlib import Path

from domain.errors import InvalidTitle
from domain.identifiers import ImdbId, imdb_id
from domain.merged_id import MergedId, with_merged
from infrastructure.repositories.csv.rows import (
    MERGED_COLUMNS,
    encode,
    parse_timestamp,
    timestamp,
)
from infrastructure.repositories.csv.table import CsvTable, Record, replace_file


class MergedFile:
    """``merged_ids.csv``: a row for each old id. Call it with the folder's lock held.

    They are few: the file is read whole, and written anew when one is added.
    """

    def __init__(self, directory: Path) -> None:
        self._table = CsvTable(directory / "merged_ids.csv", MERGED_COLUMNS)

    def check(self) -> None:
        """Raise `RepositoryUnavailable` when the file is not ours. Writes nothing."""
        self._table.header_size()

    def read(self) -> dict[ImdbId, MergedId]:
        """Give what is known, by the old ids.

        Raises `OSError`, or `RepositoryUnavailable` naming a row that cannot be read.
        """
        if not self._table.path.exists():
            return {}
        try:
            self._table.open()
            return {one.old: one for one in map(self._merged, self._table.new_records())}
        finally:
            self._table.close()

    def add(self, merged: Sequence[MergedId]) -> None:
        """Keep these too, unless something later is known of them; raises as `read` does."""
        known = self.read()
        found = with_merged(known, merged)
        if found == known:
            return
        rows = [[one.old, one.new, timestamp(one.seen_at)] for one in found.values()]
        path = self._table.path
        temporary = path.with_name(f".{path.name}.new")
        replace_file(path, temporary, [self._table.header, encode(rows)])

    def _merged(self, record: Record) -> MergedId:
        old, new, seen_at = record.cells
        try:
            return MergedId(imdb_id(old), imdb_id(new), parse_timestamp(seen_at))
        except (ValueError, InvalidTitle) as error:
            raise self._table.malformed(record.start, error) from error
