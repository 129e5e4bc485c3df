import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from domain.chart import ChartName
from domain.errors import (
    ChartNotFound,
    InvalidTitle,
    PageChanged,
    RunStopped,
    SourceBlocked,
    SourceUnavailable,
    TitleNotFound,
)
from domain.release_date import ReleaseDate
from domain.title import CreditCategory, Title, TitleKind
from infrastructure.http import client as client_module
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_graphql import Endpoint, ImdbGraphqlSource
from infrastructure.scrapers.imdb_graphql.source import CHART_PART
from tests.clients import http_client
from tests.servers import Answer, Handler, ScriptedServer, serving
from tests.unit import graphql_answers as answers

NOW = datetime(2026, 5, 6, tzinfo=UTC)
ONE, TWO, THREE = "tt0000001", "tt0000002", "tt0000003"
IDS = [f"tt{n:07}" for n in range(1, 9)]
CHALLENGE = b"<html><head></head><body><div id='challenge-container'></div></body></html>"

Make = Callable[..., ImdbGraphqlSource]


@pytest.fixture(autouse=True)
def _quick_backoff(monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with http_client(max_attempts=1, now=lambda: NOW) as client:
        yield client


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def make(http: HttpClient, told: list[str]) -> Make:
    def source_of(server: ScriptedServer, batch_size: int = 50) -> ImdbGraphqlSource:
        endpoint = Endpoint(url=f"{server.url}/", client_name="us", language="de-AT", country="AT")
        return ImdbGraphqlSource(http, endpoint, batch_size, told.append)

    return source_of


def replying(status: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda handler: handler.reply(status, body, **headers)


def outcomes_of(make: Make, answer: Answer, ids: list[str], batch_size: int = 50):
    with serving({"/": answer}) as server:
        return make(server, batch_size).titles(ids)


# --- What it gives ---


def test_many_titles_come_with_one_request_and_with_every_fact(make):
    with serving({"/": answers.answering()}) as server:
        titles = make(server).titles(IDS)
        assert server.requests["/"] == 1
    assert [title.imdb_id for title in titles] == IDS
    [first, *_] = titles
    assert (first.kind, first.title, first.original_title) == (
        TitleKind.MOVIE, f"Title {ONE}", f"Titel {ONE}",
    )  # fmt: skip
    assert (first.year, first.end_year, first.runtime_minutes) == (1999, None, 136)
    assert (first.rating, first.votes, first.metascore) == (8.0, 1234, 73)
    assert (first.certificate, first.genres) == ("R", ("Action", "Sci-Fi"))
    assert first.release_date == ReleaseDate(year=1999, month=3, day=31)
    assert first.plot == "Somebody learns something."
    provenance = first.provenance
    assert (provenance.source, provenance.found_by) == ("graphql", "api")
    assert provenance.fetched_at == NOW


def test_credits_are_all_directors_writers_and_creators_and_the_cast_with_characters(make):
    [title] = outcomes_of(make, answers.answering(), [ONE])
    listed = {
        category: [(c.position, c.person_id, c.characters) for c in title.credits_of(category)]
        for category in CreditCategory
    }
    assert listed == {
        CreditCategory.DIRECTOR: [(1, "nm0000001", ()), (2, "nm0000002", ())],
        CreditCategory.WRITER: [(1, "nm0000001", ())],
        CreditCategory.CREATOR: [(1, "nm0000003", ())],
        CreditCategory.CAST: [(1, "nm0000004", ("The One", "Tom")), (2, "nm0000005", ())],
    }


def test_the_stars_stand_for_a_cast_that_is_not_there(make):
    stars = [answers.group(CreditCategory.CAST, answers.person(6))]
    bare = answers.title(ONE, principals=stars, topCast=None)
    [title] = outcomes_of(make, answers.answering(**{ONE: bare}), [ONE])
    assert [c.person_id for c in title.credits_of(CreditCategory.CAST)] == ["nm0000006"]


def test_what_is_not_known_is_none_and_never_made_up(make):
    unknown = answers.title(ONE)
    for name in unknown.keys() - {"id", "titleType", "titleText"}:
        unknown[name] = None
    [title] = outcomes_of(make, answers.answering(**{ONE: unknown}), [ONE])
    assert title == Title(
        imdb_id=ONE, kind=TitleKind.MOVIE, title=f"Title {ONE}", provenance=title.provenance
    )


def test_every_question_says_who_asks_and_for_which_country(make):
    with serving({"/": answers.answering()}) as server:
        make(server).titles([ONE])
    [headers] = server.headers_seen
    assert headers["Content-Type"] == "application/json"
    assert headers["x-imdb-client-name"] == "us"
    assert headers["x-imdb-user-country"] == "AT"
    assert headers["x-imdb-user-language"] == "de-AT"
    assert headers["User-Agent"] == "test-agent/1"


def test_a_chart_comes_in_rank_order_with_its_type(make):
    asked = []

    def answer(handler: Handler) -> None:
        asked.append(json.loads(handler.body)["variables"])
        handler.reply(200, answers.chart(3, range(3, 0, -1)))

    with serving({"/": answer}) as server:
        chart = make(server).chart(ChartName.TVMETER)
    assert asked == [{"chart": "MOST_POPULAR_TV_SHOWS", "first": CHART_PART, "after": None}]
    assert [(entry.rank, entry.title_id) for entry in chart.entries] == [
        (1, ONE), (2, TWO), (3, THREE),
    ]  # fmt: skip
    assert (chart.name, chart.captured_at) == (ChartName.TVMETER, NOW)


def test_a_chart_of_several_parts_is_asked_for_part_by_part(make):
    parts = {
        None: answers.chart(5, range(1, 3), hasNextPage=True, endCursor="a"),
        "a": answers.chart(5, range(3, 5), hasNextPage=True, endCursor="b"),
        "b": answers.chart(5, range(5, 6)),
    }

    def answer(handler: Handler) -> None:
        handler.reply(200, parts[json.loads(handler.body)["variables"]["after"]])

    with serving({"/": answer}) as server:
        chart = make(server).chart(ChartName.TOP)
        assert server.requests["/"] == 3
    assert [entry.rank for entry in chart.entries] == [1, 2, 3, 4, 5]


def test_the_disclaimer_is_told_once_by_whichever_thread_is_first(make, told):
    with serving({"/": answers.answering()}) as server, ThreadPoolExecutor(8) as threads:
        source = make(server)
        assert all(threads.map(source.titles, [[imdb_id] for imdb_id in IDS]))
    assert told == [f"source graphql says: {answers.DISCLAIMER}"]


def test_a_disclaimer_is_one_line_whatever_is_in_it(make, told):
    document = {
        "data": {"titles": [None]},
        "extensions": {"disclaimer": "a\n\x1b[31mb" + "c" * 999},
    }
    outcomes_of(make, replying(200, json.dumps(document).encode()), [ONE])
    [notice] = told
    assert notice.isprintable()
    assert len(notice) < 500


# --- Too much at once ---


def too_complex(handler: Handler) -> None:
    handler.reply(200, answers.body(None, answers.error("Query is too complex", "SOME_CODE")))


def complex_above(limit: int, refuse: Answer = too_complex) -> tuple[Answer, list[list[str]]]:
    """Answers questions for at most so many titles; and the questions that it was asked."""
    asked: list[list[str]] = []
    lock = threading.Lock()

    def answer(handler: Handler) -> None:
        ids = answers.asked_ids(handler)
        with lock:
            asked.append(ids)
        if len(ids) > limit:
            refuse(handler)
        else:
            answers.answering()(handler)

    return answer, asked


@pytest.mark.parametrize(
    "refuse",
    [
        too_complex,
        lambda handler: handler.reply(
            400, answers.body(None, answers.error("no", "QUERY_COMPLEXITY_EXCEEDED"))
        ),
        lambda handler: handler.reply(413, b"<html>too large</html>"),
    ],
)
def test_a_batch_that_is_too_complex_is_halved_and_none_is_lost_or_doubled(make, refuse):
    answer, asked = complex_above(2, refuse)
    with serving({"/": answer}) as server:
        source = make(server, batch_size=8)
        assert [title.imdb_id for title in source.titles(IDS)] == IDS
        assert source.batch_size == 2
        assert [len(ids) for ids in asked] == [8, 4, 2, 2, 2, 2]
        assert [title.imdb_id for title in source.titles(IDS[:4])] == IDS[:4]
    assert [len(ids) for ids in asked[6:]] == [2, 2], "the smaller size is kept"


def test_threads_that_are_refused_together_do_not_halve_it_again_and_again(make):
    answer, asked = complex_above(4)
    with serving({"/": answer}) as server, ThreadPoolExecutor(8) as threads:
        source = make(server, batch_size=8)
        results = list(threads.map(source.titles, [IDS] * 8))
        assert [[title.imdb_id for title in titles] for titles in results] == [IDS] * 8
        assert source.batch_size == 4
    assert sum(len(ids) for ids in asked if len(ids) <= 4) == 8 * len(IDS)


def test_a_query_that_is_too_complex_for_one_title_has_to_change(make):
    answer, _ = complex_above(0)
    outcomes = outcomes_of(make, answer, [ONE, TWO])
    assert [type(outcome) for outcome in outcomes] == [PageChanged, PageChanged]
    assert "too complex" in str(outcomes[0])


def test_titles_that_came_before_a_failure_are_not_lost(make):
    def answer(handler: Handler) -> None:
        if handler.number <= 2:
            answers.answering()(handler)
        else:
            handler.reply(404, b"gone away")

    outcomes = outcomes_of(make, answer, IDS[:6], batch_size=2)
    assert [outcome.imdb_id for outcome in outcomes[:4]] == IDS[:4]
    assert [type(outcome) for outcome in outcomes[4:]] == [SourceUnavailable] * 2


def test_a_run_that_is_stopped_is_no_failure_of_the_api(told):
    stop = threading.Event()

    def answer(handler: Handler) -> None:
        stop.set()
        answers.answering()(handler)

    with serving({"/": answer}) as server, http_client(stop=stop) as client:
        endpoint = Endpoint(url=server.url, client_name="us", language="en-US", country="US")
        source = ImdbGraphqlSource(client, endpoint, 1, told.append)
        with pytest.raises(RunStopped):
            source.titles([ONE, TWO])


# --- Titles that cannot be had ---


def partly_wrong(*errors: dict, **known: object) -> Answer:
    def answer(handler: Handler) -> None:
        titles = [known.get(i, answers.title(i)) for i in answers.asked_ids(handler)]
        handler.reply(200, answers.body({"titles": titles}, *errors))

    return answer


def test_a_deleted_title_is_not_found_and_the_others_are_there(make):
    first, second, third = outcomes_of(make, answers.answering(**{TWO: None}), [ONE, TWO, THREE])
    assert isinstance(second, TitleNotFound)
    assert second.imdb_id == TWO
    assert [first.imdb_id, third.imdb_id] == [ONE, THREE]


@pytest.mark.parametrize(
    "merged",
    [answers.title(THREE), answers.title(ONE, meta={"canonicalId": THREE})],
    ids=["under its new id", "under its old id"],
)
def test_a_merged_title_is_taken_under_its_new_id(make, merged):
    outcomes = outcomes_of(make, answers.answering(**{ONE: merged}), [ONE, TWO])
    assert [title.imdb_id for title in outcomes] == [THREE, TWO]


def test_a_merged_title_and_what_it_was_merged_into_may_be_asked_for_together(make):
    merged = answers.answering(**{ONE: answers.title(TWO)})
    assert [title.imdb_id for title in outcomes_of(make, merged, [ONE, TWO])] == [TWO, TWO]


def test_titles_in_another_order_are_never_taken_for_each_other(make):
    swapped = answers.answering(**{ONE: answers.title(TWO), TWO: answers.title(ONE)})
    first, second, third = outcomes_of(make, swapped, [ONE, TWO, THREE])
    assert isinstance(first, PageChanged)
    assert f"is {TWO}, not {ONE}" in str(first)
    assert isinstance(second, PageChanged)
    assert third.imdb_id == THREE


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (answers.error("no", "FORBIDDEN", ["titles", 1, "plot"]), SourceUnavailable, "plot: no"),
        (
            answers.error("down", "INTERNAL_SERVER_ERROR", ["titles", 1, "topCast", 0, "credits"]),
            SourceUnavailable,
            "topCast.0.credits: down",
        ),
        (answers.error("what?", None, ["titles", 1]), SourceUnavailable, "what?"),
        (answers.error("Invalid id", "BAD_USER_INPUT", ["titles", 1]), TitleNotFound, "Invalid id"),
        (answers.error("none", "NOT_FOUND", ["titles", 1]), TitleNotFound, "none"),
    ],
)
@pytest.mark.parametrize("is_there", [True, False], ids=["in part", "not at all"])
def test_a_title_whose_own_part_failed_fails_alone(make, error, kind, text, is_there):
    known = {} if is_there else {TWO: None}
    first, second, third = outcomes_of(make, partly_wrong(error, **known), [ONE, TWO, THREE])
    assert isinstance(second, kind)
    assert text in str(second)
    assert TWO in str(second)
    assert [first.imdb_id, third.imdb_id] == [ONE, THREE]


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"titleText": None}, PageChanged, "titleText"),
        ({"titleType": {"id": "hologram"}}, PageChanged, "hologram"),
        ({"ratingsSummary": {"aggregateRating": "8"}}, PageChanged, "aggregateRating"),
        ({"ratingsSummary": {"rating": 8}}, PageChanged, "ratingsSummary"),
        ({"metacritic": {"metascore": {"score": 101}}}, InvalidTitle, "metascore"),
        ({"id": "nm0000001", "meta": None}, InvalidTitle, "nm0000001"),
        ({"principals": [{"credits": [{"name": {}}]}]}, PageChanged, "nameText"),
    ],
)
def test_a_title_of_another_shape_is_named_with_the_field_and_harms_no_other(
    make, changes, kind, text
):
    odd = answers.title(TWO, **changes)
    first, second = outcomes_of(make, answers.answering(**{TWO: odd}), [ONE, TWO])
    assert first.imdb_id == ONE
    assert isinstance(second, kind)
    assert text in str(second)
    assert TWO in str(second) or kind is InvalidTitle


