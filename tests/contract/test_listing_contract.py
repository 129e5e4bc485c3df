"""What every `TitleDiscovery` and every `TitleLists` promises, on the demo site over real HTTP."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from application.list_titles import Pages
from demo.advanced_search import PRIVATE_LIST, PUBLIC_LIST, PUBLIC_LIST_NAME
from demo.companies import companies_of
from demo.facts import TitleFacts, load_facts
from demo.site import DemoSite
from domain.discovery import SortBy, Span, TitleFilter
from domain.errors import ListNotFound, PageChanged, SourceBlocked, SourceUnavailable
from domain.identifiers import ListId, NameId
from domain.lists import ListedTitle, TitleList
from domain.title import TitleKind
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_graphql import Endpoint
from infrastructure.scrapers.imdb_graphql.discovery import GraphqlDiscovery
from infrastructure.scrapers.imdb_graphql.lists import GraphqlLists
from infrastructure.scrapers.imdb_html.discovery import SearchPageDiscovery, address_of
from infrastructure.scrapers.imdb_html.lists import ListPages
from tests.clients import http_client
from tests.servers import Answer, Handler, page, serving

FACTS = load_facts()
NOLAN = NameId("nm0634240")
WESTERN_PICTURES = next(c.imdb_id for c in companies_of(FACTS) if c.name == "Western Pictures")
SCARY = TitleFilter(genres=("Horror",), years=Span(1970, 1989), sort=SortBy.RATING)

New = Callable[[HttpClient, str], Any]


def endpoint_at(site: str, country: str = "US", language: str = "en-US") -> Endpoint:
    return Endpoint(url=f"{site}/graphql", client_name="test", language=language, country=country)


DISCOVERIES: dict[str, New] = {
    "html": SearchPageDiscovery,
    "graphql": lambda http, site: GraphqlDiscovery(http, endpoint_at(site), lambda line: None),
}
LISTS: dict[str, New] = {
    "html": ListPages,
    "graphql": lambda http, site: GraphqlLists(http, endpoint_at(site), lambda line: None),
}
BOTH: list[tuple[New, Any]] = [
    *((new, SCARY) for new in DISCOVERIES.values()),
    *((new, ListId(PUBLIC_LIST)) for new in LISTS.values()),
]


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture(scope="module")
def http() -> Iterator[HttpClient]:
    with http_client(max_attempts=1) as client:
        yield client


def everywhere(answer: Answer) -> dict[str, Answer]:
    """The same answer at each address that one of the ways asks."""
    paths = ("/graphql", address_of("", SCARY), f"/list/{PUBLIC_LIST}/")
    return dict.fromkeys(paths, answer)


Found = Callable[[TitleFilter], list[ListedTitle]]


@pytest.fixture(params=DISCOVERIES)
def found(request: pytest.FixtureRequest, site: DemoSite, http: HttpClient) -> Found:
    discovery: Pages[TitleFilter] = DISCOVERIES[request.param](http, site.url)
    return lambda wanted: [title for page in discovery.pages(wanted) for title in page.titles]


def ids(titles: list[ListedTitle]) -> list[str]:
    return [title.imdb_id for title in titles]


def expected(fits: Callable[[TitleFacts], bool], key: Callable[[TitleFacts], Any]) -> list[str]:
    return [facts.imdb_id for facts in sorted(filter(fits, FACTS.titles), key=key)]


@pytest.mark.parametrize("ways", [DISCOVERIES, LISTS])
def test_it_has_the_name_that_the_settings_know(ways: dict[str, New], http: HttpClient) -> None:
    assert [new(http, "http://127.0.0.1:9").name for new in ways.values()] == list(ways)


class TestDiscovery:
    def test_a_title_has_its_facts(self, found: Found) -> None:
        first, *_ = found(SCARY)
        assert first == ListedTitle(
            imdb_id=first.imdb_id,
            title="Alien",
            kind=TitleKind.MOVIE,
            original_title="Alien",
            year=1979,
            runtime_minutes=117,
            rating=8.5,
            votes=first.votes,
            metascore=first.metascore,
            certificate="R",
            genres=("Horror", "Sci-Fi"),
            release_date=first.release_date,
            is_adult=first.is_adult,
        )
        facts = next(facts for facts in FACTS.titles if facts.imdb_id == first.imdb_id)
        assert (first.votes, first.metascore) == (facts.votes, facts.metascore)
        assert first.release_date is not None
        assert first.release_date.year == facts.release_date.year

    def test_genre_and_years_and_order(self, found: Found) -> None:
        assert ids(found(SCARY)) == expected(
            lambda f: "Horror" in f.genres and 1970 <= f.release_date.year <= 1989,
            lambda f: -f.rating,
        )

    @pytest.mark.parametrize(
        ("filters", "fits"),
        [
            ({"ratings": Span(8.8, None)}, lambda f: f.rating >= 8.8),
            ({"ratings": Span(8.8, 9.0)}, lambda f: 8.8 <= f.rating <= 9.0),
            ({"votes": Span(2_000_000, None)}, lambda f: f.votes >= 2_000_000),
            ({"votes": Span(None, 60_000)}, lambda f: f.votes <= 60_000),
            ({"runtimes": Span(60, 85)}, lambda f: 60 <= f.runtime_minutes <= 85),
            ({"years": Span(None, 1925)}, lambda f: f.release_date.year <= 1925),
            ({"genres": ("Comedy", "War")}, lambda f: {"Comedy", "War"} <= {*f.genres}),
            ({"people": (NOLAN,)}, lambda f: any(p.imdb_id == NOLAN for p in f.directors)),
            ({"words": "godfather"}, lambda f: "Godfather" in f.title),
            ({"kinds": (TitleKind.SHORT,)}, lambda f: False),
            ({"kinds": (TitleKind.MOVIE,), "words": "heat"}, lambda f: f.title == "Heat"),
            ({"countries": ("JP",)}, lambda f: False),
            ({"languages": ("ja",)}, lambda f: False),
            ({"keywords": ("time-travel",)}, lambda f: False),
            (
                {"keywords": ("war-film", "1970s")},
                lambda f: "War" in f.genres and 1970 <= f.year < 1980,
            ),
            ({"companies": (WESTERN_PICTURES,)}, lambda f: "Western" in f.genres),
            ({"companies": ("co0000000",)}, lambda f: False),
        ],
        ids=str,
    )
    def test_each_filter(
        self, found: Found, filters: dict[str, Any], fits: Callable[[TitleFacts], bool]
    ) -> None:
        """Of countries and languages the demo site knows nothing, so finds nothing."""
        titles = found(TitleFilter(**filters, sort=SortBy.VOTES, limit=250))
        assert ids(titles) == expected(fits, lambda f: -f.votes)

    @pytest.mark.parametrize(
        ("sort", "key"),
        [
            (SortBy.TITLE, lambda f: f.title),
            (SortBy.VOTES, lambda f: f.votes),
            (SortBy.YEAR, lambda f: f.year),
            (SortBy.RUNTIME, lambda f: f.runtime_minutes),
        ],
    )
    def test_both_ways_round(
        self, found: Found, sort: SortBy, key: Callable[[TitleFacts], Any]
    ) -> None:
        by_id = {facts.imdb_id: facts for facts in FACTS.titles}
        for ascending in (True, False):
            titles = found(TitleFilter(sort=sort, ascending=ascending, limit=250))
            keys = [key(by_id[title.imdb_id]) for title in titles]
            assert keys == sorted(keys, reverse=not ascending)
            assert len(keys) == 250

    def test_the_total_is_of_all_that_there_are(self, site: DemoSite, http: HttpClient) -> None:
        for new in DISCOVERIES.values():
            page = next(iter(new(http, site.url).pages(TitleFilter(limit=3))))
            assert (page.total, len(page.titles)) == (250, 3)


class TestLists:
    @pytest.fixture(params=LISTS)
    def lists(
        self, request: pytest.FixtureRequest, site: DemoSite, http: HttpClient
    ) -> Pages[ListId]:
        ways: Pages[ListId] = LISTS[request.param](http, site.url)
        return ways

    def test_a_list_is_in_its_own_order_and_has_a_name(self, lists: Pages[ListId]) -> None:
        [page] = lists.pages(ListId(PUBLIC_LIST))
        wanted = expected(lambda f: any(p.imdb_id == NOLAN for p in f.directors), lambda f: f.year)
        assert ids(list(page.titles)) == wanted
        assert (page.name, page.total) == (PUBLIC_LIST_NAME, len(wanted))
        assert page.titles[0].metascore is not None

    @pytest.mark.parametrize("list_id", [PRIVATE_LIST, "ls999999999"])
    def test_one_that_is_private_or_unknown_is_not_found(
        self, lists: Pages[ListId], list_id: str
    ) -> None:
        with pytest.raises(ListNotFound, match=list_id):
            list(lists.pages(ListId(list_id)))


def test_titles_follow_the_language_and_the_country(site: DemoSite) -> None:
    endpoint = endpoint_at(site.url, country="JP", language="ja")
    with http_client(language="ja", country="JP") as http:
        ways: list[tuple[Pages[Any], Any]] = [
            (SearchPageDiscovery(http, site.url), TitleFilter(words="samurai")),
            (GraphqlDiscovery(http, endpoint, lambda line: None), TitleFilter(words="samurai")),
        ]
        for way, wanted in ways:
            [page_] = way.pages(wanted)
            [title] = page_.titles
            assert (title.title, title.original_title, title.certificate) == (
                "Shichinin no samurai",
                "Shichinin no samurai",
                None,
            )


@pytest.mark.parametrize(("new", "wanted"), BOTH)
class TestWhatGoesWrong:
    """Of all ways to list titles."""

    def read(self, http: HttpClient, url: str, new: New, wanted: Any) -> list[TitleList]:
        return list(new(http, url).pages(wanted))

    def test_a_challenge(self, http: HttpClient, new: New, wanted: Any) -> None:
        def challenge(handler: Handler) -> None:
            handler.reply(202, x_amzn_waf_action="challenge")

        with serving(everywhere(challenge)) as server, pytest.raises(SourceBlocked):
            self.read(http, server.url, new, wanted)

    def test_an_error_of_the_server(self, http: HttpClient, new: New, wanted: Any) -> None:
        with serving(everywhere(lambda h: h.reply(500))) as server:
            with pytest.raises(SourceUnavailable):
                self.read(http, server.url, new, wanted)

    def test_a_page_of_something_else(self, http: HttpClient, new: New, wanted: Any) -> None:
        body = b"<html><head></head><body>Hello</body></html>"
        with serving(everywhere(page(body))) as server:
            with pytest.raises(PageChanged):
                self.read(http, server.url, new, wanted)
