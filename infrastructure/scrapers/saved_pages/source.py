"""Charts, titles and people from a folder of saved pages."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from application.ports import PersonOutcome, TitleOutcome
from domain.chart import Chart, ChartName
from domain.details import DetailName
from domain.errors import (
    ChartNotFound,
    PersonNotFound,
    ScraperError,
    SourceError,
    TitleError,
    TitleNotFound,
)
from domain.identifiers import NameId, TitleId
from domain.run import DetailFailure
from infrastructure.scrapers.imdb_pages import (
    Page,
    identify,
    parse_chart,
    parse_person,
    parse_title,
)
from infrastructure.scrapers.imdb_pages.detail_pages import PAGE_OF
from infrastructure.scrapers.saved_pages.files import SOURCE_NAME, pages_in, read_page

if TYPE_CHECKING:
    from infrastructure.scrapers.saved_pages.details import SavedDetails

logger = logging.getLogger(__name__)


class SavedPagesSource:
    """Finds titles, people and charts in the pages of a folder and of the folders in it.

    The folder is looked through once, at the first question: what a page is about is read from
    the page, not from its name. Of two pages about the same the one that was changed last counts.
    ``tell`` is told, once, of each detail that no saved page of a title says, and ``note`` of those
    that a page should say and does not. Any number of threads may call it; a lock guards the index.
    """

    name = SOURCE_NAME
    gives: Collection[DetailName] = PAGE_OF.keys()
    batch_size = 1
    charts = frozenset(ChartName)

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        tell: Callable[[str], None] = lambda _: None,
        note: Callable[[DetailFailure], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._tell = tell
        self._note = note
        self._lock = threading.Lock()
        self._index: dict[str, Path] | None = None
        self._details: SavedDetails | None = None

    def chart(self, name: ChartName) -> Chart:
        """Read the saved page of a chart; raises as `TitleSource.chart` says."""
        path = self._look_up(name)
        if path is None:
            raise ChartNotFound(name, f"{self._folder} (no saved page of it)")
        return parse_chart(read_page(path, self._max_bytes), name)

    def titles(
        self, ids: Sequence[TitleId], details: Collection[DetailName] = ()
    ) -> Sequence[TitleOutcome]:
        """Read the saved page of each title; one without a page is `TitleNotFound`."""
        wanted = tuple(name for name in DetailName if name in details)
        return [self._outcome(imdb_id, wanted) for imdb_id in ids]

    def _outcome(self, imdb_id: TitleId, details: Sequence[DetailName]) -> TitleOutcome:
        path = self._look_up(imdb_id)
        if path is None:
            return TitleNotFound(imdb_id, str(self._folder))
        try:
            title = parse_title(read_page(path, self._max_bytes))
            return self._saved_details().completed(title, details) if details else title
        except (TitleError, SourceError) as error:
            return error

    def _saved_details(self) -> "SavedDetails":
        """What finds the pages with details, made when they are first asked for."""
        from infrastructure.scrapers.saved_pages.details import SavedDetails

        with self._lock:
            if self._details is None:
                self._details = SavedDetails(
                    pages_in(self._folder), self._max_bytes, self._tell, self._note
                )
            return self._details

    def people(self, ids: Sequence[NameId]) -> Sequence[PersonOutcome]:
        """Read the saved page of each person; one without a page is `PersonNotFound`."""
        return [self._person(imdb_id) for imdb_id in ids]

    def _person(self, imdb_id: NameId) -> PersonOutcome:
        path = self._look_up(imdb_id)
        if path is None:
            return PersonNotFound(imdb_id, str(self._folder))
        try:
            return parse_person(read_page(path, self._max_bytes))
        except (TitleError, SourceError) as error:
            return error

    def _look_up(self, key: str) -> Path | None:
        with self._lock:
            if self._index is None:
                self._index = self._look_through()
            return self._index.get(key)

    def _look_through(self) -> dict[str, Path]:
        """What each saved page is about: a title's or a person's id, or a chart's name."""
        index: dict[str, Path] = {}
        for path in pages_in(self._folder):
            try:
                page = read_page(path, self._max_bytes)
                identity = identify(page)
            except ScraperError as error:
                logger.warning("saved page skipped: %s", error)
                continue
            about = identity.title_id or identity.person_id or identity.chart
            if about is None and not _has_details(page):
                logger.warning(
                    "saved page skipped: %s is no page of an IMDb title, person or chart", path
                )
            elif about is not None:
                index[about] = path
        return index


def _has_details(page: Page) -> bool:
    """Whether a page that is no title's main one is of use when details are asked for."""
    from infrastructure.scrapers.imdb_pages.details.pages import detail_page_of

    return detail_page_of(page) is not None
