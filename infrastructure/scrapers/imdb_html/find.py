"""Searching with the site's own page, ``/find``."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

from domain.errors import SourceUnavailable
from domain.search import SearchHit, SearchQuery, Thing
from domain.title import TitleKind
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_html.answers import Http, page_of, refuse_unless_answered
from infrastructure.scrapers.imdb_pages.find_page import read_find

_SORTS = {
    Thing.TITLE: "tt",
    Thing.PERSON: "nm",
    Thing.COMPANY: "co",
    Thing.KEYWORD: "kw",
}
_KINDS = {
    TitleKind.MOVIE: "ft",
    TitleKind.TV_SERIES: "tv",
    TitleKind.TV_MINI_SERIES: "tv",
    TitleKind.TV_EPISODE: "ep",
    TitleKind.VIDEO_GAME: "vg",
}
"""What the page can be asked for; of other kinds it shows all."""


class FindPageSearch:
    """Finds titles, since 2023 with their ratings, or people, companies or keywords.

    Any number of threads may call it: it keeps nothing.
    """

    name = "find page"

    def __init__(self, http: Http, base_url: str) -> None:
        self._http = http
        self._base_url = base_url

    def find(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Ask once; raises as `TitleSearch.find` says."""
        read = partial(_read, query)
        return self._http.fetch(address_of(self._base_url, query), read)


def address_of(base_url: str, query: SearchQuery) -> str:
    """Where the page is for a text; the year is put behind it, as people do who use the page."""
    text = query.text if query.year is None else f"{query.text} {query.year}"
    parts = {"q": text, "s": _SORTS[query.thing]}
    if query.kind in _KINDS:
        parts["ttype"] = _KINDS[query.kind]
    if query.with_adult:
        parts["adult"] = "include"
    return f"{base_url}/find/?{urlencode(parts)}"


def _read(query: SearchQuery, answer: PackedAnswer) -> tuple[SearchHit, ...]:
    unpacked = answer.unpacked()
    refuse_unless_answered(unpacked)
    if unpacked.status != 200:
        raise SourceUnavailable(unpacked.url, f"HTTP {unpacked.status} instead of a page")
    return read_find(page_of(unpacked), thing=query.thing, with_adult=query.with_adult)
