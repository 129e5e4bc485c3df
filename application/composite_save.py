"""Saving to several repositories at the same time, each through its own lane."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self, TypeVar

from application.guarded_observer import GuardedObserver
from application.ports import BatchResult, RepositoryOpener, RunObserver, TitleRepository
from domain.chart import Chart
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.run import RepositoryReport, Run, RunReport
from domain.title import Title

logger = logging.getLogger(__name__)

QUEUE_BATCHES = 4
"""Batches that wait for a repository before the fetcher has to: memory stays bounded."""

RETRY_DELAYS_SECONDS = (0.25, 0.5, 1.0, 2.0)
"""Waits before a repository that is unavailable for the moment is tried again."""

_Given = TypeVar("_Given")


class CompositeSave:
    """Sends every batch to all repositories at once and reports what each of them did.

    Each repository has a lane: one thread that opens it, does its jobs in order and closes it. A
    repository that fails is tried again, then reported with the ids that it lacks; it never stops
    or rolls back another one. Use as a context manager, from one thread, for one run: `finish_run`
    is the last call, and leaving the context waits for every lane.
    """

    def __init__(self, openers: Sequence[RepositoryOpener], observer: RunObserver) -> None:
        observer = GuardedObserver(observer)
        self._lanes = [_Lane(opener, observer) for opener in openers]

    def __enter__(self) -> Self:
        for lane in self._lanes:
            lane.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def hopeless(self) -> bool:
        """True when every repository has failed for good: there is nowhere to save to."""
        return all(lane.failed for lane in self._lanes)

    def begin_run(self, run: Run, chart: Chart | None) -> None:
        """Have every repository note the run and the chart that it is about."""
        self._do_in_every_lane(lambda repository: repository.begin_run(run, chart))

    def save(self, batch: Sequence[Title], run: Run) -> None:
        """Hand a batch to every lane; waits while a lane has `QUEUE_BATCHES` batches to do."""
        titles = tuple(batch)
        for lane in self._lanes:
            lane.do(_Job(lambda repository: repository.save(titles, run), titles))

    def settle(self) -> tuple[RepositoryReport, ...]:
        """Wait until everything handed over is saved or has failed; give each one's account."""
        for lane in self._lanes:
            lane.do(_Job(lane.count))
        return tuple(lane.settle() for lane in self._lanes)

    def finish_run(self, report: RunReport) -> tuple[RepositoryReport, ...]:
        """Have every repository that works keep the account of the run, and close it.

        Gives each one's own account anew, with what went wrong at the very end.
        """
        self._do_in_every_lane(lambda repository: repository.finish_run(report))
        self._close()
        return tuple(lane.report() for lane in self._lanes)

    def _close(self) -> None:
        for lane in self._lanes:
            lane.close()
        for lane in self._lanes:
            lane.join()

    def _do_in_every_lane(self, work: Callable[[TitleRepository], None]) -> None:
        for lane in self._lanes:
            lane.do(_Job(work))


@dataclass(frozen=True, slots=True)
class _Job:
    """Something to do with a repository, and the titles that are missing there when it fails."""

    work: Callable[[TitleRepository], BatchResult | None]
    titles: tuple[Title, ...] = field(default=())


class _Lane(threading.Thread):
    """One repository and the only thread that touches it.

    Its report is written by this thread and read by others after `settle`, which waits until the
    lane is idle. `failed` may be read at any time.
    """

    def __init__(self, opener: RepositoryOpener, observer: RunObserver) -> None:
        super().__init__(name=f"save-{opener.name}")
        self._opener = opener
        self._observer = observer
        self._jobs: queue.Queue[_Job | None] = queue.Queue(QUEUE_BATCHES)
        self._report = RepositoryReport(name=opener.name)
        self._closing = False
        self._missing: list[TitleId] = []

    @property
    def failed(self) -> bool:
        return self._report.error is not None

    def do(self, job: _Job) -> None:
        self._jobs.put(job)

    def settle(self) -> RepositoryReport:
        self._jobs.join()
        return self.report()

    def report(self) -> RepositoryReport:
        return replace(self._report, missing=tuple(self._missing))

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._jobs.put(None)

    def count(self, repository: TitleRepository) -> None:
        self._report = replace(self._report, holds=repository.counts())

    def run(self) -> None:
        """Open, work and close; after a failure keep taking jobs, so that nobody waits for us."""
        with ExitStack() as stack:
            repository = self._guarded(
                lambda: self._patiently(lambda: stack.enter_context(self._opener.open()))
            )
            if repository is not None:
                self._report = replace(self._report, location=repository.location)
            while (job := self._jobs.get()) is not None:
                try:
                    self._do(job, repository)
                finally:
                    self._jobs.task_done()
            self._guarded(stack.close)

    def _do(self, job: _Job, repository: TitleRepository | None) -> None:
        result: BatchResult | None = None
        if repository is not None and not self.failed:
            result = self._guarded(lambda: self._patiently(lambda: job.work(repository)))
        if result is not None:
            self._note_saved(result)
        else:
            self._missing += [title.imdb_id for title in job.titles]

    def _note_saved(self, result: BatchResult) -> None:
        self._report = replace(
            self._report,
            inserted=self._report.inserted + result.inserted,
            updated=self._report.updated + result.updated,
            unchanged=self._report.unchanged + result.unchanged,
            refused=self._report.refused + result.refused,
        )
        self._observer.saved(self._opener.name, result)

    def _guarded(self, action: Callable[[], _Given]) -> _Given | None:
        """Do it, and note the failure when it fails: a lane never ends before it is closed."""
        try:
            return action()
        except RepositoryUnavailable as error:
            self._fail(str(error))
        except Exception as error:
            logger.exception("unexpected failure of repository %s", self._opener.name)
            self._fail(f"{self._opener.name}: unexpected {type(error).__name__}: {error}")
        return None

    def _patiently(self, action: Callable[[], _Given]) -> _Given:
        """Do it, and again after a wait while that can help."""
        for delay in RETRY_DELAYS_SECONDS:
            try:
                return action()
            except RepositoryUnavailable as error:
                if not error.transient:
                    raise
                logger.warning("%s; trying again in %s s", error, delay)
                time.sleep(delay)
        return action()

    def _fail(self, message: str) -> None:
        self._report = replace(self._report, error=message)
        self._observer.notice(message)
