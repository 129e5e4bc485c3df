"""Searching with the suggestion API."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar
from urllib.parse import quote

from domain.errors import SourceUnavailable
from domain.search import SearchHit, SearchQuery, Thing
from infrastructure.scrapers.answers import PackedAnswer, refuse_blocked
from infrastructure.scrapers.imdb_pages import Page
from infrastructure.scrapers.imdb_suggestion.suggestions import read_suggestions

_FOLDERS = {Thing.TITLE: "/titles", Thing.PERSON: "/names", Thing.COMPANY: ""}
"""Where there are only such; companies are among the suggestions of all sorts."""

_LETTER = "x"
"""Where the first letter of the text stood once: the site itself puts this one for all texts."""

_Read = TypeVar("_Read")


class Http(Protocol):
    """The HTTP client."""

    def fetch(self, url: str, read: Callable[[PackedAnswer], _Read]) -> _Read:
        """Give what ``read`` makes of the answer; raise `SourceUnavailable` and `RunStopped`."""


class SuggestionSearch:
    """Finds the eight best titles or people, without ratings; knows no filters.

    Companies it finds when they are among the eight best of all sorts, keywords not at all. It
    leaves adult titles out, and so is no help to who wants them.

    Any number of threads may call it: it keeps nothing.
    """

    name = "suggestion"

    def __init__(self, http: Http, base_url: str) -> None:
        self._http = http
        self._base_url = base_url

    def find(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Ask once; raises as `TitleSearch.find` says."""
        if query.thing not in _FOLDERS:
            raise SourceUnavailable(self._base_url, "there are no suggestions of keywords")
        address = address_of(self._base_url, query)
        if query.with_adult:
            raise SourceUnavailable(address, "suggestions leave adult titles out")
        return self._http.fetch(address, _read)


def address_of(base_url: str, query: SearchQuery) -> str:
    """Where the suggestions for a text are: it is a part of the path, whatever is in it."""
    text = quote(query.text.lower(), safe="")
    return f"{base_url}{_FOLDERS[query.thing]}/{_LETTER}/{text}.json?includeVideos=0"


def _read(answer: PackedAnswer) -> tuple[SearchHit, ...]:
    unpacked = answer.unpacked()
    refuse_blocked(unpacked)
    if unpacked.status != 200:
        raise SourceUnavailable(unpacked.url, f"HTTP {unpacked.status} instead of suggestions")
    page = Page(
        url=unpacked.url, body=unpacked.body, source="suggestion", fetched_at=unpacked.fetched_at
    )
    return read_suggestions(page)
