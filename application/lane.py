"""One repository of a run, and the thread that saves to it, waits for it and gives it up."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from application.backlog import Backlog
from application.lane_queue import Batch, Job, LaneQueue
from application.ports import BatchResult, RepositoryOpener, RunObserver, Spill, TitleRepository
from domain.errors import RepositoryUnavailable, SpillUnavailable
from domain.identifiers import ImdbId
from domain.run import ProfileCounts, RepositoryReport, StoreCounts
from shared.log_context import asking_for, in_log_context
from shared.stages import SAVE, stage
from shared.wording import counted

logger = logging.getLogger(__name__)

RETRY_DELAYS_SECONDS = (0.25, 0.5, 1.0, 2.0)
"""Waits before a repository that is unavailable for the moment is tried again."""

MOMENT_SECONDS = 5.0
"""One that takes as long as this to fail (a lock, a host that does not answer) is away at once."""

AWAY_DELAYS_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Waits before one that has gone away is tried again; the last of them again and again."""

Count = Callable[[TitleRepository], StoreCounts | ProfileCounts]
"""Has a repository count what a run is about."""

WAIT_SECONDS = 60.0
"""How long a repository that has gone away is waited for at the end of a run."""


@dataclass(frozen=True, slots=True)
class RepositoryLoad:
    """What a repository has to do: titles ``queued`` and not sent, and its ``lag``.

    The lag counts all titles that were handed over and are not saved (nor refused): those that
    wait in the queue or, while it is away, in the spill, and those that are missing for good.
    """

    queued: int
    lag: int


