"""Runs by several workers, with everything that can happen to them: nothing lost, nothing doubled.

Real workers, a real Redis, a real PostgreSQL, and the replica of the site.
"""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.facts import synthetic_facts
from demo.site import DemoSite
from tests.databases import new_database, rows_of
from tests.faults.program import Program
from tests.faults.row import HandIn
from tests.faults.server import Server
from tests.faults.workers import (
    DeadlySite,
    Fleet,
    OneHangs,
    Redis,
    children_of,
    kill_all,
    suspend_all,
)

TITLES = 300
FACTS = synthetic_facts(TITLES)
SECTION = "workers"


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS, delay_seconds=0.02) as demo_site:
        yield demo_site


@pytest.fixture
def fleet(folder: Path, postgres_url: str, site: DemoSite, broker: Redis) -> Iterator[Fleet]:
    made = Fleet(folder, postgres_url, site, FACTS, broker)
    yield made
    made.end()


def complete(fleet: Fleet, hand_in: HandIn, fault: str) -> None:
    account = fleet.account()
    hand_in(account, section=SECTION, fault=fault, status="0")
    assert account.saved == TITLES
    assert rows_of(fleet.url, "SELECT stage, closer FROM distributed_runs") == [("closed", None)]


def test_two_workers_share_a_run(fleet: Fleet, hand_in: HandIn) -> None:
    workers = [fleet.worker(), fleet.worker()]

    assert fleet.start("scrape", "--distributed").status() == 0

    complete(fleet, hand_in, "none")
    assert fleet.batches("done") == TITLES // 20
    assert len(rows_of(fleet.url, "SELECT DISTINCT worker FROM run_batches")) == 2
    for worker in workers:
        worker.process.send_signal(signal.SIGTERM)
        assert worker.status() == 0


def test_a_worker_that_is_killed(fleet: Fleet, hand_in: HandIn) -> None:
    victim, _ = fleet.worker(), fleet.worker()
    with fleet.at_request(60):
        run = fleet.start("scrape", "--distributed")

    kill_all(victim)

    assert run.status() == 0
    complete(fleet, hand_in, "`kill -9` of a worker")


def test_the_process_of_a_worker_that_is_killed(fleet: Fleet, hand_in: HandIn) -> None:
    worker = fleet.worker()
    with fleet.at_request(60):
        run = fleet.start("scrape", "--distributed")

    for child in children_of(worker):
        child.kill()

    assert run.status() == 0
    complete(fleet, hand_in, "`kill -9` of a worker's process")
    assert fleet.batches("split") == 1


def test_every_message_is_delivered_three_times(fleet: Fleet, hand_in: HandIn) -> None:
    from infrastructure.workers import CeleryQueue, celery_app

    queue = CeleryQueue(celery_app(fleet.redis.url), "test")
    fleet.start("scrape", "--distributed", "--detach").status()
    numbers = [number for (number,) in rows_of(fleet.url, "SELECT batch_id FROM run_batches")]
    for _ in range(2):
        queue.send(numbers)
    run = fleet.start("scrape", "--distributed", "tt0111161")
    fleet.worker()
    fleet.worker()

    assert run.status() == 0
    queue.send(numbers)  # also when all is over
    while queue.waiting():
        pass

    assert fleet.site.count("/title/tt0111161/") >= 1
    asked = rows_of(
        fleet.url, "SELECT sum(attempts), count(*) FROM run_batches WHERE state = 'done'"
    )
    assert asked == [(16, 16)]


@pytest.mark.parametrize("with_data", [True, False], ids=["with its data", "without its data"])
def test_redis_is_killed_and_comes_back(fleet: Fleet, hand_in: HandIn, *, with_data: bool) -> None:
    fleet.worker()
    fleet.worker()
    with fleet.at_request(60):
        run = fleet.start("scrape", "--distributed")

    with fleet.at_request(20):
        fleet.redis.kill(with_data=with_data)
    fleet.redis.start()

    assert run.status() == 0
    data = "with" if with_data else "without"
    complete(fleet, hand_in, f"Redis killed, back later {data} its data")


def test_redis_is_flushed(fleet: Fleet, hand_in: HandIn) -> None:
    fleet.worker()
    with fleet.at_request(60):
        run = fleet.start("scrape", "--distributed")

    fleet.redis.flush()

    assert run.status() == 0
    complete(fleet, hand_in, "Redis flushed")


