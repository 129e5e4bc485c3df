"""Cron expressions: which are taken, what is said of others, and the times that they name."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infrastructure.workers.timetable import TimesNeverCome, Timetable
from shared.config import InvalidSettings, load_settings
from shared.setting_values import CronTimes

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
SUNDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


@st.composite
def fields(draw: st.DrawFn, least: int, most: int) -> str:
    """A field as somebody would write it."""
    number = st.integers(least, most).map(str)
    span = st.tuples(number, number).map("-".join)
    step = st.integers(1, most).map(str)
    steps = st.tuples(st.one_of(st.just("*"), span), step).map("/".join)
    parts = draw(st.lists(st.one_of(number, span, steps), min_size=1, max_size=3))
    return draw(st.sampled_from(["*", ",".join(parts)]))


expressions = st.tuples(*(fields(*ends) for ends in RANGES)).map(" ".join)
moments = st.timedeltas(timedelta(days=-9000), timedelta(days=19_000)).map(SUNDAY.__add__)


def timetable(expression: str, time_zone: str = "UTC") -> Timetable:
    return Timetable({"job": expression}, time_zone)


def problem_of(name: str, text: str) -> str:
    with pytest.raises(InvalidSettings) as caught:
        load_settings({name: text}, env_file=None)
    [problem] = caught.value.problems
    return problem


@settings(deadline=None)
@given(expression=expressions, now=moments)
def test_what_the_settings_take_celery_takes_and_the_times_are_those(
    expression: str, now: datetime
) -> None:
    """Between the last time and the next there is none: they are each other's neighbours."""
    try:
        times = timetable(CronTimes(expression))
    except ValueError as error:
        assert "never occurs" in str(error)  # noqa: PT017 - a day that its months do not have
        return
    last, following = times.latest("job", now), times.next("job", now)
    assert last is not None
    assert following is not None
    assert last <= now < following
    assert times.next("job", last) == following
    assert times.latest("job", following) == following
    cron = times.crontabs["job"]
    for time in (last, following):
        assert (time.second, time.microsecond) == (0, 0)
        assert time.minute in cron.minute
        assert time.hour in cron.hour
        assert time.day in cron.day_of_month
        assert time.month in cron.month_of_year
        assert time.isoweekday() % 7 in cron.day_of_week


@settings(deadline=None)
@given(expression=expressions, now=moments)
def test_the_next_time_is_when_celery_begins(expression: str, now: datetime) -> None:
    try:
        times = timetable(expression)
    except ValueError:
        return
    cron = times.crontabs["job"]
    cron.nowfun = lambda: now
    following = times.next("job", now)
    assert following is not None
    if following - now < timedelta(days=365):
        assert now + cron.remaining_estimate(now) == following


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("0 3 * * *", datetime(2026, 3, 2, 3, tzinfo=UTC)),
        ("0 5 * * 0", datetime(2026, 3, 8, 5, tzinfo=UTC)),
        ("0 5 * * SUN", datetime(2026, 3, 8, 5, tzinfo=UTC)),
        ("0 4 1 * *", datetime(2026, 4, 1, 4, tzinfo=UTC)),
        ("*/20 12 * mar *", datetime(2026, 3, 1, 12, 20, tzinfo=UTC)),
        ("0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_times_as_cron_has_them(expression: str, following: datetime) -> None:
    assert timetable(CronTimes(expression)).next("job", SUNDAY) == following


def test_times_are_those_of_the_time_zone_in_summer_and_winter() -> None:
    times = timetable("0 3 * * *", "Europe/Vienna")
    assert times.next("job", datetime(2026, 1, 1, tzinfo=UTC)) == datetime(
        2026, 1, 1, 2, tzinfo=UTC
    )
    assert times.next("job", datetime(2026, 7, 1, tzinfo=UTC)) == datetime(
        2026, 7, 1, 1, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)]
)
def test_a_day_that_changes_its_clock_has_each_time_once(day: datetime) -> None:
    """In Vienna 02:30 is missing on the one day, and twice on the other."""
    times = timetable("30 2 * * *", "Europe/Vienna")
    first = times.next("job", day - timedelta(hours=6))
    assert first is not None
    assert timedelta(0) < first - day < timedelta(hours=2)
    second = times.next("job", first)
    assert second is not None
    assert timedelta(hours=22) < second - first < timedelta(hours=26)
    assert times.latest("job", second - timedelta(minutes=1)) == first


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0 25 * * *", "the hour, '25', must be *, 0 to 23,"),
        ("60 1 * * *", "the minute, '60', must be *, 0 to 59,"),
        ("0 1 0 * *", "the day of the month, '0', must be *, 1 to 31,"),
        ("0 1 * foo *", "the month, 'foo', must be *, 1 to 12 or jan to dec,"),
        ("0 1 * * 7", "the day of the week, '7', must be *, 0 to 6 or sun to sat,"),
        ("*/0 1 * * *", "the minute, '*/0', must be"),
        ("1,,2 1 * * *", "the minute, '1,,2', must be"),
        ("0 3 * *", "must be off, or five fields: minute, hour"),
        ("daily", "must be off, or five fields: minute, hour"),
    ],
)
def test_a_bad_expression_is_one_line_with_the_setting_the_field_and_what_is_allowed(
    text: str, said: str
) -> None:
    problem = problem_of("schedule_charts", text)
    assert problem.startswith(f"SCHEDULE_CHARTS={text}: {said}")
    assert "\n" not in problem


@given(text=st.text(alphabet="0123456789*/-,monj ", max_size=20))
def test_nothing_is_taken_that_celery_does_not_take(text: str) -> None:
    try:
        taken = CronTimes(text)
    except ValueError:
        return
    try:
        timetable(taken)
    except ValueError as error:
        assert "never occurs" in str(error)  # noqa: PT017


def test_a_time_that_never_comes_is_told() -> None:
    with pytest.raises(TimesNeverCome, match="never occurs"):
        timetable("0 0 31 2 *")


@pytest.mark.parametrize("text", ["Vienna", "Europe", "../etc/passwd", "/etc/localtime", "a\0b"])
def test_a_bad_time_zone_is_told(text: str) -> None:
    assert "must be a time zone such as UTC or Europe/Vienna" in problem_of(
        "schedule_timezone", text
    )
