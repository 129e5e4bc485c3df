"""Profiles in two CSV files, and in memory where each of them stands."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from domain.errors import InvalidTitle
from domain.identifiers import NameId, name_id
from infrastructure.repositories.csv.failures import without_profiles
from infrastructure.repositories.csv.profile_rows import (
    FILMOGRAPHY_COLUMNS,
    PROFILE_COLUMNS,
    ProfileRows,
    filmography_credit_from,
    moment_and_credits,
    profile_from,
)
from infrastructure.repositories.csv.table import CsvTable, Record, cut_back_on_error

MOST_PEOPLE_AT_ONCE = 100
"""People written in one go, and so the most whose credits a crash can leave without them."""


class HeldProfile(NamedTuple):
    """A profile in the files: when it was fetched (see `rows.moment_of`), and where it stands.

    The places are bytes: its row in ``profiles.csv``, its credits' rows in ``filmography.csv``.
    """

    imdb_id: NameId
    fetched_at: int
    start: int
    end: int
    credits_count: int
    credits_start: int = 0
    credits_end: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether the rows of its credits are known, or there are none."""
        return not self.credits_count or self.credits_end > 0


class ProfileSet:
    """Two tables in one folder. Whoever calls it holds the folder's lock.

    Credits are written before the person: the row in ``profiles.csv`` says that all is there, and
    how many credits. Credits at the end of the file whose person never came are what a crash left,
    and are cut off. ``has_strays`` is true when rows that do not count stand amid the others.
    ``held`` has the profiles by id, in the order of the file; people are few compared with titles,
    some 300 bytes each.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.profile_table = CsvTable(directory / "profiles.csv", PROFILE_COLUMNS)
        self.credit_table = CsvTable(directory / "filmography.csv", FILMOGRAPHY_COLUMNS)
        # In the order of writing.
        self.tables = (self.credit_table, self.profile_table)
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

    def sync(self) -> None:
        """Learn what the files hold now, making those that are missing, and repair their ends.

        Reads only what was appended since the last time, unless a file was replaced. Raises
        `OSError`, or `RepositoryUnavailable` naming a row or a file that is not as we write it.
        """
        if not self._is_in_step or any(table.is_replaced() for table in self.tables):
            self.forget()
            self.directory.mkdir(parents=True, exist_ok=True)
            self._refuse_without_profiles()
            for table in self.tables:
                table.open()
        if any(table.has_grown() for table in self.tables):
            self._is_in_step = False
            self._read_new_rows()
        self._is_in_step = True

    def append(self, people: Sequence[ProfileRows]) -> None:
        """Write people whom the set does not hold.

        On `OSError` (a full disk) the files are cut back to what they were.
        """
        self._is_in_step = False
        sizes = [table.size for table in self.tables]
        with cut_back_on_error(self.tables):
            self.credit_table.append(b"".join(rows.credits for rows in people))
            self.profile_table.append(b"".join(rows.profile for rows in people))
        credits_start, start = sizes
        for rows in people:
            end, credits_end = start + len(rows.profile), credits_start + len(rows.credits)
            self.held[rows.imdb_id] = HeldProfile(
                rows.imdb_id, rows.moment, start, end,
                rows.credits_count, credits_start, credits_end,
            )  # fmt: skip
            start, credits_start = end, credits_end
        self._is_in_step = True

    def read(self, held: HeldProfile) -> tuple[bytes, bytes]:
        """Give the row of a person, and the credits' rows."""
        return (
            self.profile_table.read(held.start, held.end),
            self.credit_table.read(held.credits_start, held.credits_end),
        )

    def flush_to_disk(self) -> None:
        """Wait until the rows that were written here would survive a power cut as well."""
        if self._is_in_step:
            for table in self.tables:
                table.flush_to_disk()

    def remove(self) -> None:
        """Delete the files, and the folder when nothing else is in it."""
        self.forget()
        # The people first: were we killed in between, credits without a person count for nothing.
        for table in reversed(self.tables):
            table.path.unlink(missing_ok=True)
        with suppress(OSError):  # something else lies there; it is not ours to delete
            self.directory.rmdir()

    def _refuse_without_profiles(self) -> None:
        """Raise when somebody took ``profiles.csv`` away: its credits are no leftovers."""
        path = self.credit_table.path
        if self.profile_table.path.exists() or not path.exists():
            return
        if path.stat().st_size > len(self.credit_table.header):
            raise without_profiles(path, self.profile_table.path)

    def _read_new_rows(self) -> None:
        before = len(self.held)
        for record in self.profile_table.new_records():
            self._hold(record)
        self._hold_credits()
        for held in list(itertools.islice(self.held.values(), before, None)):
            if not held.is_whole:
                # A power cut takes the ends of files: half a profile is none.
                del self.held[held.imdb_id]
                self.has_strays = True

    def _hold(self, record: Record) -> None:
        try:
            imdb_id = profile_from(record.cells).imdb_id
            moment, credits_count = moment_and_credits(record.cells)
        except (ValueError, InvalidTitle) as error:
            raise self.profile_table.malformed(record.start, error) from error
        if imdb_id in self.held:
            raise self.profile_table.malformed(record.start, f"{imdb_id} stands there twice")
        self.held[imdb_id] = HeldProfile(imdb_id, moment, record.start, record.end, credits_count)

    def _hold_credits(self) -> None:
        leftovers: list[int] = []
        for imdb_id, records in self._credits_by_person():
            held = self.held.get(imdb_id)
            if held is None:
                leftovers.append(records[0].start)
                continue
            # A crash leaves credits without a person at the end only, unless rows were deleted.
            self.has_strays |= bool(leftovers)
            leftovers.clear()
            self._hold_credits_of(held, records)
        if len(leftovers) > MOST_PEOPLE_AT_ONCE:
            raise without_profiles(self.credit_table.path, self.profile_table.path)
        if leftovers:
            self.credit_table.truncate(leftovers[0])

    def _credits_by_person(self) -> Iterator[tuple[NameId, list[Record]]]:
        def by_person(record: Record) -> NameId:
            try:
                filmography_credit_from(record.cells)
                return name_id(record.cells[0])
            except (ValueError, InvalidTitle) as error:
                raise self.credit_table.malformed(record.start, error) from error

        for imdb_id, records in itertools.groupby(self.credit_table.new_records(), by_person):
            yield imdb_id, list(records)

    def _hold_credits_of(self, held: HeldProfile, records: Sequence[Record]) -> None:
        start, end = records[0].start, records[-1].end
        if held.credits_end:
            problem = f"the credits of {held.imdb_id} do not stand together"
            raise self.credit_table.malformed(start, problem)
        if len(records) > held.credits_count:
            told = f"profiles.csv tells of {held.credits_count} credits of {held.imdb_id}"
            raise self.credit_table.malformed(start, f"{told}, and {len(records)} are there")
        if len(records) == held.credits_count:
            self.held[held.imdb_id] = held._replace(credits_start=start, credits_end=end)
