"""The end of a distributed run: its account, and what the other repositories are to get."""

import heapq
import logging
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from application.composite_save import CompositeSave
from application.copying import copy_titles
from application.intervals import at_intervals
from application.outcome_log import log_outcome
from application.ports import BatchLedger, TitleRepository
from application.scrape_titles import SLOWEST_SHOWN, utc_now
from domain.batch import PARKED, BatchAccount, ParkedBatch
from domain.errors import RepositoryUnavailable, UnknownRun
from domain.identifiers import ImdbId, TitleId
from domain.run import Failure, FetchTiming, RepositoryReport, Run, RunOutcome, RunReport
from shared.log_context import note_run, run_log

logger = logging.getLogger(__name__)

LEDGERS_REPOSITORY = "postgres"
"""The repository that batches are saved in; the others get copies at the end."""

_Answer = TypeVar("_Answer")

OpenSave = Callable[[threading.Event], AbstractContextManager[CompositeSave]]
"""Opens all repositories; the event ends copying early."""


class CloseRun:
    """Writes the account of a run of which every batch is over.

    The ledger has it done by one worker at a time, and again when that one dies: copies and the
    account come out the same. Used by one thread, any number of times; ``when_closed`` is told each
    account.
    """

    def __init__(
        self,
        ledger: BatchLedger,
        open_save: OpenSave,
        *,
        lease_seconds: float,
        when_closed: Callable[[RunReport], object] = lambda report: None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._open_save = open_save
        self._pause_seconds = lease_seconds / 6
        self._when_closed = when_closed
        self._now = now

    def execute(self, run_id: str) -> RunReport | None:
        """Close a run, if nothing else of it is left and nobody else does; give its account.

        Raises `RepositoryUnavailable` when its database cannot be asked or told.
        """
        token = secrets.token_hex(8)
        if not self._ledger.close_begins(run_id, token):
            return None
        stop = threading.Event()

        def keep() -> None:
            if not self._ledger.close_begins(run_id, token):
                stop.set()

        with run_log(), at_intervals(keep, self._pause_seconds, "keep-closing"):
            note_run(run_id)
            report = self._write(run_id, stop)
        if stop.is_set():
            return None
        if report is not None:
            self._when_closed(report)
        self._ledger.closed(run_id, token)
        return report

    def _write(self, run_id: str, stop: threading.Event) -> RunReport | None:
        """Copy what others lack and keep the account; ``None`` when it had been kept before."""
        with self._open_save(stop) as save:
            record = _of_database(save, lambda repository: repository.run(run_id))
            if record is None:
                raise UnknownRun(run_id)
            if record.finished_at is not None:
                return None
            asked = _of_database(save, lambda repository: repository.asked_in(run_id))
            ids = tuple(map(TitleId, asked or ()))
            chart = _of_database(save, lambda repository: repository.chart_of(run_id))
            save.begin_run(record.run, chart, ids)
            held = save.ask(lambda repository: repository.held_since(ids, record.run))
            in_database = held.get(LEDGERS_REPOSITORY)
            if in_database is None:
                raise RepositoryUnavailable(LEDGERS_REPOSITORY, "cannot be asked, see above")
            report = account_of_run(
                record.run,
                ids,
                self._ledger.accounts(run_id),
                self._ledger.parked(run_id),
                held=in_database,
                finished_at=self._now(),
                resumed_at=self._resumed_at(run_id),
            )
            unread = _copy_to_others(save, record.run, ids, held)
            report = _with_repositories(report, save.settle(), unread)
            if stop.is_set():
                return None
            kept = save.finish_run(report)
        after = _with_repositories(report, kept, unread)
        log_outcome(after)
        return after

    def _resumed_at(self, run_id: str) -> datetime | None:
        batches = self._ledger.progress(run_id)
        return None if batches is None else batches.resumed_at


def account_of_run(
    run: Run,
    asked: Sequence[TitleId],
    accounts: Sequence[BatchAccount],
    parked: Sequence[ParkedBatch],
    *,
    held: Collection[TitleId],
    finished_at: datetime,
    resumed_at: datetime | None = None,
) -> RunReport:
    """Bring the accounts of a run's batches together; ``held`` are the titles that are saved.

    Titles that are saved and in no account are of attempts that were broken off. The account has
    what the database did with the titles, and no other repository yet.
    """
    by_source: dict[str, list[ImdbId]] = defaultdict(list)
    for account in accounts:
        for source, ids in account.fetched.items():
            by_source[source] += ids
    fetched = {imdb_id for ids in by_source.values() for imdb_id in ids}
    failures = _failures(accounts, parked, held)
    done = fetched | {failure.imdb_id for failure in failures}
    already = sum(imdb_id in held and imdb_id not in done for imdb_id in asked)
    ordered = sorted(by_source, key=lambda source: -len(by_source[source]))
    return RunReport(
        run=run,
        finished_at=max(finished_at, run.started_at),
        resumed_at=resumed_at,
        outcome=RunOutcome.COMPLETE,
        asked=len(asked),
        already_saved=already,
        fetched=len(fetched),
        failures=failures,
        not_tried=tuple(i for i in asked if i not in held and i not in done),
        repositories=(_of_batches(accounts, already),),
        fetched_from={source: len(by_source[source]) for source in ordered},
        from_other_sources={source: tuple(by_source[source]) for source in ordered[1:]},
        slowest=_slowest(accounts),
        merged={old: new for account in accounts for old, new in account.merged.items()},
        notices=tuple(dict.fromkeys(n for account in accounts for n in account.notices)),
        detail_failures=tuple(f for account in accounts for f in account.detail_failures),
    )


def _failures(
    accounts: Sequence[BatchAccount], parked: Sequence[ParkedBatch], held: Collection[TitleId]
) -> tuple[Failure, ...]:
    given_up = (
        Failure(imdb_id=imdb_id, reason=PARKED, message=f"given up: {batch.error}")
        for batch in parked
        for imdb_id in batch.ids
        if imdb_id not in held
    )
    return (*(failure for account in accounts for failure in account.failures), *given_up)


def _slowest(accounts: Sequence[BatchAccount]) -> tuple[FetchTiming, ...]:
    timings = (timing for account in accounts for timing in account.slowest)
    return tuple(heapq.nlargest(SLOWEST_SHOWN, timings, key=lambda timing: timing.seconds))


def _of_batches(accounts: Sequence[BatchAccount], already: int) -> RepositoryReport:
    """What the database did with the titles of all batches."""
    return RepositoryReport(
        name=LEDGERS_REPOSITORY,
        inserted=sum(account.inserted for account in accounts),
        updated=sum(account.updated for account in accounts),
        unchanged=sum(account.unchanged for account in accounts),
        late=sum(account.late for account in accounts),
        refused=tuple(refused for account in accounts for refused in account.refused),
        held_before=already,
    )


def _copy_to_others(
    save: CompositeSave,
    run: Run,
    asked: Sequence[TitleId],
    held: Mapping[str, Collection[TitleId]],
) -> Mapping[str, Sequence[ImdbId]]:
    """Copy what the others lack; give what could not be read for each of those that answered."""
    saved = held[LEDGERS_REPOSITORY]
    save.note_before(saved, held)
    wanted = frozenset(asked)
    known = _of_database(save, lambda repository: repository.merged_ids())
    merged = [one for one in known if one.old in wanted]
    if merged:
        save.note_merged(merged)
    now_under = {one.old: TitleId(one.new) for one in merged}
    unread: dict[str, Sequence[ImdbId]] = {}
    for name in (name for name in held if name != LEDGERS_REPOSITORY):
        lacking = {i: now_under.get(i, i) for i in asked if i in saved and i not in held[name]}
        ids = tuple(dict.fromkeys(lacking.values()))
        copies = copy_titles(save, run, ids, source=LEDGERS_REPOSITORY, to=(name,))
        read = {imdb_id for part in copies for imdb_id in part}
        unread[name] = [old for old, new in lacking.items() if new not in read]
    return unread


def _with_repositories(
    report: RunReport,
    kept: Sequence[RepositoryReport],
    unread: Mapping[str, Sequence[ImdbId]],
) -> RunReport:
    """The report with what all repositories have, and with how it ended therefore."""
    [ours, *_] = report.repositories
    refused = tuple(failure.imdb_id for failure in ours.refused)
    repositories = []
    for one in kept:
        if one.name == LEDGERS_REPOSITORY:
            told = replace(ours, holds=one.holds, location=one.location, error=one.error)
        else:
            told = replace(one, missing=(*one.missing, *unread.get(one.name, ()), *refused))
        repositories.append(told)
    unsaved = any(one.error or one.refused or one.missing for one in repositories)
    if report.not_tried:
        outcome = RunOutcome.INTERRUPTED
    elif report.failures or report.detail_failures or unsaved:
        outcome = RunOutcome.INCOMPLETE
    else:
        outcome = RunOutcome.COMPLETE
    first_ours = sorted(repositories, key=lambda one: one.name != LEDGERS_REPOSITORY)
    return replace(report, repositories=tuple(first_ours), outcome=outcome)


def _of_database(save: CompositeSave, question: Callable[[TitleRepository], _Answer]) -> _Answer:
    answers = save.ask(question, of=LEDGERS_REPOSITORY)
    if LEDGERS_REPOSITORY not in answers:
        raise RepositoryUnavailable(LEDGERS_REPOSITORY, "cannot be asked, see above")
    return answers[LEDGERS_REPOSITORY]
