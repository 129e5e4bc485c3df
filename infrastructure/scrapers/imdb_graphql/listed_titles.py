"""Titles in the lists that the API gives, a page at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from domain.errors import PageChanged
from domain.lists import TitleList
from infrastructure.scrapers.answers import PackedAnswer
from infrastructure.scrapers.imdb_graphql.batch_size import BatchSize
from infrastructure.scrapers.imdb_graphql.connection import PageInfo
from infrastructure.scrapers.imdb_graphql.endpoint import Endpoint, Http, Query
from infrastructure.scrapers.imdb_graphql.replies import (
    SOURCE_NAME,
    Reply,
    TooComplex,
    WrongInput,
    read_reply,
)

TITLES_A_PAGE = 250
"""Titles that are asked for at once: as many as the API gives of a chart or a list."""


@dataclass(frozen=True, slots=True)
class ListPart:
    """A page, where it came from, and what the API says of those after it."""

    titles: TitleList
    info: PageInfo
    url: str


class ListQuery:
    """Asks a query for page after page. ``tell`` is told what the data may be used for.

    When the API finds a page too complex, half as many titles are asked for from then on. Any
    number of threads may call it: a lock guards the number.
    """

    def __init__(
        self, http: Http, endpoint: Endpoint, tell: Callable[[str], None], query: str
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._tell = tell
        self._query = Query.named(query)
        self._size = BatchSize(TITLES_A_PAGE)

    def pages(
        self, variables: Mapping[str, Any], most: int, read: Callable[[Reply], ListPart]
    ) -> Iterator[TitleList]:
        """Give page after page of at most ``most`` titles, until there are no more.

        Raises as `TitleDiscovery.pages`, and what ``read`` raises.
        """
        part = self._page(variables, None, most, read)
        cursors = set[str | None]()
        yield part.titles
        while part.info.has_next_page:
            after = part.info.end_cursor
            if after is None or after in cursors or not part.titles.titles:
                raise PageChanged(part.url, "pageInfo", "promises more and does not lead on")
            cursors.add(after)
            part = self._page(variables, after, most, read)
            yield part.titles

    def _page(
        self,
        variables: Mapping[str, Any],
        after: str | None,
        most: int,
        read: Callable[[Reply], ListPart],
    ) -> ListPart:
        replied = partial(self._replied, read, is_first=after is None)
        count = min(most, self._size.now)
        while True:
            asked = {**variables, "first": count, "after": after}
            try:
                return self._query.ask(self._http, self._endpoint, asked, replied)
            except TooComplex as error:
                if count == 1:
                    raise PageChanged(self._endpoint.url, "query", str(error)) from error
                count = self._size.halve(count)
            except WrongInput as error:
                raise PageChanged(self._endpoint.url, "query", str(error)) from error

    def _replied(
        self, read: Callable[[Reply], ListPart], answer: PackedAnswer, *, is_first: bool
    ) -> ListPart:
        reply = read_reply(answer)
        part = read(reply)
        if is_first and reply.disclaimer is not None:
            self._tell(f"source {SOURCE_NAME} says: {reply.disclaimer}")
        return part
