"""Starting, cancelling and watching runs from within a process that goes on, such as a server."""

import logging
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from application.intervals import at_intervals
from application.ports import RunObserver
from application.run_progress import RunProgress, RunState, RunTracker, progress_of
from domain.batch import RunBatches, Stage
from domain.chart import ChartName
from domain.details import DetailName
from domain.errors import (
    AnotherRunAtWork,
    InvalidConfiguration,
    NotDistributed,
    NotRunningHere,
    RepositoryUnavailable,
    RunIsOver,
    ScraperError,
    ShuttingDown,
    TooManyWatchers,
    UnknownRun,
)
from domain.identifiers import TitleId
from domain.run import Run, RunRecord, RunReport

logger = logging.getLogger(__name__)

REMEMBERED_RUNS = 20
"""So many of the runs that have ended here can still be watched without asking a repository."""

MOST_WATCHERS = 500
"""So many views of runs there may be at the same time."""

SPACING_SECONDS = 0.25
"""A watcher is told of changes no more often than this, but for the end."""

TELL_SECONDS = 1.0
"""A run tells other servers so often how far it is, and hears from them."""

LOOK_SECONDS = 2.0
"""A run of another process is looked at no more often than this, by however many watchers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartOrder:
    """To scrape the first ``limit`` titles of a chart; ``details`` of ``None`` as configured."""

    chart: ChartName
    limit: int
    details: tuple[DetailName, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TitlesOrder:
    """To scrape these titles; ``details`` of ``None`` as configured."""

    ids: tuple[TitleId, ...]
    details: tuple[DetailName, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOrder:
    """To fetch again what failed in a run, or in the newest with failures; see `RetryFailures`."""

    of: str | None = None
    with_not_found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeOrder:
    """To continue a run that was stopped, or the newest of them; see `ResumeRun`."""

    run_id: str | None = None


Order = ChartOrder | TitlesOrder | RetryOrder | ResumeOrder
"""What a run is to do."""


class PerformRun(Protocol):
    """Builds what a run needs, does it, and closes everything."""

    def __call__(
        self,
        order: Order,
        observer: RunObserver,
        stop: threading.Event,
        begun: Callable[[Run], None],
    ) -> RunReport:
        """Do the run; give its account.

        ``begun`` is told the run, once, when it is sure that it is done; before that anything of
        `ScraperError` may be raised. ``stop`` ends it early, as Ctrl-C does.
        """


SteerRun = Callable[[str, Stage], Stage | None]
"""Sets the stage of a run that workers do, as `BatchLedger.set_stage`; ``None``: it is no such run.

Raises `RepositoryUnavailable`. Any thread may call it.
"""


def _steers_nothing(run_id: str, stage: Stage) -> Stage | None:
    return None


LookAtBatches = Callable[[str], RunBatches | None]
"""Asks for the batches of a run, as `BatchLedger.progress`; ``None``: workers do not do it.

Raises `RepositoryUnavailable`. Any thread may call it.
"""


def _knows_no_batches(run_id: str) -> RunBatches | None:
    return None


class RunBoard(Protocol):
    """Where servers on the same repositories tell each other of the run that one does itself.

    One of them has the place on it at a time, as long as it says that it lives. Any thread may call
    it; every method raises `RepositoryUnavailable`.
    """

    def take(self, token: str) -> None:
        """Have the place, under a token of one's own. Raises `AnotherRunAtWork`."""

    def tell(self, token: str, progress: RunProgress) -> bool:
        """Say how far the run is, and that one lives; tells whether it is to end early."""

    def leave(self, token: str) -> None:
        """Give the place up."""

    def cancel(self, run_id: str) -> bool:
        """Have whoever does a run end it early; False: nobody here does it."""

    def look(self, run_id: str) -> RunProgress | None:
        """Give how far the run is that has the place; ``None``: it is another one, or none."""


HandOver = Callable[[Order], str]
"""Hands a run to workers and gives its id.

Raises what reading a chart does, `InvalidConfiguration` and `RepositoryUnavailable`: then nothing
has begun. Any thread may call it.
"""


def _has_no_workers(order: Order) -> str:
    raise InvalidConfiguration(["this server hands no runs to workers"])


FindRun = Callable[[str], RunRecord | None]
"""Asks the repositories for a run; raises `RepositoryUnavailable`. Any thread may call it."""


