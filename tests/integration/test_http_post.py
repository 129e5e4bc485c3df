"""Questions that are sent by POST go the way of pages: tries, redirects, robots, routes."""

from pathlib import Path

import pytest

from domain.errors import RobotsDisallowed, SourceBlocked, SourceUnavailable
from infrastructure.http import client as client_module
from infrastructure.http.cache import HttpCache
from infrastructure.http.cache_storage import FolderStorage
from infrastructure.http.client import HttpClient
from infrastructure.http.hosts import FAILURES_IN_A_ROW
from infrastructure.http.response import PackedResponse
from tests import clients
from tests.proxies import SECRET, proxy
from tests.servers import Handler, page, serving

JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@pytest.fixture(autouse=True)
def _quick_backoff(monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)


def echo(handler: Handler) -> None:
    kind = handler.headers["Content-Type"].encode()
    handler.reply_packed(handler.command.encode() + b" " + kind + b" " + handler.body)


def post(http: HttpClient, url: str, body: bytes = b'{"a": 1}') -> bytes:
    return bytes(http.post(url, body, JSON, PackedResponse.unpacked).body)


def test_a_question_is_sent_with_its_headers_and_what_the_program_says_of_itself():
    with serving({"/": echo}) as server, clients.http_client(language="de-AT") as http:
        assert post(http, f"{server.url}/") == b'POST application/json {"a": 1}'
    [headers] = server.headers_seen
    assert headers["Accept"] == "application/json"
    assert headers["User-Agent"] == "test-agent/1"
    assert headers["Accept-Language"] == "de-AT,de;q=0.9"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_it_is_sent_again_whole_when_the_answer_may_pass(status):
    def flaky(handler: Handler) -> None:
        if handler.number == 1:
            handler.reply(status)
        else:
            echo(handler)

    with serving({"/": flaky}) as server, clients.http_client() as http:
        assert post(http, f"{server.url}/").endswith(b'{"a": 1}')
        assert server.requests["/"] == 2


def test_a_redirect_on_the_same_site_is_followed_with_the_question():
    moved = {"/old": lambda h: h.reply(308, Location="/new"), "/new": echo}
    with serving(moved) as server, clients.http_client() as http:
        assert post(http, f"{server.url}/old") == b'POST application/json {"a": 1}'


def test_a_redirect_to_another_site_is_refused():
    away = {"/": lambda h: h.reply(308, Location="http://other.invalid/")}
    with serving(away) as server, clients.http_client() as http:
        with pytest.raises(SourceUnavailable, match="another site"):
            post(http, f"{server.url}/")


def test_robots_txt_is_asked_for_the_host_of_a_question_too():
    rules = {"/robots.txt": page(b"User-agent: *\nDisallow: /private\n"), "/open": echo}
    with serving(rules) as server, clients.http_client(obeys_robots=True) as http:
        with pytest.raises(RobotsDisallowed):
            post(http, f"{server.url}/private")
        assert post(http, f"{server.url}/open")
        assert server.requests["/robots.txt"] == 1


def _url(proxy_address: str) -> str:
    return f"http://user:{SECRET}@{proxy_address}"


def test_it_goes_over_the_routes():
    with serving({"/": echo}) as server, proxy("http") as one:
        with clients.http_client(proxies=[_url(one)]) as http:
            assert post(http, f"{server.url}/").startswith(b"POST")


def test_another_route_is_taken_when_the_reader_finds_that_the_first_is_blocked():
    answers = []

    def refuse_the_first(answer: PackedResponse) -> int:
        answers.append(answer.status)
        if len(answers) == 1:
            raise SourceBlocked(answer.url, "refused by the test")
        return answer.status

    with serving({"/": echo}) as server, proxy("http") as first, proxy("http") as second:
        with clients.http_client(proxies=[_url(first), _url(second)]) as http:
            assert http.post(f"{server.url}/", b"{}", JSON, refuse_the_first) == 200
    assert answers == [200, 200]


def test_a_body_over_the_limit_is_not_read():
    with serving({"/": page(b"x" * 1001)}) as server:
        with clients.http_client(max_body_bytes=1000) as http:
            with pytest.raises(SourceUnavailable, match="larger than 1000 bytes"):
                post(http, f"{server.url}/")


def test_answers_are_not_kept_in_the_cache(tmp_path: Path):
    cache = HttpCache(FolderStorage(tmp_path / "cache"), ttl_seconds=60, max_body_bytes=1 << 20)
    with serving({"/": echo}) as server, clients.http_client(cache=cache) as http:
        assert post(http, f"{server.url}/", b"one").endswith(b"one")
        assert post(http, f"{server.url}/", b"one").endswith(b"one")
        assert post(http, f"{server.url}/", b"two").endswith(b"two")
        assert server.requests["/"] == 3


def test_questions_of_one_address_count_each_by_itself_when_the_host_fails(caplog):
    """Else a host that answers no question at all would count as having one bad page."""
    with serving({"/": lambda h: h.reply(500)}) as server:
        with clients.http_client(max_attempts=1) as http:
            for number in range(FAILURES_IN_A_ROW):
                assert "leaving it alone" not in caplog.text
                with pytest.raises(SourceUnavailable, match="HTTP 500"):
                    post(http, f"{server.url}/", b"%d" % number)
    assert "leaving it alone" in caplog.text