class Lane(threading.Thread):
    """One repository and the only thread that touches it.

    It works, is away, or has failed for good. While it is away what is to be done goes into the
    backlog, in order, and now and then the first of it is tried; at the end of the run it is
    waited for, but for a bounded time, and only when it has been there once. When it has failed,
    what is to be done is noted as missing.

    Its report is written by this thread and read by others when somebody has waited for the event
    of `settle`, or for the thread's end. `hopeless` may be read at any time; ``when_in_trouble`` is
    called, in this thread, when the repository has gone away or failed.
    """

    def __init__(
        self,
        opener: RepositoryOpener,
        observer: RunObserver,
        spill: Spill,
        *,
        wait_seconds: float,
        stop: threading.Event,
        when_in_trouble: Callable[[], None],
    ) -> None:
        super().__init__(name=f"save-{opener.name}", target=in_log_context(self._work))
        self._opener = opener
        self._observer = observer
        self._wait_seconds = wait_seconds
        self._run_stopped = stop
        self._when_in_trouble = when_in_trouble
        self._queue = LaneQueue()
        self._opened = ExitStack()
        self._repository: TitleRepository | None = None
        self._has_worked = False
        self._absence: _Absence | None = None
        self._failed = False
        self._backlog = Backlog(spill)
        self._report = RepositoryReport(name=opener.name)
        self._missing: list[ImdbId] = []
        self._handed_over = 0

    @property
    def load(self) -> RepositoryLoad:
        """How much it has to do now; any thread may ask."""
        report = self._report
        done = report.saved - report.held_before + len(report.refused)
        return RepositoryLoad(self._queue.titles, max(0, self._handed_over - done))

    @property
    def hopeless(self) -> bool:
        """True when titles handed over now would be missing, as far as one can tell."""
        absence = self._absence
        if absence is None:
            return self._failed
        return absence.is_spill_full or self._repository is None

    def do(self, work: Job | Batch) -> None:
        """Hand something over; waits while too many titles are not sent."""
        if isinstance(work, Batch):
            self._handed_over += len(work.items)  # only the run's thread hands titles over
        self._queue.put(work)

    @property
    def repository(self) -> str:
        """The repository's name."""
        return self._opener.name

    def ask(self, work: Callable[[TitleRepository], None]) -> threading.Event:
        """Hand over a job; the event is set when it is done or given up, with all before it.

        Somebody waits: a repository that is away is from now on waited for only so long.
        """
        over = threading.Event()
        self._queue.put(Job(work, over))
        return over

    def settle(self, count: Count | None) -> threading.Event:
        """Have the repository count what it holds, if anything; the event is as `ask` gives it."""
        return self.ask(partial(self._count, count) if count is not None else lambda _: None)

    def note_before(self, saved: Collection[ImdbId], held: Collection[ImdbId] | None) -> None:
        """Count what was saved before the run was continued. Call it while the lane is idle."""
        if held is None:
            self._missing += saved
        else:
            before = self._report.held_before + len(set(saved) & set(held))
            self._report = replace(self._report, held_before=before)

    def report(self) -> RepositoryReport:
        """Give the account as it stands."""
        return replace(self._report, missing=tuple(self._missing))

    def close(self) -> None:
        """Let the thread end when everything is done or given up."""
        self._queue.close()

    def _work(self) -> None:
        with asking_for(repository=self._opener.name):
            self._work_until_closed()

    def _work_until_closed(self) -> None:
        """Open, work and close; after a failure keep taking what comes, so that nobody waits."""
        self._works(self._open, RETRY_DELAYS_SECONDS)
        self._tell_absence()
        while (taken := self._next()) or self._absence is not None:
            self._take_over(taken)
            if self._absence is not None and self._is_time_to_try(self._absence):
                self._try_again(self._absence)
        self._close_repository()
        self._backlog.close()

    def _close_repository(self) -> None:
        """Close it; when it cannot be closed there is nothing to wait for any more."""
        if not self._works(self._opened.close) and self._absence is not None:
            self._fail(f"{self._opener.name}: {self._absence.cause}")

    def _next(self) -> list[Job | Batch]:
        """Wait for what is to be done next, but not past the moment of the next try."""
        absence = self._absence
        if absence is None:
            return self._queue.take()
        seconds = absence.next_try - time.monotonic()
        if absence.deadline is None:
            return self._queue.take(max(0.0, seconds))
        # Nothing more comes: the run waits for us.
        self._run_stopped.wait(max(0.0, min(seconds, absence.deadline - time.monotonic())))
        return []

    def _take_over(self, taken: Sequence[Job | Batch]) -> None:
        is_working = self._absence is None and not self._failed
        done = self._do_all(taken, RETRY_DELAYS_SECONDS) if is_working else 0
        for work in taken[done:]:
            self._put_off(work)
        self._queue.note_sent()
        self._tell_absence()

    def _do_all(self, works: Sequence[Job | Batch], delays: Sequence[float]) -> int:
        """Do them in order; give how many are done: all, unless the repository stops working."""
        if len(works) > 1 and self._are_saved_in_one_go(works):
            return len(works)
        # Of several batches the first is not all that was taken.
        when_sent = self._queue.note_sent if len(works) == 1 else None
        for number, work in enumerate(works):
            if not self._works(partial(self._perform, work, when_sent), delays):
                return number
        return len(works)

    def _are_saved_in_one_go(self, works: Sequence[Job | Batch]) -> bool:
        """Try to save batches together; why that fails is seen when each is saved alone."""
        first, *others = (work for work in works if isinstance(work, Batch))
        joined = first.joined_with(others)
        try:
            self._save(joined, self._queue.note_sent)
        except Exception as error:  # noqa: BLE001 - what stays wrong is met again
            logger.warning(
                "%s: %d could not be saved in one go, trying them batch by batch: %s",
                self._opener.name, len(joined.items), error,
            )  # fmt: skip
            return False
        return True

    def _perform(self, work: Job | Batch, when_sent: Callable[[], None] | None) -> None:
        if isinstance(work, Batch):
            self._save(work, when_sent)
        else:
            work.work(self._there())
            work.end()
            self._has_worked = True

    def _save(self, batch: Batch, when_sent: Callable[[], None] | None) -> None:
        with stage(f"{SAVE} {self._opener.name}"):
            result = batch.save_to(self._there(), when_sent)
        self._has_worked = True
        self._note_saved(batch, result)

    def _note_saved(self, batch: Batch, result: BatchResult) -> None:
        before = replace(self._report, refused=self._report.refused + result.refused)
        if batch.is_copy:
            kept = len(batch.items) - len(result.refused)
            self._report = replace(before, copied=before.copied + kept)
        else:
            self._report = replace(
                before,
                inserted=before.inserted + result.inserted,
                updated=before.updated + result.updated,
                unchanged=before.unchanged + result.unchanged,
            )
        self._observer.saved(self._opener.name, result)

    def _open(self) -> None:
        self._repository = self._opened.enter_context(self._opener.open())
        self._report = replace(self._report, location=self._repository.location)

    def _there(self) -> TitleRepository:
        if self._repository is None:
            raise RuntimeError(f"{self._opener.name} is not open")
        return self._repository

    def _count(self, count: Count, repository: TitleRepository) -> None:
        self._report = replace(self._report, holds=count(repository))

    def _works(self, action: Callable[[], None], delays: Sequence[float] = ()) -> bool:
        """Do it; note the failure when it fails: a lane never ends before it is closed."""
        try:
            self._patiently(action, delays)
        except Exception as error:  # noqa: BLE001 - of a repository anything may come
            self._note_failure(error)
            return False
        return True

    def _patiently(self, action: Callable[[], None], delays: Sequence[float]) -> None:
        """Do it, and again after a wait while that can help and has not taken long."""
        end = time.monotonic() + MOMENT_SECONDS
        for delay in delays:
            try:
                return action()
            except RepositoryUnavailable as error:
                if not error.transient or time.monotonic() > end:
                    raise
                logger.warning("%s; trying again in %s s", error, delay)
                time.sleep(delay)
        return action()

    def _is_absence(self, error: Exception) -> bool:
        """Tell whether the repository may come back; one that never worked may rather be wrong."""
        return isinstance(error, RepositoryUnavailable) and (
            error.transient or (error.may_pass and self._has_worked)
        )

    def _note_failure(self, error: Exception) -> None:
        name = self._opener.name
        if not isinstance(error, RepositoryUnavailable):
            logger.error("unexpected failure of repository %s", name, exc_info=error)
            self._fail(f"{name}: unexpected {type(error).__name__}: {error}")
        elif not self._is_absence(error):
            self._fail(str(error))
        elif self._absence is None:
            self._absence = _Absence(error.cause)
        else:
            self._absence.cause = error.cause
        self._when_in_trouble()

    def _fail(self, message: str) -> None:
        self._absence = None
        self._failed = True
        self._add_error(message)

    def _add_error(self, message: str) -> None:
        error = f"{self._report.error}; {message}" if self._report.error else message
        self._report = replace(self._report, error=error)
        self._observer.notice(message)

    def _miss(self, work: Job | Batch) -> None:
        if isinstance(work, Batch):
            self._missing += work.ids
        else:
            work.end()

    def _put_off(self, work: Job | Batch) -> None:
        """Keep it for later while the repository is away; when that is no use it is missing."""
        absence = self._absence
        if absence is None:
            self._miss(work)
            return
        if isinstance(work, Job) and work.over is not None:
            self._begin_to_wait(absence)
        try:
            self._backlog.add(work)
        except SpillUnavailable as error:
            self._miss(work)
            if not absence.is_spill_full:
                absence.is_spill_full = True
                self._add_error(
                    f"{self._opener.name}: titles that cannot wait are missing: {error}"
                )

    def _tell_absence(self) -> None:
        """Say that the repository is away, once."""
        absence = self._absence
        if absence is not None and not absence.is_told:
            absence.is_told = True
            count, place = self._backlog.titles, self._backlog.location
            wait = "waits" if count == 1 else "wait"
            waiting = f"{counted(count, 'title') if count else 'its titles'} {wait}"
            where = f" in {place}" if place else ""
            self._observer.notice(
                f"{self._opener.name} is away ({absence.cause}); {waiting}{where} until it is back"
            )

    def _begin_to_wait(self, absence: "_Absence") -> None:
        """Set the end of all waiting: a repository that never was there is not waited for."""
        is_worth_it = self._repository is not None and not self._run_stopped.is_set()
        seconds = self._wait_seconds if is_worth_it else 0.0
        absence.deadline = time.monotonic() + seconds
        if seconds:
            self._observer.notice(
                f"waiting for {self._opener.name}, at most {seconds:g} s (Ctrl-C: no longer)"
            )

    def _is_time_to_try(self, absence: "_Absence") -> bool:
        return self._is_last_try(absence) or time.monotonic() >= absence.next_try

    def _is_last_try(self, absence: "_Absence") -> bool:
        if absence.deadline is None:
            return self._queue.closed
        return self._run_stopped.is_set() or time.monotonic() >= absence.deadline

    def _try_again(self, absence: "_Absence") -> None:
        """See whether the repository is back; give it up when this was the last try."""
        is_last = self._is_last_try(absence)
        if (self._repository is not None or self._works(self._open)) and self._catch_up(absence):
            self._absence = None
            if absence.is_told:
                late = (
                    f"; saved {counted(absence.late, 'title')} that waited" if absence.late else ""
                )
                self._observer.notice(f"{self._opener.name} is back{late}")
            return
        absence.put_off_next_try()
        if is_last and not self._failed:
            waiting = self._backlog.titles
            missing = f"; {counted(waiting, 'title')} waited for it in vain" if waiting else ""
            self._fail(f"{self._opener.name}: {absence.cause}{missing}")
        if self._failed:
            lost, jobs = self._backlog.lose_all()
            self._missing += lost
            for job in jobs:
                job.end()

    def _catch_up(self, absence: "_Absence") -> bool:
        """Do what waits, in order, first a single thing; give whether all is done."""
        is_back = False
        while self._backlog:
            try:
                works = self._backlog.first(None if is_back else 1)
            except SpillUnavailable as error:
                self._missing += self._backlog.lose_titles()
                self._add_error(f"{self._opener.name}: titles that waited are lost: {error}")
                continue
            saved_before = self._report.saved
            done = self._do_all(works, ())
            self._backlog.drop(works[:done])
            late = self._report.saved - saved_before
            absence.late += late
            self._report = replace(self._report, late=self._report.late + late)
            if done < len(works):
                return False
            is_back = True
            absence.is_spill_full = False
        return True


class _Absence:
    """A repository is away: since when it is tried again, and what has been said about it.

    Written by the lane's thread. ``deadline`` is when waiting ends; ``None`` while the run goes on.
    Of the error only the text is kept, for its traceback would keep the titles.
    """

    def __init__(self, cause: str) -> None:
        self.cause = cause
        self.next_try = 0.0
        self.deadline: float | None = None
        self.is_told = False
        self.is_spill_full = False
        self.late = 0
        self._delays = iter(AWAY_DELAYS_SECONDS)
        self._delay = 0.0
        self.put_off_next_try()

    def put_off_next_try(self) -> None:
        """Have the next try after a wait that grows up to a limit."""
        self._delay = next(self._delays, self._delay)
        self.next_try = time.monotonic() + self._delay
