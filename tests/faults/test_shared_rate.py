"""One limit for all workers, counted where their requests arrive.

That they are not slower than allowed depends on the machine: `benchmarks.workers` measures it.
"""

from pathlib import Path

from benchmarks.workers import LIMIT, MOST, rates
from demo.facts import synthetic_facts
from demo.site import DemoSite
from tests.databases import rows_of
from tests.faults.workers import Fleet, Redis

TITLES = 13 * LIMIT
FACTS = synthetic_facts(TITLES)
WORKERS = 4


def test_four_workers_together_keep_the_limit_over_any_ten_seconds(
    folder: Path, postgres_url: str
) -> None:
    redis = Redis(folder)
    redis.start()
    with DemoSite(FACTS, delay_seconds=0.05) as site:
        fleet = Fleet(folder, postgres_url, site, FACTS, redis, {"requests_per_second": LIMIT})
        try:
            for _ in range(WORKERS):
                fleet.worker()
            assert fleet.start("scrape", "--distributed").status() == 0
        finally:
            fleet.end()
            redis.close()
        arrivals = [request.received_at for request in site.requests]

    assert fleet.account().saved == TITLES
    assert len(rows_of(postgres_url, "SELECT DISTINCT worker FROM run_batches")) == WORKERS
    _, most = rates(arrivals)
    assert most <= MOST
