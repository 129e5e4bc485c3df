from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.http.retry_after import retry_after_seconds
from infrastructure.http.throttle import window_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("-5", 0),
        ("soon", 0),
        ("Fri, 31 Dec 99999999999 23:59:59 GMT", 0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30),
    ],
)
def test_retry_after(value, seconds):
    assert retry_after_seconds(value, now=NOW) == seconds


def test_retry_after_without_a_given_time_counts_from_now():
    later = datetime.now(UTC) + timedelta(seconds=100)
    assert 95 <= retry_after_seconds(later.strftime("%a, %d %b %Y %H:%M:%S GMT")) <= 101


@pytest.mark.parametrize("wanted", [0.1, 0.5, 1, 3, 7.5, 10, 25, 50, 99, 333, 1000, 10_000])
def test_a_rate_is_never_faster_than_asked_and_at_most_a_tenth_slower(wanted):
    requests, milliseconds = window_of(wanted)
    given = requests / (milliseconds / 1000)
    assert 0.9 * wanted <= given <= wanted
