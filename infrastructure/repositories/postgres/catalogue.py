"""Looks through titles and people in PostgreSQL, a page at a time."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from decimal import Decimal
from typing import Any, TypeVar

import psycopg2
from psycopg2.extensions import cursor

from application.catalogue import (
    MOST_ITEMS,
    ChartSummary,
    Collaborator,
    CreditLine,
    Page,
    PersonEntry,
    PersonQuery,
    PersonSummary,
    Place,
    StoreOverview,
    TitleQuery,
    TitleSort,
    TitleSummary,
    broken_cursor,
    decoded_cursor,
    encoded_cursor,
)
from domain.chart import ChartName
from domain.errors import InvalidFilter, InvalidTitle, RepositoryUnavailable
from domain.history import SnapshotTime
from domain.identifiers import ImdbId, NameId, TitleId
from domain.title import Credit, CreditCategory, Title, TitleKind
from infrastructure.repositories.postgres.catalogue_sql import (
    TITLE_COLUMNS,
    PersonListing,
    Sql,
    person_listing,
)
from infrastructure.repositories.postgres.connections import ConnectionPool
from infrastructure.repositories.postgres.detail_rows import details_from, details_json
from infrastructure.repositories.postgres.errors import NAME, is_lost_connection, translated
from infrastructure.repositories.postgres.opening import open_pool
from infrastructure.repositories.postgres.profiles import SELECT_NAMED_PROFILES, profile_from
from infrastructure.repositories.postgres.rows import Row, array_literal, select_titles, title_from
from infrastructure.repositories.postgres.shares import STATISTICS, KeptShares
from infrastructure.repositories.postgres.title_pages import page_of_titles

_Result = TypeVar("_Result")
_Id = TypeVar("_Id", TitleId, NameId, ImdbId)

# In the same breath as the question: each answer that is waited for is a way to the server and
# back. So a question is one message, which is one transaction. Tables may be read from end to end
# only when nothing else is possible, also before the planner knows that they are large. Compiling a
# statement, or sharing it among processes, takes longer than running it. A row that is read out of
# order costs about as much as one in order, and some ten times as much as an entry of an index (as
# measured; else it would go through half an index to be spared a few rows).
_BEFORE = (
    "SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = {timeout}; "
    "SET LOCAL enable_seqscan = off; SET LOCAL jit = off; "
    "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL random_page_cost = 1.1; "
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; "
)

_SUMMARIES = f"""
    SELECT {", ".join(TITLE_COLUMNS)} FROM titles WHERE imdb_id = ANY (%s::text[])
"""  # noqa: S608 - built from constants

# Reading details takes the server longer, also where there are none.
_HAS_DETAILS = "EXISTS (SELECT FROM title_details WHERE title_id = titles.imdb_id)"

_DETAILS = f"SELECT {details_json()} FROM titles WHERE imdb_id = %s"  # noqa: S608 - as above

_CREDITS = """
    SELECT category, position, name, person_id, characters FROM titles
    LEFT JOIN credits ON title_id = imdb_id WHERE imdb_id = %s
"""

_MERGED = "SELECT old_id, new_id FROM merged_ids WHERE old_id = ANY (%s::text[])"

_PERSON = """
    SELECT imdb_id, name, (SELECT count(*) FROM credits WHERE person_id = imdb_id) FROM people
    WHERE imdb_id = %s
"""

_IS_PERSON = """
    SELECT EXISTS (SELECT FROM people WHERE imdb_id = %s)
        OR EXISTS (SELECT FROM person_profiles WHERE imdb_id = %s)
"""

# The newest first, and no year as if it were one before all others.
_FILMOGRAPHY_PLACE = '(-coalesce(year, 0), title_id COLLATE "C", category COLLATE "C", position)'

_FILMOGRAPHY = f"""
    SELECT {", ".join(TITLE_COLUMNS)}, category, position, name, characters
    FROM credits JOIN titles ON imdb_id = title_id WHERE person_id = %s {{only}} {{after}}
    ORDER BY -coalesce(year, 0), title_id COLLATE "C", category COLLATE "C", position LIMIT %s
