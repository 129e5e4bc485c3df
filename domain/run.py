"""A run of the scraper and the account it gives of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.chart import ChartName
from domain.details import DetailName
from domain.identifiers import ImdbId

PEOPLE = "people"
"""The command whose runs are about people; all others are about titles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: ``run_id`` sorts by time; ``command`` says what began it.

    That is ``chart``, ``titles``, ``discover``, ``list``, ``people``, ``retry``, ``repair`` or
    ``demo``. ``details`` has what it asks for of each title besides the main facts.
    """

    run_id: str
    command: str
    chart: ChartName | None
    sources: tuple[str, ...]
    started_at: datetime
    details: tuple[DetailName, ...] = ()

    @property
    def is_about_people(self) -> bool:
        """Whether it asks for people; if not, for titles."""
        return self.command == PEOPLE


class RunOutcome(StrEnum):
    """How a run ended."""

    COMPLETE = "complete"
    """Every title asked for is saved in every repository."""
    INCOMPLETE = "incomplete"
    """Finished, with titles, or details of them, missing; the report names them."""
    NO_SOURCE = "no_source"
    """Stopped early: no source could be reached, or all of them block us."""
    INTERRUPTED = "interrupted"
    """Stopped by the user; what was in flight has been saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A title, or person, that a run could not get or store, and why, in words for the user."""

    imdb_id: ImdbId
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailFailure:
    """A detail that a title is saved without, and why, in words for the user."""

    imdb_id: ImdbId
    detail: DetailName
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCounts:
    """How many rows a repository holds in all, from this run and earlier ones."""

    titles: int
    people: int
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileCounts:
    """How many profiles of people a repository holds in all, with how many credits."""

    profiles: int
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryReport:
    """What one repository did with the titles of a run, or its people.

    ``held_before + copied + inserted + updated + unchanged + len(refused) + len(missing)`` is the
    number of titles that were saved already or fetched: ``held_before`` it had when the run was
    continued, ``copied`` it got from another repository then. ``late`` counts the saved ones that
    had to wait because the repository was away. ``error`` is why titles are missing, ``holds`` what
    is in the repository at the end (``None`` when it could not say).
    """

    name: str
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    late: int = 0
    refused: tuple[Failure, ...] = ()
    missing: tuple[ImdbId, ...] = ()
    error: str | None = None
    holds: StoreCounts | ProfileCounts | None = None
    location: str = ""
    held_before: int = 0
    copied: int = 0

    @property
    def saved(self) -> int:
        """Titles of this run that the repository now holds."""
        return self.held_before + self.copied + self.inserted + self.updated + self.unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTiming:
    """How long one title, or person, took, in seconds, from the request to the parsed facts."""

    imdb_id: ImdbId
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The account of a run. Screen, exit status and ``run-report.json`` are views of it.

    ``asked == already_saved + fetched + len(failures) + len(not_tried)``; each repository's numbers
    add up to ``already_saved + fetched``. ``already_saved`` counts the titles that a repository had
    when the run was continued, at ``resumed_at`` (``None`` for a run in one go).
    ``fetched_from`` counts titles by source. ``from_other_sources`` names those of every source but
    the one that gave most, by the ids that were asked for; all others that were fetched are of that
    one. ``slowest`` names the slowest few.
    ``merged`` has the titles that the source keeps under another id now, ``rejected`` what the user
    named and is no title, ``notices`` what else there is to know. ``detail_failures`` has the
    details that could not be had of titles that were. Of a run that is about people, all this is
    said of people.
    """

    run: Run
    finished_at: datetime
    outcome: RunOutcome
    asked: int
    fetched: int
    failures: tuple[Failure, ...] = ()
    not_tried: tuple[ImdbId, ...] = ()
    repositories: tuple[RepositoryReport, ...] = ()
    fetched_from: Mapping[str, int]
    from_other_sources: Mapping[str, tuple[ImdbId, ...]] = field(default_factory=dict)
    slowest: tuple[FetchTiming, ...] = ()
    merged: Mapping[ImdbId, ImdbId] = field(default_factory=dict)
    rejected: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    already_saved: int = 0
    resumed_at: datetime | None = None
    detail_failures: tuple[DetailFailure, ...] = ()

    @property
    def seconds(self) -> float:
        """Wall-clock seconds to the finish from the start, or from when the run was continued."""
        return (self.finished_at - (self.resumed_at or self.run.started_at)).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a repository remembers of a run.

    ``asked`` is the number of titles that it was asked for, ``None`` while that was not known yet.
    ``finished_at``, ``outcome`` and the counts are ``None`` for a run that has not finished: it is
    ``at_work`` in some process now, or was killed. Of one that many workers do, ``fetched`` and
    ``failed`` are known while it is at work, which it also is while it ``is_paused``. ``saved`` has
    for each repository the titles of the run that it held at the end.
    """

    run: Run
    asked: int | None = None
    at_work: bool = False
    is_paused: bool = False
    finished_at: datetime | None = None
    resumed_at: datetime | None = None
    outcome: RunOutcome | None = None
    already_saved: int | None = None
    fetched: int | None = None
    failed: int | None = None
    saved: Mapping[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """Wall-clock seconds to the finish, as in `RunReport`; ``None`` before it."""
        if self.finished_at is None:
            return None
        return (self.finished_at - (self.resumed_at or self.run.started_at)).total_seconds()

    @property
    def not_tried(self) -> int | None:
        """Titles that the run was stopped before; ``None`` when it has not finished."""
        if self.finished_at is None:
            return None
        done = (self.already_saved or 0) + (self.fetched or 0) + (self.failed or 0)
        return (self.asked or 0) - done
