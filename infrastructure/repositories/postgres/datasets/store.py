"""Imports dataset files: loads them aside, and puts all of them in place in one transaction."""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from psycopg2.extensions import connection, cursor

from application.ports import DatasetProgress
from domain.datasets import (
    DatasetFile,
    DatasetFilter,
    DatasetName,
    FileAccount,
    ImportOutcome,
    check_choice,
)
from domain.errors import DatasetsUnusable
from infrastructure.repositories.postgres.connections import Server
from infrastructure.repositories.postgres.datasets import placing
from infrastructure.repositories.postgres.datasets.loading import Loaded
from infrastructure.repositories.postgres.datasets.loading_files import SESSION, FileLoader, Job
from infrastructure.repositories.postgres.datasets.schema import make_known_titles, make_schema
from infrastructure.repositories.postgres.datasets.table_layout import LAYOUTS, LOADING, SCHEMA
from infrastructure.repositories.postgres.errors import translated
from infrastructure.repositories.postgres.migrations import apply_migrations, is_new

# ruff: noqa: S608 - all names are constants of the layout

_Made = TypeVar("_Made")

_LOCK_KEY = 7_204_163_520
"""Our key among PostgreSQL's advisory locks: held by the session of an import."""

_CLEAR = f"DROP SCHEMA IF EXISTS {LOADING} CASCADE"
_MAKE_REJECTS = f"CREATE UNLOGGED TABLE {LOADING}.rejects (LIKE {SCHEMA}.rejects)"

_KNOWN = f"""
    SELECT name, sha256, choice, lines, loaded, filtered, rejected, unknown_titles, unknown_names
    FROM {SCHEMA}.files
"""

_NOTE_FILE = f"""
    INSERT INTO {SCHEMA}.files (name, etag, sha256, choice, lines, loaded, filtered, rejected,
        file_time, imported_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (name) DO UPDATE SET etag = EXCLUDED.etag, sha256 = EXCLUDED.sha256,
        choice = EXCLUDED.choice, lines = EXCLUDED.lines, loaded = EXCLUDED.loaded,
        filtered = EXCLUDED.filtered, rejected = EXCLUDED.rejected,
        file_time = EXCLUDED.file_time, imported_at = EXCLUDED.imported_at
"""

_FORGET_REJECTS = f"DELETE FROM {SCHEMA}.rejects WHERE file = %s"
_NOTE_REJECTS = f"""
    INSERT INTO {SCHEMA}.rejects SELECT * FROM {LOADING}.rejects WHERE file = %s
"""

_FORGET_UNKNOWN = f"UPDATE {SCHEMA}.files SET unknown_titles = NULL, unknown_names = NULL"
_NOTE_UNKNOWN = f"UPDATE {SCHEMA}.files SET unknown_titles = %s, unknown_names = %s WHERE name = %s"


@dataclass(frozen=True, slots=True)
class _Known:
    """What was imported last of a file."""

    sha256: str
    choice: str
    account: FileAccount


