"""Charts and titles from the pages of the web site."""

import logging
from collections.abc import Callable, Collection, Sequence
from functools import partial
from urllib.parse import urlsplit

from application.ports import TitleOutcome
from domain.chart import INDIAN_CHARTS, Chart, ChartName
from domain.details import DetailName
from domain.errors import (
    ChartNotFound,
    PageChanged,
    TitleError,
    TitleNotFound,
)
from domain.identifiers import TitleId
from domain.run import DetailFailure
from domain.title import Title
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_html.answers import (
    GONE,
    SOURCE_NAME,
    DetailedTitle,
    Http,
    TitleReader,
    page_of,
    refuse_unless_answered,
)
from infrastructure.scrapers.imdb_html.locale import PageLocale
from infrastructure.scrapers.imdb_pages import parse_chart
from infrastructure.scrapers.imdb_pages.detail_pages import PAGE_OF, DetailPage

logger = logging.getLogger(__name__)


class ImdbHtmlSource:
    """Reads the pages of charts and ``/title/<id>/`` pages.

    The Indian charts are at ``/india/<name>/``, the box office is on the home page.

    ``reader`` unpacks and reads title pages, in this process or in others, ``locale`` is shown the
    first page; ``note`` is told of each detail that a title comes without, and why. Any number of
    threads may call a source: it keeps nothing.
    """

    name = SOURCE_NAME
    gives: Collection[DetailName] = PAGE_OF.keys()
    batch_size = 1
    charts = frozenset(ChartName)

    def __init__(
        self,
        http: Http,
        reader: TitleReader,
        base_url: str,
        locale: PageLocale,
        note: Callable[[DetailFailure], None] = lambda _: None,
    ) -> None:
        self._http = http
        self._reader = reader
        self._base_url = base_url
        self._locale = locale
        self._note = note

    def chart(self, name: ChartName) -> Chart:
        """Read a chart page; raises as `TitleSource.chart` says."""
        address = f"{self._base_url}{_path_of(name)}"
        return self._http.fetch(address, partial(self._read_chart, name))

    def _read_chart(self, name: ChartName, answer: PackedAnswer) -> Chart:
        unpacked = answer.unpacked()
        refuse_unless_answered(unpacked)
        if answer.status in GONE:
            raise ChartNotFound(name, answer.url)
        chart = parse_chart(page_of(unpacked), name)
        self._locale.look_at(unpacked.body)
        return chart

    def titles(
        self, ids: Sequence[TitleId], details: Collection[DetailName] = ()
    ) -> Sequence[TitleOutcome]:
        """Read the page of each title, and others for details; raises as `TitleSource.titles`."""
        wanted = tuple(name for name in DetailName if name in details)
        return [self._outcome(imdb_id, wanted) for imdb_id in ids]

    def _outcome(self, imdb_id: TitleId, details: Sequence[DetailName]) -> TitleOutcome:
        address = f"{self._base_url}/title/{imdb_id}/"
        try:
            if not details:
                return self._http.fetch(address, partial(self._read_title, imdb_id))
            return self._detailed(imdb_id, address, details)
        except TitleError as error:
            return error

    def _detailed(self, imdb_id: TitleId, address: str, details: Sequence[DetailName]) -> Title:
        # Most runs ask for no details, and to make the many types of their JSON takes time.
        from infrastructure.scrapers.imdb_html.sub_pages import SubPages

        here = [name for name in details if PAGE_OF[name] is DetailPage.TITLE]

        def read(answer: PackedAnswer) -> DetailedTitle:
            self._refuse_missing(imdb_id, answer)
            title, found = self._reader.detailed(answer, here)
            return self._checked(imdb_id, answer, title), found

        title, found = self._http.fetch(address, read)
        return SubPages(self._http, self._base_url, self._note).completed(title, details, found)

    def _read_title(self, imdb_id: TitleId, answer: PackedAnswer) -> Title:
        self._refuse_missing(imdb_id, answer)
        return self._checked(imdb_id, answer, self._reader(answer))

    def _refuse_missing(self, imdb_id: TitleId, answer: PackedAnswer) -> None:
        if answer.status != 200:
            refuse_unless_answered(answer.unpacked())
            raise TitleNotFound(imdb_id, answer.url)

    def _checked(self, imdb_id: TitleId, answer: PackedAnswer, title: Title) -> Title:
        """The title, unless it is another one than was asked for and has not been merged."""
        if not self._locale.has_looked:
            self._locale.look_at(answer.unpacked().body)
        if title.imdb_id != imdb_id:
            if not _leads_to(answer.url, title.imdb_id):
                raise PageChanged(answer.url, "id", f"is {title.imdb_id}, not {imdb_id}")
            logger.info("%s has been merged into %s", imdb_id, title.imdb_id)
        return title


def _path_of(name: ChartName) -> str:
    if name is ChartName.BOX_OFFICE:
        return "/"
    return f"/india/{name}/" if name in INDIAN_CHARTS else f"/chart/{name}/"


def _leads_to(url: str, imdb_id: TitleId) -> bool:
    """Whether a redirect has led to the page of this title: the one asked for is merged into it."""
    return f"/title/{imdb_id}/" in f"{urlsplit(url).path}/"
