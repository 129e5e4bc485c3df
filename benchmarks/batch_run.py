"""Measures the batch run against what it cannot do without: ``python -m benchmarks.batch_run``.

Starts the demo site (a process of its own, pages rendered beforehand) and a PostgreSQL, then, in
turn, several times:

* plain: the same pages fetched and unpacked by plain ``requests`` threads, nothing parsed
  (`benchmarks.plain_requests`), of which the CPU time counts;
* ours: ``python main.py``, from the start of the process to its end, saving to CSV files and to an
  empty database.

The bound of a run is the larger of requests x delay / threads and the CPU time of plain. The
command fails (exit status 1) when the median of ours / bound is above 1.5, when a run takes 250 MB
or more, or when titles are missing from a repository.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from benchmarks.measured_process import CommandFailed, Cost, run_measured
from benchmarks.options import whole_number
from demo.facts import synthetic_facts
from infrastructure.repositories.postgres.embedded import embedded_postgres

ROOT = Path(__file__).parents[1]

THREADS = 50
HIGHEST_RATIO = 1.5
PEAK_LIMIT_BYTES = 250_000_000

_TABLE_ROW = "{:>6}  {:>9}  {:>9}  {:>7}  {:>9}  {:>9}  {:>9}  {:>6}"


class RowsMissing(Exception):
    """A run ended well and yet a repository does not hold every title."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What every run has to fetch, and under which conditions."""

    titles: int
    delay_seconds: float
    page_bytes: int

    @property
    def waiting_seconds(self) -> float:
        """The time that the threads must wait for the site: the chart page and every title."""
        return (self.titles + 1) * self.delay_seconds / THREADS


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of each, side by side."""

    waiting_seconds: float
    plain: Cost
    ours: Cost

    @property
    def ratio(self) -> float:
        """Our wall-clock time as a multiple of the bound."""
        return self.ours.wall_seconds / max(self.waiting_seconds, self.plain.cpu_seconds)

    def row(self) -> tuple[float, ...]:
        """The figures in the order of the table, memory in MB (a million bytes)."""
        return (
            self.waiting_seconds,
            self.plain.cpu_seconds,
            self.plain.wall_seconds,
            self.ours.wall_seconds,
            self.ours.cpu_seconds,
            self.ours.peak_bytes / 1e6,
            self.ratio,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and give the exit status."""
    options = _parser().parse_args(arguments)
    workload = Workload(options.titles, options.delay, options.page_bytes)
    print(
        f"{workload.titles} titles, {workload.delay_seconds:g} s delay, pages of "
        f"{workload.page_bytes / 1e6:g} MB, {THREADS} threads; Python "
        f"{sys.version.split()[0]}, {os.cpu_count()} CPUs"
    )
    print(
        _TABLE_ROW.format(
            "run", "waiting s", "plain CPU", "plain s", "ours s", "ours CPU", "peak MB", "ratio"
        )
    )
    try:
        measurements = _measure(workload, options.runs)
    except (CommandFailed, RowsMissing) as error:
        print(error, file=sys.stderr)
        return 1
    medians = tuple(
        statistics.median(column)
        for column in zip(*(measurement.row() for measurement in measurements), strict=True)
    )
    _print_row("median", medians)
    return _verdict(medians[-1], max(measurement.ours.peak_bytes for measurement in measurements))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch_run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--titles", type=whole_number, default=250)
    parser.add_argument("--delay", type=float, default=0.1, metavar="SECONDS")
    parser.add_argument("--page-bytes", type=whole_number, default=1_500_000, metavar="BYTES")
    parser.add_argument("--runs", type=whole_number, default=5)
    return parser


def _measure(workload: Workload, runs: int) -> list[Measurement]:
    with (
        tempfile.TemporaryDirectory(prefix="imdb-benchmark-") as folder,
        demo_site(workload) as site_url,
        embedded_postgres(Path(folder) / "postgres") as server_url,
    ):
        measurements = []
        for number in range(1, runs + 1):
            run_folder = Path(folder) / f"run-{number}"
            run_folder.mkdir()
            measurement = Measurement(
                workload.waiting_seconds,
                measure_plain(workload, site_url, run_folder),
                measure_ours(workload, site_url, new_database(server_url, number), run_folder),
            )
            _print_row(str(number), measurement.row())
            measurements.append(measurement)
        return measurements


