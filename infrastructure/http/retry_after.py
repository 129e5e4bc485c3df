"""The ``Retry-After`` header (RFC 9110, 10.2.3): a number of seconds, or a date."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(value: str | None, *, now: datetime | None = None) -> float:
    """How many seconds to wait; 0.0 when the header is missing, past or not understood."""
    if value is None:
        return 0.0
    text = value.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:12])
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return 0.0
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, float(math.ceil(seconds)))
