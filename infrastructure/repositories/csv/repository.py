"""The CSV repository: a folder of files that several threads and processes may write at once."""

import csv
import os
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from filelock import FileLock, Timeout

from application.ports import BatchResult, TitleVersion
from domain.chart import Chart
from domain.details import Detail
from domain.errors import InvalidTitle
from domain.identifiers import ImdbId, NameId, TitleId
from domain.merged_id import MergedId
from domain.person_profile import PersonProfile
from domain.run import Failure, ProfileCounts, Run, RunRecord, RunReport, StoreCounts
from domain.title import Title
from infrastructure.repositories.csv.chart_file import ChartFile
from infrastructure.repositories.csv.detail_index import DetailIndex, HeldDetail
from infrastructure.repositories.csv.detail_rows import DetailRows
from infrastructure.repositories.csv.detail_set import (
    DetailReader,
    in_order,
    newest,
    read_detail,
)
from infrastructure.repositories.csv.failures import NAME, locked, malformed, translated
from infrastructure.repositories.csv.index import HeldTitle
from infrastructure.repositories.csv.journal import RunJournal
from infrastructure.repositories.csv.merge import finish_merge, merge
from infrastructure.repositories.csv.merged_file import MergedFile
from infrastructure.repositories.csv.profile_files import ProfileFiles
from infrastructure.repositories.csv.rows import (
    Naming,
    TitleRows,
    credit_from,
    datetime_of,
    decode,
    moment_of,
    title_from,
)
from infrastructure.repositories.csv.table import MOST_TITLES_AT_ONCE
from infrastructure.repositories.csv.title_set import TitleSet

if TYPE_CHECKING:
    from application.conditions import Condition
    from application.title_order import SortKey

_LARGEST_CELL = 2**31 - 1
_POLL_SECONDS = 0.005


@contextmanager
def open_csv_repository(
    directory: Path, *, lock_timeout_seconds: float = 10, escape_formulas: bool = False
) -> Iterator["CsvRepository"]:
    """Open the CSV files in ``directory``, making what is missing and repairing after a crash.

    Every operation waits at most ``lock_timeout_seconds`` while another process writes. Leaving
    the block merges the updates into the files; when it is left by an error they stay in
    ``.updates/``, safe, and the next opening merges them. Any number of repositories, in threads
    and processes, may have one folder open. With ``escape_formulas`` a text that a spreadsheet
    would run as a formula is written with an apostrophe before it; rows of both kinds are read.

    Raises `RepositoryUnavailable` when the folder cannot be written, is locked for too long, or
    holds a file that this program did not write: such a file is never touched.
    """
    # The csv module refuses to read cells over 128 KiB by default, but writes them. The limit is
    # the interpreter's and has no other use in this program.
    csv.field_size_limit(_LARGEST_CELL)
    repository = CsvRepository(directory, lock_timeout_seconds, escape_formulas)
    try:
        repository.repair()
        yield repository
        repository.merge_updates()
    finally:
        repository.close()


