"""Kept answers of the API: never older than what has been reported saved, whatever else happens."""

import itertools
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
import redis

from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.merged_id import MergedId
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.store_version import PostgresStoreVersion
from shared.config import Settings
from shared.setting_values import ApiKey, ListenAddress, RedisUrl
from tests.api import api_client
from tests.builders import (
    NOON,
    a_chart,
    a_profile,
    a_run,
    a_title,
    keywords,
    person_number,
    title_number,
)
from tests.databases import drop_database, execute, new_database
from tests.redis_server import redis_server
from tests.saving_program import told

PROJECT = Path(__file__).parents[2]
UNLIMITED = Settings(api_requests_per_minute=0)
KEY = "a-key-of-many-characters"
RUN = a_run()
TITLE = f"/api/v1/titles/{title_number(1)}"

SHOW_THE_TITLE = (
    TITLE,
    f"{TITLE}/history",
    "/api/v1/titles?limit=3",
    "/api/v1/titles?q=told",
    f"/api/v1/people/{person_number(1).imdb_id}",
    "/api/v1/charts/top",
    f"/titles/{title_number(1)}",
    "/charts/top",
)
"""Addresses whose answers have the name of the title."""


@pytest.fixture
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


def with_redis(url: str, settings: Settings = UNLIMITED) -> Settings:
    return msgspec.structs.replace(settings, redis_url=RedisUrl(url))


@pytest.fixture(params=["memory", "redis"])
def settings(request: pytest.FixtureRequest) -> Settings:
    if request.param == "memory":
        return UNLIMITED
    return with_redis(request.getfixturevalue("redis_url"))


@pytest.fixture
def filled(postgres_url: str) -> str:
    """A database with two titles, a chart and a profile."""
    with open_postgres_repository(postgres_url) as repository:
        repository.begin_run(RUN, a_chart(1, 2))
        repository.save([told(0), a_title(2)], RUN)
        repository.save_profiles([a_profile(1)], RUN)
    return postgres_url


@pytest.fixture
def client(filled: str) -> Iterator[httpx.Client]:
    """A server that keeps answers in memory, which stands before Redis as well."""
    with api_client(filled, UNLIMITED) as client:
        yield client


def look_ups(client: httpx.Client) -> tuple[float, float]:
    """How many answers were kept, and how many were not."""
    text = client.get("/metrics").text
    found = dict(re.findall(r'cache_lookups_total\{result="(hits|misses)"\} (\S+)', text))
    return float(found["hits"]), float(found["misses"])


def newest_told(text: str) -> int:
    return max(int(number) for number in re.findall(r"Told (\d+)", text))


class Readers:
    """Clients that ask in a loop, and note answers older than what had been reported before."""

    def __init__(self, clients: list[httpx.Client]) -> None:
        self._clients = clients
        self._reported = 0
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self.stale: list[str] = []
        self.answers = 0

    def report(self, number: int) -> None:
        self._reported = number

    @contextmanager
    def reading(self, threads: int) -> Iterator[None]:
        started = [threading.Thread(target=self._read, args=(first,)) for first in range(threads)]
        for thread in started:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in started:
                thread.join()

    def _read(self, first: int) -> None:
        addresses = itertools.cycle((*SHOW_THE_TITLE[first:], *SHOW_THE_TITLE[:first]))
        clients = itertools.cycle(self._clients)
        while True:
            was_over = self._is_over.is_set()
            for address in itertools.islice(addresses, len(SHOW_THE_TITLE)):
                before = self._reported
                answer = next(clients).get(address)
                if answer.status_code != 200 or newest_told(answer.text) < before:
                    self.stale.append(f"{before}: {address}: {answer.text[:200]}")
                with self._lock:
                    self.answers += 1
            if was_over:
                return


