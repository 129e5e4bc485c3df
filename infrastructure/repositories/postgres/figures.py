"""Reckons figures of all titles in the database, by its views."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from application.store_figures import MOST_COMPARED, StoreFigures
from application.title_statistics import (
    CriticsAndUsers,
    RatingsOfYear,
    TitlesOfDecade,
    TitlesOfGenre,
)
from domain.identifiers import TitleId
from domain.run import StoreCounts
from domain.title import TitleKind
from infrastructure.repositories.postgres.connections import ConnectionPool
from infrastructure.repositories.postgres.errors import translated
from infrastructure.repositories.postgres.opening import open_pool
from infrastructure.repositories.postgres.store_version import STORE_VERSION

_LONGEST = "SET LOCAL statement_timeout = '120s'"
"""Each figure is one pass over the titles, whatever they are: seconds for a million."""

_COUNTS = """
    SELECT (SELECT count(*) FROM titles), (SELECT count(*) FROM people),
        (SELECT count(*) FROM credits)
"""

_RATINGS = """
    SELECT year, titles, lowest, lower_quartile, median, upper_quartile, highest, mean
    FROM ratings_by_year ORDER BY year
"""

_DECADES = """
    SELECT decade, kind, titles, mean_rating, votes FROM titles_by_decade
    ORDER BY decade, kind COLLATE "C"
"""

_GENRES = """
    SELECT genre, titles, mean_rating FROM titles_by_genre ORDER BY titles DESC, genre COLLATE "C"
"""

_CRITICS = """
    SELECT imdb_id, title, year, rating, metascore, metascore - 10 * rating AS critics_above_users
    FROM (
        SELECT imdb_id, title, year, rating, metascore FROM titles
        WHERE votes IS NOT NULL AND rating IS NOT NULL AND metascore IS NOT NULL
        ORDER BY votes DESC, imdb_id LIMIT %s
    ) AS best_known
    ORDER BY critics_above_users DESC, imdb_id
"""


@contextmanager
def open_postgres_figures(url: str) -> Iterator["PostgresFigures"]:
    """Open the database at ``url``, bring its schema up to date, and close it at the end.

    Raises `RepositoryUnavailable`, with what to check in the URL.
    """
    with open_pool(url, size=1, wait_seconds=5) as pool:
        yield PostgresFigures(pool)


class PostgresFigures:
    """Fulfils `FiguresReader` with one connection: who asks meanwhile has to wait for it."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def figures(self) -> StoreFigures:
        """Reckon all figures, one query after the other."""
        with translated(), self._pool.transaction() as cursor:
            cursor.execute(_LONGEST)
            return StoreFigures(
                counts=StoreCounts(**dict(zip(_PLACES, *_rows(cursor, _COUNTS), strict=True))),
                ratings_by_year=[
                    RatingsOfYear(year, titles, *map(float, figures))
                    for year, titles, *figures in _rows(cursor, _RATINGS)
                ],
                titles_by_decade=[
                    TitlesOfDecade(decade, TitleKind(kind), titles, _number(mean), votes)
                    for decade, kind, titles, mean, votes in _rows(cursor, _DECADES)
                ],
                titles_by_genre=[
                    TitlesOfGenre(genre, titles, _number(mean))
                    for genre, titles, mean in _rows(cursor, _GENRES)
                ],
                critics_and_users=[
                    CriticsAndUsers(TitleId(id_), name, year, float(rating), score, float(above))
                    for id_, name, year, rating, score, above in _rows(
                        cursor, _CRITICS, MOST_COMPARED
                    )
                ],
            )

    def version(self) -> str:
        """Ask for it."""
        with translated(), self._pool.transaction() as cursor:
            ((version,),) = _rows(cursor, STORE_VERSION)
            return str(version)


_PLACES = ("titles", "people", "credits")


def _rows(cursor: Any, query: str, *values: object) -> list[tuple[Any, ...]]:
    cursor.execute(query, values or None)
    return list(cursor.fetchall())


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
