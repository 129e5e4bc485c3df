"""Every list of 1,000,000 titles is answered from indexes."""

from collections.abc import Iterator
from typing import Any

import pytest

from application.catalogue import (
    PersonQuery,
    PersonSort,
    Place,
    TitleQuery,
    TitleSort,
    encoded_cursor,
)
from application.ports import Catalogue
from benchmarks.synthetic_store import StoreSizes, fill_store, person_of, title_of, word_of
from domain.discovery import Span
from domain.title import TitleKind
from infrastructure.repositories.postgres import catalogue, open_postgres_repository
from infrastructure.repositories.postgres.catalogue import open_postgres_catalogue
from infrastructure.repositories.postgres.shares import STATISTICS
from tests.databases import drop_database, new_database

# A machine that is busy takes minutes to make so many titles.
pytestmark = pytest.mark.timeout(900)

SIZES = StoreSizes(titles=1_000_000, people=50_000, credits=1)

LARGE = {"titles", "people", "credits", "person_credits"}


@pytest.fixture(scope="module")
def many(postgres_server: str) -> Iterator[str]:
    url = new_database(postgres_server)
    with open_postgres_repository(url):
        pass
    fill_store(url, SIZES)
    yield url
    drop_database(postgres_server, url)


@pytest.fixture
def plans() -> list[dict[str, Any]]:
    """The plans of all questions that the catalogue has asked."""
    return []


@pytest.fixture
def watched(
    many: str, plans: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Catalogue]:
    """A catalogue of which each question is explained before it is asked."""
    ask = catalogue._Server.rows

    def rows(self: Any, statement: str, *values: object) -> Any:
        if statement != STATISTICS:
            ((explained,),) = ask(self, f"EXPLAIN (FORMAT JSON) {statement}", *values)
            plans.append(explained[0]["Plan"])
        return ask(self, statement, *values)

    monkeypatch.setattr(catalogue._Server, "rows", rows)
    with open_postgres_catalogue(many) as opened:
        yield opened


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def check(plans: list[dict[str, Any]]) -> None:
    """Nothing large is read from end to end; begins anew."""
    assert plans
    for plan in plans:
        for node in nodes(plan):
            assert not (node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE), node
    plans.clear()


FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "a rare word": {"text": f"{word_of(54_321)} of"},
    "a common word": {"text": "the"},
    "a word of some": {"text": word_of(100)},
    "the beginning of words": {"text": word_of(5_000)[:3]},
    "two common words": {"text": "a the"},
    "a word that is not": {"text": "nowhere"},
    "a mark": {"text": "the ²"},
    "a rare kind": {"kinds": (TitleKind.VIDEO_GAME,)},
    "a kind that is not": {"kinds": (TitleKind.PODCAST_EPISODE,)},
    "kinds": {"kinds": (TitleKind.MOVIE, TitleKind.SHORT)},
    "a genre": {"genres": ("War",)},
    "genres": {"genres": ("Drama", "Film-Noir")},
    "a genre that is not": {"genres": ("Nope",)},
    "old": {"years": Span(1900, 1910)},
    "good": {"ratings": Span(9.5, None)},
    "voted": {"votes": Span(100_000, None)},
    "praised": {"metascores": Span(99, None)},
    "of one length": {"runtimes": Span(90, 90)},
    "somebody of many": {"person": person_of(0)},
    "somebody of few": {"person": person_of(49_000)},
    "a common word and a genre": {"text": "of", "genres": ("War",)},
    "all at once": {
        "text": "wo", "kinds": (TitleKind.MOVIE,), "genres": ("Drama",), "years": Span(1980, None),
        "ratings": Span(5, None), "votes": Span(10, None), "metascores": Span(10, None),
        "runtimes": Span(20, None), "person": person_of(1),
    },
}  # fmt: skip

IN_THE_MIDDLE = {
    TitleSort.TITLE: "pa", TitleSort.YEAR: 2000, TitleSort.RATING: 5.5, TitleSort.VOTES: 50,
    TitleSort.METASCORE: 50, TitleSort.RUNTIME: 90,
}  # fmt: skip


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("sort", TitleSort)
def test_pages_of_titles_are_answered_from_indexes(
    watched: Catalogue, plans: list[dict[str, Any]], filters: dict[str, Any], sort: TitleSort
) -> None:
    for descending in (False, True):
        for key in (None, IN_THE_MIDDLE.get(sort)):
            place = Place(key, title_of(500_000))
            after = encoded_cursor(sort, place, descending=descending) if key else None
            watched.titles(TitleQuery(sort=sort, descending=descending, after=after, **filters))
            check(plans)


@pytest.mark.parametrize("sort", TitleSort)
@pytest.mark.parametrize("descending", [False, True])
def test_a_page_of_all_titles_walks_along_one_index(
    watched: Catalogue, plans: list[dict[str, Any]], sort: TitleSort, descending: bool
) -> None:
    assert len(watched.titles(TitleQuery(sort=sort, descending=descending, limit=50)).items) == 50

    (plan,) = plans
    assert [node["Node Type"] for node in nodes(plan)] == ["Limit", "Index Scan"]


@pytest.mark.parametrize(
    "filters",
    [
        {"kinds": (TitleKind.MOVIE,)},
        {"genres": ("Drama",), "years": Span(1990, None)},
        {"ratings": Span(5, None), "votes": Span(10, None), "runtimes": Span(20, 90)},
        {"text": "the", "metascores": Span(10, None)},
    ],
)
@pytest.mark.parametrize("sort", TitleSort)
def test_only_titles_that_may_be_wanted_are_read(
    watched: Catalogue, plans: list[dict[str, Any]], filters: dict[str, Any], sort: TitleSort
) -> None:
    assert watched.titles(TitleQuery(sort=sort, **filters)).items

    scans = [node for plan in plans for node in nodes(plan) if "Index Name" in node]
    read = {node["Index Name"] for node in scans if node["Node Type"] != "Index Only Scan"}
    assert read <= {"titles_pkey"}
    assert all(plan["Node Type"] == "Limit" for plan in plans)


@pytest.mark.parametrize("text", [None, word_of(30), word_of(40_000), f"{word_of(25)} b"])
@pytest.mark.parametrize("sort", PersonSort)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_of_people_are_answered_from_indexes(
    watched: Catalogue,
    plans: list[dict[str, Any]],
    text: str | None,
    sort: PersonSort,
    descending: bool,
) -> None:
    place = Place("nupol" if sort is PersonSort.NAME else 30, person_of(25_000))
    for after in (None, encoded_cursor(sort, place, descending=descending)):
        watched.people(PersonQuery(text=text, sort=sort, descending=descending, after=after))
        check(plans)


def test_one_title_and_one_person_are_found_by_their_keys(
    watched: Catalogue, plans: list[dict[str, Any]]
) -> None:
    assert watched.title(title_of(777)) is not None
    check(plans)
    assert watched.person(person_of(0)) is not None
    check(plans)
    assert watched.filmography(person_of(0)) is not None
    check(plans)
    assert watched.collaborators(person_of(0)) is not None
    check(plans)
