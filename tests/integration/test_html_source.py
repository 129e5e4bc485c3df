import gzip
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from domain.chart import ChartName
from domain.errors import (
    ChartNotFound,
    PageChanged,
    SourceBlocked,
    SourceUnavailable,
    TitleNotFound,
)
from infrastructure.http.client import HttpClient
from infrastructure.http.response import PackedResponse, Response
from infrastructure.scrapers.imdb_html import ImdbHtmlSource, ReadInThread, TitleReader
from infrastructure.scrapers.imdb_html.parse_pool import ParsePool
from tests.clients import LOCALE, http_client
from tests.servers import Answer, Handler, ScriptedServer, page, serving
from tests.unit.imdb_pages import pages

SourceOf = Callable[[ScriptedServer], ImdbHtmlSource]

NOW = datetime(2026, 5, 6, tzinfo=UTC)
TITLE = f"/title/{pages.TITLE_ID}/"
CHALLENGE = (
    b"<html><head><title></title></head><body><div id='challenge-container'></div>"
    b"<script>AwsWafIntegration.saveReferrer()</script></body></html>"
)
CONSENT = b"<html><head><title>Before you continue</title></head><body>Cookies?</body></html>"


@pytest.fixture(scope="module")
def parse_pool() -> Iterator[ParsePool]:
    with ParsePool(2) as pool:
        yield pool


@pytest.fixture(params=["in threads", "in processes"])
def reader(request: pytest.FixtureRequest) -> TitleReader:
    """Every way to read titles fulfils the port: each test runs with both."""
    if request.param == "in threads":
        return ReadInThread()
    pool: ParsePool = request.getfixturevalue("parse_pool")
    return pool


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with http_client(max_attempts=1, now=lambda: NOW) as client:
        yield client


@pytest.fixture
def source(http: HttpClient, reader: TitleReader) -> SourceOf:
    return lambda server: ImdbHtmlSource(http, reader, server.url, LOCALE)


def title_page() -> Answer:
    return page(pages.title_html(pages.v2()).encode())


