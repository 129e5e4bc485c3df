"""What the repositories keep after a run, and what the demo says it should be, in one shape."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from demo.facts import ReleaseDateFacts, TitleFacts
from tests.databases import rows_of
from tests.e2e.program import report, rows

FACT_COLUMNS = (
    "imdb_id", "kind", "title", "original_title", "year", "end_year", "runtime_minutes", "rating",
    "votes", "metascore", "certificate", "genres", "release_date", "plot",
)  # fmt: skip
"""What a repository says of a title, in this order."""

CreditRow = tuple[str, str, int, str | None, str, tuple[str, ...]]
"""Title, category, position, person, name and characters."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Every row of a repository, in no order: a row that is there twice is here twice.

    A title has its facts by the order of `FACT_COLUMNS`, then from where it is, how it was found,
    when it was fetched and by which run. A place in a chart is a run, a rank and an id.
    ``failures`` are runs, ids and reasons of titles that runs could not get. ``every_chart`` says
    whether the charts of all runs are kept, or only the latest.
    """

    name: str
    titles: list[tuple[Any, ...]]
    people: list[tuple[str, str]]
    credits: list[CreditRow]
    chart: list[tuple[str, int, str]]
    failures: list[tuple[str, str, str]]
    every_chart: bool

    @property
    def ids(self) -> set[str]:
        return {title[0] for title in self.titles}


def kept_in_csv(folder: Path) -> Kept:
    """The rows of the CSV files in a folder; none when there are no files."""
    if not (folder / "titles.csv").exists():
        return Kept("csv", [], [], [], [], [], every_chart=False)
    return Kept(
        "csv",
        [
            (
                *_typed(row), row["source"], row["found_by"], _moment(row["fetched_at"]),
                row["run_id"],
            )
            for row in rows(folder, "titles.csv")
        ],
        [(row["imdb_id"], row["name"]) for row in rows(folder, "people.csv")],
        [
            (
                row["title_id"], row["category"], int(row["position"]), row["person_id"] or None,
                row["name"], _texts(row["characters"]),
            )
            for row in rows(folder, "credits.csv")
        ],
        _chart(folder),
        _failures(folder),
        every_chart=False,
    )  # fmt: skip


def _chart(folder: Path) -> list[tuple[str, int, str]]:
    """The ranks of the chart; there is no file before a run of a chart."""
    if not (folder / "chart.csv").exists():
        return []
    return [(r["run_id"], int(r["rank"]), r["imdb_id"]) for r in rows(folder, "chart.csv")]


def _failures(folder: Path) -> list[tuple[str, str, str]]:
    """What the journal of the runs says."""
    return [
        (file.parent.name, failure["imdb_id"], failure["reason"])
        for file in folder.glob(".runs/*/failures.json")
        for failure in json.loads(file.read_bytes())
    ]


def kept_in_postgres(url: str) -> Kept:
    """The rows of the tables in a database."""
    titles = rows_of(
        url,
        "SELECT imdb_id, kind, title, original_title, year, end_year, runtime_minutes,"
        " rating::float8, votes, metascore, certificate, genres, release_year, release_month,"
        " release_day, plot, source, found_by, fetched_at, run_id FROM titles",
    )
    credits_ = rows_of(
        url, "SELECT title_id, category, position, person_id, name, characters FROM credits"
    )
    return Kept(
        "postgres",
        [
            (*row[:11], tuple(row[11]), _date(*row[12:15]), *row[15:18], _utc(row[18]), row[19])
            for row in titles
        ],
        rows_of(url, "SELECT imdb_id, name FROM people"),
        [(*place, tuple(characters)) for *place, characters in credits_],  # type: ignore[misc]
        rows_of(url, "SELECT run_id, rank, title_id FROM chart_entries"),
        rows_of(url, "SELECT run_id, imdb_id, reason FROM failures WHERE repository IS NULL"),
        every_chart=True,
    )


def report_in(folder: Path, url: str | None) -> dict[str, Any] | None:
    """The report of the newest run: its file, or what the database keeps when there is none.

    ``None`` when there is neither: the run was killed before its report was written.
    """
    if (folder / "run-report.json").exists():
        return report(folder)
    if url is None:
        return None
    kept = rows_of(url, "SELECT report FROM runs ORDER BY started_at DESC LIMIT 1")
    return next((account for (account,) in kept), None)


def facts_of(title: TitleFacts) -> tuple[Any, ...]:
    """A title as a repository should keep it, in the order of `FACT_COLUMNS`."""
    return (
        title.imdb_id, "movie", title.title, title.original_title, title.year, None,
        title.runtime_minutes, title.rating, title.votes, title.metascore, title.certificate,
        title.genres, _released(title.release_date), None,
    )  # fmt: skip


def credits_of(titles: Iterable[TitleFacts]) -> set[CreditRow]:
    """The credits of titles as a repository should keep them."""
    return {
        (title.imdb_id, category, position, c.imdb_id, c.name, c.characters)
        for title in titles
        for category, listed in (
            ("director", title.directors),
            ("writer", title.writers),
            ("cast", title.cast),
        )
        for position, c in enumerate(listed, 1)
    }


def _typed(row: Mapping[str, str]) -> tuple[Any, ...]:
    whole = {"year", "end_year", "runtime_minutes", "votes", "metascore"}

    def value(name: str) -> Any:
        cell = row[name]
        if name == "genres":
            return _texts(cell)
        if not cell:
            return None
        if name == "rating":
            return float(cell)
        return int(cell) if name in whole else cell

    return tuple(value(name) for name in FACT_COLUMNS)


def _texts(cell: str) -> tuple[str, ...]:
    return tuple(json.loads(cell)) if cell else ()


def _moment(text: str) -> datetime:
    return _utc(datetime.fromisoformat(text))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _released(date: ReleaseDateFacts) -> str | None:
    return _date(date.year, date.month, date.day)


def _date(*parts: int | None) -> str | None:
    known = [part for part in parts if part is not None]
    return "-".join(f"{part:02}" for part in known) or None
