"""The composition root: the one place that builds everything from the settings and closes it."""

import logging
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

import msgspec

from application.composite_save import CompositeSave
from application.detail_fetcher import FetchLoad
from application.import_datasets import ImportDatasets
from application.ports import (
    Catalogue,
    CircuitBreaker,
    DatasetFiles,
    DatasetProgress,
    HistoryReader,
    PersonSource,
    RefreshCandidates,
    RepositoryOpener,
    RunObserver,
    Spill,
    TitleRepository,
    TitleSelector,
    TitleSource,
    TitleWriter,
)
from application.repair import Progress, Repair
from application.resume_run import ResumeRun
from application.retry_failures import RetryFailures
from application.run_history import RunHistory, merged, read_history
from application.scrape_chart import ScrapeChart
from application.scrape_people import ScrapePeople
from application.scrape_titles import ScrapeTitles, utc_now
from application.search_titles import SearchTitles
from application.source_chain import PATIENCE, REST_SECONDS, PersonChain, SourceChain
from domain.chart import Chart, ChartName
from domain.details import DetailName
from domain.errors import (
    CacheUnavailable,
    DatasetsUnusable,
    ExportFailed,
    InvalidConfiguration,
    NoHistory,
    NoTitles,
    RepositoryUnavailable,
)
from domain.identifiers import ListId, TitleId
from domain.job import JobName
from domain.run import PEOPLE, DetailFailure, Run, RunRecord, RunReport, StoreCounts
from domain.search import Thing
from shared.config import RepositoryName, Settings, load_settings
from shared.log_context import run_log

if TYPE_CHECKING:
    import uvicorn
    from celery import Celery
    from fastapi import FastAPI
    from psycopg2.extensions import cursor

    from application.close_run import CloseRun
    from application.distribute_run import DistributeRun
    from application.do_job import DoJob, JobHousekeeping, Perform
    from application.imdb import Imdb
    from application.list_titles import ListTitles
    from application.ports import BatchLedger, BatchQueue, TitleDiscovery, TitleLists
    from application.retry_failures import FailedRun
    from application.run_control import Order, PerformRun, RunBoard, RunControl
    from application.title_fields import TitleField
    from application.title_statistics import TitleStatistics
    from application.work_batches import Housekeeping, Tools, WorkBatch
    from domain.batch import BatchClaim, RunBatches, Stage
    from domain.discovery import TitleFilter
    from infrastructure.http.cache import HttpCache
    from infrastructure.http.cache_storage import Storage
    from infrastructure.http.client import HttpClient
    from infrastructure.http.routes import Route, RoutePool
    from infrastructure.http.routes.check import RouteCheck
    from infrastructure.http.routes.tor import TorCircuits
    from infrastructure.http.shared_limits import SharedLimits
    from infrastructure.monitoring import Metrics
    from infrastructure.repositories.csv import CsvRepository
    from infrastructure.repositories.postgres import PostgresRepository
    from infrastructure.repositories.postgres.datasets.titles import DatasetTitles
    from infrastructure.repositories.postgres.jobs import PostgresJobs
    from infrastructure.repositories.postgres.ledger import PostgresLedger
    from infrastructure.scrapers.imdb_graphql import Endpoint
    from infrastructure.scrapers.imdb_html import TitleReader
    from infrastructure.scrapers.saved_pages import SavedPagesSource
    from infrastructure.web.answer_cache import KeepsAnswers
    from infrastructure.workers.timetable import Timetable

logger = logging.getLogger(__name__)


OF_CHARTS = frozenset({"chart", "demo"})
"""The commands whose runs are about a chart."""

FETCHING_AT_ONCE = OF_CHARTS | {"titles", "discover", "list", "refresh"}
"""The commands whose runs need no look at what is kept before they fetch."""


ExportFormat = Literal["csv", "jsonl", "parquet", "xlsx", "sqlite"]
"""The formats in which titles can be written."""

TEXT_FORMATS = frozenset({"csv", "jsonl"})
"""The formats that a stream can take."""


class Selection(TitleSelector, Protocol):
    """A repository to choose titles from, which can count them."""

    @property
    def name(self) -> str:
        """Its name in settings and messages."""

    def counts(self) -> StoreCounts:
        """Count the titles that are held."""


@dataclass(frozen=True, slots=True)
class App:
    """The use cases, wired and open, and the run that they are for."""

    scrape_chart: ScrapeChart
    scrape_titles: ScrapeTitles
    resume_run: ResumeRun
    retry_failures: RetryFailures
    history: RunHistory


def new_run(settings: Settings, command: str) -> Run:
    """A run that begins now; its id sorts by time and is unique.

    Raises `InvalidConfiguration` when it is about people and no chosen source gives any.
    """
    started_at = utc_now()
    return Run(
        run_id=f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}",
        command=command,
        chart=ChartName(settings.chart) if command in OF_CHARTS else None,
        sources=person_sources(settings) if command == PEOPLE else settings.sources,
        started_at=started_at,
        details=() if command == PEOPLE else chosen_details(settings),
    )


def chosen_details(settings: Settings) -> tuple[DetailName, ...]:
    """The details that ``DETAILS`` asks for."""
    if "all" in settings.details:
        return tuple(DetailName)
    return tuple(map(DetailName, settings.details))


@contextmanager
def open_app(
    settings: Settings,
    observer: RunObserver,
    stop: threading.Event,
    *,
    fetches_at_once: bool,
    metrics: "Metrics | None" = None,
) -> Iterator[App]:
    """Wire the use cases; on leaving, wait for the repositories and close what was opened.

    Repositories open in their lanes, while the chart is being read. ``stop`` ends a run early. When
    the use case ``fetches_at_once``, its first source begins already while the rest is made.
    ``metrics`` count what happens, when there are any.
    """
    observer = _counting(observer, metrics)
    load = FetchLoad(settings.max_threads)
    with run_log(), ExitStack() as stack:

        def tell(notice: str) -> None:
            chain.tell(notice)  # a source has nothing to say before the chain asks it

        def note(failure: DetailFailure) -> None:
            chain.note_detail_failure(failure)

        opened = (
            open_source(
                name, settings, stop, tell, note,
                read_ahead=fetches_at_once and number == 0, metrics=metrics,
            )
            for number, name in enumerate(settings.sources)
        )  # fmt: skip
        sources = [stack.enter_context(source) for source in opened]
        chain = SourceChain(sources, observer.notice, new_circuit)
        save = stack.enter_context(_composite_save(settings, observer, stop))
        _watch(metrics, load, save, chain)
        titles = ScrapeTitles(
            chain, save, observer, max_threads=settings.max_threads, stop=stop, load=load
        )
        chart = ScrapeChart(chain, save, observer, titles)
        resume = ResumeRun(
            save, chart, titles,
            sources=settings.sources, details=chosen_details(settings), gives=chain.gives,
        )  # fmt: skip
        yield App(chart, titles, resume, RetryFailures(save, titles), RunHistory(save))


@contextmanager
def open_run_control(
    settings: Settings,
    *,
    reported: "Callable[[], FailedRun | None]" = lambda: None,
    when_ended: Callable[[RunReport], object] = lambda report: None,
    metrics: "Metrics | None" = None,
    board: "RunBoard | None" = None,
) -> "Iterator[RunControl]":
    """Wire the control of runs in this process; leaving it cancels the run at work and waits.

    Each run is built anew, as one of the command line is, with ``settings`` but for what its order
    says. ``reported`` reads the run of the report file, ``when_ended`` takes each report,
    ``metrics`` count what happens. Processes with one ``board`` know of each other's runs.
    """
    from application.run_control import RunControl

    def ended(report: RunReport) -> None:
        if metrics is not None:
            metrics.finished(report)
        when_ended(report)

    control = RunControl(
        _performer(settings, reported, metrics),
        partial(find_run, settings),
        when_ended=ended,
        steer=partial(_steer, settings),
        batches=partial(_batches_of, settings),
        hand_over=partial(_hand_over, settings, reported),
        hands_over=settings.api_runs == "workers",
        board=board,
    )
    try:
        yield control
    finally:
        control.close()


