"""What the folder remembers of its runs: which titles each was asked for, and how it ended.

A folder for each run, ``.runs/<run id>/``, with small files, so that a list of the latest runs
reads no ids: ``run.json`` (what run it is and, once it has finished, its counts), ``asked.txt`` (an
id a line), ``failures.json`` (what could not be fetched), and ``lock``, which those who are at work
on the run hold.

Every file is replaced at one stroke. Nothing here says which titles are saved: ``titles.csv`` does.
"""

import fcntl
import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from domain.errors import InvalidTitle, RepositoryUnavailable
from domain.identifiers import ImdbId, imdb_id
from domain.run import Failure, Run, RunOutcome, RunRecord, RunReport
from infrastructure.repositories.csv.failures import NAME, translated
from infrastructure.repositories.csv.table import replace_file

logger = logging.getLogger(__name__)

FOLDER = ".runs"
"""The name of the journal's folder, beside the CSV files."""

KEPT_RUNS = 300
"""So many of the latest runs are remembered."""

_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
_Content = TypeVar("_Content")


class _End(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended."""

    finished_at: datetime
    resumed_at: datetime | None
    outcome: RunOutcome
    already_saved: int
    fetched: int
    failed: int
    saved: dict[str, int]


class _Note(msgspec.Struct, frozen=True, kw_only=True):
    """What ``run.json`` holds."""

    run: Run
    asked: int | None = None
    end: _End | None = None


class RunJournal:
    """The runs of one folder. Writing is for whoever holds the folder's lock; reading for all.

    All raise `OSError`, or `RepositoryUnavailable` naming a file that cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / FOLDER
        self._at_work: tuple[str, int] | None = None

    def begin(self, run: Run, asked: Sequence[ImdbId] | None) -> None:
        """Note that a run is at work in this process, and the ids when they are known."""
        folder = self._made(run.run_id)
        self._be_at_work_on(run.run_id, folder)
        if asked is None:
            before = self._note(folder)
            count = None if before is None else before.asked
        else:
            _put(folder / "asked.txt", "".join(f"{i}\n" for i in asked).encode())
            count = len(asked)
        _put(folder / "run.json", _encoded(_Note(run=run, asked=count)))
        self._forget_old_ones()

    def finish(self, report: RunReport) -> None:
        """Note how a run ended; it is at work no more."""
        folder = self._made(report.run.run_id)
        failures = [
            replace(failure, message=_storable(failure.message)) for failure in report.failures
        ]
        _put(folder / "failures.json", _encoded(failures), for_good=True)
        note = _Note(run=report.run, asked=report.asked, end=_end_of(report))
        _put(folder / "run.json", _encoded(note), for_good=True)
        self.let_go()

    def let_go(self) -> None:
        """Be at work on no run."""
        if self._at_work is not None:
            os.close(self._at_work[1])
        self._at_work = None

    def newest(self, limit: int) -> list[RunRecord]:
        """Give the latest runs, the newest first; one whose note is damaged is named in the log."""
        found = (self._readable(name) for name in self._names()[:limit])
        records = [record for record in found if record is not None]
        return sorted(records, key=lambda r: (r.run.started_at, r.run.run_id), reverse=True)

    def record(self, run_id: str) -> RunRecord | None:
        """Give what is known of a run, or ``None`` for nothing."""
        folder = self._folder(run_id)
        note = None if folder is None else self._note(folder)
        if folder is None or note is None:
            return None
        if note.end is None:
            return RunRecord(run=note.run, asked=note.asked, at_work=_is_locked(folder))
        return RunRecord(
            run=note.run,
            asked=note.asked,
            **{name: getattr(note.end, name) for name in note.end.__struct_fields__},
        )

    def _readable(self, run_id: str) -> RunRecord | None:
        try:
            return self.record(run_id)
        except RepositoryUnavailable as error:
            logger.warning("a run is left out: %s", error)
            return None

    def asked_in(self, run_id: str) -> tuple[ImdbId, ...] | None:
        """Give the ids that a run was asked for; ``None`` when they are not known."""
        folder = self._folder(run_id)
        data = None if folder is None else _content(folder / "asked.txt")
        if folder is None or data is None:
            return None
        try:
            return tuple(map(imdb_id, data.decode().split()))
        except (UnicodeDecodeError, InvalidTitle) as error:
            raise _damaged(folder / "asked.txt", error) from error

    def failures_of(self, run_id: str) -> tuple[Failure, ...]:
        """Give what a run could not fetch, and why."""
        folder = self._folder(run_id)
        return (
            () if folder is None else self._read(folder / "failures.json", tuple[Failure, ...], ())
        )

    def _folder(self, run_id: str) -> Path | None:
        """Where a run is noted; ``None`` for what is no run's id and must not become a path."""
        return self._directory / run_id if _RUN_ID.fullmatch(run_id) else None

    def _made(self, run_id: str) -> Path:
        folder = self._folder(run_id)
        if folder is None:
            raise RepositoryUnavailable(NAME, f"{run_id!r} cannot be the id of a run")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _names(self) -> list[str]:
        """The ids of all runs, the newest first: they sort by time."""
        try:
            names = os.listdir(self._directory)  # noqa: PTH208 - names are wanted, not paths
        except FileNotFoundError:
            return []
        return sorted((name for name in names if _RUN_ID.fullmatch(name)), reverse=True)

    def _note(self, folder: Path) -> _Note | None:
        return self._read(folder / "run.json", _Note, None)

    def _read(self, path: Path, kind: type[_Content], otherwise: _Content) -> _Content:
        data = _content(path)
        if data is None:
            return otherwise
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError as error:
            raise _damaged(path, error) from error

    def _be_at_work_on(self, run_id: str, folder: Path) -> None:
        """Hold the run's lock, with any others at work on it; the kernel drops it when we die."""
        if self._at_work is not None and self._at_work[0] == run_id:
            return
        self.let_go()
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        # Others keep it from us for no longer than a look takes.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        self._at_work = run_id, descriptor

    def _forget_old_ones(self) -> None:
        for name in self._names()[KEPT_RUNS:]:
            if not _is_locked(self._directory / name):
                shutil.rmtree(self._directory / name)


def newest_runs(directory: Path, limit: int) -> list[RunRecord]:
    """Give the latest runs of a folder without opening its repository: a look at small files.

    Raises `RepositoryUnavailable` when a file of them cannot be read.
    """
    with translated(directory):
        return RunJournal(directory).newest(limit)


def run_of(directory: Path, run_id: str) -> RunRecord | None:
    """Give one run of a folder, or ``None``; as `newest_runs`."""
    with translated(directory):
        return RunJournal(directory).record(run_id)


def _end_of(report: RunReport) -> _End:
    saved: Mapping[str, int] = {kept.name: kept.saved for kept in report.repositories}
    return _End(
        finished_at=report.finished_at,
        resumed_at=report.resumed_at,
        outcome=report.outcome,
        already_saved=report.already_saved,
        fetched=report.fetched,
        failed=len(report.failures),
        saved=dict(saved),
    )


def _storable(text: str) -> str:
    """The text without lone surrogates, which no UTF-8 has: a message may quote a damaged page."""
    return text.encode("utf-8", "replace").decode()


def _encoded(content: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"


def _put(path: Path, data: bytes, *, for_good: bool = False) -> None:
    """Replace a file at one stroke.

    It survives the death of this process; a power cut only ``for_good``, which takes the disk some
    time, and titles are waiting for the notes of the beginning.
    """
    temporary = path.with_name(f".{path.name}.new")
    if for_good:
        replace_file(path, temporary, [data])
    else:
        temporary.write_bytes(data)
        temporary.replace(path)


def _content(path: Path) -> bytes | None:
    """What is in a file; ``None`` without one, or with one that a power cut has left empty."""
    try:
        return path.read_bytes() or None
    except (FileNotFoundError, NotADirectoryError):
        return None


def _damaged(path: Path, problem: object) -> RepositoryUnavailable:
    return RepositoryUnavailable(
        NAME, f"{path} is damaged ({problem}): remove the folder {path.parent}, no title is in it"
    )


def _is_locked(folder: Path) -> bool:
    """Whether a process is at work on the run."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
