"""Charts and titles from the GraphQL API."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from application.ports import TitleOutcome
from domain.chart import Chart, ChartName
from domain.errors import (
    ChartNotFound,
    PageChanged,
    RunStopped,
    SourceError,
    TitleNotFound,
)
from domain.identifiers import TitleId
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_graphql.batch_size import BatchSize
from infrastructure.scrapers.imdb_graphql.charts import ChartPart, join_parts, read_part
from infrastructure.scrapers.imdb_graphql.endpoint import Endpoint, Http, Query
from infrastructure.scrapers.imdb_graphql.replies import (
    SOURCE_NAME,
    Reply,
    TooComplex,
    WrongInput,
    read_reply,
)
from infrastructure.scrapers.imdb_graphql.titles import read_titles

logger = logging.getLogger(__name__)

CHART_PART = 250
"""Places of a chart that are asked for at once: as many as the longest chart has."""

CHART_TYPES: Mapping[ChartName, str] = MappingProxyType(
    {
        ChartName.TOP: "TOP_RATED_MOVIES",
        ChartName.TOP_TV: "TOP_RATED_TV_SHOWS",
        ChartName.MOVIEMETER: "MOST_POPULAR_MOVIES",
        ChartName.TVMETER: "MOST_POPULAR_TV_SHOWS",
        ChartName.BOTTOM: "LOWEST_RATED_MOVIES",
        ChartName.TOP_ENGLISH: "TOP_RATED_ENGLISH_MOVIES",
        ChartName.TOP_INDIAN: "TOP_RATED_INDIAN_MOVIES",
        ChartName.TOP_MALAYALAM: "TOP_RATED_MALAYALAM_MOVIES",
        ChartName.TOP_TAMIL: "TOP_RATED_TAMIL_MOVIES",
        ChartName.TOP_TELUGU: "TOP_RATED_TELUGU_MOVIES",
    }
)
"""The API's ``ChartTitleType`` of each chart that it has: the box office is not one of them."""

_Read = TypeVar("_Read")


class ImdbGraphqlSource:
    """Asks the API for charts, and for many titles at once.

    ``batch_size`` is how many titles it asks for in one request; when the API says that this is too
    complex, half as many, from then on. ``tell`` is told, once, what the API's answers say that
    they may be used for.

    Any number of threads may call a source: one lock guards the size of batches, another one
    whether the disclaimer has been told.
    """

    name = SOURCE_NAME
    charts = frozenset(CHART_TYPES)

    def __init__(
        self, http: Http, endpoint: Endpoint, batch_size: int, tell: Callable[[str], None]
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._batch_size = BatchSize(batch_size)
        self._tell = tell
        self._lock = threading.Lock()
        self._has_told = False
        self._chart_query = Query("chart")
        self._titles_query = Query("titles")

    @property
    def batch_size(self) -> int:
        """How many titles one request takes, at least 1; may become smaller."""
        return self._batch_size.now

    def chart(self, name: ChartName) -> Chart:
        """Ask for a chart, part by part; raises as `TitleSource.chart` says."""
        if name not in self.charts:
            raise ChartNotFound(name, f"{self._endpoint.url} (the API has no such chart)")
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
        outcomes: list[TitleOutcome] = []
        while rest := ids[len(outcomes) :]:
            try:
                outcomes += self._first_of(rest)
            except RunStopped:
                raise
            except SourceError as error:
                if not outcomes:
                    raise
                outcomes += [error] * len(rest)
        return outcomes

    def _first_of(self, ids: Sequence[TitleId]) -> Sequence[TitleOutcome]:
        """Outcomes of as many of the first ids as the API takes in one request."""
        count = min(len(ids), self._batch_size.now)
        while True:
            asked = ids[:count]
            try:
                return self._asked(asked)
            except TooComplex as error:
                if count == 1:
                    return [PageChanged(self._endpoint.url, "query", f"for one title: {error}")]
                count = self._batch_size.halve(count)
            except WrongInput as error:  # one of the ids, and it is not said which
                if count == 1:
                    return [TitleNotFound(asked[0], f"{self._endpoint.url} ({error})")]
                count //= 2

    def _asked(self, ids: Sequence[TitleId]) -> Sequence[TitleOutcome]:
        read = partial(self._replied, partial(read_titles, ids))
        try:
            return self._titles_query.ask(self._http, self._endpoint, {"ids": ids}, read)
        except PageChanged as error:
            return [error] * len(ids)

    def _replied(self, read: Callable[[Reply], _Read], answer: PackedAnswer) -> _Read:
        reply = read_reply(answer)
        if reply.disclaimer is not None:
            self._tell_once(reply.disclaimer)
        return read(reply)

    def _tell_once(self, disclaimer: str) -> None:
        with self._lock:
            has_told, self._has_told = self._has_told, True
        if not has_told:
            self._tell(f"source {self.name} says: {disclaimer}")