def _steer(settings: Settings, run_id: str, stage: "Stage") -> "Stage | None":
    if "postgres" not in settings.repositories:
        return None
    with open_ledger(settings) as ledger:
        return ledger.set_stage(run_id, stage)


def _hand_over(
    settings: Settings, reported: "Callable[[], FailedRun | None]", order: "Order"
) -> str:
    """Hand a run to workers; fulfils `HandOver`."""
    from application.run_control import ResumeOrder, RetryOrder, TitlesOrder

    chosen, command = _for_order(settings, order)
    run = new_run(chosen, command)
    with open_ledger(chosen) as ledger:
        if isinstance(order, ResumeOrder):
            return distribute_rest(chosen, ledger, order.run_id).run_id
        if isinstance(order, RetryOrder):
            return distribute_failures(
                chosen, ledger, run,
                of=order.of, with_not_found=order.with_not_found, reported=reported(),
            ).run_id  # fmt: skip
        distribute(chosen, ledger, run, order.ids if isinstance(order, TitlesOrder) else None)
    return run.run_id


def _batches_of(settings: Settings, run_id: str) -> "RunBatches | None":
    """The batches of a run that workers do; of others, and while it cannot be asked, ``None``."""
    openers = repositories_with_data(settings)
    if not any(opener.name == "postgres" for opener in openers):
        return None
    try:
        with open_ledger(settings) as ledger:
            return ledger.progress(run_id)
    except RepositoryUnavailable as error:
        logger.warning("the batches of run %s cannot be looked at: %s", run_id, error)
        return None


def _performer(
    settings: Settings, reported: "Callable[[], FailedRun | None]", metrics: "Metrics | None"
) -> "PerformRun":
    from application.run_control import ChartOrder, ResumeOrder, RetryOrder

    def perform(
        order: "Order",
        observer: RunObserver,
        stop: threading.Event,
        begun: Callable[[Run], None],
    ) -> RunReport:
        chosen, command = _for_order(settings, order)
        at_once = command in FETCHING_AT_ONCE
        with open_app(chosen, observer, stop, fetches_at_once=at_once, metrics=metrics) as app:
            run = new_run(chosen, command)
            if isinstance(order, ResumeOrder):
                return app.resume_run.execute(order.run_id, chosen.limit, begun)
            if isinstance(order, RetryOrder):
                return app.retry_failures.execute(
                    run,
                    of=order.of,
                    with_not_found=order.with_not_found,
                    reported=reported(),
                    begun=begun,
                )
            begun(run)
            if isinstance(order, ChartOrder):
                return app.scrape_chart.execute(order.chart, order.limit, run)
            return app.scrape_titles.execute(order.ids, run)

    return perform


def _for_order(settings: Settings, order: "Order") -> tuple[Settings, str]:
    """The settings with what an order says, and the command that does the same."""
    from application.run_control import ChartOrder, ResumeOrder, RetryOrder

    if isinstance(order, ResumeOrder):
        return settings, "resume"
    if isinstance(order, RetryOrder):
        return settings, "retry"
    if order.details is not None:
        details = tuple(name.value for name in order.details)
        settings = msgspec.structs.replace(settings, details=details)
    if not isinstance(order, ChartOrder):
        return settings, "titles"
    chart = order.chart.value
    return msgspec.structs.replace(settings, chart=chart, limit=order.limit), "chart"


@contextmanager
def open_ledger(settings: Settings) -> "Iterator[PostgresLedger]":
    """Open the ledger of distributed runs; an embedded database runs until this is left.

    Raises `InvalidConfiguration` when the settings do without PostgreSQL; `RepositoryUnavailable`.
    """
    _check_for_workers(settings)
    from infrastructure.repositories.postgres.ledger import open_postgres_ledger

    revive = None if settings.database_url else partial(_revive_embedded, settings)
    with (
        database_url(settings) as url,
        open_postgres_ledger(
            url,
            lease_seconds=settings.batch_lease_seconds,
            most_attempts=settings.batch_attempts,
            wait_seconds=settings.batch_wait_hours * 3600,
            revive=revive,
        ) as ledger,
    ):
        yield ledger


def _check_for_workers(settings: Settings) -> None:
    if "postgres" not in settings.repositories:
        chosen = ",".join(settings.repositories)
        problem = (
            f"REPOSITORIES: workers save in PostgreSQL, and {chosen} does without: add postgres"
        )
        raise InvalidConfiguration([problem])


def distribute(
    settings: Settings,
    ledger: "BatchLedger",
    run: Run,
    ids: "Sequence[TitleId] | None",
    guard: "Callable[[cursor], None] | None" = None,
) -> None:
    """Hand a run to workers: of these titles, or of the chart of the settings.

    ``guard`` as for a repository. Raises what reading the chart does, and
    `RepositoryUnavailable`: then it has not begun.
    """
    chart = None if ids is not None else _read_chart(settings)
    if chart is not None:
        ids = [entry.title_id for entry in chart.first(settings.limit).entries]
    with _distribution(settings, ledger, guard) as distribution:
        distribution.execute(ids or (), run, chart)


def distribute_failures(
    settings: Settings,
    ledger: "BatchLedger",
    run: Run,
    *,
    of: str | None,
    with_not_found: bool,
    reported: "FailedRun | None",
) -> Run:
    """Hand what failed in an earlier run to workers, as a run of its own; raises as `RetryPlan`."""
    from application.retry_failures import RetryPlan
    from application.run_progress import RunTracker

    with _composite_save(settings, RunTracker(), threading.Event()) as save:
        planned, ids = RetryPlan(save).make(
            run, of=of, with_not_found=with_not_found, reported=reported
        )
    distribute(settings, ledger, planned, ids)
    return planned


def distribute_rest(settings: Settings, ledger: "BatchLedger", run_id: str | None) -> Run:
    """Hand what is left of a run that was stopped to workers; gives the run.

    Raises as `ResumePlan`, and what reading the chart does, when that had not been read.
    """
    from application.resume_run import ResumePlan
    from application.run_progress import RunTracker

    with _composite_save(settings, RunTracker(), threading.Event()) as save:
        plan = ResumePlan(save, sources=settings.sources, details=chosen_details(settings))
        run, asked = plan.make(run_id)
    with _open_chain(settings) as chain:
        gives = chain.gives
        if asked is None:
            chart = chain.chart(ChartName(run.chart or settings.chart))
            asked = tuple(entry.title_id for entry in chart.first(settings.limit).entries)
            with _open_postgres(settings) as repository:
                repository.begin_run(run, chart, asked)
    with _distribution(settings, ledger) as distribution:
        distribution.resume(asked, run, gives=gives, resumed_at=utc_now())
    return run


@contextmanager
def _distribution(
    settings: Settings, ledger: "BatchLedger", guard: "Callable[[cursor], None] | None" = None
) -> "Iterator[DistributeRun]":
    from application.distribute_run import DistributeRun

    with _open_postgres(settings, guard) as repository:
        queue = _batch_queue(settings) if settings.redis_url else None
        yield DistributeRun(repository, ledger, queue, batch_titles=settings.batch_titles)


def _read_chart(settings: Settings) -> Chart:
    with _open_chain(settings) as chain:
        return chain.chart(ChartName(settings.chart))


@contextmanager
def _open_chain(settings: Settings) -> Iterator[SourceChain]:
    stop = threading.Event()
    with ExitStack() as stack:
        sources = [
            stack.enter_context(open_source(name, settings, stop, logger.warning))
            for name in settings.sources
        ]
        yield SourceChain(sources, logger.warning, new_circuit)


