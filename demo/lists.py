"""The pages of the demo site that list titles: the advanced search, and somebody's list."""

import re

from demo.advanced_search import PUBLIC_LIST_NAME, SEARCH_PATH, AdvancedSearch, wanted_by_page
from demo.body import Body
from demo.facts import ChartFacts
from demo.pages import PageRenderer

_LIST_PATH = re.compile(r"/list/(?P<id>ls[0-9]+)/")


class SiteLists:
    """Answers with lists of titles as the site does; any number of threads may use it."""

    def __init__(self, facts: ChartFacts, renderer: PageRenderer) -> None:
        self._found = AdvancedSearch(facts)
        self._renderer = renderer

    def page(self, path: str, query: str) -> Body | None:
        """The page for a path, or ``None`` when there is no such list."""
        if path == SEARCH_PATH:
            wanted, most = wanted_by_page(query)
            titles = self._found.titles(wanted)
            return self._renderer.search(titles[:most], len(titles))
        asked = _LIST_PATH.fullmatch(path)
        listed = self._found.list_of(asked["id"]) if asked else None
        if asked is None or listed is None:
            return None
        return self._renderer.list(asked["id"], PUBLIC_LIST_NAME, listed)
