"""Workers whose source refuses them for a while: real Redis, PostgreSQL and site, in this process.

Each worker is what a worker's process opens; its batches are begun here, one after the other.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
import pytest

from application.ports import BatchQueue
from demo.facts import load_facts
from demo.faults import Fault
from demo.site import DemoSite
from domain.batch import BatchState, Stage
from domain.identifiers import TitleId
from infrastructure.container import distribute, new_run, open_ledger
from infrastructure.container.distributed import Work, open_work
from infrastructure.http.shared_limits import SharedLimits
from infrastructure.http.shared_memory import SharedMemory
from infrastructure.repositories.postgres.ledger import PostgresLedger
from shared.config import Settings, load_settings
from tests.databases import execute, rows_of
from tests.e2e.program import titles_asked
from tests.redis_server import redis_server

FACTS = load_facts()
IDS = tuple(TitleId(title.imdb_id) for title in FACTS.titles[:40])


class Blocks:
    """A plan of faults: while it is set, every title is answered with a challenge."""

    def __init__(self) -> None:
        self.is_set = False

    def next(self, path: str, query: str = "") -> Fault | None:
        return Fault.CHALLENGE_PAGE if self.is_set and path.startswith("/title/") else None


class NoQueue:
    """Batches are begun by the test."""

    def send(self, batch_ids: object) -> None:
        pass

    def waiting(self) -> int:
        return 0


@pytest.fixture
def plan() -> Any:
    return Blocks()


@pytest.fixture
def site(plan: Any) -> Iterator[DemoSite]:
    with DemoSite(FACTS, faults=plan) as demo_site:
        yield demo_site


@pytest.fixture
def settings(site: DemoSite, tmp_path: Path, postgres_url: str) -> Iterator[Settings]:
    with redis_server() as redis_url:
        given = {
            "base_url": site.url, "sources": "html", "output_dir": str(tmp_path / "output"),
            "requests_per_second": "0", "database_url": postgres_url, "redis_url": redis_url,
            "batch_titles": "5", "max_threads": "4", "robots": "ignore", "batch_attempts": "1",
        }  # fmt: skip
        yield load_settings(given, env_file=None)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[PostgresLedger]:
    with open_ledger(settings) as opened:
        yield opened


def worker(settings: Settings, name: str) -> AbstractContextManager[Work]:
    queue: BatchQueue = NoQueue()
    return open_work(settings, name, queue, lambda report: None)


def handed_over(settings: Settings, ledger: PostgresLedger) -> tuple[str, list[int]]:
    run = new_run(settings, "titles")
    distribute(settings, ledger, run, IDS)
    return run.run_id, [
        number
        for (number,) in rows_of(
            settings.database_url.reveal(), "SELECT batch_id FROM run_batches ORDER BY 1"
        )
    ]


def let_pauses_pass(settings: Settings) -> None:
    url = settings.database_url.reveal()
    execute(url, "UPDATE distributed_runs SET waits_until = now() WHERE waits > 0")
    with closing(SharedLimits(SharedMemory(settings.redis_url.reveal()), "workers")) as limits:
        circuit = limits.source_circuit(f"html:{settings.base_url}")
        circuit.change(lambda state: (replace(state, open_until=0.0), None))


def test_a_source_that_blocks_for_a_while_costs_few_requests_and_no_title(
    settings: Settings, ledger: PostgresLedger, site: DemoSite, plan: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    postgres_url = settings.database_url.reveal()
    monkeypatch.setattr("infrastructure.http.shared_memory._FRESH_SECONDS", 0.0)
    run_id, batches = handed_over(settings, ledger)
    with worker(settings, "one") as one, worker(settings, "another") as another:
        one.execute(batches[0])
        plan.is_set = True
        before = titles_asked(site)
        another.execute(batches[1])
        asked_at_first = titles_asked(site) - before
        assert asked_at_first <= settings.max_threads
        progress = ledger.progress(run_id)
        assert progress is not None
        assert progress.wait is not None
        assert "blocked" in progress.wait.error

        for each in (one, another):  # it is waited for: nobody asks
            for number in batches:
                each.execute(number)
        assert titles_asked(site) == before + asked_at_first

        for number in range(1, 11):  # many more trials than a batch has attempts
            let_pauses_pass(settings)
            for each, batch in zip(cycle([one, another]), batches[1:], strict=False):
                each.execute(batch)
            assert titles_asked(site) == before + asked_at_first + number

        plan.is_set = False
        let_pauses_pass(settings)
        for number in (*batches, *batches):
            another.execute(number)

    progress = ledger.progress(run_id)
    assert progress is not None
    assert (progress.stage, progress.wait) == (Stage.CLOSED, None)
    assert progress.batches == {BatchState.DONE: len(batches)}
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(len(IDS),)]
    assert rows_of(postgres_url, "SELECT outcome, fetched, failed FROM runs") == [
        ("complete", len(IDS), 0)
    ]


def test_what_refused_one_worker_all_leave_alone(
    settings: Settings, ledger: PostgresLedger, site: DemoSite, plan: Any
) -> None:
    plan.is_set = True
    with worker(settings, "one") as one, worker(settings, "another") as another:
        _, [first, *_] = handed_over(settings, ledger)
        one.execute(first)
        asked = titles_asked(site)
        assert asked <= settings.max_threads
        _, of_another_run = handed_over(settings, ledger)
        for number in of_another_run[8:]:
            another.execute(number)
        assert titles_asked(site) == asked


def test_without_redis_a_worker_remembers_by_itself(
    settings: Settings, ledger: PostgresLedger, site: DemoSite, plan: Any
) -> None:
    plan.is_set = True
    nowhere = msgspec.structs.replace(
        settings, redis_url=type(settings.redis_url)("redis://127.0.0.1:1/0")
    )
    with worker(nowhere, "one") as one:
        _, [first, *_] = handed_over(settings, ledger)
        one.execute(first)
        asked = titles_asked(site)
        assert asked <= settings.max_threads
        _, of_another_run = handed_over(settings, ledger)
        for number in of_another_run[8:]:
            one.execute(number)
        assert titles_asked(site) == asked


def test_the_second_source_is_asked_while_the_first_is_left_alone(
    settings: Settings, ledger: PostgresLedger, site: DemoSite, plan: Any, postgres_url: str
) -> None:
    both = msgspec.structs.replace(
        settings, sources=("html", "graphql"), graphql_url=f"{site.url}/graphql"
    )
    plan.is_set = True
    run_id, batches = handed_over(both, ledger)
    with worker(both, "one") as one, worker(both, "another") as another:
        for each, number in zip(cycle([one, another]), batches, strict=False):
            each.execute(number)
    assert titles_asked(site) <= settings.max_threads
    progress = ledger.progress(run_id)
    assert progress is not None
    assert progress.batches == {BatchState.DONE: len(batches)}
    assert rows_of(postgres_url, "SELECT count(*) FROM titles") == [(len(IDS),)]
