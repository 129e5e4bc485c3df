"""Saving to several repositories at the same time, each through its own lane."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from application.guarded_observer import GuardedObserver
from application.ports import BatchResult, RepositoryOpener, RunObserver, TitleRepository
from domain.chart import Chart
from domain.errors import RepositoryUnavailable
from domain.identifiers import TitleId
from domain.run import RepositoryReport, Run, RunReport
from domain.title import Title
from shared.stages import SAVE, stage

logger = logging.getLogger(__name__)

QUEUE_TITLES = 1000
"""Titles that a lane holds, and has not sent, before the fetcher waits: memory is bounded.

A lane that is behind saves what has waited in one go, at most this many titles: a database spends
less on one large transaction than on forty small ones. Others may hand over the next ones when
those have been sent, not when they are taken from the queue: all lanes then have the interpreter
for themselves while the slowest waits for its server, instead of keeping it from its work. (Both
repositories at once are a quarter faster for it.)
"""

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
        """Hand a batch to every lane; waits while one of them has `QUEUE_TITLES` not sent."""
        handed = _Batch(tuple(batch), run)
        for lane in self._lanes:
            lane.do(handed)

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
    """Something else to do with a repository than saving titles."""

    work: Callable[[TitleRepository], None]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Titles to save, which are missing in a repository when that fails."""

    titles: tuple[Title, ...]
    run: Run


class _Queue:
    """What a lane has to do, in order, given by any thread and taken by the lane's."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[_Job | _Batch] = deque()
        self._titles = 0
        self._titles_taken = 0
        self._unfinished = 0
        self._closed = False

    def put(self, work: _Job | _Batch) -> None:
        """Add something to do; waits while `QUEUE_TITLES` titles are not sent."""
        with self._changed:
            self._changed.wait_for(lambda: self._titles < QUEUE_TITLES)
            self._waiting.append(work)
            self._titles += _titles_in(work)
            self._unfinished += 1
            self._changed.notify_all()

    def take(self) -> list[_Job | _Batch]:
        """Give what is to be done next: a job, or the batches to save in one go.

        Waits for it; gives nothing when the queue is closed and empty. What is taken keeps its
        room until `note_sent` or `note_done`.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            taken: list[_Job | _Batch] = []
            titles = 0
            while self._waiting and (
                not taken or _fits(self._waiting[0], behind=taken[0], titles=titles)
            ):
                taken.append(self._waiting.popleft())
                titles += _titles_in(taken[-1])
            self._titles_taken = titles
            return taken

    def note_sent(self) -> None:
        """Make room for as many titles as were taken last, if that is not done yet."""
        with self._changed:
            self._titles -= self._titles_taken
            self._titles_taken = 0
            self._changed.notify_all()

    def note_done(self, number: int) -> None:
        """Say how much of what was taken is done, whether it failed or not."""
        self.note_sent()
        with self._changed:
            self._unfinished -= number
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until everything is done."""
        with self._changed:
            self._changed.wait_for(lambda: not self._unfinished)

    def close(self) -> None:
        """Let `take` give nothing once all is taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _titles_in(work: _Job | _Batch) -> int:
    return len(work.titles) if isinstance(work, _Batch) else 0


def _fits(work: _Job | _Batch, *, behind: _Job | _Batch, titles: int) -> bool:
    """Tell whether it can be saved together with the ``titles`` titles taken before it."""
    return (
        isinstance(work, _Batch)
        and isinstance(behind, _Batch)
        and work.run is behind.run
        and titles + len(work.titles) <= QUEUE_TITLES
    )


class _Lane(threading.Thread):
    """One repository and the only thread that touches it.

    Its report is written by this thread and read by others after `settle`, which waits until the
    lane is idle. `failed` may be read at any time.
    """

    def __init__(self, opener: RepositoryOpener, observer: RunObserver) -> None:
        super().__init__(name=f"save-{opener.name}")
        self._opener = opener
        self._observer = observer
        self._queue = _Queue()
        self._report = RepositoryReport(name=opener.name)
        self._missing: list[TitleId] = []

    @property
    def failed(self) -> bool:
        return self._report.error is not None

    def do(self, work: _Job | _Batch) -> None:
        self._queue.put(work)

    def settle(self) -> RepositoryReport:
        self._queue.join()
        return self.report()

    def report(self) -> RepositoryReport:
        return replace(self._report, missing=tuple(self._missing))

    def close(self) -> None:
        self._queue.close()

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
            while taken := self._queue.take():
                try:
                    self._do_all(taken, repository)
                finally:
                    self._queue.note_done(len(taken))
            self._guarded(stack.close)

    def _do_all(self, taken: Sequence[_Job | _Batch], repository: TitleRepository | None) -> None:
        """Save batches in one go if that works, and one by one to see which of them fail."""
        working = None if self.failed else repository
        batches = [work for work in taken if isinstance(work, _Batch)]
        if working is not None and len(batches) > 1:
            joined = _Batch(tuple(t for batch in batches for t in batch.titles), batches[0].run)
            try:
                self._note_saved(self._save(joined, working, self._queue.note_sent))
            except Exception as error:  # noqa: BLE001 - what stays wrong is met again below
                logger.warning(
                    "%s: %d titles could not be saved in one go, trying them batch by batch: %s",
                    self._opener.name, len(joined.titles), error,
                )  # fmt: skip
            else:
                return
        # Of several batches the first is not all that was taken.
        when_sent = self._queue.note_sent if len(taken) == 1 else None
        for work in taken:
            self._do(work, repository, when_sent)

    def _do(
        self,
        work: _Job | _Batch,
        repository: TitleRepository | None,
        when_sent: Callable[[], None] | None,
    ) -> None:
        working = None if self.failed else repository
        if isinstance(work, _Job):
            if working is not None:
                self._guarded(lambda: self._patiently(lambda: work.work(working)))
            return
        result: BatchResult | None = None
        if working is not None:
            save = partial(self._save, work, working, when_sent)
            result = self._guarded(lambda: self._patiently(save))
        if result is not None:
            self._note_saved(result)
        else:
            self._missing += [title.imdb_id for title in work.titles]

    def _save(
        self, batch: _Batch, repository: TitleRepository, when_sent: Callable[[], None] | None
    ) -> BatchResult:
        with stage(f"{SAVE} {self._opener.name}"):
            return repository.save(batch.titles, batch.run, when_sent)

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
