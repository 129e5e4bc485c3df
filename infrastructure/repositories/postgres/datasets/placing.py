"""Puts loaded tables in the place of the rows of earlier files, inside the caller's transaction."""

from collections.abc import Collection
from dataclasses import dataclass

from psycopg2.extensions import cursor

from domain.datasets import DatasetFilter, DatasetName
from infrastructure.repositories.postgres.datasets import keys
from infrastructure.repositories.postgres.datasets.table_layout import (
    LAYOUTS,
    LOADING,
    ROWS,
    SCHEMA,
    Layout,
)

# ruff: noqa: S608 - all names are constants of the layout

_KEPT = f"{LOADING}.kept"


@dataclass(frozen=True, slots=True)
class Changes:
    """How many rows an import has inserted, updated and removed."""

    inserted: int = 0
    updated: int = 0
    removed: int = 0


def holds_rows(statements: cursor, layout: Layout) -> bool:
    """Whether the table's file has ever been imported."""
    # Not to_regclass, see `apply._version`.
    statements.execute(
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = %s AND tablename = %s",
        (ROWS, layout.table),
    )
    return statements.fetchone() == (1,)


def create_table(statements: cursor, layout: Layout, *, stays: bool, name: str = "") -> None:
    """Make an empty table to be loaded, without its key.

    One that ``stays`` will hold the rows, and survives a crash of the server; one that does not is
    only compared with what is there.
    """
    statements.execute(
        f"CREATE {'' if stays else 'UNLOGGED '}TABLE {LOADING}.{name or layout.table}"
        f" (LIKE {SCHEMA}.{layout.table} INCLUDING CONSTRAINTS)"
    )


def index_column(statements: cursor, layout: Layout, column: str) -> None:
    """Index one more column of a loaded table."""
    statements.execute(f"CREATE INDEX ON {LOADING}.{layout.table} ({column})")


def analyze(statements: cursor, layout: Layout) -> None:
    """Let the server know the values of a loaded table."""
    statements.execute(f"ANALYZE {LOADING}.{layout.table}")


def choose_titles(
    statements: cursor, choice: DatasetFilter, loaded: Collection[DatasetName]
) -> None:
    """Note the ids of the titles that are to be kept, from what is loaded, or else imported."""
    basics, ratings = (
        f"{LOADING if name in loaded else SCHEMA}.{LAYOUTS[name].table}"
        for name in (DatasetName.TITLE_BASICS, DatasetName.TITLE_RATINGS)
    )
    voted = f"JOIN {ratings} USING (tconst)" if choice.min_votes is not None else ""
    rules = ["num_votes >= %(votes)s"] if choice.min_votes is not None else []
    rules += ["title_type = ANY (%(kinds)s)"] if choice.kinds else []
    statements.execute(
        f"CREATE UNLOGGED TABLE {_KEPT} AS SELECT tconst FROM {basics} {voted}"
        f" WHERE {' AND '.join(rules)}",
        {"votes": choice.min_votes, "kinds": list(choice.kinds)},
    )
    statements.execute(f"ALTER TABLE {_KEPT} ADD PRIMARY KEY (tconst)")
    statements.execute(f"ANALYZE {_KEPT}")


def keep_chosen(statements: cursor, layout: Layout, *, stays: bool) -> int:
    """Replace a loaded table by its rows about chosen titles; gives how many these are."""
    whole = f"{LOADING}.{layout.table}"
    chosen = f"{layout.table}_chosen"
    create_table(statements, layout, stays=stays, name=chosen)
    title = layout.key[0]
    statements.execute(
        f"INSERT INTO {LOADING}.{chosen} SELECT w.* FROM {whole} w"
        f" JOIN {_KEPT} k ON k.tconst = {layout.as_text(title, 'w')}"
        f" ORDER BY {', '.join(layout.key)}"
    )
    kept = statements.rowcount
    statements.execute(f"DROP TABLE {whole}")
    statements.execute(f"ALTER TABLE {LOADING}.{chosen} RENAME TO {layout.table}")
    keys.index_key(statements, layout)
    for column in layout.indexes if stays else ():
        index_column(statements, layout, column)
    analyze(statements, layout)
    return kept


def place(statements: cursor, layout: Layout, loaded: int) -> Changes:
    """Let the table have what is loaded, and nothing else; rows that are the same stay untouched.

    ``loaded`` is how many rows there are.
    """
    if holds_rows(statements, layout):
        return _merge(statements, layout)
    keys.make_primary(statements, layout)
    statements.execute(f"ALTER TABLE {LOADING}.{layout.table} SET SCHEMA {ROWS}")
    statements.execute(
        f"ALTER TABLE {SCHEMA}.{layout.table} ATTACH PARTITION {ROWS}.{layout.table}"
        " FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"
    )
    return Changes(inserted=loaded)


def _merge(statements: cursor, layout: Layout) -> Changes:
    # Not ON CONFLICT DO UPDATE, which locks every row that it meets, and so writes to all pages.
    held, new = f"{ROWS}.{layout.table}", f"{LOADING}.{layout.table}"
    same_key = " AND ".join(f"held.{column} = new.{column}" for column in layout.key)
    facts = layout.facts
    is_other = (
        f"({', '.join(f'held.{column}' for column in facts)}) IS DISTINCT FROM"
        f" ({', '.join(f'new.{column}' for column in facts)})"
    )
    statements.execute(
        f"DELETE FROM {held} held WHERE NOT EXISTS (SELECT FROM {new} new WHERE {same_key})"
    )
    removed = statements.rowcount
    statements.execute(
        f"UPDATE {held} held SET {', '.join(f'{column} = new.{column}' for column in facts)}"
        f" FROM {new} new WHERE {same_key} AND {is_other}"
    )
    updated = statements.rowcount
    statements.execute(
        f"INSERT INTO {held} SELECT * FROM {new} new"
        f" WHERE NOT EXISTS (SELECT FROM {held} held WHERE {same_key})"
    )
    inserted = statements.rowcount
    return Changes(inserted=inserted, updated=updated, removed=removed)


def count_unknown(
    statements: cursor, layout: Layout, columns: tuple[str, ...], known: DatasetName
) -> int | None:
    """Count the ids in columns that another file does not have.

    ``None`` when there are no such columns, or that file was never imported.
    """
    other = LAYOUTS[known]
    if not columns or not holds_rows(statements, other):
        return None
    unknown = 0
    for column in columns:
        statements.execute(
            f"SELECT count(*) FROM {ROWS}.{layout.table} mine WHERE {column} IS NOT NULL AND NOT"
            f" EXISTS (SELECT FROM {ROWS}.{other.table}"
            f" WHERE {other.key[0]} = {layout.as_text(column, 'mine')})"
        )
        (found,) = statements.fetchone() or (0,)
        unknown += found
    return unknown
