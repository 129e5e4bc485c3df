"""Charts and titles from the GraphQL API."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from application.ports import TitleOutcome
from domain.chart import Chart, ChartName
from domain.details import DetailName
from domain.errors import (
    ChartNotFound,
    PageChanged,
    TitleNotFound,
)
from domain.identifiers import TitleId
from domain.run import DetailFailure
from domain.title import Title
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
from infrastructure.scrapers.imdb_graphql.titles import read_detailed_titles, read_titles

if TYPE_CHECKING:
    from infrastructure.scrapers.imdb_graphql.detail_parts import DetailParts

CHART_PART = 250
"""Places of a chart that are asked for at once: as many as the longest chart has."""

DETAILED_TITLES = 10
"""Titles that are asked for at once together with details, at most."""

FIRST_ITEMS = 50
"""Items of a detail that are asked for together with the titles."""

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
    they may be used for; ``note`` of each detail that a title comes without, and why.

    With details, titles are asked for by `DETAILED_TITLES`. Any number of threads may call a
    source: the sizes of batches, and whether the disclaimer has been told, have a lock each.
    """

    name = SOURCE_NAME
    gives: Collection[DetailName] = frozenset(DetailName)
    charts = frozenset(CHART_TYPES)

    def __init__(
        self,
        http: Http,
        endpoint: Endpoint,
        batch_size: int,
        tell: Callable[[str], None],
        note: Callable[[DetailFailure], None] = lambda _: None,
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._batch_size = BatchSize(batch_size)
        self._detailed_batch_size = BatchSize(min(batch_size, DETAILED_TITLES))
        self._note = note
        self._disclaimer = Disclaimer(tell)
        self._chart_query = Query.named("chart")
        self._titles_query = Query.named("titles")

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

    def titles(
        self, ids: Sequence[TitleId], details: Collection[DetailName] = ()
    ) -> Sequence[TitleOutcome]:
        """Ask for titles; raises as `TitleSource.titles` says.

        When it takes several requests and one of them fails, the titles of those before it are
        given, and for the others the failure.
        """
        wanted = tuple(name for name in DetailName if name in details)
        if not wanted:
            return self._in_batches(ids, self._batch_size, self._asked)
        ask = partial(self._with_details, details=wanted)
        return self._in_batches(ids, self._detailed_batch_size, ask)

    def _in_batches(
        self,
        ids: Sequence[TitleId],
        size: BatchSize,
        ask: Callable[[Sequence[TitleId]], Sequence[TitleOutcome]],
    ) -> Sequence[TitleOutcome]:
        url = self._endpoint.url
        return ask_in_batches(ids, size, ask, url=url, not_found=TitleNotFound)

    def _asked(self, ids: Sequence[TitleId]) -> Sequence[TitleOutcome]:
        read = partial(self._replied, partial(read_titles, ids))
        try:
            return self._titles_query.ask(self._http, self._endpoint, {"ids": ids}, read)
        except PageChanged as error:
            return [error] * len(ids)

    def _with_details(
        self, ids: Sequence[TitleId], details: Sequence[DetailName]
    ) -> Sequence[TitleOutcome]:
        """Ask for titles with their details, and then for the rest of those that are long."""
        from infrastructure.scrapers.imdb_graphql.detail_queries import has_parts, titles_query

        query = Query(titles_query(self._titles_query.text, details))
        variables: dict[str, object] = {"ids": ids}
        if has_parts(details):
            variables |= {"first": FIRST_ITEMS, "after": None}
        read = partial(self._replied, partial(read_detailed_titles, ids, details))
        try:
            found = query.ask(self._http, self._endpoint, variables, read)
        except TooComplex:
            if len(ids) > 1:
                raise
            return self._one_by_one(ids, details)
        except PageChanged as error:
            return [error] * len(ids)
        rest = self._details
        return [
            rest.completed(outcome, parts) if isinstance(outcome, Title) else outcome
            for outcome, parts in found
        ]

    def _one_by_one(
        self, ids: Sequence[TitleId], details: Sequence[DetailName]
    ) -> Sequence[TitleOutcome]:
        """Ask for a title, and then for each of its details, all of which together are too much."""
        return [
            self._details.completed(outcome, dict.fromkeys(details))
            if isinstance(outcome, Title)
            else outcome
            for outcome in self._in_batches(ids, self._batch_size, self._asked)
        ]

    @cached_property
    def _details(self) -> "DetailParts":
        # Two threads may make two, which does no harm.
        from infrastructure.scrapers.imdb_graphql.detail_parts import DetailParts

        return DetailParts(self._http, self._endpoint, self._note)

    def _replied(self, read: Callable[[Reply], _Read], answer: PackedAnswer) -> _Read:
        return read(self._disclaimer.reply_of(answer))
