"""When jobs are to be done: cron expressions, as Celery reads them, in a time zone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab

_DAYS_LOOKED_AT = 366 * 40
"""The 29th of February is a certain day of the week every 28 years, or 40 around 2100."""


class TimesNeverCome(ValueError):
    """An expression is one, and names no time that there is: the 31st of February."""

    def __init__(self, job: str, expression: str, why: str) -> None:
        self.job = job
        self.expression = expression
        super().__init__(why)


class Timetable:
    """The times of jobs, by name. Any number of threads may use it.

    A time that a day does not have, as it begins summer time, is taken as if it had it not begun;
    of one that a day has twice, the first counts.
    """

    def __init__(self, expressions: Mapping[str, str], time_zone: str) -> None:
        """Read the expressions; raises `TimesNeverCome`."""
        self._zone = ZoneInfo(time_zone)
        self.crontabs: dict[str, crontab] = {}
        for job, expression in expressions.items():
            try:
                self.crontabs[job] = crontab.from_string(expression)
            except (ValueError, ParseException) as error:
                raise TimesNeverCome(job, expression, str(error)) from error

    def latest(self, job: str, now: datetime) -> datetime | None:
        """Give the last time that is not after ``now``, in UTC."""
        here = now.astimezone(self._zone).date()
        days = (here - timedelta(days=back) for back in range(-1, _DAYS_LOOKED_AT))
        times = (time for day in days for time in reversed(self._times(job, day)))
        return next((time for time in times if time <= now), None)

    def next(self, job: str, now: datetime) -> datetime | None:
        """Give the first time after ``now``, in UTC."""
        here = now.astimezone(self._zone).date()
        days = (here + timedelta(days=on) for on in range(-1, _DAYS_LOOKED_AT))
        times = (time for day in days for time in self._times(job, day))
        return next((time for time in times if time > now), None)

    def _times(self, job: str, day: date) -> list[datetime]:
        """The times of a day, in order."""
        cron = self.crontabs[job]
        if day.month not in cron.month_of_year or day.day not in cron.day_of_month:
            return []
        if day.isoweekday() % 7 not in cron.day_of_week:
            return []
        begin = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return sorted(
            begin.replace(hour=hour, minute=minute).astimezone(UTC)
            for hour in cron.hour
            for minute in cron.minute
        )
