"""Gets the other pages of a title that details are on: a request for each, when they are asked for.

A page that cannot be had costs its details, and never the title.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar
from urllib.parse import quote

from domain.details import Detail, DetailName
from domain.errors import PageChanged, RunStopped, SourceError, TitleError
from domain.run import DetailFailure
from domain.title import Title
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_html.answers import (
    Http,
    Turns,
    page_of,
    refuse_unless_answered,
)
from infrastructure.scrapers.imdb_pages.detail_pages import PAGE_OF, SERIES, DetailPage
from infrastructure.scrapers.imdb_pages.details.pages import (
    Found,
    Season,
    join_seasons,
    no_episodes,
    read_release_details,
    read_season_page,
    read_title_details,
)
from infrastructure.scrapers.imdb_pages.page import Page

_Read = TypeVar("_Read")

MOST_SEASONS = 100
"""No more pages are asked for of one series."""


class SubPages:
    """Adds details to titles; any number of threads may call it, and it keeps nothing.

    ``note`` is told of each detail that cannot be had.
    """

    def __init__(self, http: Http, base_url: str, note: Callable[[DetailFailure], None]) -> None:
        self._http = http
        self._base_url = base_url
        self._note = note
        self._turns = Turns()

    def completed(
        self, title: Title, names: Sequence[DetailName], found: dict[DetailName, Found]
    ) -> Title:
        """Give the title with its details: those of its page, and those of others.

        When a page is refused or does not answer, no other page of the title is asked for.
        Raises `RunStopped`.
        """
        broken: SourceError | None = None
        for page in (DetailPage.REFERENCE, DetailPage.RELEASE_INFO, DetailPage.EPISODES):
            wanted = [name for name in names if PAGE_OF[name] is page]
            if not wanted:
                continue
            try:
                found |= self._read(title, page, wanted, broken)
            except RunStopped:
                raise
            except (SourceError, TitleError) as error:
                found |= dict.fromkeys(wanted, str(error))
                if isinstance(error, SourceError) and not isinstance(error, PageChanged):
                    broken = error
        for name in names:
            if isinstance(why := found[name], str):
                self._note(DetailFailure(imdb_id=title.imdb_id, detail=name, message=why))
        details = [one for name in names if isinstance(one := found[name], Detail)]
        return replace(title, details=tuple(details))

    def _read(
        self,
        title: Title,
        page: DetailPage,
        names: Sequence[DetailName],
        broken: SourceError | None,
    ) -> dict[DetailName, Found]:
        if page is DetailPage.EPISODES and title.kind not in SERIES:
            return {DetailName.EPISODES: no_episodes(title.provenance)}
        if broken is not None:
            raise broken
        address = f"{self._base_url}/title/{title.imdb_id}/{page}"
        if page is DetailPage.EPISODES:
            return {DetailName.EPISODES: self._episodes(title, address)}
        read = read_title_details if page is DetailPage.REFERENCE else read_release_details
        return self._fetched(address, lambda got: read(got, names, title.imdb_id))

    def _episodes(self, title: Title, address: str) -> Detail:
        """The episodes of all seasons, a page each; of those with more than 50 the first 50."""

        def read(page: Page) -> Season:
            return read_season_page(page, title.imdb_id)

        first = self._fetched(f"{address}?season=1", read)
        others = [name for name in dict.fromkeys(first.page.seasons) if name != "1"]
        seasons = [first] + [
            self._fetched(f"{address}?season={quote(name, safe='')}", read)
            for name in others[:MOST_SEASONS]
        ]
        return join_seasons(seasons, are_all=len(others) <= MOST_SEASONS)

    def _fetched(self, address: str, read: Callable[[Page], _Read]) -> _Read:
        return self._http.fetch(address, partial(self._turns.take, partial(_answered, read)))


def _answered(read: Callable[[Page], _Read], answer: PackedAnswer) -> _Read:
    unpacked = answer.unpacked()
    refuse_unless_answered(unpacked)
    if answer.status != 200:
        raise PageChanged(answer.url, "page", f"HTTP {answer.status}: there is no such page")
    return read(page_of(unpacked))