class RunWatch(Protocol):
    """One watcher's view of a run. Used by one thread at a time; to forget it frees it."""

    @property
    def asks_repositories(self) -> bool:
        """Whether `poll` may take time (it asks a repository), or is done at once."""

    @property
    def pause_seconds(self) -> float:
        """How long to leave between two calls of `poll`."""

    def poll(self) -> RunProgress | None:
        """Give how far the run is, first at once, then whenever it has changed; ``None`` if not.

        Changes between two calls come as one. The last one ``is_over``; call it no more then.
        Raises `RepositoryUnavailable` when a repository has to be asked and cannot be.
        """

    def __iter__(self) -> Iterator[RunProgress]:
        """Give the same, waiting for each; ends after the one that ``is_over``."""


class RunControl:
    """Does runs in a thread of its own, one at a time, and tells how they go.

    Any number of threads may call every method; one lock guards which run is at work and is never
    held while something takes time. Runs of other processes on the same repositories go on beside
    it, as they do beside one of the command line: the repositories' own locks keep them apart.
    ``when_ended`` takes the account of each run, in the run's thread, before its watchers hear of
    the end. `close` ends the run at work; without it the process waits for the run's end.
    ``steer`` reaches the runs that workers do, and ``batches`` looks at them; ``hand_over`` begins
    them, and by default all runs with ``hands_over``. Several servers that have one ``board`` do
    one run at a time, all together, and each can show and cancel it.
    """

    def __init__(
        self,
        perform: PerformRun,
        find: FindRun,
        *,
        when_ended: Callable[[RunReport], object] = lambda report: None,
        steer: SteerRun = _steers_nothing,
        batches: LookAtBatches = _knows_no_batches,
        hand_over: HandOver = _has_no_workers,
        hands_over: bool = False,
        board: RunBoard | None = None,
    ) -> None:
        self._perform = perform
        self._steer = steer
        self._hand_over = hand_over
        self.hands_over = hands_over
        self._board = board
        self._find = _SparingFinder(find, batches, board)
        self._when_ended = when_ended
        self._lock = threading.Lock()
        self._current: _Work | None = None
        self._known: dict[str, _Work] = {}
        self._watches: weakref.WeakSet[_LiveWatch | _DistantWatch] = weakref.WeakSet()
        self._closed = threading.Event()

    @property
    def running(self) -> str | None:
        """The id of the run that is at work here, or ``None``."""
        with self._lock:
            return None if self._current is None else self._current.run_id

    def start(self, order: Order, *, distributed: bool | None = None) -> str:
        """Begin a run and give its id, as soon as it is sure that there is something to do.

        To see that may take seconds when an earlier run is looked up. Raises `AnotherRunAtWork`,
        `ShuttingDown`, and what the order gives reason for before anything is begun:
        `UnknownRun`, `RunAtWork`, `NothingToDo`, `InvalidConfiguration`, `RepositoryUnavailable`.
        When it is ``distributed`` workers do it, any number of runs at a time; see `HandOver`.
        """
        if self.hands_over if distributed is None else distributed:
            if self._closed.is_set():
                raise ShuttingDown
            return self._hand_over(order)
        work = _Work()
        thread = threading.Thread(target=self._do, args=(work, order), name="run")
        with self._lock:
            if self._closed.is_set():
                raise ShuttingDown
            if self._current is not None:
                raise AnotherRunAtWork(self._current.run_id)
            thread.start()  # within the lock: `close` finds no run without a thread
            work.thread = thread
            self._current = work
        return work.begun.result()

    def cancel(self, run_id: str) -> None:
        """Have a run end early, as Ctrl-C does: it can be continued. It ends a little later.

        One of this process, or one that workers do. Once more does nothing. Raises
        `NotRunningHere`, `UnknownRun`, `RepositoryUnavailable`.
        """
        with self._lock:
            work = self._current
        if work is not None and work.run_id == run_id:
            work.cancel()
            return
        with self._lock:
            is_known = run_id in self._known
        found = None if is_known else self._find(run_id)
        if found is None and not is_known:
            raise UnknownRun(run_id)
        at_work = found is not None and found.at_work
        if at_work and self._steer(run_id, Stage.CANCELLED) is Stage.CANCELLED:
            return
        if at_work and self._board is not None and self._board.cancel(run_id):
            return
        raise NotRunningHere(run_id, at_work=at_work)

    def pause(self, run_id: str) -> None:
        """Have workers begin nothing more of a run, and let go of what they have.

        Once more does nothing. Raises `NotDistributed`, `RunIsOver`, `UnknownRun`,
        `RepositoryUnavailable`.
        """
        self._have_workers(run_id, Stage.PAUSED)

    def go_on(self, run_id: str) -> None:
        """Have workers go on with a run that was paused; raises as `pause`."""
        self._have_workers(run_id, Stage.RUNNING)

    def _have_workers(self, run_id: str, stage: Stage) -> None:
        reached = self._steer(run_id, stage)
        if reached is None:
            with self._lock:
                is_known = run_id in self._known
            if not is_known and self._find(run_id) is None:
                raise UnknownRun(run_id)
            raise NotDistributed(run_id)
        if reached is not stage:
            raise RunIsOver(run_id)

    def progress(self, run_id: str) -> RunProgress:
        """Give how far a run is now; raises as `watch`, but for `TooManyWatchers`."""
        progress = self._view(run_id).poll()
        assert progress is not None  # noqa: S101 - the first one always is
        return progress

    def watch(self, run_id: str) -> RunWatch:
        """Give a view of a run, of this process or another one, at work or over.

        Raises `UnknownRun`, `RepositoryUnavailable`, and `TooManyWatchers` while there are
        `MOST_WATCHERS` views that nobody has forgotten.
        """
        watch = self._view(run_id)
        with self._lock:
            if len(self._watches) >= MOST_WATCHERS:
                raise TooManyWatchers(MOST_WATCHERS)
            self._watches.add(watch)
        return watch

    def _view(self, run_id: str) -> "_LiveWatch | _DistantWatch":
        with self._lock:
            work = self._known.get(run_id)
        if work is not None and not work.tracker.progress().is_over:
            return _LiveWatch(work.tracker)
        found = self._find(run_id)
        if work is not None and (found is None or not found.was_done_since(work.finished_at)):
            return _LiveWatch(work.tracker)  # it knows more of the end
        if found is None:
            raise UnknownRun(run_id)
        return _DistantWatch(run_id, found, self._find, self._closed)

    def close(self) -> None:
        """Take no more runs, cancel the one at work, and wait until all of it is saved and closed.

        Not to be called from the thread of a run.
        """
        with self._lock:
            self._closed.set()
            work = self._current
        if work is not None:
            work.cancel()
            work.join()

    def _do(self, work: "_Work", order: Order) -> None:
        """Do a run; the thread's target. Whatever happens, the place is free afterwards."""

        def begun(run: Run) -> None:
            self._note_begun(work, run.run_id)

        try:
            with self._on_board(work):
                report = self._perform(order, work.tracker, work.stop, begun)
        except BaseException as error:  # noqa: BLE001 - it is told to whoever waits
            self._leave()
            self._tell(work, error)
            return
        work.finished_at = report.finished_at
        try:
            self._when_ended(report)
        except Exception:
            logger.exception("the report of run %s cannot be kept", work.run_id)
        logger.info(
            "run %s has ended: %s, asked %d, fetched %d, failed %d",
            work.run_id, report.outcome, report.asked, report.fetched, len(report.failures),
        )  # fmt: skip
        self._leave()
        work.tracker.ended(report)

    @contextmanager
    def _on_board(self, work: "_Work") -> Iterator[None]:
        """Have the place among all servers; without a board that can be asked, go on alone."""
        if self._board is None:
            yield
            return
        try:
            self._board.take(work.token)
        except RepositoryUnavailable as error:
            logger.warning("other servers are not told of the run that begins: %s", error)
            yield
            return
        try:
            with at_intervals(partial(self._tell_others, work), TELL_SECONDS, "tell-others"):
                yield
        finally:
            try:
                self._board.leave(work.token)
            except RepositoryUnavailable as error:
                logger.warning("other servers hear later that the run is over: %s", error)

    def _tell_others(self, work: "_Work") -> None:
        if self._board is not None and self._board.tell(work.token, work.tracker.progress()):
            work.cancel()

    def _note_begun(self, work: "_Work", run_id: str) -> None:
        work.tracker.began(run_id)
        try:
            self._tell_others(work)  # before anybody asks one of them
        except RepositoryUnavailable as error:
            logger.warning("other servers hear later of run %s: %s", run_id, error)
        logger.info("run %s begins", run_id)
        with self._lock:
            work.run_id = run_id
            # Of a run that is continued, the newest: it goes to the end.
            self._known.pop(run_id, None)
            self._known[run_id] = work
            for old in list(self._known)[:-REMEMBERED_RUNS]:
                del self._known[old]
        work.begun.set_result(run_id)

    def _leave(self) -> None:
        """Let the next run in, before anybody hears that this one is over."""
        with self._lock:
            self._current = None

    def _tell(self, work: "_Work", error: BaseException) -> None:
        if not work.begun.done():
            work.begun.set_exception(error)
            return
        if not isinstance(error, ScraperError):
            logger.error("unexpected failure of run %s", work.run_id, exc_info=error)
        work.tracker.broke_off(f"the run has broken off ({type(error).__name__}): {error}")