"""  # noqa: S608 - built from constants

_FILMOGRAPHY_AFTER = f"AND {_FILMOGRAPHY_PLACE} > (%s, %s, %s, %s)"

_CREDIT_COUNTS = "SELECT category, count(*) FROM credits WHERE person_id = %s GROUP BY category"

_COLLABORATORS = """
    WITH together AS (
        SELECT other.person_id, count(DISTINCT other.title_id) AS titles
        FROM (SELECT DISTINCT title_id FROM credits WHERE person_id = %s LIMIT 1000) AS mine
        JOIN credits AS other USING (title_id)
        WHERE other.person_id <> %s
        GROUP BY other.person_id
        ORDER BY titles DESC, other.person_id COLLATE "C" LIMIT %s
    )
    SELECT imdb_id, name, titles FROM together JOIN people ON imdb_id = person_id
    ORDER BY titles DESC, imdb_id COLLATE "C"
"""

# Every chart that is kept has a first rank.
_CHARTS = """
    SELECT name, run_id, captured_at,
        (SELECT count(*) FROM chart_entries AS all_of_it
         WHERE all_of_it.chart = name AND all_of_it.run_id = newest.run_id)
    FROM unnest(%s) AS name
    CROSS JOIN LATERAL (
        SELECT run_id, captured_at FROM chart_entries WHERE chart = name AND rank = 1
        ORDER BY captured_at DESC, run_id DESC LIMIT 1
    ) AS newest
