"""``/list/<id>/``: somebody's list of titles, the first of them.

What comes after them, the site's own script asks the API for.
"""

import msgspec
from msgspec import Struct

from domain.errors import PageChanged
from domain.lists import TitleList
from infrastructure.scrapers.imdb_pages.identity import LIST_ROUTES
from infrastructure.scrapers.imdb_pages.listed_node import ListedNode, title_of_node
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.props import page_props

_FIELD = "mainColumnData.list.titleListItemSearch"


class Place(Struct, frozen=True, rename="camel"):
    """A place in the list."""

    list_item: ListedNode


class Places(Struct, frozen=True):
    """Some of the ``total`` places."""

    total: int
    edges: list[Place]


class ListName(Struct, frozen=True, rename="camel"):
    """What its owner calls it."""

    original_text: str


class TheList(Struct, frozen=True, rename="camel"):
    """``titleListItemSearch`` is null for a list of something else than titles."""

    name: ListName | None = None
    title_list_item_search: Places | None = None


class MainColumn(Struct, frozen=True):
    """What the page shows."""

    list: TheList | None = None


class ListProps(Struct, frozen=True, rename="camel"):
    """The data of the page."""

    main_column_data: MainColumn


_DECODER = msgspec.json.Decoder(NextData[ListProps])


def read_list(page: Page) -> TitleList:
    """Read the titles that the page has; raises as this package says."""
    shown = page_props(page, _DECODER, LIST_ROUTES).main_column_data.list
    if shown is None or shown.title_list_item_search is None:
        raise PageChanged(page.url, _FIELD)
    places = shown.title_list_item_search
    return TitleList(
        total=places.total,
        titles=tuple(title_of_node(place.list_item) for place in places.edges),
        name=(shown.name and shown.name.original_text) or None,
    )
