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

from application.ports import RepositoryOpener, RunObserver, TitleSource
from application.scrape_titles import ScrapeTitles
from application.source_chain import SourceChain
from domain.chart import Chart, ChartName
from domain.errors import InvalidConfiguration
from domain.identifiers import TitleId
from domain.run import DetailFailure, Run, RunReport
from infrastructure.container.repositories import database_url, open_postgres, revive_embedded
from infrastructure.container.running import composite_save
from infrastructure.container.sources import new_circuit, open_source
from shared.config import Settings

if TYPE_CHECKING:
    from celery import Celery

    from application.close_run import CloseRun
    from application.ports import BatchLedger, BatchQueue
    from application.work_batches import Housekeeping, Tools, WorkBatch
    from domain.batch import BatchClaim
    from infrastructure.repositories.postgres.ledger import PostgresLedger

logger = logging.getLogger(__name__)


@contextmanager
def open_ledger(settings: Settings) -> "Iterator[PostgresLedger]":
    """Open the ledger of distributed runs; an embedded database runs until this is left.

    Raises `InvalidConfiguration` when the settings do without PostgreSQL; `RepositoryUnavailable`.
    """
    _check_for_workers(settings)
    from infrastructure.repositories.postgres.ledger import open_postgres_ledger

    revive = None if settings.database_url else partial(revive_embedded, settings)
    with (
        database_url(settings) as url,
        open_postgres_ledger(
            url,
            lease_seconds=settings.batch_lease_seconds,
            most_attempts=settings.batch_attempts,
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
    settings: Settings, ledger: "BatchLedger", run: Run, ids: "Sequence[TitleId] | None"
) -> None:
    """Hand a run to workers: of these titles, or of the chart of the settings.

    Raises what reading the chart does, and `RepositoryUnavailable`: then it has not begun.
    """
    from application.distribute_run import DistributeRun

    chart = None if ids is not None else _read_chart(settings)
    if chart is not None:
        ids = [entry.title_id for entry in chart.first(settings.limit).entries]
    with open_postgres(settings) as repository:
        queue = _batch_queue(settings) if settings.redis_url else None
        distribution = DistributeRun(repository, ledger, queue, batch_titles=settings.batch_titles)
        distribution.execute(ids or (), run, chart)


def _read_chart(settings: Settings) -> Chart:
    stop = threading.Event()
    with ExitStack() as stack:
        sources = [
            stack.enter_context(open_source(name, settings, stop, logger.warning))
            for name in settings.sources
        ]
        chain = SourceChain(sources, logger.warning, new_circuit)
        return chain.chart(ChartName(settings.chart))


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
            lambda stop: composite_save(settings, RunTracker(), stop),
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
        self._chain: SourceChain | None = None

    @contextmanager
    def tools(
        self, claim: "BatchClaim", observer: RunObserver, stop: threading.Event
    ) -> "Iterator[Tools]":
        """What a batch is done with; its run says what sources there are."""
        from application.work_batches import Tools

        if self._names != claim.run.sources:
            self.close()
            self._names = claim.run.sources
            self._sources = [
                self._stack.enter_context(
                    open_source(name, self._settings, stop, self._tell, self._note, team="workers")
                )
                for name in claim.run.sources
            ]
        self._chain = SourceChain(self._sources, observer.notice, new_circuit)
        guard = self._ledger.guard(claim)
        opener = RepositoryOpener("postgres", partial(open_postgres, self._settings, guard))
        with composite_save(self._settings, observer, stop, [opener]) as save:
            threads = self._settings.max_threads
            yield Tools(
                save, ScrapeTitles(self._chain, save, observer, max_threads=threads, stop=stop)
            )

    def close(self) -> None:
        """Close the sources."""
        self._stack.close()

    def _tell(self, notice: str) -> None:
        if self._chain is not None:
            self._chain.tell(notice)

    def _note(self, failure: DetailFailure) -> None:
        if self._chain is not None:
            self._chain.note_detail_failure(failure)
