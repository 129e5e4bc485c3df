"""Running a use case from the command line: observe, stop on signals, report, exit status."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from domain.run import Run, RunReport
from infrastructure.cli.exit_status import OF_OUTCOME
from infrastructure.cli.interruption import stop_on_signals
from infrastructure.cli.progress import RunCounts, observed
from infrastructure.cli.report_file import write_report
from infrastructure.container import FETCHING_AT_ONCE, App, new_run, open_app, open_metrics
from shared.config import Settings
from shared.log_context import note_run, run_log

logger = logging.getLogger(__name__)


_FIRST = dict.fromkeys(("chart", "demo"), "reading the chart")
"""What a run of a command does before it knows which titles to fetch."""

UseCase = Callable[[App, Run], RunReport]


@run_log()
def run_and_report(
    settings: Settings, command: str, use_case: UseCase, *, profile: bool = False
) -> int:
    """Do a run, write its report, print its summary; give the exit status.

    With ``profile``, measure it too, into ``OUTPUT_DIR/profile``.
    """
    stop = threading.Event()
    with stop_on_signals(stop):
        if profile:
            report = _profiled_run(settings, command, use_case, stop)
        else:
            report = _run(settings, command, use_case, stop)
            tell_of(report, settings)
    return OF_OUTCOME[report.outcome]


def _profiled_run(
    settings: Settings, command: str, use_case: UseCase, stop: threading.Event
) -> RunReport:
    from infrastructure.cli.profiling import print_profile, profiled, write_stages
    from infrastructure.cli.summary import SummaryConsole

    folder = settings.output_dir / "profile"
    with profiled(folder) as profile:
        report = _run(settings, command, use_case, stop)
    tell_of(report, settings)
    write_stages(profile, report.fetched, folder)
    print_profile(SummaryConsole(), profile, report.fetched, folder)
    return report


def tell_of(report: RunReport, settings: Settings) -> None:
    """Write the report of a run and print its summary."""
    from infrastructure.cli.summary import SummaryConsole, print_summary

    print_summary(SummaryConsole(), report, settings, written(report, settings))


def _run(settings: Settings, command: str, use_case: UseCase, stop: threading.Event) -> RunReport:
    """Do the run; when this returns, the live display is gone and everything is closed."""
    run = new_run(settings, command)
    if command != "resume":  # which goes on with an older one
        note_run(run.run_id)
    with (
        open_metrics(settings) as metrics,
        observed(
            RunCounts(), _FIRST.get(command, "starting"), lines_only=settings.log_format == "json"
        ) as observer,
        open_app(
            settings,
            observer,
            stop,
            fetches_at_once=command in FETCHING_AT_ONCE,
            metrics=metrics,
        ) as app,
    ):
        # What the end needs is loaded now, while the first answer is on its way.
        import infrastructure.cli.summary  # noqa: F401

        report = use_case(app, run)
        if metrics is not None:
            metrics.finished(report)
        return report


def written(report: RunReport, settings: Settings) -> Path | None:
    """Write the report file, unless only databases were asked for or the folder refuses it."""
    if settings.repositories == ("postgres",):
        return None
    try:
        return write_report(report, settings.output_dir)
    except OSError as error:
        folder, why = settings.output_dir, error.strerror or error
        logger.warning("the run report cannot be written into %s: %s", folder, why)
        return None
