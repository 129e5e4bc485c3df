from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from domain.errors import PageChanged, PersonNotFound, SourceBlocked, SourceUnavailable
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_html import ImdbHtmlPeople
from tests.clients import http_client
from tests.servers import Answer, ScriptedServer, page, serving
from tests.unit.imdb_pages import pages, person_pages

SourceOf = Callable[[ScriptedServer], ImdbHtmlPeople]

NOW = datetime(2026, 5, 6, tzinfo=UTC)
ID = person_pages.PERSON_ID
PERSON = f"/name/{ID}/"


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with http_client(max_attempts=1, now=lambda: NOW) as client:
        yield client


@pytest.fixture
def source(http: HttpClient) -> SourceOf:
    return lambda server: ImdbHtmlPeople(http, server.url)


def person_page() -> Answer:
    return page(person_pages.html(person_pages.v2()).encode())


def answered(status: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda handler: handler.reply(status, body, **headers)


def test_a_person_is_read_with_where_and_when_it_came_from(source):
    with serving({PERSON: person_page()}) as server:
        [person] = source(server).people([ID])
    assert (person.imdb_id, person.name) == (ID, "Li Wen")
    assert (person.provenance.source, person.provenance.fetched_at) == ("html", NOW)


@pytest.mark.parametrize("status", [404, 410])
def test_who_is_not_there_is_not_found(source, status):
    with serving({PERSON: answered(status)}) as server:
        [outcome] = source(server).people([ID])
    assert isinstance(outcome, PersonNotFound)


@pytest.mark.parametrize(
    "answer",
    [answered(202, x_amzn_waf_action="challenge"), answered(403, b"<html>Forbidden</html>"),
     answered(405, b"<html>", x_amzn_waf_action="captcha")],
)  # fmt: skip
def test_a_challenge_is_being_blocked(source, answer):
    with serving({PERSON: answer}) as server, pytest.raises(SourceBlocked):
        source(server).people([ID])


def test_any_other_status_is_no_page(source):
    answer = answered(451, b"<html>something</html>")
    with serving({PERSON: answer}) as server, pytest.raises(SourceUnavailable, match="HTTP 451"):
        source(server).people([ID])


@pytest.mark.parametrize("body", [b"", b"{}", pages.title_html(pages.v2()).encode()])
def test_a_page_of_something_else_is_never_a_person(source, body):
    with serving({PERSON: page(body)}) as server:
        [outcome] = source(server).people([ID])
    assert isinstance(outcome, PageChanged)


def test_the_page_of_somebody_else_is_refused(source):
    with serving({"/name/nm0000001/": person_page()}) as server:
        [outcome] = source(server).people(["nm0000001"])
    assert isinstance(outcome, PageChanged)
    assert f"{ID}, not nm0000001" in str(outcome)


def test_who_was_merged_is_taken_under_the_new_id(source):
    answers = {"/name/nm0000001/": answered(308, Location=PERSON), PERSON: person_page()}
    with serving(answers) as server:
        [person] = source(server).people(["nm0000001"])
    assert person.imdb_id == ID


def test_many_threads_may_ask_at_once(source):
    with serving({PERSON: person_page()}) as server, ThreadPoolExecutor(16) as threads:
        asked = source(server)
        outcomes = list(threads.map(lambda _: asked.people([ID]), range(64)))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert server.requests[PERSON] == 64
