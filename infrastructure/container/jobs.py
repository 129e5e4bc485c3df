"""The jobs of the schedule: when they are due, who has them, and the work itself."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from domain.errors import InvalidConfiguration
from domain.job import JobName
from infrastructure.container.distributed import batches_app, check_for_workers
from infrastructure.container.repositories import database_url, revive_embedded
from shared.config import Settings

if TYPE_CHECKING:
    from celery import Celery

    from application.do_job import DoJob, JobHousekeeping, Perform
    from infrastructure.repositories.postgres.jobs import PostgresJobs
    from infrastructure.workers.timetable import Timetable


@contextmanager
def open_jobs(settings: Settings) -> "Iterator[PostgresJobs]":
    """Open the ledger of the schedule's jobs; as `open_ledger`."""
    check_for_workers(settings)
    from infrastructure.repositories.postgres.jobs import open_postgres_jobs

    revive = None if settings.database_url else partial(revive_embedded, settings)
    with (
        database_url(settings) as url,
        open_postgres_jobs(
            url,
            lease_seconds=settings.batch_lease_seconds,
            most_attempts=settings.batch_attempts,
            revive=revive,
        ) as jobs,
    ):
        yield jobs


def timetable(settings: Settings) -> "Timetable":
    """The times of the jobs that are not off. Raises `InvalidConfiguration`."""
    from infrastructure.workers.timetable import TimesNeverCome, Timetable

    times = {
        JobName.CHARTS: settings.schedule_charts,
        JobName.DATASETS: settings.schedule_datasets,
        JobName.PEOPLE: settings.schedule_people,
        JobName.REFRESH: settings.schedule_refresh,
    }
    wanted = {job.value: str(when) for job, when in times.items() if not when.is_off}
    try:
        return Timetable(wanted, settings.schedule_timezone)
    except TimesNeverCome as error:
        name = f"SCHEDULE_{error.job}".upper()
        raise InvalidConfiguration([f"{name}={error.expression}: {error}"]) from error


def keep_schedule(settings: Settings, times: "Timetable", has_begun: Callable[[], None]) -> None:
    """Tell workers when jobs are due, until a signal raises `KeyboardInterrupt`.

    ``has_begun`` is called when Redis has answered; one that goes away later is waited for. Raises
    `QueueUnavailable` when it does not answer at the beginning.
    """
    from infrastructure.workers import check_broker
    from infrastructure.workers.beat import run_beat

    check_broker(settings.redis_url.reveal(), settings.redis_url.location)
    has_begun()
    run_beat(_jobs_app(settings), times, again_seconds=settings.batch_lease_seconds)


def send_job(settings: Settings, job: JobName) -> None:
    """Have a worker look at a job. Raises `QueueUnavailable`."""
    from infrastructure.workers import CeleryJobQueue

    CeleryJobQueue(_jobs_app(settings), settings.redis_url.location).send(job)


def is_working(settings: Settings, *, is_beat: bool) -> bool:
    """Ask a worker of this machine, or the schedule's clock, whether it works.

    Raises `QueueUnavailable` when Redis does not answer.
    """
    from infrastructure.workers import answers, check_broker

    check_broker(settings.redis_url.reveal(), settings.redis_url.location)
    return answers(batches_app(settings), settings.redis_url.location, is_beat=is_beat)


def _jobs_app(settings: Settings) -> "Celery":
    from infrastructure.workers import celery_app
    from infrastructure.workers.app import JOB_QUEUE

    return celery_app(
        settings.redis_url.reveal(),
        time_limit_seconds=settings.job_time_limit_seconds,
        request_seconds=settings.request_timeout_seconds,
        queue=JOB_QUEUE,
        time_zone=settings.schedule_timezone,
    )


def work_on_jobs(settings: Settings, performer: "Callable[[PostgresJobs], Perform]") -> int:
    """Do jobs of the schedule until a signal ends it; give the exit status.

    ``performer`` makes what does them. Raises as `work`.
    """
    from infrastructure.workers import check_broker
    from infrastructure.workers.app import JOB_TASK
    from infrastructure.workers.worker import SharedFlag, run_worker

    check_for_workers(settings)
    check_broker(settings.redis_url.reveal(), settings.redis_url.location)
    if settings.database_url:
        with open_jobs(settings):
            pass  # as in `work`
    ending = SharedFlag()
    app = _jobs_app(settings)
    return run_worker(
        app,
        partial(_open_job_work, settings, app, performer, ending.is_set),
        pause_seconds=min(5.0, settings.batch_lease_seconds / 12),
        task=JOB_TASK,
        processes=len(JobName),  # so that no job waits for another one
        ending=ending,
    )


class _JobWork:
    """Fulfils `infrastructure.workers.worker.Work`."""

    def __init__(self, jobs: "DoJob", house: "JobHousekeeping") -> None:
        self._jobs = jobs
        self.end_soon = jobs.end_soon
        self.keep_house = house.execute

    def execute(self, job: str, slot: str | None = None, is_time: bool = False) -> None:
        """Do a job, which is due since ``slot`` (ISO 8601), if it is to be done now."""
        since = None if slot is None else datetime.fromisoformat(slot)
        self._jobs.execute(JobName(job), since, is_time=is_time)


@contextmanager
def _open_job_work(
    settings: Settings,
    app: "Celery",
    performer: "Callable[[PostgresJobs], Perform]",
    is_ending: Callable[[], bool],
) -> Iterator[_JobWork]:
    from application.do_job import DoJob, JobHousekeeping
    from infrastructure.workers import CeleryJobQueue

    with open_jobs(settings) as ledger:
        jobs = DoJob(
            ledger,
            performer(ledger),
            holder=f"{socket.gethostname()}-{os.getpid()}",
            lease_seconds=settings.batch_lease_seconds,
            is_ending=is_ending,
        )
        queue = CeleryJobQueue(app, settings.redis_url.location)
        yield _JobWork(jobs, JobHousekeeping(ledger, queue))
