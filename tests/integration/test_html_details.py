"""Details from the web site: which pages are asked for, and what one that fails costs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from domain.details import Detail, DetailName
from domain.errors import TitleNotFound
from domain.run import DetailFailure
from domain.title import Title
from infrastructure.http.client import HttpClient
from infrastructure.scrapers.imdb_html import ImdbHtmlSource, ReadInThread
from tests.clients import LOCALE, http_client
from tests.servers import Answer, ScriptedServer, page, serving
from tests.unit.imdb_pages import detail_pages as made
from tests.unit.imdb_pages import pages

ID = pages.TITLE_ID
TITLE, REFERENCE = f"/title/{ID}/", f"/title/{ID}/reference/"
RELEASES, EPISODES = f"/title/{ID}/releaseinfo/", f"/title/{ID}/episodes/?season="
TAGLINE = made.edges({"text": "Wait."}, total=1)
CERTIFICATE = made.edges({"country": {"id": "DE"}, "rating": "12"}, total=1)
CHALLENGE: Answer = lambda handler: handler.reply(202, x_amzn_waf_action="challenge")  # noqa: E731
AKAS, DATES, TAGLINES = DetailName.AKAS, DetailName.RELEASE_DATES, DetailName.TAGLINES
CERTIFICATES, AWARDS = DetailName.CERTIFICATES, DetailName.AWARDS

Ask = Callable[..., tuple[dict[DetailName, Detail], dict[DetailName, str], dict[str, int]]]


@pytest.fixture
def http() -> Iterator[HttpClient]:
    with http_client(max_attempts=1) as client:
        yield client


@pytest.fixture
def ask(http: HttpClient) -> Ask:
    """Ask for a title with details: gives them, why others are not there, and the requests."""

    def asked(
        answers: Mapping[str, str | Answer], *names: DetailName
    ) -> tuple[dict[DetailName, Detail], dict[DetailName, str], dict[str, int]]:
        failures: list[DetailFailure] = []
        with serving(scripted(answers)) as server:
            [title] = source_at(http, server, failures).titles([ID], names)
            requests = dict(server.requests)
        assert isinstance(title, Title)
        assert all(failure.imdb_id == ID for failure in failures)
        requests.pop("/robots.txt", None)
        found = {detail.name: detail for detail in title.details}
        return found, {failure.detail: failure.message for failure in failures}, requests

    return asked


def scripted(answers: Mapping[str, str | Answer]) -> dict[str, Answer]:
    return {
        path: page(given.encode()) if isinstance(given, str) else given
        for path, given in answers.items()
    }


def source_at(
    http: HttpClient, server: ScriptedServer, failures: list[DetailFailure]
) -> ImdbHtmlSource:
    return ImdbHtmlSource(http, ReadInThread(), server.url, LOCALE, failures.append)


def test_what_the_title_page_says_takes_no_other_request(ask: Ask) -> None:
    counts = {"wins": {"total": 2}, "nominationsExcludeWins": {"total": 3}}
    found, failures, requests = ask({TITLE: made.title(**counts)}, AWARDS)
    [item] = found[AWARDS].items
    assert (item.wins, item.nominations) == (2, 3)
    assert requests == {TITLE: 1}
    assert failures == {}


def test_another_page_is_asked_for_once_for_all_its_details(ask: Ask) -> None:
    answers = {
        TITLE: made.title(),
        REFERENCE: made.reference(taglines=TAGLINE, certificates=CERTIFICATE),
        RELEASES: made.release_info(),
    }
    found, failures, requests = ask(answers, AKAS, DATES, TAGLINES, CERTIFICATES)
    assert requests == {TITLE: 1, REFERENCE: 1, RELEASES: 1}
    assert failures == {}
    assert {name: len(detail.items) for name, detail in found.items()} == {
        AKAS: 1, DATES: 1, TAGLINES: 1, CERTIFICATES: 1,
    }  # fmt: skip
    assert [name for name, detail in found.items() if not detail.is_whole] == [AKAS]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda handler: handler.reply(500), "500"),
        (lambda handler: handler.reply(404), "404"),
        (CHALLENGE, "challenge"),
        (page(b"<html></html>"), "__NEXT_DATA__"),
        (page(made.reference().replace(ID, "tt7777777").encode()), "tt7777777"),
        (page(made.season("1").encode()), "does not say it"),
        (page(made.reference(taglines={"edges": 5}).encode()), "taglines.edges"),
        (page(made.reference(taglines=made.edges({"text": ""})).encode()), "text"),
        (page(made.reference().encode()), "does not say it"),
    ],
)
def test_a_page_that_fails_costs_its_details_and_not_the_title(
    ask: Ask, answer: Answer, told: str
) -> None:
    counts = {"wins": {"total": 2}, "nominationsExcludeWins": {"total": 3}}
    answers = {TITLE: made.title(**counts), REFERENCE: answer}
    found, failures, _ = ask(answers, AWARDS, TAGLINES)
    assert list(found) == [AWARDS]
    assert list(failures) == [TAGLINES]
    assert told in failures[TAGLINES]


def test_once_a_page_is_refused_no_other_is_asked_for(ask: Ask) -> None:
    answers = {TITLE: made.title(), REFERENCE: CHALLENGE, RELEASES: made.release_info()}
    found, failures, requests = ask(answers, TAGLINES, AKAS)
    assert found == {}
    assert set(failures) == {AKAS, TAGLINES}
    assert requests == {TITLE: 1, REFERENCE: 1}


def test_a_title_that_is_not_there_has_no_other_pages(http: HttpClient) -> None:
    with serving({}) as server:
        [outcome] = source_at(http, server, []).titles([ID], [AKAS])
        assert isinstance(outcome, TitleNotFound)
        assert RELEASES not in server.requests


def test_each_season_of_a_series_is_a_page(ask: Ask) -> None:
    seasons = ("1", "2", "unknown")
    answers: dict[str, Any] = {TITLE: made.title("tvSeries")}
    answers |= {EPISODES + name: made.season(name, *seasons) for name in seasons}
    found, failures, requests = ask(answers, DetailName.EPISODES)
    assert failures == {}
    assert requests == {TITLE: 1} | {EPISODES + name: 1 for name in seasons}
    episodes = found[DetailName.EPISODES]
    assert episodes.is_whole
    assert [(item.season, item.number, item.title) for item in episodes.items] == [
        (1, 1, "S1"), (2, 1, "S2"), (None, 1, "Sunknown"),
    ]  # fmt: skip


def test_a_season_that_goes_on_is_not_whole(ask: Ask) -> None:
    answers = {TITLE: made.title("tvMiniSeries"), f"{EPISODES}1": made.season("1", "1", more=True)}
    found, _, _ = ask(answers, DetailName.EPISODES)
    assert not found[DetailName.EPISODES].is_whole


def test_without_one_of_the_seasons_there_are_no_episodes(ask: Ask) -> None:
    answers = {TITLE: made.title("tvSeries"), f"{EPISODES}1": made.season("1", "1", "2")}
    found, failures, _ = ask(answers, DetailName.EPISODES)
    assert found == {}
    assert "season=2" in failures[DetailName.EPISODES]


def test_what_a_page_calls_a_season_leads_to_no_other_host(ask: Ask) -> None:
    name = "@evil.example/../x?&#"
    answers = {TITLE: made.title("tvSeries"), f"{EPISODES}1": made.season("1", "1", name)}
    _, failures, requests = ask(answers, DetailName.EPISODES)
    assert f"{EPISODES}%40evil.example%2F..%2Fx%3F%26%23" in requests
    assert set(failures) == {DetailName.EPISODES}


def test_a_film_has_no_episodes_and_takes_no_request_for_them(ask: Ask) -> None:
    found, failures, requests = ask({TITLE: made.title()}, DetailName.EPISODES)
    assert found[DetailName.EPISODES].items == ()
    assert found[DetailName.EPISODES].is_whole
    assert requests == {TITLE: 1}
    assert failures == {}


def test_a_page_without_its_data_is_read_without_details(ask: Ask) -> None:
    found, failures, _ = ask({TITLE: pages.html_page(None, head=pages.json_ld())}, AWARDS)
    assert found == {}
    assert "only that has details" in failures[AWARDS]
