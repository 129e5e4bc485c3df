"""Details of titles from the API: what is asked for, in how many requests, and what goes wrong."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from demo.facts import synthetic_facts
from demo.site import DemoSite
from domain.details import DetailName
from domain.details.items import (
    AlternateVersion,
    CountryRating,
    CrazyCredit,
    EpisodeOf,
    Faq,
    NewsArticle,
    Ranking,
    RankingKind,
    Runtime,
    Video,
)
from domain.errors import RunStopped
from domain.release_date import ReleaseDate
from domain.run import DetailFailure
from domain.title import Title
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_graphql import Endpoint, ImdbGraphqlSource
from tests.clients import http_client
from tests.graphql_types import QUERIES
from tests.servers import Answer, Handler, serving
from tests.unit import graphql_answers as answers

FACTS = synthetic_facts(12)
IDS = [title.imdb_id for title in FACTS.titles]
ONE = "tt0000001"
KEYWORDS, TAGLINES = DetailName.KEYWORDS, DetailName.TAGLINES


@pytest.fixture
def failures() -> list[DetailFailure]:
    return []


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with http_client(max_attempts=1) as client:
        yield client


Make = Callable[..., ImdbGraphqlSource]


@pytest.fixture
def make(http: HttpClient, failures: list[DetailFailure]) -> Make:
    def source_at(url: str) -> ImdbGraphqlSource:
        endpoint = Endpoint(url=url, client_name="tests", language="en-US", country="US")
        return ImdbGraphqlSource(http, endpoint, 50, print, failures.append)

    return source_at


def details_of(title: object) -> dict[DetailName, Any]:
    assert isinstance(title, Title)
    return {detail.name: detail for detail in title.details}


def listed(*texts: str, total: int | None = None, after: str | None = None) -> dict[str, Any]:
    return {
        "total": len(texts) if total is None else total,
        "pageInfo": {"hasNextPage": after is not None, "endCursor": after},
        "edges": [{"node": {"text": text}} for text in texts],
    }


def scripted(*replies: bytes, asked: list[dict[str, Any]]) -> Answer:
    """Gives these answers, one after the other, and notes the questions."""
    waiting = list(replies)

    def answer(handler: Handler) -> None:
        asked.append(json.loads(handler.body))
        handler.reply_packed(waiting.pop(0))

    return answer


def titles_with(**detail: Any) -> bytes:
    return answers.body({"titles": [answers.title(ONE) | detail]})


def test_nothing_asked_for_is_the_query_as_it_always_was(make: Make) -> None:
    asked: list[dict[str, Any]] = []
    with serving({"/": scripted(titles_with(), asked=asked)}) as server:
        [title] = make(f"{server.url}/").titles([ONE])
    assert asked == [{"query": QUERIES["titles"], "variables": {"ids": [ONE]}}]
    assert details_of(title) == {}


def test_everything_comes_along_with_the_titles(make: Make, failures: list[DetailFailure]) -> None:
    with DemoSite(FACTS) as site:
        titles = make(f"{site.url}/graphql").titles(IDS[1:11], tuple(DetailName))
        assert site.count("/graphql") == 1
    assert failures == []
    for title in titles:
        assert tuple(details_of(title)) == tuple(DetailName)
        assert all(detail.is_whole for detail in details_of(title).values())


def test_what_is_read_of_a_title_in_numbers_and_extras(make: Make) -> None:
    with DemoSite(FACTS) as site:
        [title] = make(f"{site.url}/graphql").titles([IDS[9]], tuple(DetailName))
    found = {name: detail.items for name, detail in details_of(title).items()}
    facts = FACTS.titles[9]
    assert found[DetailName.EPISODE_OF] == (
        EpisodeOf(series_id="tt9100000015", title="Demo title 15", season=1, number=10),
    )
    assert found[DetailName.RUNTIMES] == (Runtime(seconds=facts.runtime_minutes * 60),)
    assert found[DetailName.RANKINGS] == (
        Ranking(kind=RankingKind.POPULARITY, rank=10, change=2, direction="UP"),
        Ranking(kind=RankingKind.TOP_RATED, rank=10),
    )
    histogram = found[DetailName.RATING_HISTOGRAM]
    assert [one.rating for one in histogram] == list(range(1, 11))
    assert sum(one.votes for one in histogram) == facts.votes
    assert found[DetailName.COUNTRY_RATINGS][0] == CountryRating(
        country="AR", rating=facts.rating, votes=10
    )
    assert [one.score for one in found[DetailName.CRITIC_REVIEWS]] == [facts.metascore]
    assert found[DetailName.ALTERNATE_VERSIONS] == (
        AlternateVersion(text=f"Made up version 1 of {facts.title}."),
    )
    assert found[DetailName.CRAZY_CREDITS] == (
        CrazyCredit(
            text=f"Made up crazy credit 1 of {facts.title}.", users_interested=1, users_voted=2
        ),
    )
    assert found[DetailName.FAQS] == (
        Faq(question=f"Is this about {facts.title}?", is_spoiler=False),
    )
    assert [one.name for one in found[DetailName.INTERESTS]] == [
        f"Demo {genre}" for genre in facts.genres
    ]
    assert found[DetailName.VIDEOS] == (
        Video(
            video_id="vi9000010", name=f"Trailer of {facts.title}", kind="Trailer", seconds=70,
            date=ReleaseDate(year=facts.year, month=1, day=2),
        ),
    )  # fmt: skip
    assert found[DetailName.NEWS] == (
        NewsArticle(
            news_id="ni9000010", headline=f"Nothing new of {facts.title}", publisher="Demo News",
            date=ReleaseDate(year=2020, month=2, day=3),
            url=f"https://example.com/{facts.imdb_id}/news",
        ),
    )  # fmt: skip


def test_a_long_detail_is_asked_for_to_its_end(make: Make) -> None:
    with DemoSite(FACTS) as site:
        [title] = make(f"{site.url}/graphql").titles(IDS[:1], [DetailName.AKAS, DetailName.GOOFS])
        assert site.count("/graphql") == 2
    akas = details_of(title)[DetailName.AKAS]
    assert akas.is_whole
    assert [aka.title for aka in akas.items] == [
        "The Shawshank Redemption",
        *(f"The Shawshank Redemption {number}" for number in range(1, 61)),
    ]
    assert [aka.is_original for aka in akas.items[:2]] == [True, None]


def test_of_images_and_reviews_the_first_are_enough(make: Make) -> None:
    asked: list[dict[str, Any]] = []
    reviews = listed(total=9000, after="more") | {"edges": [{"node": {"id": "rw1"}}]}
    with serving({"/": scripted(titles_with(reviews=reviews), asked=asked)}) as server:
        [title] = make(f"{server.url}/").titles([ONE], [DetailName.REVIEWS])
    assert len(asked) == 1
    detail = details_of(title)[DetailName.REVIEWS]
    assert [review.review_id for review in detail.items] == ["rw1"]
    assert not detail.is_whole


def test_titles_with_details_are_asked_for_by_ten(make: Make) -> None:
    with DemoSite(FACTS) as site:
        titles = make(f"{site.url}/graphql").titles(IDS, [TAGLINES])
        assert site.count("/graphql") == 2
    assert [title.imdb_id for title in titles if isinstance(title, Title)] == IDS


def test_fewer_titles_are_asked_for_when_they_are_too_complex(make: Make) -> None:
    with DemoSite(FACTS, most_titles=3) as site:
        titles = make(f"{site.url}/graphql").titles(IDS, [TAGLINES])
    assert [len(details_of(title)) for title in titles] == [1] * len(IDS)


def test_details_that_are_too_complex_together_are_asked_for_one_by_one(
    make: Make, failures: list[DetailFailure]
) -> None:
    asked: list[dict[str, Any]] = []
    too_complex = answers.body(None, answers.error("too complex", "QUERY_TOO_COMPLEX"))
    one = answers.body({"title": {"taglines": listed("A", total=1)}})
    replies = (
        too_complex, titles_with(), too_complex, answers.body({"title": {"keywords": listed()}}),
        one,
    )  # fmt: skip
    with serving({"/": scripted(*replies, asked=asked)}) as server:
        [title] = make(f"{server.url}/").titles([ONE], [KEYWORDS, TAGLINES])
    assert failures == []
    assert [len(detail.items) for detail in details_of(title).values()] == [0, 1]
    assert [question["variables"].get("first") for question in asked] == [50, None, 250, 125, 250]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (titles_with(taglines={"edges": 5}), "edges"),
        (titles_with(taglines=listed("")), "text"),
        (titles_with(), "does not have it"),
        (
            answers.body(
                {"titles": [answers.title(ONE) | {"taglines": None}]},
                answers.error("no taglines today", "X", ["titles", 0, "taglines", "edges"]),
            ),
            "no taglines today",
        ),
    ],
)
def test_what_is_wrong_with_a_detail_harms_neither_title_nor_others(
    make: Make, failures: list[DetailFailure], reply: bytes, told: str
) -> None:
    document = json.loads(reply)
    document["data"]["titles"][0]["keywords"] = listed("prison")
    asked: list[dict[str, Any]] = []
    with serving({"/": scripted(json.dumps(document).encode(), asked=asked)}) as server:
        [title] = make(f"{server.url}/").titles([ONE], [KEYWORDS, TAGLINES])
    assert list(details_of(title)) == [KEYWORDS]
    [failure] = failures
    assert (failure.imdb_id, failure.detail) == (ONE, TAGLINES)
    assert told in failure.message


def test_an_error_about_the_facts_is_still_the_titles(make: Make) -> None:
    wrong = answers.error("no plot", "X", ["titles", 0, "plot"])
    reply = answers.body({"titles": [answers.title(ONE) | {"keywords": listed()}]}, wrong)
    with serving({"/": scripted(reply, asked=[])}) as server:
        [outcome] = make(f"{server.url}/").titles([ONE], [KEYWORDS])
    assert "no plot" in str(outcome)


def test_a_rest_that_cannot_be_had_costs_the_detail_and_no_more_requests(
    make: Make, failures: list[DetailFailure]
) -> None:
    asked: list[dict[str, Any]] = []
    first = titles_with(
        keywords=listed("a", total=9, after="x"), taglines=listed("b", total=9, after="y")
    )

    def answer(handler: Handler) -> None:
        asked.append(json.loads(handler.body))
        if len(asked) == 1:
            handler.reply_packed(first)
        else:
            handler.reply(500)

    with serving({"/": answer}) as server:
        [title] = make(f"{server.url}/").titles([ONE], [KEYWORDS, TAGLINES])
    assert details_of(title) == {}
    assert [failure.detail for failure in failures] == [KEYWORDS, TAGLINES]
    assert "500" in failures[0].message
    assert len(asked) == 2
    assert asked[1]["variables"] == {"id": ONE, "first": 250, "after": "x"}


@pytest.mark.parametrize("rest", [listed(total=9, after="y"), listed("c", total=9, after="x")])
def test_a_list_that_promises_more_for_ever_is_not_followed(
    make: Make, failures: list[DetailFailure], rest: dict[str, Any]
) -> None:
    replies = (
        titles_with(taglines=listed("b", total=9, after="x")),
        answers.body({"title": {"taglines": rest}}),
    )
    with serving({"/": scripted(*replies, asked=[])}) as server:
        [title] = make(f"{server.url}/").titles([ONE], [TAGLINES])
    assert details_of(title) == {}
    assert "does not lead on" in failures[0].message


def test_places_in_a_category_go_on_in_the_next_part(make: Make) -> None:
    def credit(number: int) -> dict[str, Any]:
        person = {"id": f"nm{number:07}", "nameText": {"text": f"Person {number}"}}
        return {"node": {"category": {"id": "producer"}, "name": person}}

    parts = [
        listed(total=3, after="x") | {"edges": [credit(1), credit(2)]},
        listed(total=3) | {"edges": [credit(3)]},
    ]
    replies = titles_with(credits=parts[0]), answers.body({"title": {"credits": parts[1]}})
    with serving({"/": scripted(*replies, asked=[])}) as server:
        [title] = make(f"{server.url}/").titles([ONE], [DetailName.FULL_CREDITS])
    found = details_of(title)[DetailName.FULL_CREDITS]
    assert [(one.billing, one.person_id) for one in found.items] == [
        (1, "nm0000001"), (2, "nm0000002"), (3, "nm0000003"),
    ]  # fmt: skip


def test_a_run_that_is_stopped_has_no_title_without_its_details(
    http: HttpClient, failures: list[DetailFailure]
) -> None:
    class Stopping:
        def __init__(self) -> None:
            self.asked = 0

        def post(self, url: str, body: bytes, headers: Any, read: Any) -> Any:
            self.asked += 1
            if self.asked > 1:
                raise RunStopped("stopped")
            return http.post(url, body, headers, read)

    reply = titles_with(taglines=listed("b", total=9, after="x"))
    with serving({"/": scripted(reply, asked=[])}) as server:
        endpoint = Endpoint(url=f"{server.url}/", client_name="t", language="en-US", country="US")
        source = ImdbGraphqlSource(Stopping(), endpoint, 50, print, failures.append)
        with pytest.raises(RunStopped):
            source.titles([ONE], [TAGLINES])
    assert failures == []
