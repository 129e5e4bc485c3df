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
from infrastructure.scrapers.imdb_html import ImdbHtmlSource
from tests.clients import http_client
from tests.servers import Answer, ScriptedServer, page, serving
from tests.unit.imdb_pages import pages

NOW = datetime(2026, 5, 6, tzinfo=UTC)
TITLE = f"/title/{pages.TITLE_ID}/"
CHALLENGE = (
    b"<html><head><title></title></head><body><div id='challenge-container'></div>"
    b"<script>AwsWafIntegration.saveReferrer()</script></body></html>"
)
CONSENT = b"<html><head><title>Before you continue</title></head><body>Cookies?</body></html>"


@pytest.fixture
def http():
    with http_client(max_attempts=1) as client:
        yield client


def source(http: HttpClient, server: ScriptedServer) -> ImdbHtmlSource:
    return ImdbHtmlSource(http.get, server.url, lambda: NOW)


def title_page() -> Answer:
    return page(pages.title_html(pages.v2()).encode())


def answered(status: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda handler: handler.reply(status, body, **headers)


def test_a_title_is_read_with_where_and_when_it_came_from(http):
    with serving({TITLE: title_page()}) as server:
        [title] = source(http, server).titles([pages.TITLE_ID])
    assert (title.imdb_id, title.title) == (pages.TITLE_ID, "The Quiet Harbour")
    provenance = title.provenance
    assert (provenance.source, provenance.found_by) == ("html", "next_data")
    assert provenance.fetched_at == NOW


def test_a_chart_is_read_in_order(http):
    body = pages.html_page(pages.next_data(pages.chart(3), "/chart/top")).encode()
    with serving({"/chart/top/": page(body)}) as server:
        chart = source(http, server).chart(ChartName.TOP)
    assert [entry.rank for entry in chart.entries] == [1, 2, 3]
    assert chart.captured_at == NOW


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_not_found(http, status):
    with serving({TITLE: answered(status), "/chart/top/": answered(status)}) as server:
        [outcome] = source(http, server).titles([pages.TITLE_ID])
        with pytest.raises(ChartNotFound):
            source(http, server).chart(ChartName.TOP)
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
def test_a_challenge_in_every_shape_is_being_blocked(http, answer):
    with serving({TITLE: answer, "/chart/top/": answer}) as server:
        with pytest.raises(SourceBlocked):
            source(http, server).titles([pages.TITLE_ID])
        with pytest.raises(SourceBlocked):
            source(http, server).chart(ChartName.TOP)


@pytest.mark.parametrize("status", [204, 202, 401, 400, 405, 451, 501])
def test_any_other_status_is_no_page(http, status):
    body = b"" if status == 204 else b"<html>something</html>"
    with serving({TITLE: answered(status, body)}) as server:
        with pytest.raises(SourceUnavailable, match=f"HTTP {status}"):
            source(http, server).titles([pages.TITLE_ID])


@pytest.mark.parametrize("body", [CONSENT, b"<html></html>", b"", b"\x00\xff", b"{}", b"[]"])
def test_a_page_of_something_else_is_never_a_title(http, body):
    with serving({TITLE: page(body)}) as server:
        [outcome] = source(http, server).titles([pages.TITLE_ID])
    assert isinstance(outcome, PageChanged)


def test_the_page_of_another_title_is_refused(http):
    with serving({"/title/tt0000001/": title_page()}) as server:
        [outcome] = source(http, server).titles(["tt0000001"])
    assert isinstance(outcome, PageChanged)
    assert "tt7654321, not tt0000001" in str(outcome)


def test_a_merged_title_is_taken_under_its_new_id(http):
    answers = {"/title/tt0000001/": answered(308, Location=TITLE), TITLE: title_page()}
    with serving(answers) as server:
        [title] = source(http, server).titles(["tt0000001"])
    assert title.imdb_id == pages.TITLE_ID


def test_an_id_that_begins_like_the_one_of_the_page_is_another_title(http):
    with serving({f"/title/{pages.TITLE_ID}2/": title_page()}) as server:
        [outcome] = source(http, server).titles([f"{pages.TITLE_ID}2"])
    assert isinstance(outcome, PageChanged)
