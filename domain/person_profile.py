"""A person's profile: who somebody is, and what they have done for which titles."""

from dataclasses import dataclass

from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId, name_id, title_id
from domain.partial_date import PartialDate
from domain.person_fact import PersonFact, PersonFactCategory
from domain.provenance import Provenance
from domain.release_date import FIRST_YEAR, LAST_YEAR
from domain.rules import (
    LARGEST_INTEGER,
    check_integer,
    check_optional_text,
    check_rating,
    check_text,
)
from domain.title import TitleKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmographyCredit:
    """What a person did for a title, in one category.

    ``category`` is IMDb's id of it (``actor``, ``director``, ``art_department``, ...). The title's
    facts are as the person's page shows them: ``rating`` from 0.0 to 10.0, the mean of ``votes``
    votes. ``jobs`` is what is said of crew, ``attributes`` are remarks (``uncredited``),
    ``episodes`` the number of episodes of a series, from 1 on. What is unknown is ``None`` or an
    empty tuple. Raises `InvalidTitle` naming the field that breaks a rule.
    """

    category: str
    title_id: TitleId
    title: str
    kind: TitleKind | None = None
    year: int | None = None
    end_year: int | None = None
    rating: float | None = None
    votes: int | None = None
    characters: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    episodes: int | None = None

    def __post_init__(self) -> None:
        title_id(self.title_id)
        check_text("category", self.category)
        check_text("title", self.title)
        check_integer("year", self.year, FIRST_YEAR, LAST_YEAR)
        check_integer("end_year", self.end_year, FIRST_YEAR, LAST_YEAR)
        check_rating("rating", self.rating)
        check_integer("votes", self.votes, 0, LARGEST_INTEGER)
        check_integer("episodes", self.episodes, 1, LARGEST_INTEGER)
        for field in ("characters", "jobs", "attributes"):
            for text in getattr(self, field):
                check_text(field, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonProfile:
    """A person with what IMDb says of them, identified by the ``nm`` id.

    ``professions`` are as IMDb shows them (``Writer``), the main one first; ``known_for`` has the
    titles that it puts first. ``filmography`` has each title once in a category, in the order of
    the source; ``total_credits`` is how many credits there are in all, of which a page shows a
    part. ``facts`` has what else is said, of which a page shows a part too. What is unknown is
    ``None`` or empty. Raises `InvalidTitle` naming the field that breaks a rule.
    """

    imdb_id: NameId
    name: str
    provenance: Provenance
    birth_date: PartialDate | None = None
    birth_place: str | None = None
    death_date: PartialDate | None = None
    death_place: str | None = None
    professions: tuple[str, ...] = ()
    biography: str | None = None
    known_for: tuple[TitleId, ...] = ()
    total_credits: int | None = None
    filmography: tuple[FilmographyCredit, ...] = ()
    facts: tuple[PersonFact, ...] = ()

    def __post_init__(self) -> None:
        name_id(self.imdb_id)
        try:
            self._check_facts()
        except InvalidTitle as error:
            raise InvalidTitle(
                error.field, error.value, error.rule, imdb_id=self.imdb_id
            ) from error

    def _check_facts(self) -> None:
        check_text("name", self.name)
        for field in ("birth_place", "death_place", "biography"):
            check_optional_text(field, getattr(self, field))
        for profession in self.professions:
            check_text("professions", profession)
        for imdb_id in self.known_for:
            title_id(imdb_id)
        check_integer("total_credits", self.total_credits, 0, LARGEST_INTEGER)
        places = {(credit.category, credit.title_id) for credit in self.filmography}
        if len(places) != len(self.filmography):
            raise InvalidTitle(
                "filmography", len(self.filmography), "a title is there twice in one category"
            )

    def facts_of(self, category: PersonFactCategory) -> tuple[PersonFact, ...]:
        """The facts of one category, in the order of the source."""
        return tuple(fact for fact in self.facts if fact.category is category)

    @property
    def by_category(self) -> dict[str, tuple[FilmographyCredit, ...]]:
        """The filmography by category, each in the order of the source, as are the categories."""
        found: dict[str, list[FilmographyCredit]] = {}
        for credit in self.filmography:
            found.setdefault(credit.category, []).append(credit)
        return {category: tuple(credits_) for category, credits_ in found.items()}
