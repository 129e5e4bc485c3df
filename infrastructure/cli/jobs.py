"""The jobs of the schedule: each does what a command of the same meaning does."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from application.ports import JobLedger
from application.refresh_plan import plan_refresh
from application.run_progress import RunTracker
from application.scrape_titles import utc_now
from domain.datasets import DatasetFilter, DatasetName
from domain.errors import JobFailed, JobStopped, NoHistory
from domain.identifiers import TitleId
from domain.job import JobClaim, JobEnd, JobName
from domain.run import PEOPLE, RunOutcome
from infrastructure.cli.datasets import LogProgress
from infrastructure.cli.runs import written
from infrastructure.container import (
    distribute,
    new_run,
    open_dataset_import,
    open_ledger,
    open_people,
    open_refresh_candidates,
)
from shared.config import Settings
from shared.log_context import note_run

if TYPE_CHECKING:
    from psycopg2.extensions import cursor

logger = logging.getLogger(__name__)

_MOST_PROBLEMS = 3


class GuardedLedger(JobLedger, Protocol):
    """A ledger that keeps who has lost a job from saving."""

    def guard(self, claim: JobClaim) -> "Callable[[cursor], None]":
        """What raises in a transaction that saves, when the job is somebody else's."""


class Jobs:
    """Does jobs with these settings; `do` is an `application.do_job.Perform`."""

    def __init__(self, settings: Settings, ledger: GuardedLedger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._ways = {
            JobName.CHARTS: self._charts,
            JobName.DATASETS: self._datasets,
            JobName.PEOPLE: self._people,
            JobName.REFRESH: self._refresh,
        }

    def do(self, claim: JobClaim, stop: threading.Event) -> JobEnd:
        """Do a job. Raises `ScraperError` when it fails or is stopped."""
        return self._ways[claim.job](claim, stop)

    def _charts(self, claim: JobClaim, stop: threading.Event) -> JobEnd:
        return self._hand_over(claim, "chart", None, stop)

    def _refresh(self, claim: JobClaim, stop: threading.Event) -> JobEnd:
        budget = self._settings.schedule_refresh_budget
        try:
            with open_refresh_candidates(self._settings) as known:
                plan = plan_refresh(known.candidates(), budget=budget, now=utc_now())
        except NoHistory as error:
            logger.info("%s", error)
            return JobEnd.DONE
        logger.info("%d of %d titles that are due are fetched", len(plan.chosen), plan.due)
        return self._hand_over(claim, "refresh", plan.ids, stop) if plan.chosen else JobEnd.DONE

    def _hand_over(
        self, claim: JobClaim, command: str, ids: tuple[TitleId, ...] | None, stop: threading.Event
    ) -> JobEnd:
        """Begin a distributed run, unless an attempt before has begun it.

        The run is noted first, and an heir takes its id: so it is begun once, whoever dies when.
        """
        run = new_run(self._settings, command)
        if claim.run_id is not None:
            run = replace(run, run_id=claim.run_id)
        note_run(run.run_id)
        with open_ledger(self._settings) as batches:
            if stop.is_set() or not self._ledger.note_run(claim, run.run_id):
                raise JobStopped
            if batches.progress(run.run_id) is None:
                distribute(self._settings, batches, run, ids, self._ledger.guard(claim))
        logger.info("job %s is handed over: run %s", claim.job, run.run_id)
        return JobEnd.HANDED_OVER

    def _datasets(self, claim: JobClaim, stop: threading.Event) -> JobEnd:
        with open_dataset_import(self._settings, None, _Progress(stop)) as imports:
            report = imports.execute(tuple(DatasetName), DatasetFilter())
        if not report.is_complete:
            problems = [f"{file.name}: {file.problem}" for file in report.files if file.problem]
            raise JobFailed("; ".join(problems[:_MOST_PROBLEMS]))
        return JobEnd.DONE

    def _people(self, claim: JobClaim, stop: threading.Event) -> JobEnd:
        try:
            with open_refresh_candidates(self._settings) as known:
                ids = known.people(self._settings.schedule_people_budget)
        except NoHistory as error:
            logger.info("%s", error)
            return JobEnd.DONE
        if not ids:
            logger.info("nobody is known yet whose profile could be fetched")
            return JobEnd.DONE
        run = new_run(self._settings, PEOPLE)
        note_run(run.run_id)
        if not self._ledger.note_run(claim, run.run_id):
            raise JobStopped
        guard = self._ledger.guard(claim)
        with open_people(self._settings, RunTracker(), stop, guard=guard) as people:
            report = people.execute(ids, run)
        written(report, self._settings)
        if report.outcome is RunOutcome.INTERRUPTED:
            raise JobStopped
        if report.outcome is RunOutcome.NO_SOURCE:
            raise JobFailed("; ".join(report.notices[-_MOST_PROBLEMS:]) or "no source is left")
        return JobEnd.DONE


class _Progress(LogProgress):
    """Ends an import, at the next step of any of its threads, when the event is set."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    def __call__(self, name: DatasetName, step: str, done: int, total: int) -> None:
        """Log the step. Raises `JobStopped`."""
        if self._stop.is_set():
            raise JobStopped
        super().__call__(name, step, done, total)
