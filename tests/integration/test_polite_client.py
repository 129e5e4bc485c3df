"""Robots, circuits, throttling and time limits of the HTTP client, over real HTTP."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise

import pytest
import requests

from domain.errors import RobotsDisallowed, RunStopped, SourceUnavailable
from infrastructure.http import client as client_module
from infrastructure.http import hosts as hosts_module
from infrastructure.http.adapter import SharedContext, SharedContextAdapter
from infrastructure.http.cache import HttpCache
from infrastructure.http.cache_storage import FolderStorage
from infrastructure.http.deadlines import Deadlines
from tests.clients import http_client
from tests.servers import Handler, page, serving


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)
    monkeypatch.setattr(hosts_module, "REST_SECONDS", 0.05)
    monkeypatch.setattr(client_module, "_CIRCUIT_POLL_SECONDS", 0.01)


def robots(text: str):
    return page(text.encode())


def test_what_robots_txt_forbids_is_not_asked_for():
    answers = {"/robots.txt": robots("User-agent: *\nDisallow: /title/"), "/chart/": page(b"chart")}
    with serving(answers) as server, http_client(obeys_robots=True) as http:
        assert http.get(f"{server.url}/chart/").body == b"chart"
        with pytest.raises(RobotsDisallowed, match=r"ROBOTS=ignore") as caught:
            http.get(f"{server.url}/title/tt1/")
    assert caught.value.robots_url == f"{server.url}/robots.txt"
    assert server.requests == {"/robots.txt": 1, "/chart/": 1}


def test_rules_for_this_program_go_before_those_for_all():
    text = "User-agent: *\nDisallow: /\n\nUser-agent: test-agent\nAllow: /\n"
    with serving({"/robots.txt": robots(text), "/x": page(b"x")}) as server:
        with http_client(obeys_robots=True) as http:
            assert http.get(f"{server.url}/x").body == b"x"


def test_robots_txt_is_read_once_by_fifty_threads():
    answers = {"/robots.txt": robots("User-agent: *\nAllow: /"), "/x": page(b"x")}
    with serving(answers) as server, http_client(obeys_robots=True) as http:
        with ThreadPoolExecutor(50) as pool:
            list(pool.map(lambda _: http.get(f"{server.url}/x"), range(200)))
    assert server.requests["/robots.txt"] == 1


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_site_without_robots_txt_allows_everything(status):
    answers = {"/robots.txt": lambda h: h.reply(status), "/x": page(b"x")}
    with serving(answers) as server, http_client(obeys_robots=True) as http:
        assert http.get(f"{server.url}/x").body == b"x"


def test_a_robots_txt_that_cannot_be_had_now_forbids_everything_and_is_not_asked_for_again():
    answers = {"/robots.txt": lambda h: h.reply(503), "/x": page(b"x")}
    with serving(answers) as server, http_client(obeys_robots=True) as http:
        for _ in range(5):
            with pytest.raises(SourceUnavailable, match=r"robots.txt: HTTP 503"):
                http.get(f"{server.url}/x")
    assert server.requests == {"/robots.txt": 4}


def test_robots_txt_read_ahead_is_not_read_again():
    asked = threading.Event()

    def answer(handler: Handler) -> None:
        asked.set()
        robots("User-agent: *\nDisallow: /x")(handler)

    with serving({"/robots.txt": answer}) as server, http_client(obeys_robots=True) as http:
        http.read_ahead(server.url)
        assert asked.wait(10)  # though nobody has asked for a page
        with pytest.raises(RobotsDisallowed):
            http.get(f"{server.url}/x")
    assert server.requests == {"/robots.txt": 1}


def test_nothing_is_read_ahead_when_robots_txt_is_ignored_or_pages_are_kept(tmp_path):
    cache = HttpCache(FolderStorage(tmp_path), ttl_seconds=60, max_body_bytes=1 << 20)
    with serving({"/robots.txt": robots("")}) as server:
        with http_client(obeys_robots=False) as http:
            http.read_ahead(server.url)
        with http_client(obeys_robots=True, cache=cache) as http:
            http.read_ahead(server.url)
    assert server.requests == {}


def test_an_unreachable_site_is_as_hopeless_to_those_who_ask_later():
    url = "http://127.0.0.1:1"
    with http_client(obeys_robots=True) as http:
        http.read_ahead(url)
        for _ in range(2):
            with pytest.raises(SourceUnavailable, match=r"robots.txt: ") as caught:
                http.get(f"{url}/x")
            assert caught.value.hopeless


def test_a_robots_txt_that_leads_elsewhere_on_the_site_is_followed():
    answers = {
        "/robots.txt": lambda h: h.reply(301, Location="/wishes.txt"),
        "/wishes.txt": robots("User-agent: *\nDisallow: /x"),
    }
    with serving(answers) as server, http_client(obeys_robots=True) as http:
        with pytest.raises(RobotsDisallowed):
            http.get(f"{server.url}/x")


def test_a_redirect_does_not_lead_around_robots_txt():
    answers = {
        "/robots.txt": robots("User-agent: *\nDisallow: /secret"),
        "/x": lambda h: h.reply(302, Location="/secret"),
        "/secret": page(b"x"),
    }
    with serving(answers) as server, http_client(obeys_robots=True) as http:
        with pytest.raises(RobotsDisallowed):
            http.get(f"{server.url}/x")
    assert "/secret" not in server.requests


@pytest.mark.parametrize(
    "text", [b"\xff\xfe\x00nonsense", b"<html>no rules</html>", b"", b"\n" * 10**6]
)
def test_a_robots_txt_without_rules_allows_everything(text):
    with serving({"/robots.txt": page(text), "/x": page(b"x")}) as server:
        with http_client(obeys_robots=True, max_body_bytes=1 << 21) as http:
            assert http.get(f"{server.url}/x").body == b"x"


def test_the_crawl_delay_is_kept_over_all_threads():
    arrived: list[float] = []

    def note(handler: Handler) -> None:
        arrived.append(time.monotonic())
        handler.reply(200, b"x")

    text = robots("User-agent: *\nCrawl-delay: 0.3")
    with serving({"/robots.txt": text, "/x": note}) as server:
        with http_client(obeys_robots=True) as http, ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda _: http.get(f"{server.url}/x"), range(5)))
    gaps = [after - before for before, after in pairwise(arrived)]
    assert all(gap > 0.2 for gap in gaps)


def test_a_crawl_delay_of_a_day_is_said_and_not_waited_for():
    answers = {"/robots.txt": robots("User-agent: *\nCrawl-delay: 86400"), "/x": page(b"x")}
    with serving(answers) as server, http_client(obeys_robots=True) as http:
        with pytest.raises(SourceUnavailable, match="wait 86400 s between") as caught:
            http.get(f"{server.url}/x")
    assert caught.value.hopeless


def test_a_host_that_is_down_is_left_alone_and_given_up():
    answers = {f"/{n}": lambda h: h.reply(500) for n in range(50)} | {"/well": page(b"x")}
    with serving(answers) as server, http_client(max_attempts=20) as http:
        http.get(f"{server.url}/well")
        with ThreadPoolExecutor(50) as pool:
            failures = [pool.submit(http.get, f"{server.url}/{n}").exception for n in range(50)]
            errors = [failure() for failure in failures]
    assert all(isinstance(error, SourceUnavailable) for error in errors)
    assert any(error.hopeless and "left alone" in str(error) for error in errors)
    # At first all fifty at once, then one at a time.
    assert sum(server.requests.values()) <= 1 + 50 + 3


def test_a_host_that_comes_back_in_time_loses_nothing():
    failures = itertools.count(1)
    enough = threading.Event()

    def answer(handler: Handler) -> None:
        if handler.number > 1:  # no success comes between the failures that open the circuit
            assert enough.wait(10)
        elif (failed := next(failures)) <= 10:
            if failed == 10:
                enough.set()
            handler.reply(500)
            return
        handler.reply(200, b"x")

    answers = {f"/{n}": answer for n in range(50)}
    with serving(answers) as server, http_client() as http, ThreadPoolExecutor(50) as pool:
        bodies = pool.map(lambda n: http.get(f"{server.url}/{n}").body, range(50))
        assert list(bodies) == [b"x"] * 50
    assert sorted(server.requests.values()) == [1] * 40 + [2] * 10


def test_waiting_for_a_host_ends_when_the_run_is_stopped(monkeypatch):
    monkeypatch.setattr(hosts_module, "REST_SECONDS", 600)
    stop = threading.Event()
    answers = {f"/{n}": lambda h: h.reply(500) for n in range(11)}
    with serving(answers) as server, http_client(stop=stop, max_attempts=1) as http:
        for n in range(10):
            with pytest.raises(SourceUnavailable):
                http.get(f"{server.url}/{n}")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(http.get, f"{server.url}/10")
            stop.set()
            with pytest.raises(RunStopped):
                waiting.result(timeout=30)


def test_a_refusal_lowers_the_rate_for_the_whole_host():
    def refuse_once(handler: Handler) -> None:
        handler.reply(429 if handler.number == 1 else 200, b"x")

    with serving({"/x": refuse_once}) as server, http_client(requests_per_second=40) as http:
        http.get(f"{server.url}/x")
        assert http._hosts.of(server.url.removeprefix("http://")).throttle.rate == 20


def drip(text: bytes):
    """Sends so much, then a byte again and again until the client is gone."""

    def answer(handler: Handler) -> None:
        try:
            handler.wfile.write(text)
            while True:
                time.sleep(0.05)
                handler.wfile.write(b"x")
        except OSError:
            handler.close_connection = True

    return answer


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
    ],
)
def test_a_server_that_drips_is_hung_up_on(text, monkeypatch):
    monkeypatch.setattr(client_module, "WHOLE_REQUEST_TIMEOUTS", 0.2)
    with serving({"/x": drip(text)}) as server, http_client(max_attempts=2) as http:
        with pytest.raises(SourceUnavailable, match=r"no whole answer within 1 s \(2 tries\)"):
            http.get(f"{server.url}/x")


def test_a_run_that_is_stopped_does_not_wait_for_a_server_that_drips(monkeypatch):
    monkeypatch.setattr(client_module, "WHOLE_REQUEST_TIMEOUTS", 1e6)
    stop = threading.Event()
    dripping = drip(b"HTTP/1.1 200 OK\r\nX-Long: ")

    def answer(handler: Handler) -> None:
        stop.set()
        dripping(handler)

    with serving({"/x": answer}) as server, ThreadPoolExecutor(1) as pool:
        with http_client(stop=stop, timeout_seconds=0.2) as http:
            asked = pool.submit(http.get, f"{server.url}/x")
            with pytest.raises(RunStopped):
                asked.result(timeout=30)


def test_what_is_under_way_when_a_run_is_stopped_is_finished():
    stop = threading.Event()

    def answer(handler: Handler) -> None:
        stop.set()
        handler.reply(200, b"whole")

    with serving({"/x": answer}) as server, http_client(stop=stop) as http:
        assert http.get(f"{server.url}/x").body == b"whole"


def test_a_connection_that_has_been_given_back_is_not_cut():
    deadlines = Deadlines(threading.Event(), grace_seconds=1)
    adapter = SharedContextAdapter(SharedContext(), max_connections=1)
    with closing(deadlines), closing(adapter), serving({"/x": page(b"x")}) as server:
        request = requests.Request("GET", f"{server.url}/x").prepare()
        with deadlines.within(60) as deadline:
            assert adapter.send(request, stream=True).raw.read() == b"x"
            deadline.cut()
            assert adapter.send(request, stream=True).raw.read() == b"x"
    assert len(server.clients) == 1


def test_no_thread_is_left_when_the_client_is_closed():
    before = set(threading.enumerate())
    with serving({"/x": page(b"x")}) as server:
        with http_client() as http:
            http.get(f"{server.url}/x")
        left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name == "deadlines"]
