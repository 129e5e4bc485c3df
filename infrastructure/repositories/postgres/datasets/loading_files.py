"""Loads several files at the same time, each over a connection of its own, and indexes them."""

import hashlib
import heapq
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field

import psycopg2
from psycopg2.extensions import connection, cursor

from application.ports import DatasetProgress
from domain.datasets import DatasetFile, DatasetName
from domain.errors import DatasetDamaged
from infrastructure.repositories.postgres.connections import Server
from infrastructure.repositories.postgres.datasets import placing
from infrastructure.repositories.postgres.datasets.keys import index_key
from infrastructure.repositories.postgres.datasets.loading import (
    LinesRefused,
    Loaded,
    load_at_once,
    load_by_chunks,
)
from infrastructure.repositories.postgres.datasets.stream import Chunk, chunks_of
from infrastructure.repositories.postgres.datasets.table_layout import Layout

STEPS_AT_ONCE = 2

# The server finds out by itself that its client was killed, also while it builds an index.
# An index of ids is sorted faster in parts that the processor's caches hold.
SESSION = """
    SET client_connection_check_interval = '1s';
    SET lock_timeout = '30s';
    SET maintenance_work_mem = '64MB';
    SET work_mem = '128MB';
    SET default_statistics_target = 30
"""

# Nobody but the import knows these tables, and its own steps may take their time. What was just
# written is in the system's cache: other processes that read it ahead cost more than they save.
_OF_A_STEP = """
    SET lock_timeout = 0;
    SET effective_io_concurrency = 0;
    SET maintenance_io_concurrency = 0
"""

# Rows come in the order of the key: what is shared among processes costs more than it saves. With
# so few processors that is so of every index: the other step has use for them.
_ALONE = "SET LOCAL max_parallel_maintenance_workers = 0"
_FEW_PROCESSORS = (os.cpu_count() or 1) <= STEPS_AT_ONCE

_AT_FIRST = (-sys.maxsize, 0)

_SEND_BUFFER_BYTES = 4 << 20
"""Two chunks. The system gives as much as it allows (``net.core.wmem_max``)."""

_LoadLines = Callable[[cursor, Layout, Iterator[Chunk], Callable[[], None]], Loaded]


@dataclass(frozen=True, slots=True)
class Job:
    """A file to be loaded into a new table, and the choice of titles as it is noted.

    ``stays`` says that the table will hold the rows itself, as there are none yet; with ``filters``
    only a part of what is loaded will be kept.
    """

    file: DatasetFile
    choice: str
    layout: Layout
    stays: bool
    filters: bool

    @property
    def keeps_table(self) -> bool:
        """Whether the very table that is loaded will hold the rows."""
        return self.stays and not self.filters


@dataclass(order=True, slots=True)
class _Step:
    """Something to do, in any thread; gives what is to be done after it.

    What belongs to the largest file goes first, so that nothing large is left alone at the end.
    """

    order: tuple[int, int]
    name: DatasetName | None = field(compare=False)
    """The file that it is a step of, if it is of one."""
    do: Callable[[], Sequence["_Step"]] = field(compare=False)


class _Ended(Exception):
    """The import is being given up."""