def test_a_title_without_any_list_of_credits_is_of_another_shape(make):
    odd = answers.title(ONE)
    del odd["principals"], odd["topCast"]
    [outcome] = outcomes_of(make, answers.answering(**{ONE: odd}), [ONE])
    assert isinstance(outcome, PageChanged)
    assert "principalCreditsV2" in str(outcome)


def test_an_id_that_the_api_refuses_is_found_among_the_others(make):
    def answer(handler: Handler) -> None:
        if THREE in answers.asked_ids(handler):
            refused = answers.error("Invalid id", "BAD_USER_INPUT")
            handler.reply(200, answers.body(None, refused))
        else:
            answers.answering()(handler)

    with serving({"/": answer}) as server:
        source = make(server)
        outcomes = source.titles(IDS)
        assert source.batch_size == 50, "it was not too much at once"
    assert [type(o) for o in outcomes] == [Title, Title, TitleNotFound] + [Title] * 5
    assert "Invalid id" in str(outcomes[2])


# --- Answers as a whole ---


def failing(answer: Answer, make: Make, *, method: str) -> Exception:
    """What asking for a chart raises, or for two titles: the same, or both have it."""
    with serving({"/": answer}) as server:
        if method == "chart":
            with pytest.raises(Exception, match=r".") as caught:
                make(server).chart(ChartName.TOP)
            return caught.value
        try:
            outcomes = make(server).titles([ONE, TWO])
        except (SourceBlocked, SourceUnavailable) as error:
            return error
        first, second = outcomes
        assert str(first) == str(second)
        return first


