"""Titles, people and charts for tests, with only what a test cares about spelled out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.chart import Chart, ChartEntry, ChartName
from domain.details import Detail, DetailName, Item
from domain.details.items import Keyword, Tagline
from domain.identifiers import NameId, TitleId
from domain.partial_date import PartialDate
from domain.person_fact import PersonFact, PersonFactCategory
from domain.person_profile import FilmographyCredit, PersonProfile
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from domain.run import Run
from domain.title import Credit, CreditCategory, Person, Title, TitleKind

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def title_number(number: int) -> TitleId:
    return TitleId(f"tt{number:07d}")


def person_number(number: int) -> Person:
    return Person(NameId(f"nm{number:07d}"), f"Person {number}")


def credit(person: Person | str, position: int = 1, **changes: Any) -> Credit:
    """A cast credit of a person, or of a bare name whose id is unknown."""
    known = isinstance(person, Person)
    facts: dict[str, Any] = {
        "category": CreditCategory.CAST,
        "position": position,
        "name": person.name if isinstance(person, Person) else person,
        "person_id": person.imdb_id if known else None,
    }
    return Credit(**(facts | changes))


def cast_of(*people: Person | str) -> tuple[Credit, ...]:
    return tuple(credit(person, position) for position, person in enumerate(people, 1))


def a_title(number: int = 111161, *, minutes_later: float = 0, **changes: Any) -> Title:
    """A full title; ``minutes_later`` makes it that much newer than ``NOON``."""
    facts: dict[str, Any] = {
        "imdb_id": title_number(number),
        "kind": TitleKind.MOVIE,
        "title": f"Title {number}",
        "original_title": f"Original {number}",
        "year": 1994,
        "runtime_minutes": 142,
        "rating": 9.3,
        "votes": 3_135_642,
        "metascore": 82,
        "certificate": "R",
        "genres": ("Drama", "Crime"),
        "release_date": ReleaseDate(year=1994, month=10, day=14),
        "plot": 'A plot, with a comma and a "quote".',
        "credits": (
            credit(person_number(1), 1, category=CreditCategory.DIRECTOR),
            credit(person_number(2), 1, characters=("Andy", "Self")),
            credit("Uncredited Extra", 2),
        ),
        "provenance": Provenance(
            source="html", found_by="next_data", fetched_at=NOON + timedelta(minutes=minutes_later)
        ),
    }
    return Title(**(facts | changes))


def a_detail(
    name: DetailName, *items: Item, minutes_later: float = 0, is_whole: bool = True
) -> Detail:
    """A detail; ``minutes_later`` makes it that much newer than ``NOON``."""
    return Detail(
        name=name,
        items=items,
        is_whole=is_whole,
        provenance=Provenance(
            source="html", found_by="next_data", fetched_at=NOON + timedelta(minutes=minutes_later)
        ),
    )


def keywords(*words: str, minutes_later: float = 0) -> Detail:
    """The detail that needs the fewest words."""
    found = [Keyword(keyword=word) for word in words]
    return a_detail(DetailName.KEYWORDS, *found, minutes_later=minutes_later)


def taglines(*texts: str, minutes_later: float = 0) -> Detail:
    found = [Tagline(text=text) for text in texts]
    return a_detail(DetailName.TAGLINES, *found, minutes_later=minutes_later)


def a_filmography_credit(number: int = 111161, **changes: Any) -> FilmographyCredit:
    """An actor's credit with every fact."""
    facts: dict[str, Any] = {
        "category": "actor",
        "title_id": title_number(number),
        "title": f"Title {number}",
        "kind": TitleKind.TV_SERIES,
        "year": 2004,
        "end_year": 2008,
        "rating": 8.5,
        "votes": 51_586,
        "characters": ("Andy", 'Self, "himself"'),
        "jobs": ("story by",),
        "attributes": ("uncredited",),
        "episodes": 3,
    }
    return FilmographyCredit(**(facts | changes))


def a_person_fact(**changes: Any) -> PersonFact:
    """An award with every part of a fact."""
    facts: dict[str, Any] = {
        "category": PersonFactCategory.AWARD_WIN,
        "text": "Prize: Best Play (Title 2)",
        "year": 1650,
        "url": "https://example.org/prize",
        "related_id": title_number(2),
    }
    return PersonFact(**(facts | changes))


def a_profile(number: int = 741627, *, minutes_later: float = 0, **changes: Any) -> PersonProfile:
    """A full profile; ``minutes_later`` makes it that much newer than ``NOON``."""
    facts: dict[str, Any] = {
        "imdb_id": NameId(f"nm{number:07d}"),
        "name": f"Person {number}",
        "birth_date": PartialDate(year=1620, month=12, day=10),
        "birth_place": "Manhattan, New York City, New York, USA",
        "death_date": PartialDate(year=1702, month=4),
        "death_place": "Norwalk, Connecticut, USA",
        "professions": ("Writer", "Producer"),
        "biography": 'Born, with a comma and a "quote".\n\nA second paragraph.',
        "known_for": (title_number(2), title_number(1)),
        "total_credits": 91,
        "filmography": (
            a_filmography_credit(1),
            a_filmography_credit(2),
            a_filmography_credit(
                1, category="writer", kind=None, year=None, end_year=None, rating=None, votes=None,
                characters=(), jobs=(), attributes=(), episodes=None,
            ),
        ),
        "facts": (
            a_person_fact(),
            PersonFact(category=PersonFactCategory.QUOTE, text='Two,\n"lines".'),
        ),
        "provenance": Provenance(
            source="html", found_by="next_data", fetched_at=NOON + timedelta(minutes=minutes_later)
        ),
    }  # fmt: skip
    return PersonProfile(**(facts | changes))


def a_run(run_id: str = "20260101T120000Z-test", **changes: Any) -> Run:
    facts: dict[str, Any] = {
        "run_id": run_id,
        "command": "chart",
        "chart": ChartName.TOP,
        "sources": ("html",),
        "started_at": NOON,
    }
    return Run(**(facts | changes))


def a_chart(*numbers: int, name: ChartName = ChartName.TOP) -> Chart:
    entries = tuple(ChartEntry(rank, title_number(n)) for rank, n in enumerate(numbers, 1))
    return Chart(name, entries, NOON)
