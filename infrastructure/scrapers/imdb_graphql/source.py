"""Charts and titles from the GraphQL API."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from application.ports import TitleOutcome
from domain.chart import Chart, ChartName
from domain.errors import (
    ChartNotFound,
    PageChanged,
    TitleNotFound,
)
from domain.identifiers import TitleId
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_graphql.batch_size import BatchSize
from infrastructure.scrapers.imdb_graphql.batches import ask_in_batches
from infrastructure.scrapers.imdb_graphql.charts import ChartPart, join_parts, read_part
from infrastructure.scrapers.imdb_graphql.disclaimer import Disclaimer
from infrastructure.scrapers.imdb_graphql.endpoint import Endpoint, Http, Query
from infrastructure.scrapers.imdb_graphql.replies import (
    SOURCE_NAME,
    Reply,
    TooComplex,
    WrongInput,
)
from infrastructure.scrapers.imdb_graphql.titles import read_titles

CHART_PART = 250
"""Places of a chart that are asked for at once: as many as the longest chart has."""

CHART_TYPES: Mapping[ChartName, str] = MappingProxyType(
    {
        ChartName.TOP: "TOP_RATED_MOVIES",
        ChartName.TOP_TV: "TOP_RATED_TV_SHOWS",
        ChartName.MOVIEMETER: "MOST_POPULAR_MOVIES",
        ChartName.TVMETER: "MOST_POPULAR_TV_SHOWS",
        ChartName.BOTTOM: "LOWEST_RATED_MOVIES",
    }
)
"""The API's ``ChartTitleType`` of each chart."""

_Read = TypeVar("_Read")


class ImdbGraphqlSource:
    """Asks the API for charts, and for many titles at once.

    ``batch_size`` is how many titles it asks for in one request; when the API says that this is too
    complex, half as many, from then on. ``tell`` is told, once, what the API's answers say that
    they may be used for.

    Any number of threads may call a source: the size of batches, and whether the disclaimer has
    been told, have a lock each.
    """

    name = SOURCE_NAME

    def __init__(
        self, http: Http, endpoint: Endpoint, batch_size: int, tell: Callable[[str], None]
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._batch_size = BatchSize(batch_size)
        self._disclaimer = Disclaimer(tell)
        self._chart_query = Query("chart")
        self._titles_query = Query("titles")

    @property
    def batch_size(self) -> int:
        """How many titles one request takes, at least 1; may become smaller."""
        return self._batch_size.now

    def chart(self, name: ChartName) -> Chart:
        """Ask for a chart, part by part; raises as `TitleSource.chart` says."""
        parts = [self._chart_part(name, after=None)]
        while (after := parts[-1].next_after(parts)) is not None:
            parts.append(self._chart_part(name, after))
        return join_parts(name, parts)

    def _chart_part(self, name: ChartName, after: str | None) -> ChartPart:
        variables = {"chart": CHART_TYPES[name], "first": CHART_PART, "after": after}
        read = partial(self._replied, partial(read_part, name))
        try:
            return self._chart_query.ask(self._http, self._endpoint, variables, read)
        except WrongInput as error:
            raise ChartNotFound(name, f"{self._endpoint.url} ({error})") from error
        except TooComplex as error:
            raise PageChanged(self._endpoint.url, "query", str(error)) from error

    def titles(self, ids: Sequence[TitleId]) -> Sequence[TitleOutcome]:
        """Ask for titles; raises as `TitleSource.titles` says.

        When it takes several requests and one of them fails, the titles of those before it are
        given, and for the others the failure.
        """
        url = self._endpoint.url
        size = self._batch_size
        return ask_in_batches(ids, size, self._asked, url=url, not_found=TitleNotFound)

    def _asked(self, ids: Sequence[TitleId]) -> Sequence[TitleOutcome]:
        read = partial(self._replied, partial(read_titles, ids))
        try:
            return self._titles_query.ask(self._http, self._endpoint, {"ids": ids}, read)
        except PageChanged as error:
            return [error] * len(ids)

    def _replied(self, read: Callable[[Reply], _Read], answer: PackedAnswer) -> _Read:
        return read(self._disclaimer.reply_of(answer))
