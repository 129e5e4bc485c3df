"""A worker's processes: each takes messages, one at a time, and has batches or jobs done."""

import ctypes
import logging
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from multiprocessing.sharedctypes import RawValue
from typing import Protocol

from celery import Celery, signals
from celery.exceptions import SecurityWarning, SoftTimeLimitExceeded

from domain.errors import ScraperError
from infrastructure.workers.app import TASK

logger = logging.getLogger(__name__)


class Work(Protocol):
    """What a worker does, once everything that it takes is open."""

    @property
    def execute(self) -> Callable[..., None]:
        """Does a batch, or job, with what the message says."""

    @property
    def end_soon(self) -> Callable[[], None]:
        """Has the batch, or job, that is at work end early; called from another thread."""

    @property
    def keep_house(self) -> Callable[[], None]:
        """Does what is to be done besides; called from another thread."""


OpenWork = Callable[[], AbstractContextManager[Work]]


class SharedFlag:
    """Something that the first process of a worker says, once, to those that it has forked.

    Without a lock: a process that is killed would hold it for ever.
    """

    def __init__(self) -> None:
        self._value = RawValue(ctypes.c_bool, False)

    def set(self) -> None:
        """Say it."""
        self._value.value = True

    def is_set(self) -> bool:
        """Whether it was said."""
        return bool(self._value.value)


def run_worker(
    app: Celery,
    open_work: OpenWork,
    *,
    pause_seconds: float,
    task: str = TASK,
    processes: int = 1,
    ending: SharedFlag | None = None,
) -> int:
    """Work until SIGTERM or SIGINT, which let what is at work end; give the exit status.

    One process does the batches, as each has threads of its own; jobs have ``processes``. Each
    opens what it needs by itself, and keeps house every ``pause_seconds``. When it dies, or is
    killed at the time limit, another one takes its place. ``ending`` is set when the end has begun.
    """
    process = _Process(open_work, pause_seconds, "batches" if task == TASK else "jobs")
    app.task(name=task)(process.do)
    signals.worker_process_init.connect(process.start, weak=False)
    signals.worker_process_shutdown.connect(process.stop, weak=False)
    if ending is not None:
        signals.worker_shutting_down.connect(lambda **_: ending.set(), weak=False)
    signals.setup_logging.connect(_leave_logging_alone, weak=False)
    # Its own lines at INFO are about its machinery.
    logging.getLogger("celery").setLevel(logging.WARNING)
    logging.getLogger("kombu").setLevel(logging.WARNING)
    # What root must not take from a broker is pickles, and only JSON is.
    warnings.simplefilter("ignore", SecurityWarning)
    worker = app.Worker(
        pool="prefork",
        concurrency=processes,
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _leave_logging_alone(**_: object) -> None:
    """Keep Celery, which has this called instead of its own, from configuring logging anew."""


class _Process:
    """A process that does batches, or jobs, which is ``what``.

    They are begun in its main thread, where Celery raises that the time is over, and done in
    another one, where nothing is broken off in its middle. A third one keeps house. One lock
    guards the opening of what both need.
    """

    def __init__(self, open_work: OpenWork, pause_seconds: float, what: str) -> None:
        self._open_work = open_work
        self._what = what
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

    def do(self, *what: object) -> None:
        """Do a batch or a job; the task. What cannot be done now is sent again by the ledger."""
        try:
            work = self._opened_work()
            with ThreadPoolExecutor(1, thread_name_prefix="work") as thread:
                done = thread.submit(work.execute, *what)
                try:
                    done.result()
                except SoftTimeLimitExceeded:
                    work.end_soon()
                    done.result()
        except ScraperError as error:
            logger.warning("%s %s: %s", self._what, what, error)

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
                logger.info("ready for %s", self._what)
            return self._work
