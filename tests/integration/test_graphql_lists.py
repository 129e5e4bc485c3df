"""Lists of titles from the API: page after page, and what can be wrong with one."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from domain.discovery import Span, TitleFilter
from domain.errors import (
    InvalidTitle,
    ListNotFound,
    PageChanged,
    SourceBlocked,
    SourceUnavailable,
)
from domain.identifiers import ListId
from domain.lists import ListedTitle, TitleList
from domain.title import TitleKind
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_graphql import Endpoint
from infrastructure.scrapers.imdb_graphql.discovery import GraphqlDiscovery
from infrastructure.scrapers.imdb_graphql.lists import GraphqlLists
from infrastructure.scrapers.imdb_html.discovery import SearchPageDiscovery, address_of
from tests.clients import http_client
from tests.servers import Answer, Handler, page, serving
from tests.unit import graphql_answers as answers
from tests.unit.imdb_pages import pages

Json = dict[str, Any]
WANTED = TitleFilter(limit=600)
LIST = ListId("ls048276758")
TITLE = answers.title("tt0000001") | {"isAdult": False, "primaryImage": {"url": "http://x/1.jpg"}}


@pytest.fixture(scope="module")
def http() -> Iterator[HttpClient]:
    with http_client(max_attempts=1) as client:
        yield client


def node(number: int) -> Json:
    """A title of which next to nothing is known."""
    return {"id": f"tt{number:07}", "titleText": {"text": f"Title {number}"}}


def found(*nodes: Json, total: int = 3, **page_info: Any) -> bytes:
    """An answer to a search."""
    edges = [{"node": {"title": one}} for one in nodes]
    info = {"hasNextPage": False} | page_info
    listed = {"total": total, "edges": edges, "pageInfo": info}
    return answers.body({"advancedTitleSearch": listed})


def pages_of(http: HttpClient, answer: Answer, told: list[str] | None = None) -> list[TitleList]:
    with serving({"/": answer}) as server:
        endpoint = Endpoint(url=f"{server.url}/", client_name="us", language="de", country="AT")
        tell: Callable[[str], None] = (told if told is not None else []).append
        return list(GraphqlDiscovery(http, endpoint, tell).pages(WANTED))


def list_of(http: HttpClient, answer: Answer) -> list[TitleList]:
    with serving({"/": answer}) as server:
        endpoint = Endpoint(url=f"{server.url}/", client_name="us", language="de", country="AT")
        return list(GraphqlLists(http, endpoint, lambda line: None).pages(LIST))


def test_a_title_has_every_fact(http: HttpClient) -> None:
    [part] = pages_of(http, page(found(TITLE, total=1)))
    [title] = part.titles
    assert title == ListedTitle(
        imdb_id="tt0000001",
        title="Title tt0000001",
        kind=TitleKind.MOVIE,
        original_title="Titel tt0000001",
        year=1999,
        runtime_minutes=136,
        rating=8.0,
        votes=1234,
        metascore=73,
        certificate="R",
        genres=("Action", "Sci-Fi"),
        release_date=title.release_date,
        plot="Somebody learns something.",
        image_url="http://x/1.jpg",
        is_adult=False,
    )
    assert title.release_date is not None
    assert title.release_date.isoformat() == "1999-03-31"


def test_page_after_page_and_the_disclaimer_once(http: HttpClient) -> None:
    asked: list[Json] = []
    parts = {
        None: found(node(1), hasNextPage=True, endCursor="a"),
        "a": found(node(2), hasNextPage=True, endCursor="b"),
        "b": found(node(3)),
    }

    def answer(handler: Handler) -> None:
        asked.append(json.loads(handler.body)["variables"])
        handler.reply(200, parts[asked[-1]["after"]])

    told: list[str] = []
    given = pages_of(http, answer, told)
    assert [[title.imdb_id for title in part.titles] for part in given] == [
        ["tt0000001"], ["tt0000002"], ["tt0000003"],
    ]  # fmt: skip
    assert [(one["first"], one["after"]) for one in asked] == [(250, None), (250, "a"), (250, "b")]
    assert told == [f"source graphql says: {answers.DISCLAIMER}"]


def test_a_page_that_is_too_complex_is_asked_for_in_halves_from_then_on(http: HttpClient) -> None:
    asked: list[int] = []

    def answer(handler: Handler) -> None:
        variables = json.loads(handler.body)["variables"]
        asked.append(variables["first"])
        if variables["first"] > 70:
            handler.reply(200, answers.body(None, answers.error("too complex", "TOO_COMPLEX")))
        elif variables["after"] is None:
            handler.reply(200, found(node(1), hasNextPage=True, endCursor="a"))
        else:
            handler.reply(200, found(node(2)))

    assert len(pages_of(http, answer)) == 2
    assert asked == [250, 125, 62, 62]


def test_one_title_that_is_too_complex_is_the_end(http: HttpClient) -> None:
    refused = page(answers.body(None, answers.error("too complex", "TOO_COMPLEX")))
    with pytest.raises(PageChanged, match="too complex"):
        pages_of(http, refused)


@pytest.mark.parametrize(
    "parts",
    [
        [found(node(1), hasNextPage=True, endCursor="a")] * 3,
        [found(node(1), hasNextPage=True)],
        [found(hasNextPage=True, endCursor="a")],
    ],
    ids=["the same cursor", "no cursor", "no titles"],
)
def test_pages_without_end_are_refused(http: HttpClient, parts: list[bytes]) -> None:
    def answer(handler: Handler) -> None:
        handler.reply(200, parts[handler.number - 1])

    with pytest.raises(PageChanged, match="promises more and does not lead on"):
        pages_of(http, answer)


@pytest.mark.parametrize(
    ("body", "raised", "problem"),
    [
        (answers.body({"advancedTitleSearch": None}), PageChanged, "advancedTitleSearch"),
        (answers.body(None), PageChanged, "advancedTitleSearch"),
        (found({"id": "tt0000001"}), PageChanged, "titleText"),
        (found(node(1), total="many"), PageChanged, "total"),  # type: ignore[arg-type]
        (found({"id": "nm0000001", "titleText": {"text": "N"}}), InvalidTitle, "nm0000001"),
        (
            answers.body(None, answers.error("no", "GRAPHQL_VALIDATION_FAILED")),
            PageChanged,
            "query",
        ),
        (answers.body(None, answers.error("no", "FORBIDDEN")), SourceBlocked, "no"),
        (
            answers.body(None, answers.error("no such genre", "BAD_USER_INPUT")),
            PageChanged,
            "genre",
        ),
        (answers.body(None, answers.error("down", "INTERNAL")), SourceUnavailable, "down"),
    ],
)
def test_what_is_wrong_is_told(
    http: HttpClient, body: bytes, raised: type[Exception], problem: str
) -> None:
    with pytest.raises(raised, match=problem):
        pages_of(http, page(body))


def test_a_title_whose_facts_cannot_be_is_listed_without_them(
    http: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    broken = TITLE | {"releaseYear": {"year": 12}}
    [part] = pages_of(http, page(found(broken, node(2))))
    assert part.titles[0] == ListedTitle(imdb_id="tt0000001", title="Title tt0000001")
    assert len(part.titles) == 2
    assert "tt0000001 is listed without its facts" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        answers.body({"list": None}),
        answers.body({"list": {"name": {"originalText": "Faces"}, "titleListItemSearch": None}}),
        answers.body(None),
        answers.body({"list": None}, answers.error("private", "FORBIDDEN", ["list"])),
        answers.body({"list": None}, answers.error("no such list", "BAD_USER_INPUT", ["list"])),
    ],
)
def test_a_list_that_is_not_there_or_not_of_titles(http: HttpClient, body: bytes) -> None:
    with pytest.raises(ListNotFound, match=LIST):
        list_of(http, page(body))


def test_to_be_refused_as_a_client_is_not_a_missing_list(http: HttpClient) -> None:
    with pytest.raises(SourceBlocked):
        list_of(http, page(answers.body(None, answers.error("who are you", "FORBIDDEN"))))


class TestTheSearchPage:
    def read(self, http: HttpClient, wanted: TitleFilter, *items: Json) -> list[TitleList]:
        results = {"searchResults": {"titleResults": {"total": 9, "titleListItems": list(items)}}}
        body = pages.title_html(results, "/search/[tab]").encode()
        with serving({address_of("", wanted): page(body)}) as server:
            return list(SearchPageDiscovery(http, server.url).pages(wanted))

    def item(self, number: int, rating: float) -> Json:
        return {
            "titleId": f"tt{number:07}",
            "titleText": "T",
            "titleType": {"id": "movie"},
            "ratingSummary": {"aggregateRating": rating, "voteCount": 10},
        }

    def test_a_page_that_has_ignored_a_filter_is_refused(self, http: HttpClient) -> None:
        wanted = TitleFilter(ratings=Span(8.0, None))
        items = [self.item(1, 8.1), self.item(2, 5.0), self.item(3, 4.0)]
        with pytest.raises(PageChanged, match="2 of 3 titles are not what was asked for"):
            self.read(http, wanted, *items)

    def test_an_index_may_lag_behind(self, http: HttpClient) -> None:
        wanted = TitleFilter(ratings=Span(8.0, None), kinds=(TitleKind.MOVIE,))
        items = [self.item(1, 8.1), self.item(2, 7.9)]
        [found_] = self.read(http, wanted, *items)
        assert len(found_.titles) == 2

    def test_no_titles_at_all(self, http: HttpClient) -> None:
        [found_] = self.read(http, TitleFilter(ratings=Span(9.9, None)))
        assert found_.titles == ()
