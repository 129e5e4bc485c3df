"""The schedule, with everything that can happen to clocks and workers: each job once.

Real clocks (``schedule``), workers, Redis and PostgreSQL, and the replica of the site.
"""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.synthetic_datasets import Sizes, write_datasets
from demo.facts import load_facts
from demo.site import DemoSite
from infrastructure.workers import celery_app
from infrastructure.workers.app import JOB_QUEUE, JOB_TASK
from tests.databases import execute, rows_of
from tests.dataset_files import AKAS, CREW, EPISODE, RATINGS, rating_line, write
from tests.faults.program import Program
from tests.faults.workers import (
    DeadlySite,
    Fleet,
    Redis,
    children_of,
    kill_all,
    suspend_all,
)
from tests.servers import Answer, Handler, serving

TITLES = 30
FACTS = load_facts()
SETTINGS: dict[str, object] = {
    "limit": TITLES, "batch_titles": 10, "schedule_datasets": "off", "schedule_people": "off",
}  # fmt: skip
NEVER_BEFORE = "2020-01-01 03:00Z"
"""When the job was done last, long before any test."""


@pytest.fixture(scope="module")
def site() -> Iterator[DemoSite]:
    with DemoSite(FACTS, delay_seconds=0.02) as demo_site:
        yield demo_site


@pytest.fixture
def fleet(folder: Path, postgres_url: str, site: DemoSite, broker: Redis) -> Iterator[Fleet]:
    made = Fleet(folder, postgres_url, site, FACTS, broker, dict(SETTINGS))
    yield made
    made.end()


def job_worker(fleet: Fleet) -> Program:
    program = fleet.start("worker", "--jobs")
    program.wait_for("ready for jobs")
    return program


def clock(fleet: Fleet) -> Program:
    program = fleet.start("schedule")
    program.wait_for("next at")
    return program


def slots(fleet: Fleet, job: str = "charts") -> list[tuple[object, ...]]:
    """The state, attempts and reason of each slot since the tests began, the oldest first."""
    return rows_of(
        fleet.url,
        f"SELECT state, attempts, why FROM job_slots WHERE job = '{job}'"
        f" AND slot > '{NEVER_BEFORE}' ORDER BY slot",
    )


def wait_until_over(fleet: Fleet, job: str = "charts") -> None:
    """Wait until no slot of a job is open; ends with the test's own time limit."""
    while fleet.start("schedule", "--show").status() == 0:
        found = slots(fleet, job)
        if found and all(state in {"done", "failed", "skipped"} for state, *_ in found):
            return


def was_done_before(fleet: Fleet) -> None:
    fleet.start("schedule", "--show").status()  # makes the tables
    execute(
        fleet.url,
        "INSERT INTO job_slots (job, slot, state, ended_at)"
        f" VALUES ('charts', '{NEVER_BEFORE}', 'done', '{NEVER_BEFORE}')",
    )


def tick(fleet: Fleet, slot: datetime, *, times: int = 1) -> None:
    """What a clock sends when a job is due."""
    app = celery_app(fleet.redis.url)
    for _ in range(times):
        app.send_task(JOB_TASK, ["charts", slot.isoformat(), True], queue=JOB_QUEUE)


def runs(fleet: Fleet) -> list[tuple[object, ...]]:
    return rows_of(fleet.url, "SELECT command, outcome, fetched FROM runs ORDER BY started_at")


def test_a_job_is_done_by_workers_and_its_run_is_shown(fleet: Fleet) -> None:
    fleet.worker()
    worker = job_worker(fleet)
    assert fleet.start("worker", "--check").status() == 0

    asked = fleet.start("schedule", "--once", "charts")
    assert asked.status() == 0
    assert "is handed to a worker" in asked.said
    wait_until_over(fleet)

    assert slots(fleet) == [("done", 1, None)]
    assert runs(fleet) == [("chart", "complete", TITLES)]
    shown = fleet.start("runs")
    assert shown.status() == 0
    assert "complete" in shown.said
    worker.process.send_signal(signal.SIGTERM)
    assert worker.status() == 0


def test_a_job_whose_time_comes_is_begun(fleet: Fleet) -> None:
    """Waits for a full minute, the shortest time that there is between two of a schedule."""
    fleet.settings |= {"schedule_charts": "* * * * *"}
    fleet.worker()
    job_worker(fleet)

    beat = clock(fleet)
    beat.wait_for("job charts is due")
    assert fleet.start("schedule", "--check").status() == 0
    while ("done", 1, None) not in slots(fleet):
        fleet.start("schedule", "--show").status()

    beat.process.send_signal(signal.SIGTERM)
    assert beat.status() == 0
    first, second, *_ = slots(fleet)
    assert first == ("skipped", 0, "the schedule began after it")
    assert second == ("done", 1, None)


