"""Keeps titles, people, credits, charts and runs in PostgreSQL."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg2
from psycopg2 import errors as pg
from psycopg2.extensions import cursor
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from application.ports import BatchResult, TitleVersion
from domain.chart import Chart
from domain.details import DetailName
from domain.errors import InvalidTitle, RepositoryUnavailable
from domain.identifiers import ImdbId, NameId, TitleId
from domain.merged_id import MergedId
from domain.person_profile import PersonProfile
from domain.run import Failure, ProfileCounts, Run, RunRecord, RunReport, StoreCounts
from domain.title import Title
from infrastructure.repositories.postgres.connections import ConnectionPool
from infrastructure.repositories.postgres.detail_rows import details_from, details_json
from infrastructure.repositories.postgres.errors import NAME, is_lost_connection, translated
from infrastructure.repositories.postgres.history import (
    asked_in,
    chart_of,
    failures_of,
    latest_records,
    note_end,
    note_run,
    record_of,
)
from infrastructure.repositories.postgres.merged import add_merged, select_merged
from infrastructure.repositories.postgres.opening import open_pool
from infrastructure.repositories.postgres.presence import Presence
from infrastructure.repositories.postgres.profiles import (
    COUNT_PROFILES,
    SELECT_NAMED_PROFILES,
    SELECT_PROFILES,
    profile_from,
    save_profiles,
)
from infrastructure.repositories.postgres.rows import (
    array_literal,
    select_titles,
    title_from,
)
from infrastructure.repositories.postgres.saving import rounds_of, save_round, total

if TYPE_CHECKING:
    from application.conditions import Condition
    from application.title_order import SortKey

_Result = TypeVar("_Result")

_ATTEMPTS = 5
_LONGEST_PAUSE_SECONDS = 0.5
_TITLES_PER_FETCH = 500
_DETAILED_TITLES_PER_FETCH = 20


@contextmanager
def open_postgres_repository(
    url: str,
    *,
    pool_size: int = 4,
    wait_seconds: float = 10,
    connect_timeout_seconds: int = 5,
    revive: Callable[[], None] | None = None,
    guard: Callable[[cursor], None] | None = None,
) -> Iterator["PostgresRepository"]:
    """Open the database at ``url``, bring its schema up to date, and close it at the end.

    At most ``pool_size`` connections, and one more while a run is at work; a thread that finds all
    of them in use waits at most ``wait_seconds``. ``revive`` is called when the server cannot be
    reached, and starts it anew if it is ours. ``guard`` is called in every transaction that
    begins a run or saves titles or profiles, before anything is saved, and may raise. Raises
    `RepositoryUnavailable`, with what to check in the URL.
    """
    with open_pool(
        url,
        size=pool_size,
        wait_seconds=wait_seconds,
        connect_timeout_seconds=connect_timeout_seconds,
        revive=revive,
    ) as pool:
        presence = Presence(pool.server)
        try:
            yield PostgresRepository(pool, presence, guard)
        finally:
            presence.end()


class PostgresRepository:
    """Fulfils `TitleRepository`; besides, any number of threads may call it at the same time.

    (Not `begin_run` and `finish_run`, which are for the one thread whose run it is.)

    Each call is one transaction on a connection of its own. A connection that broke (a restarted
    server) is replaced, and a transaction that PostgreSQL gave up in favour of another is tried
    again; every method may be repeated without harm. All raise `RepositoryUnavailable`.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        presence: Presence,
        guard: Callable[[cursor], None] | None = None,
    ) -> None:
        self._pool = pool
        self._guard = guard
        self._presence = presence
        self._location = pool.server.location
        self._retrying = Retrying(
            retry=retry_if_exception(_may_succeed_again),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.02, max=_LONGEST_PAUSE_SECONDS),
            reraise=True,
        )
        self._retrying_when_lost = self._retrying.copy(retry=retry_if_exception(_is_lost))

    @property
    def name(self) -> str:
        """``postgres``."""
        return NAME

    @property
    def location(self) -> str:
        """The database's URL without its password."""
        return self._location

    def begin_run(
        self, run: Run, chart: Chart | None, asked: Sequence[ImdbId] | None = None
    ) -> None:
        """Note the run and the ids asked for, and the chart's entries as they stood for it."""
        with translated():
            self._presence.show(run.run_id)
        self._transaction(self._guarded(partial(note_run, run=run, chart=chart, asked=asked)))

    def save(
        self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
    ) -> BatchResult:
        """Store each title wholly or not at all, in one transaction.

        (In more than one when a title is in the batch more than once, or when another writer locks
        rows in another order.) ``when_sent`` is called when the server has the credits of the last
        one, which it then checks for long; after a refusal, for each of the parts that are tried.
        """
        with translated():
            self._presence.keep()
        rounds = rounds_of(batch)
        return total(
            self._save_round(titles, run, when_sent if titles is rounds[-1] else None)
            for titles in rounds
        )

    def _save_round(
        self, titles: Sequence[Title], run: Run, when_sent: Callable[[], None] | None
    ) -> BatchResult:
        """Save titles with different ids; those that PostgreSQL gives up for others, by halves.

        A transaction of one title holds no other title that somebody may wait for, so it gets
        through however others lock titles.
        """

        save = self._guarded(partial(save_round, titles=titles, run=run, when_sent=when_sent))
        if len(titles) == 1:
            return self._transaction(save)
        try:
            return self._transaction(save, self._retrying_when_lost)
        except RepositoryUnavailable as error:
            if not isinstance(error.__cause__, _GIVEN_UP_FOR_ANOTHER):
                raise
        middle = len(titles) // 2
        return total(
            self._save_round(part, run, when_sent) for part in (titles[:middle], titles[middle:])
        )

    def finish_run(self, report: RunReport) -> None:
        """Keep the report of the run, and its failures as rows."""
        self._transaction(partial(note_end, report=report))
        self._presence.end()

    def runs(self, limit: int) -> Sequence[RunRecord]:
        """Give the latest runs, the newest first."""
        return self._transaction(partial(latest_records, limit=limit))

    def run(self, run_id: str) -> RunRecord | None:
        """Give one run, or ``None``."""
        return self._transaction(partial(record_of, run_id=run_id))

    def asked_in(self, run_id: str) -> Sequence[ImdbId] | None:
        """Give the ids that a run was asked for, or ``None``: version 0003 began to note them."""
        return self._transaction(partial(asked_in, run_id=run_id))

    def chart_of(self, run_id: str) -> Chart | None:
        """Give the chart as it stood for a run, or ``None``."""
        return self._transaction(partial(chart_of, run_id=run_id))

    def failures_of(self, run_id: str) -> Sequence[Failure]:
        """Give the titles that a finished run could not fetch."""
        return self._transaction(partial(failures_of, run_id=run_id))

    def held_since(self, ids: Collection[TitleId], run: Run) -> frozenset[TitleId]:
        """Give those held that are newer than the run's beginning, or were saved by it.

        With each of the run's details.
        """
        values: dict[str, object] = {
            "ids": array_literal(ids),
            "began": run.started_at,
            "run_id": run.run_id,
            "details": array_literal([name.value for name in run.details]),
            "count": len(set(run.details)),
        }
        query = _HELD_SINCE.format(and_details=_AND_DETAILS if run.details else "")

        def ask(statements: cursor) -> frozenset[TitleId]:
            statements.execute(query, values)
            return frozenset(TitleId(imdb_id) for (imdb_id,) in statements.fetchall())

        return self._transaction(ask)

    def note_merged(self, merged: Sequence[MergedId]) -> None:
        """Keep these, unless something later is known of them; other writers take turns."""
        self._transaction(partial(add_merged, merged=merged))

    def merged_ids(self) -> Sequence[MergedId]:
        """Give all that are known, by their old ids."""
        return self._transaction(select_merged)

    def versions(self) -> Iterator[TitleVersion]:
        """Give the id and the age of every title held, from one snapshot.

        Holds one connection until it is exhausted or closed.
        """
        with self._snapshot(_TITLES_PER_FETCH) as (rows, has_details):
            rows.execute(_DETAILED_VERSIONS if has_details else _VERSIONS)
            for imdb_id, fetched_at, names, moments in rows:
                details = zip(
                    map(DetailName, names or ()), map(_in_utc, moments or ()), strict=True
                )
                yield TitleVersion(TitleId(imdb_id), _in_utc(fetched_at), tuple(details))

    def titles(self, ids: Collection[TitleId] | None = None) -> Iterator[Title]:
        """Give the titles held, or some of them, by id, from one snapshot.

        A few hundred are in memory at a time, and with details, which may be long, a few. Holds one
        connection until it is exhausted or closed.
        """
        if ids is None:
            return self._titles()
        return self._titles("imdb_id = ANY (%s::text[])", (array_literal(ids),))

    def selected(
        self, condition: "Condition | None", order: "Sequence[SortKey]"
    ) -> Iterator[Title]:
        """Give the titles of which a condition is true, in an order; as `titles`."""
        from infrastructure.repositories.postgres.selecting import condition_sql, order_sql

        where, values = condition_sql(condition) if condition is not None else ("", ())
        return self._titles(where, values, order_sql(order))

    def _titles(
        self, where: str = "", values: tuple[object, ...] = (), order: str = "imdb_id"
    ) -> Iterator[Title]:
        with self._snapshot(_TITLES_PER_FETCH) as (rows, has_details):
            if has_details:
                rows.itersize = _DETAILED_TITLES_PER_FETCH
            details = details_json() if has_details else None
            rows.execute(select_titles(details, where=where, order=order), values)
            for *row, details_ in rows:
                try:
                    yield title_from(tuple(row), details_from(details_))
                except InvalidTitle as error:
                    raise RepositoryUnavailable(
                        NAME, f"{self._location}: a row of titles breaks a rule: {error}"
                    ) from error

    def counts(self) -> StoreCounts:
        """Count what is held, from all runs."""
        titles, people, credits_ = self._transaction(lambda statements: _one(statements, _COUNTS))
        return StoreCounts(titles=titles, people=people, credits=credits_)

    def save_profiles(self, batch: Sequence[PersonProfile], run: Run) -> BatchResult:
        """Store each profile wholly or not at all, in one transaction."""
        return self._transaction(self._guarded(partial(save_profiles, batch=batch, run=run)))

    def profile_versions(self) -> Iterator[tuple[NameId, datetime]]:
        """Give the id and the age of every profile held, from one snapshot; as `versions`."""
        with self._snapshot(_TITLES_PER_FETCH) as (rows, _):
            rows.execute("SELECT imdb_id, fetched_at FROM person_profiles")
            for imdb_id, fetched_at in rows:
                yield NameId(imdb_id), _in_utc(fetched_at)

    def profiles(self, ids: Collection[NameId] | None = None) -> Iterator[PersonProfile]:
        """Give the profiles held, or some of them, by id, from one snapshot; as `titles`."""
        with self._snapshot(_TITLES_PER_FETCH) as (rows, _):
            if ids is None:
                rows.execute(SELECT_PROFILES)
            else:
                rows.execute(SELECT_NAMED_PROFILES, (array_literal(ids),))
            for row in rows:
                try:
                    yield profile_from(row)
                except InvalidTitle as error:
                    raise RepositoryUnavailable(
                        NAME, f"{self._location}: a row of person_profiles breaks a rule: {error}"
                    ) from error

    def profile_counts(self) -> ProfileCounts:
        """Count the profiles held, with their credits, from all runs."""
        profiles, credits_ = self._transaction(lambda statements: _one(statements, COUNT_PROFILES))
        return ProfileCounts(profiles=profiles, credits=credits_)

    def holds_runs_other_than(self, command: str) -> bool:
        """Whether runs of another command have saved here: the demo keeps off a user's data."""
        (found,) = self._transaction(
            lambda statements: _one(
                statements, "SELECT EXISTS (SELECT FROM runs WHERE command <> %s)", command
            )
        )
        return bool(found)

    @contextmanager
    def _snapshot(self, itersize: int) -> Iterator[tuple[cursor, bool]]:
        """A cursor that streams the rows of a query, and whether any details are held then.

        Reading details takes the server longer, also where there are none.
        """
        # A stream cannot be begun again once rows are out, so broken connections are found before.
        self._transaction(lambda statements: statements.execute("SELECT 1"))
        with translated(), self._pool.stream(itersize) as rows:
            with rows.connection.cursor() as statements:
                (has_details,) = _one(statements, _BEGIN_SNAPSHOT)
            yield rows, has_details

    def _guarded(self, work: Callable[[cursor], _Result]) -> Callable[[cursor], _Result]:
        """The same work, once the guard has let it pass."""

        def checked(statements: cursor) -> _Result:
            if self._guard is not None:
                self._guard(statements)
            return work(statements)

        return checked

    def _transaction(
        self, work: Callable[[cursor], _Result], retrying: Retrying | None = None
    ) -> _Result:
        def attempt() -> _Result:
            with self._pool.transaction() as statements:
                return work(statements)

        with translated():
            return (retrying or self._retrying)(attempt)