"""

_KINDS = "SELECT kind, count(*) FROM titles GROUP BY kind"

_COUNTS = "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM credits)"

_GATHERED_PEOPLE = 3_000
"""So many people are gathered before it is seen whether there are more."""
_WALKED_PEOPLE = 10_000

_CREDIT_PLACE = re.compile(r"(tt[0-9]{7,15})/([a-z]{1,20})/([0-9]{1,9})")

_CATEGORY_ORDER = {category: place for place, category in enumerate(CreditCategory)}


@contextmanager
def open_postgres_catalogue(
    url: str,
    *,
    pool_size: int = 8,
    wait_seconds: float = 30,
    statement_seconds: float = 5,
    revive: Callable[[], None] | None = None,
) -> Iterator["PostgresCatalogue"]:
    """Open the database at ``url``, bring its schema up to date, and close it at the end.

    At most ``pool_size`` connections, opened when they are needed; a thread that finds all of them
    in use waits at most ``wait_seconds``. A question may take ``statement_seconds`` (the counts of
    `PostgresCatalogue.overview` ten times as long). ``revive`` as in `open_postgres_repository`.
    Raises `RepositoryUnavailable`, with what to check in the URL.
    """
    with open_pool(
        url,
        size=pool_size,
        wait_seconds=wait_seconds,
        revive=revive,
    ) as pool:
        yield PostgresCatalogue(pool, statement_seconds)


class PostgresCatalogue:
    """Fulfils `Catalogue`. Any number of threads may call it: each borrows a connection.

    Each question to the server is a transaction of its own. A connection that broke (a restarted
    server) is replaced once. Every method raises `RepositoryUnavailable`.
    """

    def __init__(self, pool: ConnectionPool, statement_seconds: float) -> None:
        self._pool = pool
        self._statement_seconds = statement_seconds
        self._shares = KeptShares()

    def titles(self, query: TitleQuery) -> Page[TitleSummary]:
        """Give a page of titles: those of unknown value in the sort after all the others."""

        def ask(server: _Server) -> list[Row]:
            shares = self._shares.current(lambda: server.rows(STATISTICS))
            return page_of_titles(lambda statement: _rows(server, statement), query, shares)

        rows = self._asked(ask)
        items = tuple(_summary(row[:-1]) for row in rows[: query.limit])
        if len(rows) <= query.limit:
            return Page(items)
        place = Place(_key(rows[query.limit - 1][-1]), items[-1].imdb_id)
        return Page(items, encoded_cursor(query.sort, place, descending=query.descending))

    def title(self, imdb_id: TitleId) -> Title | None:
        """Give a title with its credits and details, or ``None``."""

        def ask(server: _Server) -> Title | None:
            return _led_on(server, imdb_id, _title)

        return self._asked(ask)

    def credits(self, imdb_id: TitleId) -> Sequence[Credit] | None:
        """Give the credits of a title in billing order, or ``None``."""

        def ask(server: _Server) -> Sequence[Credit] | None:
            return _led_on(server, imdb_id, _credits)

        return self._asked(ask)

    def summaries(self, ids: Collection[TitleId]) -> Mapping[TitleId, TitleSummary]:
        """Give the main facts of those that are held, by the ids that were asked for."""

        def ask(server: _Server) -> dict[TitleId, TitleSummary]:
            merged: dict[TitleId, TitleId] = dict(server.rows(_MERGED, array_literal(ids)))
            rows = server.rows(_SUMMARIES, array_literal({*ids, *merged.values()}))
            held = {found.imdb_id: found for found in map(_summary, rows)}
            leads = {one: one if one in held else merged.get(one, one) for one in ids}
            return {one: held[new] for one, new in leads.items() if new in held}

        return self._asked(ask)

    def people(self, query: PersonQuery) -> Page[PersonSummary]:
        """Give a page of people who are credited in titles held."""
        listing = person_listing(query)
        rows = self._asked(lambda server: _page_of_people(server, listing))
        items = tuple(_person_summary(row[:-1]) for row in rows[: query.limit])
        if len(rows) <= query.limit:
            return Page(items)
        place = Place(rows[query.limit - 1][-1], items[-1].imdb_id)
        return Page(items, encoded_cursor(query.sort, place, descending=query.descending))

    def person(self, imdb_id: NameId) -> PersonEntry | None:
        """Give a person by their credits, with their profile if there is one, or ``None``."""

        def ask(server: _Server) -> PersonEntry | None:
            return _led_on(server, imdb_id, _person)

        return self._asked(ask)

    def filmography(
        self,
        imdb_id: NameId,
        *,
        category: CreditCategory | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[CreditLine] | None:
        """Give a page of a person's credits, the newest title first, or ``None``."""
        if not 1 <= limit <= MOST_ITEMS:
            raise InvalidFilter([f"limit {limit}: must be from 1 to {MOST_ITEMS}"])
        place = () if after is None else _credit_place(after)

        def read(server: _Server, one: NameId) -> list[Row] | None:
            statement = _FILMOGRAPHY.format(
                only="" if category is None else "AND category = %s",
                after=_FILMOGRAPHY_AFTER if place else "",
            )
            only = () if category is None else (category.value,)
            found = server.rows(statement, one, *only, *place, limit + 1)
            return found if found or server.rows(_IS_PERSON, one, one) == [(True,)] else None

        rows = self._asked(lambda server: _led_on(server, imdb_id, read))
        if rows is None:
            return None
        items = tuple(map(_credit_line, rows[:limit]))
        return Page(items, _credit_cursor(items[-1]) if len(rows) > limit else None)

    def credit_counts(self, imdb_id: NameId) -> Mapping[CreditCategory, int]:
        """Count a person's credits by category, in the order of `CreditCategory`."""

        def ask(server: _Server) -> list[Row]:
            return server.rows(_CREDIT_COUNTS, _leads_to(server, imdb_id) or imdb_id)

        found: dict[str, int] = dict(self._asked(ask))
        return {each: found[each.value] for each in CreditCategory if each.value in found}

    def collaborators(self, imdb_id: NameId, limit: int = 20) -> Sequence[Collaborator]:
        """Give those who share most titles with a person; of a thousand titles at most."""

        def ask(server: _Server) -> list[Row]:
            one = _leads_to(server, imdb_id) or imdb_id
            return server.rows(_COLLABORATORS, one, one, limit)

        return [
            Collaborator(imdb_id=NameId(one), name=name, titles=titles)
            for one, name, titles in self._asked(ask)
        ]

    def charts(self) -> Sequence[ChartSummary]:
        """Give the charts that are kept, in the order of `ChartName`."""

        def ask(server: _Server) -> list[Row]:
            return server.rows(_CHARTS, [chart.value for chart in ChartName])

        found = {
            ChartName(name): ChartSummary(
                chart=ChartName(name),
                newest=SnapshotTime(run_id=run_id, captured_at=captured_at.astimezone(UTC)),
                entries=entries,
            )
            for name, run_id, captured_at, entries in self._asked(ask)
        }
        return [found[chart] for chart in ChartName if chart in found]

    def overview(self) -> StoreOverview:
        """Count what is held; reads the indexes from end to end."""

        def ask(server: _Server) -> tuple[dict[TitleKind, int], int, int]:
            kinds = {TitleKind(kind): count for kind, count in server.rows(_KINDS)}
            ((people, credits_),) = server.rows(_COUNTS)
            return kinds, people, credits_

        kinds, people, credits_ = self._asked(ask, patience=10)
        return StoreOverview(
            titles=sum(kinds.values()),
            people=people,
            credits=credits_,
            kinds={kind: kinds[kind] for kind in TitleKind if kind in kinds},
        )

    def merged_into(self, imdb_id: ImdbId) -> ImdbId | None:
        """Give the id that another one was merged into, or ``None``."""
        return self._asked(lambda server: _leads_to(server, imdb_id))

    def _asked(self, work: Callable[["_Server"], _Result], patience: int = 1) -> _Result:
        before = _BEFORE.format(timeout=int(self._statement_seconds * 1000 * patience))

        def attempt() -> _Result:
            with translated(), self._pool.questions() as statements:
                return work(_Server(statements, before))

        try:
            return attempt()
        except RepositoryUnavailable as error:
            if error.__cause__ is None or not _is_lost(error.__cause__):
                raise
        return attempt()