def answered(status: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda handler: handler.reply(status, body, **headers)


def test_a_title_is_read_with_where_and_when_it_came_from(source):
    with serving({TITLE: title_page()}) as server:
        [title] = source(server).titles([pages.TITLE_ID])
    assert (title.imdb_id, title.title) == (pages.TITLE_ID, "The Quiet Harbour")
    provenance = title.provenance
    assert (provenance.source, provenance.found_by) == ("html", "next_data")
    assert provenance.fetched_at == NOW


def test_a_chart_is_read_in_order(source):
    body = pages.html_page(pages.next_data(pages.chart(3), "/chart/top")).encode()
    with serving({"/chart/top/": page(body)}) as server:
        chart = source(server).chart(ChartName.TOP)
    assert [entry.rank for entry in chart.entries] == [1, 2, 3]
    assert chart.captured_at == NOW


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_not_found(source, status):
    with serving({TITLE: answered(status), "/chart/top/": answered(status)}) as server:
        [outcome] = source(server).titles([pages.TITLE_ID])
        with pytest.raises(ChartNotFound):
            source(server).chart(ChartName.TOP)
    assert isinstance(outcome, TitleNotFound)


@pytest.mark.parametrize(
    "answer",
    [
        answered(202, x_amzn_waf_action="challenge"),
        answered(202),
        answered(202, CHALLENGE, x_amzn_waf_action="challenge"),
        answered(202, CHALLENGE),
        answered(405, b"<html>", x_amzn_waf_action="captcha"),
        answered(403, b"", x_amzn_waf_action="block"),
        answered(403, b"<html>Forbidden</html>"),
        answered(200, CHALLENGE),
    ],
)
def test_a_challenge_in_every_shape_is_being_blocked(source, answer):
    with serving({TITLE: answer, "/chart/top/": answer}) as server:
        with pytest.raises(SourceBlocked):
            source(server).titles([pages.TITLE_ID])
        with pytest.raises(SourceBlocked):
            source(server).chart(ChartName.TOP)


@pytest.mark.parametrize("status", [204, 202, 401, 400, 405, 451, 501])
def test_any_other_status_is_no_page(source, status):
    body = b"" if status == 204 else b"<html>something</html>"
    with serving({TITLE: answered(status, body)}) as server:
        with pytest.raises(SourceUnavailable, match=f"HTTP {status}"):
            source(server).titles([pages.TITLE_ID])


@pytest.mark.parametrize("body", [CONSENT, b"<html></html>", b"", b"\x00\xff", b"{}", b"[]"])
def test_a_page_of_something_else_is_never_a_title(source, body):
    with serving({TITLE: page(body)}) as server:
        [outcome] = source(server).titles([pages.TITLE_ID])
    assert isinstance(outcome, PageChanged)


def test_the_page_of_another_title_is_refused(source):
    with serving({"/title/tt0000001/": title_page()}) as server:
        [outcome] = source(server).titles(["tt0000001"])
    assert isinstance(outcome, PageChanged)
    assert "tt7654321, not tt0000001" in str(outcome)


def test_a_merged_title_is_taken_under_its_new_id(source):
    answers = {"/title/tt0000001/": answered(308, Location=TITLE), TITLE: title_page()}
    with serving(answers) as server:
        [title] = source(server).titles(["tt0000001"])
    assert title.imdb_id == pages.TITLE_ID


def test_an_id_that_begins_like_the_one_of_the_page_is_another_title(source):
    with serving({f"/title/{pages.TITLE_ID}2/": title_page()}) as server:
        [outcome] = source(server).titles([f"{pages.TITLE_ID}2"])
    assert isinstance(outcome, PageChanged)


def packed(body: bytes) -> PackedResponse:
    return PackedResponse("saved:page", 200, {}, gzip.compress(body), "gzip", 1 << 24, NOW)


def test_a_body_that_arrives_damaged_is_asked_for_again(reader):
    whole = gzip.compress(pages.title_html(pages.v2()).encode())

    def damaged_at_first(handler: Handler) -> None:
        body = whole if handler.number > 1 else whole[:-9]
        handler.reply(200, body, Content_Encoding="gzip")

    with serving({TITLE: damaged_at_first}) as server, http_client(max_attempts=3) as client:
        [title] = ImdbHtmlSource(client, reader, server.url, LOCALE).titles([pages.TITLE_ID])
        assert server.requests[TITLE] == 2
    assert title.imdb_id == pages.TITLE_ID


def test_a_page_that_unpacks_to_more_than_the_limit_is_not_read(reader):
    bomb = gzip.compress(b" " * 2_000_000)
    answer = answered(200, bomb, Content_Encoding="gzip")
    with serving({TITLE: answer}) as server, http_client(max_body_bytes=1_000_000) as client:
        with pytest.raises(SourceUnavailable, match="larger than 1000000 bytes"):
            ImdbHtmlSource(client, reader, server.url, LOCALE).titles([pages.TITLE_ID])


def test_pages_that_other_processes_read_say_the_same(parse_pool):
    body = pages.title_html(pages.v2()).encode()
    with ThreadPoolExecutor(20) as threads:
        read = [threads.submit(parse_pool, packed(body)) for _ in range(60)]
    assert {future.result() for future in read} == {ReadInThread()(packed(body))}


def test_no_page_is_lost_when_a_process_that_reads_dies():
    body = pages.title_html(pages.v2()).encode()
    with ParsePool(2) as pool, ThreadPoolExecutor(20) as threads:
        first = pool(packed(body))
        for process in multiprocessing.active_children():
            os.kill(process.pid or 0, signal.SIGKILL)
        read = [threads.submit(pool, packed(body)) for _ in range(60)]
        assert {future.result() for future in read} == {first}


@dataclass(frozen=True)
class KillsItsReader:
    """A page at which the parser crashes."""

    url = "saved:poison"
    status = 200

    def unpacked(self) -> Response:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")


def test_a_page_that_kills_its_reader_twice_is_given_up_and_harms_no_other():
    body = pages.title_html(pages.v2()).encode()
    with ParsePool(1) as pool:
        with pytest.raises(PageChanged, match="the process that read it died"):
            pool(KillsItsReader())
        assert pool(packed(body)).imdb_id == pages.TITLE_ID