def read_while_a_process_saves(url: str, settings: Settings, times: int) -> Readers:
    """Two servers, which share what they can, asked by four clients while titles are saved."""
    with ExitStack() as servers:
        clients = [servers.enter_context(api_client(url, settings)) for _ in range(2)]
        readers = Readers(clients)
        command = [sys.executable, "-m", "tests.saving_program", url, str(times)]
        with (
            readers.reading(4),
            subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as saver,
        ):
            assert saver.stdout is not None
            for line in saver.stdout:
                readers.report(int(line))
        assert saver.returncode == 0
        hits = sum(look_ups(client)[0] for client in clients)
        for client in clients:
            for address in SHOW_THE_TITLE:
                assert newest_told(client.get(address).text) == times
    assert readers.answers > times
    assert hits > 0
    return readers


def test_what_was_reported_saved_is_in_every_answer_from_then_on(
    filled: str, settings: Settings
) -> None:
    assert read_while_a_process_saves(filled, settings, 60).stale == []


def test_without_the_version_of_the_store_old_answers_would_be_seen(
    filled: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail."""

    async def always_the_same(_self: PostgresStoreVersion) -> str:
        return "the same"

    monkeypatch.setattr(PostgresStoreVersion, "current", always_the_same)
    with pytest.raises(AssertionError):
        assert read_while_a_process_saves(filled, settings, 10).stale == []


def saving(*titles: object, **changes: object) -> Callable[[str], None]:
    def save(url: str) -> None:
        with open_postgres_repository(url) as repository:
            repository.save([a_title(1, minutes_later=5, **changes)], RUN)  # type: ignore[arg-type]

    return save


def merge(url: str) -> None:
    with open_postgres_repository(url) as repository:
        merged = MergedId(TitleId("tt0000099"), title_number(1), NOON)
        repository.note_merged([merged])


def save_profile(url: str) -> None:
    with open_postgres_repository(url) as repository:
        repository.save_profiles([a_profile(1, minutes_later=5, biography="New")], RUN)


def keep_chart(url: str) -> None:
    with open_postgres_repository(url) as repository:
        repository.begin_run(a_run("20260102T120000Z-next"), a_chart(2, 1))


def by_hand(*statements: str) -> Callable[[str], None]:
    return lambda url: execute(url, *statements)


WAYS_IN: dict[str, tuple[str, Callable[[str], None]]] = {
    "title": (TITLE, saving(title="New")),
    "the same facts, later": (TITLE, saving(title="Told 0", votes=1)),
    "detail": (TITLE, saving(title="Told 0", votes=1, details=(keywords("prison"),))),
    "merged id": ("/api/v1/titles/tt0000002/credits", merge),
    "profile": ("/api/v1/people/nm0000001", save_profile),
    "chart": ("/api/v1/charts/top/diff", keep_chart),
    "title by hand": (TITLE, by_hand("UPDATE titles SET title = 'New'")),
    "rating by hand": (f"{TITLE}/history", by_hand("DELETE FROM rating_history")),
    "detail by hand": (TITLE, by_hand("INSERT INTO keywords VALUES ('tt0000001', 1, 'by hand')")),
    "name by hand": ("/api/v1/people", by_hand("UPDATE people SET name = 'New'")),
    "credits by hand": (f"{TITLE}/credits", by_hand("DELETE FROM credits")),
    "run by hand": ("/api/v1/charts", by_hand("DELETE FROM chart_entries")),
    "all by hand": ("/api/v1/titles", by_hand("TRUNCATE titles CASCADE")),
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_an_answer_is_made_anew_after_a_change(client: httpx.Client, filled: str, way: str) -> None:
    address, change = WAYS_IN[way]
    client.get(address)
    hits, misses = look_ups(client)
    client.get(address)
    if way != "chart":  # nothing to compare yet: an error is not kept
        assert look_ups(client) == (hits + 1, misses)

    change(filled)

    hits, misses = look_ups(client)
    client.get(address)
    assert look_ups(client) == (hits, misses + 1)


def test_a_page_with_figures_of_before_is_not_kept(
    client: httpx.Client, filled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The genres to choose from are reckoned once in a while."""

    def listed() -> list[str]:
        return re.findall(r"<option>([A-Z]\w+)", client.get("/titles").text)

    for _ in range(2):
        assert listed() == ["Crime", "Drama"]
    assert look_ups(client) == (1, 1)
    execute(filled, "UPDATE titles SET genres = '{Western}'")
    for _ in range(2):
        assert listed() == ["Crime", "Drama"]
    assert look_ups(client) == (1, 3)
    monkeypatch.setattr("infrastructure.web.dashboard.kept_figures.KEPT_SECONDS", 0)
    for _ in range(2):
        assert listed() == ["Western"]
    assert look_ups(client) == (2, 4)


def test_an_answer_is_the_same_again(client: httpx.Client) -> None:
    for address in (*SHOW_THE_TITLE, f"{TITLE}/credits", "/people", "/api/v1/charts"):
        first, second = client.get(address), client.get(address)
        assert first.status_code == second.status_code == 200
        assert first.content == second.content
        unlike = {"date"}
        assert [pair for pair in first.headers.items() if pair[0] not in unlike] == [
            pair for pair in second.headers.items() if pair[0] not in unlike
        ]
    hits, misses = look_ups(client)
    assert hits == misses


def test_a_kept_answer_counts_for_its_route(client: httpx.Client) -> None:
    for _ in range(3):
        client.get(TITLE)
    text = client.get("/metrics").text
    route = 'method="GET",route="/api/v1/titles/{imdb_id}",status="200"'
    assert f"imdb_http_server_request_duration_seconds_count{{{route}}} 3.0" in text


def test_how_much_memory_answers_take_is_told(client: httpx.Client) -> None:
    size = len(client.get(TITLE).content)
    text = client.get("/metrics").text
    held = re.search(r"^imdb_http_server_cache_bytes (\S+)$", text, re.MULTILINE)
    assert held
    assert size < float(held[1]) < size + 10_000


def test_who_has_an_answer_is_told_so_from_the_cache(client: httpx.Client, filled: str) -> None:
    whole = client.get(TITLE)
    tag = whole.headers["etag"]
    for given in (tag, f'W/{tag}, "other"', "*"):
        unchanged = client.get(TITLE, headers={"If-None-Match": given})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["etag"] == tag
        assert unchanged.headers["cache-control"] == whole.headers["cache-control"]
        assert "content-length" not in unchanged.headers
    assert client.get(TITLE, headers={"If-None-Match": '"other"'}).content == whole.content

    execute(filled, "UPDATE titles SET title = 'New'")
    assert client.get(TITLE, headers={"If-None-Match": tag}).json()["title"] == "New"


def test_an_answer_that_is_made_for_who_has_it_is_kept_whole(client: httpx.Client) -> None:
    assert client.get(TITLE, headers={"If-None-Match": "*"}).status_code == 304
    assert client.get(TITLE).json()["title"] == "Told 0"
    assert look_ups(client) == (1, 1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/api/v1/titles?limit=1&sort=title", "/api/v1/titles?sort=title&limit=1"),
        ("/api/v1/titles?kind=movie&q=told", "/api/v1/titles?&q=told&kind=movie"),
        (TITLE, TITLE.replace("titles", "%74itles")),
    ],
)
def test_the_same_question_is_known_again(client: httpx.Client, first: str, second: str) -> None:
    assert client.get(first).content == client.get(second).content
    assert look_ups(client) == (1, 1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/api/v1/titles?limit=1", "/api/v1/titles?limit=2"),
        ("/api/v1/titles?limit=1&limit=2", "/api/v1/titles?limit=2&limit=1"),
        ("/api/v1/titles?limit=1&%6Cimit=2", "/api/v1/titles?%6Cimit=2&limit=1"),
        ("/api/v1/titles?q=told+0", "/api/v1/titles?q=title+2"),
        (TITLE, f"{TITLE}/credits"),
        (TITLE, f"/titles/{title_number(1)}"),
        (TITLE, f"/api/v1/titles/{title_number(2)}"),
    ],
)
def test_questions_are_not_confused(
    client: httpx.Client, filled: str, first: str, second: str
) -> None:
    with api_client(filled, Settings(api_requests_per_minute=0, api_cache_mb=0)) as uncached:
        expected = [uncached.get(address).content for address in (first, second)]
    assert [client.get(address).content for address in (first, second)] == expected
    assert [client.get(address).content for address in (first, second)] == expected
    assert expected[0] != expected[1]


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/titles/tt9999999",
        "/api/v1/titles?limit=0",
        "/api/v1/titles?surprise=1",
        "/titles?limit=0",
        "/api/v1/titles/",
    ],
)
def test_errors_are_not_kept(client: httpx.Client, address: str) -> None:
    assert client.get(address).status_code >= 300
    assert client.get(address).status_code >= 300
    assert look_ups(client)[0] == 0


