"""A title with its facts and credits."""

import math
import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.errors import InvalidTitle
from domain.identifiers import NameId, TitleId, name_id, title_id

FIRST_YEAR = 1874
"""Year of the oldest title that IMDb lists ("Passage de Vénus", 1874)."""

LAST_YEAR = 9999
"""The last year that an ISO 8601 calendar date can name."""

_LARGEST_INTEGER = 2**31 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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


def _check_text(field: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidTitle(field, value, "must be text of at least one character, or None")
    if _UNSTORABLE.search(value):
        raise InvalidTitle(field, value, "must not have NUL or lone surrogate characters")


def _check_optional_text(field: str, value: object) -> None:
    if value is not None:
        _check_text(field, value)


def _check_integer(field: str, value: object, low: int, high: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidTitle(field, value, f"must be a whole number from {low} to {high}, or None")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDate:
    """A release date as far as it is known: a year, a month of it, or a day.

    Raises `InvalidTitle` for a day without a month and for a date that no calendar has.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        shown = (self.year, self.month, self.day)
        if self.year is None or (self.day is not None and self.month is None):
            raise InvalidTitle("release_date", shown, "a day needs a month, a month needs a year")
        _check_integer("release_date", self.year, FIRST_YEAR, LAST_YEAR)
        try:
            date(self.year, self.month or 1, self.day or 1)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidTitle("release_date", shown, "is not a date") from error
        if self.month == 0 or self.day == 0:
            raise InvalidTitle("release_date", shown, "is not a date")

    def isoformat(self) -> str:
        """ISO 8601 with as much precision as is known: ``1994``, ``1994-10`` or ``1994-10-14``."""
        parts = [f"{self.year:04d}"]
        parts += [f"{part:02d}" for part in (self.month, self.day) if part is not None]
        return "-".join(parts)

    @classmethod
    def fromisoformat(cls, text: str) -> "ReleaseDate":
        """Read what `isoformat` writes. Raises `InvalidTitle` for anything else."""
        if not re.fullmatch(r"\d{4}(-\d{2}(-\d{2})?)?", text, re.ASCII):
            raise InvalidTitle("release_date", text, "must be YYYY, YYYY-MM or YYYY-MM-DD")
        year, month, day, *_ = [*(int(part) for part in text.split("-")), None, None]
        assert year is not None
        return cls(year=year, month=month, day=day)


@dataclass(frozen=True, slots=True)
class Person:
    """A person, identified by the ``nm`` id and never by the name."""

    imdb_id: NameId
    name: str

    def __post_init__(self) -> None:
        name_id(self.imdb_id)
        _check_text("name", self.name)


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
        _check_integer("position", self.position, 1, _LARGEST_INTEGER)
        _check_text("name", self.name)
        if self.person_id is not None:
            name_id(self.person_id)
        for character in self.characters:
            _check_text("characters", character)

    @property
    def person(self) -> Person | None:
        """The person credited, or ``None`` when only the name is known."""
        return None if self.person_id is None else Person(self.person_id, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the facts of a title came from.

    ``source`` is the name of the source (``html``, ``graphql``, ``saved``), ``found_by`` what was
    read (``next_data``, ``json_ld``, ``dom`` of a page, or an answer of the ``api``),
    ``fetched_at`` the time of the page (with a time zone): of two versions of a title, the later
    one is the newer.
    """

    source: str
    found_by: str
    fetched_at: datetime

    def __post_init__(self) -> None:
        if self.fetched_at.utcoffset() is None:
            raise InvalidTitle("fetched_at", self.fetched_at, "must have a time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Title:
    """A movie, series, episode or anything else with a ``tt`` id; ``kind`` tells which.

    ``runtime_minutes`` in minutes; ``rating`` from 0.0 to 10.0, the mean of ``votes`` votes;
    ``metascore`` from 0 to 100; ``year`` and ``end_year`` from 1874 on. What is unknown is ``None``
    (or an empty tuple), never 0 or an empty text. Raises `InvalidTitle` naming the field that
    breaks a rule.
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

    def __post_init__(self) -> None:
        title_id(self.imdb_id)
        try:
            self._check_facts()
            self._check_credits()
        except InvalidTitle as error:
            raise InvalidTitle(
                error.field, error.value, error.rule, imdb_id=self.imdb_id
            ) from error

    def _check_facts(self) -> None:
        _check_text("title", self.title)
        for field in ("original_title", "certificate", "plot"):
            _check_optional_text(field, getattr(self, field))
        for genre in self.genres:
            _check_text("genres", genre)
        _check_integer("year", self.year, FIRST_YEAR, LAST_YEAR)
        _check_integer("end_year", self.end_year, FIRST_YEAR, LAST_YEAR)
        _check_integer("runtime_minutes", self.runtime_minutes, 1, _LARGEST_INTEGER)
        _check_integer("votes", self.votes, 0, _LARGEST_INTEGER)
        _check_integer("metascore", self.metascore, 0, 100)
        if self.rating is not None and (
            isinstance(self.rating, bool)
            or not isinstance(self.rating, (int, float))
            or not math.isfinite(self.rating)
            or not 0.0 <= self.rating <= 10.0
        ):
            raise InvalidTitle("rating", self.rating, "must be from 0.0 to 10.0, or None")

    def _check_credits(self) -> None:
        places = {(credit.category, credit.position) for credit in self.credits}
        if len(places) != len(self.credits):
            raise InvalidTitle(
                "credits", len(self.credits), "two credits have one category and position"
            )

    @property
    def people(self) -> tuple[Person, ...]:
        """The people credited whose id is known, each once, sorted by id."""
        found = {c.person_id: c.person for c in self.credits if c.person is not None}
        return tuple(person for _, person in sorted(found.items()) if person is not None)

    def credits_of(self, category: CreditCategory) -> tuple[Credit, ...]:
        """The credits of one category in billing order."""
        mine = [credit for credit in self.credits if credit.category is category]
        return tuple(sorted(mine, key=lambda credit: credit.position))
