import gzip
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.errors import RunStopped, SourceUnavailable
from infrastructure.http import client as client_module
from infrastructure.http import names
from infrastructure.http.client import HttpClient, same_site
from infrastructure.http.headers import accept_language
from tests import clients
from tests.servers import Handler, page, serving

LIMIT = 100_000


def http_client(**changes) -> HttpClient:
    return clients.http_client(**({"max_body_bytes": LIMIT} | changes))


@pytest.fixture(autouse=True)
def _quick_backoff(monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)


def failing(times: int, status: int, **headers: str):
    """Answers with a status so many times, then with a page."""

    def answer(handler: Handler) -> None:
        if handler.number <= times:
            handler.reply(status, **headers)
        else:
            handler.reply(200, b"in the end")

    return answer


def raw(text: bytes):
    def answer(handler: Handler) -> None:
        handler.wfile.write(text)
        handler.close_connection = True

    return answer


def test_a_packed_page_is_unpacked():
    with (
        serving({"/": lambda h: h.reply_packed(b"hello " * 1000)}) as server,
        http_client() as http,
    ):
        response = http.get(server.url + "/")
    assert (response.status, response.body) == (200, b"hello " * 1000)


def test_the_program_says_who_it_is_and_sends_nothing_else_of_the_user():
    with serving({"/": page(b"x")}) as server, http_client(language="de-AT") as http:
        http.get(server.url + "/")
    [headers] = server.headers_seen
    assert headers["User-Agent"] == "test-agent/1"
    assert headers["Accept-Language"] == "de-AT,de;q=0.9"
    assert headers["Accept-Encoding"] == "gzip"
    assert not {"Cookie", "Authorization", "Proxy-Authorization"} & set(headers)


def test_cookies_are_not_kept():
    with serving({"/": lambda h: h.reply(200, b"x", Set_Cookie="a=b")}) as server:
        with http_client() as http:
            http.get(server.url + "/")
            http.get(server.url + "/")
    assert "Cookie" not in server.headers_seen[1]


def test_a_connection_is_used_again():
    with serving({"/": page(b"x")}) as server, http_client() as http:
        for _ in range(20):
            http.get(server.url + "/")
    assert len(server.clients) == 1


def test_fifty_threads_open_no_more_connections_than_threads():
    with serving({"/": page(b"x")}) as server, http_client(max_connections=50) as http:
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(lambda _: http.get(server.url + "/"), range(500)))
    assert server.requests["/"] == 500
    assert len(server.clients) <= 50


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_answer_that_may_pass_is_tried_again(status):
    with serving({"/": failing(2, status)}) as server, http_client() as http:
        assert http.get(server.url + "/").body == b"in the end"
    assert server.requests["/"] == 3


@pytest.mark.parametrize("status", [200, 202, 400, 403, 404, 405, 410])
def test_any_other_answer_is_given_at_once(status):
    with serving({"/": lambda h: h.reply(status, b"body")}) as server, http_client() as http:
        assert http.get(server.url + "/").status == status
    assert server.requests["/"] == 1


def test_after_the_last_try_the_failure_says_what_it_was():
    with serving({"/": failing(99, 503)}) as server, http_client() as http:
        with pytest.raises(SourceUnavailable, match=r"HTTP 503 \(4 tries\)") as caught:
            http.get(server.url + "/")
    assert not caught.value.hopeless
    assert server.requests["/"] == 4


def test_retry_after_holds_every_thread():
    arrived: list[tuple[str, float]] = []

    def noting(answer):
        def note(handler: Handler) -> None:
            arrived.append((handler.path, time.monotonic()))
            answer(handler)

        return note

    busy, other = noting(failing(1, 429, Retry_After="1")), noting(page(b"x"))
    with serving({"/busy": busy, "/other": other}) as server, http_client() as http:
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(http.get, server.url + "/busy")
            assert first.result().body == b"in the end"
            pool.submit(http.get, server.url + "/other").result()
    (_, refused), *after = arrived
    assert [path for path, _ in arrived] == ["/busy", "/busy", "/other"]
    assert all(moment - refused >= 0.9 for _, moment in after)


def test_a_site_that_asks_for_a_very_long_wait_is_not_waited_for():
    with serving({"/": failing(1, 503, Retry_After="86400")}) as server, http_client() as http:
        with pytest.raises(SourceUnavailable, match="asks to wait 86400 s"):
            http.get(server.url + "/")
    assert server.requests["/"] == 1


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), "closed before the whole"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Enc"), "closed before|cut|Connection"),
        (raw(b"nonsense\r\n\r\n"), "closed before|BadStatusLine"),
        (
            lambda h: h.reply(200, gzip.compress(b"x" * 5000)[:-20], Content_Encoding="gzip"),
            "cut short",
        ),
        (lambda h: h.reply(200, b"not gzip" * 9, Content_Encoding="gzip"), "unpacked"),
        (lambda h: h.reply(200, b"x", Content_Encoding="br"), "not asked for"),
    ],
)
def test_a_damaged_answer_is_tried_again_and_then_reported(answer, cause):
    with serving({"/": answer}) as server, http_client(max_attempts=2) as http:
        with pytest.raises(SourceUnavailable, match=cause):
            http.get(server.url + "/")
    assert server.requests["/"] == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda h: h.reply_packed(b"x" * (LIMIT + 1)),
        lambda h: h.reply(200, b"x" * (LIMIT + 1)),
        lambda h: h.reply(200, gzip.compress(b"x" * LIMIT) * 2, Content_Encoding="gzip"),
        raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * (LIMIT + 1)),
    ],
)
def test_a_body_over_the_limit_is_not_read(answer):
    with serving({"/": answer}) as server, http_client() as http:
        with pytest.raises(SourceUnavailable, match=f"larger than {LIMIT} bytes"):
            http.get(server.url + "/")
    assert server.requests["/"] == 1


