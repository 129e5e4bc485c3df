"""What workers do with the jobs of the schedule: one worker at a time has a job, and does it."""

import logging
import secrets
import threading
from collections.abc import Callable
from datetime import datetime

from application.intervals import at_intervals
from application.ports import JobLedger, JobQueue
from domain.errors import QueueUnavailable, RepositoryUnavailable, ScraperError
from domain.job import JobClaim, JobEnd, JobName, SlotState
from shared.log_context import run_log

logger = logging.getLogger(__name__)

Perform = Callable[[JobClaim, threading.Event], JobEnd]
"""Does a job, and ends early when the event is set. Raises `ScraperError` when it fails."""


class DoJob:
    """Notes when jobs are due, and does them under a lease.

    ``holder`` says who this is. ``is_ending`` tells whether this worker is to end soon: then it
    gives the job that it has back. Used by one thread, any number of times; what may `end_soon` a
    job is another one.
    """

    def __init__(
        self,
        ledger: JobLedger,
        perform: Perform,
        *,
        holder: str,
        lease_seconds: float,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ledger = ledger
        self._perform = perform
        self._holder = holder
        self._pause_seconds = lease_seconds / 6
        self._is_ending = is_ending
        self._stop = threading.Event()
        self._takes_too_long = False

    def execute(self, job: JobName, slot: datetime | None = None, *, is_time: bool = False) -> None:
        """Do a job if it is to be done now; first note, if there is one, the slot it is due since.

        ``is_time`` as for `JobLedger.note`. Whatever fails is noted, which has it tried again.
        Raises `RepositoryUnavailable` when the ledger cannot be asked or told: then the lease ends.
        """
        if slot is not None:
            noted = self._ledger.note(job, slot, is_time=is_time)
            if noted is not None and noted.state is SlotState.SKIPPED:
                logger.warning("job %s of %s is not begun: %s", job, _time(noted.slot), noted.why)
        claim = self._ledger.claim(job, self._holder, secrets.token_hex(8))
        if claim is None:
            logger.debug("job %s is not to be done now", job)
            return
        self._stop.clear()
        self._takes_too_long = False
        with run_log():
            logger.info("job %s of %s begins", job, _time(claim.slot))
            self._do(claim)

    def end_soon(self) -> None:
        """Have the job at work end early: its time is over. Any thread may call it."""
        self._takes_too_long = True
        self._stop.set()

    def _do(self, claim: JobClaim) -> None:
        keeper = _Keeper(self._ledger, claim, self._stop, self._is_ending)
        try:
            with at_intervals(keeper.keep, self._pause_seconds, "keep-job"):
                end = self._perform(claim, self._stop)
        except ScraperError as error:
            self._failed(claim, keeper, str(error))
        except Exception as error:
            logger.exception("unexpected failure of the job %s", claim.job)
            self._failed(claim, keeper, f"{type(error).__name__}: {error}")
        else:
            if end is JobEnd.DONE:
                self._ledger.done(claim)
                logger.info("job %s is done", claim.job)

    def _failed(self, claim: JobClaim, keeper: "_Keeper", why: str) -> None:
        keeper.keep()  # what failed may be that somebody else has it
        if keeper.is_lost:
            logger.warning("job %s is done by another worker by now", claim.job)
        elif keeper.lets_go:
            logger.warning("job %s is left to another worker: this one ends", claim.job)
            self._ledger.give_back(claim)
        else:
            why = "it has taken longer than a job may" if self._takes_too_long else why
            logger.warning("job %s, attempt %d: %s", claim.job, claim.attempt, why)
            self._ledger.failed(claim, why)


class _Keeper:
    """Prolongs the lease of a job, from a thread of its own, and stops the job when it must end.

    ``is_lost`` and ``lets_go`` are written by that thread, and when it has ended, by the worker's.
    """

    def __init__(
        self,
        ledger: JobLedger,
        claim: JobClaim,
        stop: threading.Event,
        is_ending: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._claim = claim
        self._stop = stop
        self._is_ending = is_ending
        self.is_lost = False
        self.lets_go = False

    def keep(self) -> None:
        if self._is_ending():
            self.lets_go = True
            self._stop.set()
        if not self.is_lost and not self._ledger.keep(self._claim):
            self.is_lost = True
            self._stop.set()


class JobHousekeeping:
    """Has jobs done that wait: after a pause, or because their worker has died, or Redis forgot.

    Used by one thread in each worker; many at once do no harm.
    """

    def __init__(self, ledger: JobLedger, queue: JobQueue) -> None:
        self._ledger = ledger
        self._queue = queue

    def execute(self) -> None:
        """Do it once; what cannot be done now is logged, and done the next time."""
        try:
            due = self._ledger.due()
            if due and self._queue.waiting() == 0:
                for job in due:
                    self._queue.send(job)
        except (RepositoryUnavailable, QueueUnavailable) as error:
            logger.warning("%s", error)


def _time(slot: datetime) -> str:
    return f"{slot:%Y-%m-%d %H:%M} UTC"
