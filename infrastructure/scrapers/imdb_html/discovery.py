"""Finding titles by what they are with the site's own page, ``/search/title/``."""

from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from urllib.parse import urlencode

from domain.discovery import SortBy, Span, TitleFilter
from domain.errors import PageChanged, SourceUnavailable
from domain.lists import TitleList
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_html.answers import (
    SOURCE_NAME,
    Http,
    page_of,
    refuse_unless_answered,
)
from infrastructure.scrapers.imdb_pages.search_page import read_search

MOST_TITLES = 250
"""The page is asked to show so many at most."""

SORTS: Mapping[SortBy, str] = MappingProxyType(
    {
        SortBy.POPULARITY: "moviemeter",
        SortBy.TITLE: "alpha",
        SortBy.RATING: "user_rating",
        SortBy.VOTES: "num_votes",
        SortBy.YEAR: "year",
        SortBy.RELEASE_DATE: "release_date",
        SortBy.RUNTIME: "runtime",
        SortBy.GROSS: "boxoffice_gross_us",
    }
)
"""What the page calls each order."""


class SearchPageDiscovery:
    """Reads ``/search/title/``; fulfils `TitleDiscovery`.

    It has one page: what comes after it, the site's own script asks the API for. Any number of
    threads may call it: it keeps nothing.
    """

    name = SOURCE_NAME

    def __init__(self, http: Http, base_url: str) -> None:
        self._http = http
        self._base_url = base_url

    def pages(self, wanted: TitleFilter) -> Iterator[TitleList]:
        """Give the one page; raises as `TitleDiscovery.pages` says."""
        address = address_of(self._base_url, wanted)
        if wanted.rated_by is not None:
            raise SourceUnavailable(address, "the page cannot be asked for what one user has rated")
        yield self._http.fetch(address, partial(_read, wanted))


def address_of(base_url: str, wanted: TitleFilter) -> str:
    """Where the page is for a filter; what is not asked for is left out."""
    parts = {
        "title_type": ",".join(wanted.kinds),
        "genres": ",".join(wanted.genres),
        "release_date": _days_of(wanted.years),
        "user_rating": _range(wanted.ratings),
        "num_votes": _range(wanted.votes),
        "runtime": _range(wanted.runtimes),
        "countries": ",".join(wanted.countries),
        "languages": ",".join(wanted.languages),
        "keywords": ",".join(wanted.keywords),
        "role": ",".join(wanted.people),
        "companies": ",".join(wanted.companies),
        "title": wanted.words or "",
        "adult": "include" if wanted.with_adult else "",
        "sort": f"{SORTS[wanted.sort]},{'asc' if wanted.is_ascending else 'desc'}",
        "count": str(min(wanted.limit, MOST_TITLES)),
    }
    asked = {name: value for name, value in parts.items() if value}
    return f"{base_url}/search/title/?{urlencode(asked, safe=',')}"


def _range(span: Span[int] | Span[float]) -> str:
    if span.is_open:
        return ""
    low, high = ("" if value is None else f"{value:.12g}" for value in (span.low, span.high))
    return f"{low},{high}"


def _days_of(years: Span[int]) -> str:
    if years.is_open:
        return ""
    first = "" if years.low is None else f"{years.low:04d}-01-01"
    last = "" if years.high is None else f"{years.high:04d}-12-31"
    return f"{first},{last}"


def _read(wanted: TitleFilter, answer: PackedAnswer) -> TitleList:
    unpacked = answer.unpacked()
    refuse_unless_answered(unpacked)
    if unpacked.status != 200:
        raise SourceUnavailable(unpacked.url, f"HTTP {unpacked.status} instead of a page")
    found = read_search(page_of(unpacked))
    # A page that does not know a filter any more shows other titles instead of an error. The index
    # that it is made from lags a little behind the facts that it shows.
    excluded = sum(map(wanted.excludes, found.titles))
    if excluded * 2 > len(found.titles):
        detail = f"{excluded} of {len(found.titles)} titles are not what was asked for"
        raise PageChanged(unpacked.url, "titleListItems", detail)
    return found