def test_other_addresses_are_not_looked_up(client: httpx.Client) -> None:
    for address in ("/healthz", "/readyz", "/api/v1/runs", "/runs", "/", "/api/v1/export"):
        assert client.get(address).status_code == 200
    assert look_ups(client) == (0, 0)


def test_other_methods_are_answered_as_ever(client: httpx.Client) -> None:
    client.get(TITLE)
    for method in ("HEAD", "POST", "DELETE", "OPTIONS"):
        assert client.request(method, TITLE).status_code == 405
    assert look_ups(client) == (0, 1)


@pytest.mark.parametrize(
    "wrong", [{}, {"X-API-Key": "another-key-of-many-characters"}, {"Authorization": "Bearer x"}]
)
def test_who_may_not_read_is_given_nothing_that_is_kept(
    filled: str, settings: Settings, wrong: dict[str, str]
) -> None:
    closed = msgspec.structs.replace(
        settings, api_host=ListenAddress("0.0.0.0"), api_keys=(ApiKey(KEY),)  # noqa: S104
    )  # fmt: skip
    with api_client(filled, closed) as client:
        allowed = client.get(TITLE, headers={"X-API-Key": KEY})
        assert allowed.status_code == 200
        assert allowed.headers["cache-control"] == "private, no-cache"
        refused = client.get(TITLE, headers=wrong)
        assert (refused.status_code, "Told" in refused.text) == (401, False)
        tag = {"If-None-Match": allowed.headers["etag"]}
        assert client.get(TITLE, headers={**wrong, **tag}).status_code == 401
        basic = httpx.BasicAuth("anybody", KEY)
        assert client.get(TITLE, auth=basic).content == allowed.content


