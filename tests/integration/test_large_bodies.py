"""Answers larger than a page share a bounded memory, over real HTTP."""

import gzip
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.errors import SourceUnavailable
from infrastructure.http import client as client_module
from infrastructure.http import large_bodies
from infrastructure.http.large_bodies import PAGE_BYTES
from infrastructure.http.response import PackedResponse
from tests.clients import http_client
from tests.servers import Handler, page, serving

LIMIT = 2 * PAGE_BYTES
LARGE = bytes(PAGE_BYTES + 1)


@pytest.fixture(autouse=True)
def _two_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_bodies, "LARGE_BYTES", 2 * 2 * LIMIT)
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)


class Reader:
    """Reads answers, and counts how many are being read at once."""

    def __init__(self, together: int = 1) -> None:
        self._lock = threading.Lock()
        self._together = threading.Barrier(together)
        self._now = 0
        self.most = 0

    def __call__(self, answer: PackedResponse) -> int:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self._together.wait(30)
        size = len(answer.unpacked().body)
        with self._lock:
            self._now -= 1
        return size


def test_a_few_large_answers_are_held_at_a_time_and_all_are_read():
    reader = Reader(together=2)
    with serving({"/x": page(LARGE)}) as server, ThreadPoolExecutor(20) as pool:
        with http_client(max_body_bytes=LIMIT, max_connections=20) as http:
            sizes = list(pool.map(lambda _: http.fetch(f"{server.url}/x", reader), range(20)))
    assert sizes == [len(LARGE)] * 20
    assert reader.most == 2


def test_pages_are_read_by_all_threads_at_once():
    reader = Reader(together=20)
    with serving({"/x": page(bytes(PAGE_BYTES))}) as server, ThreadPoolExecutor(20) as pool:
        with http_client(max_body_bytes=LIMIT, max_connections=20) as http:
            list(pool.map(lambda _: http.fetch(f"{server.url}/x", reader), range(20)))
    assert reader.most == 20


def test_answers_that_fail_give_their_turn_back():
    cut = gzip.compress(LARGE, compresslevel=0)[:-9]
    answers = {
        "/cut": lambda h: h.reply(200, cut, Content_Encoding="gzip"),
        "/error": lambda h: h.reply(500, LARGE),
        "/huge": page(bytes(LIMIT + 1)),
        "/on": lambda h: h.reply(302, LARGE, Location="/x"),
        "/x": page(LARGE),
    }
    with serving(answers) as server, ThreadPoolExecutor(20) as pool:
        with http_client(max_body_bytes=LIMIT, max_connections=20, max_attempts=3) as http:
            for path in ("/cut", "/error", "/huge"):
                asked = [pool.submit(http.get, server.url + path) for _ in range(5)]
                errors = [one.exception(timeout=60) for one in asked]
                assert all(isinstance(error, SourceUnavailable) for error in errors)
            asked = [pool.submit(http.get, f"{server.url}/on") for _ in range(5)]
            assert [len(one.result(timeout=60).body) for one in asked] == [len(LARGE)] * 5


def test_who_waits_for_a_turn_waits_no_longer_than_for_any_answer(monkeypatch):
    monkeypatch.setattr(client_module, "WHOLE_REQUEST_TIMEOUTS", 0.1)
    over, held = threading.Event(), threading.Semaphore(0)

    def hold(answer: PackedResponse) -> None:
        held.release()
        over.wait(60)

    with serving({"/x": page(LARGE)}) as server, ThreadPoolExecutor(2) as pool:
        with http_client(max_body_bytes=LIMIT, max_attempts=1) as http:
            for _ in range(2):
                pool.submit(http.fetch, f"{server.url}/x", hold)
            assert all(held.acquire(timeout=30) for _ in range(2))
            with pytest.raises(SourceUnavailable, match=r"no whole answer within 0\.5 s"):
                http.get(f"{server.url}/x")
            over.set()


def test_what_is_no_page_may_unpack_to_the_size_of_one():
    answers = {
        "/large": lambda h: h.reply(404, gzip.compress(LARGE), Content_Encoding="gzip"),
        "/small": lambda h: h.reply(404, b"no such page"),
    }
    with serving(answers) as server, http_client(max_body_bytes=LIMIT) as http:
        assert http.get(f"{server.url}/small").status == 404
        with pytest.raises(SourceUnavailable, match=f"larger than {PAGE_BYTES} bytes"):
            http.get(f"{server.url}/large")


def test_nothing_of_an_answer_is_kept_while_the_next_try_is_waited_for(monkeypatch):
    kept: list[str] = []

    def look(state) -> float:
        error = state.outcome.exception()
        while error is not None:
            frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
            kept.extend(
                f"{frame.f_code.co_name}: {name}"
                for frame in frames
                for name, value in frame.f_locals.items()
                if isinstance(value, PackedResponse | list)
            )
            error = error.__cause__ or error.__context__
        return 0.01

    def cut_at_first(handler: Handler) -> None:
        if handler.number == 1:
            handler.reply(200, gzip.compress(LARGE)[:-9], Content_Encoding="gzip")
        elif handler.number == 2:
            handler.send_response(200)
            handler.send_header("Content-Length", "100")
            handler.end_headers()
            handler.wfile.write(b"half")
            handler.close_connection = True
        else:
            handler.reply(200, b"whole")

    monkeypatch.setattr(client_module, "_BACKOFF", look)
    with serving({"/x": cut_at_first}) as server, http_client(max_body_bytes=LIMIT) as http:
        assert http.get(f"{server.url}/x").body == b"whole"
        assert server.requests["/x"] == 3
    assert kept == []
