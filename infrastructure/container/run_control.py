"""Runs that a server starts, cancels and looks for."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from application.ports import RepositoryOpener, RunObserver
from application.run_history import merged
from domain.errors import RepositoryUnavailable
from domain.run import Run, RunRecord, RunReport
from infrastructure.container.distributed import (
    distribute,
    distribute_failures,
    distribute_rest,
    open_ledger,
)
from infrastructure.container.repositories import repositories_with_data
from infrastructure.container.running import FETCHING_AT_ONCE, new_run, open_app
from shared.config import Settings

if TYPE_CHECKING:
    from application.retry_failures import FailedRun
    from application.run_control import Order, PerformRun, RunBoard, RunControl
    from domain.batch import RunBatches, Stage
    from infrastructure.monitoring import Metrics

logger = logging.getLogger(__name__)


@contextmanager
def open_run_control(
    settings: Settings,
    *,
    reported: "Callable[[], FailedRun | None]" = lambda: None,
    when_ended: Callable[[RunReport], object] = lambda report: None,
    metrics: "Metrics | None" = None,
    board: "RunBoard | None" = None,
) -> "Iterator[RunControl]":
    """Wire the control of runs in this process; leaving it cancels the run at work and waits.

    Each run is built anew, as one of the command line is, with ``settings`` but for what its order
    says. ``reported`` reads the run of the report file, ``when_ended`` takes each report,
    ``metrics`` count what happens. Processes with one ``board`` know of each other's runs.
    """
    from application.run_control import RunControl

    def ended(report: RunReport) -> None:
        if metrics is not None:
            metrics.finished(report)
        when_ended(report)

    control = RunControl(
        _performer(settings, reported, metrics),
        partial(find_run, settings),
        when_ended=ended,
        steer=partial(_steer, settings),
        batches=partial(_batches_of, settings),
        hand_over=partial(_hand_over, settings, reported),
        hands_over=settings.api_runs == "workers",
        board=board,
    )
    try:
        yield control
    finally:
        control.close()


def _steer(settings: Settings, run_id: str, stage: "Stage") -> "Stage | None":
    if "postgres" not in settings.repositories:
        return None
    with open_ledger(settings) as ledger:
        return ledger.set_stage(run_id, stage)


def _hand_over(
    settings: Settings, reported: "Callable[[], FailedRun | None]", order: "Order"
) -> str:
    """Hand a run to workers; fulfils `HandOver`."""
    from application.run_control import ResumeOrder, RetryOrder, TitlesOrder

    chosen, command = _for_order(settings, order)
    run = new_run(chosen, command)
    with open_ledger(chosen) as ledger:
        if isinstance(order, ResumeOrder):
            return distribute_rest(chosen, ledger, order.run_id).run_id
        if isinstance(order, RetryOrder):
            return distribute_failures(
                chosen, ledger, run,
                of=order.of, with_not_found=order.with_not_found, reported=reported(),
            ).run_id  # fmt: skip
        distribute(chosen, ledger, run, order.ids if isinstance(order, TitlesOrder) else None)
    return run.run_id


def _batches_of(settings: Settings, run_id: str) -> "RunBatches | None":
    """The batches of a run that workers do; of others, and while it cannot be asked, ``None``."""
    openers = repositories_with_data(settings)
    if not any(opener.name == "postgres" for opener in openers):
        return None
    try:
        with open_ledger(settings) as ledger:
            return ledger.progress(run_id)
    except RepositoryUnavailable as error:
        logger.warning("the batches of run %s cannot be looked at: %s", run_id, error)
        return None


def _performer(
    settings: Settings, reported: "Callable[[], FailedRun | None]", metrics: "Metrics | None"
) -> "PerformRun":
    from application.run_control import ChartOrder, ResumeOrder, RetryOrder

    def perform(
        order: "Order",
        observer: RunObserver,
        stop: threading.Event,
        begun: Callable[[Run], None],
    ) -> RunReport:
        chosen, command = _for_order(settings, order)
        at_once = command in FETCHING_AT_ONCE
        with open_app(chosen, observer, stop, fetches_at_once=at_once, metrics=metrics) as app:
            run = new_run(chosen, command)
            if isinstance(order, ResumeOrder):
                return app.resume_run.execute(order.run_id, chosen.limit, begun)
            if isinstance(order, RetryOrder):
                return app.retry_failures.execute(
                    run,
                    of=order.of,
                    with_not_found=order.with_not_found,
                    reported=reported(),
                    begun=begun,
                )
            begun(run)
            if isinstance(order, ChartOrder):
                return app.scrape_chart.execute(order.chart, order.limit, run)
            return app.scrape_titles.execute(order.ids, run)

    return perform


def _for_order(settings: Settings, order: "Order") -> tuple[Settings, str]:
    """The settings with what an order says, and the command that does the same."""
    from application.run_control import ChartOrder, ResumeOrder, RetryOrder

    if isinstance(order, ResumeOrder):
        return settings, "resume"
    if isinstance(order, RetryOrder):
        return settings, "retry"
    if order.details is not None:
        details = tuple(name.value for name in order.details)
        settings = msgspec.structs.replace(settings, details=details)
    if not isinstance(order, ChartOrder):
        return settings, "titles"
    chart = order.chart.value
    return msgspec.structs.replace(settings, chart=chart, limit=order.limit), "chart"


def find_run(settings: Settings, run_id: str) -> RunRecord | None:
    """Ask the chosen repositories for a run, at work in any process or over; ``None``: unknown.

    Where nothing is yet, nothing is made. Raises `RepositoryUnavailable` when none can be asked.
    """
    found: list[list[RunRecord]] = []
    unavailable: list[RepositoryUnavailable] = []
    openers = repositories_with_data(settings)
    for opener in openers:
        try:
            record = _record_in(opener, settings, run_id)
        except RepositoryUnavailable as error:
            logger.warning("%s", error)
            unavailable.append(error)
        else:
            found.append([] if record is None else [record])
    if unavailable and len(unavailable) == len(openers):
        raise unavailable[0]
    return next(iter(merged(found)), None)


def _record_in(opener: RepositoryOpener, settings: Settings, run_id: str) -> RunRecord | None:
    if opener.name == "csv":
        from infrastructure.repositories.csv import run_of

        return run_of(settings.output_dir, run_id)  # without the index of all titles
    with opener.open() as repository:
        return repository.run(run_id)
