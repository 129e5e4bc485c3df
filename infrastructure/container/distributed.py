"""Runs that are shared by workers: the ledger, the queue and the work itself."""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from application.ports import CircuitBreaker, RepositoryOpener, RunObserver, TitleSource
from application.scrape_titles import ScrapeTitles, utc_now
from application.source_chain import PATIENCE, REST_SECONDS, SourceChain
from domain.chart import Chart, ChartName
from domain.errors import InvalidConfiguration
from domain.identifiers import TitleId
from domain.run import DetailFailure, Run, RunReport
from infrastructure.container.network import shared_limits
from infrastructure.container.repositories import database_url, open_postgres, revive_embedded
from infrastructure.container.running import chosen_details, composite_save
from infrastructure.container.sources import new_circuit, open_source
from shared.config import Settings

if TYPE_CHECKING:
    from celery import Celery
    from psycopg2.extensions import cursor

    from application.close_run import CloseRun
    from application.distribute_run import DistributeRun
    from application.ports import BatchLedger, BatchQueue
    from application.retry_failures import FailedRun
    from application.work_batches import Housekeeping, Tools, WorkBatch
    from domain.batch import BatchClaim
    from infrastructure.http.shared_limits import SharedLimits
    from infrastructure.repositories.postgres.ledger import PostgresLedger

logger = logging.getLogger(__name__)


@contextmanager
def open_ledger(settings: Settings) -> "Iterator[PostgresLedger]":
    """Open the ledger of distributed runs; an embedded database runs until this is left.

    Raises `InvalidConfiguration` when the settings do without PostgreSQL; `RepositoryUnavailable`.
    """
    check_for_workers(settings)
    from infrastructure.repositories.postgres.ledger import open_postgres_ledger

    revive = None if settings.database_url else partial(revive_embedded, settings)
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


def check_for_workers(settings: Settings) -> None:
    """Raise `InvalidConfiguration`, with the reason, when workers could not save."""
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

    with composite_save(settings, RunTracker(), threading.Event()) as save:
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

    with composite_save(settings, RunTracker(), threading.Event()) as save:
        plan = ResumePlan(save, sources=settings.sources, details=chosen_details(settings))
        run, asked = plan.make(run_id)
    with _open_chain(settings) as chain:
        gives = chain.gives
        if asked is None:
            chart = chain.chart(ChartName(run.chart or settings.chart))
            asked = tuple(entry.title_id for entry in chart.first(settings.limit).entries)
            with open_postgres(settings) as repository:
                repository.begin_run(run, chart, asked)
    with _distribution(settings, ledger) as distribution:
        distribution.resume(asked, run, gives=gives, resumed_at=utc_now())
    return run


@contextmanager
def _distribution(
    settings: Settings, ledger: "BatchLedger", guard: "Callable[[cursor], None] | None" = None
) -> "Iterator[DistributeRun]":
    from application.distribute_run import DistributeRun

    with open_postgres(settings, guard) as repository:
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


def batches_app(settings: Settings) -> "Celery":
    """The Celery application whose messages are about batches; nothing is connected yet."""
    from infrastructure.workers import celery_app

    return celery_app(
        settings.redis_url.reveal(),
        time_limit_seconds=settings.batch_time_limit_seconds,
        request_seconds=settings.request_timeout_seconds,
    )


def _batch_queue(settings: Settings, app: "Celery | None" = None) -> "BatchQueue":
    from infrastructure.workers import CeleryQueue

    return CeleryQueue(app or batches_app(settings), settings.redis_url.location)


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

    check_for_workers(settings)
    check_broker(settings.redis_url.reveal(), settings.redis_url.location)
    if settings.database_url:
        with open_ledger(settings):
            pass  # closed again before there are other processes, which open their own
    app = batches_app(settings)
    worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    pause_seconds = min(5.0, settings.batch_lease_seconds / 12)
    return run_worker(
        app,
        partial(open_work, settings, worker, _batch_queue(settings, app), when_closed),
        pause_seconds=pause_seconds,
    )


class Work:
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
def open_work(
    settings: Settings,
    worker: str,
    queue: "BatchQueue",
    when_closed: Callable[[RunReport], object],
) -> Iterator[Work]:
    """Open what ``worker`` does batches with; ``when_closed`` as for `work`.

    Raises `RepositoryUnavailable`.
    """
    from application.close_run import CloseRun
    from application.run_progress import RunTracker
    from application.work_batches import Housekeeping, WorkBatch

    lease = settings.batch_lease_seconds
    with open_ledger(settings) as ledger, closing(_KeptSources(settings, ledger)) as sources:
        close = CloseRun(
            ledger,
            lambda stop: composite_save(settings, RunTracker(), stop),
            lease_seconds=lease,
            when_closed=when_closed,
        )
        batches = WorkBatch(ledger, sources.tools, worker=worker, lease_seconds=lease)
        yield Work(batches, Housekeeping(ledger, queue, close.execute), close)


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
        self._limits = shared_limits(settings, "workers")
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
        opener = RepositoryOpener("postgres", partial(open_postgres, self._settings, guard))
        with composite_save(self._settings, observer, stop, [opener]) as save:
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
