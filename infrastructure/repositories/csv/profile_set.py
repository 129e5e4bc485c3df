"""Profiles in three CSV files, and in memory where each of them stands."""

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from domain.errors import InvalidTitle
from domain.identifiers import NameId, name_id
from infrastructure.repositories.csv.failures import without_profiles
from infrastructure.repositories.csv.profile_rows import (
    FILMOGRAPHY_COLUMNS,
    PERSON_FACT_COLUMNS,
    PROFILE_COLUMNS,
    ProfileRows,
    filmography_credit_from,
    moment_and_counts,
    person_fact_from,
    profile_from,
)
from infrastructure.repositories.csv.table import CsvTable, Record, cut_back_on_error

MOST_PEOPLE_AT_ONCE = 100
"""People written in one go, and so the most whose rows a crash can leave without them."""

_READERS: tuple[Callable[[Sequence[str]], Any], ...] = (person_fact_from, filmography_credit_from)
_WORDS = ("facts", "credits")
_FACTS, _CREDITS = range(2)


class Place(NamedTuple):
    """Where ``rows`` rows of a person stand, in bytes; ``end`` is 0 until that is known."""

    rows: int
    start: int = 0
    end: int = 0


class HeldProfile(NamedTuple):
    """A profile in the files: when it was fetched (see `rows.moment_of`), and where it stands.

    ``start`` and ``end`` are bytes of its row in ``profiles.csv``; ``parts`` has the places of its
    rows in ``person_facts.csv`` and ``filmography.csv``.
    """

    imdb_id: NameId
    fetched_at: int
    start: int
    end: int
    parts: tuple[Place, ...]

    @property
    def credits_count(self) -> int:
        """How many credits it has."""
        return self.parts[_CREDITS].rows

    @property
    def places(self) -> tuple[Place, ...]:
        """The places in all files, in the order of `ProfileSet.tables`."""
        return (*self.parts, Place(1, self.start, self.end))

    @property
    def is_whole(self) -> bool:
        """Whether the rows of its facts and credits are known, or there are none."""
        return all(not place.rows or place.end > 0 for place in self.parts)


