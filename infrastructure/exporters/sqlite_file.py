"""Titles as an SQLite database: tables for titles, genres, people, credits and each detail."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from application.title_fields import FIELDS, FieldKind, comparable
from domain.details import DetailName, Kind, fields_of, item_of
from domain.errors import ExportFailed
from domain.title import CreditCategory, Title
from infrastructure.exporters.values import cell, item_as_json, json_text

_TITLES_AT_ONCE = 200
_CACHE_KILOBYTES = 32_000

_TYPES = {FieldKind.WHOLE_NUMBER: "INTEGER", FieldKind.NUMBER: "REAL"}
_FACTS = tuple(field for field in FIELDS.values() if not field.is_list)

_ITEM_TYPES = {
    Kind.WHOLE_NUMBER: "INTEGER",
    Kind.NUMBER: "REAL",
    Kind.FLAG: "INTEGER",
}

_TABLES = (
    f"""
    CREATE TABLE titles (
        {", ".join(f"{field.name} {_TYPES.get(field.kind, 'TEXT')}" for field in _FACTS)},
        PRIMARY KEY (imdb_id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE title_genres (
        title_id TEXT NOT NULL REFERENCES titles, position INTEGER NOT NULL, genre TEXT NOT NULL,
        PRIMARY KEY (title_id, position)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE people (
        imdb_id TEXT PRIMARY KEY, name TEXT NOT NULL, fetched_at TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE credits (
        title_id TEXT NOT NULL REFERENCES titles, category TEXT NOT NULL,
        position INTEGER NOT NULL, person_id TEXT REFERENCES people, name TEXT NOT NULL,
        characters TEXT NOT NULL,
        PRIMARY KEY (title_id, category, position)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE title_details (
        title_id TEXT NOT NULL REFERENCES titles, detail TEXT NOT NULL, items INTEGER NOT NULL,
        is_whole INTEGER NOT NULL, source TEXT NOT NULL, found_by TEXT NOT NULL,
        fetched_at TEXT NOT NULL,
        PRIMARY KEY (title_id, detail)
    ) WITHOUT ROWID
    """,
)

_INDEXES = (
    "CREATE INDEX titles_year ON titles (year)",
    "CREATE INDEX titles_kind ON titles (kind)",
    "CREATE INDEX titles_rating ON titles (rating)",
    "CREATE INDEX titles_votes ON titles (votes)",
    "CREATE INDEX titles_title ON titles (title COLLATE NOCASE)",
    "CREATE INDEX title_genres_genre ON title_genres (genre)",
    "CREATE INDEX people_name ON people (name COLLATE NOCASE)",
    "CREATE INDEX credits_person_id ON credits (person_id)",
    "CREATE INDEX title_details_detail ON title_details (detail)",
)
"""Made when the rows are there, which is quicker."""

_ADD_PERSON = """
    INSERT INTO people VALUES (?, ?, ?) ON CONFLICT (imdb_id) DO UPDATE
    SET name = excluded.name, fetched_at = excluded.fetched_at
    WHERE excluded.fetched_at >= people.fetched_at
"""

_Rows = list[tuple[Any, ...]]


class SqliteWriter:
    """Writes a database into a file that is empty. Lists of texts are JSON arrays."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, titles: Iterable[Title]) -> Sequence[str]:
        """Write all titles. Raises `ExportFailed`, among others when the disk is full."""
        try:
            with closing(sqlite3.connect(self._path, isolation_level=None)) as database:
                _write(database, iter(titles))
        except sqlite3.Error as error:
            raise ExportFailed(f"the SQLite file cannot be written: {error}") from error
        return ()


def _write(database: sqlite3.Connection, titles: Iterable[Title]) -> None:
    # Nobody sees the file before it is whole.
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("PRAGMA synchronous = OFF")
    database.execute(f"PRAGMA cache_size = -{_CACHE_KILOBYTES}")
    database.execute("BEGIN")
    for statement in (*_TABLES, *map(_detail_table, DetailName)):
        database.execute(statement)
    left = iter(titles)
    while some := list(islice(left, _TITLES_AT_ONCE)):
        _add(database, some)
    for statement in _INDEXES:
        database.execute(statement)
    database.execute("COMMIT")
    database.execute("PRAGMA optimize")


def _detail_table(name: DetailName) -> str:
    columns = ", ".join(
        f'"{field.name}" {_ITEM_TYPES.get(field.kind, "TEXT")}'
        for field in fields_of(item_of(name))
    )
    return f"""
        CREATE TABLE {name} (
            title_id TEXT NOT NULL REFERENCES titles, position INTEGER NOT NULL, {columns},
            PRIMARY KEY (title_id, position)
        ) WITHOUT ROWID
    """


def _add(database: sqlite3.Connection, titles: Sequence[Title]) -> None:
    rows: dict[str, _Rows] = {}
    for title in titles:
        _add_rows(rows, title)
    for table, some in rows.items():
        places = ", ".join("?" * len(some[0]))
        statement = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608 - our own names
        database.executemany(_ADD_PERSON if table == "people" else statement, some)


def _add_rows(rows: dict[str, _Rows], title: Title) -> None:
    imdb_id, moment = title.imdb_id, comparable(title.provenance.fetched_at)
    rows.setdefault("titles", []).append(tuple(cell(field, title) for field in _FACTS))
    genres = [(imdb_id, place, genre) for place, genre in enumerate(title.genres, 1)]
    people = [(person.imdb_id, person.name, moment) for person in title.people]
    credits_ = [
        (imdb_id, c.category.value, c.position, c.person_id, c.name, json_text(c.characters))
        for category in CreditCategory
        for c in title.credits_of(category)
    ]
    for table, some in (("title_genres", genres), ("people", people), ("credits", credits_)):
        if some:
            rows.setdefault(table, []).extend(some)
    for detail in title.details:
        origin = detail.provenance
        rows.setdefault("title_details", []).append(
            (
                imdb_id,
                detail.name.value,
                len(detail.items),
                detail.is_whole,
                origin.source,
                origin.found_by,
                comparable(origin.fetched_at),
            )
        )
        items = [
            (imdb_id, place, *map(_stored, item_as_json(item).values()))
            for place, item in enumerate(detail.items, 1)
        ]
        if items:
            rows.setdefault(detail.name.value, []).extend(items)


def _stored(value: Any) -> Any:
    return json_text(value) if isinstance(value, list) else value