def _celery_app(settings: Settings) -> "Celery":
    from infrastructure.workers import celery_app

    return celery_app(
        settings.redis_url.reveal(),
        time_limit_seconds=settings.batch_time_limit_seconds,
        request_seconds=settings.request_timeout_seconds,
    )


def _batch_queue(settings: Settings, app: "Celery | None" = None) -> "BatchQueue":
    from infrastructure.workers import CeleryQueue

    return CeleryQueue(app or _celery_app(settings), settings.redis_url.location)


def embedded_redis(settings: Settings) -> AbstractContextManager[str]:
    """Start a Redis in ``OUTPUT_DIR``, or use the one there; gives its URL."""
    from infrastructure.workers.embedded import embedded_redis as start

    return start(settings.output_dir / "redis")


def work(settings: Settings, when_closed: Callable[[RunReport], object]) -> int:
    """Do batches of distributed runs until a signal ends it; give the exit status.

    ``when_closed`` is told the account of each run that is closed here. Raises
    `QueueUnavailable` when Redis does not answer, `RepositoryUnavailable` when the database that
    ``DATABASE_URL`` names does not, and `InvalidConfiguration`.
    """
    from infrastructure.workers import check_broker
    from infrastructure.workers.worker import run_worker

    _check_for_workers(settings)
    check_broker(settings.redis_url.reveal(), settings.redis_url.location)
    if settings.database_url:
        with open_ledger(settings):
            pass  # closed again before there are other processes, which open their own
    app = _celery_app(settings)
    worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    pause_seconds = min(5.0, settings.batch_lease_seconds / 12)
    return run_worker(
        app,
        partial(_open_work, settings, worker, _batch_queue(settings, app), when_closed),
        pause_seconds=pause_seconds,
    )


@contextmanager
def open_jobs(settings: Settings) -> "Iterator[PostgresJobs]":
    """Open the ledger of the schedule's jobs; as `open_ledger`."""
    _check_for_workers(settings)
    from infrastructure.repositories.postgres.jobs import open_postgres_jobs

    revive = None if settings.database_url else partial(_revive_embedded, settings)
    with (
        database_url(settings) as url,
        open_postgres_jobs(
            url,
            lease_seconds=settings.batch_lease_seconds,
            most_attempts=settings.batch_attempts,
            revive=revive,
        ) as jobs,
    ):
        yield jobs


def timetable(settings: Settings) -> "Timetable":
    """The times of the jobs that are not off. Raises `InvalidConfiguration`."""
    from infrastructure.workers.timetable import TimesNeverCome, Timetable

    times = {
        JobName.CHARTS: settings.schedule_charts,
        JobName.DATASETS: settings.schedule_datasets,
        JobName.PEOPLE: settings.schedule_people,
        JobName.REFRESH: settings.schedule_refresh,
    }
    wanted = {job.value: str(when) for job, when in times.items() if not when.is_off}
    try:
        return Timetable(wanted, settings.schedule_timezone)
    except TimesNeverCome as error:
        name = f"SCHEDULE_{error.job}".upper()
        raise InvalidConfiguration([f"{name}={error.expression}: {error}"]) from error


def keep_schedule(settings: Settings, times: "Timetable") -> None:
    """Tell workers when jobs are due, until a signal raises `KeyboardInterrupt`.

    Raises `QueueUnavailable` when Redis does not answer.
    """
    from infrastructure.workers import check_broker
    from infrastructure.workers.beat import run_beat

    check_broker(settings.redis_url.reveal(), settings.redis_url.location)
    run_beat(_jobs_app(settings), times, again_seconds=settings.batch_lease_seconds)


def send_job(settings: Settings, job: JobName) -> None:
    """Have a worker look at a job. Raises `QueueUnavailable`."""
    from infrastructure.workers import CeleryJobQueue

    CeleryJobQueue(_jobs_app(settings), settings.redis_url.location).send(job)


def is_working(settings: Settings, *, is_beat: bool) -> bool:
    """Ask a worker of this machine, or the schedule's clock, whether it works.

    Raises `QueueUnavailable` when Redis does not answer.
    """
    from infrastructure.workers import answers, check_broker

    check_broker(settings.redis_url.reveal(), settings.redis_url.location)
    return answers(_celery_app(settings), settings.redis_url.location, is_beat=is_beat)


def _jobs_app(settings: Settings) -> "Celery":
    from infrastructure.workers import celery_app
    from infrastructure.workers.app import JOB_QUEUE

    return celery_app(
        settings.redis_url.reveal(),
        time_limit_seconds=settings.job_time_limit_seconds,
        request_seconds=settings.request_timeout_seconds,
        queue=JOB_QUEUE,
        time_zone=settings.schedule_timezone,
    )


def work_on_jobs(settings: Settings, performer: "Callable[[PostgresJobs], Perform]") -> int:
    """Do jobs of the schedule until a signal ends it; give the exit status.

    ``performer`` makes what does them. Raises as `work`.
    """
    from infrastructure.workers import check_broker
    from infrastructure.workers.app import JOB_TASK
    from infrastructure.workers.worker import SharedFlag, run_worker

    _check_for_workers(settings)
    check_broker(settings.redis_url.reveal(), settings.redis_url.location)
    if settings.database_url:
        with open_jobs(settings):
            pass  # as in `work`
    ending = SharedFlag()
    app = _jobs_app(settings)
    return run_worker(
        app,
        partial(_open_job_work, settings, app, performer, ending.is_set),
        pause_seconds=min(5.0, settings.batch_lease_seconds / 12),
        task=JOB_TASK,
        processes=len(JobName),  # so that no job waits for another one
        ending=ending,
    )


class _JobWork:
    """Fulfils `infrastructure.workers.worker.Work`."""

    def __init__(self, jobs: "DoJob", house: "JobHousekeeping") -> None:
        self._jobs = jobs
        self.end_soon = jobs.end_soon
        self.keep_house = house.execute

    def execute(self, job: str, slot: str | None = None, is_time: bool = False) -> None:
        """Do a job, which is due since ``slot`` (ISO 8601), if it is to be done now."""
        since = None if slot is None else datetime.fromisoformat(slot)
        self._jobs.execute(JobName(job), since, is_time=is_time)


@contextmanager
def _open_job_work(
    settings: Settings,
    app: "Celery",
    performer: "Callable[[PostgresJobs], Perform]",
    is_ending: Callable[[], bool],
) -> Iterator[_JobWork]:
    from application.do_job import DoJob, JobHousekeeping
    from infrastructure.workers import CeleryJobQueue

    with open_jobs(settings) as ledger:
        jobs = DoJob(
            ledger,
            performer(ledger),
            holder=f"{socket.gethostname()}-{os.getpid()}",
            lease_seconds=settings.batch_lease_seconds,
            is_ending=is_ending,
        )
        queue = CeleryJobQueue(app, settings.redis_url.location)
        yield _JobWork(jobs, JobHousekeeping(ledger, queue))


class _Work:
    """Fulfils `infrastructure.workers.worker.Work`."""

    def __init__(self, batches: "WorkBatch", house: "Housekeeping", close: "CloseRun") -> None:
        self._batches = batches
        self._house = house
        self._close = close
        self.end_soon = batches.end_soon
        self.keep_house = house.execute

    def execute(self, batch_id: int) -> None:
        """Do a batch, and close its run when it was the last one."""
        if run_id := self._batches.execute(batch_id):
            self._close.execute(run_id)


@contextmanager
def _open_work(
    settings: Settings,
    worker: str,
    queue: "BatchQueue",
    when_closed: Callable[[RunReport], object],
) -> Iterator[_Work]:
    from application.close_run import CloseRun
    from application.run_progress import RunTracker
    from application.work_batches import Housekeeping, WorkBatch

    lease = settings.batch_lease_seconds
    with open_ledger(settings) as ledger, closing(_KeptSources(settings, ledger)) as sources:
        close = CloseRun(
            ledger,
            lambda stop: _composite_save(settings, RunTracker(), stop),
            lease_seconds=lease,
            when_closed=when_closed,
        )
        batches = WorkBatch(ledger, sources.tools, worker=worker, lease_seconds=lease)
        yield _Work(batches, Housekeeping(ledger, queue, close.execute), close)


