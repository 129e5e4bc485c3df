"""What every storage of the HTTP cache does, through a client that uses it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from domain.errors import PageChanged, SourceBlocked, SourceUnavailable
from infrastructure.http.cache import HttpCache
from infrastructure.http.cache_storage import FolderStorage, RedisStorage, Storage
from infrastructure.http.client import HttpClient
from infrastructure.http.response import PackedResponse
from tests.clients import http_client
from tests.redis_server import redis_server
from tests.servers import Handler, page, serving

LIMIT = 1 << 20
MORNING = datetime(2026, 5, 6, 8, tzinfo=UTC)
EVENING = datetime(2026, 5, 6, 20, tzinfo=UTC)

OpenStorage = Callable[[], Storage]


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(params=["folder", "redis"])
def open_storage(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStorage:
    if request.param == "folder":
        return lambda: FolderStorage(tmp_path / "http_cache")
    url = request.getfixturevalue("redis_url")
    storage = RedisStorage(url)
    storage.purge()
    storage.close()
    return lambda: RedisStorage(url)


@pytest.fixture
def client(open_storage: OpenStorage) -> Callable[..., HttpClient]:
    """A client with the cache; each one opens the storage anew, as each run does."""

    def new(ttl_seconds: float = 3600, limit: int = LIMIT, **changes: object) -> HttpClient:
        cache = HttpCache(open_storage(), ttl_seconds=ttl_seconds, max_body_bytes=limit)
        return http_client(cache=cache, max_body_bytes=limit, max_attempts=2, **changes)

    return new


def counts(open_storage: OpenStorage) -> dict[str, int]:
    storage = open_storage()
    try:
        return {name: n for name, n in storage.contents().counts.items() if n}
    finally:
        storage.close()


def test_a_page_that_is_kept_is_not_asked_for_again(client, open_storage):
    with serving({"/x": lambda h: h.reply_packed(b"page " * 1000)}) as server:
        for _ in range(3):
            with client() as http:
                answer = http.get(f"{server.url}/x")
                assert (answer.status, answer.body) == (200, b"page " * 1000)
                assert answer.url == f"{server.url}/x"
        assert server.requests["/x"] == 1
    assert counts(open_storage) == {"misses": 1, "kept": 1, "hits": 2}


def test_what_a_kept_page_says_is_of_the_time_when_it_was_fetched(client):
    with serving({"/x": page(b"x")}) as server:
        with client(now=lambda: MORNING) as http:
            assert http.get(f"{server.url}/x").fetched_at == MORNING
        with client(now=lambda: EVENING) as http:
            assert http.get(f"{server.url}/x").fetched_at == MORNING


@pytest.mark.parametrize(
    ("validator", "question"),
    [
        ({"ETag": '"one"'}, ("If-None-Match", '"one"')),
        (
            {"Last_Modified": "Wed, 06 May 2026 08:00:00 GMT"},
            ("If-Modified-Since", "Wed, 06 May 2026 08:00:00 GMT"),
        ),
    ],
)
def test_a_page_that_is_not_fresh_is_confirmed_by_the_site(
    client, open_storage, validator, question
):
    def answer(handler: Handler) -> None:
        name, value = question
        if handler.headers.get(name) == value:
            handler.send_response(304)
            handler.end_headers()
        else:
            handler.reply(200, b"the page", **validator)

    with serving({"/x": answer}) as server:
        with client(ttl_seconds=0, now=lambda: MORNING) as http:
            assert http.get(f"{server.url}/x").body == b"the page"
        with client(ttl_seconds=0, now=lambda: EVENING) as http:
            confirmed = http.get(f"{server.url}/x")
        assert server.requests["/x"] == 2
    assert (confirmed.status, confirmed.body) == (200, b"the page")
    assert confirmed.fetched_at == EVENING
    assert counts(open_storage)["confirmed"] == 1


def test_a_page_that_has_changed_replaces_the_one_that_is_kept(client):
    def answer(handler: Handler) -> None:
        handler.reply(200, b"%d" % handler.number, ETag=f'"{handler.number}"')

    with serving({"/x": answer}) as server, client(ttl_seconds=0) as http:
        bodies = [http.get(f"{server.url}/x").body for _ in range(3)]
    assert bodies == [b"1", b"2", b"3"]


def test_without_a_validator_a_page_that_is_not_fresh_is_fetched(client):
    answer = lambda h: h.reply(200, b"%d" % h.number)  # noqa: E731
    with serving({"/x": answer}) as server, client(ttl_seconds=0) as http:
        assert [http.get(f"{server.url}/x").body for _ in range(2)] == [b"1", b"2"]


def test_pages_in_two_languages_are_two_pages(client):
    def answer(handler: Handler) -> None:
        handler.reply(200, handler.headers["Accept-Language"].encode(), Vary="Accept-Language")

    with serving({"/x": answer}) as server:
        bodies = []
        for language in ("de-AT", "fr-CA", "de-AT"):
            with client(language=language) as http:
                bodies.append(http.get(f"{server.url}/x").body)
        assert server.requests["/x"] == 2
    assert bodies == [b"de-AT,de;q=0.9", b"fr-CA,fr;q=0.9", b"de-AT,de;q=0.9"]


def test_pages_for_two_countries_are_two_pages(client):
    def answer(handler: Handler) -> None:
        handler.reply(200, handler.headers["x-imdb-user-country"].encode())

    with serving({"/x": answer}) as server:
        bodies = []
        for country in ("AT", "CA", "AT"):
            with client(language="en-US", country=country) as http:
                bodies.append(http.get(f"{server.url}/x").body)
        assert server.requests["/x"] == 2
    assert bodies == [b"AT", b"CA", b"AT"]


@pytest.mark.parametrize(
    "answer",
    [
        lambda h: h.reply(202, b"", x_amzn_waf_action="challenge"),
        lambda h: h.reply(404, b"no such page"),
        lambda h: h.reply(403, b"no"),
        lambda h: h.reply(500, b"trouble"),
    ],
)
def test_what_is_no_page_is_not_kept(client, open_storage, answer):
    with serving({"/x": answer}) as server, client() as http:
        for _ in range(2):
            try:
                http.get(f"{server.url}/x")
            except SourceUnavailable:
                continue
        assert server.requests["/x"] >= 2
    assert "kept" not in counts(open_storage)


@pytest.mark.parametrize("error", [PageChanged("url", "id"), SourceBlocked("url", "challenge")])
def test_what_cannot_be_read_is_not_kept(client, open_storage, error):
    def read(answer: PackedResponse) -> None:
        raise error

    with serving({"/x": page(b"an error page, with HTTP 200")}) as server, client() as http:
        for _ in range(2):
            with pytest.raises(type(error)):
                http.fetch(f"{server.url}/x", read)
        assert server.requests["/x"] == 2
    assert "kept" not in counts(open_storage)


def test_a_cut_page_is_not_kept(client, open_storage):
    def cut(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        handler.close_connection = True

    with serving({"/x": cut}) as server, client() as http:
        with pytest.raises(SourceUnavailable):
            http.get(f"{server.url}/x")
    assert "kept" not in counts(open_storage)


def test_a_kept_page_that_can_no_longer_be_read_is_fetched_anew(client):
    def read(answer: PackedResponse) -> bytes:
        if answer.packed == b"1":
            raise PageChanged("url", "title")
        return answer.packed

    with serving({"/x": lambda h: h.reply(200, b"%d" % h.number)}) as server, client() as http:
        assert http.get(f"{server.url}/x").body == b"1"
        assert http.fetch(f"{server.url}/x", read) == b"2"
        assert http.get(f"{server.url}/x").body == b"2"


def test_a_kept_page_that_is_larger_than_the_limit_of_now_is_not_used(client):
    with serving({"/x": page(b"x" * 1000)}) as server:
        with client() as http:
            http.get(f"{server.url}/x")
        with client(limit=500) as http, pytest.raises(SourceUnavailable, match="larger than"):
            http.get(f"{server.url}/x")


def test_a_page_that_another_leads_to_keeps_its_own_address(client):
    answers = {"/old": lambda h: h.reply(301, Location="/new"), "/new": page(b"x")}
    with serving(answers) as server, client() as http:
        for _ in range(2):
            assert http.get(f"{server.url}/old").url == f"{server.url}/new"
        assert server.requests == {"/old": 1, "/new": 1}


def test_fifty_threads_share_it(client, open_storage):
    answers = {f"/{n}": page(b"page %d" % n) for n in range(100)}
    with serving(answers) as server, client() as http, ThreadPoolExecutor(50) as pool:
        for _ in range(2):
            urls = [f"{server.url}/{n}" for n in range(100)]
            bodies = [answer.body for answer in pool.map(http.get, urls)]
            assert bodies == [b"page %d" % n for n in range(100)]
        assert sum(server.requests.values()) == 100
    assert counts(open_storage) == {"misses": 100, "kept": 100, "hits": 100}


def test_it_can_be_looked_at_and_purged(client, open_storage):
    with serving({f"/{n}": page(b"x" * 1000) for n in range(3)}) as server, client() as http:
        for n in range(3):
            http.get(f"{server.url}/{n}")
    storage = open_storage()
    contents = storage.contents()
    assert contents.pages == 3
    assert contents.bytes_held > 3000
    assert storage.purge() == 3
    assert storage.contents().pages == 0
    assert not storage.contents().counts
    storage.close()


def test_a_page_that_was_cut_short_in_the_cache_is_fetched_anew(tmp_path):
    def new() -> HttpClient:
        storage = FolderStorage(tmp_path / "cache")
        return http_client(cache=HttpCache(storage, ttl_seconds=60, max_body_bytes=LIMIT))

    with serving({"/x": page(b"x" * 1000)}) as server:
        with new() as http:
            http.get(f"{server.url}/x")
        [kept] = (tmp_path / "cache").glob("*.msgpack")
        kept.write_bytes(kept.read_bytes()[:500])
        with new() as http:
            assert http.get(f"{server.url}/x").body == b"x" * 1000
        assert server.requests["/x"] == 2


def test_a_folder_that_fails_is_said_once_and_done_without(tmp_path, caplog):
    storage = FolderStorage(tmp_path / "cache")
    cache = HttpCache(storage, ttl_seconds=60, max_body_bytes=LIMIT)
    with serving({"/x": page(b"x")}) as server, http_client(cache=cache) as http:
        for file in (tmp_path / "cache").iterdir():
            file.unlink()
        (tmp_path / "cache").rmdir()
        (tmp_path / "cache").write_bytes(b"a file in its place")
        for _ in range(3):
            assert http.get(f"{server.url}/x").body == b"x"
    assert [r.getMessage() for r in caplog.records if "HTTP cache" in r.getMessage()] != []
    assert sum("does not work" in record.getMessage() for record in caplog.records) == 1


def test_a_redis_that_goes_away_is_said_once_and_done_without(caplog):
    with redis_server() as url:
        cache = HttpCache(RedisStorage(url), ttl_seconds=60, max_body_bytes=LIMIT)
    with serving({"/x": page(b"x")}) as server, http_client(cache=cache) as http:
        for _ in range(3):
            assert http.get(f"{server.url}/x").body == b"x"
    assert sum("does not work" in record.getMessage() for record in caplog.records) == 1


def test_threads_that_find_the_storage_failing_together_say_it_once(tmp_path, caplog):
    storage = FolderStorage(tmp_path)
    together = threading.Barrier(20)

    def fail(key: str) -> None:
        together.wait(60)
        raise OSError("no answer")

    storage.pages = SimpleNamespace(get=fail)
    cache = HttpCache(storage, ttl_seconds=60, max_body_bytes=LIMIT)
    request = requests.Request("GET", "http://site.example/x").prepare()
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(cache.look_up, [request] * 20))
    assert all(each.answer is None for each in found)
    assert sum("does not work" in record.getMessage() for record in caplog.records) == 1


def test_other_files_and_keys_are_left_alone(tmp_path, redis_url):
    folder = FolderStorage(tmp_path)
    (tmp_path / "mine.txt").write_text("kept")
    folder.purge()
    assert (tmp_path / "mine.txt").read_text() == "kept"
    storage = RedisStorage(redis_url)
    storage._redis.set("mine", "kept")
    storage.purge()
    assert storage._redis.get("mine") == b"kept"
    storage.close()


def test_two_runs_at_once_lose_no_count(open_storage):
    def add() -> None:
        storage = open_storage()
        for _ in range(20):
            storage.add_counts({"hits": 1})
        storage.close()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(open_storage) == {"hits": 80}
