import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyrate_limiter import InMemoryBucket

from infrastructure.http.held import HeldHere
from infrastructure.http.throttle import (
    LONGEST_HOLD_SECONDS,
    RECOVERY_SECONDS,
    LocalTurns,
    Pace,
    Throttle,
)
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


def throttle(limit: float, clock: Clock) -> Throttle:
    return Throttle(limit, threading.Event(), clock)


def refuse(host: Throttle, clock: Clock) -> bool:
    clock.now += 0.01
    return host.refused(clock.now)


def answer_for(seconds: float, host: Throttle, clock: Clock, *, latency: float = 0.1) -> None:
    """An answer every tenth of a second, for so long."""
    for _ in range(round(seconds * 10)):
        clock.now += 0.1
        host.answered(clock.now - latency, latency)


def test_a_refusal_halves_the_rate(clock):
    host = throttle(10, clock)
    assert refuse(host, clock)
    assert host.rate == 5


def test_refusals_of_requests_that_were_on_their_way_count_once(clock):
    host = throttle(10, clock)
    on_their_way = [clock.now] * 50
    clock.now += 1
    assert [host.refused(asked_at) for asked_at in on_their_way].count(True) == 1
    assert host.rate == 5


def test_the_rate_has_a_floor_below_which_nothing_is_told(clock):
    host = throttle(16, clock)
    assert [refuse(host, clock) for _ in range(20)] == [True] * 3 + [False] * 17
    assert host.rate == 2


def test_it_recovers_slowly_and_never_above_the_limit(clock):
    host = throttle(10, clock)
    refuse(host, clock)
    answer_for(RECOVERY_SECONDS + 0.2, host, clock)
    assert host.rate == 5.5
    answer_for(600, host, clock)
    assert host.rate == 10


def test_answers_to_older_requests_are_no_sign_of_recovery(clock):
    host = throttle(10, clock)
    asked_at = clock.now
    refuse(host, clock)
    clock.now += 60
    host.answered(asked_at, 60)
    assert host.rate == 5


def test_without_a_limit_a_refusal_makes_one_of_half_of_what_was_asked(clock):
    host = throttle(0, clock)
    assert host.rate == math.inf
    for _ in range(40):
        host.wait()
    refuse(host, clock)
    assert host.rate == 20
    answer_for(600, host, clock)
    assert host.rate == math.inf


def test_a_rising_latency_halves_the_rate(clock):
    host = throttle(10, clock)
    answer_for(10, host, clock, latency=0.2)
    assert host.rate == 10
    answer_for(1.5, host, clock, latency=2.0)
    assert host.rate == 5


def test_a_latency_that_was_always_so_is_none_that_rises(clock):
    host = throttle(10, clock)
    answer_for(60, host, clock, latency=3.0)
    assert host.rate == 10


def test_without_a_limit_the_latency_does_not_matter(clock):
    host = throttle(0, clock)
    answer_for(10, host, clock, latency=0.01)
    answer_for(10, host, clock, latency=9.0)
    assert host.rate == math.inf


def test_a_crawl_delay_is_a_limit_of_its_own(clock):
    for given_limit in (0, 10):
        host = throttle(given_limit, clock)
        host.limit_to(0.5)
        assert host.rate == 0.5
        refuse(host, clock)
        answer_for(600, host, clock)
        assert host.rate == 0.5


def test_a_crawl_delay_that_is_shorter_than_the_limit_changes_nothing(clock):
    host = throttle(2, clock)
    host.limit_to(10)
    assert host.rate == 2


def test_a_lowered_rate_is_really_kept(monkeypatch):
    milliseconds = [0]
    monkeypatch.setattr(InMemoryBucket, "now", lambda self: milliseconds[0])

    def taken_in_a_second(turns: LocalTurns) -> int:
        taken = 0
        for _ in range(1000):
            milliseconds[0] += 1
            taken += turns.take(0)
        return taken

    turns = LocalTurns(1000)
    assert 900 <= taken_in_a_second(turns) <= 1000
    turns.set_rate(100)
    assert 90 <= taken_in_a_second(turns) <= 100


def test_the_limiter_has_no_thread_and_forgets_the_turns_that_are_over():
    before = set(threading.enumerate())
    host = Throttle(1000, threading.Event())
    for _ in range(500):
        host.wait()
    assert set(threading.enumerate()) <= before
    assert host._turns._bucket.count() < 400


def test_nobody_waits_when_the_run_is_stopped():
    stop = threading.Event()
    host = Throttle(0.01, stop)
    host.wait()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(host.wait) for _ in range(2)]
        stop.set()
        for turn in waiting:
            turn.result(timeout=30)


class PassesTime:
    """A stop that never comes; who waits for it finds the time gone by."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def is_set(self) -> bool:
        return False

    def wait(self, seconds: float) -> bool:
        assert seconds < 1e6, "a wait without an end"
        self._clock.now += seconds
        return False


@pytest.mark.parametrize("held_until", [math.inf, 1e300, 2e6])
def test_a_hold_that_nobody_can_have_asked_for_ends_all_the_same(clock, held_until):
    stop: Any = PassesTime(clock)
    host = Throttle(0, stop, clock, held=HeldHere(Pace(held_until=held_until)))
    began = clock.now
    host.wait()
    assert clock.now - began == LONGEST_HOLD_SECONDS
    host.wait()  # the same garbage is not waited for again
    assert clock.now - began == LONGEST_HOLD_SECONDS


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, -math.inf])
def test_a_rate_that_is_none_counts_as_the_limit(clock, rate):
    host = Throttle(0, threading.Event(), clock, held=HeldHere(Pace(rate=rate)))
    host.wait()
    assert host.rate == math.inf


def test_a_hold_that_is_not_a_number_is_none(clock):
    stop: Any = PassesTime(clock)
    began = clock.now
    Throttle(0, stop, clock, held=HeldHere(Pace(held_until=math.nan))).wait()
    assert clock.now == began


def test_a_hold_is_waited_for_to_its_end(clock):
    stop: Any = PassesTime(clock)
    host = Throttle(0, stop, clock)
    host.hold(LONGEST_HOLD_SECONDS)
    began = clock.now
    host.wait()
    assert clock.now - began == LONGEST_HOLD_SECONDS