class _KeptSources:
    """The sources of a worker, open from batch to batch: their rates and connections go on.

    Used by one thread at a time; ``stop`` is the same event for all batches.
    """

    def __init__(self, settings: Settings, ledger: "PostgresLedger") -> None:
        self._settings = msgspec.structs.replace(settings, repositories=("postgres",))
        self._ledger = ledger
        self._stack = ExitStack()
        self._names: tuple[str, ...] = ()
        self._sources: list[TitleSource] = []
        self._limits = _shared_limits(settings, "workers")
        self._circuits: dict[str, CircuitBreaker] = {}
        self._chain: SourceChain | None = None

    @contextmanager
    def tools(
        self, claim: "BatchClaim", observer: RunObserver, stop: threading.Event
    ) -> "Iterator[Tools]":
        """What a batch is done with; its run says what sources there are."""
        from application.work_batches import Tools

        if self._names != claim.run.sources:
            self._close_sources()
            self._names = claim.run.sources
            self._sources = [
                self._stack.enter_context(
                    open_source(name, self._settings, stop, self._tell, self._note, team="workers")
                )
                for name in claim.run.sources
            ]
        circuits = {name: self._circuit(name) for name in claim.run.sources if name in _HOST_OF}
        self._chain = SourceChain(self._sources, observer.notice, new_circuit, circuits)
        guard = self._ledger.guard(claim)
        opener = RepositoryOpener("postgres", partial(_open_postgres, self._settings, guard))
        with _composite_save(self._settings, observer, stop, [opener]) as save:
            # While it is tried whether a source answers again, one title at a time.
            threads = 1 if claim.is_trial else self._settings.max_threads
            titles = ScrapeTitles(self._chain, save, observer, max_threads=threads, stop=stop)
            chain = self._chain
            yield Tools(save, titles, lambda: chain.rest_seconds)

    def close(self) -> None:
        """Close the sources, and the connections to Redis."""
        self._close_sources()
        if self._limits is not None:
            self._limits.close()

    def _close_sources(self) -> None:
        self._stack.close()

    def _circuit(self, name: str) -> CircuitBreaker:
        """The circuit of a source: of all workers when there is a Redis, else from batch to batch.

        While Redis is away each goes on with what it has seen last.
        """
        if name not in self._circuits:
            self._circuits[name] = _circuit_of_source(self._settings, name, self._limits)
        return self._circuits[name]

    def _tell(self, notice: str) -> None:
        if self._chain is not None:
            self._chain.tell(notice)

    def _note(self, failure: DetailFailure) -> None:
        if self._chain is not None:
            self._chain.note_detail_failure(failure)


def find_run(settings: Settings, run_id: str) -> RunRecord | None:
    """Ask the chosen repositories for a run, at work in any process or over; ``None``: unknown.

    Where nothing is yet, nothing is made. Raises `RepositoryUnavailable` when none can be asked.
    """
    found: list[list[RunRecord]] = []
    unavailable: list[RepositoryUnavailable] = []
    openers = repositories_with_data(settings)
    for opener in openers:
        try:
            record = _record_in(opener, settings, run_id)
        except RepositoryUnavailable as error:
            logger.warning("%s", error)
            unavailable.append(error)
        else:
            found.append([] if record is None else [record])
    if unavailable and len(unavailable) == len(openers):
        raise unavailable[0]
    return next(iter(merged(found)), None)


def _record_in(opener: RepositoryOpener, settings: Settings, run_id: str) -> RunRecord | None:
    if opener.name == "csv":
        from infrastructure.repositories.csv import run_of

        return run_of(settings.output_dir, run_id)  # without the index of all titles
    with opener.open() as repository:
        return repository.run(run_id)


@contextmanager
def open_people(
    settings: Settings,
    observer: RunObserver,
    stop: threading.Event,
    metrics: "Metrics | None" = None,
    guard: "Callable[[cursor], None] | None" = None,
) -> Iterator[ScrapePeople]:
    """Wire the use case for people; as `open_app`. ``guard`` is for the database."""
    observer = _counting(observer, metrics)
    load = FetchLoad(settings.max_threads)
    with run_log(), ExitStack() as stack:

        def tell(notice: str) -> None:
            chain.tell(notice)  # a source has nothing to say before the chain asks it

        sources = [
            stack.enter_context(
                _open_person_source(
                    name, settings, stop, tell, read_ahead=number == 0, metrics=metrics
                )
            )
            for number, name in enumerate(person_sources(settings))
        ]
        chain = PersonChain(sources, observer.notice, new_circuit)
        save = stack.enter_context(
            _composite_save(settings, observer, stop, repository_openers(settings, guard))
        )
        _watch(metrics, load, save, chain)
        yield ScrapePeople(
            chain, save, observer, max_threads=settings.max_threads, stop=stop, load=load
        )


@contextmanager
def open_metrics(settings: Settings) -> "Iterator[Metrics | None]":
    """Give the metrics of this process: at ``METRICS_PORT``, and sent to ``METRICS_PUSH_URL``.

    ``None`` when the settings want neither: then nothing is counted, nor is the library loaded.
    """
    if not settings.metrics_port and not settings.metrics_push_url:
        yield None
        return
    from infrastructure.monitoring import pushed, served

    with ExitStack() as stack:
        metrics = stack.enter_context(new_metrics(settings))
        if url := settings.metrics_push_url.reveal():
            stack.enter_context(pushed(metrics, url))
        if settings.metrics_port:
            host, port = settings.metrics_host, settings.metrics_port
            stack.enter_context(served(metrics, host, port))
        yield metrics


@contextmanager
def new_metrics(settings: Settings) -> "Iterator[Metrics]":
    """Make the metrics of a process that answers for them itself, such as the API.

    Stages are measured until this is left.
    """
    from infrastructure.monitoring import Metrics
    from shared.stages import watched_stages

    with watched_stages() as stages:
        yield Metrics(settings.output_dir, stages)


def _counting(observer: RunObserver, metrics: "Metrics | None") -> RunObserver:
    if metrics is None:
        return observer
    from infrastructure.monitoring import MetricsObserver

    return MetricsObserver(metrics, observer)


def _watch(
    metrics: "Metrics | None",
    load: FetchLoad,
    save: CompositeSave,
    chain: SourceChain | PersonChain,
) -> None:
    if metrics is not None:
        metrics.watch_run(load, save, chain)


@contextmanager
def open_imdb(
    settings: Settings | None = None, tell: Callable[[str], None] = logger.warning
) -> "Iterator[Imdb]":
    """Wire the facade for use from Python; nothing is saved, and no repository is touched.

    ``settings`` are those of the environment and of ``.env`` unless given. ``tell`` takes a line
    whenever a source is given up, answers again, or has something to say. Leaving it waits for
    what is in flight. Raises `InvalidSettings`.
    """
    from application.imdb import Imdb

    chosen = load_settings() if settings is None else settings
    stop = threading.Event()
    with ExitStack() as stack:
        searches = stack.enter_context(open_search(chosen, tell))

        def note(failure: DetailFailure) -> None:
            tell(f"{failure.imdb_id} comes without {failure.detail}: {failure.message}")

        sources = [
            stack.enter_context(open_source(name, chosen, stop, tell, note))
            for name in chosen.sources
        ]
        people = [
            stack.enter_context(_open_person_source(name, chosen, stop, tell, read_ahead=False))
            for name in chosen.sources
            if name in _PERSON_SOURCES
        ]
        stack.callback(stop.set)
        yield Imdb(
            SourceChain(sources, tell, new_circuit),
            PersonChain(people, tell, new_circuit) if people else None,
            searches,
            max_threads=chosen.max_threads,
        )


