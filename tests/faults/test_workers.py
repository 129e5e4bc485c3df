"""Runs by several workers, with everything that can happen to them: nothing lost, nothing doubled.

Real workers, a real Redis, a real PostgreSQL, and the replica of the site.
"""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.facts import synthetic_facts
from demo.site import DemoSite
from tests.databases import rows_of
from tests.faults.row import HandIn
from tests.faults.workers import DeadlySite, Fleet, Redis, children_of, kill_all

TITLES = 300
FACTS = synthetic_facts(TITLES)
SECTION = "workers"


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS, delay_seconds=0.02) as demo_site:
        yield demo_site


@pytest.fixture
def broker() -> Iterator[Redis]:
    with tempfile.TemporaryDirectory(prefix="imdb-redis-") as folder:
        server = Redis(Path(folder))
        server.start()
        yield server
        server.close()


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
    workers: list = []

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
