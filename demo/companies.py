"""Companies and keywords of the demo site, of which the facts have none.

A company is made up: one for each genre, which has produced all its titles. A keyword says what is
so: a genre or a decade. Their ids have ten digits, where IMDb's own have seven or eight, so that
none is ever a real one's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from demo.facts import ChartFacts, TitleFacts

_FIRST_NUMBER = 9_000_000_001

COMPANY_TYPE = "Production"
COUNTRY = "United States"


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """A company and its titles, in order of their rank; there is at least one."""

    imdb_id: str
    name: str
    titles: tuple[TitleFacts, ...]


@dataclass(frozen=True, slots=True)
class KeywordFacts:
    """A keyword, its words parted by spaces, and how many titles have it."""

    imdb_id: str
    text: str
    title_count: int


def companies_of(chart: ChartFacts) -> tuple[CompanyFacts, ...]:
    """The companies of a chart, by name: ``Crime Pictures`` made the titles that are ``Crime``."""
    made = _grouped(chart, lambda facts: [f"{genre} Pictures" for genre in facts.genres])
    return tuple(
        CompanyFacts(f"co{number}", name, tuple(made[name]))
        for number, name in enumerate(sorted(made), _FIRST_NUMBER)
    )


def keywords_of(chart: ChartFacts) -> tuple[KeywordFacts, ...]:
    """The keywords of a chart, in alphabetical order: ``1990s``, ``crime film``."""
    having = _grouped(chart, keywords_in)
    return tuple(
        KeywordFacts(f"kw{number}", text, len(having[text]))
        for number, text in enumerate(sorted(having), _FIRST_NUMBER)
    )


def keywords_in(facts: TitleFacts) -> list[str]:
    """The keywords of a title."""
    return [f"{facts.year // 10 * 10}s", *(f"{genre.lower()} film" for genre in facts.genres)]


def _grouped(
    chart: ChartFacts, names_of: Callable[[TitleFacts], Iterable[str]]
) -> dict[str, list[TitleFacts]]:
    grouped: dict[str, list[TitleFacts]] = defaultdict(list)
    for facts in chart.titles:
        for name in names_of(facts):
            grouped[name].append(facts)
    return grouped