def _composite_save(
    settings: Settings,
    observer: RunObserver,
    stop: threading.Event,
    openers: Sequence[RepositoryOpener] | None = None,
) -> CompositeSave:
    return CompositeSave(
        repository_openers(settings) if openers is None else openers,
        observer,
        spills=_spills(settings),
        wait_seconds=settings.repository_wait_seconds,
        stop=stop,
    )


@contextmanager
def open_repair(
    settings: Settings, observer: RunObserver, stop: threading.Event, tell: Progress
) -> Iterator[Repair]:
    """Wire the comparison of all chosen repositories, which ``tell`` is told the progress of.

    ``stop`` ends it early, also while a repository that has gone away is waited for.
    """
    with (
        run_log(),
        CompositeSave(
            repository_openers(settings),
            observer,
            wait_seconds=settings.repository_wait_seconds,
            stop=stop,
        ) as save,
    ):
        yield Repair(save, stop, tell)


def new_circuit() -> CircuitBreaker:
    """A circuit breaker for a source."""
    from infrastructure.http.circuit_breaker import CircuitBreaker as Circuit

    return Circuit(failures=PATIENCE, rest_seconds=REST_SECONDS)


_HOST_OF: "dict[str, Callable[[Settings], str]]" = {
    "html": lambda settings: settings.base_url,
    "graphql": lambda settings: settings.graphql_url,
}
"""The sources that may refuse us, and where they are."""


def _circuit_of_source(
    settings: Settings, name: str, limits: "SharedLimits | None"
) -> CircuitBreaker:
    if limits is None:
        return new_circuit()
    from infrastructure.http.circuit_breaker import CircuitBreaker as Circuit

    return Circuit(
        failures=PATIENCE,
        rest_seconds=REST_SECONDS,
        clock=limits.clock,
        held=limits.source_circuit(f"{name}:{_HOST_OF[name](settings)}"),
    )


def repository_openers(
    settings: Settings, guard: "Callable[[cursor], None] | None" = None
) -> list[RepositoryOpener]:
    """The chosen repositories, not yet open: what is not chosen is never touched.

    ``guard`` is called in the transactions of the database that save.
    """
    openers: dict[str, Callable[[Settings], AbstractContextManager[TitleRepository]]]
    openers = {"csv": _open_csv, "postgres": partial(_open_postgres, guard=guard)}
    return [
        RepositoryOpener(name, partial(openers[name], settings)) for name in settings.repositories
    ]


def _spills(settings: Settings) -> Callable[[str], Spill]:
    """Give what makes a spill for a repository; first remove what killed runs have left."""
    from infrastructure.repositories.spill_file import SpillFile, remove_leftovers

    try:
        elsewhere = [Path(tempfile.gettempdir())]
    except FileNotFoundError:  # no folder for temporary files can be written
        elsewhere = []
    # Where only databases were asked for, no file is written beside them.
    ours = [] if settings.repositories == ("postgres",) else [settings.output_dir]
    remove_leftovers([*elsewhere, *ours])

    def spill(repository: str) -> Spill:
        # When CSV files cannot be written, it is mostly the disk of OUTPUT_DIR that is full.
        folders = [*elsewhere, *ours] if repository == "csv" else [*ours, *elsewhere]
        return SpillFile(repository, folders)

    return spill


def repositories_with_data(settings: Settings) -> list[RepositoryOpener]:
    """The chosen repositories that are there: to look into them makes none.

    A database that ``DATABASE_URL`` names counts as being there.
    """
    is_there = {
        "csv": _may_exist(settings.output_dir / "titles.csv"),
        "postgres": bool(settings.database_url) or has_embedded_database(settings),
    }
    return [opener for opener in repository_openers(settings) if is_there[opener.name]]


def has_embedded_database(settings: Settings) -> bool:
    """Whether there is an embedded database in ``OUTPUT_DIR``, or one cannot see whether."""
    return _may_exist(embedded_database_dir(settings))


def _may_exist(path: Path) -> bool:
    """Whether there is such a file or folder; one that may not be looked at says so when opened."""
    try:
        return path.exists()
    except OSError:
        return True


def check_output_dir(settings: Settings) -> None:
    """Write a little into ``OUTPUT_DIR``, and remove it again.

    Raises `RepositoryUnavailable` when the folder takes no files or has no room for one.
    """
    from infrastructure.repositories.csv import check_folder

    check_folder(settings.output_dir)


@contextmanager
def latest_runs(settings: Settings, limit: int) -> Iterator[list[RunRecord]]:
    """The latest runs, from the repository that is quickest to ask: the CSV files if they are one.

    An embedded database that had to be started for it runs until this is left: for the run that
    follows it is there. Raises `RepositoryUnavailable` when the runs cannot be read.
    """
    if "csv" in settings.repositories:
        from infrastructure.repositories.csv import newest_runs

        yield newest_runs(settings.output_dir, limit)
        return
    openers = repositories_with_data(settings)
    with database_url(settings) if openers else nullcontext():
        records, unavailable = read_history(openers, limit)
        for error in unavailable:
            raise error
        yield records


@contextmanager
def open_history(settings: Settings) -> Iterator[HistoryReader]:
    """Open what is kept of earlier times; an embedded database runs until this is left.

    Raises `NoHistory` when nothing is kept by these settings, or not yet; `RepositoryUnavailable`.
    """
    _refuse_without_history(settings)
    from infrastructure.repositories.postgres.observations import open_postgres_history

    with database_url(settings) as url, open_postgres_history(url) as history:
        yield history


def _refuse_without_history(settings: Settings) -> None:
    if "postgres" not in settings.repositories:
        raise NoHistory(
            "ratings and ranks over time are kept in PostgreSQL, and REPOSITORIES="
            f"{','.join(settings.repositories)} does without: add postgres to REPOSITORIES, and "
            "every run from then on is remembered"
        )
    if not settings.database_url and not has_embedded_database(settings):
        folder = embedded_database_dir(settings)
        raise NoHistory(
            f"there is no database in {folder} yet: run the program first, or see OUTPUT_DIR"
        )


@contextmanager
def open_refresh_candidates(settings: Settings) -> Iterator[RefreshCandidates]:
    """Open what knows the titles that could be fetched again; raises as `open_history`."""
    _refuse_without_history(settings)
    from infrastructure.repositories.postgres.refreshing import open_postgres_candidates

    with database_url(settings) as url, open_postgres_candidates(url) as known:
        yield known


@contextmanager
def open_catalogue(settings: Settings) -> Iterator[Catalogue]:
    """Open what looks through the titles held; an embedded database runs until this is left.

    Raises `InvalidConfiguration` when the settings do without PostgreSQL; `RepositoryUnavailable`.
    """
    _need_postgres(settings, "titles are looked through in PostgreSQL")
    from infrastructure.repositories.postgres.catalogue import open_postgres_catalogue

    revive = None if settings.database_url else partial(_revive_embedded, settings)
    with database_url(settings) as url, open_postgres_catalogue(url, revive=revive) as catalogue:
        yield catalogue


def _need_postgres(settings: Settings, why: str) -> None:
    if "postgres" not in settings.repositories:
        problem = (
            f"REPOSITORIES: {why}, and {','.join(settings.repositories)} does without: add "
            "postgres (then `python main.py repair` copies into it what is saved already)"
        )
        raise InvalidConfiguration([problem])


@contextmanager
def open_selection(settings: Settings, repository: RepositoryName | None) -> Iterator[Selection]:
    """Open a repository to choose titles from: the one named, or the first that has data.

    Nothing is made where nothing is. Raises `NoTitles` when there is no data,
    `RepositoryUnavailable`.
    """
    chosen = (repository,) if repository else settings.repositories
    with_data = repositories_with_data(msgspec.structs.replace(settings, repositories=chosen))
    if not with_data:
        raise NoTitles(
            f"no titles are saved yet ({' or '.join(chosen)}, OUTPUT_DIR={settings.output_dir}): "
            "run the program first, or say where they are"
        )
    openers: dict[str, Callable[[Settings], AbstractContextManager[Selection]]]
    openers = {"csv": _open_csv, "postgres": _open_postgres}
    with openers[with_data[0].name](settings) as selection:
        yield selection


