"""Finding titles by what they are with the API's advanced search."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from domain.discovery import SortBy, Span, TitleFilter
from domain.errors import PageChanged
from domain.lists import TitleList
from infrastructure.scrapers.imdb_graphql.connection import Connection
from infrastructure.scrapers.imdb_graphql.endpoint import Endpoint, Http
from infrastructure.scrapers.imdb_graphql.listed_titles import (
    ListPart,
    ListQuery,
)
from infrastructure.scrapers.imdb_graphql.replies import SOURCE_NAME, Reply, failure
from infrastructure.scrapers.imdb_pages.listed_node import ListedNode, title_of_node
from infrastructure.scrapers.imdb_pages.next_data import decode

_FIELD = "advancedTitleSearch"

SORTS: Mapping[SortBy, str] = MappingProxyType(
    {
        SortBy.POPULARITY: "POPULARITY",
        SortBy.TITLE: "TITLE_REGIONAL",
        SortBy.RATING: "USER_RATING",
        SortBy.VOTES: "USER_RATING_COUNT",
        SortBy.YEAR: "YEAR",
        SortBy.RELEASE_DATE: "RELEASE_DATE",
        SortBy.RUNTIME: "RUNTIME",
        SortBy.GROSS: "BOX_OFFICE_GROSS_DOMESTIC",
    }
)
"""The API's ``AdvancedTitleSearchSortBy`` of each order."""


class Found(Struct, frozen=True):
    """A place in the answer."""

    title: ListedNode


class SearchData(Struct, frozen=True, rename="camel"):
    """``advanced_title_search`` is null when the search has failed."""

    advanced_title_search: Connection[Found] | None = None


_DATA = msgspec.json.Decoder(SearchData | None)


class GraphqlDiscovery:
    """Asks ``advancedTitleSearch``; fulfils `TitleDiscovery`.

    Any number of threads may call it; see `ListQuery`.
    """

    name = SOURCE_NAME

    def __init__(self, http: Http, endpoint: Endpoint, tell: Callable[[str], None]) -> None:
        self._query = ListQuery(http, endpoint, tell, "discover")

    def pages(self, wanted: TitleFilter) -> Iterator[TitleList]:
        """Give titles page after page; raises as `TitleDiscovery.pages` says."""
        return self._query.pages(variables_of(wanted), wanted.limit, read_found)


def variables_of(wanted: TitleFilter) -> dict[str, Any]:
    """The variables of the question; what is not asked for is left out."""
    explicit = "INCLUDE_ADULT" if wanted.with_adult else "EXCLUDE_ADULT"
    variables: dict[str, Any] = {
        "sort": {
            "sortBy": SORTS[wanted.sort],
            "sortOrder": "ASC" if wanted.is_ascending else "DESC",
        },
        "explicit": {"explicitContentFilter": explicit},
    }
    lists = (
        ("kinds", "anyTitleTypeIds", wanted.kinds),
        ("genres", "allGenreIds", wanted.genres),
        ("countries", "allCountries", wanted.countries),
        ("languages", "allLanguages", wanted.languages),
        ("keywords", "allKeywords", wanted.keywords),
        ("people", "allNameIds", wanted.people),
        ("companies", "allCompanyIds", wanted.companies),
    )
    variables |= {name: {field: list(values)} for name, field, values in lists if values}
    if wanted.words is not None:
        variables["words"] = {"searchTerm": wanted.words}
    if wanted.rated_by is not None:
        variables["ratedBy"] = {"filterType": "INCLUDE", "userId": wanted.rated_by}
    if not wanted.years.is_open:
        variables["released"] = {"releaseDateRange": _days_of(wanted.years)}
    if not wanted.runtimes.is_open:
        variables["runtime"] = {"runtimeRangeMinutes": _range(wanted.runtimes)}
    ratings = (
        ("aggregateRatingRange", wanted.ratings),
        ("ratingsCountRange", wanted.votes),
    )
    if limits := {name: _range(span) for name, span in ratings if not span.is_open}:
        variables["ratings"] = limits
    return variables


def _days_of(years: Span[int]) -> dict[str, str]:
    days = {} if years.low is None else {"start": f"{years.low:04d}-01-01"}
    return days | ({} if years.high is None else {"end": f"{years.high:04d}-12-31"})


def _range(span: Span[int] | Span[float]) -> dict[str, float]:
    limits = (("min", span.low), ("max", span.high))
    return {name: value for name, value in limits if value is not None}


def read_found(reply: Reply) -> ListPart:
    """Read a page of an answer.

    Raises the `failure` of its first error, `PageChanged` naming what is missing or of another
    shape, `InvalidTitle` for a title without an id or a name.
    """
    for error in reply.errors:
        raise failure(reply, error)
    data = decode(_DATA, reply.data, reply.page, where=_FIELD)
    if data is None or data.advanced_title_search is None:
        raise PageChanged(reply.page.url, _FIELD)
    found = data.advanced_title_search
    titles = tuple(title_of_node(edge.node.title) for edge in found.edges)
    return ListPart(TitleList(total=found.total, titles=titles), found.page_info, reply.page.url)
