"""Peak memory against the number of titles: ``python -m benchmarks.memory``.

Runs ``python main.py titles -`` against the demo site (pages of real weight, no delay), into CSV
files and an empty database on a PostgreSQL that is already running, for more and more titles. Fails
(exit status 1) when a run takes 120 MB or more, or when titles are missing from a repository.

With 100,000 titles this takes about a quarter of an hour, four minutes of which are the site's.
"""

import argparse
import csv
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from benchmarks.database import new_database
from benchmarks.measured_process import ROOT, CommandFailed, Cost, run_measured
from benchmarks.options import whole_number
from benchmarks.replica import Workload, demo_site
from demo.facts import synthetic_facts
from infrastructure.repositories.postgres.embedded import embedded_postgres

PEAK_LIMIT_BYTES = 120_000_000
SIZES = (250, 5_000, 25_000, 100_000)
PAGE_BYTES = 1_440_000

_ROW = "{:>8}  {:>9}  {:>9}  {:>12}  {:>8}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where runs happen: the site, the server of the databases, a folder."""

    site_url: str
    server_url: str
    folder: Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and give the exit status."""
    options = _parser().parse_args(arguments)
    sizes = sorted(options.titles or SIZES)
    print(_ROW.format("titles", "seconds", "titles/s", "CPU ms/title", "peak MB"))
    highest = 0
    try:
        with _place(sizes[-1], options.page_bytes) as place:
            for titles in sizes:
                cost = _measure(place, titles)
                highest = max(highest, cost.peak_bytes)
                _print_row(titles, cost)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    met = highest < PEAK_LIMIT_BYTES
    print(
        f"highest peak: {highest / 1e6:.0f} MB, below {PEAK_LIMIT_BYTES / 1e6:.0f}: "
        f"{'met' if met else 'NOT met'}"
    )
    return 0 if met else 1


@contextmanager
def _place(titles: int, page_bytes: int) -> Iterator[Place]:
    with (
        tempfile.TemporaryDirectory(prefix="imdb-benchmark-") as folder,
        demo_site(Workload(titles, 0.0, page_bytes)) as site_url,
        embedded_postgres(Path(folder) / "postgres") as server_url,
    ):
        yield Place(site_url, server_url, Path(folder))


def _measure(place: Place, titles: int) -> Cost:
    """Run once; raises `CommandFailed` when that fails or a repository lacks titles."""
    folder = place.folder / f"{titles}-titles"
    folder.mkdir()
    ids = folder / "ids.txt"
    ids.write_text("\n".join(title.imdb_id for title in synthetic_facts(titles).titles))
    program = shlex.join([sys.executable, str(ROOT / "main.py"), "titles", "-"])
    with new_database(place.server_url) as database_url:
        settings = {
            "BASE_URL": place.site_url,
            "DATABASE_URL": database_url,
            "OUTPUT_DIR": str(folder),
            "SOURCES": "html",
            "REPOSITORIES": "csv,postgres",
            "MAX_THREADS": "50",
            "REQUESTS_PER_SECOND": "0",
        }
        cost = run_measured(
            ["sh", "-c", f"exec {program} < ids.txt"],
            folder=folder,
            environment=os.environ | settings,
            log=folder / "log",
        )
        held = {
            "titles.csv": _rows_of(folder / "titles.csv"),
            "PostgreSQL": _count_titles(database_url),
        }
    for where, rows in held.items():
        if rows != titles:
            raise CommandFailed(f"{where} has {rows} titles instead of {titles}")
    return cost


def _rows_of(csv_file: Path) -> int:
    with csv_file.open(encoding="utf-8", newline="") as lines:
        return sum(1 for _ in csv.reader(lines)) - 1  # without the header


def _count_titles(database_url: str) -> int:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM titles")
        ((titles,),) = cursor.fetchall()
        return int(titles)


def _print_row(titles: int, cost: Cost) -> None:
    print(
        _ROW.format(
            f"{titles:,}",
            f"{cost.wall_seconds:.1f}",
            f"{titles / cost.wall_seconds:.0f}",
            f"{1000 * cost.cpu_seconds / titles:.2f}",
            f"{cost.peak_bytes / 1e6:.0f}",
        ),
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "titles", nargs="*", type=whole_number, help="how many (default: 250 to 100,000)"
    )
    parser.add_argument("--page-bytes", type=whole_number, default=PAGE_BYTES, metavar="BYTES")
    return parser


if __name__ == "__main__":
    sys.exit(main())