@contextmanager
def open_title_writer(
    settings: Settings,
    file_format: ExportFormat,
    columns: "Sequence[TitleField] | None",
    out: Path | BinaryIO,
) -> Iterator[TitleWriter]:
    """Make what writes titles to a stream, or to a file that is there whole at the end or not.

    A stream takes the formats that are text. Raises `ExportFailed`, among others for a library that
    is not installed.
    """
    from infrastructure.exporters.new_file import new_file

    if not isinstance(out, Path):
        yield _text_writer(settings, file_format, columns, out)
        return
    with new_file(out) as path:
        if file_format in TEXT_FORMATS:
            with path.open("wb") as stream:
                yield _text_writer(settings, file_format, columns, stream)
        else:
            yield _file_writer(file_format, columns, path)


def _text_writer(
    settings: Settings,
    file_format: ExportFormat,
    columns: "Sequence[TitleField] | None",
    stream: BinaryIO,
) -> TitleWriter:
    from application.export_columns import FLAT, WHOLE
    from infrastructure.exporters.text_files import CsvWriter, JsonLinesWriter
    from infrastructure.repositories.csv.formulas import escaped

    if file_format == "jsonl":
        return JsonLinesWriter(stream, columns or WHOLE)
    escapes = settings.csv_escape_formulas == "true"
    return CsvWriter(stream, columns or FLAT, partial(escaped, formulas=True) if escapes else str)


def _file_writer(
    file_format: ExportFormat, columns: "Sequence[TitleField] | None", path: Path
) -> TitleWriter:
    from application.export_columns import NAMES, TYPED

    if file_format == "sqlite":
        from infrastructure.exporters.sqlite_file import SqliteWriter

        return SqliteWriter(path)
    if file_format == "xlsx":
        from infrastructure.exporters.excel_file import ExcelWriter

        return ExcelWriter(path, columns or NAMES)
    try:
        from infrastructure.exporters.parquet_file import ParquetWriter
    except ImportError as error:
        raise ExportFailed(
            "Parquet files are written by the package pyarrow, which is not installed: "
            "pip install -r requirements/parquet.txt, or choose another format"
        ) from error
    return ParquetWriter(path, columns or TYPED)


def write_report(found: "TitleStatistics", out: Path, *, made_at: datetime, origin: str) -> None:
    """Write the report of titles as a page for a browser. Raises `ExportFailed` or `OSError`."""
    from infrastructure.exporters.new_file import new_file
    from infrastructure.report_page import page_of

    with new_file(out) as path:
        path.write_text(page_of(found, made_at=made_at, origin=origin), encoding="utf-8")


@contextmanager
def open_dataset_import(
    settings: Settings, folder: Path | None, progress: DatasetProgress
) -> Iterator[ImportDatasets]:
    """Wire the import of dataset files, from a folder or from where they are published.

    An embedded database runs until this is left. Raises `DatasetsUnusable` without a database,
    `RepositoryUnavailable`.
    """
    if "postgres" not in settings.repositories:
        raise DatasetsUnusable(
            "dataset files are kept in PostgreSQL, and REPOSITORIES="
            f"{','.join(settings.repositories)} does without: add postgres to REPOSITORIES"
        )
    from infrastructure.repositories.postgres.datasets import DatasetTables

    with _dataset_files(settings, folder) as files, database_url(settings) as url:
        yield ImportDatasets(files, DatasetTables(url), progress)


@contextmanager
def _dataset_files(settings: Settings, folder: Path | None) -> Iterator[DatasetFiles]:
    from infrastructure.scrapers.imdb_datasets import DatasetDownloads, DatasetFolder

    if folder is not None:
        yield DatasetFolder(folder)
        return
    with _http_client("datasets", settings, threading.Event(), cache=None) as client:
        yield DatasetDownloads(client, settings.datasets_url, settings.output_dir / "datasets")


def embedded_database_dir(settings: Settings) -> Path:
    """Where the embedded PostgreSQL keeps its data when ``DATABASE_URL`` is empty."""
    return settings.output_dir / "postgres"


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The URL of the database, which for the embedded one is started and stopped here.

    Raises `RepositoryUnavailable` when that cannot be started, or PostgreSQL's library cannot read
    ``DATABASE_URL``.
    """
    if given := settings.database_url.reveal():
        from infrastructure.repositories.postgres.connections import read_url

        read_url(given)
        yield given
        return
    from infrastructure.repositories.postgres.embedded import embedded_postgres

    with embedded_postgres(embedded_database_dir(settings)) as url:
        yield url


@contextmanager
def open_web(
    settings: Settings,
    *,
    reported: "Callable[[], FailedRun | None]" = lambda: None,
    when_ended: Callable[[RunReport], object] = lambda report: None,
) -> "Iterator[FastAPI]":
    """Make the HTTP API, with the database open for as long as it may be asked.

    A run that was started over it is cancelled and waited for at the end; ``reported`` and
    ``when_ended`` are for its runs, as in `open_run_control`.
    An embedded database is made when there is none, and runs until this is left. Raises
    `InvalidConfiguration` without PostgreSQL, `RepositoryUnavailable`.
    """
    _need_postgres(settings, "the server reads PostgreSQL")
    from infrastructure.monitoring import HttpServerMetrics
    from infrastructure.repositories.postgres.figures import open_postgres_figures
    from infrastructure.repositories.postgres.observations import open_postgres_history
    from infrastructure.repositories.postgres.run_board import open_run_board
    from infrastructure.web import Services, create_app

    with (
        new_metrics(settings) as metrics,
        open_catalogue(settings) as catalogue,
        _open_postgres(settings) as repository,
        database_url(settings) as url,
        open_postgres_history(url, pool_size=_WEB_CONNECTIONS) as history,
        open_postgres_figures(url) as figures,
        open_run_board(url) as board,
        open_run_control(
            settings, reported=reported, when_ended=when_ended, metrics=metrics, board=board
        ) as runs,
        _keeping_answers(settings, url, metrics) as keeps_answers,
    ):
        app = create_app(
            settings,
            Services(
                catalogue=catalogue,
                repository=repository,
                selector=repository,
                text_writer=partial(_text_writer, settings),
                history=history,
                figures=figures,
                runs=runs,
                check_ready=partial(repository.runs, 1),
                render_metrics=metrics.render,
                keeps_answers=keeps_answers,
            ),
        )
        app.add_middleware(HttpServerMetrics, metrics=metrics)
        yield app


@contextmanager
def _keeping_answers(
    settings: Settings, url: str, metrics: "Metrics"
) -> "Iterator[KeepsAnswers | None]":
    """What keeps the server's answers: memory, and behind it Redis if there is one."""
    if not settings.api_cache_mb:
        yield None
        return
    from infrastructure.monitoring import route_of
    from infrastructure.repositories.postgres.store_version import open_store_version
    from infrastructure.web.answer_cache import AnswerCache, KeepsAnswers
    from infrastructure.web.answer_memory import MemoryAnswers, NearAndFarAnswers

    near = MemoryAnswers(settings.api_cache_mb * 1024 * 1024)
    metrics.watch_answer_cache(lambda: near.bytes_held)
    with ExitStack() as opened:
        cache: AnswerCache = near
        if settings.redis_url:
            from infrastructure.web.answer_redis import open_redis_answers

            far = open_redis_answers(
                settings.redis_url.reveal(), failed=metrics.answer_cache_failed
            )
            cache = NearAndFarAnswers(near, opened.enter_context(far))
        yield KeepsAnswers(
            cache=cache,
            version=opened.enter_context(open_store_version(url)),
            route_of=route_of,
            looked_up=metrics.answer_looked_up,
        )


