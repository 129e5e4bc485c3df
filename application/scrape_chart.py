"""Scrape the titles of a chart."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from application.composite_save import CompositeSave
from application.detail_fetcher import UnexpectedFailure
from application.guarded_observer import GuardedObserver
from application.outcome_log import log_outcome
from application.ports import RunObserver
from application.scrape_titles import RunClock, ScrapeTitles, utc_now
from application.source_chain import SourceChain
from domain.chart import Chart, ChartName
from domain.errors import RunStopped, ScraperError, SourceError, TitleError
from domain.run import Run, RunOutcome, RunReport
from shared.log_context import in_log_context

logger = logging.getLogger(__name__)


class ScrapeChart:
    """Reads a chart, then has `ScrapeTitles` fetch and save its titles. Used by one thread."""

    def __init__(
        self,
        source: SourceChain,
        save: CompositeSave,
        observer: RunObserver,
        scrape_titles: ScrapeTitles,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._source = source
        self._save = save
        self._observer = GuardedObserver(observer)
        self._scrape_titles = scrape_titles
        self._clock = RunClock(now)

    def execute(
        self, name: ChartName, limit: int, run: Run, *, resumed_at: datetime | None = None
    ) -> RunReport:
        """Keep the chart as it is, scrape its first ``limit`` titles, give the account of the run.

        When the chart cannot be read the report says so (nothing was asked for, nothing is lost).
        """
        # While the chart is being read: a run that is killed meanwhile is known all the same.
        self._save.begin_run(run, None)
        chart = self._read(name)
        if isinstance(chart, ScraperError):
            return self._without_chart(run, chart, resumed_at)
        ids = [entry.title_id for entry in chart.first(limit).entries]
        return self._scrape_titles.execute(ids, run, chart=chart, resumed_at=resumed_at)

    def _read(self, name: ChartName) -> Chart | ScraperError:
        """Read the chart in a thread of its own.

        Whoever runs the use case may be the thread that signal handlers interrupt, and a handler
        that sets an event while its own thread waits for that event can wait for ever.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="chart") as thread:
            try:
                return thread.submit(in_log_context(self._source.chart), name).result()
            except (SourceError, TitleError) as error:
                return error
            except Exception as error:
                logger.exception("unexpected failure of the chart %s", name)
                return UnexpectedFailure(f"{type(error).__name__}: {error}")

    def _without_chart(
        self, run: Run, error: ScraperError, resumed_at: datetime | None
    ) -> RunReport:
        message = f"the chart could not be read: {error}"
        if not self._source.exhausted:  # else the chain has said it
            self._observer.notice(message)
        report = RunReport(
            run=run,
            finished_at=self._clock.finished_at(run),
            outcome=_outcome(error),
            asked=0,
            fetched=0,
            resumed_at=resumed_at,
            repositories=self._save.settle(),
            fetched_from={},
            notices=(*self._source.notices, message),
        )
        report = replace(report, repositories=self._save.finish_run(report))
        log_outcome(report)
        return report


def _outcome(error: ScraperError) -> RunOutcome:
    if isinstance(error, RunStopped):
        return RunOutcome.INTERRUPTED
    return RunOutcome.NO_SOURCE if isinstance(error, SourceError) else RunOutcome.INCOMPLETE
