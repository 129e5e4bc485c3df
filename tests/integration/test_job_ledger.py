"""The ledger of the schedule's jobs: one worker at a time has a job, and no slot is done twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.job import JobClaim, JobName, SlotState
from infrastructure.repositories.postgres import open_postgres_repository
from infrastructure.repositories.postgres.jobs import PostgresJobs, open_postgres_jobs
from infrastructure.repositories.postgres.ledger import open_postgres_ledger
from tests.builders import a_profile, a_run
from tests.databases import execute, rows_of

NIGHT = datetime(2026, 1, 1, 3, tzinfo=UTC)
DAY = timedelta(days=1)
LONG = 1000
"""Seconds that no test lasts."""
JOB = JobName.CHARTS
TOKEN = "t"  # noqa: S105 - of a lease


@pytest.fixture
def ledger(postgres_url: str) -> Iterator[PostgresJobs]:
    with open_postgres_jobs(postgres_url, lease_seconds=LONG, most_attempts=2) as opened:
        yield opened


def claimed(ledger: PostgresJobs, token: str = TOKEN) -> JobClaim:
    claim = ledger.claim(JOB, f"worker {token}", token)
    assert claim is not None
    return claim


def noted(ledger: PostgresJobs, slot: datetime = NIGHT) -> JobClaim:
    """A job that is due since then, and claimed."""
    assert ledger.note(JOB, slot, is_time=True) is not None
    return claimed(ledger)


def let_time_pass(url: str) -> None:
    execute(
        url,
        "UPDATE job_slots SET due_at = now(), lease_until = CASE WHEN lease_until IS NULL"
        " THEN NULL ELSE now() - interval '1 s' END",
    )


def begin_run(url: str, run_id: str) -> None:
    run = a_run(run_id=run_id)
    with open_postgres_repository(url) as repository:
        repository.begin_run(run, None, [TitleId("tt0000001")])
    with open_postgres_ledger(url, lease_seconds=LONG, most_attempts=2) as batches:
        batches.open_run(run_id, [[TitleId("tt0000001")]])


def close_run(url: str, run_id: str, outcome: str) -> None:
    execute(
        url,
        f"UPDATE runs SET finished_at = now(), outcome = '{outcome}' WHERE run_id = '{run_id}'",
        f"UPDATE distributed_runs SET stage = 'closed' WHERE run_id = '{run_id}'",
    )


def test_of_many_who_note_and_claim_a_slot_one_gets_it(ledger: PostgresJobs) -> None:
    def note_and_claim(number: int) -> JobClaim | None:
        ledger.note(JOB, NIGHT, is_time=True)
        return ledger.claim(JOB, f"worker {number}", f"token {number}")

    with ThreadPoolExecutor(8) as threads:
        claims = [claim for claim in threads.map(note_and_claim, range(8)) if claim is not None]
    assert [(claim.job, claim.slot, claim.attempt) for claim in claims] == [(JOB, NIGHT, 1)]


def test_a_slot_that_is_done_is_not_done_again_nor_an_older_one(ledger: PostgresJobs) -> None:
    ledger.done(noted(ledger))
    assert ledger.note(JOB, NIGHT, is_time=True) is None
    assert ledger.note(JOB, NIGHT - DAY, is_time=True) is None
    assert ledger.claim(JOB, "worker", "u") is None
    ledger.done(noted(ledger, NIGHT + DAY))


def test_other_jobs_are_done_meanwhile(ledger: PostgresJobs) -> None:
    noted(ledger)
    assert ledger.note(JobName.PEOPLE, NIGHT, is_time=True) is not None
    assert ledger.claim(JobName.PEOPLE, "worker", TOKEN) is not None


def test_a_slot_of_a_job_at_work_is_skipped_and_says_why(ledger: PostgresJobs) -> None:
    claim = noted(ledger)
    skipped = ledger.note(JOB, NIGHT + DAY, is_time=True)
    assert skipped is not None
    assert (skipped.state, skipped.why) == (
        SlotState.SKIPPED, "that of 2026-01-01 03:00 UTC was still at work",
    )  # fmt: skip
    ledger.done(claim)
    assert ledger.due() == []
    assert ledger.note(JOB, NIGHT + DAY, is_time=False) is None


def test_what_was_missed_before_the_schedule_began_is_not_done(ledger: PostgresJobs) -> None:
    skipped = ledger.note(JOB, NIGHT, is_time=False)
    assert skipped is not None
    assert (skipped.state, skipped.why) == (SlotState.SKIPPED, "the schedule began after it")
    assert ledger.due() == []


def test_what_was_missed_since_is_done_once(ledger: PostgresJobs) -> None:
    ledger.done(noted(ledger))
    assert ledger.note(JOB, NIGHT + 5 * DAY, is_time=False) is not None
    assert ledger.due() == [JOB]
    ledger.done(claimed(ledger))
    assert ledger.note(JOB, NIGHT + 5 * DAY, is_time=False) is None


def test_a_job_can_be_asked_for_now(ledger: PostgresJobs) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    asked = ledger.note(JOB, None, is_time=True)
    assert asked is not None
    assert before < asked.slot < before + timedelta(minutes=5)
    assert ledger.due() == [JOB]


def test_the_job_of_a_dead_worker_is_somebody_elses_after_the_lease(
    ledger: PostgresJobs, postgres_url: str
) -> None:
    dead = noted(ledger)
    assert ledger.claim(JOB, "another", "u") is None
    assert ledger.due() == []
    let_time_pass(postgres_url)

    assert ledger.due() == [JOB]
    heir = claimed(ledger, "u")

    assert (heir.slot, heir.attempt) == (NIGHT, 2)
    assert not ledger.keep(dead)
    assert not ledger.note_run(dead, "r")
    ledger.done(dead)
    ledger.failed(dead, "?")
    ledger.give_back(dead)
    assert ledger.keep(heir)


def test_who_lost_a_job_saves_nothing_more(ledger: PostgresJobs, postgres_url: str) -> None:
    dead = noted(ledger)
    guard = ledger.guard(dead)
    with open_postgres_repository(postgres_url, guard=guard) as repository:
        repository.begin_run(a_run(), None, [])
        repository.save_profiles([a_profile(1)], a_run())
        let_time_pass(postgres_url)
        claimed(ledger, "u")
        with pytest.raises(RepositoryUnavailable, match="somebody else's now"):
            repository.begin_run(a_run("another"), None, [])
        with pytest.raises(RepositoryUnavailable, match="somebody else's now"):
            repository.save_profiles([a_profile(2)], a_run())
    assert rows_of(postgres_url, "SELECT count(*) FROM runs") == [(1,)]
    assert rows_of(postgres_url, "SELECT count(*) FROM person_profiles") == [(1,)]


def test_a_job_that_kills_its_workers_is_given_up(ledger: PostgresJobs, postgres_url: str) -> None:
    noted(ledger)
    let_time_pass(postgres_url)
    claimed(ledger, "u")
    let_time_pass(postgres_url)

    assert ledger.claim(JOB, "third", "v") is None
    [record] = ledger.records()
    assert (record.current.state, record.current.why) == (SlotState.FAILED, "its worker has died")
    noted(ledger, NIGHT + DAY)


def test_a_job_that_fails_is_tried_again_after_a_pause_and_given_up(
    ledger: PostgresJobs, postgres_url: str
) -> None:
    ledger.failed(noted(ledger), "the site is away\0")
    assert ledger.due() == []
    assert ledger.claim(JOB, "worker", "u") is None
    let_time_pass(postgres_url)
    assert ledger.due() == [JOB]
    ledger.failed(claimed(ledger, "u"), "still away")

    let_time_pass(postgres_url)
    assert ledger.due() == []
    [record] = ledger.records()
    assert (record.current.state, record.current.why) == (SlotState.FAILED, "still away")
    assert record.done_at is None


def test_a_job_that_is_given_back_has_not_failed(ledger: PostgresJobs) -> None:
    ledger.give_back(noted(ledger))
    assert ledger.due() == [JOB]
    assert claimed(ledger, "u").attempt == 1


@pytest.mark.parametrize(
    ("outcome", "state", "why"),
    [
        ("complete", SlotState.DONE, None),
        ("incomplete", SlotState.DONE, None),
        ("interrupted", SlotState.FAILED, "its run ended as interrupted"),
    ],
)
def test_a_job_lasts_as_long_as_its_distributed_run(
    ledger: PostgresJobs, postgres_url: str, outcome: str, state: SlotState, why: str | None
) -> None:
    claim = noted(ledger)
    assert ledger.note_run(claim, "run")
    begin_run(postgres_url, "run")
    let_time_pass(postgres_url)  # its worker has nothing more to do

    assert ledger.due() == []
    assert ledger.claim(JOB, "another", "u") is None
    skipped = ledger.note(JOB, NIGHT + DAY, is_time=True)
    assert skipped is not None
    assert skipped.state is SlotState.SKIPPED
    close_run(postgres_url, "run", outcome)

    assert ledger.claim(JOB, "another", "u") is None
    noted(ledger, NIGHT + 2 * DAY)
    assert rows_of(postgres_url, "SELECT state, why FROM job_slots WHERE run_id = 'run'") == [
        (state.value, why)
    ]


def test_a_run_that_was_noted_and_never_begun_is_known_to_the_heir(
    ledger: PostgresJobs, postgres_url: str
) -> None:
    assert ledger.note_run(noted(ledger), "run")
    let_time_pass(postgres_url)
    assert claimed(ledger, "u").run_id == "run"


def test_records_tell_of_each_job(ledger: PostgresJobs) -> None:
    ledger.done(noted(ledger))
    ledger.note(JOB, NIGHT + DAY, is_time=True)
    ledger.note(JOB, NIGHT + 2 * DAY, is_time=True)  # skipped
    ledger.note(JobName.PEOPLE, NIGHT, is_time=False)

    [charts, people] = ledger.records()

    assert (charts.current.job, charts.current.slot) == (JOB, NIGHT + DAY)
    assert charts.current.state is SlotState.WAITING
    assert charts.done_at is not None
    assert (people.current.job, people.done_at) == (JobName.PEOPLE, None)