def test_a_title_that_kills_whoever_reads_it_is_parked(
    folder: Path, postgres_url: str, broker: Redis
) -> None:
    poison = FACTS.titles[33].imdb_id
    workers: list[Program] = []

    def strike() -> None:
        for child in children_of(workers[0]):
            child.kill()

    with DeadlySite(FACTS, f"/title/{poison}/", strike) as site:
        fleet = Fleet(folder, postgres_url, site, FACTS, broker, {"batch_attempts": 2})
        try:
            workers.append(fleet.worker())
            assert fleet.start("scrape", "--distributed").status() == 1
            account = fleet.account()
        finally:
            fleet.end()

    assert (account.lost, account.doubled, account.wrong) == ([], [], [])
    assert account.saved == TITLES - 1
    assert rows_of(postgres_url, "SELECT imdb_id, reason FROM failures") == [(poison, "parked")]
    assert fleet.batches("parked") == 1
    with DemoSite(FACTS) as site:  # it is no poison any more
        fleet.site = site
        assert fleet.start("retry").status() == 0
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(TITLES,)]


def test_a_title_that_hangs_is_parked_when_the_time_is_over(
    folder: Path, postgres_url: str, broker: Redis
) -> None:
    poison = FACTS.titles[33].imdb_id
    plan: Any = OneHangs(f"/title/{poison}/")
    settings = {
        "batch_attempts": 1, "batch_time_limit_seconds": 3, "request_timeout_seconds": 2,
    }  # fmt: skip
    with DemoSite(FACTS, faults=plan) as site:
        fleet = Fleet(folder, postgres_url, site, FACTS, broker, settings)
        try:
            fleet.worker()
            assert fleet.start("scrape", "--distributed").status() == 1
            account = fleet.account()
        finally:
            fleet.end()

    assert (account.lost, account.doubled, account.wrong) == ([], [], [])
    assert account.saved == TITLES - 1
    [(failed, reason, message)] = rows_of(
        postgres_url, "SELECT imdb_id, reason, message FROM failures"
    )
    assert (failed, reason) == (poison, "parked")
    assert "longer than a batch may" in message


def test_a_worker_that_is_cut_off_and_comes_back(fleet: Fleet, hand_in: HandIn) -> None:
    victim = fleet.worker()
    with fleet.at_request(60):
        run = fleet.start("scrape", "--distributed")
    processes = suspend_all(victim)
    fleet.worker()

    assert run.status() == 0
    for process in processes:
        process.resume()

    victim.process.send_signal(signal.SIGTERM)
    assert victim.status() == 0
    complete(fleet, hand_in, "a worker cut off until the end")


def test_the_worker_dies_that_closes_the_run(fleet: Fleet, hand_in: HandIn) -> None:
    victim = fleet.worker()
    run = fleet.start("scrape", "--distributed")
    while fleet.stage() not in {("running", True), ("closed", False)}:
        pass  # ends with the test's own time limit

    kill_all(victim)
    fleet.worker()

    assert run.status() == 0
    complete(fleet, hand_in, "`kill -9` of the worker that closes the run")


def test_postgres_is_killed_and_comes_back(
    folder: Path, site: DemoSite, broker: Redis, hand_in: HandIn
) -> None:
    with tempfile.TemporaryDirectory(prefix="imdb-faults-") as place:
        server = Server(Path(place))
        server.start()
        fleet = Fleet(folder, new_database(server.url), site, FACTS, broker)
        try:
            worker, _ = fleet.worker(), fleet.worker()
            with fleet.at_request(60):
                run = fleet.start("scrape", "--distributed")
            server.kill()
            worker.wait_for("postgres")
            server.start()
            assert run.status() == 0, run.said
            complete(fleet, hand_in, "PostgreSQL killed, back later")
        finally:
            fleet.end()
            server.stop()


def test_a_run_is_paused_continued_and_cancelled(fleet: Fleet) -> None:
    fleet.worker()
    before = len(fleet.site.requests)
    with fleet.at_request(60):
        run = fleet.start("scrape", "--distributed")
    run_id = fleet.run_id()

    assert fleet.start("runs", "pause", run_id).status() == 0
    while fleet.batches("running"):
        pass
    paused_at = len(fleet.site.requests)
    shown = fleet.start("runs")
    assert shown.status() == 0
    assert "paused" in shown.said

    with fleet.at_request(20):
        assert fleet.start("runs", "continue", run_id).status() == 0
    assert fleet.start("runs", "cancel", run_id).status() == 0
    assert run.status() == 130, run.said

    assert paused_at < len(fleet.site.requests) < before + TITLES
    account = fleet.account()
    assert (account.lost, account.doubled, account.wrong) == ([], [], [])
    assert 0 < account.saved < TITLES
    again = fleet.start("runs", "continue", run_id)
    assert again.status() == 2
    assert "is closed already" in again.said

    assert fleet.start("resume").status() == 0
    assert fleet.account().saved == TITLES
