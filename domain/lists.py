"""Titles as lists show them: results of a filter, ranks, releases to come, a weekend's takings."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from domain.details.item import AnyCount, Item, Range
from domain.identifiers import TitleId
from domain.release_date import FIRST_YEAR, LAST_YEAR, ReleaseDate
from domain.rules import LARGEST_INTEGER
from domain.title import TitleKind

_Rating = Annotated[float, Range(0, 10)]
_Year = Annotated[int, Range(FIRST_YEAR, LAST_YEAR)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTitle(Item):
    """The facts of a title in a list of many: not whole, as its credits are not there.

    Units are those of `domain.title.Title`. ``kind`` is ``None`` for a type that we do not know,
    ``is_adult`` when the source does not say.
    """

    imdb_id: TitleId
    title: str
    kind: TitleKind | None = None
    original_title: str | None = None
    year: _Year | None = None
    end_year: _Year | None = None
    runtime_minutes: Annotated[int, Range(1, LARGEST_INTEGER)] | None = None
    rating: _Rating | None = None
    votes: AnyCount | None = None
    metascore: Annotated[int, Range(0, 100)] | None = None
    certificate: str | None = None
    genres: tuple[str, ...] = ()
    release_date: ReleaseDate | None = None
    plot: str | None = None
    image_url: str | None = None
    is_adult: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleList:
    """A part of the titles that a filter lets through, or of a list, in the order of the source.

    ``total`` is how many there are in all, ``name`` what the list is called, if it is one.
    """

    total: int
    titles: tuple[ListedTitle, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedTitle(Item):
    """A title and its place in a list, from 1 on."""

    rank: Annotated[int, Range(1, LARGEST_INTEGER)]
    imdb_id: TitleId
    title: str
    rating: _Rating | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpcomingRelease(Item):
    """A title that is going to come out in the country of the calendar; ``stars`` come first."""

    imdb_id: TitleId
    title: str
    release_date: ReleaseDate
    kind: TitleKind | None = None
    year: _Year | None = None
    genres: tuple[str, ...] = ()
    stars: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """What comes out in a country (ISO 3166-1 code), by day."""

    country: str
    releases: tuple[UpcomingRelease, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekendGross(Item):
    """What a title has taken on a weekend, and in all so far; sums in whole units of a currency."""

    rank: Annotated[int, Range(1, LARGEST_INTEGER)]
    imdb_id: TitleId
    title: str
    weekend_amount: AnyCount
    weekend_currency: str
    lifetime_amount: AnyCount | None = None
    lifetime_currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxOfficeWeekend:
    """The box office of a weekend, the highest takings first."""

    first_day: date
    last_day: date
    titles: tuple[WeekendGross, ...]
