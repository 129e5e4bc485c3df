"""Ids that have been merged into others, in PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC

from psycopg2.extensions import cursor
from psycopg2.extras import execute_values

from domain.identifiers import ImdbId, imdb_id
from domain.merged_id import MergedId, with_merged
from infrastructure.repositories.postgres.rows import array_literal

_SELECT = "SELECT old_id, new_id, seen_at FROM merged_ids"

# What is said of one id may change what others lead to, so writers take turns: they are rare.
_LOCK = "LOCK TABLE merged_ids IN SHARE ROW EXCLUSIVE MODE"

_TOUCHED = f"{_SELECT} WHERE old_id = ANY (%(ids)s::text[]) OR new_id = ANY (%(ids)s::text[])"

_DELETE = "DELETE FROM merged_ids WHERE old_id = ANY (%s::text[])"

_INSERT = "INSERT INTO merged_ids (old_id, new_id, seen_at) VALUES %s"


def select_merged(statements: cursor) -> list[MergedId]:
    """Give all that are known, by their old ids."""
    statements.execute(f"{_SELECT} ORDER BY old_id")
    return _read(statements)


def add_merged(statements: cursor, merged: Sequence[MergedId]) -> None:
    """Keep these too, unless something later is known of them."""
    statements.execute(_LOCK)
    ids = {named for one in merged for named in (one.old, one.new)}
    statements.execute(_TOUCHED, {"ids": array_literal(ids)})
    known = {one.old: one for one in _read(statements)}
    found = with_merged(known, merged)
    changed = [one for one in found.values() if known.get(one.old) != one]
    gone: list[ImdbId] = [one.old for one in changed] + [old for old in known if old not in found]
    if gone:
        statements.execute(_DELETE, (array_literal(gone),))
    if changed:
        execute_values(statements, _INSERT, [(one.old, one.new, one.seen_at) for one in changed])


def _read(statements: cursor) -> list[MergedId]:
    return [
        MergedId(imdb_id(old), imdb_id(new), seen_at.astimezone(UTC))
        for old, new, seen_at in statements.fetchall()
    ]