class _Server:
    """Answers questions over one connection; each has the same settings, and its own snapshot."""

    def __init__(self, statements: cursor, before: str) -> None:
        self._statements = statements
        self._before = before

    def rows(self, statement: str, *values: object) -> list[Row]:
        """Ask, and give all rows."""
        self._statements.execute(self._before + statement, values)
        return list(self._statements.fetchall())


def _page_of_people(server: _Server, listing: PersonListing) -> list[Row]:
    """The first people of a listing: all are gathered unless they are many."""
    if not listing.filters:
        return _rows(server, listing.walk())
    found = _gathered(server, listing, _GATHERED_PEOPLE)
    if found is None:
        found = _rows(server, listing.short_walk(_WALKED_PEOPLE))
        if len(found) < listing.limit:
            found = _gathered(server, listing, None)
    return found or []


def _gathered(server: _Server, listing: PersonListing, most: int | None) -> list[Row] | None:
    """The first rows of a listing, or ``None`` when more than ``most`` are wanted."""
    counted = _rows(server, listing.gather(most))
    if most is not None and counted and counted[0][0] > most:
        return None
    return [row[1:] for row in counted]


def _rows(server: _Server, statement: Sql) -> list[Row]:
    text, values = statement
    return server.rows(text, *values)


def _led_on(
    server: _Server, imdb_id: _Id, read: Callable[[_Server, _Id], _Result | None]
) -> _Result | None:
    """What is held of an id, or else of the one that it was merged into."""
    found = read(server, imdb_id)
    if found is None and (new := _leads_to(server, imdb_id)) is not None:
        return read(server, new)
    return found


