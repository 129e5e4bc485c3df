"""Looking through what is held: queries of titles and people, and the pages that answer them.

A page ends with a cursor, which says after which value of the sort and after which id the next one
begins. So a row that is saved meanwhile moves no other from page to page.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from application.title_fields import FIELDS, FieldKind, TitleField
from domain.chart import ChartName
from domain.discovery import Span
from domain.errors import InvalidCursor, InvalidFilter, InvalidTitle
from domain.history import SnapshotTime
from domain.identifiers import NameId, TitleId, name_id, title_id
from domain.person_profile import PersonProfile
from domain.release_date import FIRST_YEAR, LAST_YEAR
from domain.rules import LARGEST_INTEGER, UNSTORABLE
from domain.search import LONGEST_TEXT
from domain.title import CreditCategory, TitleKind

MOST_ITEMS = 200
"""So many items a page may have."""

LONGEST_CURSOR = 4000
"""Characters; ours are shorter."""

MOST_GENRES = 10
"""So many genres may be asked for at once."""

_ANY: Span[int] = Span()
_ANY_RATING: Span[float] = Span()

Item = TypeVar("Item")

KeyValue = str | int | float | datetime | None
"""What a title or person is sorted by; ``None`` is unknown."""


class TitleSort(StrEnum):
    """What titles can be put in order by."""

    TITLE = "title"
    """In lower case, by code points; the first 200 characters count."""
    YEAR = "year"
    RATING = "rating"
    VOTES = "votes"
    METASCORE = "metascore"
    RUNTIME = "runtime"
    UPDATED = "updated"
    """When the facts were fetched."""

    @property
    def field(self) -> TitleField:
        """The field of a title that it looks at."""
        return FIELDS[_SORT_FIELDS.get(self, self.value)]


_SORT_FIELDS = {TitleSort.RUNTIME: "runtime_minutes", TitleSort.UPDATED: "fetched_at"}


class PersonSort(StrEnum):
    """What people can be put in order by."""

    NAME = "name"
    """In lower case, by code points; the first 200 characters count."""
    CREDITS = "credits"


@dataclass(frozen=True, slots=True)
class Place:
    """After which item a page begins: its value in the sort, and its id."""

    key: KeyValue
    imdb_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleQuery:
    """Which titles are wanted, in which order, and how many.

    ``text`` has words of the title or the original title, in any order, of which the last may be
    the beginning of one. A title is of one of the ``kinds``, has all the ``genres``, and ``person``
    has a part in it. Of the spans both ends are included; what is unknown is in none. ``ratings``
    from 0 to 10, ``metascores`` from 0 to 100, ``runtimes`` in minutes.

    Unknown comes last, whichever way titles are sorted. Of titles with the same value, the id
    decides: the lower first, or the higher when ``descending`` (of unknown values always the lower
    first). ``after`` is the cursor of the page before.

    Raises `InvalidFilter` with every problem at once, or `InvalidCursor`.
    """

    text: str | None = None
    kinds: tuple[TitleKind, ...] = ()
    genres: tuple[str, ...] = ()
    years: Span[int] = _ANY
    ratings: Span[float] = _ANY_RATING
    votes: Span[int] = _ANY
    metascores: Span[int] = _ANY
    runtimes: Span[int] = _ANY
    person: NameId | None = None
    sort: TitleSort = TitleSort.VOTES
    descending: bool = True
    limit: int = 50
    after: str | None = None

    def __post_init__(self) -> None:
        if problems := [*self._problems()]:
            raise InvalidFilter(problems)
        self.place  # noqa: B018 - a broken cursor is found now

    @property
    def place(self) -> Place | None:
        """Where the page begins, or ``None`` for the first one."""
        return _place_after(self.after, self.sort, self.descending, title_id)

    @property
    def spans(self) -> Mapping[str, Span[int] | Span[float]]:
        """The spans that let not everything through, by the fields of titles they are about."""
        spans: dict[str, Span[int] | Span[float]] = {
            "year": self.years,
            "rating": self.ratings,
            "votes": self.votes,
            "metascore": self.metascores,
            "runtime_minutes": self.runtimes,
        }
        return {name: span for name, span in spans.items() if not span.is_open}

    def _problems(self) -> Iterator[str]:
        if self.text is not None:
            yield from _text_problems(self.text)
        if len(self.genres) > MOST_GENRES:
            yield f"genres: {len(self.genres)} are too many: name at most {MOST_GENRES}"
        for genre in self.genres:
            if not 1 <= len(genre) <= LONGEST_TEXT or UNSTORABLE.search(genre):
                yield f"genre {genre[:40]!r}: must be a word such as Drama"
        yield from _span_problems("year", self.years, FIRST_YEAR, LAST_YEAR)
        yield from _span_problems("rating", self.ratings, 0, 10)
        yield from _span_problems("votes", self.votes, 0, LARGEST_INTEGER)
        yield from _span_problems("metascore", self.metascores, 0, 100)
        yield from _span_problems("runtime", self.runtimes, 1, LARGEST_INTEGER)
        if self.person is not None:
            yield from _person_problems(self.person)
        yield from _limit_problems(self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonQuery:
    """Which people are wanted, in which order, and how many; as `TitleQuery`.

    ``text`` has words of the name, of which the last may be the beginning of one.
    """

    text: str | None = None
    sort: PersonSort = PersonSort.NAME
    descending: bool = False
    limit: int = 50
    after: str | None = None

    def __post_init__(self) -> None:
        problems = [] if self.text is None else [*_text_problems(self.text)]
        problems += _limit_problems(self.limit)
        if problems:
            raise InvalidFilter(problems)
        self.place  # noqa: B018 - a broken cursor is found now

    @property
    def place(self) -> Place | None:
        """Where the page begins, or ``None`` for the first one."""
        return _place_after(self.after, self.sort, self.descending, name_id)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items, and the cursor of the next page: ``None`` when there are no more."""

    items: tuple[Item, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleSummary:
    """The main facts of a title, as in `domain.title.Title`; ``fetched_at`` in UTC."""

    imdb_id: TitleId
    kind: TitleKind
    title: str
    original_title: str | None
    year: int | None
    end_year: int | None
    runtime_minutes: int | None
    rating: float | None
    votes: int | None
    metascore: int | None
    certificate: str | None
    genres: tuple[str, ...]
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSummary:
    """A person, and how many credits they have in the titles held."""

    imdb_id: NameId
    name: str
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonEntry:
    """A person by their credits, and their profile when it was fetched."""

    summary: PersonSummary
    profile: PersonProfile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """A credit of a person in a title that is held."""

    title: TitleSummary
    category: CreditCategory
    position: int
    name: str
    """As credited in the title."""
    characters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collaborator:
    """Somebody who has a part in ``titles`` of the titles that a person has a part in."""

    imdb_id: NameId
    name: str
    titles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSummary:
    """A chart that is kept: when it stood so last, and how many titles are in it."""

    chart: ChartName
    newest: SnapshotTime
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOverview:
    """How much is held. ``kinds`` has the numbers of titles of those kinds that are held."""

    titles: int
    people: int
    credits: int
    kinds: Mapping[TitleKind, int]


def encoded_cursor(sort: TitleSort | PersonSort, place: Place, *, descending: bool) -> str:
    """A cursor for the page after a place, in that order only. It needs no quoting in a URL."""
    key = place.key.astimezone(UTC).isoformat() if isinstance(place.key, datetime) else place.key
    text = json.dumps([_order_name(sort, descending), key, place.imdb_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decoded_cursor(cursor: str, sort: TitleSort | PersonSort, *, descending: bool) -> Place:
    """Read what `encoded_cursor` made; the key has the type of the sort's values.

    Raises `InvalidCursor` when it is broken or was made for another order.
    """
    if len(cursor) > LONGEST_CURSOR:
        raise broken_cursor()
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        read = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise broken_cursor() from error
    match read:
        case [str(order), key, str(imdb_id)] if len(imdb_id) <= LONGEST_TEXT:
            pass
        case _:
            raise broken_cursor()
    if order != _order_name(sort, descending):
        raise InvalidCursor(
            f"after: the cursor is of a page sorted by {order[:40]!r}, not by "
            f"{_order_name(sort, descending)!r}: leave it out to begin at the first page"
        )
    return Place(_typed(key, _kind_of(sort)), imdb_id)


def _place_after(
    cursor: str | None,
    sort: TitleSort | PersonSort,
    descending: bool,
    read_id: Callable[[str], object],
) -> Place | None:
    """Where the page after a cursor begins; ``read_id`` raises `InvalidTitle` for no id."""
    if cursor is None:
        return None
    place = decoded_cursor(cursor, sort, descending=descending)
    try:
        read_id(place.imdb_id)
    except InvalidTitle as error:
        raise broken_cursor() from error
    return place


def _order_name(sort: TitleSort | PersonSort, descending: bool) -> str:
    return f"-{sort.value}" if descending else sort.value


def _kind_of(sort: TitleSort | PersonSort) -> FieldKind:
    if isinstance(sort, TitleSort):
        return sort.field.kind
    return FieldKind.TEXT if sort is PersonSort.NAME else FieldKind.WHOLE_NUMBER


def _typed(key: object, kind: FieldKind) -> KeyValue:
    match kind, key:
        case _, None:
            return None
        case FieldKind.TEXT, str() if len(key) <= LONGEST_CURSOR and not UNSTORABLE.search(key):
            return key
        case FieldKind.WHOLE_NUMBER, int() if not isinstance(key, bool):
            if abs(key) <= LARGEST_INTEGER:
                return key
        case FieldKind.NUMBER, int() | float() if not isinstance(key, bool):
            if abs(key) <= LARGEST_INTEGER:
                return key
        case FieldKind.MOMENT, str():
            return _moment(key)
    raise broken_cursor()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise broken_cursor() from error
    raise broken_cursor()


def broken_cursor() -> InvalidCursor:
    """The error that a cursor is none of ours."""
    return InvalidCursor(
        "after: this is no cursor: take the one that the page before has given, as it is, or "
        "leave it out to begin at the first page"
    )


def _text_problems(text: str) -> Sequence[str]:
    if not any(character.isalnum() for character in text):
        return [f"text {text[:40]!r}: has neither a letter nor a digit"]
    if UNSTORABLE.search(text):
        return ["text: has NUL or lone surrogate characters, which no text has"]
    if len(text) > LONGEST_TEXT:
        return [f"text: has {len(text):,} characters, and at most {LONGEST_TEXT} can be asked for"]
    return []


def _person_problems(person: NameId) -> Sequence[str]:
    try:
        name_id(person)
    except InvalidTitle as error:
        return [f"person {error.value!r}: {error.rule}"]
    return []


def _span_problems(
    name: str, span: Span[int] | Span[float], least: float, most: float
) -> Sequence[str]:
    given = [value for value in (span.low, span.high) if value is not None]
    problems = [
        f"{name} {value:.12g}: must be from {least:,.12g} to {most:,.12g}"
        for value in given
        if not least <= value <= most
    ]
    if not problems and len(given) == 2 and given[0] > given[1]:
        problems = [f"{name} {given[0]:.12g}-{given[1]:.12g}: the first is more than the second"]
    return problems


def _limit_problems(limit: int) -> Sequence[str]:
    if not 1 <= limit <= MOST_ITEMS:
        return [f"limit {limit}: must be from 1 to {MOST_ITEMS}"]
    return []
