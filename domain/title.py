"""A title with its facts and credits."""

from dataclasses import dataclass
from enum import StrEnum

from domain.details import Detail
from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId, name_id, title_id
from domain.provenance import Provenance
from domain.release_date import FIRST_YEAR, LAST_YEAR, ReleaseDate
from domain.rules import (
    LARGEST_INTEGER,
    check_integer,
    check_optional_text,
    check_rating,
    check_text,
)


class TitleKind(StrEnum):
    """IMDb's title types, by IMDb's own ids."""

    MOVIE = "movie"
    TV_SERIES = "tvSeries"
    TV_MINI_SERIES = "tvMiniSeries"
    TV_EPISODE = "tvEpisode"
    TV_MOVIE = "tvMovie"
    TV_SPECIAL = "tvSpecial"
    TV_SHORT = "tvShort"
    SHORT = "short"
    VIDEO = "video"
    VIDEO_GAME = "videoGame"
    MUSIC_VIDEO = "musicVideo"
    PODCAST_SERIES = "podcastSeries"
    PODCAST_EPISODE = "podcastEpisode"


class CreditCategory(StrEnum):
    """What a person did for a title, by IMDb's category ids."""

    DIRECTOR = "director"
    WRITER = "writer"
    CREATOR = "creator"
    CAST = "cast"


@dataclass(frozen=True, slots=True)
class Person:
    """A person, identified by the ``nm`` id and never by the name."""

    imdb_id: NameId
    name: str

    def __post_init__(self) -> None:
        name_id(self.imdb_id)
        check_text("name", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """One person's part in a title.

    ``position`` is the billing position in the category, from 1 on. ``person_id`` is ``None`` when
    the page gives a name without an id: the name is kept and no id is invented.
    """

    category: CreditCategory
    position: int
    name: str
    person_id: NameId | None = None
    characters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.position is None:
            raise InvalidTitle("position", self.position, "must be a whole number from 1 on")
        check_integer("position", self.position, 1, LARGEST_INTEGER)
        check_text("name", self.name)
        if self.person_id is not None:
            name_id(self.person_id)
        for character in self.characters:
            check_text("characters", character)

    @property
    def person(self) -> Person | None:
        """The person credited, or ``None`` when only the name is known."""
        return None if self.person_id is None else Person(self.person_id, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A movie, series, episode or anything else with a ``tt`` id; ``kind`` tells which.

    ``runtime_minutes`` in minutes; ``rating`` from 0.0 to 10.0, the mean of ``votes`` votes;
    ``metascore`` from 0 to 100; ``year`` and ``end_year`` from 1874 on. What is unknown is ``None``
    (or an empty tuple), never 0 or an empty text. ``details`` has what was asked for besides.
    Raises `InvalidTitle` naming the field that breaks a rule.
    """

    imdb_id: TitleId
    kind: TitleKind
    title: str
    provenance: Provenance
    original_title: str | None = None
    year: int | None = None
    end_year: int | None = None
    runtime_minutes: int | None = None
    rating: float | None = None
    votes: int | None = None
    metascore: int | None = None
    certificate: str | None = None
    genres: tuple[str, ...] = ()
    release_date: ReleaseDate | None = None
    plot: str | None = None
    credits: tuple[Credit, ...] = ()
    details: tuple[Detail, ...] = ()

    def __post_init__(self) -> None:
        title_id(self.imdb_id)
        try:
            self._check_facts()
            self._check_credits()
            self._check_details()
        except InvalidTitle as error:
            raise InvalidTitle(
                error.field, error.value, error.rule, imdb_id=self.imdb_id
            ) from error

    def _check_facts(self) -> None:
        check_text("title", self.title)
        for field in ("original_title", "certificate", "plot"):
            check_optional_text(field, getattr(self, field))
        for genre in self.genres:
            check_text("genres", genre)
        check_integer("year", self.year, FIRST_YEAR, LAST_YEAR)
        check_integer("end_year", self.end_year, FIRST_YEAR, LAST_YEAR)
        check_integer("runtime_minutes", self.runtime_minutes, 1, LARGEST_INTEGER)
        check_integer("votes", self.votes, 0, LARGEST_INTEGER)
        check_integer("metascore", self.metascore, 0, 100)
        check_rating("rating", self.rating)

    def _check_credits(self) -> None:
        places = {(credit.category, credit.position) for credit in self.credits}
        if len(places) != len(self.credits):
            raise InvalidTitle(
                "credits", len(self.credits), "two credits have one category and position"
            )

    def _check_details(self) -> None:
        if len({detail.name for detail in self.details}) != len(self.details):
            raise InvalidTitle("details", len(self.details), "one detail is there twice")

    @property
    def people(self) -> tuple[Person, ...]:
        """The people credited whose id is known, each once, sorted by id."""
        found = {c.person_id: c.person for c in self.credits if c.person is not None}
        return tuple(person for _, person in sorted(found.items()) if person is not None)

    def credits_of(self, category: CreditCategory) -> tuple[Credit, ...]:
        """The credits of one category in billing order."""
        mine = [credit for credit in self.credits if credit.category is category]
        return tuple(sorted(mine, key=lambda credit: credit.position))
