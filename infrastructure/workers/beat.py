"""Celery's beat: tells workers when jobs are due. It keeps nothing, so several do no harm.

Each message has the time that the job is due since, which is the same whoever sends it; the ledger
sees to it that each is done once (`application.ports.JobLedger`).
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Celery
from celery.beat import BeatLazyFunc, ScheduleEntry, Scheduler, Service

from infrastructure.workers.app import JOB_QUEUE, JOB_TASK
from infrastructure.workers.timetable import Timetable

logger = logging.getLogger(__name__)


def run_beat(app: Celery, timetable: Timetable, *, again_seconds: float) -> None:
    """Send a message when a job is due, until a signal raises `KeyboardInterrupt` here.

    What was due last is sent at the beginning and every ``again_seconds``, too: so a time is not
    missed at which nobody was there, or whose message was lost.
    """
    app.conf.beat_schedule = _entries(timetable, again_seconds)
    logging.getLogger("celery").setLevel(logging.WARNING)
    logging.getLogger("kombu").setLevel(logging.WARNING)
    Service(app, scheduler_cls=_Scheduler).start()


def _entries(timetable: Timetable, again_seconds: float) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for job, cron in timetable.crontabs.items():
        latest = BeatLazyFunc(_latest(timetable, job))
        common = {"task": JOB_TASK, "options": {"queue": JOB_QUEUE}}
        entries[job] = {**common, "schedule": cron, "args": (job, latest, True)}
        again = timedelta(seconds=again_seconds)
        entries[f"{job} again"] = {**common, "schedule": again, "args": (job, latest, False)}
    return entries


def _latest(timetable: Timetable, job: str) -> Callable[[], str | None]:
    """What gives the time that a job is due since, as text."""

    def latest() -> str | None:
        found = timetable.latest(job, datetime.now(UTC))
        return None if found is None else found.isoformat()

    return latest


class _Scheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Celery's own in memory, which begins with what was due last."""

    def setup_schedule(self) -> None:
        """Take the entries over; those that send again are due at once."""
        super().setup_schedule()
        for entry in self.schedule.values():
            if not entry.args[-1]:
                entry.last_run_at -= entry.schedule.run_every

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send a message; one that cannot be sent is sent again a little later."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except Exception as error:  # noqa: BLE001 - beat goes on, whatever it is
            logger.warning("%s; it is sent again", error)
        else:
            level = logging.INFO if entry.args[-1] else logging.DEBUG
            logger.log(level, "job %s is due", entry.args[0])
