"""Reading pages in other processes, for machines with cores to spare."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context, parent_process
from types import TracebackType
from typing import Self, TypeVar

from domain.details import DetailName
from domain.errors import PageChanged
from domain.title import Title
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_html.answers import (
    DetailedTitle,
    read_detailed_title,
    read_title,
)
from shared.memory import tune_memory
from shared.stages import IN_PROCESSES, stage

logger = logging.getLogger(__name__)

_Read = TypeVar("_Read")

_LEFT_TO_THE_PARENT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ParsePool:
    """Unpacks and reads title pages in ``processes`` processes; fulfils `TitleReader`.

    Any number of threads may call it; each waits for its own title, so that no more pages are on
    their way than there are threads. Pages travel packed, which is a sixth of their size. A process
    that dies takes the pages that others are reading with it: the pool is made anew, once for all
    threads (a lock sees to that), and every page gets a second try. Use as a context manager;
    leaving it waits for the processes.
    """

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._lock = threading.Lock()
        self._pool = _new_pool(processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def __call__(self, answer: PackedAnswer) -> Title:
        """Have a page read; raises as `read_title` does, whose errors come over whole.

        Raises `PageChanged` for a page at which a process has died twice.
        """
        return self._read(answer, read_title)

    def detailed(self, answer: PackedAnswer, names: Sequence[DetailName]) -> DetailedTitle:
        """Have a page read with details; as without them."""
        return self._read(answer, partial(read_detailed_title, names=names))

    def _read(self, answer: PackedAnswer, read: Callable[[PackedAnswer], _Read]) -> _Read:
        for _ in range(2):
            pool = self._pool
            try:
                with stage(IN_PROCESSES):
                    return pool.submit(read, answer).result()
            except BrokenProcessPool:
                self._replace(pool)
        raise PageChanged(answer.url, "page", "cannot be read: the process that read it died")

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is not broken:
                return  # another thread was faster
            logger.warning("a process that reads pages died; starting new ones")
            broken.shutdown(wait=False)
            self._pool = _new_pool(self._processes)


def _new_pool(processes: int) -> ProcessPoolExecutor:
    """Start the processes now, while the chart is on its way.

    They inherit that signals are blocked: Ctrl-C goes to every process of a terminal, and what is
    being read is still wanted then.
    """
    # Not fork: a copy of a process with fifty threads may hold a lock that nobody will release.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_prepare)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _LEFT_TO_THE_PARENT)
    try:
        for _ in range(processes):  # none is idle yet, so each of these starts one
            pool.submit(_nothing)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pool


def _prepare() -> None:
    """Set a process up for pages, and to end when its parent is killed."""
    # Again, for a process that a fetch thread has started in the place of another.
    signal.pthread_sigmask(signal.SIG_BLOCK, _LEFT_TO_THE_PARENT)
    tune_memory()
    # A daemon, as it holds nothing and must not keep the process alive.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _nothing() -> None:
    """Do nothing, in another process."""