@contextmanager
def demo_site(workload: Workload) -> Iterator[str]:
    """Run the demo site as a process, its pages rendered; give its URL."""
    options = {
        "--titles": workload.titles,
        "--delay": workload.delay_seconds,
        "--page-bytes": workload.page_bytes,
    }
    arguments = [str(part) for option in options.items() for part in option]
    with subprocess.Popen(
        [sys.executable, "-m", "demo", "--prerender", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise CommandFailed("the demo site did not start; see its message above")
            yield url
        finally:
            process.terminate()


def new_database(server_url: str, number: int) -> str:
    """Make an empty database on the server and give its URL."""
    name = f"benchmark_{number}"
    with closing(psycopg2.connect(server_url)) as connection:
        connection.autocommit = True  # PostgreSQL makes no database inside a transaction
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
    return urlsplit(server_url)._replace(path=f"/{name}").geturl()


def measure_plain(workload: Workload, site_url: str, folder: Path) -> Cost:
    """What it costs to fetch and unpack the pages. Raises `CommandFailed`."""
    titles = synthetic_facts(workload.titles).titles
    paths = ["chart/top", *(f"title/{title.imdb_id}" for title in titles)]
    urls = folder / "urls.txt"
    urls.write_text("\n".join(f"{site_url}/{path}/" for path in paths), encoding="utf-8")
    return run_measured(
        [sys.executable, "-m", "benchmarks.plain_requests", str(urls), str(THREADS)],
        folder=ROOT,
        environment=os.environ,
        log=folder / "plain.log",
    )


def measure_ours(workload: Workload, site_url: str, database_url: str, folder: Path) -> Cost:
    """What the batch run costs. Raises `CommandFailed`, and `RowsMissing` when it lost titles."""
    output = folder / "output"
    settings = {
        "BASE_URL": site_url,
        "DATABASE_URL": database_url,
        "OUTPUT_DIR": str(output),
        "SOURCES": "html",
        "REPOSITORIES": "csv,postgres",
        "CHART": "top",
        "LIMIT": str(workload.titles),
        "MAX_THREADS": str(THREADS),
        "REQUESTS_PER_SECOND": "0",
    }
    cost = run_measured(
        [sys.executable, str(ROOT / "main.py")],
        folder=folder,  # away from any .env of the user
        environment=os.environ | settings,
        log=folder / "ours.log",
    )
    held = {"titles.csv": rows_of(output / "titles.csv"), "PostgreSQL": count_titles(database_url)}
    for place, titles in held.items():
        if titles != workload.titles:
            raise RowsMissing(f"{place} has {titles} titles instead of {workload.titles}")
    return cost


def rows_of(csv_file: Path) -> int:
    """How many rows a CSV file has, not counting its header line."""
    with csv_file.open(encoding="utf-8", newline="") as lines:
        return sum(1 for _ in csv.reader(lines)) - 1


def count_titles(database_url: str) -> int:
    """How many titles a database holds."""
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM titles")
        (titles,) = cursor.fetchone() or (0,)
        return int(titles)


def _print_row(name: str, row: Sequence[float]) -> None:
    *seconds, peak, ratio = row
    figures = [f"{value:.2f}" for value in seconds]
    print(_TABLE_ROW.format(name, *figures, f"{peak:.0f}", f"{ratio:.2f}"), flush=True)


def _verdict(ratio: float, peak_bytes: int) -> int:
    fast = ratio <= HIGHEST_RATIO
    small = peak_bytes < PEAK_LIMIT_BYTES
    print(
        f"ours / larger of waiting and plain CPU: {ratio:.2f}, at most {HIGHEST_RATIO}: "
        f"{'met' if fast else 'NOT met'}"
    )
    print(
        f"highest peak memory: {peak_bytes / 1e6:.0f} MB, below {PEAK_LIMIT_BYTES / 1e6:.0f}: "
        f"{'met' if small else 'NOT met'}"
    )
    return 0 if fast and small else 1


if __name__ == "__main__":
    sys.exit(main())
