"""Processes that keep to one limit: two clients with nothing in common but a real Redis."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from infrastructure.http import client as client_module
from infrastructure.http import shared_memory
from infrastructure.http.circuit_breaker import CLOSED
from infrastructure.http.client import HttpClient
from infrastructure.http.hosts import FAILURES_IN_A_ROW
from infrastructure.http.shared_limits import SharedLimits, SharedTurns
from infrastructure.http.shared_memory import HeldInRedis, SharedMemory
from infrastructure.http.throttle import Pace
from tests import clients
from tests.redis_server import redis_server
from tests.servers import Handler, page, serving


@pytest.fixture
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture
def memory(redis_url: str) -> Iterator[SharedMemory]:
    memory = SharedMemory(redis_url)
    yield memory
    memory.close()


@pytest.fixture
def new_client(redis_url: str) -> Callable[..., HttpClient]:
    """A client as another process would have it."""

    def new(team: str | None = None, **changes: object) -> HttpClient:
        limits = SharedLimits(SharedMemory(redis_url), team)
        return clients.http_client(limits=limits, **changes)

    return new


def test_several_processes_take_turns_at_one_rate(redis_url, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(SharedMemory, "now", lambda self: now[0])
    memories = [SharedMemory(redis_url) for _ in range(4)]
    turns = [SharedTurns(memory, "turns:a", 50) for memory in memories]

    def taken_in(milliseconds: int) -> int:
        taken = 0
        for _ in range(milliseconds):
            now[0] += 0.001
            taken += sum(each.take(0) for each in turns)
        return taken

    taken_in(100)
    assert 95 <= taken_in(2000) <= 105
    for each in turns:
        each.set_rate(10)
    taken_in(100)
    assert 19 <= taken_in(2000) <= 21
    for memory in memories:
        memory.close()


def test_the_turns_of_other_hosts_are_their_own(memory, monkeypatch):
    monkeypatch.setattr(SharedMemory, "now", lambda self: 1000.0)
    assert [SharedTurns(memory, f"turns:{name}", 1).take(0) for name in "abca"] == [
        True, True, True, False,
    ]  # fmt: skip


def test_no_more_than_the_limit_arrives_from_two_clients(new_client):
    with serving({"/": page(b"x")}) as server:
        with (
            new_client(requests_per_second=50) as one,
            new_client(requests_per_second=50) as other,
            ThreadPoolExecutor(20) as pool,
        ):
            begun = time.monotonic()
            list(pool.map(lambda n: (one, other)[n % 2].get(server.url + "/"), range(100)))
            seconds = time.monotonic() - begun
    assert server.requests["/"] == 100
    assert 50 * seconds + 5 >= 100  # what may come at once is what 100 ms allow


def test_a_retry_after_that_one_is_told_holds_all(new_client, monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)
    arrived = []
    refused = threading.Event()

    def busy_once(handler: Handler) -> None:
        arrived.append(time.monotonic())
        if len(arrived) == 1:
            handler.reply(429, Retry_After="2")
        else:
            handler.reply(200, b"x")

    with serving({"/": busy_once}) as server:
        with new_client() as one, new_client() as other, ThreadPoolExecutor(1) as pool:
            first = pool.submit(one.get, server.url + "/")
            held = HeldInRedis(
                other._limits._memory, f"pace:{server.url.partition('//')[2]}", Pace(),
                lifetime_seconds=9,
            )  # fmt: skip
            deadline = time.monotonic() + 20
            while not held.read().held_until and time.monotonic() < deadline:
                refused.wait(0.01)
            assert other.get(server.url + "/").body == b"x"
            assert first.result().body == b"x"
    assert arrived[1] - arrived[0] >= 1.9


def test_a_host_that_fails_for_one_worker_is_left_alone_by_the_others(new_client, monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda state: 0.01)
    with serving({"/": page(b"x")}) as server:
        address = server.url.partition("//")[2]
        with new_client("r1") as one, new_client("r1") as other, new_client("r2") as stranger:
            for n in range(FAILURES_IN_A_ROW):
                one._hosts.of(address).failed(f"/{n}")
            assert other._hosts.of(address).circuit.is_open
            assert not stranger._hosts.of(address).circuit.is_open


class TestRedisAway:
    @pytest.fixture(autouse=True)
    def _ask_again_at_once(self, monkeypatch):
        monkeypatch.setattr(shared_memory, "_AWAY_SECONDS", 0.05)

    def test_requests_go_on_more_slowly_and_the_limit_is_shared_again_later(
        self, monkeypatch, caplog
    ):
        with redis_server() as url:
            memory = SharedMemory(url)
            turns = SharedTurns(memory, "turns:a", 800)
            held = HeldInRedis(memory, "pace:a", Pace(), lifetime_seconds=60)
            held.change(lambda _: (Pace(rate=7), None))
            assert turns.take(1)
        assert turns.take(5)  # by itself
        assert held.read() == Pace(rate=7)
        held.change(lambda _: (Pace(rate=5), None))
        assert held.read() == Pace(rate=5)
        assert turns._alone._bucket.rates[0].limit / turns._alone._bucket.rates[0].interval == 0.1
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "REDIS_URL" in caplog.text
        memory.close()

    def test_when_redis_comes_back_it_is_used_again(self, memory, redis_url, caplog):
        caplog.set_level("INFO")
        held = HeldInRedis(memory, "circuit", CLOSED, lifetime_seconds=60)
        memory._lost(OSError("cut"))
        until = time.monotonic() + 10
        while "answers again" not in caplog.text and time.monotonic() < until:
            held.read()
        held.change(lambda _: (CLOSED, None))
        assert "answers again" in caplog.text

    def test_a_page_can_be_had_without_redis(self, tmp_path):
        limits = SharedLimits(SharedMemory(f"unix://{tmp_path}/nothing.sock"))
        with serving({"/": page(b"x")}) as server, clients.http_client(limits=limits) as http:
            assert http.get(server.url + "/").body == b"x"


def test_a_password_is_not_told(caplog):
    memory = SharedMemory("redis://:geheim@127.0.0.1:1/0")
    with pytest.raises(shared_memory.MemoryAway):
        memory.ask(lambda redis: redis.ping())
    assert "127.0.0.1:1" in caplog.text
    assert "geheim" not in caplog.text


@pytest.mark.parametrize("garbage", [b"", b"\xff\xff", b"\x81\xa4rate\xa3six", b"[1, 2]", b"\x05"])
def test_what_another_one_has_written_there_counts_as_nothing(memory, redis_url, garbage):
    held = HeldInRedis(memory, "pace:a", Pace(), lifetime_seconds=60)
    with Redis.from_url(redis_url) as redis:
        redis.set(memory.key("pace:a"), garbage)
    assert held.read() == Pace()
    held.change(lambda pace: (Pace(rate=2 + min(pace.rate, 1)), None))
    assert held.read() == Pace(rate=3)


def test_the_clock_is_that_of_redis_whatever_ours_says(redis_url, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 5000.0)
    memory = SharedMemory(redis_url)
    with Redis.from_url(redis_url) as redis:
        before = redis.time()[0]
        now = memory.now()
        after = redis.time()[0]
    memory.close()
    assert before - 1 <= now <= after + 2


def test_what_is_held_is_forgotten_in_the_end(memory, redis_url):
    held = HeldInRedis(memory, "pace:a", Pace(), lifetime_seconds=60)
    held.change(lambda _: (Pace(rate=2), None))
    with Redis.from_url(redis_url) as redis:
        assert 50_000 < redis.pttl(memory.key("pace:a")) <= 60_000
