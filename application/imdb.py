"""Titles, people, charts and searches as Python objects, for who wants nothing saved."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from application.detail_fetcher import DetailFetcher, Fetched, Item
from application.search_titles import SearchTitles
from application.source_chain import PersonChain, SourceChain
from domain.chart import Chart, ChartName
from domain.details import DetailName
from domain.errors import (
    InvalidConfiguration,
    InvalidSearch,
    ScraperError,
    SourceUnavailable,
)
from domain.identifiers import TitleId, name_id_from, title_id_from
from domain.person_profile import PersonProfile
from domain.search import SearchHit, SearchQuery, Thing
from domain.title import Title, TitleKind

if TYPE_CHECKING:
    from domain.details.items import Episode


class Imdb:
    """A facade: what the sources give, as objects of the domain. Nothing is saved.

    ``infrastructure.container.open_imdb`` makes one. Titles and people are named by their id or by
    the URL of their page. Every method raises `InvalidTitle` for what is neither, a `SourceError`
    (`SourceBlocked`, `SourceUnavailable`, ...) when no source answers, and `PageChanged` when an
    answer cannot be read; all of them are `ScraperError`. Any number of threads may call it.
    """

    def __init__(
        self,
        titles: SourceChain,
        people: PersonChain | None,
        searches: SearchTitles,
        *,
        max_threads: int,
    ) -> None:
        self._titles = titles
        self._people = people
        self._searches = searches
        self._max_threads = max_threads

    def title(self, which: str, *, details: Sequence[str] = ()) -> Title:
        """Give a title with its credits; raises `TitleNotFound` when there is none.

        It comes with those of the ``details`` (``akas``, ``awards``, ... see `DetailName`) that
        could be had. Raises `InvalidSearch` for one that nobody knows.
        """
        [outcome] = self._titles.titles([title_id_from(which)], _detail_names(details))
        return _given(outcome)

    def episodes(self, series: str, *, season: int | None = None) -> "tuple[Episode, ...]":
        """Give the episodes of a series, or of one season, in the order of the source.

        None: IMDb knows of none. Raises `SourceUnavailable` when no chosen source can give them.
        """
        from domain.details.items import Episode

        title = self.title(series, details=[DetailName.EPISODES])
        found = next((one for one in title.details if one.name is DetailName.EPISODES), None)
        if found is None:
            raise SourceUnavailable(title.provenance.source, f"no episodes of {title.imdb_id}")
        episodes = [item for item in found.items if isinstance(item, Episode)]
        return tuple(one for one in episodes if season is None or one.season == season)

    def titles(
        self, which: Iterable[str], *, details: Sequence[str] = ()
    ) -> Iterator[Fetched[TitleId, Title]]:
        """Give titles as they arrive, in no particular order, with as many threads as a run has.

        Each named title comes once: its ``outcome`` is the `Title` or the error that says why not.
        Raises `InvalidTitle` before any is asked for when one of ``which`` is no title, and as
        `title` does.
        """
        ids = list(dict.fromkeys(map(title_id_from, which)))
        wanted = _detail_names(details)
        fetcher: DetailFetcher[TitleId, Title] = DetailFetcher(
            lambda batch, cut_for: self._titles.titles(batch, wanted, cut_for),
            batch_size=lambda: self._titles.batch_size_with(wanted),
            max_threads=min(self._max_threads, max(len(ids), 1)),
            go_on=lambda: True,  # sources that are given up answer at once
        )
        return fetcher.fetch(ids)

    def person(self, which: str) -> PersonProfile:
        """Give a person's profile with the filmography; raises `PersonNotFound` for nobody.

        Raises `InvalidConfiguration` when none of the chosen sources gives people.
        """
        wanted = name_id_from(which)
        if self._people is None:
            raise InvalidConfiguration(["SOURCES: none of them gives people"])
        [outcome] = self._people.people([wanted])
        return _given(outcome)

    def chart(self, name: str = ChartName.TOP) -> Chart:
        """Give a chart: ranks and title ids, in chart order.

        Raises `InvalidSearch` for a chart that nobody knows, `ChartNotFound` when no chosen source
        has it.
        """
        try:
            wanted = ChartName(name)
        except ValueError as error:
            known = ", ".join(ChartName)
            raise InvalidSearch(f"{name!r} is no chart; known are {known}") from error
        return self._titles.chart(wanted)

    def search(
        self,
        text: str,
        *,
        year: int | None = None,
        kind: str | None = None,
        adult: bool = False,
        limit: int = 20,
    ) -> tuple[SearchHit, ...]:
        """Find titles by words, the best first; none: the sources know of none.

        ``kind`` is one of IMDb's title types, such as ``movie``. Raises `InvalidSearch`.
        """
        try:
            wanted = None if kind is None else TitleKind(kind)
        except ValueError as error:
            known = ", ".join(TitleKind)
            raise InvalidSearch(f"{kind!r} is no kind of title; known are {known}") from error
        return self._found(
            SearchQuery(text=text, year=year, kind=wanted, with_adult=adult, limit=limit)
        )

    def search_people(self, text: str, *, limit: int = 20) -> tuple[SearchHit, ...]:
        """Find people by words, the best first. Raises `InvalidSearch`."""
        return self._found(SearchQuery(text=text, thing=Thing.PERSON, limit=limit))

    def search_companies(self, text: str, *, limit: int = 20) -> tuple[SearchHit, ...]:
        """Find companies by words, the best first. Raises `InvalidSearch`."""
        return self._found(SearchQuery(text=text, thing=Thing.COMPANY, limit=limit))

    def search_keywords(self, text: str, *, limit: int = 20) -> tuple[SearchHit, ...]:
        """Find keywords by words, the best first: `SearchHit.keyword` is ``prison-escape``.

        Raises `InvalidSearch`.
        """
        return self._found(SearchQuery(text=text, thing=Thing.KEYWORD, limit=limit))

    def _found(self, query: SearchQuery) -> tuple[SearchHit, ...]:
        outcome = self._searches.execute(query)
        if not outcome.answered:
            raise SourceUnavailable("search", "none of the ways to search gave an answer")
        return outcome.hits


def _detail_names(names: Sequence[str]) -> tuple[DetailName, ...]:
    try:
        return tuple(dict.fromkeys(map(DetailName, names)))
    except ValueError as error:
        known = ", ".join(DetailName)
        raise InvalidSearch(f"{error.args[0]}; known are {known}") from error


def _given(outcome: Item | ScraperError) -> Item:
    if isinstance(outcome, ScraperError):
        raise outcome
    return outcome
