"""What a very large refresh would take, on paper: ``python -m benchmarks.scale_model``.

Measures what a title costs (bytes of pages and of the API's answers, bytes in PostgreSQL, CPU of
workers and of PostgreSQL), puts it into the formulas of `Model`, for 12,000,000 titles on 100
workers, and writes the tables into ``docs/scaling.md``. Nothing of that size is run; prices are
assumptions. With ``--quick`` little is measured and the page stays as it is.
"""

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from benchmarks.database import new_database
from benchmarks.fleet import Measured, measure_run, open_ground
from benchmarks.machine import machine_facts, machine_line
from benchmarks.measured_process import ROOT, CommandFailed
from benchmarks.page import with_section
from benchmarks.save_titles import server
from benchmarks.synthetic_store import StoreSizes, fill_store
from benchmarks.tables import table
from demo.api import PATH
from demo.facts import synthetic_facts
from demo.site import Answer, DemoSite, RequestRecord
from infrastructure.repositories.postgres import open_postgres_repository

PAGE = ROOT / "docs" / "scaling.md"

TITLES = 12_000_000
"""About as many as IMDb's files for non-commercial use list."""
WORKERS = 100
TITLES_A_QUESTION = 50
RATES = (10, 50, 500)
"""Requests a second to the host, by all workers together; 10 is what the program does by itself."""

_PAGE_BYTES = 1_440_000
_SECONDS_AN_HOUR = 3600
_HOURS_A_MONTH = 730

