"""The runs that the repositories remember, brought together."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from application.composite_save import CompositeSave
from application.ports import RepositoryOpener, TitleRepository
from domain.chart import ChartName
from domain.errors import RepositoryUnavailable, UnknownRun
from domain.run import PEOPLE, RunRecord

LATEST_RUNS = 100
"""So many of the latest runs are looked through for one to continue or to try again."""

OFFERED_FOR = timedelta(days=1)
"""A new run of a chart offers to continue an unfinished one that began no longer ago."""

WITHOUT_RESUME = frozenset({"demo", "repair", PEOPLE})
"""What is simply started again: the demo's site has gone, a repair looks anew anyway, and people
are asked for by name."""

_Answer = TypeVar("_Answer")


def merged(accounts: Iterable[Sequence[RunRecord]]) -> list[RunRecord]:
    """Give each run once, the newest first, from the accounts of several repositories.

    They differ when one of them was out of reach: at work counts before finished, the later finish
    before an earlier one, and any before none.
    """
    found: dict[str, RunRecord] = {}
    for record in (record for account in accounts for record in account):
        known = found.get(record.run.run_id)
        found[record.run.run_id] = record if known is None else _the_better_known(known, record)
    newest_first = sorted(found.values(), key=lambda r: (r.run.started_at, r.run.run_id))
    return newest_first[::-1]


def _the_better_known(one: RunRecord, other: RunRecord) -> RunRecord:
    def how_telling(record: RunRecord) -> tuple[bool, bool, float]:
        finished = record.finished_at
        return record.at_work, finished is not None, finished.timestamp() if finished else 0.0

    better = max(one, other, key=how_telling)
    asked = [record.asked for record in (one, other) if record.asked is not None]
    return replace(better, asked=max(asked, default=None))


def can_be_continued(record: RunRecord) -> bool:
    """Whether a run was stopped before it had tried everything, and can go on.

    While it is at work it is not stopped.
    """
    if record.at_work or record.run.command in WITHOUT_RESUME:
        return False
    if record.finished_at is not None:
        return bool(record.not_tried)
    # Which titles were named on the command line nobody can read anew, as the chart can be.
    return record.asked is not None or record.run.chart is not None


def worth_offering(
    records: Iterable[RunRecord], chart: ChartName, now: datetime
) -> RunRecord | None:
    """Give the newest run of the chart when it was stopped less than a day ago, else ``None``.

    A run that was stopped before it had read the chart has nothing to offer.
    """
    of_chart = (r for r in records if r.run.command == "chart" and r.run.chart is chart)
    newest = next((record for record in of_chart if not record.at_work), None)
    if newest is None or not newest.asked or now - newest.run.started_at >= OFFERED_FOR:
        return None
    return newest if can_be_continued(newest) else None


class RunHistory:
    """Asks the open repositories of a run for earlier runs. Used by the thread of the run.

    Raises `RepositoryUnavailable` when none of them can be asked.
    """

    def __init__(self, save: CompositeSave) -> None:
        self._save = save

    def latest(self) -> list[RunRecord]:
        """Give the latest runs, the newest first."""
        answers = self.ask(lambda repository: repository.runs(LATEST_RUNS))
        return merged(answers.values())

    def named(self, run_id: str) -> RunRecord:
        """Give one run. Raises `UnknownRun` when no repository that can be asked knows it."""
        answers = self.ask(lambda repository: repository.run(run_id))
        known = [[record] for record in answers.values() if record is not None]
        if not known:
            raise UnknownRun(run_id)
        return merged(known)[0]

    def need_all(self) -> None:
        """Raise `RepositoryUnavailable` when one cannot be asked: it may know what others do not.

        To be called before it is said that there is nothing to do.
        """
        asked = self.ask(lambda repository: True)
        silent = [name for name in self._save.names if name not in asked]
        if silent:
            raise RepositoryUnavailable(
                " and ".join(silent), "cannot be asked, and may know of runs that others do not"
            )

    def look_up(self, limit: int, found: Callable[[Sequence[RunRecord]], None]) -> None:
        """Have ``found`` told the latest runs of each repository, in its lane, once it is open."""
        self._save.tell(lambda repository: found(repository.runs(limit)))

    def ask(self, question: Callable[[TitleRepository], _Answer]) -> dict[str, _Answer]:
        """Give the answers of those that can be asked, by their names."""
        answers = self._save.ask(question)
        if not answers:
            raise RepositoryUnavailable(
                " and ".join(self._save.names), "cannot be asked for earlier runs, see above"
            )
        return answers


def read_history(
    openers: Iterable[RepositoryOpener], limit: int
) -> tuple[list[RunRecord], list[RepositoryUnavailable]]:
    """Open each repository in turn and ask it: the latest runs, and why some could not be asked."""
    accounts: list[Sequence[RunRecord]] = []
    unavailable: list[RepositoryUnavailable] = []
    for opener in openers:
        try:
            with ExitStack() as stack:
                accounts.append(stack.enter_context(opener.open()).runs(limit))
        except RepositoryUnavailable as error:
            unavailable.append(error)
    return merged(accounts)[:limit], unavailable