def test_what_was_missed_is_caught_up_once_whoever_keeps_the_clock(fleet: Fleet) -> None:
    was_done_before(fleet)
    clocks = [clock(fleet), clock(fleet)]
    fleet.worker()
    job_worker(fleet)
    job_worker(fleet)
    wait_until_over(fleet)

    for beat in clocks:
        beat.process.kill()
    again = clock(fleet)
    wait_for_messages(fleet)

    assert slots(fleet) == [("done", 1, None)]
    assert runs(fleet) == [("chart", "complete", TITLES)]
    again.process.send_signal(signal.SIGTERM)
    assert again.status() == 0


def wait_for_messages(fleet: Fleet) -> None:
    """Wait until a message that was sent now, after all others, has come to its end."""
    assert fleet.start("schedule", "--once", "refresh").status() == 0
    wait_until_over(fleet, "refresh")


def test_messages_that_are_lost_are_sent_again(fleet: Fleet) -> None:
    was_done_before(fleet)
    fleet.worker()
    beat = clock(fleet)
    fleet.redis.kill(with_data=False)
    fleet.redis.start()
    job_worker(fleet)
    wait_until_over(fleet)

    assert slots(fleet) == [("done", 1, None)]
    assert beat.process.poll() is None


def test_a_tick_while_the_run_is_at_work_begins_nothing_and_says_so(fleet: Fleet) -> None:
    jobs = job_worker(fleet)
    now = datetime.now(UTC)
    tick(fleet, now, times=3)
    jobs.wait_for("is handed over")  # and there is no worker yet that does its batches
    tick(fleet, now + timedelta(days=1), times=2)
    jobs.wait_for("is not begun: that of")
    refused = fleet.start("schedule", "--once", "charts")
    assert refused.status() == 1
    assert "is not begun" in refused.said

    fleet.worker()
    wait_until_over(fleet)

    assert [state for state, *_ in slots(fleet)] == ["done", "skipped"]
    assert runs(fleet) == [("chart", "complete", TITLES)]


@pytest.mark.parametrize("path", ["/chart/top/", "/title/tt0111161/"], ids=["chart", "batches"])
def test_the_worker_is_killed_that_has_the_job(
    folder: Path, postgres_url: str, broker: Redis, path: str
) -> None:
    """In the middle of reading the chart, or when its distributed run has begun."""
    victims: list[Program] = []

    def strike() -> None:
        while victims:
            kill_all(victims.pop())

    with DeadlySite(FACTS, path, strike) as site:
        fleet = Fleet(folder, postgres_url, site, FACTS, broker, dict(SETTINGS))
        try:
            fleet.worker()
            victims.append(job_worker(fleet))
            assert fleet.start("schedule", "--once", "charts").status() == 0
            while victims:
                pass  # ends with the test's own time limit
            job_worker(fleet)
            wait_until_over(fleet)
            assert slots(fleet) == [("done", 2 if "chart" in path else 1, None)]
            assert runs(fleet) == [("chart", "complete", TITLES)]
        finally:
            fleet.end()


def test_a_worker_that_is_cut_off_begins_nothing_more(
    folder: Path, postgres_url: str, broker: Redis
) -> None:
    """It stands still while it reads the chart, and goes on when another one has done the job."""
    victims: list[Program] = []
    standing = []

    def strike() -> None:
        while victims:
            standing.extend(suspend_all(victims.pop()))

    with DeadlySite(FACTS, "/chart/top/", strike) as site:
        fleet = Fleet(folder, postgres_url, site, FACTS, broker, dict(SETTINGS))
        try:
            fleet.worker()
            victim = job_worker(fleet)
            victims.append(victim)
            assert fleet.start("schedule", "--once", "charts").status() == 0
            while victims:
                pass
            job_worker(fleet)
            wait_until_over(fleet)
            for process in standing:
                process.resume()
            victim.wait_for("is done by another worker by now")
            assert slots(fleet) == [("done", 2, None)]
            assert runs(fleet) == [("chart", "complete", TITLES)]
        finally:
            fleet.end()


def test_the_worker_is_killed_that_fetches_people(fleet: Fleet) -> None:
    fleet.worker()
    jobs = job_worker(fleet)
    assert fleet.start("schedule", "--once", "charts").status() == 0
    wait_until_over(fleet)
    with fleet.at_request(20):
        assert fleet.start("schedule", "--once", "people").status() == 0

    for child in children_of(jobs):
        child.kill()
    wait_until_over(fleet, "people")

    assert slots(fleet, "people") == [("done", 2, None)]
    known = rows_of(fleet.url, "SELECT count(*) FROM people")
    assert rows_of(fleet.url, "SELECT count(*) FROM person_profiles") == known