class DatasetTables:
    """Fulfils `DatasetStore`. One thread may call it; it uses threads of its own."""

    def __init__(self, url: str, *, connect_timeout_seconds: int = 5) -> None:
        self._server = Server(url, connect_timeout_seconds=connect_timeout_seconds)

    def import_files(
        self,
        files: Sequence[DatasetFile],
        choice: DatasetFilter,
        progress: DatasetProgress,
        *,
        checks_ids: bool = False,
    ) -> list[FileAccount]:
        """Import files; as `DatasetStore.import_files`."""
        check_choice([file.name for file in files], choice)
        with translated(), self._importing() as (main, is_empty):
            known = _known(main)
            digests, failed = _digests(files, known.keys() | choice.rests_on)
            jobs, skipped = [], []
            for file in files:
                if file.name in failed:
                    continue
                full_choice = _full_choice(file.name, choice, digests)
                before = known.get(file.name)
                if before and (before.sha256, before.choice) == (digests[file.name], full_choice):
                    skipped.append(before.account)
                else:
                    jobs.append(_job(main, file, full_choice, choice))
            beside = [apply_migrations] if is_empty else []
            loaded, not_loaded = FileLoader(self._server, progress).load(jobs, beside)
            if is_empty:
                with main, main.cursor() as statements:
                    make_known_titles(statements)
            failed |= not_loaded
            failed |= _without_what_they_rest_on(jobs, choice, failed)
            placed = [job for job in jobs if job.file.name not in failed]

            def place_all(statements: cursor) -> list[FileAccount]:
                accounts = _place_all(statements, placed, loaded, choice, progress)
                if accounts or checks_ids:
                    return _with_unknown(statements, accounts + skipped, checks_ids=checks_ids)
                return skipped

            accounts = _interruptible(main, place_all)
        accounts += [
            FileAccount(name=name, outcome=ImportOutcome.FAILED, problem=problem)
            for name, problem in failed.items()
        ]
        order = list(DatasetName)
        return sorted(accounts, key=lambda account: order.index(account.name))

    @contextmanager
    def _importing(self) -> Iterator[tuple[connection, bool]]:
        """A session beside which nobody imports, and an empty place to load into.

        Also whether the tables of scraped titles are still to be made, and `make_known_titles` is
        to be called then: that takes a while, and so is done while the files are loaded.
        """
        with closing(self._server.connect()) as main:
            is_empty = is_new(main)
            if not is_empty:
                apply_migrations(main)
            with main, main.cursor() as statements:
                statements.execute(SESSION)
                statements.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK_KEY,))
                if statements.fetchone() != (True,):
                    raise DatasetsUnusable(
                        "another import into this database is at work: let it finish first"
                    )
                make_schema(statements)
                if not is_empty:
                    make_known_titles(statements)
                statements.execute(_CLEAR)
                statements.execute(f"CREATE SCHEMA {LOADING}")
                statements.execute(_MAKE_REJECTS)
            try:
                yield main, is_empty
            finally:
                # Nothing is lost when this fails: the next import clears up first.
                if not main.closed:
                    main.rollback()
                    with main, main.cursor() as statements:
                        statements.execute(_CLEAR)


def _interruptible(main: connection, work: Callable[[cursor], _Made]) -> _Made:
    """Work in one transaction that a signal can end: another thread waits for the server."""

    def run() -> _Made:
        with main, main.cursor() as statements:
            return work(statements)

    with ThreadPoolExecutor(1, thread_name_prefix="place") as thread:
        made = thread.submit(run)
        try:
            return made.result()
        except BaseException:
            main.cancel()
            raise


def _known(main: connection) -> dict[DatasetName, _Known]:
    with main, main.cursor() as statements:
        statements.execute(_KNOWN)
        rows = statements.fetchall()
    return {
        DatasetName(name): _Known(
            sha256,
            choice,
            FileAccount(
                name=DatasetName(name), outcome=ImportOutcome.SKIPPED, lines=lines, loaded=loaded,
                filtered=filtered, rejected=rejected, unchanged=loaded,
                unknown_titles=unknown_titles, unknown_names=unknown_names,
            ),
        )
        for (name, sha256, choice, lines, loaded, filtered, rejected, unknown_titles,
             unknown_names) in rows
    }  # fmt: skip


def _digests(
    files: Sequence[DatasetFile], needed: Collection[DatasetName]
) -> tuple[dict[DatasetName, str], dict[DatasetName, str]]:
    """The SHA-256 of each file that is needed and can be read, and why the others cannot."""
    digests, failed = {}, {}
    for file in files:
        if file.name not in needed:
            continue
        try:
            with file.path.open("rb") as opened:
                digests[file.name] = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            failed[file.name] = f"{file.path}: {error.strerror or error}"
    return digests, failed


