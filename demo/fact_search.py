"""Finding titles, people, companies and keywords, for the demo site's ways to search."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from demo.companies import CompanyFacts, KeywordFacts, companies_of, keywords_of
from demo.facts import ChartFacts, KnownPerson, TitleFacts

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a text finds; a sort that was not asked for is empty."""

    titles: Sequence[TitleFacts]
    people: Sequence[KnownPerson]
    companies: Sequence[CompanyFacts]
    keywords: Sequence[KeywordFacts]


class FactSearch:
    """Finds what has every word of a text in its name, or begins a word there with it.

    A word that is a title's year counts, too. Any number of threads may use it.
    """

    def __init__(self, facts: ChartFacts) -> None:
        self._facts = facts

    def of_sort(self, sort: str, text: str, most: int) -> Found:
        """At most so many of a sort (``tt``, ``nm``, ``co``, ``kw``), or of each without one."""
        return Found(
            titles=self.titles(text, most) if sort in {"tt", ""} else (),
            people=self.people(text, most) if sort in {"nm", ""} else (),
            companies=self.companies(text, most) if sort in {"co", ""} else (),
            keywords=self.keywords(text, most) if sort in {"kw", ""} else (),
        )

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

    def companies(self, text: str, most: int) -> list[CompanyFacts]:
        """At most so many companies, by name."""
        words = _words(text)
        found = (company for company in self._companies if _has_all(words, company.name))
        return list(islice(found, most))

    def keywords(self, text: str, most: int) -> list[KeywordFacts]:
        """At most so many keywords, in alphabetical order."""
        words = _words(text)
        found = (keyword for keyword in self._keywords if _has_all(words, keyword.text))
        return list(islice(found, most))

    @cached_property
    def _companies(self) -> tuple[CompanyFacts, ...]:
        return companies_of(self._facts)

    @cached_property
    def _keywords(self) -> tuple[KeywordFacts, ...]:
        return keywords_of(self._facts)

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