def test_a_body_of_just_the_limit_is_read():
    with serving({"/": lambda h: h.reply_packed(b"x" * LIMIT)}) as server, http_client() as http:
        assert len(http.get(server.url + "/").body) == LIMIT


def test_a_chunked_answer_is_read():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with serving({"/": raw(chunked)}) as server, http_client() as http:
        assert http.get(server.url + "/").body == b"hello"


def test_a_redirect_on_the_same_site_is_followed():
    answers = {"/old": lambda h: h.reply(301, Location="/new"), "/new": page(b"here")}
    with serving(answers) as server, http_client() as http:
        response = http.get(server.url + "/old")
    assert response.body == b"here"
    assert response.url.endswith("/new")


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:9/", "https://example.org/", "file:///etc/passwd", "ftp://x/"]
)
def test_a_redirect_to_anywhere_else_is_refused(location):
    with serving({"/": lambda h: h.reply(302, Location=location)}) as server:
        with http_client() as http, pytest.raises(SourceUnavailable, match="another site"):
            http.get(server.url + "/")


def test_a_redirect_loop_ends():
    with serving({"/": lambda h: h.reply(302, Location="/")}) as server, http_client() as http:
        with pytest.raises(SourceUnavailable, match="more than 5 redirects"):
            http.get(server.url + "/")
    assert server.requests["/"] == 6


@pytest.mark.parametrize(
    ("origin", "target", "same"),
    [
        ("https://www.imdb.com/a", "https://www.imdb.com/b", True),
        ("https://www.imdb.com/a", "https://m.imdb.com/b", True),
        ("http://www.imdb.com/a", "https://www.imdb.com/a", True),
        ("https://www.imdb.com/a", "http://www.imdb.com/a", False),
        ("https://www.imdb.com/a", "https://imdb.com.evil.org/a", False),
        ("https://www.imdb.com/a", "https://www.imdb.com:8443/a", False),
        ("http://127.0.0.1:80/a", "http://10.0.0.1:80/a", False),
    ],
)
def test_what_one_site_is(origin, target, same):
    assert same_site(origin, target) is same


@pytest.mark.parametrize("location", ["https://[half/a", "http://127.0.0.1:port/"])
def test_a_redirect_to_what_is_no_url_is_refused(location):
    with serving({"/": lambda h: h.reply(302, Location=location)}) as server:
        with http_client() as http, pytest.raises(SourceUnavailable, match="redirects to"):
            http.get(server.url + "/")


def test_a_host_where_nothing_listens_is_unreachable_and_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with http_client(max_attempts=2) as http:
        with pytest.raises(SourceUnavailable, match="127.0.0.1.*connection refused") as caught:
            http.get(address)
    assert caught.value.hopeless


def test_a_name_that_does_not_exist_is_named():
    with http_client(max_attempts=1) as http:
        with pytest.raises(SourceUnavailable, match=r"nowhere\.invalid.*cannot be resolved"):
            http.get("http://nowhere.invalid/")


def test_a_host_that_never_answers_is_given_up_in_time(monkeypatch):
    monkeypatch.setattr(client_module, "FIRST_CONTACT_SECONDS", 0.3)
    with socket.socket() as silent, http_client(timeout_seconds=0.5, max_attempts=20) as http:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        with pytest.raises(SourceUnavailable, match=r"no answer within 0\.5 s \(1 try\)") as caught:
            http.get(f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert caught.value.hopeless


def test_a_server_without_tls_is_reported_at_once():
    with serving({}) as server, http_client() as http:
        with pytest.raises(SourceUnavailable, match="TLS"):
            http.get(server.url.replace("http:", "https:") + "/")


def test_stopping_ends_the_waiting_between_tries(monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 3600.0)
    stop = threading.Event()

    def answer(handler: Handler) -> None:
        handler.reply(503)
        stop.set()

    with serving({"/": answer}) as server, http_client(stop=stop) as http:
        with pytest.raises(RunStopped):
            http.get(server.url + "/")
    assert server.requests["/"] == 1


def test_a_request_that_fails_after_the_stop_is_no_failure_of_the_site():
    stop = threading.Event()

    def answer(handler: Handler) -> None:
        stop.set()
        handler.close_connection = True

    with serving({"/": answer}) as server, http_client(stop=stop) as http:
        with pytest.raises(RunStopped):
            http.get(server.url + "/")


@pytest.mark.parametrize("address", ["http://a..b/", f"http://{'x' * 64}.org/"])
def test_a_name_that_can_be_none_is_reported_at_once(address):
    with http_client() as http:
        with pytest.raises(SourceUnavailable, match="name of the host") as caught:
            http.get(address)
    assert caught.value.hopeless


def test_name_servers_that_do_not_answer_are_not_waited_for(monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(names.socket, "getaddrinfo", lambda *a, **k: [answered.wait(60)])
    with pytest.raises(OSError, match="no answer in"):
        names.number_of_addresses("www.imdb.com", 0.05)
    answered.set()


def test_the_rate_limit_holds_over_all_threads():
    with serving({"/": page(b"x")}) as server:
        with http_client(requests_per_second=50) as http, ThreadPoolExecutor(10) as pool:
            began = time.monotonic()
            list(pool.map(lambda _: http.get(server.url + "/"), range(30)))
            seconds = time.monotonic() - began
    assert 30 / seconds <= 50 * 30 / (30 - 5)


def test_the_language_header():
    assert accept_language("en-US", "DE") == "en-US,en;q=0.9"
    assert accept_language("fr", "CA") == "fr-CA,fr;q=0.9"