def test_a_worker_that_ends_leaves_its_job_to_another(fleet: Fleet) -> None:
    fleet.worker()
    jobs = job_worker(fleet)
    assert fleet.start("schedule", "--once", "charts").status() == 0
    wait_until_over(fleet)
    with fleet.at_request(20):
        assert fleet.start("schedule", "--once", "people").status() == 0

    jobs.process.send_signal(signal.SIGTERM)
    assert jobs.status() == 0
    assert "is left to another worker" in jobs.said
    [(state, attempts, _)] = slots(fleet, "people")
    assert (state, attempts) == ("waiting", 0)

    job_worker(fleet)
    wait_until_over(fleet, "people")
    assert slots(fleet, "people") == [("done", 1, None)]


def a_file(data: bytes) -> Answer:
    def answer(request: Handler) -> None:
        ends = f"bytes 0-{len(data) - 1}/{len(data)}"
        request.reply(206, data, ETag='"one"', Content_Range=ends)

    return answer


def all_files(folder: Path) -> dict[str, Answer]:
    """Every dataset file, by its path: large ones, and those that have one row."""
    write_datasets(folder, Sizes.of(40_000))
    for name, line in (
        (AKAS, b"tt0000001\t1\tA title\t\\N\t\\N\t\\N\t\\N\t1"),
        (CREW, b"tt0000001\tnm0000001\t\\N"),
        (EPISODE, b"tt0000002\ttt0000001\t1\t1"),
        (RATINGS, rating_line(1, 100)),
    ):
        write(folder, name, [line])
    return {f"/{path.name}": a_file(path.read_bytes()) for path in folder.iterdir()}


@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "ended"])
def test_the_worker_goes_that_imports_datasets(
    fleet: Fleet, tmp_path: Path, *, is_killed: bool
) -> None:
    files = all_files(tmp_path / "files")
    loading = "SELECT count(*) FROM pg_stat_progress_copy"
    with serving(files) as server:
        fleet.settings |= {"datasets_url": server.url}
        jobs = job_worker(fleet)
        assert fleet.start("schedule", "--once", "datasets").status() == 0
        while rows_of(fleet.url, loading) == [(0,)]:
            pass  # ends with the test's own time limit

        if is_killed:
            kill_all(jobs)
        else:
            jobs.process.send_signal(signal.SIGTERM)
            assert jobs.status() == 0
            assert "is left to another worker" in jobs.said
        job_worker(fleet)
        wait_until_over(fleet, "datasets")

    assert slots(fleet, "datasets") == [("done", 2 if is_killed else 1, None)]
    [(titles,)] = rows_of(fleet.url, "SELECT count(*) FROM imdb_datasets.titles")
    assert titles == 40_000


def test_titles_are_refreshed_by_workers(fleet: Fleet) -> None:
    fleet.settings |= {"schedule_refresh_budget": 7}
    fleet.worker()
    job_worker(fleet)
    assert fleet.start("schedule", "--once", "charts").status() == 0
    wait_until_over(fleet)
    execute(fleet.url, "UPDATE titles SET fetched_at = fetched_at - interval '3 days'")

    assert fleet.start("schedule", "--once", "refresh").status() == 0
    wait_until_over(fleet, "refresh")

    assert runs(fleet) == [("chart", "complete", TITLES), ("refresh", "complete", 7)]


def test_a_job_that_cannot_be_done_is_tried_again_and_given_up(fleet: Fleet) -> None:
    fleet.settings |= {"base_url": "http://127.0.0.1:1", "max_attempts": 1, "batch_attempts": 2}
    jobs = job_worker(fleet)
    assert fleet.start("schedule", "--once", "charts").status() == 0
    wait_until_over(fleet)

    [(state, attempts, why)] = slots(fleet)
    assert (state, attempts) == ("failed", 2)
    assert "127.0.0.1:1" in str(why)
    assert "job charts, attempt 1" in jobs.said
    shown = fleet.start("schedule", "--show")
    assert shown.status() == 0
    assert "failed" in shown.said


def test_a_job_that_takes_too_long_is_ended_and_keeps_what_it_has(fleet: Fleet) -> None:
    fleet.worker()
    jobs = job_worker(fleet)
    assert fleet.start("schedule", "--once", "charts").status() == 0
    wait_until_over(fleet)
    kill_all(jobs)
    fleet.settings |= {
        "job_time_limit_seconds": 15, "requests_per_second": 5, "batch_attempts": 1,
    }  # fmt: skip
    job_worker(fleet)

    assert fleet.start("schedule", "--once", "people").status() == 0
    wait_until_over(fleet, "people")

    assert slots(fleet, "people") == [("failed", 1, "it has taken longer than a job may")]
    [(saved,)] = rows_of(fleet.url, "SELECT count(*) FROM person_profiles")
    [(known,)] = rows_of(fleet.url, "SELECT count(*) FROM people")
    assert 0 < saved < known