def _full_choice(
    name: DatasetName, choice: DatasetFilter, digests: Mapping[DatasetName, str]
) -> str:
    """The choice with the files that it rests on: another list of votes, another choice."""
    if not choice or not name.is_of_titles:
        return ""
    rests_on = [f"{other.value}={digests.get(other, '')}" for other in choice.rests_on]
    return " ".join([str(choice), *rests_on])


def _job(main: connection, file: DatasetFile, full_choice: str, choice: DatasetFilter) -> Job:
    layout = LAYOUTS[file.name]
    with main, main.cursor() as statements:
        stays = not placing.holds_rows(statements, layout)
    filters = bool(choice) and file.name.is_of_titles
    return Job(file, full_choice, layout, stays=stays, filters=filters)


def _without_what_they_rest_on(
    jobs: Sequence[Job], choice: DatasetFilter, failed: Collection[DatasetName]
) -> dict[DatasetName, str]:
    """The files that cannot be filtered, because one that says what to keep has failed."""
    missing = [name.value for name in choice.rests_on if name in failed]
    return {
        job.file.name: f"{job.file.path}: not imported, because {' and '.join(missing)} was not,"
        " which says what titles to keep"
        for job in jobs
        if missing and job.filters and job.file.name not in failed
    }


def _place_all(
    statements: cursor,
    jobs: Sequence[Job],
    loaded: Mapping[DatasetName, Loaded],
    choice: DatasetFilter,
    progress: DatasetProgress,
) -> list[FileAccount]:
    """Put everything in place, inside the caller's transaction; gives the accounts."""
    if any(job.filters for job in jobs):
        placing.choose_titles(statements, choice, [job.file.name for job in jobs])
    accounts = []
    for job in jobs:
        progress(job.file.name, "place", 1, 1)
        accounts.append(_placed(statements, job, loaded[job.file.name]))
    return accounts


def _placed(statements: cursor, job: Job, loaded: Loaded) -> FileAccount:
    name = job.file.name
    rows = loaded.loaded
    if job.filters:
        rows = placing.keep_chosen(statements, job.layout, stays=job.stays)
    changes = placing.place(statements, job.layout, rows)
    account = FileAccount(
        name=name,
        outcome=ImportOutcome.IMPORTED,
        lines=loaded.lines,
        loaded=rows,
        filtered=loaded.loaded - rows,
        rejected=loaded.rejected,
        inserted=changes.inserted,
        updated=changes.updated,
        unchanged=rows - changes.inserted - changes.updated,
        removed=changes.removed,
    )
    statements.execute(
        _NOTE_FILE,
        (
            name.value, job.file.etag, loaded.sha256, job.choice, account.lines, account.loaded,
            account.filtered, account.rejected, job.file.modified_at, datetime.now(UTC),
        ),
    )  # fmt: skip
    statements.execute(_FORGET_REJECTS, (name.value,))
    statements.execute(_NOTE_REJECTS, (name.value,))
    return account


def _with_unknown(
    statements: cursor, accounts: Sequence[FileAccount], *, checks_ids: bool
) -> list[FileAccount]:
    """The accounts with the ids that no other file has, counted anew or not known any more."""
    statements.execute(_FORGET_UNKNOWN)
    unknown: dict[DatasetName, tuple[int | None, int | None]] = {}
    for layout in LAYOUTS.values() if checks_ids else ():
        if not placing.holds_rows(statements, layout):
            continue
        titles = placing.count_unknown(statements, layout, layout.titles, DatasetName.TITLE_BASICS)
        names = placing.count_unknown(statements, layout, layout.names, DatasetName.NAME_BASICS)
        statements.execute(_NOTE_UNKNOWN, (titles, names, layout.name.value))
        unknown[layout.name] = (titles, names)
    return [
        replace(account, unknown_titles=titles, unknown_names=names)
        for account in accounts
        for titles, names in [unknown.get(account.name, (None, None))]
    ]
