"""Reading exported files back into titles, as another program would: with its own readers."""

import csv
import io
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.details import Detail, DetailName, Item, Kind, fields_of, item_of
from domain.identifiers import NameId, TitleId
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from domain.title import Credit, CreditCategory, Title, TitleKind

CATEGORIES = {
    "directors": CreditCategory.DIRECTOR,
    "writers": CreditCategory.WRITER,
    "creators": CreditCategory.CREATOR,
    "cast": CreditCategory.CAST,
}
IDS = {"directors": "director_ids", "writers": "writer_ids", "creators": "creator_ids"}
NUMBERS = ("year", "end_year", "runtime_minutes", "votes", "metascore")


def numbered_anew(title: Title) -> Title:
    """The title with its credits in order, from position 1 on: lists have no other numbers."""
    found = tuple(
        replace(credit, position=place)
        for category in CreditCategory
        for place, credit in enumerate(title.credits_of(category), 1)
    )
    return replace(title, credits=found)


def without_details(title: Title) -> Title:
    return replace(title, details=())


def title_of(facts: dict[str, Any], credits_: Iterable[Credit], details: Iterable[Detail]) -> Title:
    """A title of facts as text, numbers and lists."""
    date = facts["release_date"]
    return Title(
        imdb_id=TitleId(facts["imdb_id"]),
        kind=TitleKind(facts["kind"]),
        title=facts["title"],
        original_title=facts["original_title"] or None,
        **{name: None if facts[name] in {None, ""} else int(facts[name]) for name in NUMBERS},
        rating=None if facts["rating"] in {None, ""} else float(facts["rating"]),
        certificate=facts["certificate"] or None,
        genres=tuple(facts["genres"]),
        release_date=ReleaseDate.fromisoformat(date) if date else None,
        plot=facts["plot"] or None,
        credits=tuple(credits_),
        details=tuple(details),
        provenance=provenance_of(facts),
    )


def provenance_of(facts: dict[str, Any]) -> Provenance:
    moment = facts["fetched_at"]
    return Provenance(
        source=facts["source"],
        found_by=facts["found_by"],
        fetched_at=moment if isinstance(moment, datetime) else datetime.fromisoformat(moment),
    )


def item_from(name: DetailName, values: dict[str, Any]) -> Item:
    """An item of values as JSON has them."""
    kind = item_of(name)
    made = {}
    for field in fields_of(kind):
        value = values[field.name]
        if field.kind is Kind.TEXTS:
            made[field.name] = tuple(value)
        else:
            made[field.name] = None if value in {None, ""} else field.made_of(value)
    return kind(**made)


def credits_from(facts: dict[str, Any]) -> Iterator[Credit]:
    for name, category in CATEGORIES.items():
        for place, one in enumerate(facts[name], 1):
            yield Credit(
                category=category,
                position=place,
                name=one["name"],
                person_id=one["imdb_id"] and NameId(one["imdb_id"]),
                characters=tuple(one["characters"]),
            )


def from_json_lines(data: bytes) -> list[Title]:
    return [_from_json(json.loads(line)) for line in data.splitlines()]


def _from_json(facts: dict[str, Any]) -> Title:
    details = [
        Detail(
            name=DetailName(name),
            items=tuple(item_from(DetailName(name), item) for item in detail["items"]),
            is_whole=detail["is_whole"],
            provenance=provenance_of(detail),
        )
        for name, detail in facts["details"].items()
    ] if facts["details"] else []  # fmt: skip
    return title_of(facts, credits_from(facts), details)


def split_list(cell: str | None) -> list[str]:
    """A cell of several texts, as docs/export.md says that it is written."""
    if not cell:
        return []
    parts = re.findall(r"((?:\\.|[^\\|])*)(?:\||$)", cell, re.DOTALL)
    # The pattern finds nothing once more at the end.
    return [re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in parts[: _count(cell)]]


def _count(cell: str) -> int:
    return len(re.findall(r"(?<!\\)(?:\\\\)*\|", cell)) + 1


def from_csv(data: bytes) -> list[Title]:
    """Titles without the characters of the cast, which are joined."""
    rows = csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True)
    return [_from_flat(dict(row)) for row in rows]


def _from_flat(facts: dict[str, Any]) -> Title:
    found = []
    for name, category in CATEGORIES.items():
        names = split_list(facts[name])
        ids = split_list(facts[IDS.get(name, "cast_ids")]) or [""]
        for place, (text, person) in enumerate(zip(names, ids if names else [], strict=True), 1):
            found.append(
                Credit(
                    category=category,
                    position=place,
                    name=text,
                    person_id=NameId(person) if person else None,
                )
            )
    return title_of(facts | {"genres": split_list(facts["genres"])}, found, ())


def from_sqlite(path: Path) -> list[Title]:
    """Titles with everything."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return [_from_tables(database, dict(row)) for row in _rows(database, "titles", None)]


def _rows(database: sqlite3.Connection, table: str, title_id: str | None) -> list[sqlite3.Row]:
    where = "" if title_id is None else " WHERE title_id = ?"
    order = "" if table in {"titles", "credits", "title_details"} else " ORDER BY position"
    given = () if title_id is None else (title_id,)
    return database.execute(f"SELECT * FROM {table}{where}{order}", given).fetchall()


def _from_tables(database: sqlite3.Connection, facts: dict[str, Any]) -> Title:
    imdb_id = facts["imdb_id"]
    found = [
        Credit(
            category=CreditCategory(row["category"]),
            position=row["position"],
            name=row["name"],
            person_id=row["person_id"] and NameId(row["person_id"]),
            characters=tuple(json.loads(row["characters"])),
        )
        for row in _rows(database, "credits", imdb_id)
    ]
    details = []
    for row in _rows(database, "title_details", imdb_id):
        name = DetailName(row["detail"])
        items = [_from_row(name, dict(item)) for item in _rows(database, name, imdb_id)]
        assert len(items) == row["items"]
        details.append(
            Detail(
                name=name,
                items=tuple(items),
                is_whole=bool(row["is_whole"]),
                provenance=provenance_of(dict(row)),
            )
        )
    details.sort(key=lambda detail: list(DetailName).index(detail.name))
    genres = [row["genre"] for row in _rows(database, "title_genres", imdb_id)]
    return title_of(facts | {"genres": genres}, found, details)


def _from_row(name: DetailName, row: dict[str, Any]) -> Item:
    for field in fields_of(item_of(name)):
        if field.kind is Kind.TEXTS:
            row[field.name] = json.loads(row[field.name])
    return item_from(name, row)


def from_parquet(path: Path) -> list[Title]:
    """Titles whose details are whole and have the title's own provenance."""
    import pyarrow.parquet

    return [_from_typed(row) for row in pyarrow.parquet.read_table(path).to_pylist()]


def _from_typed(facts: dict[str, Any]) -> Title:
    provenance = provenance_of(facts)
    details = [
        Detail(
            name=name,
            items=tuple(item_from(name, item) for item in facts[name]),
            provenance=provenance,
        )
        for name in DetailName
        if facts[name] is not None
    ]
    return title_of(facts, credits_from(facts), details)