BOTH = pytest.mark.parametrize("method", ["chart", "titles"])


@BOTH
@pytest.mark.parametrize(
    "answer",
    [
        replying(202, x_amzn_waf_action="challenge"),
        replying(202),
        replying(202, CHALLENGE, x_amzn_waf_action="challenge"),
        replying(405, b"<html>", x_amzn_waf_action="captcha"),
        replying(200, CHALLENGE),
    ],
)
def test_a_challenge_is_being_blocked(make, method, answer):
    assert isinstance(failing(answer, make, method=method), SourceBlocked)


@BOTH
@pytest.mark.parametrize(
    "answer",
    [
        replying(403, b"<html><head><title>403 Forbidden</title></head></html>"),
        replying(200, answers.body(None, answers.error("Not for you", "FORBIDDEN"))),
        replying(200, answers.body(None, answers.error("Who?", "UNAUTHENTICATED"))),
    ],
)
def test_being_refused_says_what_one_can_do(make, method, answer):
    error = failing(answer, make, method=method)
    assert isinstance(error, SourceBlocked)
    assert "GRAPHQL_CLIENT_NAME" in str(error)


@BOTH
@pytest.mark.parametrize("status", [400, 401, 404, 405, 414, 415])
def test_a_client_error_is_hopeless_and_names_the_address(make, method, status):
    error = failing(replying(status, b"Invalid content type"), make, method=method)
    assert isinstance(error, SourceUnavailable)
    assert error.hopeless
    assert f"HTTP {status}" in str(error)
    assert "GRAPHQL_URL" in str(error)


