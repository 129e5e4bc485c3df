"""Scrape the titles of a chart."""

from application.composite_save import CompositeSave
from application.ports import RunObserver
from application.scrape_titles import ScrapeTitles, utc_now
from application.source_chain import SourceChain
from domain.chart import ChartName
from domain.errors import NotAsked, SourceError, TitleError
from domain.run import Run, RunOutcome, RunReport


class ScrapeChart:
    """Reads a chart, then has `ScrapeTitles` fetch and save its titles."""

    def __init__(
        self,
        source: SourceChain,
        save: CompositeSave,
        observer: RunObserver,
        scrape_titles: ScrapeTitles,
    ) -> None:
        self._source = source
        self._save = save
        self._observer = observer
        self._scrape_titles = scrape_titles

    def execute(self, name: ChartName, limit: int, run: Run) -> RunReport:
        """Scrape the first ``limit`` titles of the chart; give the account of the run.

        When the chart cannot be read the report says so (nothing was asked for, nothing is lost).
        """
        try:
            chart = self._source.chart(name).first(limit)
        except (SourceError, TitleError) as error:
            return self._without_chart(run, error)
        ids = [entry.title_id for entry in chart.entries]
        return self._scrape_titles.execute(ids, run, chart=chart)

    def _without_chart(self, run: Run, error: SourceError | TitleError) -> RunReport:
        self._save.begin_run(run, None)
        message = f"the chart could not be read: {error}"
        if not self._source.exhausted:  # else the chain has said it
            self._observer.notice(message)
        report = RunReport(
            run=run,
            finished_at=utc_now(),
            outcome=_outcome(error),
            asked=0,
            fetched=0,
            repositories=self._save.settle(),
            fetched_from={},
            notices=(message,),
        )
        self._save.finish_run(report)
        return report


def _outcome(error: SourceError | TitleError) -> RunOutcome:
    if isinstance(error, NotAsked):
        return RunOutcome.INTERRUPTED
    return RunOutcome.NO_SOURCE if isinstance(error, SourceError) else RunOutcome.INCOMPLETE