class FileLoader:
    """Loads files in threads of its own. Used by one thread; a lock guards the connections.

    A file is loaded in one step, and each of its indexes is built in another: so two indexes of one
    table are built side by side. Each step is a transaction. What became of a file is noted by its
    step alone, and read by the next.
    """

    def __init__(self, server: Server, progress: DatasetProgress) -> None:
        self._server = server
        self._progress = progress
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._working: set[connection] = set()
        self._loaded: dict[DatasetName, Loaded] = {}

    def load(
        self, jobs: Iterable[Job], beside: Iterable[Callable[[connection], None]] = ()
    ) -> tuple[dict[DatasetName, Loaded], dict[DatasetName, str]]:
        """Load all files; gives what became of each, or why it could not be read.

        What is to be done ``beside`` them is given a connection of its own, and done by the time
        this ends. Raises psycopg2's errors, or whatever interrupts it, when all threads have ended.
        """
        failed: dict[DatasetName, str] = {}
        ready = [self._loading(job) for job in jobs] + [self._beside(work) for work in beside]
        heapq.heapify(ready)
        at_work: dict[Future[Sequence[_Step]], _Step] = {}
        with ThreadPoolExecutor(STEPS_AT_ONCE, thread_name_prefix="load") as threads:
            try:
                while ready or at_work:
                    while ready and len(at_work) < STEPS_AT_ONCE:
                        step = heapq.heappop(ready)
                        at_work[threads.submit(step.do)] = step
                    for ended in wait(at_work, return_when=FIRST_COMPLETED).done:
                        name = at_work.pop(ended).name
                        try:
                            for following in ended.result():
                                heapq.heappush(ready, following)
                        except (DatasetDamaged, OSError) as error:
                            if name is None:
                                raise
                            failed[name] = str(error)
            except BaseException:
                self._end()
                raise
        return self._loaded, failed

    def _end(self) -> None:
        """Have all threads end soon, whatever the server does for them."""
        self._ending.set()
        with self._lock:
            for opened in self._working:
                with suppress(psycopg2.Error):  # it has ended already
                    opened.cancel()

    def _check(self) -> None:
        if self._ending.is_set():
            raise _Ended

    @contextmanager
    def _connection(self) -> Iterator[connection]:
        """A connection of its own, which `_end` can end."""
        with closing(self._server.connect()) as opened:
            with self._lock:
                self._check()
                self._working.add(opened)
            try:
                yield opened
            finally:
                with self._lock:
                    self._working.discard(opened)

    @contextmanager
    def _transaction(self) -> Iterator[cursor]:
        with self._connection() as opened, opened, opened.cursor() as statements:
            statements.execute(SESSION)
            statements.execute(_OF_A_STEP)
            yield statements

    def _beside(self, work: Callable[[connection], None]) -> _Step:
        def do() -> Sequence[_Step]:
            with self._connection() as opened:
                work(opened)
            return ()

        return _Step(_AT_FIRST, None, do)

    def _loading(self, job: Job) -> _Step:
        def load() -> Sequence[_Step]:
            try:
                loaded = self._load(job, load_at_once)
            except LinesRefused:
                loaded = self._load(job, load_by_chunks)
            self._loaded[job.file.name] = loaded
            self._progress(job.file.name, "index", _size(job), _size(job))
            return self._indexing(job)

        return _Step((-_size(job), 0), job.file.name, load)

    def _load(self, job: Job, load_lines: _LoadLines) -> Loaded:
        """Load a file into a new table in one transaction."""
        name, path = job.file.name, job.file.path
        size = _size(job)
        digest, done = hashlib.sha256(), 0

        def seen(packed: bytes) -> None:
            nonlocal done
            digest.update(packed)
            done += len(packed)
            self._progress(name, "load", done, size)

        chunks = chunks_of(path, job.layout.header, seen)
        with self._transaction() as statements:
            _widen_send_buffer(statements.connection)
            placing.create_table(statements, job.layout, stays=job.keeps_table)
            loaded = load_lines(statements, job.layout, chunks, self._check)
            if not loaded.loaded:
                raise _nothing_loaded(job, loaded)
            placing.analyze(statements, job.layout)
        loaded.sha256 = digest.hexdigest()
        return loaded

    def _indexing(self, job: Job) -> Sequence[_Step]:
        """The steps that index a loaded table: the index that takes the longest goes first."""

        def index_column(column: str) -> Callable[[], Sequence[_Step]]:
            def index() -> Sequence[_Step]:
                with self._transaction() as statements:
                    if _FEW_PROCESSORS:
                        statements.execute(_ALONE)
                    placing.index_column(statements, job.layout, column)
                return ()

            return index

        def key() -> Sequence[_Step]:
            with self._transaction() as statements:
                statements.execute(_ALONE)
                doubled = index_key(statements, job.layout)
            self._loaded[job.file.name].loaded -= doubled
            self._loaded[job.file.name].rejected += doubled
            return ()

        columns = job.layout.indexes if job.keeps_table else ()
        order = -_size(job)
        return [
            *(_Step((order, 1), job.file.name, index_column(column)) for column in columns),
            _Step((order, 2), job.file.name, key),
        ]


def _widen_send_buffer(opened: connection) -> None:
    """Have a server on this machine find enough to go on with while our threads wait.

    The buffer of a TCP connection grows by itself, and would stop to if its size were said.
    """
    with socket.socket(fileno=os.dup(opened.fileno())) as ours:
        if ours.family == socket.AF_UNIX:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)


def _size(job: Job) -> int:
    """Of the file, in bytes; 0 when it is gone, which whoever opens it will tell."""
    try:
        return job.file.path.stat().st_size
    except OSError:
        return 0


def _nothing_loaded(job: Job, account: Loaded) -> DatasetDamaged:
    if not account.lines:
        return DatasetDamaged(str(job.file.path), "it has no lines after its header")
    return DatasetDamaged(
        str(job.file.path),
        f"every one of its {account.lines:,} lines was refused, the first because of:"
        f" {account.first_reason}; nothing of it was imported",
    )