class _Work:
    """A run of this process. ``run_id`` and ``thread`` are written with the control's lock held."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        self.tracker = RunTracker()
        self.stop = threading.Event()
        self.begun: Future[str] = Future()
        self.run_id: str | None = None
        self.thread: threading.Thread | None = None
        self.finished_at: datetime | None = None

    def cancel(self) -> None:
        self.stop.set()
        self.tracker.stopping()

    def join(self) -> None:
        if self.thread is not None:
            self.thread.join()


class _LiveWatch:
    """A view of a run of this process."""

    asks_repositories = False
    pause_seconds = SPACING_SECONDS

    def __init__(self, tracker: RunTracker) -> None:
        self._tracker = tracker
        self._seen = -1

    def poll(self) -> RunProgress | None:
        progress = self._tracker.progress()
        if progress.number == self._seen:
            return None
        self._seen = progress.number
        return progress

    def __iter__(self) -> Iterator[RunProgress]:
        while True:
            progress = self.poll()
            if progress is not None:
                yield progress
                if progress.is_over:
                    return
            self._tracker.wait_for_change(self._seen, self.pause_seconds)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of a run of another process; ``told`` is what that says itself."""

    record: RunRecord | None
    batches: RunBatches | None = None
    told: RunProgress | None = None

    @property
    def at_work(self) -> bool:
        """Whether a process is at work on it: one that has just begun may not be noted yet."""
        return self.told is not None or (self.record is not None and self.record.at_work)

    def was_done_since(self, moment: datetime | None) -> bool:
        """Whether another process is at work on it, or has ended it later than this."""
        ended = None if self.record is None else self.record.finished_at
        return self.at_work or (ended is not None and moment is not None and ended > moment)

    def progress(self, run_id: str, number: int) -> RunProgress:
        """How far it is."""
        if self.told is not None:
            return replace(self.told, number=number)
        if self.record is not None:
            return progress_of(self.record, number, self.batches)
        error = "the server that was at work on it was stopped"
        return RunProgress(run_id=run_id, number=number, state=RunState.ENDED, error=error)


