"""A batch: a part of a distributed run, which one worker does at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.identifiers import ImdbId, TitleId
from domain.run import DetailFailure, Failure, FetchTiming, Run, RunReport

PARKED = "parked"
"""The reason of titles whose batch was given up."""


class BatchState(StrEnum):
    """Where a batch stands."""

    QUEUED = "queued"
    """Nobody has begun it."""
    RUNNING = "running"
    """A worker has it, as long as its lease lasts."""
    FAILED = "failed"
    """An attempt has failed; it is begun again after a pause."""
    DONE = "done"
    """Every title of it is saved, or has failed for a reason of its own."""
    PARKED = "parked"
    """It was given up: its titles count as failed, and ``retry`` fetches them again."""
    SPLIT = "split"
    """It was cut in two, which are batches of their own."""


class Stage(StrEnum):
    """Where a distributed run stands."""

    RUNNING = "running"
    PAUSED = "paused"
    """No batch is begun until it goes on."""
    CANCELLED = "cancelled"
    """No batch is begun any more; it is closed when the last worker has let go."""
    CLOSED = "closed"
    """Its account is written."""


class Standing(StrEnum):
    """What a worker is to do with the batch that it has."""

    GO_ON = "go_on"
    LET_GO = "let_go"
    """The run was paused or cancelled: save what is in flight, give the rest back."""
    LOST = "lost"
    """The batch is somebody else's by now, or over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchClaim:
    """A batch that a worker has got; ``token`` proves that it is still the worker's.

    When it ``is_trial`` the run waits for its sources, and this batch is to show whether they
    answer again.
    """

    batch_id: int
    token: str
    run: Run
    ids: tuple[TitleId, ...]
    is_trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAccount:
    """What became of the titles of a batch that is done.

    ``fetched`` has the ids by source; all others of the batch are in ``failures``, or had been
    saved by an attempt before. ``inserted`` and so on say what the database did with what was
    fetched, as in `RepositoryReport`.
    """

    fetched: Mapping[str, tuple[ImdbId, ...]]
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    late: int = 0
    refused: tuple[Failure, ...] = ()
    failures: tuple[Failure, ...] = ()
    slowest: tuple[FetchTiming, ...] = ()
    merged: Mapping[ImdbId, ImdbId] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    detail_failures: tuple[DetailFailure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedBatch:
    """A batch that was given up: its titles, and the error of the last attempt."""

    ids: tuple[TitleId, ...]
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerAtWork:
    """A worker that has a batch of ``titles``, and how far it is with it.

    ``heard_seconds`` ago it has last said that it lives.
    """

    name: str
    titles: int
    fetched: int
    failed: int
    heard_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWait:
    """A wait of a run whose sources are away or refuse us, as ``error`` says.

    It began ``seconds`` ago; in ``pause_seconds`` a batch is tried.
    """

    error: str
    seconds: float
    pause_seconds: float

    def told(self, sources: Sequence[str]) -> str:
        """What to tell the user of a run with these sources."""
        names = " or ".join(sources)
        return f"waiting for source {names}: {self.error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBatches:
    """How far a distributed run is: its stage, its batches by state, its titles.

    ``fetched`` and ``failed`` count titles, also of batches that are at work now; ``workers`` are
    those that have one. ``wait`` is there while the run waits for its sources, and
    ``resumed_at`` when it was continued, if it was.
    """

    stage: Stage
    asked: int
    fetched: int
    failed: int
    batches: Mapping[BatchState, int]
    workers: tuple[WorkerAtWork, ...] = ()
    wait: SourceWait | None = None
    resumed_at: datetime | None = None

    @property
    def is_untouched(self) -> bool:
        """Whether no worker has begun any of it yet."""
        begun = self.batches.keys() - {BatchState.QUEUED}
        return bool(self.batches) and not (begun or self.fetched or self.wait)


def account_of(report: RunReport, wanted: Sequence[TitleId]) -> BatchAccount:
    """The account of a batch, from the report of the fetching of those of its ids that were wanted.

    None of them is missing or not tried, and they were saved in one repository.
    """
    others = report.from_other_sources
    not_main = {imdb_id for ids in others.values() for imdb_id in ids}
    not_main |= {failure.imdb_id for failure in report.failures}
    of_main = tuple(imdb_id for imdb_id in wanted if imdb_id not in not_main)
    main = next(iter(report.fetched_from), None)
    [saved] = report.repositories
    return BatchAccount(
        fetched=({} if main is None else {main: of_main}) | dict(others),
        inserted=saved.inserted,
        updated=saved.updated,
        unchanged=saved.unchanged,
        late=saved.late,
        refused=saved.refused,
        failures=report.failures,
        slowest=report.slowest,
        merged=report.merged,
        notices=report.notices,
        detail_failures=report.detail_failures,
    )
