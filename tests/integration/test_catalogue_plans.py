"""Every page of very many titles is answered from indexes, and sorts few rows."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from application.catalogue import (
    PersonQuery,
    PersonSort,
    Place,
    TitleQuery,
    TitleSort,
    encoded_cursor,
)
from domain.discovery import Span
from domain.identifiers import NameId
from domain.title import TitleKind
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.catalogue_sql import (
    MOST_GATHERED,
    Listing,
    Sql,
    person_listing,
    title_listings,
)
from tests.databases import drop_database, new_database
from tests.many_titles import fill

COUNT = 100_000
LARGE = {"titles", "people", "credits", "person_credits"}


@pytest.fixture(scope="module")
def many(postgres_server: str) -> Iterator[str]:
    url = new_database(postgres_server)
    with open_postgres_repository(url):
        pass
    fill(url, COUNT)
    yield url
    drop_database(postgres_server, url)


def plan_of(url: str, statement: Sql) -> dict[str, Any]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET jit = off")
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement[0]}", statement[1])
        row = cursor.fetchone()
    assert row is not None
    plan: dict[str, Any] = row[0][0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def rows_out(node: dict[str, Any]) -> float:
    rows: float = node["Actual Rows"] * node["Actual Loops"]
    return rows


def check(plan: dict[str, Any]) -> None:
    """Nothing large is read from end to end, and no more is sorted than may be gathered."""
    for node in nodes(plan):
        assert not (node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE), node
        if "Sort" in node["Node Type"]:
            assert sum(map(rows_out, node["Plans"])) <= MOST_GATHERED + 1, node


def statements_of(listing: Listing) -> Iterator[Sql]:
    """The statements that may be asked for a page, as long as all is not too much to gather."""
    if not listing.filters:
        yield listing.walk()
        return
    if not listing.is_scattered:
        yield listing.short_walk()
    yield listing.gather()


FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "a rare word": {"text": "word777"},
    "a common word": {"text": "the"},
    "beginning of words": {"text": "word7"},
    "two words": {"text": "the name77"},
    "a rare kind": {"kinds": (TitleKind.VIDEO_GAME,)},
    "kinds": {"kinds": (TitleKind.MOVIE, TitleKind.SHORT)},
    "a genre": {"genres": ("War",)},
    "genres": {"genres": ("Drama", "Genre7")},
    "a genre that is not": {"genres": ("Nope",)},
    "old": {"years": Span(1900, 1910)},
    "good": {"ratings": Span(9.5, None)},
    "voted": {"votes": Span(100_000, None)},
    "praised": {"metascores": Span(99, None)},
    "of one length": {"runtimes": Span(90, 90)},
    "somebody": {"person": NameId("nm0000000")},
    "somebody else": {"person": NameId("nm0099999")},
    "all at once": {
        "text": "wo", "kinds": (TitleKind.MOVIE,), "genres": ("Drama",), "years": Span(1980, None),
        "ratings": Span(5, None), "votes": Span(10, None), "metascores": Span(10, None),
        "runtimes": Span(20, None), "person": NameId("nm0000001"),
    },
}  # fmt: skip

IN_THE_MIDDLE = {
    TitleSort.TITLE: "word12", TitleSort.YEAR: 2000, TitleSort.RATING: 5.5, TitleSort.VOTES: 50,
    TitleSort.METASCORE: 50, TitleSort.RUNTIME: 90,
}  # fmt: skip


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
def test_pages_of_titles_are_answered_from_indexes(many: str, filters: dict[str, Any]) -> None:
    for sort in TitleSort:
        for descending in (False, True):
            for key in (None, IN_THE_MIDDLE.get(sort)):
                place = Place(key, "tt0050000")
                after = encoded_cursor(sort, place, descending=descending) if key else None
                query = TitleQuery(sort=sort, descending=descending, after=after, **filters)
                for listing in title_listings(query):
                    for statement in statements_of(listing):
                        check(plan_of(many, statement))


@pytest.mark.parametrize("sort", TitleSort)
@pytest.mark.parametrize("descending", [False, True])
def test_a_page_of_all_titles_reads_no_more_than_its_rows(
    many: str, sort: TitleSort, descending: bool
) -> None:
    for listing in title_listings(TitleQuery(sort=sort, descending=descending, limit=50)):
        plan = plan_of(many, listing.walk())
        assert [node["Node Type"] for node in nodes(plan)] == ["Limit", "Index Scan"]
        assert max(map(rows_out, nodes(plan))) <= 51


@pytest.mark.parametrize("text", [None, "first7", "last12345", "first7 last1"])
@pytest.mark.parametrize("sort", PersonSort)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_of_people_are_answered_from_indexes(
    many: str, text: str | None, sort: PersonSort, descending: bool
) -> None:
    for statement in statements_of(person_listing(PersonQuery(text=text, sort=sort))):
        check(plan_of(many, statement))
    place = Place("first5" if sort is PersonSort.NAME else 3, "nm0050000")
    after = encoded_cursor(sort, place, descending=descending)
    query = PersonQuery(text=text, sort=sort, descending=descending, after=after)
    for statement in statements_of(person_listing(query)):
        check(plan_of(many, statement))
