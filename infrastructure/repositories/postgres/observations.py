"""Reads ratings, ranks and charts of earlier times from the database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from domain.chart import Chart, ChartEntry, ChartName
from domain.history import (
    RankObservation,
    RatingObservation,
    Snapshot,
    SnapshotTime,
    TitleHistory,
)
from domain.identifiers import TitleId
from infrastructure.repositories.postgres.connections import ConnectionPool
from infrastructure.repositories.postgres.errors import translated
from infrastructure.repositories.postgres.opening import open_pool
from infrastructure.repositories.postgres.rows import array_literal

_TITLE = "SELECT title, year FROM titles WHERE imdb_id = %s"

_RATINGS = """
    SELECT observed_at, rating, votes FROM rating_history WHERE title_id = %s ORDER BY observed_at
"""

_RANKS = """
    SELECT chart, run_id, captured_at, rank FROM chart_entries WHERE title_id = %s
    ORDER BY captured_at, run_id, chart
"""

# Every chart that is kept has a first rank.
_SNAPSHOTS = """
    SELECT run_id, captured_at FROM chart_entries WHERE chart = %s AND rank = 1
    ORDER BY captured_at DESC, run_id DESC
"""

_SNAPSHOT = """
    SELECT rank, title_id, captured_at FROM chart_entries WHERE chart = %s AND run_id = %s
    ORDER BY rank
"""

_SNAPSHOTS_OF = """
    SELECT run_id, rank, title_id, captured_at FROM chart_entries
    WHERE chart = %s AND run_id = ANY (%s::text[]) ORDER BY captured_at, run_id, rank
"""

_NAMES = "SELECT imdb_id, title FROM titles WHERE imdb_id = ANY (%s::text[])"


@contextmanager
def open_postgres_history(
    url: str, *, pool_size: int = 1, wait_seconds: float = 30
) -> Iterator["PostgresHistory"]:
    """Open the database at ``url``, bring its schema up to date, and close it at the end.

    At most ``pool_size`` connections, each lent to a thread at a time; who finds all of them in use
    waits at most ``wait_seconds``. Raises `RepositoryUnavailable`, with what to check in the URL.
    """
    with open_pool(url, size=pool_size, wait_seconds=wait_seconds) as pool:
        yield PostgresHistory(pool)


class PostgresHistory:
    """Fulfils `HistoryReader`; besides, any number of threads may ask it at the same time.

    Each question is a transaction of its own.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    def of_title(self, imdb_id: TitleId) -> TitleHistory:
        """Give ratings and ranks of a title, the oldest first."""
        title, year = next(iter(self._rows(_TITLE, imdb_id)), (None, None))
        return TitleHistory(
            imdb_id=imdb_id,
            title=title,
            year=year,
            ratings=tuple(
                RatingObservation(
                    observed_at=_utc(observed_at),
                    rating=None if rating is None else float(rating),
                    votes=votes,
                )
                for observed_at, rating, votes in self._rows(_RATINGS, imdb_id)
            ),
            ranks=tuple(
                RankObservation(
                    chart=ChartName(chart), run_id=run_id, captured_at=_utc(captured_at), rank=rank
                )
                for chart, run_id, captured_at, rank in self._rows(_RANKS, imdb_id)
            ),
        )

    def snapshots(self, chart: ChartName) -> Sequence[SnapshotTime]:
        """Tell which runs have kept a chart, the newest first."""
        return [
            SnapshotTime(run_id=run_id, captured_at=_utc(captured_at))
            for run_id, captured_at in self._rows(_SNAPSHOTS, chart.value)
        ]

    def snapshot(self, chart: ChartName, run_id: str) -> Snapshot | None:
        """Give a chart as a run found it, or ``None``."""
        rows = self._rows(_SNAPSHOT, chart.value, run_id)
        if not rows:
            return None
        entries = tuple(ChartEntry(rank, TitleId(title_id)) for rank, title_id, _ in rows)
        return Snapshot(run_id=run_id, chart=Chart(chart, entries, _utc(rows[0][2])))

    def snapshots_of(self, chart: ChartName, run_ids: Collection[str]) -> Sequence[Snapshot]:
        """Give a chart as each of these runs found it, the oldest first."""
        found: dict[str, list[tuple[int, str, datetime]]] = {}
        for run_id, *entry in self._rows(_SNAPSHOTS_OF, chart.value, [*run_ids]):
            found.setdefault(run_id, []).append((entry[0], entry[1], entry[2]))
        return [
            Snapshot(
                run_id=run_id,
                chart=Chart(
                    chart,
                    tuple(ChartEntry(rank, TitleId(title_id)) for rank, title_id, _ in rows),
                    _utc(rows[0][2]),
                ),
            )
            for run_id, rows in found.items()
        ]

    def names(self, ids: Collection[TitleId]) -> Mapping[TitleId, str]:
        """Give the titles of those that are held."""
        return {TitleId(i): title for i, title in self._rows(_NAMES, array_literal(ids))}

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with translated(), self._pool.transaction() as statements:
            statements.execute(query, values)
            return list(statements.fetchall())


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