class ProfileSet:
    """Three tables in one folder. Whoever calls it holds the folder's lock.

    Facts and credits are written before the person: the row in ``profiles.csv`` says that all is
    there, and how many of each (of no facts, in a file of a version that had none). Rows at the end
    of the other files whose person never came are what a crash left, and are cut off.
    ``has_strays`` is true when rows that do not count stand amid the others. ``held`` has the
    profiles by id, in the order of the file; people are few compared with titles, some 500 bytes
    each. In a folder of ``updates`` rows without any person are what a stopped removal has left.
    """

    def __init__(self, directory: Path, *, updates: bool) -> None:
        self._is_updates = updates
        self.directory = directory
        self.profile_table = CsvTable(
            directory / "profiles.csv", PROFILE_COLUMNS, added={"facts": "0"}
        )
        self._part_tables = (
            CsvTable(directory / "person_facts.csv", PERSON_FACT_COLUMNS),
            CsvTable(directory / "filmography.csv", FILMOGRAPHY_COLUMNS),
        )
        # In the order of writing.
        self.tables = (*self._part_tables, self.profile_table)
        self.forget()

    def exists(self) -> bool:
        """Tell whether any of the files is there."""
        return any(table.path.exists() for table in self.tables)

    def forget(self) -> None:
        """Let go of the files and of what is known of them."""
        for table in self.tables:
            table.close()
        self.held: dict[NameId, HeldProfile] = {}
        self.has_strays = False
        self._is_in_step = False

    def sync(self, superseded: Collection[NameId] = ()) -> None:
        """Learn what the files hold now, making those that are missing, and repair their ends.

        Of the people in ``superseded``, who are written anew in any case, a merge that was killed
        may have left rows of two versions. Reads only what was appended since the last time, unless
        a file was replaced. Raises `OSError`, or `RepositoryUnavailable` naming a row or a file
        that is not as we write it.
        """
        if not self._is_in_step or any(table.is_replaced() for table in self.tables):
            self.forget()
            self.directory.mkdir(parents=True, exist_ok=True)
            self._refuse_without_profiles()
            for table in self.tables:
                table.open()
        if any(table.has_grown() for table in self.tables):
            self._is_in_step = False
            self._read_new_rows(superseded)
        self._is_in_step = True

    def append(self, people: Sequence[ProfileRows]) -> None:
        """Write people whom the set does not hold.

        On `OSError` (a full disk) the files are cut back to what they were.
        """
        self._is_in_step = False
        sizes = [table.size for table in self.tables]
        with cut_back_on_error(self.tables):
            written = zip(
                *((rows.facts, rows.credits, rows.profile) for rows in people), strict=True
            )
            for table, parts in zip(self.tables, written, strict=False):
                table.append(b"".join(parts))
        facts_start, credits_start, start = sizes
        for rows in people:
            end = start + len(rows.profile)
            facts_end, credits_end = (
                facts_start + len(rows.facts),
                credits_start + len(rows.credits),
            )
            places = (
                Place(rows.facts_count, facts_start, facts_end),
                Place(rows.credits_count, credits_start, credits_end),
            )
            self.held[rows.imdb_id] = HeldProfile(rows.imdb_id, rows.moment, start, end, places)
            start, facts_start, credits_start = end, facts_end, credits_end
        self._is_in_step = True

    def read(self, held: HeldProfile) -> tuple[bytes, bytes, bytes]:
        """Give the rows of a person's facts and credits, and the person's own."""
        facts, credits_, profile = (
            table.read(place.start, place.end)
            for table, place in zip(self.tables, held.places, strict=True)
        )
        return facts, credits_, profile

    def flush_to_disk(self) -> None:
        """Wait until the rows that were written here would survive a power cut as well."""
        if self._is_in_step:
            for table in self.tables:
                table.flush_to_disk()

    def remove(self) -> None:
        """Delete the files, and the folder when nothing else is in it."""
        self.forget()
        # The people first: were we killed in between, rows without a person count for nothing.
        for table in reversed(self.tables):
            table.path.unlink(missing_ok=True)
        with suppress(OSError):  # something else lies there; it is not ours to delete
            self.directory.rmdir()

    def _refuse_without_profiles(self) -> None:
        """Raise when somebody took ``profiles.csv`` away: rows of its people are no leftovers.

        Of updates they are.
        """
        if self.profile_table.path.exists():
            return
        for table, word in zip(self._part_tables, _WORDS, strict=True):
            if self._is_updates:
                # Their removal was stopped, which begins with the people: all are merged.
                table.path.unlink(missing_ok=True)
            elif table.path.exists() and table.path.stat().st_size > len(table.header):
                raise without_profiles(table.path, word, self.profile_table.path)

    def _read_new_rows(self, superseded: Collection[NameId]) -> None:
        before = len(self.held)
        for record in self.profile_table.new_records():
            self._hold(record)
        for part in range(len(self._part_tables)):
            self._hold_rows(part, superseded)
        for held in list(itertools.islice(self.held.values(), before, None)):
            if not held.is_whole:
                # A power cut takes the ends of files: half a profile is none.
                del self.held[held.imdb_id]
                self.has_strays = True

    def _hold(self, record: Record) -> None:
        try:
            imdb_id = profile_from(record.cells).imdb_id
            moment, *counts = moment_and_counts(record.cells)
        except (ValueError, InvalidTitle) as error:
            raise self.profile_table.malformed(record.start, error) from error
        if imdb_id in self.held:
            raise self.profile_table.malformed(record.start, f"{imdb_id} stands there twice")
        parts = tuple(map(Place, counts))
        self.held[imdb_id] = HeldProfile(imdb_id, moment, record.start, record.end, parts)

    def _hold_rows(self, part: int, superseded: Collection[NameId]) -> None:
        table = self._part_tables[part]
        leftovers: list[int] = []
        for imdb_id, records in self._rows_by_person(part):
            held = self.held.get(imdb_id)
            if held is None:
                leftovers.append(records[0].start)
                continue
            # A crash leaves rows without a person at the end only, unless rows were deleted.
            self.has_strays |= bool(leftovers)
            leftovers.clear()
            if imdb_id in superseded and len(records) != held.parts[part].rows:
                continue
            self._hold_rows_of(held, part, records)
        if len(leftovers) > MOST_PEOPLE_AT_ONCE:
            raise without_profiles(table.path, _WORDS[part], self.profile_table.path)
        if leftovers:
            table.truncate(leftovers[0])

    def _rows_by_person(self, part: int) -> Iterator[tuple[NameId, list[Record]]]:
        table = self._part_tables[part]

        def by_person(record: Record) -> NameId:
            try:
                _READERS[part](record.cells)
                return name_id(record.cells[0])
            except (ValueError, InvalidTitle) as error:
                raise table.malformed(record.start, error) from error

        for imdb_id, records in itertools.groupby(table.new_records(), by_person):
            yield imdb_id, list(records)

    def _hold_rows_of(self, held: HeldProfile, part: int, records: Sequence[Record]) -> None:
        table, word, place = self._part_tables[part], _WORDS[part], held.parts[part]
        start, end = records[0].start, records[-1].end
        if place.end:
            problem = f"the {word} of {held.imdb_id} do not stand together"
            raise table.malformed(start, problem)
        if len(records) > place.rows:
            told = f"profiles.csv tells of {place.rows} {word} of {held.imdb_id}"
            raise table.malformed(start, f"{told}, and {len(records)} are there")
        if len(records) == place.rows:
            parts = [*held.parts]
            parts[part] = place._replace(start=start, end=end)
            self.held[held.imdb_id] = held._replace(parts=tuple(parts))
