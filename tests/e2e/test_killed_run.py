"""``kill -9`` in the middle of a run, then the same command: nothing lost, nothing doubled."""

import random
import signal

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from infrastructure.repositories.postgres.embedded import embedded_postgres
from tests.e2e.program import rows, run, start
from tests.faults.account import assert_all_saved

FACTS = load_facts()
TRIES = 20
REQUESTS = 1 + len(FACTS.titles)


@pytest.fixture(scope="module")
def site():
    with DemoSite(FACTS, delay_seconds=0.02) as demo_site:
        yield demo_site


def killed_after(site: DemoSite, requests: int, start_run) -> None:
    """Kill the program, without any warning, once the site has had so many more requests."""
    before = len(site.requests)
    with start_run() as process:
        assert site.wait_for_requests(before + requests, 60)
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("number", range(TRIES))
def test_the_same_command_again_completes_a_killed_run(site, tmp_path, postgres_url, number):
    dice = random.Random(number)
    settings = {
        "base_url": site.url,
        "database_url": postgres_url,
        "requests_per_second": 0,
        "max_threads": dice.choice([5, 20, 50]),
    }
    requests = dice.randint(1, REQUESTS - 1)
    killed_after(site, requests, lambda: start(tmp_path, **settings))
    if number % 4 == 0:
        # Once more, now while titles that are held already are saved again.
        killed_after(site, dice.randint(1, REQUESTS - 1), lambda: start(tmp_path, **settings))

    result = run(tmp_path, **settings)

    assert result.status == 0, result.out + result.err
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)


def test_a_killed_run_with_the_embedded_database_is_completed(site, tmp_path):
    settings = {"base_url": site.url, "requests_per_second": 0}
    for requests in (2, 60, 200):
        killed_after(site, requests, lambda: start(tmp_path, **settings))
    result = run(tmp_path, **settings)
    assert result.status == 0, result.out + result.err
    with embedded_postgres(tmp_path / "output" / "postgres") as url:
        assert_all_saved(FACTS.titles, tmp_path / "output", url)
    query = "SELECT count(*), count(DISTINCT imdb_id) FROM titles"
    counted = run(tmp_path, "psql", "--no-align", "--tuples-only", "-c", query)
    assert counted.out.strip() == "250|250"


def test_what_a_killed_run_reported_as_saved_is_there(tmp_path):
    """The rows that stand in the file at the moment of the kill can all be read."""
    with DemoSite(FACTS, delay_seconds=0.05) as slow:
        settings = {"base_url": slow.url, "requests_per_second": 0, "repositories": "csv"}
        with start(tmp_path, **settings) as process:
            assert slow.wait_for_requests(180, 60)
            process.kill()
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        saved = rows(tmp_path / "output", "titles.csv")
    assert len({row["imdb_id"] for row in saved}) == len(saved) >= 50