def web_server(
    app: "FastAPI", *, connections: int, when_up: Callable[[], object]
) -> "uvicorn.Server":
    """What serves the HTTP API to at most so many clients; ``when_up`` is called when it does."""
    from infrastructure.web import ConnectionLimits, Server

    return Server(app, ConnectionLimits(most=connections), when_up=when_up)


_WEB_CONNECTIONS = 4
"""Connections of the server for each kind of question."""


def psql_path() -> Path:
    """The ``psql`` of the embedded PostgreSQL; raises `RepositoryUnavailable` without it."""
    from infrastructure.repositories.postgres.embedded import embedded_psql_path

    return embedded_psql_path()


def database_holds_runs_other_than(command: str, settings: Settings) -> bool:
    """Whether runs of another command are kept in the database that ``DATABASE_URL`` names.

    Raises `RepositoryUnavailable` when it cannot be asked.
    """
    from infrastructure.repositories.postgres import open_postgres_repository

    with open_postgres_repository(settings.database_url.reveal()) as repository:
        return repository.holds_runs_other_than(command)


def open_source(
    name: str,
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    note: Callable[[DetailFailure], None] = lambda _: None,
    *,
    read_ahead: bool = False,
    metrics: "Metrics | None" = None,
    team: str | None = None,
) -> AbstractContextManager[TitleSource]:
    """Open one source by its name in the settings.

    ``tell`` takes what the source has to say to the user, such as what its data may be used for;
    ``note`` the details that titles come without.
    With ``read_ahead`` it may begin with what comes before all titles and takes time. ``metrics``
    count its requests. Processes of one ``team`` leave a host alone together that is down, when
    there is a Redis.
    """
    if name == "html":
        return _open_html(
            settings, stop, tell, note, read_ahead=read_ahead, metrics=metrics, team=team
        )
    if name == "graphql":
        return _open_graphql(
            settings, stop, tell, note, read_ahead=read_ahead, metrics=metrics, team=team
        )
    if name == "datasets":
        return _open_datasets(settings)
    return nullcontext(_saved_pages(settings, tell, note))


def charts_of_sources() -> dict[str, Collection[ChartName]]:
    """The charts that each source can give, by the names in the settings; opens none of them."""
    from infrastructure.scrapers.imdb_datasets import ImdbDatasetsSource
    from infrastructure.scrapers.imdb_graphql import ImdbGraphqlSource
    from infrastructure.scrapers.imdb_html import ImdbHtmlSource
    from infrastructure.scrapers.saved_pages import SavedPagesSource

    sources = (ImdbHtmlSource, ImdbGraphqlSource, ImdbDatasetsSource, SavedPagesSource)
    return {source.name: source.charts for source in sources}


_PERSON_SOURCES = ("html", "graphql", "saved")


def person_sources(settings: Settings) -> tuple[str, ...]:
    """The names of the chosen sources that give people.

    Raises `InvalidConfiguration` when none of them does.
    """
    return _sources_able(settings, _PERSON_SOURCES, "give people")


def _sources_able(settings: Settings, able: Sequence[str], what: str) -> tuple[str, ...]:
    names = tuple(name for name in settings.sources if name in able)
    if not names:
        chosen, known = ", ".join(settings.sources), ", ".join(able)
        raise InvalidConfiguration([f"SOURCES: {chosen} cannot {what}: name one of {known}"])
    return names


def _open_person_source(
    name: str,
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    *,
    read_ahead: bool,
    metrics: "Metrics | None" = None,
) -> AbstractContextManager[PersonSource]:
    if name == "html":
        return _open_html_people(settings, stop, read_ahead, metrics)
    if name == "graphql":
        return _open_graphql_people(settings, stop, tell, read_ahead, metrics)
    return nullcontext(_saved_pages(settings))


@contextmanager
def _open_html_people(
    settings: Settings, stop: threading.Event, read_ahead: bool, metrics: "Metrics | None"
) -> Iterator[PersonSource]:
    cache = _http_cache(settings, metrics)
    with _http_client("html", settings, stop, cache, metrics) as client:
        if read_ahead:
            client.read_ahead(settings.base_url)
        from infrastructure.scrapers.imdb_html import ImdbHtmlPeople

        yield ImdbHtmlPeople(client, settings.base_url)


@contextmanager
def _open_html(
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    note: Callable[[DetailFailure], None],
    *,
    read_ahead: bool,
    metrics: "Metrics | None",
    team: str | None,
) -> Iterator[TitleSource]:
    cache = _http_cache(settings, metrics)
    with _http_client("html", settings, stop, cache, metrics, team=team) as client:
        if read_ahead:
            client.read_ahead(settings.base_url)
        from infrastructure.scrapers.imdb_html import ImdbHtmlSource, PageLocale

        locale = PageLocale(settings.language, settings.country, tell)
        with _title_reader(settings.parse_processes) as read_title:
            yield ImdbHtmlSource(client, read_title, settings.base_url, locale, note)


@contextmanager
def _open_datasets(settings: Settings) -> Iterator[TitleSource]:
    """The imported dataset files; the database is opened when it is first asked."""
    from infrastructure.repositories.postgres.datasets import open_dataset_titles
    from infrastructure.scrapers.imdb_datasets import ImdbDatasetsSource

    with ExitStack() as stack:
        lock = threading.Lock()

        @cache
        def opened() -> "DatasetTitles":
            url = stack.enter_context(database_url(settings))
            return stack.enter_context(open_dataset_titles(url))

        def tables() -> "DatasetTitles":
            with lock:
                return opened()

        yield ImdbDatasetsSource(tables)


@contextmanager
def open_search(settings: Settings, tell: Callable[[str], None]) -> Iterator[SearchTitles]:
    """Wire the ways to search; ``tell`` is called for each one that gives no answer."""
    from infrastructure.scrapers.imdb_graphql.search import GraphqlSearch
    from infrastructure.scrapers.imdb_html.find import FindPageSearch
    from infrastructure.scrapers.imdb_suggestion import SuggestionSearch

    with _http_client("search", settings, threading.Event(), _http_cache(settings)) as client:
        suggestions = SuggestionSearch(client, settings.suggestion_url)
        api = GraphqlSearch(client, _endpoint(settings), tell)
        page = FindPageSearch(client, settings.base_url)
        # Suggestions of all sorts may have a company or two among them, and no keywords.
        instead = {Thing.COMPANY: (api, page, suggestions), Thing.KEYWORD: (api, page)}
        yield SearchTitles((suggestions, api, page), tell, instead=instead)


_LISTING_SOURCES = ("html", "graphql")


def listing_sources(settings: Settings) -> tuple[str, ...]:
    """The names of the chosen sources that find titles by filters and give lists.

    Raises `InvalidConfiguration` when none of them does.
    """
    return _sources_able(settings, _LISTING_SOURCES, "list titles")


@contextmanager
def open_discovery(
    settings: Settings, tell: Callable[[str], None]
) -> "Iterator[ListTitles[TitleFilter]]":
    """Wire the ways to find titles by filters; raises `InvalidConfiguration` when there is none.

    ``tell`` is called for what the user should know: a source that gives no answer, what its data
    may be used for.
    """
    from application.list_titles import ListTitles
    from infrastructure.scrapers.imdb_graphql.discovery import GraphqlDiscovery
    from infrastructure.scrapers.imdb_html.discovery import SearchPageDiscovery

    names = listing_sources(settings)
    with _http_client("discovery", settings, threading.Event(), _http_cache(settings)) as client:
        ways: dict[str, TitleDiscovery] = {
            "html": SearchPageDiscovery(client, settings.base_url),
            "graphql": GraphqlDiscovery(client, _endpoint(settings), tell),
        }
        yield ListTitles([ways[name] for name in names], tell)


