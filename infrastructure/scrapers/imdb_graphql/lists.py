"""Lists that people have made, from the API."""

from collections.abc import Callable, Iterator
from functools import partial

import msgspec
from msgspec import Struct

from domain.errors import ListNotFound
from domain.identifiers import ListId
from domain.lists import TitleList
from infrastructure.scrapers.imdb_graphql.connection import PageInfo
from infrastructure.scrapers.imdb_graphql.endpoint import Endpoint, Http
from infrastructure.scrapers.imdb_graphql.listed_titles import (
    TITLES_A_PAGE,
    ListPart,
    ListQuery,
)
from infrastructure.scrapers.imdb_graphql.replies import SOURCE_NAME, Reply, failure
from infrastructure.scrapers.imdb_pages.listed_node import ListedNode, title_of_node
from infrastructure.scrapers.imdb_pages.next_data import decode

_FIELD = "list"
_PRIVATE = frozenset({"FORBIDDEN", "NOT_FOUND", "BAD_USER_INPUT", "UNAUTHORIZED"})
"""Codes of an error about the list alone: it is not there, or not for us."""


class Place(Struct, frozen=True):
    """A place in a list."""

    title: ListedNode


class Places(Struct, frozen=True, rename="camel"):
    """Some of the ``total`` places of a list."""

    total: int
    edges: list[Place]
    page_info: PageInfo


class ListName(Struct, frozen=True, rename="camel"):
    """What its owner calls it."""

    original_text: str


class TheList(Struct, frozen=True, rename="camel"):
    """``title_list_item_search`` is null for a list of something else than titles."""

    name: ListName | None = None
    title_list_item_search: Places | None = None


class ListData(Struct, frozen=True):
    """``list`` is null when there is no such list."""

    list: TheList | None = None


_DATA = msgspec.json.Decoder(ListData | None)


class GraphqlLists:
    """Asks for ``list(id:)``; fulfils `TitleLists`. Any number of threads may call it."""

    name = SOURCE_NAME

    def __init__(self, http: Http, endpoint: Endpoint, tell: Callable[[str], None]) -> None:
        self._query = ListQuery(http, endpoint, tell, "list")

    def pages(self, wanted: ListId) -> Iterator[TitleList]:
        """Give its titles page after page; raises as `TitleLists.pages` says."""
        return self._query.pages({"id": wanted}, TITLES_A_PAGE, partial(read_list, wanted))


def read_list(wanted: ListId, reply: Reply) -> ListPart:
    """Read a page of an answer; raises as `read_found` does, and `ListNotFound`."""
    for error in reply.errors:
        if error.path == [_FIELD] and error.code in _PRIVATE:
            raise ListNotFound(wanted, f"{reply.page.url} ({error.text})")
        raise failure(reply, error)
    data = decode(_DATA, reply.data, reply.page, where=_FIELD)
    if data is None or data.list is None or data.list.title_list_item_search is None:
        raise ListNotFound(wanted, reply.page.url)
    places = data.list.title_list_item_search
    titles = TitleList(
        total=places.total,
        titles=tuple(title_of_node(edge.title) for edge in places.edges),
        name=(data.list.name and data.list.name.original_text) or None,
    )
    return ListPart(titles, places.page_info, reply.page.url)