def test_a_server_that_is_open_does_not_take_over_what_is_private(
    filled: str, redis_url: str
) -> None:
    shared = with_redis(redis_url)
    closed = msgspec.structs.replace(
        shared, api_host=ListenAddress("0.0.0.0"), api_keys=(ApiKey(KEY),)  # noqa: S104
    )  # fmt: skip
    with api_client(filled, closed) as private, api_client(filled, shared) as public:
        answer = private.get(TITLE, headers={"X-API-Key": KEY})
        assert answer.headers["cache-control"] == "private, no-cache"
        assert public.get(TITLE).headers["cache-control"] == "public, no-cache"


def test_each_request_counts_for_the_limit_of_its_client(filled: str) -> None:
    with api_client(filled, Settings(api_requests_per_minute=12)) as client:
        statuses = [client.get(TITLE).status_code for _ in range(5)]
    assert statuses == [200, 200, 429, 429, 429]


def test_nothing_is_kept_without_room(filled: str) -> None:
    with api_client(filled, Settings(api_requests_per_minute=0, api_cache_mb=0)) as client:
        for _ in range(2):
            assert client.get(TITLE).json()["title"] == "Told 0"
        assert look_ups(client) == (0, 0)


def test_servers_share_what_is_in_redis(filled: str, redis_url: str) -> None:
    shared = with_redis(redis_url)
    with api_client(filled, shared) as first, api_client(filled, shared) as second:
        whole = first.get(TITLE)
        again = second.get(TITLE)
        assert look_ups(second) == (1, 0)
    assert again.content == whole.content
    assert again.headers["etag"] == whole.headers["etag"]


def test_another_database_in_the_same_redis_has_answers_of_its_own(
    filled: str, redis_url: str, postgres_server: str
) -> None:
    other = new_database(postgres_server)
    try:
        shared = with_redis(redis_url)
        with api_client(filled, shared) as first, api_client(other, shared) as second:
            assert first.get(TITLE).status_code == 200
            assert second.get(TITLE).status_code == 404
    finally:
        drop_database(postgres_server, other)


