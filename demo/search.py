"""Searching on the demo site: the page ``/find/`` and the suggestion API, from the facts."""

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from urllib.parse import parse_qs, unquote

from demo.body import Body, body_of, piece
from demo.facts import ChartFacts, KnownPerson, TitleFacts
from demo.pages import PageRenderer
from demo.structured_data import person_suggestion, suggestion

FIND_PATH = "/find/"

_SUGGESTIONS = re.compile(r"/suggestion/(?P<folder>titles|names)/[^/]+/(?P<text>[^/]+)\.json")
_MOST_SUGGESTIONS = 8
_MOST_RESULTS = 25
_WORD = re.compile(r"\w+")


class SiteSearch:
    """Finds titles and people whose name has every word of a text, or begins a word with it.

    A word that is a title's year counts, too. Any number of threads may use it.
    """

    def __init__(self, facts: ChartFacts, renderer: PageRenderer) -> None:
        self._facts = facts
        self._renderer = renderer

    def suggestions(self, path: str) -> Body | None:
        """The answer of the suggestion API, or ``None`` when the path is not one of it."""
        asked = _SUGGESTIONS.fullmatch(path)
        if asked is None:
            return None
        text = unquote(asked["text"])
        if asked["folder"] == "titles":
            lines = [suggestion(facts) for facts in self._titles(text, _MOST_SUGGESTIONS)]
        else:
            lines = [person_suggestion(person) for person in self._people(text, _MOST_SUGGESTIONS)]
        answer = {"d": lines, "q": text, "v": 1}
        return body_of([piece(json.dumps(answer, ensure_ascii=False).encode())])

    def page(self, query: str) -> Body:
        """The page for a query such as ``q=the+matrix&s=tt``."""
        given = parse_qs(query)
        text, sort = given.get("q", [""])[0], given.get("s", [""])[0]
        titles = [] if sort == "nm" else self._titles(text, _MOST_RESULTS)
        people = [] if sort == "tt" else self._people(text, _MOST_RESULTS)
        return self._renderer.find(text, titles, people)

    def _titles(self, text: str, most: int) -> list[TitleFacts]:
        words = _words(text)
        found = (
            facts
            for facts in self._facts.titles
            if words == [facts.imdb_id]
            or _has_all(words, f"{facts.title} {facts.original_title} {facts.year}")
        )
        return list(islice(found, most))

    def _people(self, text: str, most: int) -> list[KnownPerson]:
        words = _words(text)
        found = (person for person in self._known_people if _has_all(words, person.name))
        return list(islice(found, most))

    @cached_property
    def _known_people(self) -> tuple[KnownPerson, ...]:
        known = {person.imdb_id: person for person in reversed(list(_credited(self._facts)))}
        return tuple(reversed(known.values()))


def _credited(facts: ChartFacts) -> Iterator[KnownPerson]:
    for title in facts.titles:
        roles = (("Director", title.directors), ("Writer", title.writers), ("Cast", title.cast))
        for profession, people in roles:
            for person in people:
                if person.imdb_id is not None:
                    yield KnownPerson(person.imdb_id, person.name, profession, title)


def _has_all(words: list[str], text: str) -> bool:
    known = _words(text)
    return bool(words) and all(any(one.startswith(word) for one in known) for word in words)


def _words(text: str) -> list[str]:
    """The words in lower case and without accents, which nobody types."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))
