"""Going on with earlier runs: `resume`, `retry`, and what the batch run says of one unfinished."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import click

from application.run_history import RunHistory, worth_offering
from application.scrape_titles import utc_now
from domain.chart import ChartName
from domain.errors import NothingToDo, RepositoryUnavailable, RunAtWork, UnknownRun
from domain.run import Run, RunRecord, RunReport
from infrastructure.cli.exit_status import SAVED
from infrastructure.cli.options import given_again
from infrastructure.cli.report_file import read_failed_run
from infrastructure.cli.runs import run_and_report
from infrastructure.container import App, latest_runs, repositories_with_data
from shared.config import Settings
from shared.log_context import note_run
from shared.wording import counted

logger = logging.getLogger(__name__)

LOOKED_AT = 20
"""So many of the latest runs are looked at for one of the same chart."""


def batch_run(settings: Settings, *, resume: bool | None, profile: bool) -> int:
    """Scrape the chart of the settings, or go on with a run of it that was stopped.

    ``resume`` says which when there is one younger than a day. With ``None`` a person at a terminal
    is asked; otherwise the run is fresh, and says how to continue the other. Gives the exit status.
    """
    with ExitStack() as stack:
        if resume is False:
            return _fresh_run(settings, profile)
        is_asked = sys.stdin.isatty() and sys.stderr.isatty()
        if resume is None and not is_asked and "csv" not in settings.repositories:
            # To ask a database takes longer: it is asked while the chart is fetched.
            return _fresh_run(settings, profile, _tell_of_unfinished(ChartName(settings.chart)))
        found = stack.enter_context(_unfinished(settings))
        if found is not None and _goes_on(found, resume=resume, is_asked=is_asked):
            return _resume(settings, found.run.run_id, profile)
        if found is None and resume:
            logger.info("no run of the chart %s was stopped in the last day", settings.chart)
        return _fresh_run(settings, profile)


def resume_run(settings: Settings, run_id: str | None, *, profile: bool) -> int:
    """Continue a run, or the newest that was stopped; give the exit status."""
    if not repositories_with_data(settings):
        return _without_data(settings, run_id)
    return _resume(settings, run_id, profile)


def retry_run(
    settings: Settings, run_id: str | None, *, with_not_found: bool, profile: bool
) -> int:
    """Fetch again what failed in a run, or in the newest with failures; give the exit status."""
    reported = read_failed_run(settings.output_dir)
    if reported is None and not repositories_with_data(settings):
        return _without_data(settings, run_id)

    def retry(app: App, run: Run) -> RunReport:
        return app.retry_failures.execute(
            run, of=run_id, with_not_found=with_not_found, reported=reported
        )

    return _explained(lambda: run_and_report(settings, "retry", retry, profile=profile))


def _resume(settings: Settings, run_id: str | None, profile: bool) -> int:
    def resume(app: App, _new: Run) -> RunReport:
        if run_id is not None:
            note_run(run_id)
        return app.resume_run.execute(run_id, settings.limit)

    return _explained(lambda: run_and_report(settings, "resume", resume, profile=profile))


def _fresh_run(
    settings: Settings, profile: bool, first: Callable[[RunHistory], None] | None = None
) -> int:
    def scrape(app: App, run: Run) -> RunReport:
        if first is not None:
            first(app.history)
        return app.scrape_chart.execute(ChartName(settings.chart), settings.limit, run)

    return run_and_report(settings, "chart", scrape, profile=profile)


def _explained(do: Callable[[], int]) -> int:
    """Do it; say in a line why it was not begun, if it was not."""
    try:
        return do()
    except NothingToDo as error:
        click.echo(f"Nothing to do: {error}.")
        return SAVED
    except (UnknownRun, RunAtWork) as error:
        raise click.UsageError(f"{error}; nothing was started") from error
    except RepositoryUnavailable as error:
        raise click.ClickException(str(error)) from error


def _without_data(settings: Settings, run_id: str | None) -> int:
    if run_id is not None:
        raise click.UsageError(f"no run {run_id} is known: there is no data yet")
    click.echo(f"Nothing to do: there is no data in {settings.output_dir} yet, see OUTPUT_DIR.")
    return SAVED


@contextmanager
def _unfinished(settings: Settings) -> Iterator[RunRecord | None]:
    """The run that is worth offering; ``None`` when runs cannot be read: the new run says why."""
    with ExitStack() as stack:
        try:
            records = stack.enter_context(latest_runs(settings, LOOKED_AT))
        except RepositoryUnavailable as error:
            logger.warning("earlier runs cannot be read: %s", error)
            records = []
        yield worth_offering(records, ChartName(settings.chart), utc_now())


def _goes_on(found: RunRecord, *, resume: bool | None, is_asked: bool) -> bool:
    if resume is not None:
        return resume
    if is_asked:
        return click.confirm(f"{_described(found)} Continue it?", default=True, err=True)
    _say_how_to_continue(found)
    return False


def _tell_of_unfinished(chart: ChartName) -> Callable[[RunHistory], None]:
    def tell(records: Sequence[RunRecord]) -> None:
        found = worth_offering(records, chart, utc_now())
        if found is not None:
            _say_how_to_continue(found)

    return lambda history: history.look_up(LOOKED_AT, tell)


def _say_how_to_continue(found: RunRecord) -> None:
    logger.warning(
        "%s This is a fresh run; to continue the other: python main.py resume%s --run %s",
        _described(found), given_again(), found.run.run_id,
    )  # fmt: skip


def _described(found: RunRecord) -> str:
    began = found.run.started_at.astimezone()
    return (
        f"A run of the chart {found.run.chart} that began at {began:%H:%M} was stopped before it "
        f"had tried all of its {counted(found.asked or 0, 'title')}."
    )
