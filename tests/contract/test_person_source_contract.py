"""What every source of people promises (`PersonSource`), on the demo site over real HTTP."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import requests

from application.ports import PersonOutcome, PersonSource
from demo.facts import MERGED_IDS, PersonFacts, TitleFacts, people_of, synthetic_facts
from demo.site import DemoSite
from demo.structured_data import CREDITS_SHOWN
from domain.errors import PersonNotFound
from domain.identifiers import NameId
from domain.person_fact import PersonFactCategory
from domain.person_profile import FilmographyCredit, PersonProfile
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_graphql import Endpoint, ImdbGraphqlPeople
from infrastructure.scrapers.imdb_html import ImdbHtmlPeople
from infrastructure.scrapers.saved_pages import SavedPagesSource
from shared.config import SourceName
from tests.clients import http_client

FACTS = synthetic_facts(40)
PEOPLE = people_of(FACTS)
IDS = [NameId(imdb_id) for imdb_id in sorted(PEOPLE)[:40]]
UNKNOWN = NameId("nm9999999")
# The dataset files that were imported are a source of titles only.
SOURCES = tuple(name for name in get_args(SourceName) if name != "datasets")


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture(scope="module")
def http() -> Iterator[HttpClient]:
    with http_client() as client:
        yield client


@pytest.fixture(scope="module")
def saved_pages(site: DemoSite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for imdb_id in IDS:
        page = requests.get(f"{site.url}/name/{imdb_id}/", timeout=9).content
        (folder / f"{imdb_id}.html").write_bytes(page)
    return folder


@pytest.fixture(params=SOURCES)
def source(
    request: pytest.FixtureRequest, site: DemoSite, http: HttpClient, saved_pages: Path
) -> PersonSource:
    name: str = request.param
    return open_source(name, site, http, saved_pages)


def open_source(name: str, site: DemoSite, http: HttpClient, pages: Path) -> PersonSource:
    if name == "html":
        return ImdbHtmlPeople(http, site.url)
    if name == "graphql":
        url = f"{site.url}/graphql"
        endpoint = Endpoint(url=url, client_name="contract", language="en-US", country="US")
        return ImdbGraphqlPeople(http, endpoint, 50, print)
    return SavedPagesSource(pages, 1 << 24)


def test_it_has_the_name_that_the_settings_know(source: PersonSource) -> None:
    assert source.name in SOURCES
    assert source.batch_size >= 1


def test_there_is_one_outcome_for_each_id_in_their_order(source: PersonSource) -> None:
    asked = [IDS[7], UNKNOWN, IDS[3], IDS[9]]
    outcomes = [
        outcome
        for start in range(0, len(asked), source.batch_size)
        for outcome in source.people(asked[start : start + source.batch_size])
    ]
    found = [o.imdb_id if isinstance(o, PersonProfile) else type(o) for o in outcomes]
    assert found == [IDS[7], PersonNotFound, IDS[3], IDS[9]]


def test_nothing_is_asked_for_no_ids(source: PersonSource) -> None:
    assert list(source.people([])) == []


def test_a_person_says_where_and_when_it_came_from(source: PersonSource) -> None:
    [person] = source.people(IDS[:1])
    assert isinstance(person, PersonProfile)
    assert person.provenance.source == source.name
    assert person.provenance.found_by
    assert person.provenance.fetched_at.utcoffset() is not None


def test_any_number_of_threads_may_call_it(source: PersonSource) -> None:
    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(source.people, [[imdb_id] for imdb_id in IDS]))
    found = [person.imdb_id for [person] in outcomes if isinstance(person, PersonProfile)]
    assert found == IDS


def test_a_person_has_every_fact_of_the_site(source: PersonSource) -> None:
    for imdb_id in IDS:
        [person] = source.people([imdb_id])
        assert isinstance(person, PersonProfile)
        facts = PEOPLE[imdb_id]
        assert person.name == facts.name
        assert set(person.filmography) == credits_of(facts)
        assert person.total_credits == len(person.filmography)
        assert {*person.known_for} <= {credit.title_id for credit in person.filmography}
        assert person.known_for


def credits_of(facts: PersonFacts) -> set[FilmographyCredit]:
    listed: list[tuple[str, TitleFacts, tuple[str, ...]]] = [
        *(("director", title, ()) for title in facts.directed),
        *(("writer", title, ()) for title in facts.written),
        *(("cast", title, characters) for title, characters in facts.cast),
    ]
    assert len(listed) <= CREDITS_SHOWN, "a page shows no more of a category"
    return {
        FilmographyCredit(
            category=category, title_id=title.imdb_id, title=title.title, kind="movie",
            year=title.year, rating=title.rating, votes=title.votes, characters=characters,
        )
        for category, title, characters in listed
    }  # fmt: skip


def test_all_sources_say_the_same_of_a_person(
    site: DemoSite, http: HttpClient, saved_pages: Path
) -> None:
    given = [open_source(name, site, http, saved_pages) for name in SOURCES]
    for imdb_id in IDS:
        [first], *others = [source.people([imdb_id]) for source in given]
        assert isinstance(first, PersonProfile)
        for [other] in others:
            assert isinstance(other, PersonProfile)
            assert replace(other, provenance=first.provenance, facts=()) == replace(first, facts=())


def test_of_facts_a_page_says_the_first_and_the_api_up_to_fifty_of_each_list(
    site: DemoSite, http: HttpClient, saved_pages: Path
) -> None:
    for imdb_id in IDS:
        api, page, saved = (
            only(open_source(name, site, http, saved_pages).people([imdb_id]))
            for name in ("graphql", "html", "saved")
        )
        assert page.facts == saved.facts
        assert set(page.facts) < set(api.facts)
        trivia = 50 if imdb_id.endswith("0") else 2
        assert Counter(fact.category for fact in api.facts) == Counter(
            birth_name=1, nickname=1, alternative_name=1, height=1, image=1,
            spouse=1, relation=1, trivia=trivia, quote=2, trademark=1, other_work=1, salary=1,
            award_win=1, award_nomination=int(imdb_id[2:]) % 3, publicity=1, external_link=1,
            news=1,
        )  # fmt: skip
        once = {PersonFactCategory.TRIVIA, PersonFactCategory.QUOTE}
        assert Counter(f.category for f in page.facts if f.category in once) == Counter(once)


def only(outcomes: Sequence[PersonOutcome]) -> PersonProfile:
    [person] = outcomes
    assert isinstance(person, PersonProfile)
    return person


def test_who_was_merged_comes_under_the_new_id(site: DemoSite, http: HttpClient) -> None:
    """Saved pages are of one id only: nothing is known of others."""
    for name in SOURCES:
        if name != "saved":
            [person] = open_source(name, site, http, Path()).people([NameId("nm9100000001")])
            assert isinstance(person, PersonProfile)
            assert person.imdb_id == MERGED_IDS["nm9100000001"]
