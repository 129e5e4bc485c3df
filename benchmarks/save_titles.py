"""Measures saving, without fetching: ``python -m benchmarks.save_titles``.

Titles that are in memory already are handed to `CompositeSave` in batches, as a run hands them
over: to CSV files alone, to PostgreSQL alone, and to both at once, in turn, several times. Each
time begins with an empty folder and an empty database (on the embedded server, or on the one of
``DATABASE_URL``), and ends when every title is on the disk and the repositories are closed.

Every title has the same number of credits: three of people whom no title before has, the others
of people seen before, a few of them again and again. Each page is a second later than the last.

The command fails (exit status 1) when both at once save fewer than 3,000 titles a second, take
more than 1.15 times what the slower of the two takes alone, or when a title is missing.

With ``--grow-to`` a process fills two repositories up to that size and tells, on the way, how
fast it was, what 1,000 more titles take, and its peak memory.
"""

import argparse
import gc
import os
import random
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from application.composite_save import CompositeSave
from application.ports import BatchResult, RepositoryOpener
from application.scrape_titles import BATCH_TITLES
from benchmarks.database import new_database
from benchmarks.options import whole_number
from domain.identifiers import NameId, TitleId
from domain.person_profile import PersonProfile
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from domain.run import Failure, Run, RunOutcome, RunReport, StoreCounts
from domain.title import Credit, CreditCategory, Title, TitleKind
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.embedded import embedded_postgres

LEAST_TITLES_A_SECOND = 3000
HIGHEST_RATIO = 1.15

NEW_PEOPLE = 3
"""Credits of a title that are of people whom no title before it has."""

MILESTONES = (1_000, 10_000, 100_000, 1_000_000)
_TITLES_MORE = 1_000
_TITLES_MADE_AT_ONCE = 5_000

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_RUN = Run(run_id="benchmark", command="titles", chart=None, sources=("memory",), started_at=_BEGAN)
_DIRECTORS, _WRITERS = 1, 2


class TitlesMissing(Exception):
    """A repository did not take every title, or does not hold it."""


def make_titles(first: int, count: int, credits_: int) -> list[Title]:
    """Titles from number ``first`` on; the same numbers always give the same titles."""
    return [_title(number, credits_) for number in range(first, first + count)]


def _title(number: int, credits_: int) -> Title:
    chance = random.Random(number)
    year = 1920 + number % 100
    return Title(
        imdb_id=TitleId(f"tt{number:07d}"),
        kind=TitleKind.MOVIE,
        title=f"The Title of Number {number}",
        original_title=f"Le titre original, numéro {number}",
        year=year,
        runtime_minutes=80 + number % 90,
        rating=chance.randrange(10, 100) / 10,
        votes=chance.randrange(1_000_000),
        metascore=number % 101,
        certificate="PG-13",
        genres=("Crime", "Drama"),
        release_date=ReleaseDate(year=year, month=1 + number % 12, day=1 + number % 28),
        plot=f"In a town of {number} souls, two swear to tell nobody, and one of them does.",
        credits=tuple(
            _credit(place, person) for place, person in enumerate(_people(number, credits_, chance))
        ),
        provenance=Provenance(
            source="html", found_by="next_data", fetched_at=_BEGAN + timedelta(seconds=number)
        ),
    )


def _people(number: int, credits_: int, chance: random.Random) -> Iterator[int]:
    """Numbers of the people of a title: some new, and more often the early than the late ones."""
    known = number * NEW_PEOPLE
    for place in range(credits_):
        yield known + place if place < NEW_PEOPLE else int(known * chance.random() ** 2)


def _credit(place: int, person: int) -> Credit:
    category, position = CreditCategory.CAST, place - _DIRECTORS - _WRITERS + 1
    if place < _DIRECTORS:
        category, position = CreditCategory.DIRECTOR, place + 1
    elif place < _DIRECTORS + _WRITERS:
        category, position = CreditCategory.WRITER, place - _DIRECTORS + 1
    return Credit(
        category=category,
        position=position,
        name=f"Given Family-{person}",
        person_id=NameId(f"nm{person:07d}"),
        characters=(f"Character {place}",) if category is CreditCategory.CAST else (),
    )


