"""The command `resume`: what was stopped goes on, and nothing is fetched twice.

``kill -9`` at any moment is in tests/faults/test_kills.py.
"""

import signal
import socket
from pathlib import Path

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from infrastructure.repositories.postgres.embedded import embedded_postgres
from tests.databases import execute, rows_of
from tests.e2e.program import report, rows, run, start, titles_asked
from tests.faults.account import assert_all_saved

FACTS = load_facts()
IDS = {title.imdb_id for title in FACTS.titles}


@pytest.fixture(scope="module")
def site():
    with DemoSite(FACTS, delay_seconds=0.02) as demo_site:
        yield demo_site


@pytest.fixture(scope="module")
def slow_site():
    """Takes so long that both repositories are open before many titles are there."""
    with DemoSite(FACTS, delay_seconds=0.15) as demo_site:
        yield demo_site


def kill_after_requests(site: DemoSite, requests: int, folder: Path, *arguments, **settings) -> int:
    """Kill the program, without any warning, once the site has had so many more requests.

    Gives how many the site has had in the end; fewer when there was no more to fetch.
    """
    before = len(site.requests)
    with start(folder, *arguments, **settings) as process:
        while process.poll() is None and not site.wait_for_requests(before + requests, 0.1):
            pass
        process.kill()
        process.communicate()
    return len(site.requests) - before


def test_what_is_saved_is_not_fetched_again(slow_site, tmp_path, postgres_url):
    settings = {"base_url": slow_site.url, "database_url": postgres_url, "requests_per_second": 0}
    settings |= {"max_threads": 20}
    kill_after_requests(slow_site, 150, tmp_path, **settings)
    in_csv = {row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv")}
    in_postgres = {i for (i,) in rows_of(postgres_url, "SELECT imdb_id FROM titles")}
    saved = in_csv | in_postgres
    before = titles_asked(slow_site)

    result = run(tmp_path, "resume", **settings)

    assert titles_asked(slow_site) - before == len(FACTS.titles) - len(saved)
    account = report(tmp_path / "output")
    assert (account["already_saved"], account["fetched"]) == (len(saved), 250 - len(saved))
    assert f"asked 250 = already saved {len(saved)} + fetched {250 - len(saved)}" in result.out
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)
    csv, postgres = account["repositories"]
    assert (csv["held_before"], csv["copied"]) == (len(in_csv), len(saved - in_csv))
    assert (postgres["held_before"], postgres["copied"]) == (
        len(in_postgres), len(saved - in_postgres),
    )  # fmt: skip


def test_a_run_killed_again_and_again_while_it_is_resumed_is_completed(
    site, tmp_path, postgres_url
):
    settings = {"base_url": site.url, "database_url": postgres_url, "requests_per_second": 0}
    kill_after_requests(site, 80, tmp_path, **settings)
    for requests in (60, 1, 70):
        kill_after_requests(site, requests, tmp_path, "resume", **settings)
    assert run(tmp_path, "resume", **settings).status == 0
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)
    again = run(tmp_path, "resume", **settings)
    assert (again.status, "Nothing to do: there is no run to continue" in again.out) == (0, True)


@pytest.mark.parametrize("command", ["resume", "retry"])
def test_what_a_repository_that_is_away_may_know_is_not_denied(site, tmp_path, command):
    settings = {"base_url": site.url, "requests_per_second": 0, "limit": 3}
    assert run(tmp_path, repositories="csv", **settings).status == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = f"postgresql://me@127.0.0.1:{free.getsockname()[1]}/films"
    result = run(tmp_path, command, database_url=away, **settings)
    assert result.status == 1
    assert "Nothing to do" not in result.out
    assert "postgres: cannot be asked" in result.err


def test_a_run_of_the_embedded_database_is_completed(site, tmp_path):
    settings = {"base_url": site.url, "requests_per_second": 0}
    kill_after_requests(site, 120, tmp_path, **settings)
    result = run(tmp_path, "resume", **settings)
    assert result.status == 0, result.out + result.err
    with embedded_postgres(tmp_path / "output" / "postgres") as url:
        assert_all_saved(FACTS.titles, tmp_path / "output", url)


