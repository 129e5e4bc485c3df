"""``/search/title/``: the titles that a filter lets through, 50 a page."""

import msgspec
from msgspec import Struct

from domain.errors import PageChanged
from domain.lists import TitleList
from infrastructure.scrapers.imdb_pages.identity import SEARCH_ROUTES
from infrastructure.scrapers.imdb_pages.list_item import ListItem, listed_title
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.props import page_props


class TitleResults(Struct, frozen=True, rename="camel"):
    """The titles of the page, and how many there are in all."""

    title_list_items: list[ListItem]
    total: int


class SearchResults(Struct, frozen=True, rename="camel"):
    """``titleResults`` is absent where people or companies were searched for."""

    title_results: TitleResults | None = None


class SearchProps(Struct, frozen=True, rename="camel"):
    """The data of the page."""

    search_results: SearchResults


_DECODER = msgspec.json.Decoder(NextData[SearchProps])


def read_search(page: Page) -> TitleList:
    """Read a page of titles; raises as this package says."""
    results = page_props(page, _DECODER, SEARCH_ROUTES).search_results.title_results
    if results is None:
        raise PageChanged(page.url, "searchResults.titleResults")
    titles = tuple(map(listed_title, results.title_list_items))
    return TitleList(total=results.total, titles=titles)
