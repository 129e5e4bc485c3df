"""Runs by several workers to which one thing after another happens, at random: nothing is lost.

One small try by default; ``TRIES=20 TITLES=5000`` for as many and as large ones as one likes.
"""

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from demo.facts import synthetic_facts
from demo.site import DemoSite
from infrastructure.workers import CeleryQueue, celery_app
from tests.databases import new_database, rows_of
from tests.faults.program import Program
from tests.faults.row import HandIn
from tests.faults.server import Server
from tests.faults.workers import Fleet, Redis, children_of, kill_all, suspend_all

TRIES = int(os.environ.get("TRIES", "1"))
TITLES = int(os.environ.get("TITLES", "600"))
FACTS = synthetic_facts(TITLES)
WORKERS = 3
LONGEST_TRY_SECONDS = 60 + TITLES / 5


class Mishaps:
    """What happens to a fleet; each leaves it as it was, or with other workers."""

    def __init__(self, fleet: Fleet, server: Server, dice: random.Random) -> None:
        self._fleet = fleet
        self._server = server
        self._dice = dice
        self._workers = [fleet.start("worker") for _ in range(WORKERS)]
        self.happened: list[str] = []

    def next(self) -> None:
        mishap: Callable[[], None] = self._dice.choice(
            [
                self.a_worker_is_killed, self.a_process_is_killed, self.a_worker_is_cut_off,
                self.redis_is_flushed, self.redis_is_killed, self.redis_is_killed_with_data,
                self.postgres_is_killed, self.all_is_delivered_again,
            ]
        )  # fmt: skip
        mishap()
        self.happened.append(mishap.__name__)

    def _victim(self) -> Program:
        return self._dice.choice(self._workers)

    def a_worker_is_killed(self) -> None:
        victim = self._victim()
        kill_all(victim)
        self._workers.remove(victim)
        self._workers.append(self._fleet.start("worker"))

    def a_process_is_killed(self) -> None:
        for child in children_of(self._victim()):
            child.kill()

    def a_worker_is_cut_off(self) -> None:
        processes = suspend_all(self._victim())
        time.sleep(self._dice.uniform(0.5, 5))  # how long is what is tested: any time will do
        for process in processes:
            if process.is_running() and process.status() == psutil.STATUS_STOPPED:
                process.resume()

    def redis_is_flushed(self) -> None:
        self._fleet.redis.flush()

    def redis_is_killed(self) -> None:
        self._fleet.redis.kill(with_data=False)
        self._fleet.redis.start()

    def redis_is_killed_with_data(self) -> None:
        self._fleet.redis.kill(with_data=True)
        self._fleet.redis.start()

    def postgres_is_killed(self) -> None:
        self._server.kill()
        self._server.start()

    def all_is_delivered_again(self) -> None:
        numbers = [
            number for (number,) in rows_of(self._fleet.url, "SELECT batch_id FROM run_batches")
        ]
        CeleryQueue(celery_app(self._fleet.redis.url), "test").send(numbers)


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS, delay_seconds=0.1) as demo_site:
        yield demo_site


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="imdb-faults-") as folder:
        made = Server(Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop()


@pytest.mark.timeout(LONGEST_TRY_SECONDS + 120)
@pytest.mark.parametrize("number", range(TRIES))
def test_whatever_happens_every_title_is_saved_once(
    folder: Path, server: Server, site: DemoSite, hand_in: HandIn, number: int
) -> None:
    dice = random.Random(number)
    with tempfile.TemporaryDirectory(prefix="imdb-redis-") as place:
        redis = Redis(Path(place))
        redis.start()
        # Batches are parked for what is wrong with titles only, and nothing is.
        settings: dict[str, object] = {"batch_attempts": 50, "batch_titles": 25}
        fleet = Fleet(folder, new_database(server.url), site, FACTS, redis, settings)
        try:
            run = fleet.start("scrape", "--distributed")
            run.wait_for("handed to workers")
            mishaps = Mishaps(fleet, server, dice)
            while run.process.poll() is None:
                time.sleep(dice.uniform(0.5, 4))
                if run.process.poll() is None:
                    mishaps.next()
            assert run.process.returncode == 0, run.said
            account = fleet.account()
        finally:
            fleet.end()
            redis.close()

    assert mishaps.happened
    hand_in(account, section="workers", fault="all of these at random moments", status="0")
    assert account.saved == TITLES
