"""Reads titles with their credits from the tables of the dataset files."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

from infrastructure.repositories.postgres.connections import ConnectionPool, Server
from infrastructure.repositories.postgres.datasets.schema import has_numbers, has_schema
from infrastructure.repositories.postgres.datasets.table_layout import SCHEMA
from infrastructure.repositories.postgres.errors import translated
from infrastructure.repositories.postgres.rows import array_literal

# ruff: noqa: S608 - all names are constants of the layout

_CONNECTIONS = 4

_FILE_TIME = f"SELECT file_time FROM {SCHEMA}.files WHERE name = 'title.basics'"

_TITLES = f"""
    SELECT tconst, title_type, primary_title, original_title, start_year, end_year,
        runtime_minutes, coalesce(genres, '{{}}'), average_rating, num_votes
    FROM {SCHEMA}.titles WHERE tconst = ANY (%s::text[])
"""

_CREDITS = f"""
    SELECT tconst, category, nconst, primary_name, characters
    FROM {SCHEMA}.credits WHERE {{chosen}} ORDER BY tconst, ordering
"""
_BY_NUMBER = f"""
    title_number = ANY (ARRAY(SELECT {SCHEMA}.title_number(id) FROM unnest(%s::text[]) AS id))
"""
_BY_ID = "tconst = ANY (%s::text[])"
"""In tables that were imported before ids were held as numbers."""


class DatasetTitles:
    """Rows of titles by their ids. Any number of threads may call it; a few ask at a time.

    Raises `RepositoryUnavailable` when nothing can be read now.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def file_time(self) -> datetime | None:
        """When the file of titles was made; ``None`` when it was never imported."""
        with translated(), self._pool.transaction() as statements:
            if not has_schema(statements):
                return None
            statements.execute(_FILE_TIME)
            row = statements.fetchone()
            made: datetime | None = row[0] if row else None
            return made

    def titles(self, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        """Id, kind, titles, years, minutes, genres, rating and votes of those that there are."""
        with translated(), self._pool.transaction() as statements:
            statements.execute(_TITLES, (array_literal(ids),))
            return list(statements.fetchall())

    def credits(self, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        """Title, category, person, name and characters (as JSON) of credits, in billing order."""
        with translated(), self._pool.transaction() as statements:
            chosen = _BY_NUMBER if has_numbers(statements) else _BY_ID
            statements.execute(_CREDITS.format(chosen=chosen), (array_literal(ids),))
            return list(statements.fetchall())


@contextmanager
def open_dataset_titles(url: str, *, connect_timeout_seconds: int = 5) -> Iterator[DatasetTitles]:
    """Open the database at ``url``; raises `RepositoryUnavailable` when the URL cannot be read."""
    server = Server(url, connect_timeout_seconds=connect_timeout_seconds)
    with closing(ConnectionPool(server, size=_CONNECTIONS, wait_seconds=60)) as pool:
        yield DatasetTitles(pool)
