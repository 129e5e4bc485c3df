"""What exports cost, by the number of titles: ``python -m benchmarks.export``.

Fills CSV files and a database with titles of 15 credits, half of which have keywords, and
runs ``python main.py export`` for each format from each repository, with an order for one of them,
then ``report``. A process that grows with the number of titles shows as such.

The command fails (exit status 1) when an export from PostgreSQL takes 200 MB or more, or does not
have all titles. (The CSV repository has an index in memory, some hundred bytes a title.)
"""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.database import new_database
from benchmarks.measured_process import ROOT, CommandFailed, Cost, run_measured
from benchmarks.options import whole_number
from benchmarks.save_titles import make_titles
from domain.details import Detail, DetailName
from domain.details.items import Keyword
from domain.run import Run
from domain.title import Title
from infrastructure.repositories.csv import open_csv_repository
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.embedded import embedded_postgres

PEAK_LIMIT_BYTES = 200_000_000
SIZES = (10_000, 100_000)
CREDITS = 15

_AT_ONCE = 1_000
_ROW = "{:>9}  {:>8}  {:>11}  {:>8}  {:>12}  {:>8}  {:>8}"
_EXPORTS: dict[str, tuple[str, ...]] = {
    "csv": ("export", "--out", "x.csv"),
    "csv, sorted": ("export", "--out", "x.csv", "--sort", "-rating,title"),
    "jsonl": ("export", "--out", "x.jsonl"),
    "sqlite": ("export", "--out", "x.sqlite"),
    "xlsx": ("export", "--out", "x.xlsx"),
    "parquet": ("export", "--out", "x.parquet"),
    "report": ("report", "--out", "x.html"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the titles are: a folder, which has the CSV files, and a database."""

    folder: Path
    database_url: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and give the exit status."""
    options = _parser().parse_args(arguments)
    print(_ROW.format("titles", "from", "what", "seconds", "CPU ms/title", "peak MB", "file MB"))
    highest = 0
    try:
        for titles in sorted(options.titles or SIZES):
            highest = max(highest, _measure(titles))
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    met = highest < PEAK_LIMIT_BYTES
    print(f"highest peak of an export from PostgreSQL: {highest / 1e6:.0f} MB")
    return 0 if met else 1


def _measure(titles: int) -> int:
    """Export so many titles in every way; give the highest peak from PostgreSQL, in bytes."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imdb-benchmark-")))
        server = stack.enter_context(embedded_postgres(folder / "postgres-server"))
        place = Place(folder, stack.enter_context(new_database(server)))
        _fill(place, titles)
        peaks = [0]
        for repository in ("csv", "postgres"):
            for what, command in _EXPORTS.items():
                cost = _run(place, repository, command, titles)
                _print_row(titles, repository, what, cost, (folder / command[2]).stat().st_size)
                if repository == "postgres" and command[0] == "export":
                    peaks.append(cost.peak_bytes)
        return max(peaks)


def _fill(place: Place, titles: int) -> None:
    run = Run(
        run_id="benchmark",
        command="titles",
        chart=None,
        sources=("memory",),
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    with (
        open_csv_repository(place.folder / "output") as files,
        open_postgres_repository(place.database_url) as database,
    ):
        for batch in _batches(titles):
            files.save(batch, run)
            database.save(batch, run)


def _batches(titles: int) -> Iterator[list[Title]]:
    for first in range(1, titles + 1, _AT_ONCE):
        made = make_titles(first, min(_AT_ONCE, titles + 1 - first), CREDITS)
        yield [_with_keywords(title) if place % 2 else title for place, title in enumerate(made)]


def _with_keywords(title: Title) -> Title:
    words = tuple(Keyword(keyword=f"keyword {number}") for number in range(10))
    found = Detail(name=DetailName.KEYWORDS, items=words, provenance=title.provenance)
    return replace(title, details=(found,))


def _run(place: Place, repository: str, command: Sequence[str], titles: int) -> Cost:
    settings = {
        "OUTPUT_DIR": str(place.folder / "output"),
        "DATABASE_URL": place.database_url,
    }
    log = place.folder / "log"
    cost = run_measured(
        [sys.executable, str(ROOT / "main.py"), *command, "--from", repository],
        folder=place.folder,
        environment=os.environ | settings,
        log=log,
    )
    said = log.read_text(encoding="utf-8")
    if not re.search(rf"\b{titles:,} titles\b", said):
        raise CommandFailed(f"{' '.join(command)} from {repository} lacks titles: {said}")
    return cost


def _print_row(titles: int, repository: str, what: str, cost: Cost, file_bytes: int) -> None:
    print(
        _ROW.format(
            f"{titles:,}",
            repository,
            what,
            f"{cost.wall_seconds:.1f}",
            f"{1000 * cost.cpu_seconds / titles:.2f}",
            f"{cost.peak_bytes / 1e6:.0f}",
            f"{file_bytes / 1e6:.1f}",
        ),
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "titles", nargs="*", type=whole_number, help="how many (default: 10,000 and 100,000)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