def test_a_repository_that_was_emptied_is_filled_again_without_fetching(
    slow_site, tmp_path, postgres_url
):
    settings = {"base_url": slow_site.url, "database_url": postgres_url, "requests_per_second": 0}
    settings |= {"max_threads": 20}
    kill_after_requests(slow_site, 150, tmp_path, **settings)
    saved = {row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv")}
    execute(postgres_url, "TRUNCATE titles, people, credits, rating_history CASCADE")
    before = titles_asked(slow_site)
    assert run(tmp_path, "resume", **settings).status == 0
    assert titles_asked(slow_site) - before == 250 - len(saved)
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)


def test_an_interrupted_run_goes_on(tmp_path, postgres_url):
    with DemoSite(FACTS, delay_seconds=0.1) as slow:
        settings = {"base_url": slow.url, "database_url": postgres_url, "requests_per_second": 0}
        with start(tmp_path, max_threads=5, **settings) as process:
            assert slow.wait_for_requests(40, 60)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "python main.py resume    fetch the" in out
        interrupted = report(tmp_path / "output")
        before = titles_asked(slow)
        assert run(tmp_path, "resume", **settings).status == 0
    assert titles_asked(slow) - before == len(interrupted["not_tried"])
    assert report(tmp_path / "output")["run"]["run_id"] == interrupted["run"]["run_id"]
    assert_all_saved(FACTS.titles, tmp_path / "output", postgres_url)


def test_titles_of_the_command_line_are_continued(site, tmp_path):
    settings = {"base_url": site.url, "repositories": "csv", "requests_per_second": 0}
    ids = [title.imdb_id for title in FACTS.titles]
    kill_after_requests(site, 60, tmp_path, "titles", *ids, **settings)
    result = run(tmp_path, "resume", **settings)
    assert result.status == 0
    assert {row["imdb_id"] for row in rows(tmp_path / "output", "titles.csv")} == IDS


def test_a_run_of_an_unknown_id_is_a_usage_error(tmp_path, site):
    result = run(tmp_path, "resume", "--run", "20260101T000000Z-00000000", repositories="csv")
    assert result.status == 2
    assert list(tmp_path.iterdir()) == []
    run(tmp_path, base_url=site.url, repositories="csv", limit=1, requests_per_second=0)
    for command in ("resume", "retry"):
        result = run(tmp_path, command, "--run", "../../etc", repositories="csv")
        assert result.status == 2
        assert "no run ../../etc is known" in result.err


def test_where_there_is_no_data_nothing_is_made(tmp_path):
    for command in ("resume", "retry", "runs"):
        assert run(tmp_path, command).status == 0
    assert list(tmp_path.iterdir()) == []


def test_a_batch_run_tells_of_a_run_that_was_stopped(site, tmp_path, postgres_url):
    for stores in ("csv", "postgres"):
        settings = {"base_url": site.url, "repositories": stores, "requests_per_second": 0}
        # With few threads most of the requests have been answered when it is killed.
        settings |= {"database_url": postgres_url, "max_threads": 4}
        kill_after_requests(site, 60, tmp_path, **settings)
        told = run(tmp_path, limit=2, **settings)
        assert told.status == 0
        assert "to continue the other: python main.py resume --run" in told.err
        assert run(tmp_path, limit=2, **settings).err.count("to continue") == 0
        kill_after_requests(site, 60, tmp_path, **settings)
        assert "to continue" not in run(tmp_path, "--fresh", limit=2, chart="toptv", **settings).err
        assert "to continue" not in run(tmp_path, chart="bottom", **settings).err
        resumed_ = run(tmp_path, "--resume", **settings)
        assert "already saved" in resumed_.out
        assert resumed_.status == 0


def test_resume_and_fresh_belong_to_the_batch_run(tmp_path):
    assert run(tmp_path, "--fresh", "runs").status == 2
    assert run(tmp_path, "--resume", "titles", "tt0111161").status == 2


def test_a_run_at_work_is_not_continued(tmp_path):
    with DemoSite(FACTS, delay_seconds=0.2) as slow:
        settings = {"base_url": slow.url, "repositories": "csv", "requests_per_second": 0}
        with start(tmp_path, max_threads=2, **settings) as process:
            assert slow.wait_for_requests(3, 60)
            shown = run(tmp_path, "runs", **settings)
            result = run(tmp_path, "resume", **settings)
            other = run(tmp_path, limit=1, **settings)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert "at work" in shown.out
    assert (result.status, "another program is at work" in result.err) == (2, True)
    assert "to continue the other" not in other.err
