"""Reads what is known of titles and people that could be fetched again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

from application.refresh_plan import RefreshCandidate
from domain.identifiers import NameId, TitleId
from infrastructure.repositories.postgres.connections import ConnectionPool
from infrastructure.repositories.postgres.errors import translated
from infrastructure.repositories.postgres.opening import open_pool

_ROWS_AT_ONCE = 10_000

# The first observation is no change. A title without rating and votes has none; it is known since
# its row was made, or its page had, if that was kept from earlier.
_CANDIDATES = """
    SELECT t.imdb_id, t.fetched_at, least(t.created_at, t.fetched_at, seen.first_at),
        greatest(coalesce(seen.observations, 0) - 1, 0), failed.last_at
    FROM titles t
    LEFT JOIN (
        SELECT title_id, min(observed_at) AS first_at, count(*) AS observations
        FROM rating_history GROUP BY title_id
    ) AS seen ON seen.title_id = t.imdb_id
    LEFT JOIN (
        SELECT imdb_id, max(reported_at) AS last_at FROM failures
        WHERE repository IS NULL GROUP BY imdb_id
    ) AS failed ON failed.imdb_id = t.imdb_id
    WHERE NOT EXISTS (SELECT FROM merged_ids WHERE old_id = t.imdb_id)
    ORDER BY t.imdb_id
"""

# Somebody whom no page could be had of was asked for, too. Among the unknown, those first who have
# most credits: most titles gain by them.
_PEOPLE = """
    SELECT imdb_id
    FROM (SELECT imdb_id FROM people UNION SELECT imdb_id FROM person_profiles) AS known
    LEFT JOIN person_profiles AS held USING (imdb_id)
    LEFT JOIN person_credits AS counted ON counted.person_id = imdb_id
    LEFT JOIN (
        SELECT imdb_id, max(reported_at) AS last_at FROM failures
        WHERE repository IS NULL GROUP BY imdb_id
    ) AS failed USING (imdb_id)
    WHERE NOT EXISTS (SELECT FROM merged_ids WHERE old_id = imdb_id)
    ORDER BY greatest(held.fetched_at, failed.last_at) NULLS FIRST,
        counted.credits DESC NULLS LAST, imdb_id
    LIMIT %s
"""


@contextmanager
def open_postgres_candidates(url: str) -> Iterator["PostgresRefreshCandidates"]:
    """Open the database at ``url``, bring its schema up to date, and close it at the end.

    Raises `RepositoryUnavailable`, with what to check in the URL.
    """
    with open_pool(url, size=1, wait_seconds=5) as pool:
        yield PostgresRefreshCandidates(pool)


class PostgresRefreshCandidates:
    """Fulfils `RefreshCandidates`. Used by one thread."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def candidates(self) -> Iterator[RefreshCandidate]:
        """Give every title but those whose id was merged into another one."""
        with translated(), self._pool.stream(_ROWS_AT_ONCE) as rows:
            rows.execute(_CANDIDATES)
            for imdb_id, fetched_at, first_seen_at, changes, failed_at in rows:
                yield RefreshCandidate(
                    imdb_id=TitleId(imdb_id),
                    first_seen_at=first_seen_at.astimezone(UTC),
                    fetched_at=fetched_at.astimezone(UTC),
                    changes=changes,
                    failed_at=None if failed_at is None else failed_at.astimezone(UTC),
                )

    def people(self, budget: int) -> list[NameId]:
        """Give at most so many people: the unknown first, then those asked for longest ago."""
        with translated(), self._pool.transaction() as statements:
            statements.execute(_PEOPLE, (budget,))
            return [NameId(imdb_id) for (imdb_id,) in statements.fetchall()]
