"""What every source promises of details, on the demo site's facts over real HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import requests

from application.ports import TitleSource
from demo.facts import TitleFacts, load_facts
from demo.site import DemoSite
from domain.details import Detail, DetailName, Item
from domain.details.items import (
    AlternativeTitle,
    CountryCertificate,
    CountryReleaseDate,
    FullCredit,
)
from domain.identifiers import TitleId
from domain.release_date import ReleaseDate
from domain.run import DetailFailure
from domain.title import Title
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_graphql import Endpoint, ImdbGraphqlSource
from infrastructure.scrapers.imdb_html import ImdbHtmlSource, ReadInThread
from infrastructure.scrapers.imdb_html.parse_pool import ParsePool
from infrastructure.scrapers.saved_pages import SavedPagesSource
from shared.config import SourceName
from tests.clients import LOCALE, http_client

FACTS = replace(load_facts(), titles=load_facts().titles[:4])
IDS = [TitleId(title.imdb_id) for title in FACTS.titles]
EVERYTHING = tuple(DetailName)
SOURCES = get_args(SourceName)

WHOLE_ON_PAGES = {
    "full_credits", "episodes", "certificates", "release_dates", "countries", "languages",
    "companies", "box_office", "awards", "technical_specifications",
}  # fmt: skip
"""What pages show as a whole; of the rest they have the first, or have it for some titles."""


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture(scope="module")
def http() -> Iterator[HttpClient]:
    with http_client() as client:
        yield client


@pytest.fixture(scope="module")
def pages(site: DemoSite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for imdb_id in IDS:
        for name in ("", "reference/", "releaseinfo/"):
            page = requests.get(f"{site.url}/title/{imdb_id}/{name}", timeout=9).content
            (folder / f"{imdb_id}-{name[:-1]}.html").write_bytes(page)
    return folder


class Opened:
    """A source, with what it has told and noted."""

    def __init__(self, name: str, site: DemoSite, http: HttpClient, pages: Path) -> None:
        self.told: list[str] = []
        self.failures: list[DetailFailure] = []
        self.source = self._source(name, site, http, pages)

    def _source(self, name: str, site: DemoSite, http: HttpClient, pages: Path) -> TitleSource:
        note = self.failures.append
        if name == "html":
            return ImdbHtmlSource(http, ReadInThread(), site.url, LOCALE, note)
        if name == "graphql":
            url = f"{site.url}/graphql"
            endpoint = Endpoint(url=url, client_name="contract", language="en-US", country="US")
            return ImdbGraphqlSource(http, endpoint, 50, print, note)
        return SavedPagesSource(pages, 1 << 24, self.told.append, note)

    def details(self, imdb_id: TitleId, *names: DetailName) -> dict[DetailName, Detail]:
        [title] = self.source.titles([imdb_id], names)
        assert isinstance(title, Title)
        return {detail.name: detail for detail in title.details}


@pytest.fixture(params=SOURCES)
def opened(request: pytest.FixtureRequest, site: DemoSite, http: HttpClient, pages: Path) -> Opened:
    return Opened(request.param, site, http, pages)


def test_every_detail_that_a_source_claims_to_give_is_given(opened: Opened) -> None:
    for imdb_id in IDS:
        given = opened.details(imdb_id, *opened.source.gives)
        assert set(given) == set(opened.source.gives)
        assert list(given) == [name for name in DetailName if name in given]
        # All titles of the demo are films (but for every tenth, which plays at being an episode).
        empty = {name for name, detail in given.items() if not detail.items}
        assert empty == {DetailName.EPISODES, DetailName.EPISODE_OF} & set(given)
    assert opened.failures == []
    assert opened.told == []


def test_only_what_is_asked_for_is_given(opened: Opened) -> None:
    [plain] = opened.source.titles(IDS[:1])
    assert isinstance(plain, Title)
    assert plain.details == ()
    [title] = opened.source.titles(IDS[:1], [DetailName.AWARDS])
    assert isinstance(title, Title)
    assert [detail.name for detail in title.details] == [DetailName.AWARDS]
    assert replace(title, details=(), provenance=plain.provenance) == plain


def test_a_detail_says_where_and_when_it_came_from(opened: Opened) -> None:
    for detail in opened.details(IDS[0], *opened.source.gives).values():
        assert detail.provenance.source == opened.source.name
        assert detail.provenance.found_by
        assert detail.provenance.fetched_at.utcoffset() is not None


def test_the_details_are_the_facts_of_the_site(opened: Opened) -> None:
    for facts in FACTS.titles:
        given = opened.details(
            TitleId(facts.imdb_id), DetailName.AKAS, DetailName.FULL_CREDITS,
            DetailName.CERTIFICATES, DetailName.RELEASE_DATES,
        )  # fmt: skip
        assert given[DetailName.FULL_CREDITS].items == credits_of(facts)
        assert given[DetailName.CERTIFICATES].items == (
            CountryCertificate(country="US", rating=facts.certificate or ""),
        )
        day = facts.release_date
        date = ReleaseDate(year=day.year, month=day.month, day=day.day)
        assert given[DetailName.RELEASE_DATES].items == (
            CountryReleaseDate(country="US", date=date),
        )
        assert given[DetailName.AKAS].items[0] == AlternativeTitle(
            title=facts.original_title, types=("original",), is_original=True
        )


def credits_of(facts: TitleFacts) -> tuple[Item, ...]:
    listed = (("director", facts.directors), ("writer", facts.writers), ("cast", facts.cast))
    return tuple(
        FullCredit(
            category=category, billing=billing, name=person.name, person_id=person.imdb_id,
            characters=person.characters,
        )
        for category, people in listed
        for billing, person in enumerate(people, 1)
    )  # fmt: skip


def test_what_two_sources_say_of_a_title_is_the_same(
    site: DemoSite, http: HttpClient, pages: Path
) -> None:
    api, *others = (Opened(name, site, http, pages) for name in ("graphql", "html", "saved"))
    for imdb_id in IDS:
        whole = api.details(imdb_id, *EVERYTHING)
        for other in others:
            for name, detail in other.details(imdb_id, *other.source.gives).items():
                assert (
                    same(name, detail.items) == same(name, whole[name].items)[: len(detail.items)]
                )
                assert detail.is_whole or name not in WHOLE_ON_PAGES
                if detail.is_whole:
                    assert len(detail.items) == len(whole[name].items)


UNSAID_ON_PAGES = ("users_interested", "users_voted", "is_spoiler", "category", "answer", "date")


def same(name: DetailName, items: tuple[Item, ...]) -> list[dict[str, object]]:
    """The items without what pages do not say of trivia, keywords and the like."""
    unsaid = {
        DetailName.TRIVIA, DetailName.KEYWORDS, DetailName.GOOFS, DetailName.CRAZY_CREDITS,
        DetailName.FAQS, DetailName.VIDEOS,
    }  # fmt: skip
    return [
        {
            field: getattr(item, field)
            for field in item.__dataclass_fields__
            if name not in unsaid or field not in UNSAID_ON_PAGES
        }
        for item in items
    ]


def test_processes_read_the_same_details(site: DemoSite, http: HttpClient) -> None:
    names = tuple(name for name in DetailName if name in ImdbHtmlSource.gives)
    with ParsePool(1) as pool:
        [there] = ImdbHtmlSource(http, pool, site.url, LOCALE).titles(IDS[:1], names)
    [here] = ImdbHtmlSource(http, ReadInThread(), site.url, LOCALE).titles(IDS[:1], names)
    assert isinstance(here, Title)
    assert isinstance(there, Title)
    assert [(d.name, d.items, d.is_whole) for d in there.details] == [
        (d.name, d.items, d.is_whole) for d in here.details
    ]