def _leads_to(server: _Server, imdb_id: _Id) -> _Id | None:
    found = server.rows(_MERGED, array_literal([imdb_id]))
    new: _Id | None = found[0][1] if found else None
    return new


def _title(server: _Server, imdb_id: TitleId) -> Title | None:
    for *row, has_details in server.rows(
        select_titles(_HAS_DETAILS, where="imdb_id = %s"), imdb_id
    ):
        texts = server.rows(_DETAILS, imdb_id) if has_details else []
        with _rules_kept("titles"):
            details = [detail for (text,) in texts for detail in details_from(text)]
            return title_from(tuple(row), details)
    return None


def _credits(server: _Server, imdb_id: TitleId) -> tuple[Credit, ...] | None:
    rows = server.rows(_CREDITS, imdb_id)
    if not rows:
        return None
    with _rules_kept("credits"):
        found = [
            Credit(
                category=CreditCategory(category),
                position=position,
                name=name,
                person_id=person_id,
                characters=tuple(characters),
            )
            for category, position, name, person_id, characters in rows
            if category is not None
        ]
    return tuple(sorted(found, key=lambda c: (_CATEGORY_ORDER[c.category], c.position)))


def _person(server: _Server, imdb_id: NameId) -> PersonEntry | None:
    summary = next(map(_person_summary, server.rows(_PERSON, imdb_id)), None)
    rows = server.rows(SELECT_NAMED_PROFILES, array_literal([imdb_id]))
    with _rules_kept("person_profiles"):
        profile = next(map(profile_from, rows), None)
    if summary is None and profile is not None:
        summary = PersonSummary(imdb_id=imdb_id, name=profile.name, credits=0)
    return None if summary is None else PersonEntry(summary=summary, profile=profile)


@contextmanager
def _rules_kept(table: str) -> Iterator[None]:
    try:
        yield
    except InvalidTitle as error:
        raise RepositoryUnavailable(NAME, f"a row of {table} breaks a rule: {error}") from error


def _summary(row: Row) -> TitleSummary:
    (imdb_id, kind, title, original_title, year, end_year, runtime_minutes, rating, votes,
     metascore, certificate, genres, fetched_at) = row  # fmt: skip
    return TitleSummary(
        imdb_id=TitleId(imdb_id),
        kind=TitleKind(kind),
        title=title,
        original_title=original_title,
        year=year,
        end_year=end_year,
        runtime_minutes=runtime_minutes,
        rating=None if rating is None else float(rating),
        votes=votes,
        metascore=metascore,
        certificate=certificate,
        genres=tuple(genres),
        fetched_at=fetched_at.astimezone(UTC),
    )


def _person_summary(row: Row) -> PersonSummary:
    imdb_id, name, credits_ = row
    return PersonSummary(imdb_id=NameId(imdb_id), name=name, credits=credits_)


def _credit_line(row: Row) -> CreditLine:
    *title, category, position, name, characters = row
    return CreditLine(
        title=_summary(tuple(title)),
        category=CreditCategory(category),
        position=position,
        name=name,
        characters=tuple(characters),
    )


def _credit_cursor(line: CreditLine) -> str:
    place = Place(line.title.year, f"{line.title.imdb_id}/{line.category}/{line.position}")
    return encoded_cursor(TitleSort.YEAR, place, descending=True)


def _credit_place(cursor_: str) -> tuple[int, str, str, int]:
    """What stands for a place in `_FILMOGRAPHY_PLACE`."""
    place = decoded_cursor(cursor_, TitleSort.YEAR, descending=True)
    found = _CREDIT_PLACE.fullmatch(place.imdb_id)
    if found is None or not isinstance(place.key, int | None):
        raise broken_cursor()
    title, category, position = found.groups()
    return -(place.key or 0), title, category, int(position)


def _key(value: Any) -> Any:
    """A value of the sort as a cursor takes it."""
    return float(value) if isinstance(value, Decimal) else value


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, psycopg2.Error) and is_lost_connection(error)
