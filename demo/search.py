"""Searching on the demo site: the page ``/find/`` and the suggestion API, from the facts."""

import json
import re
from urllib.parse import parse_qs, unquote

from demo.body import Body, body_of, piece
from demo.fact_search import FactSearch
from demo.facts import ChartFacts
from demo.pages import PageRenderer
from demo.structured_data import (
    JsonObject,
    company_suggestion,
    person_suggestion,
    suggestion,
)

FIND_PATH = "/find/"

_SUGGESTIONS = re.compile(r"/suggestion/(?:(?P<folder>titles|names)/)?[^/]+/(?P<text>[^/]+)\.json")
_MOST_SUGGESTIONS = 8
_MOST_RESULTS = 25


class SiteSearch:
    """Answers searches as the site and the suggestion API do; any number of threads may use it."""

    def __init__(self, facts: ChartFacts, renderer: PageRenderer) -> None:
        self._found = FactSearch(facts)
        self._renderer = renderer

    def suggestions(self, path: str) -> Body | None:
        """The answer of the suggestion API, or ``None`` when the path is not one of it."""
        asked = _SUGGESTIONS.fullmatch(path)
        if asked is None:
            return None
        text, folder = unquote(asked["text"]), asked["folder"]
        lines: list[JsonObject] = []
        if folder != "names":
            lines += map(suggestion, self._found.titles(text, _MOST_SUGGESTIONS))
        if folder != "titles":
            lines += map(person_suggestion, self._found.people(text, _MOST_SUGGESTIONS))
        if folder is None:
            lines += map(company_suggestion, self._found.companies(text, _MOST_SUGGESTIONS))
        answer = {"d": lines[:_MOST_SUGGESTIONS], "q": text, "v": 1}
        return body_of([piece(json.dumps(answer, ensure_ascii=False).encode())])

    def page(self, query: str) -> Body:
        """The page for a query such as ``q=the+matrix&s=tt``."""
        given = parse_qs(query)
        text, sort = given.get("q", [""])[0], given.get("s", [""])[0]
        return self._renderer.find(text, self._found.of_sort(sort, text, _MOST_RESULTS))
