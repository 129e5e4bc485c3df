"""Finding titles by what they are: the filters of IMDb's advanced search."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from domain.errors import InvalidFilter
from domain.identifiers import CompanyId, NameId, UserId
from domain.lists import ListedTitle
from domain.release_date import FIRST_YEAR, LAST_YEAR
from domain.rules import LARGEST_INTEGER, UNSTORABLE
from domain.search import LONGEST_TEXT
from domain.title import TitleKind

MOST_TITLES = 10_000
"""So many titles may be asked for: more than that is a case for the datasets."""

GENRES = (
    "Action", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama",
    "Family", "Fantasy", "Film-Noir", "Game-Show", "History", "Horror", "Music", "Musical",
    "Mystery", "News", "Reality-TV", "Romance", "Sci-Fi", "Short", "Sport", "Talk-Show", "Thriller",
    "War", "Western",
)  # fmt: skip
"""IMDb's genres by their ids, as its advanced search offers them."""

_COUNTRY = re.compile(r"[A-Z]{2,4}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_NOT_A_LETTER = re.compile(r"[^a-z]")
_SEPARATORS = re.compile(r"[\s_-]+")

Number = TypeVar("Number", int, float)


class SortBy(StrEnum):
    """What titles can be put in order by, as users say it."""

    POPULARITY = "popularity"
    TITLE = "title"
    RATING = "rating"
    VOTES = "votes"
    YEAR = "year"
    RELEASE_DATE = "release-date"
    RUNTIME = "runtime"
    GROSS = "gross"

    @property
    def is_ascending(self) -> bool:
        """Which way round people expect it: A first, the most popular first (its rank is 1)."""
        return self in {SortBy.POPULARITY, SortBy.TITLE}


@dataclass(frozen=True, slots=True)
class Span(Generic[Number]):
    """From ``low`` to ``high``, both included; ``None`` is no limit."""

    low: Number | None = None
    high: Number | None = None

    @property
    def is_open(self) -> bool:
        """Whether it lets everything through, also what is unknown."""
        return self.low is None and self.high is None


def _anything() -> Span[int]:
    return Span()


def _any_rating() -> Span[float]:
    return Span()


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleFilter:
    """Which titles are wanted, in which order, and how many.

    A title is of one of the ``kinds``; it has all the genres, countries (``US``), languages
    (``en``) and keywords (``time-travel``) that are named; all the people and ``companies`` have a
    part in it.
    ``rated_by`` is a user who has rated it, ``years`` are of its release, ``runtimes`` in minutes.
    Adult titles are left out unless ``with_adult``. ``ascending`` is ``None`` for the way round
    that `SortBy.is_ascending` tells.

    Raises `InvalidFilter` with every problem at once.
    """

    kinds: tuple[TitleKind, ...] = ()
    genres: tuple[str, ...] = ()
    years: Span[int] = field(default_factory=_anything)
    ratings: Span[float] = field(default_factory=_any_rating)
    votes: Span[int] = field(default_factory=_anything)
    runtimes: Span[int] = field(default_factory=_anything)
    countries: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    people: tuple[NameId, ...] = ()
    companies: tuple[CompanyId, ...] = ()
    rated_by: UserId | None = None
    words: str | None = None
    sort: SortBy = SortBy.POPULARITY
    ascending: bool | None = None
    with_adult: bool = False
    limit: int = 50

    def __post_init__(self) -> None:
        if problems := [*self._problems()]:
            raise InvalidFilter(problems)

    @property
    def is_ascending(self) -> bool:
        """Which way round the titles are wanted."""
        return self.sort.is_ascending if self.ascending is None else self.ascending

    def excludes(self, title: ListedTitle) -> bool:
        """Whether what is known of a title is not what was asked for: ``False`` when in doubt.

        Genres, countries and the like are not looked at, as lists name only some of them, nor the
        year, which differs from country to country.
        """
        return (
            (bool(self.kinds) and title.kind is not None and title.kind not in self.kinds)
            or _is_outside(title.rating, self.ratings)
            or _is_outside(title.votes, self.votes)
            or _is_outside(title.runtime_minutes, self.runtimes)
        )

    def _problems(self) -> Iterator[str]:
        for genre in self.genres:
            if genre not in GENRES:
                yield f"genre {genre!r}: known are {', '.join(GENRES)}"
        yield from _out_of("year", self.years, FIRST_YEAR, LAST_YEAR)
        yield from _out_of("rating", self.ratings, 1, 10)
        yield from _out_of("votes", self.votes, 0, LARGEST_INTEGER)
        yield from _out_of("runtime", self.runtimes, 1, 100_000)
        for country in self.countries:
            if not _COUNTRY.fullmatch(country):
                yield f"country {country!r}: must be a code such as US or JP (ISO 3166-1)"
        for language in self.languages:
            if not _LANGUAGE.fullmatch(language):
                yield f"language {language!r}: must be a code such as en or ja (ISO 639)"
        for keyword in self.keywords:
            yield from _text_problems("keyword", keyword)
        if self.words is not None:
            yield from _text_problems("title", self.words)
        if not 1 <= self.limit <= MOST_TITLES:
            yield f"limit {self.limit}: must be from 1 to {MOST_TITLES:,}"


def genre_named(text: str) -> str:
    """The genre that somebody means: ``sci fi`` is ``Sci-Fi``; another text is given back as is."""
    known = {_letters(genre): genre for genre in GENRES}
    return known.get(_letters(text), text)


def keyword_named(text: str) -> str:
    """A keyword as IMDb writes its ids: ``Time travel`` is ``time-travel``."""
    return _SEPARATORS.sub("-", _tidy(text).lower())


def words_of(text: str) -> str:
    """Words with single spaces, in Unicode's composed form, as titles are written."""
    return _tidy(text)


def _is_outside(value: float | None, span: Span[int] | Span[float]) -> bool:
    if value is None:
        return False
    is_below = span.low is not None and value < span.low
    return is_below or (span.high is not None and value > span.high)


def _letters(text: str) -> str:
    return _NOT_A_LETTER.sub("", text.lower())


def _tidy(text: str) -> str:
    return unicodedata.normalize("NFC", " ".join(text.split()))


def _out_of(name: str, span: Span[int] | Span[float], least: float, most: float) -> Sequence[str]:
    given = [value for value in (span.low, span.high) if value is not None]
    problems = [
        f"{name} {value:g}: must be from {least:,.12g} to {most:,.12g}"
        for value in given
        if not least <= value <= most
    ]
    if not problems and len(given) == 2 and given[0] > given[1]:
        problems = [f"{name} {given[0]:g}-{given[1]:g}: the first is more than the second"]
    return problems


def _text_problems(name: str, text: str) -> Sequence[str]:
    if not any(character.isalnum() for character in text):
        return [f"{name} {text[:40]!r}: has neither a letter nor a digit"]
    if UNSTORABLE.search(text):
        return [f"{name}: has characters that no text of IMDb's has"]
    if len(text) > LONGEST_TEXT:
        return [
            f"{name}: has {len(text):,} characters, and at most {LONGEST_TEXT} can be asked for"
        ]
    return []
