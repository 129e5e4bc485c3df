"""What the sources that ask over HTTP need to know of an answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.errors import SourceBlocked
from infrastructure.scrapers.imdb_pages.blocking import block_reason
from infrastructure.scrapers.imdb_pages.page import Body


class Answer(Protocol):
    """An answer with its body."""

    @property
    def url(self) -> str:
        """The address that answered, after redirects."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields, found by name in any case."""

    @property
    def body(self) -> Body:
        """The unpacked body."""

    @property
    def fetched_at(self) -> datetime:
        """When the site gave it, or last said that it has not changed."""


class PackedAnswer(Protocol):
    """An answer whose body is still packed. It can be pickled."""

    @property
    def url(self) -> str:
        """The address that answered, after redirects."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    def unpacked(self) -> Answer:
        """The answer with its body; an error of it is for whoever fetched the answer."""


def refuse_blocked(answer: Answer) -> None:
    """Raise `SourceBlocked` for a challenge, a captcha, and an address that is forbidden (403)."""
    reason = block_reason(answer.status, answer.headers, answer.body)
    if reason is None and answer.status == 403:
        reason = "HTTP 403, forbidden"
    if reason is not None:
        raise SourceBlocked(answer.url, reason)
