"""Finding titles and people among the facts, for the demo site's ways to search."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from demo.facts import ChartFacts, KnownPerson, TitleFacts

_WORD = re.compile(r"\w+")


class FactSearch:
    """Finds titles and people whose name has every word of a text, or begins a word with it.

    A word that is a title's year counts, too. Any number of threads may use it.
    """

    def __init__(self, facts: ChartFacts) -> None:
        self._facts = facts

    def titles(self, text: str, most: int) -> list[TitleFacts]:
        """At most so many titles, in the order of the chart."""
        words = _words(text)
        found = (
            facts
            for facts in self._facts.titles
            if words == [facts.imdb_id]
            or _has_all(words, f"{facts.title} {facts.original_title} {facts.year}")
        )
        return list(islice(found, most))

    def people(self, text: str, most: int) -> list[KnownPerson]:
        """At most so many people, in the order in which the titles name them."""
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