_RATINGS = """
    INSERT INTO rating_history (title_id, observed_at, rating, votes)
    SELECT imdb_id, now() - day * interval '1 day', 7.5, 1000
    FROM titles, generate_series(1, 3) AS day
"""
_RELATIONS = """
    SELECT relname, pg_total_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCost:
    """What a source costs: a request has so many titles, and an answer so many bytes, packed.

    CPU in seconds a title: of a worker, and of PostgreSQL with the titles of the demo site.
    """

    titles_a_request: int
    answer_bytes: float
    worker_cpu: float
    database_cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCost:
    """Bytes in PostgreSQL, with indexes: of a title with its people and credits, and of a rating
    that was seen once more."""

    title_bytes: float
    rating_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Example prices in dollars, which are assumptions: ask your provider.

    Of a core for an hour, of a GB on a disk for a month, and of a GB that is received (nothing in
    most clouds; 1 and more through rented exits).
    """

    core_hour: float = 0.05
    disk_gb_month: float = 0.10
    received_gb: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A refresh of all titles from one source, the cores of a machine counted alike.

    Each worker has a core of its own, and PostgreSQL ``database_cores``.
    """

    source: SourceCost
    store: StoreCost
    titles: int = TITLES
    workers: int = WORKERS
    database_cores: int = 8

    @property
    def requests(self) -> int:
        """Titles / titles a request, rounded up."""
        return math.ceil(self.titles / self.source.titles_a_request)

    @property
    def received_gb(self) -> float:
        """Requests x bytes of an answer."""
        return self.requests * self.source.answer_bytes / 1e9

    def site_hours(self, requests_per_second: float) -> float:
        """Requests / rate: what politeness takes, however many workers there are."""
        return self.requests / requests_per_second / _SECONDS_AN_HOUR

    @property
    def worker_hours(self) -> float:
        """Titles x CPU of a worker / workers: what it takes when no site and no database waits."""
        return self.titles * self.source.worker_cpu / self.workers / _SECONDS_AN_HOUR

    @property
    def database_hours(self) -> float:
        """Titles x CPU of PostgreSQL / its cores."""
        return self.titles * self.source.database_cpu / self.database_cores / _SECONDS_AN_HOUR

    def hours(self, requests_per_second: float) -> float:
        """The longest of the three: they go on at the same time."""
        return max(self.site_hours(requests_per_second), self.worker_hours, self.database_hours)

    def enough_workers(self, requests_per_second: float) -> int:
        """Titles x CPU of a worker / hours of the whole, rounded up: more only wait."""
        seconds = self.hours(requests_per_second) * _SECONDS_AN_HOUR
        return math.ceil(self.titles * self.source.worker_cpu / seconds)

    @property
    def stored_gb(self) -> float:
        """Titles x bytes of a title."""
        return self.titles * self.store.title_bytes / 1e9

    @property
    def stored_gb_a_refresh(self) -> float:
        """Titles x bytes of a rating: a row more for each title whose rating or votes changed."""
        return self.titles * self.store.rating_bytes / 1e9

    def cost(self, requests_per_second: float, workers: int, prices: Prices) -> float:
        """Cores x hours x price + received GB x price: of one refresh, without the disk."""
        core_hours = (workers + self.database_cores) * self.hours(requests_per_second)
        return core_hours * prices.core_hour + self.received_gb * prices.received_gb

    def disk_cost_a_month(self, prices: Prices) -> float:
        """Stored GB x price."""
        return self.stored_gb * prices.disk_gb_month


class _Weighing(DemoSite):
    """A site that notes how many bytes its answers have, packed."""

    def __init__(self, titles: int, page_bytes: int | None = None) -> None:
        super().__init__(synthetic_facts(titles), page_bytes=page_bytes)
        self.weights: list[int] = []

    def answer(self, record: RequestRecord, question: bytes | None = None) -> Answer:
        """Answer, and note what has titles in it."""
        answered = super().answer(record, question)
        if record.path == PATH or record.path.startswith("/title/"):
            self.weights.append(len(answered.body.gzipped()))
        return answered


def measure_source(name: str, titles: int) -> SourceCost:
    """Have one worker do a run from ``html`` or ``graphql``. Raises `CommandFailed`."""
    site = _Weighing(titles, _PAGE_BYTES if name == "html" else None)
    site.prerender()
    settings = {
        "SOURCES": name,
        "REQUESTS_PER_SECOND": "0",
        "BATCH_TITLES": "500",
        "GRAPHQL_URL": f"{site.url}{PATH}",
    }
    with open_ground(site) as ground:
        warm = measure_run(ground, titles, 1, settings)  # the site keeps what it has answered
        site.weights.clear()
        one = measure_run(ground, titles, 1, settings)
    return _cost_of(name, one, site.weights, titles, before=warm)


def _cost_of(
    name: str, one: Measured, weights: Sequence[int], titles: int, *, before: Measured
) -> SourceCost:
    # The largest are full answers: the chart, and what was left for the last, are smaller.
    full = max(weights) if name == "graphql" else sum(weights) / len(weights)
    return SourceCost(
        titles_a_request=TITLES_A_QUESTION if name == "graphql" else 1,
        answer_bytes=full,
        worker_cpu=min(one.program_cpu, before.program_cpu) / titles,
        database_cpu=min(one.database_cpu, before.database_cpu) / titles,
    )


def measure_store(titles: int) -> StoreCost:
    """Fill a database with titles that have as many credits as the average one has (8)."""
    with server() as server_url, new_database(server_url) as url:
        with open_postgres_repository(url):
            pass
        empty = sum(_sizes(url).values())
        fill_store(url, StoreSizes.of(titles))
        filled = sum(_sizes(url).values())
        ratings = _sizes(url)["rating_history"]
        _add_ratings(url)
        more = _sizes(url)["rating_history"] - ratings
    return StoreCost(title_bytes=(filled - empty) / titles, rating_bytes=more / (3 * titles))


def _add_ratings(url: str) -> None:
    connection = psycopg2.connect(url)
    with closing(connection), connection, connection.cursor() as cursor:
        cursor.execute(_RATINGS)


def _sizes(url: str) -> dict[str, int]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_RELATIONS)
        return dict(cursor.fetchall())


def costs_table(sources: dict[str, SourceCost], store: StoreCost) -> str:
    """What was measured, and goes into the formulas."""
    headers = ["measured", *sources]
    costs = sources.values()
    rows = [
        ["titles a request", *(str(one.titles_a_request) for one in costs)],
        ["kB of an answer, packed", *(f"{one.answer_bytes / 1e3:.0f}" for one in costs)],
        ["CPU ms a title: a worker", *_milliseconds(one.worker_cpu for one in costs)],
        [
            "CPU ms a title: PostgreSQL",
            *_milliseconds(one.database_cpu for one in sources.values()),
        ],
        ["bytes of a title in PostgreSQL", *[f"{store.title_bytes:,.0f}"] * len(sources)],
        ["bytes of a rating seen once more", *[f"{store.rating_bytes:,.0f}"] * len(sources)],
    ]
    return table(headers, rows)


def _milliseconds(seconds: Iterable[float]) -> list[str]:
    return [f"{1000 * one:.1f}" for one in seconds]


def model_table(models: dict[str, Model], prices: Prices) -> str:
    """What comes of it: a row for each source and rate."""
    headers = [
        "source, requests/s", "requests", "received, GB", "hours: site", "100 workers",
        "PostgreSQL", "whole", "workers that are enough", "dollars with so many",
    ]  # fmt: skip
    rows = []
    for name, model in models.items():
        for rate in RATES:
            enough = model.enough_workers(rate)
            rows.append(
                [
                    f"{name}, {rate}",
                    f"{model.requests:,}",
                    f"{model.received_gb:,.0f}",
                    f"{model.site_hours(rate):,.1f}",
                    f"{model.worker_hours:.2f}",
                    f"{model.database_hours:.2f}",
                    f"{model.hours(rate):,.1f}",
                    str(enough),
                    f"{model.cost(rate, enough, prices):,.0f}",
                ]
            )
    return table(headers, rows)


def sections(sources: dict[str, SourceCost], store: StoreCost, prices: Prices) -> dict[str, str]:
    """The sections of the page, by the name in their markers."""
    models = {name: Model(source=one, store=store) for name, one in sources.items()}
    any_one = next(iter(models.values()))
    stored = (
        f"In PostgreSQL {any_one.stored_gb:.0f} GB "
        f"({any_one.disk_cost_a_month(prices):.0f} dollars a month), and "
        f"{any_one.stored_gb_a_refresh:.1f} GB more with each refresh in which all ratings change."
    )
    measured = f"Measured on {machine_line(machine_facts())}."
    return {
        "model costs": f"{costs_table(sources, store)}\n\n{measured}",
        "model": f"{model_table(models, prices)}\n\n{stored}",
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write the page, and give the exit status."""
    options = _parser().parse_args(arguments)
    try:
        sources = {
            "graphql": measure_source("graphql", 100 if options.quick else 5_000),
            "html": measure_source("html", 100 if options.quick else 1_000),
        }
        store = measure_store(1_000 if options.quick else 200_000)
        made = sections(sources, store, Prices())
        if not options.quick:
            _write(PAGE, made)
    except (CommandFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n\n".join(made.values()))
    return 0


def _write(path: Path, made: dict[str, str]) -> None:
    page = path.read_text(encoding="utf-8")
    for name, text in made.items():
        page = with_section(page, name, text)
    path.write_text(page, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_model", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="measure little, keep the page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
