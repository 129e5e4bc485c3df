"""Distributed runs as a user begins them, and what is said when they cannot be begun."""

import signal
from pathlib import Path

import pytest

from demo.facts import load_facts
from demo.site import DemoSite
from tests.databases import rows_of
from tests.e2e.program import report, rows, run
from tests.faults.program import Program
from tests.redis_server import redis_server

TITLES = 30


def test_a_worker_without_redis_says_in_a_line_what_it_needs(tmp_path: Path) -> None:
    result = run(tmp_path, "worker")
    assert result.status == 2
    assert "REDIS_URL=redis://" in result.err
    assert "python main.py worker --embedded" in result.err
    assert not (tmp_path / "output").exists()


def test_a_worker_whose_redis_does_not_answer_says_so(tmp_path: Path) -> None:
    result = run(tmp_path, "worker", redis_url="redis://user:s3cret@127.0.0.1:1/0")
    assert result.status == 1
    assert "Redis at redis://127.0.0.1:1/0" in result.err
    assert "s3cret" not in result.err


@pytest.mark.parametrize("command", [["worker", "--embedded"], ["scrape", "--distributed"]])
def test_without_postgres_there_are_no_distributed_runs(tmp_path: Path, command: list[str]) -> None:
    result = run(tmp_path, *command, repositories="csv")
    assert result.status == 2
    assert "add postgres" in result.err


def test_a_chart_that_cannot_be_read_begins_nothing(tmp_path: Path, postgres_url: str) -> None:
    result = run(
        tmp_path, "scrape", "--distributed", base_url="http://127.0.0.1:1",
        database_url=postgres_url, max_attempts=1,
    )  # fmt: skip
    assert result.status == 3
    assert "the chart could not be read" in result.err


def test_an_unknown_run_cannot_be_cancelled(tmp_path: Path, postgres_url: str) -> None:
    result = run(tmp_path, "runs", "cancel", "20260101T000000Z-0", database_url=postgres_url)
    assert result.status == 2
    assert "no distributed run" in result.err


def test_a_first_try_on_one_machine(folder: Path) -> None:
    with DemoSite(load_facts()) as site:
        settings = {
            "base_url": site.url, "limit": TITLES, "batch_titles": 10, "batch_lease_seconds": 3,
        }  # fmt: skip
        worker = Program(folder, "worker", "--embedded", **settings)
        try:
            worker.wait_for("ready for batches")
            done = run(folder, "scrape", "--distributed", **settings)
            assert done.status == 0, done.out + done.err
            worker.process.send_signal(signal.SIGTERM)
            assert worker.status() == 0
        finally:
            worker.end()

    assert len(rows(folder / "output", "titles.csv")) == TITLES
    assert report(folder / "output")["asked"] == TITLES
    assert "complete" in run(folder, "runs", **settings).out


def test_titles_are_named_on_the_command_line_and_one_is_not_there(
    folder: Path, postgres_url: str
) -> None:
    with DemoSite(load_facts()) as site, redis_server() as redis_url:
        settings = {
            "base_url": site.url, "database_url": postgres_url, "redis_url": redis_url,
            "batch_titles": 2, "batch_lease_seconds": 3,
        }  # fmt: skip
        handed = run(
            folder, "scrape", "--distributed", "--detach", "-", **settings,
            given="tt0111161 tt0068646, tt0111161\ntt0000001\n",
        )  # fmt: skip
        assert handed.status == 0
        assert "is handed to workers" in handed.out
        assert "at work" in run(folder, "runs", **settings).out
        worker = Program(folder, "worker", **settings)
        try:
            while "at work" in (shown := run(folder, "runs", **settings).out):
                pass
        finally:
            worker.process.send_signal(signal.SIGTERM)
            worker.status()

    assert "incomplete" in shown
    assert {row["imdb_id"] for row in rows(folder / "output", "titles.csv")} == {
        "tt0111161", "tt0068646",
    }  # fmt: skip
    written = report(folder / "output")
    assert (written["asked"], written["fetched"]) == (3, 2)
    assert [failure["imdb_id"] for failure in written["failures"]] == ["tt0000001"]


def test_what_is_left_of_a_run_and_what_failed_is_handed_to_workers(
    folder: Path, postgres_url: str
) -> None:
    with DemoSite(load_facts()) as site:
        settings = {"base_url": site.url, "database_url": postgres_url, "batch_titles": 2}
        for command in (("resume",), ("retry",)):
            nothing = run(folder, *command, "--distributed", **settings)
            assert (nothing.status, "Nothing to do" in nothing.out) == (0, True)
            unknown = run(folder, *command, "--distributed", "--run", "2026", **settings)
            assert unknown.status == 2
            assert "no run 2026 is known" in unknown.err
        first = run(folder, "titles", "tt0111161", "tt9999999", **settings)
        assert first.status == 1
        again = run(folder, "retry", "--all", "--distributed", "--detach", **settings)
        assert again.status == 0
        assert "is handed to workers" in again.out
    assert rows_of(postgres_url, "SELECT ids FROM run_batches") == [(["tt9999999"],)]


@pytest.mark.parametrize("command", ["scrape", "resume", "retry"])
def test_only_a_distributed_run_is_not_waited_for(tmp_path: Path, command: str) -> None:
    result = run(tmp_path, command, "--detach")
    assert result.status == 2
    assert "--detach goes with --distributed" in result.err