@BOTH
@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_a_server_that_cannot_now_is_unavailable_for_now(make, method, status):
    error = failing(replying(status, b"later"), make, method=method)
    assert isinstance(error, SourceUnavailable)
    assert f"HTTP {status}" in str(error)


def test_a_429_is_waited_for(told):
    def answer(handler: Handler) -> None:
        if handler.number == 1:
            handler.reply(429)
        else:
            answers.answering()(handler)

    with serving({"/": answer}) as server, http_client(max_attempts=3) as client:
        endpoint = Endpoint(url=server.url, client_name="us", language="en-US", country="US")
        [title] = ImdbGraphqlSource(client, endpoint, 50, told.append).titles([ONE])
    assert title.imdb_id == ONE


@BOTH
@pytest.mark.parametrize("status", [204, 302, 501])
def test_any_other_status_is_no_answer(make, method, status):
    error = failing(replying(status), make, method=method)
    assert isinstance(error, SourceUnavailable)


@BOTH
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>something else</html>",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"data": 5}',
        b'{"data": {}}' * 2,
        b'{"data": {"titles": {}, "chartTitles": []}}',
        b'{"data": {"titles": [null], "chartTitles": {"edges": null}}}',
        b'{"errors": "all of it"}',
        b'{"data": null, "errors": [5]}',
    ],
)
def test_anything_else_is_an_answer_of_another_shape(make, method, body):
    error = failing(replying(200, body), make, method=method)
    assert isinstance(error, PageChanged)
    assert "http://127.0.0.1" in str(error)


