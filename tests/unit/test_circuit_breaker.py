import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from infrastructure.http.circuit_breaker import LONGEST_REST_SECONDS, CircuitBreaker
from infrastructure.http.hosts import FAILURES_IN_A_ROW, Host, Hosts, host_of_this_process
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock) -> CircuitBreaker:
    return CircuitBreaker(failures=3, rest_seconds=10, clock=clock)


def opened(circuit: CircuitBreaker) -> CircuitBreaker:
    assert [circuit.failed() for _ in range(3)] == [False, False, True]
    return circuit


def test_it_opens_after_failures_in_a_row(circuit):
    opened(circuit)
    assert circuit.is_open
    assert not circuit.allows()


def test_a_success_in_between_begins_the_row_anew(circuit):
    for _ in range(10):
        circuit.failed()
        circuit.failed()
        circuit.succeeded()
    assert not circuit.is_open
    assert circuit.allows()


def test_after_the_rest_one_is_let_through_at_a_time(circuit, clock):
    opened(circuit)
    clock.now += 10
    assert circuit.allows()
    assert circuit.is_open
    assert not circuit.allows()


def test_a_trial_that_succeeds_closes_it(circuit, clock):
    opened(circuit)
    clock.now += 10
    circuit.allows()
    assert circuit.succeeded()
    assert not circuit.is_open
    assert [circuit.failed() for _ in range(3)] == [False, False, True]
    clock.now += 10
    assert circuit.allows()


def test_a_trial_that_fails_opens_it_for_twice_the_rest(circuit, clock):
    opened(circuit)
    clock.now += 10
    circuit.allows()
    assert circuit.failed()
    assert circuit.openings == 2
    clock.now += 19
    assert not circuit.allows()
    clock.now += 1
    assert circuit.allows()


def test_the_rest_has_a_limit(circuit, clock):
    opened(circuit)
    for _ in range(20):
        clock.now += LONGEST_REST_SECONDS
        assert circuit.allows()
        circuit.failed()


def test_answers_from_before_it_opened_change_nothing(circuit):
    opened(circuit)
    assert not circuit.succeeded()
    assert not circuit.failed()
    assert circuit.is_open
    assert circuit.openings == 1


def test_it_can_be_tripped_at_once(circuit):
    assert circuit.trip()
    assert not circuit.trip()
    assert not circuit.allows()


def test_a_trial_that_nobody_ends_is_forgotten(circuit, clock):
    opened(circuit)
    clock.now += 10
    assert circuit.allows()
    clock.now += 1000
    assert circuit.allows()


def test_after_a_trial_that_told_nothing_another_one_is_allowed_at_once(circuit, clock):
    opened(circuit)
    clock.now += 10
    assert circuit.allows()
    circuit.withdraw()
    assert circuit.allows()
    assert not circuit.allows()
    assert circuit.succeeded()


def test_what_was_asked_before_it_opened_does_not_end_the_trial_of_another_thread(circuit, clock):
    opened(circuit)
    clock.now += 10
    assert circuit.allows()
    with ThreadPoolExecutor(1) as another:
        assert not another.submit(circuit.failed).result()
        another.submit(circuit.withdraw).result()
    assert circuit.openings == 1
    assert not circuit.allows()  # the trial is still on its way
    assert circuit.failed()
    assert circuit.openings == 2


def test_without_a_trial_there_is_nothing_to_withdraw(circuit):
    circuit.withdraw()
    assert circuit.allows()
    opened(circuit)
    circuit.withdraw()
    assert not circuit.allows()


def test_fifty_threads_open_it_once_and_one_of_them_tries_again(circuit, clock):
    together = threading.Barrier(50)

    def fail() -> bool:
        together.wait()
        return circuit.failed()

    def ask() -> bool:
        together.wait()
        return circuit.allows()

    with ThreadPoolExecutor(50) as pool:
        assert sum(future.result() for future in [pool.submit(fail) for _ in range(50)]) == 1
        clock.now += 10
        assert sum(future.result() for future in [pool.submit(ask) for _ in range(50)]) == 1


def new_host() -> Host:
    return host_of_this_process(0, threading.Event())


def test_a_page_that_fails_again_and_again_counts_once():
    host = new_host()
    assert not any(host.failed("/the same") for _ in range(100))
    assert not host.circuit.is_open


def test_many_pages_that_fail_open_the_hosts_circuit():
    host = new_host()
    assert sum(host.failed(f"/{n}") for n in range(FAILURES_IN_A_ROW)) == 1
    assert host.circuit.is_open
    assert not host.is_down


def test_an_answer_in_between_forgets_the_pages_that_failed():
    host = new_host()
    for n in range(FAILURES_IN_A_ROW - 1):
        host.failed(f"/{n}")
    host.succeeded()
    for n in range(FAILURES_IN_A_ROW - 1):
        host.failed(f"/{n}")
    assert not host.circuit.is_open


def test_each_host_is_known_by_its_name_and_port():
    hosts = Hosts(lambda _: new_host())
    assert hosts.of("a:1") is hosts.of("a:1")
    assert hosts.of("a:1") is not hosts.of("a:2")


def test_it_tells_how_long_nobody_may_ask(circuit, clock):
    assert circuit.rest_seconds == 0
    opened(circuit)
    assert circuit.rest_seconds == 10
    clock.now += 4
    assert circuit.rest_seconds == 6
    clock.now += 6
    assert circuit.rest_seconds == 0
    assert circuit.allows()
    assert circuit.rest_seconds > 0  # the trial is on its way
    circuit.withdraw()
    assert circuit.rest_seconds == 0
    circuit.succeeded()
    assert circuit.rest_seconds == 0
