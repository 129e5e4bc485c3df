"""What becomes of a job when it ends, fails, is lost, or its worker is to end."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from application.do_job import DoJob, JobHousekeeping
from domain.errors import JobFailed, JobStopped, QueueUnavailable
from domain.job import JobClaim, JobEnd, JobName, JobRecord, JobSlot, SlotState

NIGHT = datetime(2026, 1, 1, 3, tzinfo=UTC)
JOB = JobName.CHARTS


class Ledger:
    """A ledger with one job, which may be lost; remembers what it is told."""

    def __init__(self, *, is_lost: bool = False, is_open: bool = True) -> None:
        self.is_lost = is_lost
        self.is_open = is_open
        self.told: list[object] = []
        self.kept = threading.Event()

    def note(self, job: JobName, slot: datetime | None, *, is_time: bool) -> JobSlot | None:
        assert slot is not None
        self.told.append(("note", slot, is_time))
        return JobSlot(job=job, slot=slot, state=SlotState.SKIPPED, why="it is at work")

    def claim(self, job: JobName, holder: str, token: str) -> JobClaim | None:
        return JobClaim(job=job, slot=NIGHT, token=token, attempt=1) if self.is_open else None

    def keep(self, claim: JobClaim) -> bool:
        self.kept.set()
        return not self.is_lost

    def note_run(self, claim: JobClaim, run_id: str) -> bool:
        raise NotImplementedError

    def done(self, claim: JobClaim) -> None:
        self.told.append("done")

    def failed(self, claim: JobClaim, why: str) -> None:
        self.told.append(("failed", why))

    def give_back(self, claim: JobClaim) -> None:
        self.told.append("given back")

    def due(self) -> Sequence[JobName]:
        return [JobName.CHARTS, JobName.PEOPLE]

    def records(self) -> Sequence[JobRecord]:
        return []


class Queue:
    def __init__(self, waiting: int = 0, *, is_away: bool = False) -> None:
        self.sent: list[JobName] = []
        self._waiting = waiting
        self._is_away = is_away

    def send(self, job: JobName) -> None:
        self.sent.append(job)

    def waiting(self) -> int:
        if self._is_away:
            raise QueueUnavailable("Redis is away")
        return self._waiting


def job(ledger: Ledger, perform: object, *, is_ending: bool = False) -> DoJob:
    return DoJob(
        ledger, perform, holder="me", lease_seconds=0.06, is_ending=lambda: is_ending,  # type: ignore[arg-type]
    )  # fmt: skip


def until_stopped(claim: JobClaim, stop: threading.Event) -> JobEnd:
    assert stop.wait(60)
    raise JobStopped


@pytest.mark.parametrize(("end", "told"), [(JobEnd.DONE, ["done"]), (JobEnd.HANDED_OVER, [])])
def test_a_job_that_ends(end: JobEnd, told: list[object]) -> None:
    ledger = Ledger()
    job(ledger, lambda claim, stop: end).execute(JOB)
    assert ledger.told == told


def test_a_job_that_somebody_else_has_is_not_begun(caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger(is_open=False)
    job(ledger, until_stopped).execute(JOB, NIGHT, is_time=True)
    assert ledger.told == [("note", NIGHT, True)]
    assert "job charts of 2026-01-01 03:00 UTC is not begun: it is at work" in caplog.text


@pytest.mark.parametrize(
    ("error", "why"),
    [(JobFailed("the site is away"), "the site is away"), (KeyError("x"), "KeyError: 'x'")],
)
def test_a_job_that_fails(error: Exception, why: str) -> None:
    def fail(claim: JobClaim, stop: threading.Event) -> JobEnd:
        raise error

    ledger = Ledger()
    job(ledger, fail).execute(JOB)
    assert ledger.told == [("failed", why)]


def test_a_job_that_is_lost_is_stopped_and_nothing_is_noted() -> None:
    ledger = Ledger(is_lost=True)
    job(ledger, until_stopped).execute(JOB)
    assert ledger.told == []


def test_a_worker_that_is_to_end_gives_its_job_back() -> None:
    ledger = Ledger()
    job(ledger, until_stopped, is_ending=True).execute(JOB)
    assert ledger.told == ["given back"]


def test_a_job_whose_time_is_over_has_failed_and_the_next_one_has_its_own_time() -> None:
    ledger = Ledger()
    jobs: list[DoJob] = []

    def take_long(claim: JobClaim, stop: threading.Event) -> JobEnd:
        jobs[0].end_soon()
        return until_stopped(claim, stop)

    jobs.append(job(ledger, take_long))
    jobs[0].execute(JOB)
    assert ledger.told == [("failed", "it has taken longer than a job may")]
    jobs[0]._perform = lambda claim, stop: JobEnd.HANDED_OVER if stop.is_set() else JobEnd.DONE
    jobs[0].execute(JOB)
    assert ledger.told[1:] == ["done"]


def test_a_lease_is_prolonged_while_a_job_is_at_work() -> None:
    ledger = Ledger()

    def wait(claim: JobClaim, stop: threading.Event) -> JobEnd:
        assert ledger.kept.wait(60)
        return JobEnd.DONE

    job(ledger, wait).execute(JOB)
    assert ledger.told == ["done"]


def test_jobs_that_wait_are_sent_when_no_message_is_left(caplog: pytest.LogCaptureFixture) -> None:
    quiet, busy, away = Queue(), Queue(waiting=1), Queue(is_away=True)
    for queue in (quiet, busy, away):
        JobHousekeeping(Ledger(), queue).execute()
    assert (quiet.sent, busy.sent, away.sent) == ([JobName.CHARTS, JobName.PEOPLE], [], [])
    assert "Redis is away" in caplog.text