GARBAGE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda _: b"",
    "noise": lambda _: b"\xff\x00garbage" * 100,
    "cut": lambda entry: entry[: len(entry) // 2],
    "one bit": lambda entry: entry[:-1] + bytes([entry[-1] ^ 1]),
    "another body": lambda entry: entry.replace(b"Told 0", b"Told 9"),
    "a wrong signature": lambda entry: bytes(32) + entry[32:],
}


@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_somebody_else_has_put_into_redis_is_not_given(
    filled: str, redis_url: str, garbage: str
) -> None:
    shared = with_redis(redis_url)
    with api_client(filled, shared) as first:
        whole = first.get(TITLE)
    with redis.Redis.from_url(redis_url) as store:
        (key,) = store.keys()
        entry = store.get(key)
        assert isinstance(entry, bytes)
        store.set(key, GARBAGE[garbage](entry))
    with api_client(filled, shared) as second:
        assert second.get(TITLE).content == whole.content
        assert look_ups(second) == (0, 1)


def test_an_answer_that_was_moved_to_another_question_is_not_given(
    filled: str, redis_url: str
) -> None:
    shared = with_redis(redis_url)
    with api_client(filled, shared) as first:
        first.get(TITLE)
        with redis.Redis.from_url(redis_url) as store:
            (of_one,) = store.keys()
            other = first.get(f"/api/v1/titles/{title_number(2)}")
            (of_other,) = set(store.keys()) - {of_one}
            kept = store.get(of_one)
            assert isinstance(kept, bytes)
            store.set(of_other, kept)
    with api_client(filled, shared) as second:
        assert second.get(f"/api/v1/titles/{title_number(2)}").content == other.content


def test_keys_of_another_kind_do_no_harm(filled: str, redis_url: str) -> None:
    shared = with_redis(redis_url)
    with api_client(filled, shared) as first:
        first.get(TITLE)
    with redis.Redis.from_url(redis_url) as store:
        (key,) = store.keys()
        store.delete(key)
        store.rpush(key, "a", "list")
    with api_client(filled, shared) as second:
        assert [second.get(TITLE).status_code for _ in range(2)] == [200, 200]


def test_a_redis_that_ends_in_the_middle_is_done_without(
    filled: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ExitStack() as stack:
        with redis_server() as url:
            client = stack.enter_context(api_client(filled, with_redis(url)))
            assert client.get(TITLE).status_code == 200
        for address in SHOW_THE_TITLE * 2:
            assert client.get(address).status_code == 200
        execute(filled, "UPDATE titles SET title = 'Told 1'")
        for address in SHOW_THE_TITLE:
            assert newest_told(client.get(address).text) == 1
        text = client.get("/metrics").text
    failures = re.search(r"^imdb_http_server_cache_failures_total (\S+)$", text, re.MULTILINE)
    assert failures
    assert float(failures[1]) > 0
    assert sum("does not keep answers" in record.getMessage() for record in caplog.records) == 1


def test_a_redis_that_is_not_there_at_the_start_is_done_without(filled: str) -> None:
    with api_client(filled, with_redis("redis://:secret@127.0.0.1:1/0")) as client:
        for _ in range(2):
            assert client.get(TITLE).json()["title"] == "Told 0"
        assert look_ups(client) == (1, 1)  # in memory


def test_a_lost_connection_to_postgresql_is_made_anew(client: httpx.Client, filled: str) -> None:
    client.get(TITLE)
    execute(
        filled,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "UPDATE titles SET title = 'Told 1'",
    )
    for _ in range(3):
        assert newest_told(client.get(TITLE).text) == 1


def test_without_a_version_answers_are_made_and_not_kept(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(_self: PostgresStoreVersion) -> str:
        raise RepositoryUnavailable("postgres", "not now")

    monkeypatch.setattr(PostgresStoreVersion, "current", unknown)
    for _ in range(2):
        assert client.get(TITLE).json()["title"] == "Told 0"
    assert look_ups(client) == (0, 0)