# Compiling a query with this many parts takes longer than running it.
_BEGIN_SNAPSHOT = """
    SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    SET LOCAL jit = off;
    SELECT EXISTS (SELECT FROM title_details)
"""

_VERSIONS = "SELECT imdb_id, fetched_at, NULL, NULL FROM titles"

_DETAILED_VERSIONS = """
    SELECT imdb_id, fetched_at, names, moments FROM titles
    LEFT JOIN (
        SELECT title_id, array_agg(detail ORDER BY detail) AS names,
            array_agg(fetched_at ORDER BY detail) AS moments
        FROM (SELECT title_id, detail COLLATE "C" AS detail, fetched_at FROM title_details) AS d
        GROUP BY title_id
    ) AS details ON title_id = imdb_id
"""

_HELD_SINCE = """
    SELECT asked FROM (
        SELECT imdb_id AS asked, imdb_id FROM titles WHERE imdb_id = ANY (%(ids)s::text[])
        UNION
        SELECT old_id, new_id FROM merged_ids WHERE old_id = ANY (%(ids)s::text[])
    ) AS wanted
    JOIN titles USING (imdb_id)
    WHERE (fetched_at >= %(began)s OR run_id = %(run_id)s) {and_details}
"""

_AND_DETAILS = """
    AND (
        SELECT count(*) FROM title_details AS held
        WHERE title_id = imdb_id AND detail = ANY (%(details)s::text[])
            AND (held.fetched_at >= %(began)s OR held.run_id = %(run_id)s)
    ) = %(count)s
"""

_COUNTS = """
    SELECT (SELECT count(*) FROM titles), (SELECT count(*) FROM people),
        (SELECT count(*) FROM credits)
"""


_GIVEN_UP_FOR_ANOTHER = (pg.DeadlockDetected, pg.SerializationFailure)


def _may_succeed_again(error: BaseException) -> bool:
    return isinstance(error, _GIVEN_UP_FOR_ANOTHER) or _is_lost(error)


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, psycopg2.Error) and is_lost_connection(error)


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _one(statements: cursor, query: str, *values: object) -> tuple[Any, ...]:
    """The only row of a query that always gives one."""
    statements.execute(query, values)
    (row,) = statements.fetchall()
    return tuple(row)
