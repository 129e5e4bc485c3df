"""A job of the schedule: what it is, when it is to be done, and who has it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class JobName(StrEnum):
    """What can be done by the clock."""

    CHARTS = "charts"
    """A distributed run of the chart of the settings."""
    DATASETS = "datasets"
    """The import of IMDb's dataset files."""
    PEOPLE = "people"
    """The profiles of people that are unknown, or oldest."""
    REFRESH = "refresh"
    """A distributed run of the titles that have most likely changed."""


class SlotState(StrEnum):
    """Where a slot stands: one of the times at which a job is to be done."""

    WAITING = "waiting"
    """It is to be begun, at once or after a pause."""
    RUNNING = "running"
    """A worker has it as long as its lease lasts, or its distributed run is at work."""
    DONE = "done"
    FAILED = "failed"
    """It was given up after the last attempt, or its run was ended early."""
    SKIPPED = "skipped"
    """It was not begun: an earlier one was still at work, or the schedule began after it."""


class JobEnd(StrEnum):
    """How far a worker has brought a job."""

    DONE = "done"
    HANDED_OVER = "handed_over"
    """A distributed run was begun: the job is over when that is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobClaim:
    """A slot of a job that a worker has got; ``token`` proves that it is still the worker's.

    ``run_id`` is the run that an earlier attempt has noted; ``attempt`` counts from 1 on.
    """

    job: JobName
    slot: datetime
    token: str
    attempt: int
    run_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSlot:
    """What is known of a slot. ``why`` says why it failed or was not begun, or is tried again."""

    job: JobName
    slot: datetime
    state: SlotState
    run_id: str | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """How a job stands: its slot that is open, or else the newest, and when it was done last."""

    current: JobSlot
    done_at: datetime | None
