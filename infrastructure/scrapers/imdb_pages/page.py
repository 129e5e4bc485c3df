"""A page of IMDb as it was received: the input of every parser in this package."""

from dataclasses import dataclass
from datetime import datetime

Body = bytes | bytearray
"""Not to be changed: a page comes out of its gzip stream as the latter, and a copy costs time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, and where and when it came from.

    ``url`` is the address or the file path, for messages. ``body`` is the unpacked HTML, or the
    JSON of ``__NEXT_DATA__`` alone. ``source`` names the source for the provenance (``html``,
    ``saved``). ``fetched_at`` has a time zone. With ``page_clock``, the server's own time inside
    the page goes before ``fetched_at``: a saved page is as old as its facts, not as its file.
    """

    url: str
    body: Body
    source: str
    fetched_at: datetime
    page_clock: bool = False