@BOTH
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("code", ["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"])
def test_a_query_that_the_api_does_not_take_any_more_has_to_change(make, method, status, code):
    wrong = answers.error('Cannot query field "plot" on type "Title".', code)
    error = failing(replying(status, answers.body(None, wrong)), make, method=method)
    assert isinstance(error, PageChanged)
    assert "Cannot query field" in str(error)


@BOTH
@pytest.mark.parametrize(
    "error",
    [
        answers.error("timed out", "INTERNAL_SERVER_ERROR"),
        answers.error("timed out"),
        answers.error("timed out", "X", ["somewhere", "else"]),
    ],
)
def test_an_error_about_the_whole_answer_is_one_of_the_source(make, method, error):
    data = {"titles": [answers.title(ONE), answers.title(TWO)], "chartTitles": None}
    found = failing(replying(200, answers.body(data, error)), make, method=method)
    assert isinstance(found, SourceUnavailable)
    assert "timed out" in str(found)


def test_as_many_titles_as_were_asked_for_must_come_back(make):
    answer = replying(200, answers.body({"titles": [answers.title(ONE)]}))
    first, second = outcomes_of(make, answer, [ONE, TWO])
    assert isinstance(first, PageChanged)
    assert "2 were asked for" in str(first)
    assert isinstance(second, PageChanged)


# --- Charts that cannot be had ---


@pytest.mark.parametrize(
    "answer",
    [
        replying(200, answers.body({"chartTitles": None})),
        replying(200, answers.body(None, answers.error("no such chart", "BAD_USER_INPUT"))),
    ],
)
def test_a_chart_that_the_api_does_not_have_is_not_found(make, answer):
    assert isinstance(failing(answer, make, method="chart"), ChartNotFound)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (answers.chart(0, range(0)), "empty"),
        (answers.chart(4, range(1, 4)), "has 3 of 4 titles"),
        (answers.chart(3, range(2, 5)), "rank 1 is missing"),
        (answers.chart(9, range(1, 3), hasNextPage=True), "does not lead on"),
        (answers.chart(9, range(0), hasNextPage=True, endCursor="x"), "does not lead on"),
    ],
)
def test_a_part_of_a_chart_is_never_taken_for_the_whole(make, answer, text):
    error = failing(replying(200, answer), make, method="chart")
    assert isinstance(error, PageChanged)
    assert text in str(error)


def test_a_chart_that_leads_in_a_circle_ends(make):
    same = answers.chart(9, range(1, 3), hasNextPage=True, endCursor="x")
    with serving({"/": replying(200, same)}) as server:
        with pytest.raises(PageChanged, match="does not lead on"):
            make(server).chart(ChartName.TOP)
        assert server.requests["/"] == 2


def test_a_chart_with_a_title_that_is_none_breaks_a_rule(make):
    odd = answers.chart(1, range(1, 2)).replace(b"tt0000001", b"nm0000001")
    assert isinstance(failing(replying(200, odd), make, method="chart"), InvalidTitle)
