"""Runs that many workers do: handing one over, watching it, controlling it, and being a worker."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
import msgspec

from application.ports import BatchLedger
from domain.batch import BatchState, RunBatches, Stage
from domain.errors import (
    InvalidConfiguration,
    NothingToDo,
    QueueUnavailable,
    RepositoryUnavailable,
    RunAtWork,
    SourceError,
    TitleError,
    UnknownRun,
)
from domain.identifiers import TitleId
from domain.run import Run, RunReport
from infrastructure.cli.exit_status import INCOMPLETE, NO_SOURCE, OF_OUTCOME, SAVED
from infrastructure.cli.progress import LOG_EVERY_SECONDS
from infrastructure.cli.report_file import read_failed_run
from infrastructure.cli.runs import tell_of, written
from infrastructure.container import (
    distribute,
    distribute_failures,
    distribute_rest,
    embedded_redis,
    new_run,
    open_ledger,
    work,
)
from shared.config import Settings
from shared.log_context import note_run, run_log
from shared.setting_values import RedisUrl

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""A run that is watched is looked at so often."""

PATIENCE_SECONDS = 15.0
"""When no worker has begun after this time, it is said how to start one."""

_WAITING = (BatchState.QUEUED, BatchState.FAILED)


def scrape_distributed(settings: Settings, ids: Sequence[TitleId] | None, *, detach: bool) -> int:
    """Hand a run to workers and wait for its end, unless ``detach``; give the exit status.

    Of these titles, or without any of the chart of the settings. The report is written and the
    summary printed here, too.
    """

    def hand_over(ledger: BatchLedger) -> Run:
        run = new_run(settings, "chart" if ids is None else "titles")
        distribute(settings, ledger, run, ids)
        return run

    return _handed_over(settings, hand_over, detach=detach)


def resume_distributed(settings: Settings, run_id: str | None, *, detach: bool) -> int:
    """Hand what is left of a run to workers; as `scrape_distributed`."""
    return _handed_over(
        settings, lambda ledger: distribute_rest(settings, ledger, run_id), detach=detach
    )


def retry_distributed(
    settings: Settings, run_id: str | None, *, with_not_found: bool, detach: bool
) -> int:
    """Hand what failed in a run to workers, as a new run; as `scrape_distributed`."""

    def hand_over(ledger: BatchLedger) -> Run:
        return distribute_failures(
            settings, ledger, new_run(settings, "retry"),
            of=run_id, with_not_found=with_not_found,
            reported=read_failed_run(settings.output_dir),
        )  # fmt: skip

    return _handed_over(settings, hand_over, detach=detach)


def _handed_over(
    settings: Settings, hand_over: Callable[[BatchLedger], Run], *, detach: bool
) -> int:
    with run_log(), usage_errors(), open_ledger(settings) as ledger:
        try:
            run = hand_over(ledger)
        except NothingToDo as error:
            click.echo(f"Nothing to do: {error}.")
            return SAVED
        except (SourceError, TitleError) as error:
            click.echo(f"Error: the chart could not be read: {error}", err=True)
            return NO_SOURCE
        note_run(run.run_id)
        if detach:
            click.echo(f"Run {run.run_id} is handed to workers: `python main.py runs` shows it.")
            return SAVED
        try:
            _watch(ledger, run.run_id)
            report = ledger.report(run.run_id)
        except KeyboardInterrupt:
            click.echo(
                f"\nRun {run.run_id} goes on without us: `python main.py runs` shows it, "
                f"`python main.py runs cancel {run.run_id}` ends it.",
                err=True,
            )
            raise
    if report is None:
        click.echo(f"Error: run {run.run_id} has no account", err=True)
        return INCOMPLETE
    tell_of(report, settings)
    return OF_OUTCOME[report.outcome]


def work_until_stopped(settings: Settings, *, embedded: bool) -> int:
    """Be a worker until a signal ends it; give the exit status."""

    def when_closed(report: RunReport) -> None:
        written(report, settings)

    if not settings.redis_url and not embedded:
        raise click.UsageError(
            "worker needs a Redis: set REDIS_URL=redis://host:6379/0 (start one with: "
            "redis-server), or try it on this machine alone with: python main.py worker --embedded"
        )
    with usage_errors():
        if not embedded:
            return work(settings, when_closed)
        with embedded_redis(settings) as url:
            return work(msgspec.structs.replace(settings, redis_url=RedisUrl(url)), when_closed)


def change_stage(settings: Settings, run_id: str, stage: str) -> int:
    """Pause, cancel or continue a distributed run; give the exit status."""
    wanted = Stage(stage)
    with usage_errors(), open_ledger(settings) as ledger:
        reached = ledger.set_stage(run_id, wanted)
    if reached is None:
        raise click.UsageError(f"no distributed run {run_id} is known (see: python main.py runs)")
    if reached is not wanted:
        raise click.UsageError(f"run {run_id} is {reached} already: nothing was changed")
    click.echo(f"Run {run_id} is {reached}.")
    return SAVED


@contextmanager
def usage_errors() -> Iterator[None]:
    """Say in a line what keeps us from it."""
    try:
        yield
    except InvalidConfiguration as error:
        raise click.UsageError("\n".join(error.problems)) from error
    except QueueUnavailable as error:
        raise click.ClickException(
            f"{error}; start one (redis-server), see REDIS_URL, or try --embedded"
        ) from error
    except (UnknownRun, RunAtWork) as error:
        raise click.UsageError(f"{error}; nothing was started") from error
    except RepositoryUnavailable as error:
        raise click.ClickException(str(error)) from error


def _watch(ledger: BatchLedger, run_id: str) -> None:
    """Wait until a run is closed; say now and then how far it is.

    A database that is away meanwhile is waited for: the workers do so, too.
    """
    began = told_at = time.monotonic()
    is_told_of_workers = False
    is_away = False
    while True:
        try:
            progress = ledger.progress(run_id)
            is_away = False
        except RepositoryUnavailable as error:
            if not error.may_pass:
                raise
            if not is_away:
                logger.warning("%s; waiting for it", error)
            is_away = True
            time.sleep(LOOK_SECONDS)
            continue
        if progress is None or progress.stage is Stage.CLOSED:
            return
        now = time.monotonic()
        if now - told_at >= LOG_EVERY_SECONDS:
            told_at = now
            logger.info("%s", _described(progress, now - began))
        if not is_told_of_workers and now - began > PATIENCE_SECONDS and progress.is_untouched:
            is_told_of_workers = True
            logger.warning("no worker has begun yet: start some with: python main.py worker")
        time.sleep(LOOK_SECONDS)


def _described(progress: RunBatches, seconds: float) -> str:
    counts = progress.batches
    at_work = counts.get(BatchState.RUNNING, 0)
    waiting = sum(counts.get(state, 0) for state in _WAITING)
    parts = [
        f"fetched {progress.fetched} of {progress.asked}",
        f"failed {progress.failed}",
        f"{progress.fetched / max(seconds, 1e-9):.1f} titles/s",
        f"batches: {at_work} at work, {waiting} waiting",
    ]
    if parked := counts.get(BatchState.PARKED, 0):
        parts.append(f"{parked} parked")
    if wait := progress.wait:
        parts.append(f"waiting for its sources, {wait.pause_seconds:.0f} s more: {wait.error}")
    if progress.stage is not Stage.RUNNING:
        parts.append(str(progress.stage))
    return ", ".join(parts)
