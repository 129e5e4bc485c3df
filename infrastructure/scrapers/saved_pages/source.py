"""Charts, titles and people from a folder of saved pages."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from application.ports import PersonOutcome, TitleOutcome
from domain.chart import Chart, ChartName
from domain.errors import (
    ChartNotFound,
    PersonNotFound,
    ScraperError,
    SourceError,
    TitleError,
    TitleNotFound,
)
from domain.identifiers import NameId, TitleId
from infrastructure.scrapers.imdb_pages import identify, parse_chart, parse_person, parse_title
from infrastructure.scrapers.saved_pages.files import SOURCE_NAME, read_page

logger = logging.getLogger(__name__)

SUFFIXES = frozenset({".html", ".htm", ".json"})


class SavedPagesSource:
    """Finds titles, people and charts in the pages of a folder and of the folders in it.

    The folder is looked through once, at the first question: what a page is about is read from
    the page, not from its name. Of two pages about the same the one that was changed last counts.
    Any number of threads may call it; a lock guards the index.
    """

    name = SOURCE_NAME
    batch_size = 1
    charts = frozenset(ChartName)

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._index: dict[str, Path] | None = None

    def chart(self, name: ChartName) -> Chart:
        """Read the saved page of a chart; raises as `TitleSource.chart` says."""
        path = self._look_up(name)
        if path is None:
            raise ChartNotFound(name, f"{self._folder} (no saved page of it)")
        return parse_chart(read_page(path, self._max_bytes), name)

    def titles(self, ids: Sequence[TitleId]) -> Sequence[TitleOutcome]:
        """Read the saved page of each title; one without a page is `TitleNotFound`."""
        return [self._outcome(imdb_id) for imdb_id in ids]

    def _outcome(self, imdb_id: TitleId) -> TitleOutcome:
        path = self._look_up(imdb_id)
        if path is None:
            return TitleNotFound(imdb_id, str(self._folder))
        try:
            return parse_title(read_page(path, self._max_bytes))
        except (TitleError, SourceError) as error:
            return error

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
        pages = (p for p in self._folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        for path in sorted(pages, key=lambda page: (page.stat().st_mtime, page.name)):
            try:
                identity = identify(read_page(path, self._max_bytes))
            except ScraperError as error:
                logger.warning("saved page skipped: %s", error)
                continue
            about = identity.title_id or identity.person_id or identity.chart
            if about is None:
                logger.warning(
                    "saved page skipped: %s is no page of an IMDb title, person or chart", path
                )
            else:
                index[about] = path
        return index
