"""What a worker of distributed runs does: batches, one at a time, and what else is to be done."""

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from application.composite_save import CompositeSave
from application.intervals import at_intervals
from application.ports import BatchLedger, BatchQueue, RunObserver
from application.run_progress import RunTracker
from application.scrape_titles import ScrapeTitles
from domain.batch import BatchClaim, Standing, account_of
from domain.errors import (
    QueueUnavailable,
    RepositoryUnavailable,
    ScraperError,
    SourceBlocked,
    SourceLeftAlone,
    SourceUnavailable,
)
from domain.run import Failure, RunOutcome, RunReport
from shared.log_context import note_run, run_log

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a batch is done with: saving to the database alone, and fetching into it.

    ``rest_seconds`` says how long no source may be asked.
    """

    save: CompositeSave
    titles: ScrapeTitles
    rest_seconds: Callable[[], float]


OpenTools = Callable[[BatchClaim, RunObserver, threading.Event], AbstractContextManager[Tools]]
"""Makes the tools for a batch; the event ends the fetching early."""


class WorkBatch:
    """Does a batch: fetches what of it is not saved yet, and notes what became of it.

    ``worker`` is a name that no other worker has. Used by one thread, any number of times; what
    may `end_soon` a batch is another one.
    """

    def __init__(
        self, ledger: BatchLedger, open_tools: OpenTools, *, worker: str, lease_seconds: float
    ) -> None:
        self._ledger = ledger
        self._open_tools = open_tools
        self._worker = worker
        self._pause_seconds = lease_seconds / 6
        self._stop = threading.Event()
        self._takes_too_long = False

    def execute(self, batch_id: int) -> str | None:
        """Do a batch, if it is to be done now, and give the id of its run if it was.

        Whatever fails is noted in the ledger, which has it tried again. Raises
        `RepositoryUnavailable` when the ledger cannot be asked or told: then the lease ends.
        """
        claim = self._ledger.claim(batch_id, self._worker, secrets.token_hex(8))
        if claim is None:
            logger.debug("batch %d is not to be done now", batch_id)
            return None
        self._stop.clear()
        self._takes_too_long = False
        with run_log():
            note_run(claim.run.run_id)
            self._do(claim)
        return claim.run.run_id

    def end_soon(self) -> None:
        """Have the batch at work end early: its time is over. Any thread may call it."""
        self._takes_too_long = True
        self._stop.set()

    def _do(self, claim: BatchClaim) -> None:
        tracker = RunTracker()
        keeper = _Keeper(self._ledger, claim, tracker, self._stop)
        try:
            with at_intervals(keeper.keep, self._pause_seconds, "keep-batch"):
                self._fetch(claim, tracker, keeper)
        except RepositoryUnavailable as error:
            self._ledger.failed(claim, str(error), is_cut=False)
        except Exception as error:
            logger.exception("unexpected failure of batch %d", claim.batch_id)
            self._ledger.failed(claim, f"{type(error).__name__}: {error}", is_cut=True)

    def _fetch(self, claim: BatchClaim, tracker: RunTracker, keeper: "_Keeper") -> None:
        with self._open_tools(claim, tracker, self._stop) as tools:
            [held] = tools.save.ask(lambda r: r.held_since(claim.ids, claim.run)).values() or [None]
            if held is None:
                raise RepositoryUnavailable("postgres", "cannot be asked what it holds, see above")
            keeper.saved_before = len(held)
            wanted = [imdb_id for imdb_id in claim.ids if imdb_id not in held]
            report = tools.titles.fetch_part(wanted, claim.run)
            rest_seconds = tools.rest_seconds()
        if keeper.standing is Standing.LOST:
            logger.warning("batch %d is done by another worker by now", claim.batch_id)
        elif self._is_done(report, rest_seconds):
            self._ledger.done(claim, account_of(report, wanted))
        elif keeper.standing is Standing.LET_GO:
            self._ledger.give_back(claim)
        elif why := self._why_sources_are_away(report, rest_seconds):
            logger.warning("batch %d waits for its sources: %s", claim.batch_id, why)
            self._ledger.away(claim, why, has_fetched=report.fetched > 0, rest_seconds=rest_seconds)
        else:
            error = self._why_unfinished(report)
            logger.warning("batch %d is to be tried again: %s", claim.batch_id, error)
            self._ledger.failed(claim, error, is_cut=self._takes_too_long)

    def _is_done(self, report: RunReport, rest_seconds: float) -> bool:
        """Whether nothing of a batch is to be tried again."""
        [kept] = report.repositories
        return not (
            kept.missing
            or kept.error
            or report.not_tried
            or report.outcome is RunOutcome.NO_SOURCE
            or _failed_for_sources(report, rest_seconds)
        )

    def _why_sources_are_away(self, report: RunReport, rest_seconds: float) -> str | None:
        """What is to be said when it is the sources that kept a batch from us, else ``None``."""
        [kept] = report.repositories
        if kept.missing or kept.error or self._stop.is_set():
            return None
        failed = _failed_for_sources(report, rest_seconds)
        if not failed and (report.failures or not report.not_tried):
            return None
        said = [*report.notices, *(failure.message for failure in failed[:1])]
        return said[-1] if said else "no source may be asked now"

    def _why_unfinished(self, report: RunReport) -> str:
        [kept] = report.repositories
        if kept.missing or kept.error:
            return kept.error or "the database lacks titles"
        if self._takes_too_long and report.not_tried:
            return "it has taken longer than a batch may"
        if report.outcome is RunOutcome.NO_SOURCE:
            return "; ".join(report.notices[-3:]) or "no source is left"
        return "it was stopped"


def _failed_for_sources(report: RunReport, rest_seconds: float) -> Sequence[Failure]:
    """The failures that say nothing of their titles: the sources refuse us, or are away."""
    reasons = {SourceBlocked.reason, SourceLeftAlone.reason}
    if rest_seconds > 0:
        reasons.add(SourceUnavailable.reason)
    return [failure for failure in report.failures if failure.reason in reasons]


class _Keeper:
    """Prolongs the lease of a batch, from a thread of its own, and hears what is to become of it.

    ``standing`` is written by that thread, and final once it is not `Standing.GO_ON`;
    ``saved_before`` by the worker's: so many of the titles had been saved by earlier attempts.
    """

    def __init__(
        self,
        ledger: BatchLedger,
        claim: BatchClaim,
        tracker: RunTracker,
        stop: threading.Event,
    ) -> None:
        self._ledger = ledger
        self._claim = claim
        self._tracker = tracker
        self._stop = stop
        self.standing = Standing.GO_ON
        self.saved_before = 0
        self._has_told = False

    def keep(self) -> None:
        progress = self._tracker.progress()
        if self.standing is Standing.GO_ON:
            self.standing = self._ledger.keep(
                self._claim, self.saved_before + (progress.fetched or 0), progress.failed or 0
            )
        if self._claim.is_trial and progress.fetched and not self._has_told:
            self._ledger.answers(self._claim)
            self._has_told = True
        if self.standing is not Standing.GO_ON:
            self._stop.set()


class Housekeeping:
    """What is to be done besides batches, by every worker now and then.

    Batches whose workers have died are set free, those that are due are sent, runs that are done
    are closed. All of it is decided by the ledger, so that many may do it at once. Used by one
    thread.
    """

    def __init__(
        self, ledger: BatchLedger, queue: BatchQueue, close: Callable[[str], object]
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._close = close

    def execute(self) -> None:
        """Do it once; what cannot be done now is logged, and done the next time."""
        try:
            self._ledger.sweep()
            self._send()
            for run_id in self._ledger.to_close():
                self._close(run_id)
        except ScraperError as error:
            logger.warning("%s", error)

    def _send(self) -> None:
        """Send what is due; what was sent before, too, when the broker has no message left."""
        try:
            due = self._ledger.to_send(again=self._queue.waiting() == 0)
            self._queue.send(due)
        except QueueUnavailable as error:
            logger.warning("%s", error)