class _DistantWatch:
    """A view of a run of another process, as far as that, the repositories and the ledger tell."""

    asks_repositories = True
    pause_seconds = LOOK_SECONDS

    def __init__(
        self, run_id: str, found: _Found, find: "_SparingFinder", closed: threading.Event
    ) -> None:
        self._run_id = run_id
        self._found = found
        self._find = find
        self._closed = closed
        self._number = 0

    def poll(self) -> RunProgress | None:
        found = self._find(self._run_id) or _Found(self._found.record)
        if self._number and found == self._found:
            return None
        self._found = found
        self._number += 1
        return found.progress(self._run_id, self._number)

    def __iter__(self) -> Iterator[RunProgress]:
        while not self._closed.is_set():
            progress = self.poll()
            if progress is not None:
                yield progress
                if progress.is_over:
                    return
            self._closed.wait(self.pause_seconds)


class _SparingFinder:
    """Asks for one run at most every `LOOK_SECONDS`, for however many watchers.

    A lock guards what is remembered; it is held while a repository is asked, so that the others
    wait for that answer instead of asking too.
    """

    def __init__(self, find: FindRun, batches: LookAtBatches, board: RunBoard | None) -> None:
        self._find = find
        self._batches = batches
        self._board = board
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, _Found]] = {}

    def __call__(self, run_id: str) -> _Found | None:
        with self._lock:
            now = time.monotonic()
            self._known = {k: v for k, v in self._known.items() if now - v[0] < LOOK_SECONDS}
            if run_id in self._known:
                return self._known[run_id][1]
            found = self._look(run_id)
            if found is not None and found.at_work:  # what is over may be continued at any moment
                self._known[run_id] = (now, found)
            return found

    def _look(self, run_id: str) -> _Found | None:
        told = self._told(run_id)  # before the record: what was told last is cleared after it
        record = self._find(run_id)
        if record is None:
            return None if told is None else _Found(None, told=told)
        if not record.at_work:
            return _Found(record, told=told)
        return _Found(record, self._batches(run_id), told)

    def _told(self, run_id: str) -> RunProgress | None:
        if self._board is None:
            return None
        try:
            return self._board.look(run_id)
        except RepositoryUnavailable as error:
            logger.warning("other servers cannot be asked about run %s: %s", run_id, error)
            return None
