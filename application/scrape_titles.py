"""The main job: fetch titles, or people, with many threads and save them everywhere, in batches."""

import heapq
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol

from application.composite_save import CompositeSave, titles_held
from application.detail_fetcher import DetailFetcher, Fetch, Fetched, FetchLoad, Id, Item
from application.guarded_observer import GuardedObserver
from application.lane import Count
from application.outcome_log import log_outcome
from application.ports import RunObserver
from application.source_chain import SourceChain
from domain.chart import Chart
from domain.errors import ScraperError
from domain.identifiers import ImdbId, TitleId
from domain.merged_id import MergedId
from domain.run import (
    DetailFailure,
    Failure,
    FetchTiming,
    RepositoryReport,
    Run,
    RunOutcome,
    RunReport,
)
from domain.title import Title

BATCH_TITLES = 25
"""Titles saved together: enough to spare a database its round trips, few enough to lose little."""

BATCH_SECONDS = 1.0
"""A batch that has waited this long for more titles is saved when the next one arrives."""

NOTED_WITHIN_SECONDS = 0.5
"""Titles are fetched when a repository has noted what is asked for, or after this time.

A run that is killed from then on can be continued. Little time is lost: repositories open while
the chart is read. One that takes longer (a database that recovers) is not waited for.
"""

