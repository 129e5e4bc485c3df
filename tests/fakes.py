"""Sources, repositories and observers that speak the ports and do as a test says."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from application.ports import BatchResult, RepositoryOpener, TitleOutcome, TitleVersion
from application.source_chain import PATIENCE, REST_SECONDS
from domain.chart import Chart, ChartName
from domain.details import Detail, DetailName
from domain.errors import ScraperError, TitleNotFound
from domain.identifiers import ImdbId, NameId, TitleId
from domain.merged_id import MergedId, with_merged
from domain.person_profile import PersonProfile
from domain.run import Failure, Run, RunRecord, RunReport, StoreCounts
from domain.title import Title
from infrastructure.http.circuit_breaker import CircuitBreaker


def new_circuit() -> CircuitBreaker:
    """A circuit breaker as a source has it."""
    return CircuitBreaker(failures=PATIENCE, rest_seconds=REST_SECONDS)


def _is_newer(one: Title | Detail | PersonProfile, other: Title | Detail | PersonProfile) -> bool:
    return one.provenance.fetched_at >= other.provenance.fetched_at


class FakeSource:
    """Gives the titles it was made with; an exception among them is raised or returned."""

    def __init__(
        self,
        titles: Mapping[TitleId, Title | Exception] | None = None,
        *,
        name: str = "fake",
        batch_size: int = 1,
        chart: Chart | ScraperError | None = None,
        always: Exception | None = None,
        before: Callable[[TitleId], None] = lambda imdb_id: None,
        gives: Collection[DetailName] = (),
    ) -> None:
        self.name = name
        self.gives = gives
        self.details_asked: set[tuple[DetailName, ...]] = set()
        self.batch_size = batch_size
        self.requests: list[tuple[TitleId, ...]] = []
        self._titles = dict(titles or {})
        self._chart = chart
        self._always = always
        self._before = before
        self._lock = threading.Lock()

    def recover(self, titles: Mapping[TitleId, Title | Exception]) -> None:
        """Answer from now on, with these titles."""
        self._always = None
        self._titles = dict(titles)

    def chart(self, name: ChartName) -> Chart:
        if self._always is not None:
            raise self._always
        if isinstance(self._chart, Chart):
            return self._chart
        assert self._chart is not None
        raise self._chart

    def titles(
        self, ids: Sequence[TitleId], details: Collection[DetailName] = ()
    ) -> Sequence[TitleOutcome]:
        with self._lock:
            self.details_asked.add(tuple(details))
            self.requests.append(tuple(ids))
        for imdb_id in ids:
            self._before(imdb_id)
        if self._always is not None:
            raise self._always
        return [self._outcome(imdb_id) for imdb_id in ids]

    def _outcome(self, imdb_id: TitleId) -> TitleOutcome:
        outcome = self._titles.get(imdb_id, TitleNotFound(imdb_id, self.name))
        if isinstance(outcome, Title | ScraperError):
            return outcome  # type: ignore[return-value]  # a test may return any of our errors
        raise outcome


class FakeRepository:
    """Keeps titles in a dict; ``errors`` are raised by the next calls, one each."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.location = f"{name}://"
        self.held: dict[TitleId, Title] = {}
        self.batches: list[tuple[TitleId, ...]] = []
        self.chart: Chart | None = None
        self.begun: list[str] = []
        self.reports: list[RunReport] = []
        self.threads: set[str] = set()
        self.errors: list[Exception] = []
        self.errors_on_reading: list[Exception] = []
        self.refuses: set[TitleId] = set()
        self.opened = 0
        self.closed = 0
        self.before_save: Callable[[], None] = lambda: None
        self.asked: dict[str, tuple[TitleId, ...]] = {}
        self.saved_by: dict[TitleId, str] = {}
        self.records: dict[str, RunRecord] = {}
        self.failures: dict[str, tuple[Failure, ...]] = {}
        self.people: dict[NameId, PersonProfile] = {}
        self.merged: dict[ImdbId, MergedId] = {}

    def opener(self, *open_errors: Exception) -> RepositoryOpener:
        waiting = list(open_errors)

        @contextmanager
        def open_it() -> Iterator["FakeRepository"]:
            self.opened += 1
            if waiting:
                raise waiting.pop(0)
            try:
                yield self
            finally:
                self.closed += 1

        return RepositoryOpener(self.name, open_it)

    def begin_run(
        self, run: Run, chart: Chart | None, asked: Sequence[TitleId] | None = None
    ) -> None:
        self.begun.append(run.run_id)
        self.chart = chart or self.chart
        if asked is not None:
            self.asked[run.run_id] = tuple(asked)
        known = self.asked.get(run.run_id)
        self.records[run.run_id] = RunRecord(run=run, asked=None if known is None else len(known))

    def save(
        self, batch: Sequence[Title], run: Run, when_sent: Callable[[], None] | None = None
    ) -> BatchResult:
        self.threads.add(threading.current_thread().name)
        self.before_save()
        if self.errors:
            raise self.errors.pop(0)
        kept = [
            title for title in batch
            if title.imdb_id not in self.refuses and self._merged(title) is not None
        ]  # fmt: skip
        refused = tuple(
            Failure(imdb_id=t.imdb_id, reason="invalid_title", message="refused by the test")
            for t in batch
            if t.imdb_id in self.refuses
        )
        new = sum(title.imdb_id not in self.held for title in kept)
        self.held.update((title.imdb_id, self._merged(title) or title) for title in kept)
        self.saved_by.update((title.imdb_id, run.run_id) for title in kept)
        self.batches.append(tuple(title.imdb_id for title in batch))
        return BatchResult(
            inserted=new,
            updated=len(kept) - new,
            unchanged=len(batch) - len(kept) - len(refused),
            refused=refused,
        )

    def _merged(self, title: Title) -> Title | None:
        """The newest of what is held of a title and of this; ``None`` when all of this is older."""
        held = self.held.get(title.imdb_id)
        if held is None:
            return title
        newest = {detail.name: detail for detail in held.details}
        newer = [d for d in title.details if d.name not in newest or _is_newer(d, newest[d.name])]
        newest.update((detail.name, detail) for detail in newer)
        if not _is_newer(title, held) and not newer:
            return None
        return replace(title if _is_newer(title, held) else held, details=tuple(newest.values()))

    def finish_run(self, report: RunReport) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.reports.append(report)
        self.failures[report.run.run_id] = report.failures
        self.records[report.run.run_id] = RunRecord(
            run=report.run,
            asked=report.asked,
            finished_at=report.finished_at,
            resumed_at=report.resumed_at,
            outcome=report.outcome,
            already_saved=report.already_saved,
            fetched=report.fetched,
            failed=len(report.failures),
            saved={kept.name: kept.saved for kept in report.repositories},
        )

    def runs(self, limit: int) -> Sequence[RunRecord]:
        newest = sorted(self.records.values(), key=lambda r: r.run.started_at, reverse=True)
        return newest[:limit]

    def run(self, run_id: str) -> RunRecord | None:
        return self.records.get(run_id)

    def asked_in(self, run_id: str) -> Sequence[TitleId] | None:
        return self.asked.get(run_id)

    def chart_of(self, run_id: str) -> Chart | None:
        return self.chart if run_id in self.records else None

    def failures_of(self, run_id: str) -> Sequence[Failure]:
        return self.failures.get(run_id, ())

    def held_since(self, ids: Collection[TitleId], run: Run) -> frozenset[TitleId]:
        kept_as = {i: self.merged[i].new if i in self.merged else i for i in ids}
        return frozenset(
            i for i, kept in kept_as.items() if kept in self.held and (
                self.held[kept].provenance.fetched_at >= run.started_at
                or self.saved_by.get(kept) == run.run_id
            )
            and {d.name for d in self.held[kept].details} >= set(run.details)
        )  # fmt: skip

    def note_merged(self, merged: Sequence[MergedId]) -> None:
        self.merged = with_merged(self.merged, merged)

    def merged_ids(self) -> Sequence[MergedId]:
        return list(self.merged.values())

    def versions(self) -> Iterator[TitleVersion]:
        for title in self.held.values():
            details = tuple((d.name, d.provenance.fetched_at) for d in title.details)
            yield TitleVersion(title.imdb_id, title.provenance.fetched_at, details)

    def titles(self, ids: Collection[TitleId] | None = None) -> Iterator[Title]:
        if self.errors_on_reading:
            raise self.errors_on_reading.pop(0)
        wanted = self.held if ids is None else [i for i in ids if i in self.held]
        yield from [self.held[i] for i in wanted]

    def save_profiles(self, batch: Sequence[PersonProfile], run: Run) -> BatchResult:
        self.before_save()
        if self.errors:
            raise self.errors.pop(0)
        kept = [
            p for p in batch if p.imdb_id not in self.people or _is_newer(p, self.people[p.imdb_id])
        ]
        new = sum(profile.imdb_id not in self.people for profile in kept)
        self.people.update((profile.imdb_id, profile) for profile in kept)
        return BatchResult(inserted=new, updated=len(kept) - new, unchanged=len(batch) - len(kept))

    def profile_versions(self) -> Iterator[tuple[NameId, datetime]]:
        for profile in self.people.values():
            yield profile.imdb_id, profile.provenance.fetched_at

    def profiles(self, ids: Collection[NameId] | None = None) -> Iterator[PersonProfile]:
        wanted = self.people if ids is None else [i for i in ids if i in self.people]
        yield from [self.people[i] for i in wanted]

    def counts(self) -> StoreCounts:
        people = {p.imdb_id for title in self.held.values() for p in title.people}
        credits_ = sum(len(title.credits) for title in self.held.values())
        return StoreCounts(titles=len(self.held), people=len(people), credits=credits_)


class RecordingObserver:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.titles: list[TitleId] = []
        self.failures: list[Failure] = []
        self.results: list[tuple[str, BatchResult]] = []
        self.asked: int | None = None

    def started(self, run: Run, asked: int | None) -> None:
        self.asked = asked

    def fetched(self, title: Title, seconds: float) -> None:
        self.titles.append(title.imdb_id)

    def failed(self, failure: Failure) -> None:
        self.failures.append(failure)

    def saved(self, repository: str, result: BatchResult) -> None:
        self.results.append((repository, result))

    def notice(self, message: str) -> None:
        self.notices.append(message)
