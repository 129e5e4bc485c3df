"""The schedule: jobs that are done by the clock, or now, by workers."""

from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click
from rich.measure import Measurement
from rich.table import Table

from domain.job import JobName, JobRecord, SlotState
from infrastructure.cli.distributed import usage_errors
from infrastructure.cli.exit_status import INCOMPLETE, SAVED
from infrastructure.cli.jobs import Jobs
from infrastructure.cli.summary import SummaryConsole
from infrastructure.container import (
    has_embedded_database,
    is_working,
    keep_schedule,
    open_jobs,
    send_job,
    timetable,
    work_on_jobs,
)
from shared.config import Settings

_UNKNOWN = "-"
_WIDEST = 1000
_COLUMNS = ("job", "times", "next", "due since", "state", "done last")


def keep(settings: Settings) -> int:
    """Tell workers when jobs are due, until a signal ends it; give the exit status."""
    if not settings.redis_url:
        raise click.UsageError(
            "schedule needs a Redis: set REDIS_URL=redis://host:6379/0 (start one with: "
            "redis-server), and a worker that does the jobs: python main.py worker --jobs"
        )
    with usage_errors():
        times = timetable(settings)
        if not times.crontabs:
            raise click.UsageError("every job is off: see SCHEDULE_CHARTS and the others")

        def say_when() -> None:
            now = datetime.now(UTC)
            for job in times.crontabs:
                click.echo(f"{job}: next at {_local(times.next(job, now), settings)}")

        with suppress(KeyboardInterrupt):
            keep_schedule(settings, times, say_when)
    return SAVED


def show(settings: Settings) -> int:
    """Print when each job is due, and how it stands; give the exit status."""
    with usage_errors():
        times = timetable(settings)
        records = _records(settings)
    now = datetime.now(UTC)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in _COLUMNS:
        table.add_column(name)
    for job in JobName:
        following = times.next(job, now) if job in times.crontabs else None
        record = records.get(job)
        table.add_row(
            job.value,
            str(getattr(settings, f"schedule_{job.value}")),
            _local(following, settings),
            _local(record.current.slot if record else None, settings),
            _state(record),
            _local(record.done_at if record else None, settings),
        )
    console = SummaryConsole()
    if not console.is_terminal:
        widest = console.options.update(max_width=_WIDEST)
        console.width = max(console.width, Measurement.get(console, widest, table).maximum)
    console.print(table)
    console.print(f"Times are in {settings.schedule_timezone}.", highlight=False)
    return SAVED


def begin_now(settings: Settings, name: str) -> int:
    """Have a worker do a job now; give the exit status."""
    job = JobName(name)
    with usage_errors():
        with open_jobs(settings) as ledger:
            noted = ledger.note(job, None, is_time=True)
        if noted is None or noted.state is SlotState.SKIPPED:
            why = noted.why if noted else "a later time of it is noted"
            click.echo(f"The job {job} is not begun: {why}.", err=True)
            return INCOMPLETE
        if settings.redis_url:
            send_job(settings, job)
    click.echo(f"The job {job} is handed to a worker: `python main.py schedule --show` shows it.")
    return SAVED


def check(settings: Settings, *, is_beat: bool) -> int:
    """Say whether a worker of this machine, or the schedule, answers; give the exit status."""
    what = "the schedule" if is_beat else "a worker"
    with usage_errors():
        if settings.redis_url and is_working(settings, is_beat=is_beat):
            click.echo(f"Here {what} is at work.")
            return SAVED
    click.echo(f"Here {what} does not answer.", err=True)
    return INCOMPLETE


def work(settings: Settings) -> int:
    """Be a worker that does jobs until a signal ends it; give the exit status."""
    if not settings.redis_url:
        raise click.UsageError(
            "worker --jobs needs a Redis: set REDIS_URL=redis://host:6379/0 (start one with: "
            "redis-server)"
        )
    with usage_errors():
        return work_on_jobs(settings, lambda ledger: Jobs(settings, ledger).do)


def _records(settings: Settings) -> dict[JobName, JobRecord]:
    """How the jobs stand; nothing where there is no database yet."""
    has_database = bool(settings.database_url) or has_embedded_database(settings)
    if "postgres" not in settings.repositories or not has_database:
        return {}
    with open_jobs(settings) as ledger:
        return {record.current.job: record for record in ledger.records()}


def _state(record: JobRecord | None) -> str:
    if record is None:
        return _UNKNOWN
    current = record.current
    parts = [current.state.value, current.run_id and f"run {current.run_id}", current.why]
    return ", ".join(part for part in parts if part)


def _local(time: datetime | None, settings: Settings) -> str:
    if time is None:
        return _UNKNOWN
    return f"{time.astimezone(ZoneInfo(settings.schedule_timezone)):%a %Y-%m-%d %H:%M}"