SLOWEST_SHOWN = 5


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class RunClock:
    """Tells when the run that is about to begin has finished."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._made = time.monotonic()

    def finished_at(self, run: Run) -> datetime:
        """The time now; when the clock has been set back, the start and what has passed since."""
        passed = timedelta(seconds=time.monotonic() - self._made)
        return max(self._now(), run.started_at + passed)


class Sources(Protocol):
    """Where a run gets what it asks for; a `Chain`."""

    notices: tuple[str, ...]

    @property
    def detail_failures(self) -> tuple[DetailFailure, ...]:
        """The details that could not be had."""

    @property
    def exhausted(self) -> bool:
        """True when asking for more is pointless."""


class Scrape(Generic[Id, Item]):
    """Fetches titles, or people, and saves each in every repository, as they arrive.

    One that fails never harms another. A run ends early, with what is in flight finished and
    saved, when ``stop`` is set (from any thread or a signal handler), when no source is left, or
    when no repository is. Used by one thread, once a run; ``save`` is an open `CompositeSave`.
    ``fetch`` gives what asks the ``chain`` in a run, and ``batch_size`` for how many at a time;
    ``count`` has a repository count what it holds of their kind; ``load`` says how much there is
    to fetch, to whoever watches.
    """

    def __init__(
        self,
        chain: Sources,
        fetch: Callable[[Run], Fetch[Id, Item]],
        save: CompositeSave,
        observer: RunObserver,
        *,
        batch_size: Callable[[Run], int],
        count: Count,
        max_threads: int,
        stop: threading.Event,
        now: Callable[[], datetime] = utc_now,
        load: FetchLoad | None = None,
    ) -> None:
        self._chain = chain
        self._load = load
        self._save = save
        self._observer = GuardedObserver(observer)
        self._fetch: Callable[[Run], Fetch[Id, Item]] = fetch
        self._batch_size = batch_size
        self._max_threads = max_threads
        self._count = count
        self._stop = stop
        self._clock = RunClock(now)

    def execute(
        self,
        ids: Sequence[Id],
        run: Run,
        *,
        chart: Chart | None = None,
        rejected: Sequence[str] = (),
        resumed_at: datetime | None = None,
    ) -> RunReport:
        """Fetch and save all of these (each once, however often it is named); give the account.

        The chart, when there is one, is kept with its ranks. ``rejected`` has what the user named
        and is no id: it goes into the account, and so does ``resumed_at``, when the run was
        continued, if it was.
        """
        asked = list(dict.fromkeys(ids))
        self._save.begin_run(run, chart, asked)
        self._save.wait_until_noted(NOTED_WITHIN_SECONDS)
        return self.fetch_rest(asked, run, rejected=rejected, resumed_at=resumed_at)

    def fetch_rest(
        self,
        asked: Sequence[Id],
        run: Run,
        *,
        rejected: Sequence[str] = (),
        saved_before: Collection[Id] = frozenset(),
        resumed_at: datetime | None = None,
    ) -> RunReport:
        """Do what is left of a run that has begun: of ``asked`` all but ``saved_before``."""
        wanted = [imdb_id for imdb_id in asked if imdb_id not in saved_before]
        tally = self._fetch_all(wanted, run)
        return self._finish(
            self._account(
                run,
                wanted,
                tally,
                self._save.settle(self._count),
                rejected=tuple(rejected),
                already_saved=len(asked) - len(wanted),
                resumed_at=resumed_at,
            ),
        )

    def fetch_part(self, wanted: Sequence[Id], run: Run) -> RunReport:
        """Fetch and save a part of a run that others do the rest of; give the account of the part.

        The run goes on: no repository is told of an end, nor asked how much it holds.
        """
        tally = self._fetch_all(wanted, run)
        return self._account(run, wanted, tally, self._save.settle(None))

    def _fetch_all(self, wanted: Sequence[Id], run: Run) -> "_Tally[Id, Item]":
        self._observer.started(run, len(wanted))
        tally: _Tally[Id, Item] = _Tally()
        batch: _Batch[Item] = _Batch(self._save, run)
        fetcher: DetailFetcher[Id, Item] = DetailFetcher(
            self._fetch(run),
            batch_size=lambda: self._batch_size(run),
            max_threads=self._max_threads,
            go_on=self._go_on,
            load=self._load,
        )
        for fetched in fetcher.fetch(wanted):
            tally.note(fetched)
            if isinstance(fetched.outcome, ScraperError):
                self._observer.failed(tally.failures[-1])
            else:
                self._observer.fetched(fetched.outcome, fetched.seconds)
                batch.add(fetched.outcome, fetched.imdb_id)
        batch.flush()
        return tally

    def _go_on(self) -> bool:
        return not (self._stop.is_set() or self._chain.exhausted or self._save.hopeless)

    def _account(
        self,
        run: Run,
        wanted: Sequence[Id],
        tally: "_Tally[Id, Item]",
        repositories: tuple[RepositoryReport, ...],
        *,
        rejected: tuple[str, ...] = (),
        already_saved: int = 0,
        resumed_at: datetime | None = None,
    ) -> RunReport:
        not_tried = tuple(imdb_id for imdb_id in wanted if imdb_id not in tally.tried)
        report = RunReport(
            run=run,
            finished_at=self._clock.finished_at(run),
            outcome=RunOutcome.INCOMPLETE,
            asked=already_saved + len(wanted),
            already_saved=already_saved,
            resumed_at=resumed_at,
            fetched=tally.fetched,
            failures=tuple(tally.failures),
            not_tried=not_tried,
            repositories=repositories,
            fetched_from=tally.fetched_from(),
            from_other_sources=tally.from_other_sources(),
            slowest=tally.slowest(),
            merged=tally.merged,
            rejected=rejected,
            notices=self._chain.notices,
            detail_failures=self._chain.detail_failures,
        )
        return replace(report, outcome=self._outcome(report))

    def _finish(self, report: RunReport) -> RunReport:
        after = replace(report, repositories=self._save.finish_run(report))
        after = replace(after, outcome=self._outcome(after))
        log_outcome(after)
        return after

    def _outcome(self, report: RunReport) -> RunOutcome:
        unsaved = any(r.error or r.refused or r.missing for r in report.repositories)
        unsaved = unsaved or bool(report.detail_failures)
        if not (report.failures or report.not_tried or report.rejected or unsaved):
            return RunOutcome.COMPLETE
        if report.not_tried and self._stop.is_set():
            return RunOutcome.INTERRUPTED
        # A source that was given up when all had been asked for, and had given some, is no matter.
        has_no_source = self._chain.exhausted and (report.not_tried or not report.fetched)
        return RunOutcome.NO_SOURCE if has_no_source else RunOutcome.INCOMPLETE


class ScrapeTitles(Scrape[TitleId, Title]):
    """Fetches titles and saves each in every repository; see `Scrape`."""

    def __init__(
        self,
        source: SourceChain,
        save: CompositeSave,
        observer: RunObserver,
        *,
        max_threads: int,
        stop: threading.Event,
        now: Callable[[], datetime] = utc_now,
        load: FetchLoad | None = None,
    ) -> None:
        super().__init__(
            source,
            lambda run: lambda ids, cut_for: source.titles(ids, run.details, cut_for),
            save,
            observer,
            batch_size=lambda run: source.batch_size_with(run.details),
            count=titles_held,
            max_threads=max_threads,
            stop=stop,
            now=now,
            load=load,
        )


class _Tally(Generic[Id, Item]):
    """Counts of one run; belongs to the thread that runs it."""

    def __init__(self) -> None:
        self.fetched = 0
        self.failures: list[Failure] = []
        self._by_source: dict[str, list[ImdbId]] = defaultdict(list)
        self.tried: set[ImdbId] = set()
        self.merged: dict[ImdbId, ImdbId] = {}
        self._slowest: list[tuple[float, ImdbId]] = []

    def note(self, fetched: Fetched[Id, Item]) -> None:
        self.tried.add(fetched.imdb_id)
        timing = (fetched.seconds, fetched.imdb_id)
        if len(self._slowest) < SLOWEST_SHOWN:
            heapq.heappush(self._slowest, timing)
        else:
            heapq.heappushpop(self._slowest, timing)
        outcome = fetched.outcome
        if isinstance(outcome, ScraperError):
            self.failures.append(
                Failure(imdb_id=fetched.imdb_id, reason=outcome.reason, message=str(outcome))
            )
            return
        self.fetched += 1
        self._by_source[outcome.provenance.source].append(fetched.imdb_id)
        if outcome.imdb_id != fetched.imdb_id:
            self.merged[fetched.imdb_id] = outcome.imdb_id

    def fetched_from(self) -> dict[str, int]:
        """Number of titles, or people, by source, the one that gave most first."""
        counted = Counter({source: len(ids) for source, ids in self._by_source.items()})
        return dict(counted.most_common())

    def from_other_sources(self) -> dict[str, tuple[ImdbId, ...]]:
        """The ids of every source but the first of `fetched_from`."""
        others = list(self.fetched_from())[1:]
        return {source: tuple(self._by_source[source]) for source in others}

    def slowest(self) -> tuple[FetchTiming, ...]:
        ordered = sorted(self._slowest, reverse=True)
        return tuple(FetchTiming(imdb_id=i, seconds=round(s, 3)) for s, i in ordered)


class _Batch(Generic[Item]):
    """Collects what was fetched and hands it over when there is enough of it, or after a while."""

    def __init__(self, save: CompositeSave, run: Run) -> None:
        self._save = save
        self._run = run
        self._items: list[Item] = []
        self._merged: list[MergedId] = []
        self._began = 0.0

    def add(self, item: Item, asked: ImdbId) -> None:
        if item.imdb_id != asked:
            self._merged.append(MergedId(asked, item.imdb_id, item.provenance.fetched_at))
        if not self._items:
            self._began = time.monotonic()
        self._items.append(item)
        waited = time.monotonic() - self._began
        if len(self._items) >= BATCH_TITLES or waited >= BATCH_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self._items:
            self._save.save(self._items, self._run)
            self._items = []
        if self._merged:
            self._save.note_merged(tuple(self._merged))
            self._merged = []
