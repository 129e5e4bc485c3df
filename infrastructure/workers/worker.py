"""A worker's process: takes messages, one at a time, and has batches done."""

import logging
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol

from celery import Celery, signals
from celery.exceptions import SecurityWarning, SoftTimeLimitExceeded

from domain.errors import ScraperError
from infrastructure.workers.app import TASK

logger = logging.getLogger(__name__)


class Work(Protocol):
    """What a worker does, once everything that it takes is open."""

    def execute(self, batch_id: int) -> None:
        """Do a batch."""

    def end_soon(self) -> None:
        """Have the batch that is at work end early; called from another thread."""

    def keep_house(self) -> None:
        """Do what is to be done besides batches; called from another thread."""


OpenWork = Callable[[], AbstractContextManager[Work]]


def run_worker(app: Celery, open_work: OpenWork, *, pause_seconds: float) -> int:
    """Work until SIGTERM or SIGINT, which let the batch at work end; give the exit status.

    One process does the batches, as each has threads of its own; it opens what it needs by itself,
    and keeps house every ``pause_seconds``. When it dies, or is killed at the time limit, another
    one takes its place.
    """
    process = _Process(open_work, pause_seconds)
    app.task(name=TASK)(process.do)
    signals.worker_process_init.connect(process.start, weak=False)
    signals.worker_process_shutdown.connect(process.stop, weak=False)
    signals.setup_logging.connect(_leave_logging_alone, weak=False)
    # Its own lines at INFO are about its machinery.
    logging.getLogger("celery").setLevel(logging.WARNING)
    logging.getLogger("kombu").setLevel(logging.WARNING)
    # What root must not take from a broker is pickles, and only JSON is.
    warnings.simplefilter("ignore", SecurityWarning)
    worker = app.Worker(
        pool="prefork", concurrency=1, without_gossip=True, without_mingle=True, quiet=True
    )
    worker.start()
    return int(worker.exitcode or 0)


def _leave_logging_alone(**_: object) -> None:
    """Keep Celery, which has this called instead of its own, from configuring logging anew."""


class _Process:
    """The process that does the batches.

    Batches are begun in its main thread, where Celery raises that the time is over, and done in
    another one, where nothing is broken off in its middle. A third one keeps house. One lock
    guards the opening of what both need.
    """

    def __init__(self, open_work: OpenWork, pause_seconds: float) -> None:
        self._open_work = open_work
        self._pause_seconds = pause_seconds
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._opened = ExitStack()
        self._work: Work | None = None
        self._house: threading.Thread | None = None

    def start(self, **_: object) -> None:
        """Begin to keep house; the process has just been forked."""
        self._house = threading.Thread(target=self._keep_house, name="housekeeping")
        self._house.start()

    def stop(self, **_: object) -> None:
        """Close everything."""
        self._over.set()
        if self._house is not None:
            self._house.join()
        self._opened.close()

    def do(self, batch_id: int) -> None:
        """Do a batch; the task. What cannot be done now is sent again by the ledger."""
        try:
            work = self._opened_work()
            with ThreadPoolExecutor(1, thread_name_prefix="batch") as thread:
                done = thread.submit(work.execute, batch_id)
                try:
                    done.result()
                except SoftTimeLimitExceeded:
                    work.end_soon()
                    done.result()
        except ScraperError as error:
            logger.warning("batch %d: %s", batch_id, error)

    def _keep_house(self) -> None:
        while True:
            try:
                self._opened_work().keep_house()
            except ScraperError as error:
                logger.warning("%s", error)
            except Exception:
                logger.exception("unexpected failure of the housekeeping")
            if self._over.wait(self._pause_seconds):
                return

    def _opened_work(self) -> Work:
        with self._lock:
            if self._work is None:
                self._work = self._opened.enter_context(self._open_work())
                logger.info("ready for batches")
            return self._work
