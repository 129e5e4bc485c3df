"""Continue a run that was stopped: fetch only what no repository has yet."""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from application.composite_save import CompositeSave
from application.copying import copy_titles
from application.run_history import WITHOUT_RESUME, RunHistory, can_be_continued
from application.scrape_chart import ScrapeChart
from application.scrape_titles import ScrapeTitles, utc_now
from domain.details import DetailName
from domain.errors import NothingToDo, RunAtWork
from domain.identifiers import TitleId
from domain.run import Run, RunRecord, RunReport

logger = logging.getLogger(__name__)

WAIT_SECONDS = 5.0
"""Longest wait for a run that seems to be at work: it may just have been killed."""

_POLL_SECONDS = 0.1

_Held = Mapping[str, frozenset[TitleId]]
"""Which titles of the run each repository has that could be asked."""


class ResumePlan:
    """Says which run is to be continued, and what it was asked for.

    Used by one thread; ``save`` is an open `CompositeSave`. ``details`` are asked for besides those
    that the run was begun with.
    """

    def __init__(
        self, save: CompositeSave, *, sources: Sequence[str], details: Sequence[DetailName] = ()
    ) -> None:
        self._history = RunHistory(save)
        self._sources = tuple(sources)
        self._details = tuple(details)

    def make(self, run_id: str | None) -> tuple[Run, tuple[TitleId, ...] | None]:
        """Give the run ``run_id``, or the newest that was stopped, and its titles.

        ``None``: it was stopped before it had read its chart. Raises `NothingToDo`, `UnknownRun`
        or `RunAtWork`, and `RepositoryUnavailable` when no repository can be asked.
        """
        record = self._newest() if run_id is None else self._named(run_id)
        details = dict.fromkeys((*record.run.details, *self._details))
        run = replace(record.run, sources=self._sources, details=tuple(details))
        asked = self._asked_in(run)
        if asked is None and run.chart is None:
            raise NothingToDo(f"which titles run {run.run_id} was asked for is not known")
        return run, asked

    def _newest(self) -> RunRecord:
        for record in self._history.latest():
            stopped = self._once_stopped(record) if record.at_work else record
            if can_be_continued(stopped):
                return stopped
        self._history.need_all()
        raise NothingToDo("there is no run to continue: none was stopped before its end")

    def _named(self, run_id: str) -> RunRecord:
        record = self._once_stopped(self._history.named(run_id))
        if can_be_continued(record):
            return record
        if record.run.command in WITHOUT_RESUME:
            raise NothingToDo(f"run {run_id} is a {record.run.command}: start it anew")
        raise NothingToDo(f"run {run_id} has tried all of its titles: there is nothing to continue")

    def _once_stopped(self, record: RunRecord) -> RunRecord:
        """Give the record of a run that is not at work, or wait a little for that."""
        deadline = time.monotonic() + WAIT_SECONDS
        while record.at_work:
            if time.monotonic() > deadline:
                raise RunAtWork(record.run.run_id)
            time.sleep(_POLL_SECONDS)
            record = self._history.named(record.run.run_id)
        return record

    def _asked_in(self, run: Run) -> tuple[TitleId, ...] | None:
        answers = self._history.ask(lambda repository: repository.asked_in(run.run_id))
        asked = next((ids for ids in answers.values() if ids is not None), None)
        return None if asked is None else tuple(map(TitleId, asked))


class ResumeRun:
    """Continues a run under its own id, with the same repositories, sources and rules as ever.

    The repositories say what is saved already; there is no other book of it. What all have is left
    alone, what some have is copied to the others, what none has is fetched, also if it failed
    before. Used by one thread, once; ``save`` is an open `CompositeSave`. ``details`` are asked for
    besides those that the run was begun with; ``gives`` has those that any source can give.
    """

    def __init__(
        self,
        save: CompositeSave,
        scrape_chart: ScrapeChart,
        scrape_titles: ScrapeTitles,
        *,
        sources: Sequence[str],
        details: Sequence[DetailName] = (),
        gives: Collection[DetailName] = tuple(DetailName),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._save = save
        self._plan = ResumePlan(save, sources=sources, details=details)
        self._scrape_chart = scrape_chart
        self._scrape_titles = scrape_titles
        self._gives = gives
        self._now = now

    def execute(
        self, run_id: str | None, limit: int, begun: Callable[[Run], None] = lambda run: None
    ) -> RunReport:
        """Continue the run ``run_id``, or the newest one that was stopped; give the account.

        A run that was stopped before it had read its chart reads it now, and takes its first
        ``limit`` titles. ``begun`` is told the run when it is sure that it goes on. Raises
        `NothingToDo`, `UnknownRun` or `RunAtWork` before anything is begun, and
        `RepositoryUnavailable` when no repository can be asked.
        """
        run, asked = self._plan.make(run_id)
        resumed_at = self._now()
        begun(run)
        if asked is not None:
            return self._continue(run, asked, resumed_at)
        assert run.chart is not None  # noqa: S101 - says the plan
        return self._scrape_chart.execute(run.chart, limit, run, resumed_at=resumed_at)

    def _continue(self, run: Run, asked: Sequence[TitleId], resumed_at: datetime) -> RunReport:
        charts = self._save.ask(lambda repository: repository.chart_of(run.run_id))
        chart = next((chart for chart in charts.values() if chart is not None), None)
        self._save.begin_run(run, chart, asked)
        # A detail that no source gives would have every title fetched again, for nothing.
        wanted = replace(run, details=tuple(name for name in run.details if name in self._gives))
        held = self._save.ask(lambda repository: repository.held_since(asked, wanted))
        saved = self._level(run, asked, held)
        logger.info(
            "run %s goes on: %d of %d titles are saved already",
            run.run_id, len(saved), len(asked),
        )  # fmt: skip
        return self._scrape_titles.fetch_rest(asked, run, saved_before=saved, resumed_at=resumed_at)

    def _level(self, run: Run, asked: Sequence[TitleId], held: _Held) -> frozenset[TitleId]:
        """Copy what some repositories have to the others; give what need not be fetched.

        What cannot be read where it is held is fetched after all.
        """
        unread: set[TitleId] = set()
        for (source, targets), ids in _what_to_copy(asked, held).items():
            unread |= set(ids)
            for done in copy_titles(self._save, run, ids, source=source, to=targets):
                unread -= set(done)
        saved = frozenset().union(*held.values()) - unread
        self._save.note_before(saved, held)
        return saved


def _what_to_copy(
    asked: Sequence[TitleId], held: _Held
) -> dict[tuple[str, tuple[str, ...]], list[TitleId]]:
    """Give the titles that only some have, by one that has them and those that lack them."""
    plan: dict[tuple[str, tuple[str, ...]], list[TitleId]] = defaultdict(list)
    for imdb_id in asked:
        having = [name for name, ids in held.items() if imdb_id in ids]
        if having and len(having) < len(held):
            plan[having[0], tuple(name for name in held if name not in having)].append(imdb_id)
    return plan