class CsvRepository:
    """Keeps titles in ``titles.csv``, ``people.csv`` and ``credits.csv``, charts in ``chart.csv``.

    Details of titles are in files of their own (`DetailSet`), and so are profiles of people
    (`ProfileFiles`) and merged ids (`MergedFile`); they are made with the first one. What it
    remembers of runs is in ``.runs`` (`RunJournal`).

    Made by `open_csv_repository`; fulfils the port `TitleRepository`. New titles are appended. A
    title that is held already goes to ``.updates/``, and from there into the files when they are
    merged, so saving costs the same however long the files are. Look-up and write happen under
    one lock: a mutex among the threads that share this object, ``.lock`` among all others.
    """

    name = NAME

    def __init__(self, directory: Path, lock_timeout_seconds: float, escape_formulas: bool) -> None:
        self._directory = directory
        self._escape_formulas = escape_formulas
        self._main = TitleSet(directory, escape_formulas=escape_formulas)
        self._updates = TitleSet(
            directory / ".updates", renames=True, escape_formulas=escape_formulas
        )
        self._chart_file = ChartFile(directory)
        self._merged_file = MergedFile(directory)
        self._profile_files = ProfileFiles(directory, escape_formulas=escape_formulas)
        self._journal = RunJournal(directory)
        self._mutex = threading.Lock()
        self._lock_timeout_seconds = lock_timeout_seconds
        # The alternative where flock is missing, a file that means "locked", would outlive a
        # process that was killed.
        self._lock = FileLock(
            directory / ".lock",
            timeout=lock_timeout_seconds,
            poll_interval=_POLL_SECONDS,
            fallback_to_soft=False,
        )

    @property
    def location(self) -> str:
        """The folder."""
        return str(self._directory)

    def repair(self) -> None:
        """Make the folder and its files, finish what a crash cut short; done once, at opening."""
        with translated(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            for table in self._main.tables:
                table.header_size()
            self._main.details.check()
            self._chart_file.check()
            self._merged_file.check()
            self._profile_files.check()
        with self._exclusively():
            self._merge()
            if self._profile_files.has_updates:
                self._profile_files.merge()

    def begin_run(
        self, run: Run, chart: Chart | None, asked: Sequence[ImdbId] | None = None
    ) -> None:
        """Note the run in the journal, and keep the chart unless a later one is kept already."""
        with self._exclusively():
            self._journal.begin(run, asked)
            if chart is not None:
                self._chart_file.keep(chart, run.run_id)

    def save(
        self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
    ) -> BatchResult:
        """Store each title wholly or not at all; see `TitleRepository.save`. None is refused.

        The rows are in the operating system's hands when this returns: they survive the death of
        the process, and a power cut after the next `finish_run`. There is no server to wait for,
        so ``when_sent`` is not called.
        """
        encoded = [_encoded(title, run.run_id, self._escape_formulas) for title in batch]
        counts: Counter[str] = Counter()
        with self._exclusively():
            for titles in _without_repeats(encoded):
                counts.update(self._save(titles))
        return BatchResult(
            inserted=counts["inserted"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
        )

    def finish_run(self, report: RunReport) -> None:
        """Merge the updates, wait until everything is on the disk, and note how the run ended.

        The whole report is not kept here: whoever runs the scraper writes it to a file.
        """
        with self._exclusively():
            self._main.flush_to_disk()
            self._merge()
            self._profile_files.finish()
            self._journal.finish(report)

    def runs(self, limit: int) -> Sequence[RunRecord]:
        """Give the latest runs, the newest first; the journal forgets all but some hundreds."""
        with translated(self._directory):
            return self._journal.newest(limit)

    def run(self, run_id: str) -> RunRecord | None:
        """Give one run, or ``None``."""
        with translated(self._directory):
            return self._journal.record(run_id)

    def asked_in(self, run_id: str) -> Sequence[ImdbId] | None:
        """Give the ids that a run was asked for, or ``None``."""
        with translated(self._directory):
            return self._journal.asked_in(run_id)

    def chart_of(self, run_id: str) -> Chart | None:
        """Give the chart of a run, as long as no later snapshot has taken its place."""
        with self._exclusively():
            return self._chart_file.kept_by(run_id)

    def failures_of(self, run_id: str) -> Sequence[Failure]:
        """Give the titles that a finished run could not fetch."""
        with translated(self._directory):
            return self._journal.failures_of(run_id)

    def held_since(self, ids: Collection[TitleId], run: Run) -> frozenset[TitleId]:
        """Give those held that are newer than the run's beginning, or were saved by it.

        With each of the run's details.
        """
        began = moment_of(run.started_at)

        def is_held(imdb_id: ImdbId) -> bool:
            title = TitleId(imdb_id)
            holder, held = self._holder(title)
            return (
                held is not None
                and (held.fetched_at >= began or holder.saved_by(held) == run.run_id)
                and self._has_details_since(title, run, began)
            )

        with self._exclusively():
            merged = self._merged_file.read()
            return frozenset(
                imdb_id for imdb_id in ids
                if is_held(imdb_id) or (imdb_id in merged and is_held(merged[imdb_id].new))
            )  # fmt: skip

    def _has_details_since(self, imdb_id: TitleId, run: Run, began: int) -> bool:
        if not run.details:
            return True
        held = newest(self._main.details, self._updates.details, imdb_id)
        found = (held.get(name) for name in run.details)
        return all(
            known is not None
            and (known[1].fetched_at >= began or known[0].saved_by(known[1]) == run.run_id)
            for known in found
        )

    def note_merged(self, merged: Sequence[MergedId]) -> None:
        """Keep these, unless something later is known of them."""
        with self._exclusively():
            self._merged_file.add(merged)

    def merged_ids(self) -> Sequence[MergedId]:
        """Give all that are known."""
        with self._exclusively():
            return list(self._merged_file.read().values())

    def versions(self) -> Iterator[TitleVersion]:
        """Give the id and the age of every title held at the first step."""
        with self._exclusively():
            titles = self._main.titles
            newer = {held.imdb_id: held.fetched_at for held in self._updates.titles}
            details = self._main.details.index, self._updates.details.index
            snapshot = iter(titles)
        for held in snapshot:
            moment = newer.pop(held.imdb_id, held.fetched_at)
            yield _version(held.imdb_id, moment, *details)
        for imdb_id, moment in newer.items():
            yield _version(imdb_id, moment, *details)

    def titles(self, ids: Collection[TitleId] | None = None) -> Iterator[Title]:
        """Give every title held at the first step, in the order in which they were first saved.

        Later saves do not disturb the iteration. Memory holds one title, and the place of each; of
        the titles ``ids``, which come in their order, it holds all the rows.
        """
        return self._all_titles() if ids is None else self._titles_named(ids)

    def selected(
        self, condition: "Condition | None", order: "Sequence[SortKey]"
    ) -> Iterator[Title]:
        """Give the titles of which a condition is true, in an order; without one as `titles`."""
        from infrastructure.repositories.csv.selecting import chosen, sorted_titles

        found = chosen(self._all_titles(), condition)
        return sorted_titles(found, order, self._titles_named) if order else found

    def _all_titles(self) -> Iterator[Title]:
        with ExitStack() as stack, translated(self._directory):
            with self._exclusively():
                self._merge()
                self._main.sync()
                title_file = stack.enter_context(FileIO(self._main.title_table.path))
                credit_file = stack.enter_context(FileIO(self._main.credit_table.path))
                details = DetailReader(self._main.details, stack)
                snapshot = iter(self._main.titles)
            for held in snapshot:
                found = details.details_of(held.imdb_id)
                yield self._read(held, title_file, credit_file, found)

    def counts(self) -> StoreCounts:
        """Count what is held, with what other processes have saved until now."""
        with self._exclusively():
            main, updates = self._main, self._updates
            replaced = [held for u in updates.titles if (held := main.titles.get(u.imdb_id))]
            newcomers = (i for i, _ in updates.namings() if main.people.find(i) is None)
            return StoreCounts(
                titles=len(main.titles) + len(updates.titles) - len(replaced),
                people=main.people.named + len(set(newcomers)),
                credits=main.titles.credits_count
                + updates.titles.credits_count
                - sum(held.credits_count for held in replaced),
            )

    def save_profiles(self, batch: Sequence[PersonProfile], run: Run) -> BatchResult:
        """Store each profile wholly or not at all; none is refused. As durable as `save`."""
        with self._exclusively():
            counts = self._profile_files.save(batch, run.run_id)
        return BatchResult(
            inserted=counts["inserted"],
            updated=counts["updated"],
            unchanged=counts["unchanged"],
        )

    def profile_versions(self) -> Iterator[tuple[NameId, datetime]]:
        """Give the id and the age of every profile held at the first step."""
        with self._exclusively():
            moments = self._profile_files.moments()
        for imdb_id, moment in moments.items():
            yield imdb_id, datetime_of(moment)

    def profiles(self, ids: Collection[NameId] | None = None) -> Iterator[PersonProfile]:
        """Give the profiles held at the first step, in the order in which they were first saved.

        Those of ``ids`` come in their order. Memory holds one profile, and the place of each.
        """
        with ExitStack() as stack, translated(self._directory):
            with self._exclusively():
                found = self._profile_files.read(ids, stack)
            yield from found

    def profile_counts(self) -> ProfileCounts:
        """Count the profiles held, with what other processes have saved until now."""
        with self._exclusively():
            return self._profile_files.counts()

    def merge_updates(self) -> None:
        """Bring the updates into the files, if there are any."""
        if self._updates.exists():
            with self._exclusively():
                self._merge()
        if self._profile_files.has_updates:
            with self._exclusively():
                self._profile_files.merge()

    def close(self) -> None:
        """Let go of the files."""
        with self._mutex:
            self._journal.let_go()
            self._main.forget()
            self._updates.forget()
            self._profile_files.forget()

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Hold both locks, with the index in step with the files."""
        with self._mutex, translated(self._directory):
            try:
                self._lock.acquire()
            except Timeout as error:
                raise locked(Path(self._lock.lock_file), self._lock_timeout_seconds) from error
            try:
                finish_merge(self._directory, self._updates)
                self._main.sync()
                if self._updates.exists():
                    self._updates.sync()
                else:
                    self._updates.forget()
                if self._has_strays():
                    self._merge()
                    self._main.sync()
                yield
            finally:
                self._lock.release()

    def _save(self, titles: Sequence[TitleRows]) -> Counter[str]:
        changes = self._changes(titles)
        if any(rows.imdb_id in self._updates.titles for rows in changes.newer):
            # No title may stand twice in the updates.
            self._merge()
            self._main.sync()
            changes = self._changes(titles)
        # Another name goes before the title that gives it: were we killed in between, the title
        # would be held, and nobody would save it again for the sake of the name.
        self._update([], changes.renamed)
        self._main.append(changes.new, changes.new_people)
        for number, moment in changes.met.items():
            self._main.people.see_again(number, moment)
        self._update(changes.newer, {})
        return changes.counts

    def _update(self, newer: Sequence[TitleRows], renamed: Mapping[NameId, Naming]) -> None:
        if newer or renamed:
            self._updates.sync()
            self._updates.append(newer, renamed)
            for rows in newer:
                for person_id in rows.names:
                    self._updates.people.see(person_id, rows.moment)

    def _has_strays(self) -> bool:
        return self._main.has_strays or self._main.details.has_strays

    def _changes(self, titles: Sequence[TitleRows]) -> "_Changes":
        changes = _Changes()
        for rows in titles:
            holder, held = self._holder(rows.imdb_id)
            if held is None:
                changes.add_new(rows)
            else:
                changes.add_known(rows, held, holder, self._news_of(rows))
        for person_id, naming in changes.names.items():
            number = self._main.people.find(person_id)
            if number is None:
                changes.new_people[person_id] = naming
                continue
            changes.met[number] = naming.moment
            if not self._is_known_as(person_id, number, naming.name) and not (
                self._is_named_later(person_id, naming.moment)
            ):
                changes.renamed[person_id] = naming
        return changes

    def _news_of(self, rows: TitleRows) -> "_News":
        """Give the details of a title that are not held as they are, and whether one says more."""
        if not rows.details:
            return _News((), is_change=False)
        held = newest(self._main.details, self._updates.details, rows.imdb_id)
        news, is_change = [], False
        for detail in rows.details:
            if (known := held.get(detail.name)) is not None:
                holder, before = known
                if detail.moment < before.fetched_at:
                    continue
                written = holder.read(before)
                if detail.are(*written):
                    continue
                is_change |= not detail.have_the_facts_of(*written)
            is_change |= known is None
            news.append(detail)
        return _News(tuple(news), is_change)

    def _holder(self, imdb_id: TitleId) -> tuple[TitleSet, HeldTitle | None]:
        """Give where the newest version of a title stands: nowhere when it is not held."""
        newer = self._updates.titles.get(imdb_id)
        return (
            (self._main, self._main.titles.get(imdb_id))
            if newer is None
            else (self._updates, newer)
        )

    def _is_known_as(self, person_id: NameId, number: int, name: str) -> bool:
        """Tell whether this is the newest name of a person, who has that number in ``_main``."""
        renamed = self._updates.people.find(person_id)
        if renamed is not None:
            return self._updates.people.is_named(renamed, name)
        return self._main.people.is_named(number, name)

    def _is_named_later(self, person_id: NameId, moment: int) -> bool:
        moments = (titles.people.moment(person_id) for titles in (self._main, self._updates))
        return any(known is not None and known > moment for known in moments)

    def _merge(self) -> None:
        """Bring the updates into the files; whoever goes on with the files syncs them again."""
        if len(self._updates.titles) or self._has_strays():
            merge(self._main, self._updates)
            self._main.forget()
        elif self._updates.exists():
            if self._updates.people.named:
                scratch = self._updates.directory / "people.csv.merged"
                self._main.rename(self._updates, scratch)
            self._updates.remove()

    def _titles_named(self, ids: Collection[TitleId]) -> Iterator[Title]:
        with self._exclusively():
            found = [(self._holder(imdb_id)) for imdb_id in ids]
            rows = [
                (held, holder.read(held), self._rows_of_details(held.imdb_id))
                for holder, held in found if held is not None
            ]  # fmt: skip
        for held, (title, credits_), details in rows:
            found_details = [
                read_detail(self._directory, held.imdb_id, *written) for written in details
            ]
            yield self._title(held, title, credits_, in_order(found_details))

    def _rows_of_details(self, imdb_id: TitleId) -> list[tuple[HeldDetail, bytes, bytes]]:
        found = newest(self._main.details, self._updates.details, imdb_id)
        return [(held, *details.read(held)) for details, held in found.values()]

    def _read(
        self,
        held: HeldTitle,
        title_file: FileIO,
        credit_file: FileIO,
        details: tuple[Detail, ...],
    ) -> Title:
        title = _part(title_file, held.title_start, held.title_end)
        credits_ = _part(credit_file, held.credits_start, held.credits_end)
        return self._title(held, title, credits_, details)

    def _title(
        self, held: HeldTitle, title: bytes, credits_: bytes, details: tuple[Detail, ...]
    ) -> Title:
        try:
            (cells,) = decode(title)
            return title_from(cells, [credit_from(row) for row in decode(credits_)], details)
        except (csv.Error, ValueError, InvalidTitle) as error:
            where = f"the title at byte {held.title_start} and its credits in credits.csv"
            raise malformed(self._main.title_table.path, where, str(error)) from error


class _News(NamedTuple):
    """Details of a title that are to be written, and whether one of them has other facts."""

    details: tuple[DetailRows, ...]
    is_change: bool


@dataclass(slots=True)
class _Changes:
    """What a batch, in which no title stands twice, changes in the files.

    ``met`` has the people whom it credits and who stand in the files, by their number there, with
    when the newest page was had that does.
    """

    new: list[TitleRows] = field(default_factory=list)
    newer: list[TitleRows] = field(default_factory=list)
    names: dict[NameId, Naming] = field(default_factory=dict)
    new_people: dict[NameId, Naming] = field(default_factory=dict)
    renamed: dict[NameId, Naming] = field(default_factory=dict)
    met: dict[int, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add_new(self, rows: TitleRows) -> None:
        """Add a title that is not held."""
        self.counts["inserted"] += 1
        self.new.append(rows)
        self._add_names(rows)

    def add_known(self, rows: TitleRows, held: HeldTitle, holder: TitleSet, news: _News) -> None:
        """Add a title that is held, by what the files say of it.

        Details are written along with a title, or when it has no newer facts with those held.
        """
        is_older = rows.moment < held.fetched_at
        if is_older and not news.details:
            self.counts["unchanged"] += 1
            return
        title, credits_ = holder.read(held)
        is_same = is_older or rows.have_the_facts_of(title, credits_)
        self.counts["updated" if news.is_change or not is_same else "unchanged"] += 1
        if is_older:
            self.newer.append(_again(held, title, credits_, news.details))
            return
        if news.details or not rows.are(title, credits_):
            self.newer.append(replace(rows, details=news.details))
        self._add_names(rows)

    def _add_names(self, rows: TitleRows) -> None:
        moment, names = rows.moment, self.names
        for person_id, name in rows.names.items():
            known = names.get(person_id)
            if known is None or moment >= known.moment:
                names[person_id] = Naming(name, moment)


def _encoded(title: Title, run_id: str, escape_formulas: bool) -> TitleRows:
    rows = TitleRows.of(title, run_id, escape_formulas=escape_formulas)
    if not title.details:
        return rows
    details = tuple(
        DetailRows.of(title.imdb_id, detail, run_id, escape_formulas=escape_formulas)
        for detail in title.details
    )
    return replace(rows, details=details)


def _again(
    held: HeldTitle, title: bytes, credits_: bytes, details: tuple[DetailRows, ...]
) -> TitleRows:
    """Give the rows of a title that is held, to be written once more with new details."""
    return TitleRows(
        imdb_id=held.imdb_id,
        moment=held.fetched_at,
        names={},
        title=title,
        credits=credits_,
        credits_count=held.credits_count,
        details=details,
    )


def _version(
    imdb_id: TitleId, moment: int, main: DetailIndex, updates: DetailIndex
) -> TitleVersion:
    moments = {
        held.name: held.fetched_at for index in (main, updates) for held in index.of(imdb_id)
    }
    details = tuple((name, datetime_of(moments[name])) for name in sorted(moments))
    return TitleVersion(imdb_id, datetime_of(moment), details)


def _without_repeats(titles: Sequence[TitleRows]) -> Iterator[list[TitleRows]]:
    """Cut a batch so that no title stands twice in a part and none is large, keeping its order."""
    part: dict[TitleId, TitleRows] = {}
    for rows in titles:
        if rows.imdb_id in part or len(part) == MOST_TITLES_AT_ONCE:
            yield list(part.values())
            part = {}
        part[rows.imdb_id] = rows
    yield list(part.values())


def _part(file: FileIO, start: int, end: int) -> bytes:
    return os.pread(file.fileno(), end - start, start)
