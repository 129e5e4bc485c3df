"""Whether a run has saved what the demo site shows: its rows against the demo's facts."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from demo.facts import CreditFacts, TitleFacts

_NUMBERS = ("year", "runtime_minutes", "rating", "votes", "metascore")
_PROBLEMS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Claims:
    """What a system says that it reads, on top of ids, titles, facts, crew and cast.

    With ``first_character_only`` it reads one name of a part that has several.
    """

    first_character_only: bool = False


EVERYTHING = Claims()
WHAT_A_PAGE_SHOWS = Claims(first_character_only=True)
"""The claims of a system that reads the elements of a page and not its ``__NEXT_DATA__``."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a place holds, in a shape in which any two places can be compared.

    Titles as (id, title, original title, year, minutes, rating, votes, metascore, certificate,
    genres), credits as (title, category, position, person's id, name, characters), people as ids:
    names of theirs are in the credits, and may be several.
    """

    titles: frozenset[Row]
    people: frozenset[str]
    credits: frozenset[Row]
    counts: tuple[int, int, int]


def problems(
    folder: Path, database_url: str, titles: Iterable[TitleFacts], claims: Claims
) -> list[str]:
    """What is wrong in the CSV files and in PostgreSQL, in words; empty when nothing is."""
    expected = rows_of_facts(titles, claims)
    found = {"CSV": rows_of_csv(folder), "PostgreSQL": rows_of_postgres(database_url)}
    return [
        f"{place}: {problem}"
        for place, rows in found.items()
        for problem in _differences(rows, expected)
    ]


def _differences(rows: Rows, expected: Rows) -> Iterator[str]:
    if rows.counts != expected.counts:
        yield (f"{rows.counts} titles, people and credits instead of {expected.counts}")
    for name in ("titles", "people", "credits"):
        wrong = getattr(rows, name) ^ getattr(expected, name)
        shown = sorted(map(str, wrong))[:_PROBLEMS_SHOWN]
        if shown:
            yield f"{len(wrong)} {name} differ, such as {'; '.join(shown)}"


def rows_of_facts(titles: Iterable[TitleFacts], claims: Claims) -> Rows:
    """What a run over these titles should have saved."""
    title_rows: list[Row] = []
    credit_rows: list[Row] = []
    for facts in titles:
        numbers = tuple(_number(getattr(facts, name)) for name in _NUMBERS)
        texts = (facts.imdb_id, facts.title, facts.original_title)
        title_rows.append((*texts, *numbers, facts.certificate, facts.genres))
        for category, credited in (
            ("director", facts.directors),
            ("writer", facts.writers),
            ("cast", facts.cast),
        ):
            for position, person in enumerate(credited, 1):
                place = (facts.imdb_id, category, position)
                characters = _characters(person, claims)
                credit_rows.append((*place, person.imdb_id, person.name, characters))
    people = {row[3] for row in credit_rows if row[3] is not None}
    return _rows(title_rows, list(people), credit_rows)


def _characters(person: CreditFacts, claims: Claims) -> tuple[str, ...]:
    return person.characters[:1] if claims.first_character_only else person.characters


def rows_of_csv(folder: Path) -> Rows:
    """What CSV files hold. Raises `OSError`, `KeyError` or `ValueError` when they are not ours."""
    return _rows(
        [_title_row(row, _list_in_cell) for row in _csv_rows(folder / "titles.csv")],
        [row["imdb_id"] for row in _csv_rows(folder / "people.csv")],
        [_credit_row(row, _list_in_cell) for row in _csv_rows(folder / "credits.csv")],
    )


def rows_of_postgres(database_url: str) -> Rows:
    """What a database holds. Raises `psycopg2.Error`."""
    with closing(psycopg2.connect(database_url)) as connection:
        return _rows(
            [_title_row(row, tuple) for row in _table_rows(connection, "titles")],
            [row["imdb_id"] for row in _table_rows(connection, "people")],
            [_credit_row(row, tuple) for row in _table_rows(connection, "credits")],
        )


def _rows(titles: list[Row], people: list[str], credits_: list[Row]) -> Rows:
    counts = (len(titles), len(people), len(credits_))
    return Rows(frozenset(titles), frozenset(people), frozenset(credits_), counts)


def _title_row(row: Mapping[str, Any], as_list: Any) -> Row:
    texts = (row["imdb_id"], row["title"], row["original_title"])
    numbers = tuple(_number(row[name]) for name in _NUMBERS)
    return (*texts, *numbers, row["certificate"] or None, as_list(row["genres"] or ()))


def _credit_row(row: Mapping[str, Any], as_list: Any) -> Row:
    place = (row["title_id"], row["category"], int(row["position"]))
    return (*place, row["person_id"] or None, row["name"], as_list(row["characters"] or ()))


def _number(value: Any) -> float | None:
    return None if value in {None, ""} else float(value)


def _list_in_cell(cell: Any) -> Row:
    return tuple(json.loads(cell)) if cell else ()


def _csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _table_rows(connection: Any, table: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - one of three names from above
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]