@contextmanager
def open_lists(settings: Settings, tell: Callable[[str], None]) -> "Iterator[ListTitles[ListId]]":
    """Wire the ways to read somebody's list; as `open_discovery`."""
    from application.list_titles import ListTitles
    from infrastructure.scrapers.imdb_graphql.lists import GraphqlLists
    from infrastructure.scrapers.imdb_html.lists import ListPages

    names = listing_sources(settings)
    with _http_client("lists", settings, threading.Event(), _http_cache(settings)) as client:
        ways: dict[str, TitleLists] = {
            "html": ListPages(client, settings.base_url),
            "graphql": GraphqlLists(client, _endpoint(settings), tell),
        }
        yield ListTitles([ways[name] for name in names], tell)


@contextmanager
def _open_graphql(
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    note: Callable[[DetailFailure], None],
    *,
    read_ahead: bool,
    metrics: "Metrics | None",
    team: str | None,
) -> Iterator[TitleSource]:
    from infrastructure.scrapers.imdb_graphql import ImdbGraphqlSource

    endpoint = _endpoint(settings)
    # Without the cache: answers to questions are not kept (see `HttpClient.post`).
    with _http_client("graphql", settings, stop, None, metrics, team=team) as client:
        if read_ahead:
            client.read_ahead(settings.graphql_url)
        yield ImdbGraphqlSource(client, endpoint, settings.graphql_batch_size, tell, note)


@contextmanager
def _open_graphql_people(
    settings: Settings,
    stop: threading.Event,
    tell: Callable[[str], None],
    read_ahead: bool,
    metrics: "Metrics | None",
) -> Iterator[PersonSource]:
    from infrastructure.scrapers.imdb_graphql import ImdbGraphqlPeople

    with _http_client("graphql", settings, stop, None, metrics) as client:
        if read_ahead:
            client.read_ahead(settings.graphql_url)
        yield ImdbGraphqlPeople(client, _endpoint(settings), settings.graphql_batch_size, tell)


def _endpoint(settings: Settings) -> "Endpoint":
    from infrastructure.scrapers.imdb_graphql import Endpoint

    return Endpoint(
        url=settings.graphql_url,
        client_name=settings.graphql_client_name,
        language=settings.language,
        country=settings.country,
    )


def _http_client(
    source: str,
    settings: Settings,
    stop: threading.Event,
    cache: "HttpCache | None",
    metrics: "Metrics | None" = None,
    *,
    team: str | None = None,
) -> "HttpClient":
    """A client for a source, with routes of its own; with Redis its limits are everybody's."""
    from infrastructure.http.client import HttpClient

    if settings.robots == "ignore":
        logger.warning("ROBOTS=ignore: source %s reads no robots.txt, by your own decision", source)
    client = HttpClient(
        timeout_seconds=settings.request_timeout_seconds,
        max_attempts=settings.max_attempts,
        max_body_bytes=settings.max_body_bytes,
        user_agent=settings.user_agent,
        language=settings.language,
        country=settings.country,
        requests_per_second=settings.requests_per_second,
        obeys_robots=settings.robots == "obey",
        routes=_route_pool(settings, stop),
        stop=stop,
        cache=cache,
        traffic=None if metrics is None else metrics.traffic_of(source),
        limits=_shared_limits(settings, team),
    )
    if metrics is not None:
        metrics.watch_hosts(source, client.host_states)
    return client


def _shared_limits(settings: Settings, team: str | None) -> "SharedLimits | None":
    """The limits of all processes that use one Redis, or ``None`` where there is none."""
    if not settings.redis_url:
        return None
    from infrastructure.http.shared_limits import SharedLimits
    from infrastructure.http.shared_memory import SharedMemory

    return SharedLimits(SharedMemory(settings.redis_url.reveal()), team)


def _http_cache(settings: Settings, metrics: "Metrics | None" = None) -> "HttpCache | None":
    if settings.http_cache == "off":
        return None
    from infrastructure.http.cache import HttpCache

    try:
        storage = cache_storage(settings)
    except CacheUnavailable as error:
        logger.warning("%s; going on without it", error)
        return None
    return HttpCache(
        storage,
        ttl_seconds=settings.http_cache_ttl_seconds,
        max_body_bytes=settings.max_body_bytes,
        counted=_count_nothing if metrics is None else metrics.cache_counted,
    )


def _count_nothing(_: str) -> None:
    pass


def cache_storage(settings: Settings) -> "Storage":
    """Where the HTTP cache keeps its pages: in Redis, or else in a folder of ``OUTPUT_DIR``.

    Raises `CacheUnavailable`.
    """
    from infrastructure.http.cache_storage import FolderStorage, RedisStorage

    if settings.http_cache == "redis":
        return RedisStorage(settings.redis_url.reveal())
    return FolderStorage(settings.output_dir / "http_cache")


def check_routes(settings: Settings) -> Iterator["RouteCheck"]:
    """Ask the site's ``robots.txt`` once over each configured route, and tell how they are."""
    from infrastructure.http.headers import request_headers
    from infrastructure.http.routes.check import RouteChecker
    from infrastructure.scrapers.imdb_pages import block_reason

    checker = RouteChecker(
        url=f"{settings.base_url}/robots.txt",
        timeout_seconds=settings.request_timeout_seconds,
        headers=request_headers(settings.user_agent, settings.language, settings.country),
        block_reason=block_reason,
        circuits=_tor_circuits(settings),
    )
    return checker.check([route for group in _route_groups(settings) for route in group])


def _route_pool(settings: Settings, stop: threading.Event) -> "RoutePool":
    from infrastructure.http.routes import RoutePool

    return RoutePool(
        _route_groups(settings),
        max_connections=settings.max_threads,
        circuits=_tor_circuits(settings),
        stop=stop,
    )


def _route_groups(settings: Settings) -> "list[list[Route]]":
    from infrastructure.http.routes import route_groups

    return route_groups(settings.route_order, settings.proxies, settings.tor_socks_url)


def _tor_circuits(settings: Settings) -> "TorCircuits | None":
    if not settings.tor_control_url or "tor" not in settings.route_order:
        return None
    from infrastructure.http.routes.tor import TorCircuits

    return TorCircuits(settings.tor_control_url, settings.tor_control_password)


def _title_reader(processes: int) -> AbstractContextManager["TitleReader"]:
    from infrastructure.scrapers.imdb_html import ReadInThread

    if processes == 0:
        return nullcontext(ReadInThread())
    from infrastructure.scrapers.imdb_html.parse_pool import ParsePool

    return ParsePool(processes)


def _saved_pages(
    settings: Settings,
    tell: Callable[[str], None] = lambda _: None,
    note: Callable[[DetailFailure], None] = lambda _: None,
) -> "SavedPagesSource":
    from infrastructure.scrapers.saved_pages import SavedPagesSource

    if settings.saved_pages_dir is None:
        raise InvalidConfiguration(["SAVED_PAGES_DIR: must name a folder for the saved source"])
    return SavedPagesSource(settings.saved_pages_dir, settings.max_body_bytes, tell, note)


@contextmanager
def _open_csv(settings: Settings) -> "Iterator[CsvRepository]":
    from infrastructure.repositories.csv import open_csv_repository

    escape_formulas = settings.csv_escape_formulas == "true"
    with open_csv_repository(settings.output_dir, escape_formulas=escape_formulas) as repository:
        yield repository


@contextmanager
def _open_postgres(
    settings: Settings, guard: "Callable[[cursor], None] | None" = None
) -> "Iterator[PostgresRepository]":
    from infrastructure.repositories.postgres import open_postgres_repository

    revive = None if settings.database_url else partial(_revive_embedded, settings)
    with (
        database_url(settings) as url,
        open_postgres_repository(url, revive=revive, guard=guard) as repository,
    ):
        yield repository


def _revive_embedded(settings: Settings) -> None:
    from infrastructure.repositories.postgres.embedded import revive_embedded_postgres

    revive_embedded_postgres(embedded_database_dir(settings))