class _Silent:
    """Watches the saving and shows nothing, except what goes wrong."""

    def started(self, run: Run, asked: int | None) -> None:
        pass

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        pass

    def failed(self, failure: Failure) -> None:
        pass

    def saved(self, repository: str, result: BatchResult) -> None:
        pass

    def notice(self, message: str) -> None:
        print(message, file=sys.stderr)


class _Counting(_Silent):
    """Knows how many titles each repository has taken; told by their lanes, asked by any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken: Counter[str] = Counter()
        self._trouble: str | None = None

    def notice(self, message: str) -> None:
        with self._changed:
            self._trouble = message
            self._changed.notify_all()

    def saved(self, repository: str, result: BatchResult) -> None:
        with self._changed:
            self._taken[repository] += result.inserted
            self._changed.notify_all()

    def wait_until_all_have(self, titles: int, repositories: Sequence[str]) -> None:
        """Wait until every repository has taken so many; raise `TitlesMissing` when one fails to.

        (Asking them what they hold, as `CompositeSave.settle` does, has them count all their rows.)
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._trouble or all(self._taken[name] >= titles for name in repositories)
            )
            if self._trouble:
                raise TitlesMissing(self._trouble)


@dataclass(frozen=True, slots=True)
class Stores:
    """Empty repositories: a folder and a database."""

    folder: Path
    database_url: str

    def openers(self, names: Sequence[str]) -> list[RepositoryOpener]:
        """What opens those of the repositories, ``csv`` and ``postgres``, that are named."""
        known = {
            "csv": RepositoryOpener("csv", partial(open_csv_repository, self.folder)),
            "postgres": RepositoryOpener(
                "postgres", partial(open_postgres_repository, self.database_url)
            ),
        }
        return [known[name] for name in names]


@contextmanager
def empty_stores(server_url: str) -> Iterator[Stores]:
    """A folder and a database for one measurement, removed after it."""
    with (
        tempfile.TemporaryDirectory(prefix="imdb-saved-") as folder,
        new_database(server_url) as database_url,
    ):
        yield Stores(Path(folder), database_url)


