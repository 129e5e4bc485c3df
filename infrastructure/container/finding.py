"""What finds titles: by words, by filters, and in lists."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from application.search_titles import SearchTitles
from domain.identifiers import ListId
from domain.search import Thing
from infrastructure.container.network import http_cache, http_client
from infrastructure.container.sources import graphql_endpoint, sources_able
from shared.config import Settings

if TYPE_CHECKING:
    from application.list_titles import ListTitles
    from application.ports import TitleDiscovery, TitleLists
    from domain.discovery import TitleFilter


@contextmanager
def open_search(settings: Settings, tell: Callable[[str], None]) -> Iterator[SearchTitles]:
    """Wire the ways to search; ``tell`` is called for each one that gives no answer."""
    from infrastructure.scrapers.imdb_graphql.search import GraphqlSearch
    from infrastructure.scrapers.imdb_html.find import FindPageSearch
    from infrastructure.scrapers.imdb_suggestion import SuggestionSearch

    with http_client("search", settings, threading.Event(), http_cache(settings)) as client:
        suggestions = SuggestionSearch(client, settings.suggestion_url)
        api = GraphqlSearch(client, graphql_endpoint(settings), tell)
        page = FindPageSearch(client, settings.base_url)
        # Suggestions of all sorts may have a company or two among them, and no keywords.
        instead = {Thing.COMPANY: (api, page, suggestions), Thing.KEYWORD: (api, page)}
        yield SearchTitles((suggestions, api, page), tell, instead=instead)


_LISTING_SOURCES = ("html", "graphql")


def listing_sources(settings: Settings) -> tuple[str, ...]:
    """The names of the chosen sources that find titles by filters and give lists.

    Raises `InvalidConfiguration` when none of them does.
    """
    return sources_able(settings, _LISTING_SOURCES, "list titles")


@contextmanager
def open_discovery(
    settings: Settings, tell: Callable[[str], None]
) -> "Iterator[ListTitles[TitleFilter]]":
    """Wire the ways to find titles by filters; raises `InvalidConfiguration` when there is none.

    ``tell`` is called for what the user should know: a source that gives no answer, what its data
    may be used for.
    """
    from application.list_titles import ListTitles
    from infrastructure.scrapers.imdb_graphql.discovery import GraphqlDiscovery
    from infrastructure.scrapers.imdb_html.discovery import SearchPageDiscovery

    names = listing_sources(settings)
    with http_client("discovery", settings, threading.Event(), http_cache(settings)) as client:
        ways: dict[str, TitleDiscovery] = {
            "html": SearchPageDiscovery(client, settings.base_url),
            "graphql": GraphqlDiscovery(client, graphql_endpoint(settings), tell),
        }
        yield ListTitles([ways[name] for name in names], tell)


@contextmanager
def open_lists(settings: Settings, tell: Callable[[str], None]) -> "Iterator[ListTitles[ListId]]":
    """Wire the ways to read somebody's list; as `open_discovery`."""
    from application.list_titles import ListTitles
    from infrastructure.scrapers.imdb_graphql.lists import GraphqlLists
    from infrastructure.scrapers.imdb_html.lists import ListPages

    names = listing_sources(settings)
    with http_client("lists", settings, threading.Event(), http_cache(settings)) as client:
        ways: dict[str, TitleLists] = {
            "html": ListPages(client, settings.base_url),
            "graphql": GraphqlLists(client, graphql_endpoint(settings), tell),
        }
        yield ListTitles([ways[name] for name in names], tell)
