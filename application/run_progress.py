"""How far a run is, for those who watch it while it is at work."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from application.ports import BatchResult
from domain.batch import BatchState, RunBatches, Stage, WorkerAtWork
from domain.person_profile import PersonProfile
from domain.run import Failure, Run, RunOutcome, RunRecord, RunReport
from domain.title import Title

logger = logging.getLogger(__name__)

KEPT_NOTICES = 20
"""So many of the latest notices of a run are kept for those who watch it."""


class RunState(StrEnum):
    """Where a run stands."""

    STARTING = "starting"
    """It is being prepared: the chart is read, or what is saved already is looked up."""
    FETCHING = "fetching"
    """Titles are fetched and saved."""
    PAUSED = "paused"
    """Workers begin nothing more of it until it goes on."""
    STOPPING = "stopping"
    """It was cancelled: what is in flight is finished and saved."""
    ENDED = "ended"
    """Nothing more comes; ``outcome`` or ``error`` says how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run is at one moment; what is not known is ``None``.

    ``number`` grows whenever something has changed. ``asked`` counts the titles that are to be
    fetched (of a run that was continued, those that were left), ``fetched`` and ``failed`` what
    became of them, ``failed_by_reason`` the failures by `Failure.reason`. ``saved`` has what each
    repository has saved since the run was begun or continued. ``seconds`` is the time since then,
    ``per_second`` the titles done a second since the first was asked for. ``notices`` are the
    latest `KEPT_NOTICES`. ``outcome`` is set at the end, or ``error`` when there is no account.
    Of a run that workers do, ``batches`` counts its batches by state while it is at work, and
    ``workers`` are those that have one.
    """

    run_id: str
    number: int
    state: RunState
    asked: int | None = None
    fetched: int | None = None
    failed: int | None = None
    failed_by_reason: Mapping[str, int] | None = None
    saved: Mapping[str, int] = field(default_factory=dict)
    seconds: float | None = None
    per_second: float | None = None
    notices: tuple[str, ...] = ()
    not_tried: int | None = None
    outcome: RunOutcome | None = None
    error: str | None = None
    batches: Mapping[BatchState, int] | None = None
    workers: tuple[WorkerAtWork, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.state is RunState.ENDED


class RunTracker:
    """A `RunObserver` that counts, and gives the progress of its run whenever it is asked.

    It holds a few counts and nothing of who asks: a slow or lost watcher costs it nothing. Any
    number of threads may call it; one condition guards everything and wakes those who `wait`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._number = 0
        self._began = time.monotonic()
        self._first_asked: float | None = None
        self._state = RunState.STARTING
        self._asked: int | None = None
        self._fetched = 0
        self._failed: Counter[str] = Counter()
        self._saved: Counter[str] = Counter()
        self._notices: deque[str] = deque(maxlen=KEPT_NOTICES)
        self._run_id = ""
        self._end: RunProgress | None = None

    def began(self, run_id: str) -> None:
        """Note which run it is."""
        with self._changed:
            self._run_id = run_id

    def started(self, run: Run, asked: int | None) -> None:
        """Note that titles are about to be fetched, and how many."""
        with self._changed:
            self._asked = asked
            self._first_asked = time.monotonic()
            if self._state is RunState.STARTING:
                self._state = RunState.FETCHING
            self._note_change()

    def fetched(self, item: Title | PersonProfile, seconds: float) -> None:
        """Count a title."""
        with self._changed:
            self._fetched += 1
            self._note_change()

    def failed(self, failure: Failure) -> None:
        """Count a failure by its reason."""
        with self._changed:
            self._failed[failure.reason] += 1
            self._note_change()

    def saved(self, repository: str, result: BatchResult) -> None:
        """Count what a repository has saved."""
        with self._changed:
            self._saved[repository] += result.inserted + result.updated + result.unchanged
            self._note_change()

    def notice(self, message: str) -> None:
        """Keep what the user should know; the log has it, too."""
        logger.warning("%s", message)
        with self._changed:
            self._notices.append(message)
            self._note_change()

    def stopping(self) -> None:
        """Note that the run was cancelled."""
        with self._changed:
            if self._end is None:
                self._state = RunState.STOPPING
                self._note_change()

    def ended(self, report: RunReport) -> None:
        """Note the account of the run: its numbers are the last."""
        with self._changed:
            self._number += 1
            self._end = _end_of(report, self._number, tuple(self._notices))
            self._changed.notify_all()

    def broke_off(self, error: str) -> None:
        """Note that the run has ended without an account, and why."""
        with self._changed:
            self._state = RunState.ENDED
            self._number += 1
            self._end = self._now(error)
            self._changed.notify_all()

    def progress(self) -> RunProgress:
        """Give how far the run is now."""
        with self._changed:
            return self._end or self._now()

    def wait_for_change(self, seen: int, spacing_seconds: float) -> None:
        """Wait until ``number`` is not ``seen`` any more, and for so long, or until the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._end is not None, spacing_seconds)
            self._changed.wait_for(lambda: self._number != seen)

    def _note_change(self) -> None:
        self._number += 1
        self._changed.notify_all()

    def _now(self, error: str | None = None) -> RunProgress:
        now = time.monotonic()
        failed = self._failed.total()
        return RunProgress(
            run_id=self._run_id,
            number=self._number,
            state=self._state,
            asked=self._asked,
            fetched=self._fetched,
            failed=failed,
            failed_by_reason=dict(self._failed),
            saved=dict(self._saved),
            seconds=round(now - self._began, 3),
            per_second=_rate(self._fetched + failed, self._first_asked, now),
            notices=tuple(self._notices),
            error=error,
        )


def _rate(done: int, since: float | None, now: float) -> float | None:
    return None if since is None or now <= since else round(done / (now - since), 2)


def _end_of(report: RunReport, number: int, notices: tuple[str, ...]) -> RunProgress:
    done = report.fetched + len(report.failures)
    return RunProgress(
        run_id=report.run.run_id,
        number=number,
        state=RunState.ENDED,
        asked=report.asked - report.already_saved,
        fetched=report.fetched,
        failed=len(report.failures),
        failed_by_reason=dict(Counter(failure.reason for failure in report.failures)),
        saved={kept.name: kept.saved - kept.held_before for kept in report.repositories},
        seconds=report.seconds,
        per_second=round(done / report.seconds, 2) if report.seconds > 0 else None,
        notices=notices,
        not_tried=len(report.not_tried),
        outcome=report.outcome,
    )


_STATES = {Stage.PAUSED: RunState.PAUSED, Stage.CANCELLED: RunState.STOPPING}


def progress_of(record: RunRecord, number: int, batches: RunBatches | None = None) -> RunProgress:
    """Give how far a run is as the repositories remember it, and the ledger when workers do it.

    ``saved`` counts the titles that each held at the end, also those that it had before.
    """
    if record.at_work and batches is not None:
        return _of_batches(record, number, batches)
    is_killed = record.finished_at is None and not record.at_work
    asked = record.asked
    return RunProgress(
        run_id=record.run.run_id,
        number=number,
        state=RunState.FETCHING if record.at_work else RunState.ENDED,
        asked=None if asked is None else asked - (record.already_saved or 0),
        fetched=record.fetched,
        failed=record.failed,
        saved=dict(record.saved),
        seconds=record.seconds,
        not_tried=record.not_tried,
        outcome=record.outcome,
        error="the program that was at work on it was stopped" if is_killed else None,
    )


def _of_batches(record: RunRecord, number: int, batches: RunBatches) -> RunProgress:
    notices: tuple[str, ...] = ()
    if batches.is_untouched:
        notices = ("no worker has begun it yet",)
    elif batches.wait is not None:
        notices = (batches.wait.told(record.run.sources),)
    return RunProgress(
        run_id=record.run.run_id,
        number=number,
        state=_STATES.get(batches.stage, RunState.FETCHING),
        asked=batches.asked,
        fetched=batches.fetched,
        failed=batches.failed,
        notices=notices,
        batches=batches.batches,
        workers=batches.workers,
    )
