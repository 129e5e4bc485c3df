"""The lean saving that the systems share: three CSV files and three plain tables.

Most save everything at the end, in one transaction; a framework that hands over items one by one
has each of them saved.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
from psycopg2.extras import execute_values

from benchmarks.systems.job import Job


class CreditRow(NamedTuple):
    """A person's part in a title; ``characters`` is empty for who is not in the cast."""

    title_id: str
    category: str
    position: int
    person_id: str | None
    name: str
    characters: list[str]


class TitleRow(NamedTuple):
    """The facts of a title; ``None`` is unknown, ``release_date`` is ISO 8601 as far as known."""

    imdb_id: str
    kind: str | None
    title: str
    original_title: str | None
    year: int | None
    end_year: int | None
    runtime_minutes: int | None
    rating: float | None
    votes: int | None
    metascore: int | None
    certificate: str | None
    genres: list[str]
    release_date: str | None
    plot: str | None


class TitlePage(NamedTuple):
    """What a system has read of one title page."""

    title: TitleRow
    credits: list[CreditRow]


_TABLES = """
    CREATE TABLE titles (
        imdb_id text PRIMARY KEY, kind text, title text, original_title text, year integer,
        end_year integer, runtime_minutes integer, rating numeric, votes integer,
        metascore integer, certificate text, genres text[], release_date text, plot text);
    CREATE TABLE people (imdb_id text PRIMARY KEY, name text);
    CREATE TABLE credits (
        title_id text REFERENCES titles, category text, position integer,
        person_id text REFERENCES people, name text, characters text[],
        PRIMARY KEY (title_id, category, position));
"""

_Rows = Sequence[Sequence[Any]]

_INSERT = "INSERT INTO {} VALUES %s"
_COLUMNS: dict[str, Sequence[str]] = {
    "titles": TitleRow._fields,
    "people": ("imdb_id", "name"),
    "credits": CreditRow._fields,
}


def save(job: Job, pages: Iterable[TitlePage]) -> None:
    """Save everything at the end of a run, each title, person and credit once.

    Raises `psycopg2.Error` or `OSError` when that fails.
    """
    titles: list[TitleRow] = []
    credited: list[CreditRow] = []
    for page in pages:
        titles.append(page.title)
        credited += page.credits
    people = {row.person_id: row.name for row in credited if row.person_id is not None}
    tables: dict[str, _Rows] = {
        "titles": titles,
        "people": list(people.items()),
        "credits": credited,
    }
    _save_csv(job.folder, tables)
    _save_postgres(job.database_url, tables)


class OneByOne:
    """Saves each title when it comes. Used by one thread; raises as `save` does."""

    def __init__(self, job: Job) -> None:
        job.folder.mkdir(parents=True)
        self._people: set[str] = set()
        self._files = {
            name: (job.folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
            for name in _COLUMNS
        }
        self._writers = {name: csv.writer(file) for name, file in self._files.items()}
        for name, columns in _COLUMNS.items():
            self._writers[name].writerow(columns)
        self._connection = psycopg2.connect(job.database_url)
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(_TABLES)

    def save(self, page: TitlePage) -> None:
        """Append to the files, and commit to the database."""
        named = {row.person_id: row.name for row in page.credits if row.person_id is not None}
        new = [
            (person_id, name) for person_id, name in named.items() if person_id not in self._people
        ]
        self._people |= named.keys()
        rows: dict[str, _Rows] = {"titles": [page.title], "people": new, "credits": page.credits}
        with self._connection, self._connection.cursor() as cursor:
            for name, listed in rows.items():
                self._writers[name].writerows([_cell(value) for value in row] for row in listed)
                execute_values(cursor, _INSERT.format(name), listed)

    def close(self) -> None:
        """Close the files and the connection."""
        for file in self._files.values():
            file.close()
        self._connection.close()


def _save_csv(folder: Path, tables: dict[str, _Rows]) -> None:
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS[name])
            writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if value else None
    return value


def _save_postgres(url: str, tables: dict[str, _Rows]) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_TABLES)
        for name, rows in tables.items():
            execute_values(cursor, _INSERT.format(name), rows, page_size=1000)
