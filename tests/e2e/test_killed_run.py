"""``kill -9`` in the middle of a run, then the same command: nothing lost, nothing doubled."""

import random
import signal
from collections import Counter

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from tests.databases import rows_of
from tests.e2e.program import rows, run, start

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


def assert_each_once(counted: Counter) -> None:
    assert {key: times for key, times in counted.items() if times > 1} == {}


def assert_whole(output) -> None:
    titles = rows(output, "titles.csv")
    assert {row["imdb_id"] for row in titles} == {title.imdb_id for title in FACTS.titles}
    assert len(titles) == len(FACTS.titles)
    assert_each_once(Counter(row["imdb_id"] for row in rows(output, "people.csv")))
    credits_ = rows(output, "credits.csv")
    assert_each_once(Counter((r["title_id"], r["category"], r["position"]) for r in credits_))
    expected = sum(len(t.directors) + len(t.writers) + len(t.cast) for t in FACTS.titles)
    assert len(credits_) == expected


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
    assert_whole(tmp_path / "output")
    query = "SELECT (SELECT count(*) FROM titles), (SELECT count(*) FROM credits)"
    [(titles, credits_)] = rows_of(postgres_url, query)
    assert titles == len(FACTS.titles)
    assert credits_ == len(rows(tmp_path / "output", "credits.csv"))


def test_a_killed_run_with_the_embedded_database_is_completed(site, tmp_path):
    settings = {"base_url": site.url, "requests_per_second": 0}
    for requests in (2, 60, 200):
        killed_after(site, requests, lambda: start(tmp_path, **settings))
    result = run(tmp_path, **settings)
    assert result.status == 0, result.out + result.err
    assert_whole(tmp_path / "output")
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
