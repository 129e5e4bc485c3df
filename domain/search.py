"""What people look for by words, and what is found."""

import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import InvalidSearch, InvalidTitle
from domain.identifiers import (
    CompanyId,
    KeywordId,
    NameId,
    TitleId,
    company_id,
    keyword_id,
    name_id,
    title_id,
)
from domain.release_date import FIRST_YEAR, LAST_YEAR
from domain.rules import LARGEST_INTEGER, UNSTORABLE, check_integer, check_optional_text, check_text
from domain.title import TitleKind

LONGEST_TEXT = 300
"""Characters of a search: the longest title that IMDb lists has fewer."""

MOST_HITS = 1000
"""So many hits may be asked for."""


class Thing(StrEnum):
    """What a search can find."""

    TITLE = "title"
    PERSON = "person"
    COMPANY = "company"
    KEYWORD = "keyword"


FoundId = TitleId | NameId | CompanyId | KeywordId
"""The id of what was found."""

_CHECKED_IDS: Mapping[Thing, Callable[[object], FoundId]] = {
    Thing.TITLE: title_id,
    Thing.PERSON: name_id,
    Thing.COMPANY: company_id,
    Thing.KEYWORD: keyword_id,
}
_PLURALS = {Thing.PERSON: "people", Thing.COMPANY: "companies", Thing.KEYWORD: "keywords"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A title, a person, a company or a keyword that was found, as far as the source tells.

    ``name`` is what IMDb calls it; a keyword's is its words, such as ``prison escape``. ``rank`` is
    the place in IMDb's popularity, from 1 on. ``rating`` is from 0.0 to 10.0. ``stars`` are the
    first names of the cast. ``known_for`` is a line such as ``Actor, The Matrix (1999)`` of a
    person, ``The Matrix (1999)`` of a company. ``company_type`` is what a company does first of all
    (``Production``) and ``country`` where it is, both in the words of the source. ``title_count``
    is how many titles have a keyword. ``is_adult`` is ``None`` when the source does not say.
    Raises `InvalidTitle` naming the field that breaks a rule.
    """

    imdb_id: FoundId
    thing: Thing
    name: str
    original_title: str | None = None
    kind: TitleKind | None = None
    year: int | None = None
    end_year: int | None = None
    rank: int | None = None
    rating: float | None = None
    votes: int | None = None
    image_url: str | None = None
    stars: tuple[str, ...] = ()
    known_for: str | None = None
    company_type: str | None = None
    country: str | None = None
    title_count: int | None = None
    is_adult: bool | None = None

    def __post_init__(self) -> None:
        _CHECKED_IDS[self.thing](self.imdb_id)
        check_text("name", self.name)
        for field in ("original_title", "image_url", "known_for", "company_type", "country"):
            check_optional_text(field, getattr(self, field))
        for star in self.stars:
            check_text("stars", star)
        check_integer("year", self.year, FIRST_YEAR, LAST_YEAR)
        check_integer("end_year", self.end_year, FIRST_YEAR, LAST_YEAR)
        check_integer("rank", self.rank, 1, LARGEST_INTEGER)
        check_integer("votes", self.votes, 0, LARGEST_INTEGER)
        check_integer("title_count", self.title_count, 0, LARGEST_INTEGER)
        rating = self.rating
        if rating is not None and not (math.isfinite(rating) and 0.0 <= rating <= 10.0):
            raise InvalidTitle("rating", rating, "must be from 0.0 to 10.0, or None")

    @property
    def keyword(self) -> str | None:
        """A keyword as IMDb's addresses and searches write it, ``prison-escape``; else ``None``."""
        return "-".join(self.name.split()) if self.thing is Thing.KEYWORD else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What to look for, and what of it to keep.

    ``text`` is kept with single spaces, in Unicode's composed form (NFC). ``year`` and ``kind`` are
    for titles only: a series is of every year from its first to its last. Adult titles are left out
    unless ``with_adult``. Raises `InvalidSearch` when nothing could be found so.
    """

    text: str
    thing: Thing = Thing.TITLE
    year: int | None = None
    kind: TitleKind | None = None
    with_adult: bool = False
    limit: int = 20

    def __post_init__(self) -> None:
        # The text comes from people: what they see as the same is the same.
        text = unicodedata.normalize("NFC", " ".join(self.text.split()))
        object.__setattr__(self, "text", text)
        if not text:
            raise InvalidSearch("there is nothing to search for: the text is empty")
        if UNSTORABLE.search(text):
            raise InvalidSearch("the text has characters that no title has")
        if not any(character.isalnum() for character in text):
            raise InvalidSearch(f"{text[:40]!r} has neither a letter nor a digit to search for")
        if len(text) > LONGEST_TEXT:
            rule = f"at most {LONGEST_TEXT} can be searched for"
            raise InvalidSearch(f"the text has {len(text):,} characters: {rule}")
        self._check_filters()

    def _check_filters(self) -> None:
        if self.thing is not Thing.TITLE and (self.year is not None or self.kind is not None):
            others = _PLURALS[self.thing]
            raise InvalidSearch(f"{others} have no year and no kind: these are for titles")
        if self.year is not None and not FIRST_YEAR <= self.year <= LAST_YEAR:
            raise InvalidSearch(f"year {self.year}: must be from {FIRST_YEAR} to {LAST_YEAR}")
        if not 1 <= self.limit <= MOST_HITS:
            raise InvalidSearch(f"limit {self.limit}: must be from 1 to {MOST_HITS}")

    def accepts(self, hit: SearchHit) -> bool:
        """Whether a hit is one of those looked for. What is unknown of it is not what was asked."""
        if hit.thing is not self.thing or (hit.is_adult and not self.with_adult):
            return False
        if self.kind is not None and hit.kind is not self.kind:
            return False
        if self.year is None:
            return True
        return hit.year is not None and hit.year <= self.year <= (hit.end_year or hit.year)