@contextmanager
def server() -> Iterator[str]:
    """The server of ``DATABASE_URL``, or an embedded one."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    with (
        tempfile.TemporaryDirectory(prefix="imdb-benchmark-") as folder,
        embedded_postgres(Path(folder) / "postgres") as url,
    ):
        yield url


def hand_over(save: CompositeSave, titles: Sequence[Title], batch: int) -> None:
    """Save titles in batches of this many, as `ScrapeTitles` does."""
    for start in range(0, len(titles), batch):
        save.save(titles[start : start + batch], _RUN)


def check_all_saved(save: CompositeSave, titles: int) -> None:
    """Wait until everything is saved. Raises `TitlesMissing` when not all of it is."""
    for report in save.settle():
        held = report.holds.titles if isinstance(report.holds, StoreCounts) else None
        if (report.inserted, held, report.error) != (titles, titles, None):
            raise TitlesMissing(
                f"{report.name} took {report.inserted} and holds {held} of {titles} titles"
                f" ({report.error or 'no error'})"
            )


def seconds_to_save(
    titles: Sequence[Title], batch: int, stores: Stores, names: Sequence[str]
) -> float:
    """Wall-clock time from before the repositories are opened until they are closed."""
    began = time.perf_counter()
    with CompositeSave(stores.openers(names), _Silent()) as save:
        save.begin_run(_RUN, None)
        hand_over(save, titles, batch)
        check_all_saved(save, len(titles))
        save.finish_run(_report(len(titles)))
    return time.perf_counter() - began


def _report(titles: int) -> RunReport:
    return RunReport(
        run=_RUN,
        finished_at=_BEGAN + timedelta(days=1),
        outcome=RunOutcome.COMPLETE,
        asked=titles,
        fetched=titles,
        fetched_from={"memory": titles},
    )


def measure(titles: Sequence[Title], batch: int, runs: int, server_url: str) -> list[list[float]]:
    """Seconds of csv, postgres and both, for each run; prints each as titles a second."""
    measured: list[list[float]] = []
    for number in range(1, runs + 1):
        row = []
        for names in (("csv",), ("postgres",), ("csv", "postgres")):
            with empty_stores(server_url) as stores:
                row.append(seconds_to_save(titles, batch, stores, names))
        _print_row(str(number), row, len(titles))
        measured.append(row)
    return measured


def grow(milestones: Sequence[int], credits_: int, batch: int, server_url: str) -> None:
    """Fill one pair of repositories and tell at each size how it went; titles are made between."""
    print(f"{'held':>9}  {'titles/s':>8}  {'next 1,000 in s':>15}  {'peak MB':>7}")
    held, seconds = 0, 0.0
    counting, names = _Counting(), ("csv", "postgres")
    with (
        empty_stores(server_url) as stores,
        CompositeSave(stores.openers(names), counting) as save,
    ):

        def seconds_for_more(count: int) -> float:
            titles = make_titles(held + 1, count, credits_)
            began = time.perf_counter()
            hand_over(save, titles, batch)
            counting.wait_until_all_have(held + count, names)
            return time.perf_counter() - began

        save.begin_run(_RUN, None)
        for size in milestones:
            before, seconds_before = held, seconds
            while held < size:
                count = min(_TITLES_MADE_AT_ONCE, size - held)
                seconds += seconds_for_more(count)
                held += count
            rate = (held - before) / (seconds - seconds_before)
            more = seconds_for_more(_TITLES_MORE)
            held += _TITLES_MORE
            check_all_saved(save, held)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
            print(f"{size:>9,}  {rate:>8,.0f}  {more:>15.2f}  {peak:>7.0f}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and give the exit status."""
    options = _parser().parse_args(arguments)
    titles_in_all = options.grow_to or options.titles
    print(
        f"{titles_in_all:,} titles with {options.credits} credits each, in batches of "
        f"{options.batch}; Python {sys.version.split()[0]}, {os.cpu_count()} CPUs"
    )
    try:
        with server() as server_url:
            if options.grow_to:
                grow(_sizes_up_to(options.grow_to), options.credits, options.batch, server_url)
                return 0
            titles = make_titles(1, options.titles, options.credits)
            # The titles stay: there is no need to look for garbage in them again and again.
            gc.freeze()
            print("titles/s:    csv  postgres    both  both / slower alone")
            measured = measure(titles, options.batch, options.runs, server_url)
    except TitlesMissing as error:
        print(error, file=sys.stderr)
        return 1
    medians = [statistics.median(column) for column in zip(*measured, strict=True)]
    _print_row("median", medians, len(titles))
    return _verdict(len(titles) / medians[-1], statistics.median(map(_ratio, measured)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.save_titles", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--titles", type=whole_number, default=100_000)
    parser.add_argument("--credits", type=whole_number, default=15, help="of each title")
    parser.add_argument("--batch", type=whole_number, default=BATCH_TITLES, metavar="TITLES")
    parser.add_argument("--runs", type=whole_number, default=5)
    parser.add_argument("--grow-to", type=whole_number, metavar="TITLES")
    return parser


def _sizes_up_to(last: int) -> list[int]:
    return [*(size for size in MILESTONES if size < last), last]


def _ratio(row: Sequence[float]) -> float:
    *alone, both = row
    return both / max(alone)


def _print_row(name: str, row: Sequence[float], titles: int) -> None:
    csv, postgres, both = (titles / seconds for seconds in row)
    print(f"{name:>8}{csv:>9,.0f}{postgres:>10,.0f}{both:>8,.0f}{_ratio(row):>21.2f}", flush=True)


def _verdict(titles_a_second: float, ratio: float) -> int:
    fast = titles_a_second >= LEAST_TITLES_A_SECOND
    level = ratio <= HIGHEST_RATIO
    print(
        f"both at once: {titles_a_second:,.0f} titles/s, at least {LEAST_TITLES_A_SECOND:,}: "
        f"{'met' if fast else 'NOT met'}"
    )
    print(
        f"both at once / the slower alone: {ratio:.2f}, at most {HIGHEST_RATIO}: "
        f"{'met' if level else 'NOT met'}"
    )
    return 0 if fast and level else 1


if __name__ == "__main__":
    sys.exit(main())
