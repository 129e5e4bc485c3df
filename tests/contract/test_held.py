"""What every holder of a value does that several remember together."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from redis import Redis

from infrastructure.http.circuit_breaker import CLOSED, CircuitBreaker, CircuitState
from infrastructure.http.held import Held, HeldHere
from infrastructure.http.shared_memory import HeldInRedis, SharedMemory
from infrastructure.http.throttle import Pace, Throttle
from tests.clock import Clock
from tests.redis_server import redis_server

NewHeld = Callable[[object], list[Held]]
"""Gives two ways to one value: those of two processes, or one and the same."""


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(params=["here", "redis"])
def both(request: pytest.FixtureRequest) -> Iterator[NewHeld]:
    memories = []

    def new(initial: object) -> list[Held]:
        if request.param == "here":
            return [HeldHere(initial)] * 2
        url = request.getfixturevalue("redis_url")
        Redis.from_url(url).flushall()
        memories.extend([SharedMemory(url), SharedMemory(url)])
        return [HeldInRedis(each, "it", initial, lifetime_seconds=60) for each in memories]

    yield new
    for memory in memories:
        memory.close()


def counted(state: CircuitState) -> tuple[CircuitState, int]:
    return replace(state, openings=state.openings + 1), state.openings


def test_it_begins_with_what_it_was_given(both):
    assert [held.read() for held in both(Pace(rate=3.5))] == [Pace(rate=3.5)] * 2


def test_a_change_begins_with_what_the_other_one_has_left(both):
    one, other = both(CLOSED)
    assert [held.change(counted) for held in (one, other, one, other)] == [0, 1, 2, 3]
    assert other.read().openings == 4


def test_no_change_is_lost_when_many_threads_make_them(both):
    ways = both(CLOSED)
    with ThreadPoolExecutor(16) as pool:
        before = list(pool.map(lambda n: ways[n % 2].change(counted), range(400)))
    assert sorted(before) == list(range(400))


def test_what_has_no_end_is_held(both):
    held, _ = both(Pace())
    held.change(lambda pace: (replace(pace, held_until=5.0), None))
    assert held.read() == Pace(held_until=5.0)


def test_a_circuit_that_one_opens_is_open_to_the_other(both):
    clock = Clock()
    one, other = (
        CircuitBreaker(failures=2, rest_seconds=10, clock=clock, held=held) for held in both(CLOSED)
    )
    assert [one.failed(), other.failed()] == [False, True]
    assert not one.allows()
    clock.now += 10
    assert one.allows()
    assert not other.allows()  # one trial over all of them
    assert one.succeeded()
    assert other.failed() is False


def test_a_trial_belongs_to_the_process_that_makes_it(both):
    clock = Clock()
    one, other = (
        CircuitBreaker(failures=1, rest_seconds=10, clock=clock, held=held) for held in both(CLOSED)
    )
    one.trip()
    clock.now += 10
    assert one.allows()
    assert not other.failed()  # of a request from before
    other.withdraw()
    assert not other.allows()
    assert one.failed()
    assert one.openings == 2


def test_a_rate_that_one_lowers_is_lowered_for_the_other(both):
    clock = Clock()
    one, other = (Throttle(16, threading.Event(), clock, held=held) for held in both(Pace()))
    clock.now += 1
    on_their_way = clock.now - 0.5
    assert one.refused(clock.now)
    assert not other.refused(on_their_way)
    clock.now += 1
    assert other.refused(clock.now)
    assert (other.rate, other.limit) == (4, 16)
