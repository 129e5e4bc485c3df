"""Titles with their people and credits: three CSV files, and in memory where each title stands."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId
from domain.title import Credit
from infrastructure.repositories.csv.detail_set import DetailSet
from infrastructure.repositories.csv.failures import without_titles
from infrastructure.repositories.csv.index import HeldTitle, PeopleIndex, TitleIndex
from infrastructure.repositories.csv.rows import (
    CREDIT_COLUMNS,
    PERSON_COLUMNS,
    TITLE_COLUMNS,
    Naming,
    TitleRows,
    credit_from,
    decode_one,
    encode,
    moment_of,
    person_cells,
    person_from,
    run_id_from,
    title_from,
)
from infrastructure.repositories.csv.table import (
    MOST_TITLES_AT_ONCE,
    CsvTable,
    Record,
    cut_back_on_error,
    replace_file,
)


class TitleSet:
    """Three tables in one folder. Whoever calls it holds the folder's lock.

    Details, people and credits are written before the title: its row in ``titles.csv`` says that
    it is whole. Credits at the end of the file whose title never came are what a crash left, and
    are cut off; people who came without a title stay, and are known when it comes.

    ``titles`` is in the order of the file. ``people`` also knows when the newest page that credits
    a person was had: a title's that is held, or, as its credits may have changed since, the one
    that the person's row tells of. ``has_strays`` is true when credits without a title stand amid
    the others. With ``renames``, for updates, a person may stand in the file again and again, and
    the last name counts. With ``escape_formulas`` names are written so that no spreadsheet runs one
    (`formulas`).
    """

    def __init__(
        self, directory: Path, *, renames: bool = False, escape_formulas: bool = False
    ) -> None:
        self.directory = directory
        self._renames = renames
        self._escape_formulas = escape_formulas
        self.title_table = CsvTable(directory / "titles.csv", TITLE_COLUMNS)
        self.people_table = CsvTable(directory / "people.csv", PERSON_COLUMNS)
        self.credit_table = CsvTable(directory / "credits.csv", CREDIT_COLUMNS)
        # In the order of writing.
        self.tables = (self.people_table, self.credit_table, self.title_table)
        self.details = DetailSet(directory, updates=renames)
        self.forget()

    def exists(self) -> bool:
        """Tell whether any of the files is there."""
        return any(table.path.exists() for table in self.tables) or self.details.exists()

    def forget(self) -> None:
        """Let go of the files and of what is known of them."""
        for table in self.tables:
            table.close()
        self.details.forget()
        self.titles = TitleIndex()
        self.people = PeopleIndex()
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
            self._refuse_without_titles()
            for table in self.tables:
                table.open()
        if any(table.has_grown() for table in self.tables):
            self._is_in_step = False
            self._read_new_rows()
        self.details.sync(self.titles)
        self._is_in_step = True

    def append(self, titles: Sequence[TitleRows], people: Mapping[NameId, Naming]) -> None:
        """Write titles, with their details, and people that the set does not hold.

        It is for the caller to note in ``people`` whom the titles credit again. On `OSError` (a
        full disk) the files are cut back to what they were.
        """
        self._is_in_step = False
        sizes = [table.size for table in self.tables]
        with self.details.appending(titles), cut_back_on_error(self.tables):
            self.people_table.append(self._people_rows(people.items()))
            self.credit_table.append(b"".join(rows.credits for rows in titles))
            self.title_table.append(b"".join(rows.title for rows in titles))
        for person_id, naming in people.items():
            self.people.name(person_id, naming.name, naming.moment)
        self._hold_appended(titles, title_start=sizes[2], credits_start=sizes[1])
        self._is_in_step = True

    def read(self, held: HeldTitle) -> tuple[bytes, bytes]:
        """Give the row of a title, and its credits' rows."""
        return (
            self.title_table.read(held.title_start, held.title_end),
            self.credit_table.read(held.credits_start, held.credits_end),
        )

    def saved_by(self, held: HeldTitle) -> str:
        """Give the run that saved a title last."""
        return run_id_from(decode_one(self.title_table.read(held.title_start, held.title_end)))

    def namings(self) -> Iterator[tuple[NameId, Naming]]:
        """Read everybody's name from the file, with the newest moment that is known of."""
        records = self.people_table.records() if self.people.named else ()
        for record in records:
            person_id, naming = self._naming(record)
            moment = self.people.moment(person_id)
            yield person_id, naming if moment is None else Naming(naming.name, moment)

    def people_with(self, updates: "TitleSet") -> Iterator[bytes]:
        """Give a new ``people.csv``: this set's people, and the updates' people and names."""
        renamed = dict(updates.namings())
        yield self.people_table.header
        for person_id, naming in self.namings():
            name = renamed.pop(person_id, naming).name
            moments = [naming.moment, updates.people.moment(person_id)]
            newest = max(moment for moment in moments if moment is not None)
            yield self._people_rows([(person_id, Naming(name, newest))])
        yield self._people_rows(renamed.items())

    def rename(self, updates: "TitleSet", temporary: Path) -> None:
        """Give people the names in the updates, by writing ``people.csv`` anew at one stroke."""
        renamed = dict(updates.namings())
        replace_file(self.people_table.path, temporary, self.people_with(updates))
        self.people_table.open()
        self.people_table.skip_to_end()
        for person_id, naming in renamed.items():
            self.people.name(person_id, naming.name, naming.moment)

    def flush_to_disk(self) -> None:
        """Wait until all rows would survive a power cut as well."""
        for table in self.tables:
            table.flush_to_disk()
        self.details.flush_to_disk()

    def remove(self) -> None:
        """Delete the files, and the folder when nothing else is in it."""
        self.forget()
        # The titles first: were we killed in between, credits without a title count for nothing.
        for table in reversed(self.tables):
            table.path.unlink(missing_ok=True)
        self.details.remove()
        # Something else may lie in the folder; it is not ours to delete.
        with suppress(OSError):
            self.directory.rmdir()

    def _refuse_without_titles(self) -> None:
        """Raise when somebody took ``titles.csv`` away: its credits are no leftovers of a crash.

        In the updates they may be: removing those starts with the titles.
        """
        credits_path = self.credit_table.path
        if self._renames or self.title_table.path.exists() or not credits_path.exists():
            return
        if credits_path.stat().st_size > len(self.credit_table.header):
            raise without_titles(credits_path, self.title_table.path)

    def _hold_appended(
        self, titles: Sequence[TitleRows], *, title_start: int, credits_start: int
    ) -> None:
        for rows in titles:
            held = HeldTitle(
                rows.imdb_id,
                rows.moment,
                title_start,
                title_start + len(rows.title),
                credits_start,
                credits_start + len(rows.credits),
                rows.credits_count,
            )
            self.titles.add(held)
            title_start, credits_start = held.title_end, held.credits_end

    def _read_new_rows(self) -> None:
        for record in self.title_table.new_records():
            self._hold_title(record)
        for record in self.people_table.new_records():
            self._hold_person(record)
        self._hold_credits()

    def _hold_title(self, record: Record) -> None:
        try:
            title = title_from(record.cells)
        except (ValueError, InvalidTitle) as error:
            raise self.title_table.malformed(record.start, error) from error
        if title.imdb_id in self.titles:
            raise self.title_table.malformed(record.start, f"{title.imdb_id} stands there twice")
        moment = moment_of(title.provenance.fetched_at)
        self.titles.add(HeldTitle(title.imdb_id, moment, record.start, record.end))

    def _hold_person(self, record: Record) -> None:
        person_id, naming = self._naming(record)
        if not self._renames and self.people.find(person_id) is not None:
            raise self.people_table.malformed(record.start, f"{person_id} stands there twice")
        self.people.name(person_id, naming.name, naming.moment)

    def _naming(self, record: Record) -> tuple[NameId, Naming]:
        try:
            return person_from(record.cells)
        except (ValueError, InvalidTitle) as error:
            raise self.people_table.malformed(record.start, error) from error

    def _hold_credits(self) -> None:
        orphans: list[int] = []
        for imdb_id, records in self._credits_by_title():
            held = self.titles.get(imdb_id)
            if held is None:
                orphans.append(records[0].start)
                continue
            if orphans:
                # A crash leaves credits without a title at the end only: this title's row was
                # deleted by hand.
                self.has_strays = True
                orphans.clear()
            self._hold_credits_of(imdb_id, held, records)
        # Of updates that were being removed any number may be left.
        if len(orphans) > MOST_TITLES_AT_ONCE and not self._renames:
            raise without_titles(self.credit_table.path, self.title_table.path)
        if orphans:
            self.credit_table.truncate(orphans[0])

    def _credits_by_title(self) -> Iterator[tuple[TitleId, list[Record]]]:
        def by_title(record: Record) -> TitleId:
            return TitleId(record.cells[0])

        for imdb_id, records in itertools.groupby(self.credit_table.new_records(), by_title):
            yield imdb_id, list(records)

    def _hold_credits_of(self, imdb_id: TitleId, held: HeldTitle, records: list[Record]) -> None:
        if held.credits_count:
            problem = f"the credits of {imdb_id} do not stand together"
            raise self.credit_table.malformed(records[0].start, problem)
        for record in records:
            person_id = self._credit(record).person_id
            if person_id is not None:
                self.people.see(person_id, held.fetched_at)
        start = records[0].start
        self.titles.add_credits(imdb_id, start, records[-1].end - start, len(records))

    def _credit(self, record: Record) -> Credit:
        try:
            return credit_from(record.cells)
        except (ValueError, InvalidTitle) as error:
            raise self.credit_table.malformed(record.start, error) from error

    def _people_rows(self, people: Iterable[tuple[NameId, Naming]]) -> bytes:
        return encode(
            person_cells(person_id, naming, escape_formulas=self._escape_formulas)
            for person_id, naming in people
        )
