"""Loads several files at the same time, each over a connection of its own."""

import hashlib
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection

from application.ports import DatasetProgress
from domain.datasets import DatasetFile, DatasetName
from domain.errors import DatasetDamaged
from infrastructure.repositories.postgres.connections import Server
from infrastructure.repositories.postgres.datasets import placing
from infrastructure.repositories.postgres.datasets.keys import add_key
from infrastructure.repositories.postgres.datasets.loading import Loaded, Loader
from infrastructure.repositories.postgres.datasets.stream import chunks_of, read_ahead
from infrastructure.repositories.postgres.datasets.table_layout import Layout

FILES_AT_ONCE = 2

# The server finds out by itself that its client was killed, also while it builds an index.
SESSION = """
    SET client_connection_check_interval = '1s';
    SET lock_timeout = '30s';
    SET maintenance_work_mem = '256MB';
    SET work_mem = '128MB';
    SET default_statistics_target = 30
"""


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


class _Ended(Exception):
    """The import is being given up."""


class FileLoader:
    """Loads files in threads of its own. Used by one thread; a lock guards the connections."""

    def __init__(self, server: Server, progress: DatasetProgress) -> None:
        self._server = server
        self._progress = progress
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._working: set[connection] = set()

    def load(self, jobs: Iterable[Job]) -> tuple[dict[DatasetName, Loaded], dict[DatasetName, str]]:
        """Load all files; gives what became of each, or why it could not be read.

        Raises psycopg2's errors, or whatever interrupts it, when all threads have ended.
        """
        # The largest first, so that none is left alone at the end.
        ordered = sorted(jobs, key=_size, reverse=True)
        loaded: dict[DatasetName, Loaded] = {}
        failed: dict[DatasetName, str] = {}
        with ThreadPoolExecutor(FILES_AT_ONCE, thread_name_prefix="load") as threads:
            waiting = [(job.file.name, threads.submit(self._load, job)) for job in ordered]
            try:
                for name, future in waiting:
                    try:
                        loaded[name] = future.result()
                    except (DatasetDamaged, OSError) as error:
                        failed[name] = str(error)
            except BaseException:
                self._end([future for _, future in waiting])
                raise
        return loaded, failed

    def _end(self, waiting: Sequence[Future[Loaded]]) -> None:
        """Have all threads end soon, whatever the server does for them."""
        self._ending.set()
        for future in waiting:
            future.cancel()
        with self._lock:
            for opened in self._working:
                with suppress(psycopg2.Error):  # it has ended already
                    opened.cancel()

    def _check(self) -> None:
        if self._ending.is_set():
            raise _Ended

    def _load(self, job: Job) -> Loaded:
        with closing(self._server.connect()) as opened:
            with self._lock:
                self._check()
                self._working.add(opened)
            try:
                return self._load_over(opened, job)
            finally:
                with self._lock:
                    self._working.discard(opened)

    def _load_over(self, opened: connection, job: Job) -> Loaded:
        name, path = job.file.name, job.file.path
        size = _size(job)
        stays = job.stays and not job.filters

        digest, done = hashlib.sha256(), 0

        def seen(packed: bytes) -> None:
            nonlocal done
            digest.update(packed)
            done += len(packed)
            self._progress(name, "load", done, size)

        chunks = chunks_of(path, job.layout.header, seen)
        with opened, opened.cursor() as statements:
            statements.execute(SESSION)
            placing.create_table(statements, job.layout, stays=stays)
            with read_ahead(chunks) as ready:
                account = Loader(statements, job.layout).load(ready, self._check)
            if not account.loaded:
                raise _nothing_loaded(job, account)
            self._progress(name, "index", size, size)
            doubled = add_key(statements, job.layout)
            account.loaded -= doubled
            account.rejected += doubled
            self._check()
            placing.complete(statements, job.layout, stays=stays)
        account.sha256 = digest.hexdigest()
        return account


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
