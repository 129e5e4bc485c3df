"""Charts and titles from the pages of the web site."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from application.ports import TitleOutcome
from domain.chart import Chart, ChartName
from domain.errors import (
    ChartNotFound,
    PageChanged,
    SourceBlocked,
    SourceUnavailable,
    TitleError,
    TitleNotFound,
)
from domain.identifiers import TitleId
from domain.title import Title
from infrastructure.scrapers.imdb_pages import Page, block_reason, parse_chart, parse_title

logger = logging.getLogger(__name__)

GONE = frozenset({404, 410})


class Answer(Protocol):
    """What this source needs to know of an HTTP answer."""

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
    def body(self) -> bytes:
        """The unpacked body."""


class ImdbHtmlSource:
    """Reads ``/chart/<name>/`` and ``/title/<id>/`` pages.

    ``get`` is the HTTP client's: it raises `SourceUnavailable`. Any number of threads may call a
    source: it keeps nothing.
    """

    name = "html"
    batch_size = 1

    def __init__(
        self, get: Callable[[str], Answer], base_url: str, now: Callable[[], datetime]
    ) -> None:
        self._get = get
        self._base_url = base_url
        self._now = now

    def chart(self, name: ChartName) -> Chart:
        """Read a chart page; raises as `TitleSource.chart` says."""
        answer = self._get(f"{self._base_url}/chart/{name}/")
        _refuse_unless_answered(answer)
        if answer.status in GONE:
            raise ChartNotFound(name, answer.url)
        return parse_chart(self._page(answer), name)

    def titles(self, ids: Sequence[TitleId]) -> Sequence[TitleOutcome]:
        """Read the page of each title; raises as `TitleSource.titles` says."""
        return [self._outcome(imdb_id) for imdb_id in ids]

    def _outcome(self, imdb_id: TitleId) -> TitleOutcome:
        try:
            return self._title(imdb_id)
        except TitleError as error:
            return error

    def _title(self, imdb_id: TitleId) -> Title:
        address = f"{self._base_url}/title/{imdb_id}/"
        answer = self._get(address)
        _refuse_unless_answered(answer)
        if answer.status in GONE:
            raise TitleNotFound(imdb_id, answer.url)
        title = parse_title(self._page(answer))
        if title.imdb_id != imdb_id:
            if not _leads_to(answer.url, title.imdb_id):
                raise PageChanged(answer.url, "id", f"is {title.imdb_id}, not {imdb_id}")
            logger.info("%s has been merged into %s", imdb_id, title.imdb_id)
        return title

    def _page(self, answer: Answer) -> Page:
        return Page(url=answer.url, body=answer.body, source=self.name, fetched_at=self._now())


def _refuse_unless_answered(answer: Answer) -> None:
    """Raise unless the answer is a page (200) or says that there is none (404, 410)."""
    reason = block_reason(answer.status, answer.headers, answer.body)
    if reason is None and answer.status == 403:
        reason = "HTTP 403, forbidden"
    if reason is not None:
        raise SourceBlocked(answer.url, reason)
    if answer.status != 200 and answer.status not in GONE:
        raise SourceUnavailable(answer.url, f"HTTP {answer.status} instead of a page")


def _leads_to(url: str, imdb_id: TitleId) -> bool:
    """Whether a redirect has led to the page of this title: the one asked for is merged into it."""
    return f"/title/{imdb_id}/" in f"{urlsplit(url).path}/"
