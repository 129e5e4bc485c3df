"""How the details of a batch of titles get into their tables.

Whoever saves a title has its row in ``titles`` locked, or has just made it. So nobody else writes
details of the title meanwhile, and nobody waits for anybody here.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from psycopg2.extensions import cursor

from domain.details import DetailName
from domain.identifiers import TitleId
from domain.title import Title
from infrastructure.repositories.postgres.detail_rows import (
    LEDGER_COLUMNS,
    Values,
    columns_of,
    digest_of,
    item_lines,
    ledger_row,
    values_of,
)
from infrastructure.repositories.postgres.rows import Row, array_literal
from infrastructure.repositories.postgres.sending import copy_into, copy_lines, execute_many

_KEY = ("title_id", "detail")

_HELD = """
    SELECT title_id, detail, fetched_at, digest FROM title_details
    WHERE title_id = ANY (%s::text[])
"""

_NOTE = f"""
    INSERT INTO title_details ({", ".join(LEDGER_COLUMNS)}) VALUES %s
    ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in LEDGER_COLUMNS if name not in _KEY)}
"""  # noqa: S608 - built from constants


class _News(NamedTuple):
    """The items of a detail that are to be written, and whether others are there."""

    title_id: TitleId
    values: Values
    is_change: bool


def save_details(statements: cursor, titles: Iterable[Title], run_id: str) -> set[TitleId]:
    """Save the details of titles whose rows are ours; give the titles of which one has changed.

    A detail of which a newer version is held is left out, of one that says the same as before only
    the source is noted.
    """
    detailed = sorted((t for t in titles if t.details), key=lambda title: title.imdb_id)
    if not detailed:
        return set()
    held = _held(statements, detailed)
    rows: list[Row] = []
    news: dict[DetailName, list[_News]] = defaultdict(list)
    for imdb_id, detail in ((t.imdb_id, detail) for t in detailed for detail in t.details):
        fetched_at, before = held.get((imdb_id, detail.name), (None, None))
        if fetched_at is not None and fetched_at > detail.provenance.fetched_at:
            continue
        values = values_of(detail)
        digest = digest_of(detail, values)
        rows.append(ledger_row(imdb_id, detail, digest, run_id))
        if digest != before:
            news[detail.name].append(_News(imdb_id, values, before is not None))
    execute_many(statements, _NOTE, rows)
    for name in sorted(news):
        _write_items(statements, name, news[name])
    return {item.title_id for found in news.values() for item in found}


def _held(
    statements: cursor, titles: Iterable[Title]
) -> dict[tuple[TitleId, str], tuple[datetime, bytes]]:
    statements.execute(_HELD, (array_literal(title.imdb_id for title in titles),))
    return {
        (TitleId(imdb_id), detail): (fetched_at, bytes(digest))
        for imdb_id, detail, fetched_at, digest in statements.fetchall()
    }


def _write_items(statements: cursor, name: DetailName, news: list[_News]) -> None:
    changed = [item.title_id for item in news if item.is_change]
    if changed:
        query = f"DELETE FROM {name} WHERE title_id = ANY (%s::text[])"  # noqa: S608 - a constant
        statements.execute(query, (array_literal(changed),))
    with_items = [item for item in news if item.values]
    copy_lines(
        statements,
        copy_into(name, columns_of(name)),
        with_items,
        lambda item: item_lines(item.title_id, item.values),
    )
