"""What the ``html`` source needs of HTTP, and how a title is read from an answer."""

import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from domain.details import DetailName
from domain.errors import SourceUnavailable
from domain.person_profile import PersonProfile
from domain.title import Title
from infrastructure.scrapers.answers import Answer, PackedAnswer, refuse_blocked
from infrastructure.scrapers.imdb_pages import Page, parse_person, parse_title

if TYPE_CHECKING:
    from infrastructure.scrapers.imdb_pages.details.pages import Found

SOURCE_NAME = "html"

GONE = frozenset({404, 410})

_Read = TypeVar("_Read")


class Http(Protocol):
    """The HTTP client."""

    def fetch(self, url: str, read: Callable[[PackedAnswer], _Read]) -> _Read:
        """Give what ``read`` makes of the answer; raise `SourceUnavailable` and `RunStopped`."""


DetailedTitle = tuple[Title, dict[DetailName, "Found"]]
"""A title, and what its page says of details: a text says why it does not."""


class TitleReader(Protocol):
    """Reads a title from an answer, here or in another process."""

    def __call__(self, answer: PackedAnswer) -> Title:
        """Raise as `parse_title` and `PackedAnswer.unpacked` do."""

    def detailed(self, answer: PackedAnswer, names: Sequence[DetailName]) -> DetailedTitle:
        """Read it with what the page says of these details; raises as without them."""


def read_title(answer: PackedAnswer) -> Title:
    """Unpack a title page and read it. Pure, so that any thread or process may do it."""
    return parse_title(page_of(answer.unpacked()))


def read_detailed_title(answer: PackedAnswer, names: Sequence[DetailName]) -> DetailedTitle:
    """Unpack a title page and read it, with these details."""
    from infrastructure.scrapers.imdb_pages.details.pages import read_title_details

    page = page_of(answer.unpacked())
    title = parse_title(page)
    return title, read_title_details(page, names, title.imdb_id)


def read_person(answer: PackedAnswer) -> PersonProfile:
    """Unpack a person's page and read it."""
    return parse_person(page_of(answer.unpacked()))


def page_of(answer: Answer) -> Page:
    """The page that an answer has brought."""
    return Page(url=answer.url, body=answer.body, source=SOURCE_NAME, fetched_at=answer.fetched_at)


def refuse_unless_answered(answer: Answer) -> None:
    """Raise unless the answer is a page (200) or says that there is none (404, 410)."""
    refuse_blocked(answer)
    if answer.status != 200 and answer.status not in GONE:
        raise SourceUnavailable(answer.url, f"HTTP {answer.status} instead of a page")


class Turns:
    """Lets a few threads at a time unpack and read a page, in the threads that fetched them.

    Any number of threads may call it. Who has to wait holds a packed page: unpacked ones are six
    times as large, and as many as there are threads would only wait for a core. (One at a time is
    slower: unpacking leaves the interpreter to others.)
    """

    def __init__(self) -> None:
        self._turns = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))

    def take(self, read: Callable[[PackedAnswer], _Read], answer: PackedAnswer) -> _Read:
        """Read the page when it is its turn; raises as ``read`` does."""
        with self._turns:
            return read(answer)


class ReadInThread:
    """Reads titles in the threads that fetched them, a few at a time (see `Turns`)."""

    def __init__(self) -> None:
        self._turns = Turns()

    def __call__(self, answer: PackedAnswer) -> Title:
        """Unpack and read a title page; raises as `read_title` does."""
        return self._turns.take(read_title, answer)

    def detailed(self, answer: PackedAnswer, names: Sequence[DetailName]) -> DetailedTitle:
        """Unpack and read a title page with details."""
        return self._turns.take(lambda packed: read_detailed_title(packed, names), answer)
