"""Details of titles from saved pages: each from the page that has the most of it."""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from domain.details import Detail, DetailName
from domain.errors import ScraperError
from domain.identifiers import TitleId
from domain.run import DetailFailure
from domain.title import Title
from infrastructure.scrapers.imdb_pages.detail_pages import PAGE_OF, SERIES, DetailPage
from infrastructure.scrapers.imdb_pages.details.pages import (
    Found,
    Season,
    detail_page_of,
    join_seasons,
    no_episodes,
    read_release_details,
    read_season_page,
    read_title_details,
)
from infrastructure.scrapers.saved_pages.files import read_page


class SavedDetails:
    """Finds the pages of a folder with details of titles, and reads them.

    A detail of which no page is saved is told once, for whichever title it was first; one that a
    page should say is noted with its title. Any number of threads may call it; a lock guards what
    has been told. The pages are looked through once, when it is made.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        max_bytes: int,
        tell: Callable[[str], None],
        note: Callable[[DetailFailure], None],
    ) -> None:
        self._max_bytes = max_bytes
        self._tell = tell
        self._note = note
        self._lock = threading.Lock()
        self._told: set[DetailName] = set()
        self._pages: dict[tuple[TitleId, DetailPage], list[Path]] = defaultdict(list)
        for path in paths:
            try:
                known = detail_page_of(read_page(path, max_bytes))
            except ScraperError:  # told by whoever looks for titles in it
                continue
            if known is not None:
                page, imdb_id = known
                self._pages[imdb_id, page].append(path)

    def completed(self, title: Title, names: Sequence[DetailName]) -> Title:
        """Give the title with its details, as far as saved pages say them."""
        details = []
        for name in names:
            found = self._found(title, name)
            if isinstance(found, Detail):
                details.append(found)
            elif found is None:
                self._tell_once(title, name)
            else:
                self._note(DetailFailure(imdb_id=title.imdb_id, detail=name, message=found))
        return replace(title, details=tuple(details))

    def _tell_once(self, title: Title, name: DetailName) -> None:
        with self._lock:
            is_news = name not in self._told
            self._told.add(name)
        if is_news:
            address = f"/title/{title.imdb_id}/{PAGE_OF[name]}"
            self._tell(f"source saved has no page with {name} of some titles, such as {address}")

    def _found(self, title: Title, name: DetailName) -> Found | None:
        """A detail, or why its page does not say it; ``None`` when no such page is saved."""
        page = PAGE_OF[name]
        if page is DetailPage.EPISODES:
            return self._episodes(title)
        if page is DetailPage.RELEASE_INFO:
            released = self._pages.get((title.imdb_id, page))
            return self._release(title, name, released[-1]) if released else None
        # The other one of the two may say something of it, too.
        others = (page, DetailPage.TITLE, DetailPage.REFERENCE)
        tried = [
            self._on_title_page(title, name, paths[-1])
            for kind in dict.fromkeys(others)
            if (paths := self._pages.get((title.imdb_id, kind)))
        ]
        if given := next((found for found in tried if isinstance(found, Detail)), None):
            return given
        # What only the other page has is no failure of this one.
        return tried[0] if tried and (title.imdb_id, page) in self._pages else None

    def _on_title_page(self, title: Title, name: DetailName, path: Path) -> Found:
        try:
            page = read_page(path, self._max_bytes)
        except ScraperError as error:
            return str(error)
        return read_title_details(page, [name], title.imdb_id)[name]

    def _release(self, title: Title, name: DetailName, path: Path) -> Found:
        try:
            page = read_page(path, self._max_bytes)
        except ScraperError as error:
            return str(error)
        return read_release_details(page, [name], title.imdb_id)[name]

    def _episodes(self, title: Title) -> Found | None:
        if title.kind not in SERIES:
            return no_episodes(title.provenance)
        paths = self._pages.get((title.imdb_id, DetailPage.EPISODES))
        if not paths:
            return None
        try:
            seasons = [
                read_season_page(read_page(path, self._max_bytes), title.imdb_id) for path in paths
            ]
        except ScraperError as error:
            return str(error)
        return join_seasons(seasons, are_all=_are_all(seasons))


def _are_all(seasons: Sequence[Season]) -> bool:
    """Whether there is a page of each season."""
    there = {name for season in seasons for name in season.page.seasons}
    return len(seasons) >= len(there)
