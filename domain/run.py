"""A run of the scraper and the account it gives of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.chart import ChartName
from domain.identifiers import TitleId


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: ``run_id`` sorts by time, ``command`` is ``chart``, ``titles`` or ``demo``."""

    run_id: str
    command: str
    chart: ChartName | None
    sources: tuple[str, ...]
    started_at: datetime


class RunOutcome(StrEnum):
    """How a run ended."""

    COMPLETE = "complete"
    """Every title asked for is saved in every repository."""
    INCOMPLETE = "incomplete"
    """Finished, with titles missing; the report names them."""
    NO_SOURCE = "no_source"
    """Stopped early: no source could be reached, or all of them block us."""
    INTERRUPTED = "interrupted"
    """Stopped by the user; what was in flight has been saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A title that a run could not get or store, and why, in words for the user."""

    imdb_id: TitleId
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCounts:
    """How many rows a repository holds in all, from this run and earlier ones."""

    titles: int
    people: int
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryReport:
    """What one repository did with the titles that were fetched.

    ``inserted + updated + unchanged + len(refused) + len(missing)`` is the number of titles
    fetched. ``late`` counts the saved ones that had to wait because the repository was away.
    ``error`` is why titles are missing, ``holds`` what is in the repository at the end (``None``
    when it could not say).
    """

    name: str
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    late: int = 0
    refused: tuple[Failure, ...] = ()
    missing: tuple[TitleId, ...] = ()
    error: str | None = None
    holds: StoreCounts | None = None
    location: str = ""

    @property
    def saved(self) -> int:
        """Titles of this run that the repository now holds."""
        return self.inserted + self.updated + self.unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTiming:
    """How long one title took, in seconds, from the request to the parsed facts."""

    imdb_id: TitleId
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """The account of a run. Screen, exit status and ``run-report.json`` are views of it.

    ``asked == fetched + len(failures) + len(not_tried)``; each repository's numbers add up to
    ``fetched``. ``fetched_from`` counts titles by source, ``slowest`` names the slowest few.
    ``merged`` has the titles that the source keeps under another id now, ``rejected`` what the user
    named and is no title, ``notices`` what else there is to know.
    """

    run: Run
    finished_at: datetime
    outcome: RunOutcome
    asked: int
    fetched: int
    failures: tuple[Failure, ...] = ()
    not_tried: tuple[TitleId, ...] = ()
    repositories: tuple[RepositoryReport, ...] = ()
    fetched_from: Mapping[str, int]
    slowest: tuple[FetchTiming, ...] = ()
    merged: Mapping[TitleId, TitleId] = field(default_factory=dict)
    rejected: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Wall-clock seconds from start to finish."""
        return (self.finished_at - self.run.started_at).total_seconds()
