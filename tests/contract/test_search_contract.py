"""What every way to search keeps, on real HTTP: the demo site, and servers that go wrong."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from application.ports import TitleSearch
from demo.facts import ChartFacts, load_facts
from demo.site import DemoSite
from domain.errors import PageChanged, RobotsDisallowed, SourceBlocked, SourceUnavailable
from domain.search import SearchHit, SearchQuery, Thing
from domain.title import TitleKind
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_graphql import Endpoint
from infrastructure.scrapers.imdb_graphql.search import GraphqlSearch
from infrastructure.scrapers.imdb_html.find import FindPageSearch
from infrastructure.scrapers.imdb_suggestion import SuggestionSearch
from tests.clients import http_client
from tests.servers import Handler, serving

FACTS = load_facts()


@dataclass(frozen=True)
class Way:
    """A way to search: how it is made for a site, what it asks the site for, what it looks for."""

    new: Callable[[HttpClient, str], TitleSearch]
    path: str
    things: frozenset[Thing] = frozenset(Thing)


def endpoint_at(site: str) -> Endpoint:
    return Endpoint(url=f"{site}/graphql", client_name="test", language="en-US", country="US")


WAYS = {
    "suggestion": Way(
        lambda http, site: SuggestionSearch(http, f"{site}/suggestion"),
        "/suggestion/titles/x/heat.json?includeVideos=0",
        frozenset(Thing) - {Thing.KEYWORD},
    ),
    "graphql": Way(
        lambda http, site: GraphqlSearch(http, endpoint_at(site), lambda line: None), "/graphql"
    ),
    "find page": Way(FindPageSearch, "/find/?q=heat&s=tt"),
}


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS) as demo_site:
        yield demo_site


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    return WAYS[request.param]


@pytest.fixture
def found(way: Way, site: DemoSite) -> Iterator[Callable[[SearchQuery], list[SearchHit]]]:
    with http_client() as http:
        search = way.new(http, site.url)
        yield lambda query: list(search.find(query))


Found = Callable[[SearchQuery], list[SearchHit]]


def test_it_has_the_name_that_messages_have(way: Way) -> None:
    with http_client() as http:
        assert WAYS[way.new(http, "http://127.0.0.1:9").name] is way


def test_a_title_by_its_words(found: Found) -> None:
    first, *others = found(SearchQuery(text="the godfather"))
    assert (first.imdb_id, first.name, first.year) == ("tt0068646", "The Godfather", 1972)
    assert (first.thing, first.kind) == (Thing.TITLE, TitleKind.MOVIE)
    assert [hit.imdb_id for hit in others] == ["tt0071562"]


def test_a_person_by_a_name(found: Found) -> None:
    hits = found(SearchQuery(text="akira kurosawa", thing=Thing.PERSON))
    assert [(hit.imdb_id, hit.name, hit.thing) for hit in hits] == [
        ("nm0000041", "Akira Kurosawa", Thing.PERSON)
    ]
    known_for = hits[0].known_for
    assert known_for is not None
    assert known_for.startswith("Director, Seven Samurai")


def test_a_company_by_its_name(found: Found) -> None:
    query = SearchQuery(text="war pictures", thing=Thing.COMPANY)
    [hit] = [hit for hit in found(query) if query.accepts(hit)]
    assert (hit.name, hit.thing, hit.keyword) == ("War Pictures", Thing.COMPANY, None)
    assert re.fullmatch("co[0-9]{7,}", hit.imdb_id)


@pytest.mark.parametrize("way", [WAYS["graphql"], WAYS["find page"]])
def test_what_a_company_does_and_where_it_is(found: Found) -> None:
    [hit] = found(SearchQuery(text="war pictures", thing=Thing.COMPANY))
    assert (hit.company_type, hit.country) == ("Production", "United States")


@pytest.mark.parametrize("way", [WAYS["graphql"], WAYS["find page"]])
def test_a_keyword_by_a_word_of_it(found: Found) -> None:
    [hit] = found(SearchQuery(text="sci-fi", thing=Thing.KEYWORD))
    assert (hit.name, hit.keyword, hit.thing) == ("sci-fi film", "sci-fi-film", Thing.KEYWORD)
    assert hit.title_count == sum("Sci-Fi" in title.genres for title in FACTS.titles)
    assert re.fullmatch("kw[0-9]{7,}", hit.imdb_id)


def test_who_cannot_look_for_a_thing_says_so_and_asks_nobody(way: Way, site: DemoSite) -> None:
    before = len(site.requests)
    missing = frozenset(Thing) - way.things
    with http_client() as http:
        search = way.new(http, site.url)
        for thing in missing:
            with pytest.raises(SourceUnavailable, match=f"no suggestions of {thing}s"):
                search.find(SearchQuery(text="film", thing=thing))
    assert len(site.requests) == before


def test_what_is_found_is_what_was_looked_for(way: Way, found: Found) -> None:
    """Companies are among suggestions of all sorts, of which they alone are accepted."""
    texts = {Thing.COMPANY: "history", Thing.KEYWORD: "film"}  # a title has "history", too
    for thing in way.things:
        query = SearchQuery(text=texts.get(thing, "t"), thing=thing)
        hits = found(query)
        assert any(map(query.accepts, hits))
        is_mixed = (thing, way) == (Thing.COMPANY, WAYS["suggestion"])
        assert all(map(query.accepts, hits)) is not is_mixed


def test_nothing_is_found(way: Way, found: Found) -> None:
    for thing in way.things:
        assert found(SearchQuery(text="sdfgsdfgsdfg", thing=thing)) == []


@pytest.mark.parametrize(
    "text", ["50/50", "who?", "#1", "100%", "a&b=c+d", "..", "七人の侍", "Amélie", "x" * 300]
)
def test_any_text_arrives_as_it_is(way: Way, text: str) -> None:
    titled = f"{text} movie"[:300]
    renamed = replace(FACTS.titles[0], title=titled, original_title=titled)
    only = ChartFacts(FACTS.captured, (renamed,))
    with DemoSite(only) as demo_site, http_client() as http:
        [hit] = way.new(http, demo_site.url).find(SearchQuery(text=titled))
    assert hit.name == titled


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (lambda h: h.reply(202, x_amzn_waf_action="challenge"), SourceBlocked),
        (lambda h: h.reply(405, b"<html>", x_amzn_waf_action="captcha"), SourceBlocked),
        (lambda h: h.reply(403, b"<html>no</html>"), SourceBlocked),
        (lambda h: h.reply(404, b"<html></html>"), SourceUnavailable),
        (lambda h: h.reply(418, b"{}"), SourceUnavailable),
        (lambda h: h.reply(500, b""), SourceUnavailable),
        (lambda h: h.reply(200, b""), PageChanged),
        (lambda h: h.reply(200, b"{}"), PageChanged),
        (lambda h: h.reply(200, b'{"q": "heat", "d": [{"id": "tt0113277"}]}'), PageChanged),
        (lambda h: h.reply(200, b"<html><body>Error</body></html>"), PageChanged),
        (lambda h: h.reply_packed(b'{"q":'), PageChanged),
    ],
)
def test_what_is_no_answer_is_an_error_that_says_so(
    way: Way, reply: Callable[[Handler], None], error: type[Exception]
) -> None:
    with serving({way.path: reply}) as server, http_client(max_attempts=1) as http:
        with pytest.raises(error):
            way.new(http, server.url).find(SearchQuery(text="heat"))
        assert server.requests == {way.path: 1}


def test_a_server_that_is_not_there(way: Way) -> None:
    with serving({}) as server:
        url = server.url
    with http_client(max_attempts=1) as http, pytest.raises(SourceUnavailable):
        way.new(http, url).find(SearchQuery(text="heat"))


def test_robots_txt_is_obeyed(way: Way) -> None:
    rules = b"User-agent: *\nDisallow: /find\nDisallow: /suggestion\nDisallow: /graphql\n"
    with serving({"/robots.txt": lambda h: h.reply(200, rules)}) as server:
        with http_client(obeys_robots=True) as http, pytest.raises(RobotsDisallowed):
            way.new(http, server.url).find(SearchQuery(text="heat"))
        assert server.requests == {"/robots.txt": 1}


@pytest.mark.parametrize("way", [WAYS["suggestion"], WAYS["find page"]])
def test_who_cannot_give_adult_titles_says_so(found: Found) -> None:
    with pytest.raises((SourceUnavailable, PageChanged), match="adult titles out"):
        found(SearchQuery(text="heat", with_adult=True))
