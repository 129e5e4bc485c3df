"""Answers to ``mainSearch``: titles, people, companies or keywords by words, best first.

Titles and people are as in captured answers. None with companies or keywords has been captured: the
API's schema says what they have, and public code that asks for them that their ids are ``co`` and
``kw`` with seven digits.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from domain.errors import PageChanged
from domain.identifiers import company_id, keyword_id, name_id, title_id
from domain.search import SearchHit, Thing
from infrastructure.scrapers.imdb_pages.facts import OptionalText, RatingsSummary, YearRange
from infrastructure.scrapers.imdb_pages.ids import kind_or_none
from infrastructure.scrapers.imdb_pages.list_item import Image, TypeId
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page

_FIELD = "mainSearch"


class MeterRank(Struct, frozen=True, rename="camel"):
    """The place in IMDb's popularity."""

    current_rank: int | None = None


class ProfessionName(Struct, frozen=True):
    """What somebody does for a living."""

    profession: OptionalText | None = None


class KnownTitle(Struct, frozen=True, rename="camel"):
    """A title that somebody is known for."""

    title_text: OptionalText | None = None
    release_year: YearRange | None = None


class KnownCredit(Struct, frozen=True):
    """A credit that a person or a company is known for."""

    title: KnownTitle


class KnownFor(Struct, frozen=True):
    """The credits that a person is known for, the best known first."""

    credits: list[KnownCredit] | None = None


class KnownEdge(Struct, frozen=True):
    """A place among the credits of a company."""

    node: KnownCredit


class KnownForTitles(Struct, frozen=True):
    """The credits that a company is known for, the best known first."""

    edges: list[KnownEdge]


class Count(Struct, frozen=True):
    """How many titles there are."""

    total: int


class Entity(Struct, frozen=True, rename="camel"):
    """A title, a person, a company, a keyword, or (``__typename``) what we do not look for."""

    typename: str = msgspec.field(name="__typename")
    id: str
    title_text: OptionalText | None = None
    name_text: OptionalText | None = None
    original_title_text: OptionalText | None = None
    title_type: TypeId | None = None
    release_year: YearRange | None = None
    ratings_summary: RatingsSummary | None = None
    meter_rank: MeterRank | None = None
    primary_image: Image | None = None
    is_adult: bool | None = None
    professions: list[ProfessionName] | None = None
    known_for_v2: KnownFor | None = msgspec.field(name="knownForV2", default=None)
    company_text: OptionalText | None = None
    company_types: list[OptionalText] | None = None
    country: OptionalText | None = None
    known_for_titles: KnownForTitles | None = None
    text: OptionalText | None = None
    titles: Count | None = None


class Node(Struct, frozen=True):
    """What was found."""

    entity: Entity


class Edge(Struct, frozen=True):
    """A place in the answer."""

    node: Node


class MainSearch(Struct, frozen=True):
    """All that was found."""

    edges: list[Edge]


class SearchData(Struct, frozen=True, rename="camel"):
    """``main_search`` is null when the search has failed."""

    main_search: MainSearch | None = None


_DATA = msgspec.json.Decoder(SearchData | None)


def read_hits(page: Page, data: memoryview) -> tuple[SearchHit, ...]:
    """Read ``data`` of an answer that came from ``page``.

    Raises `PageChanged` naming what is missing or of another shape, `InvalidTitle` when a fact
    breaks a rule of the domain.
    """
    found = decode(_DATA, data, page, where=_FIELD)
    if found is None or found.main_search is None:
        raise PageChanged(page.url, _FIELD)
    hits = []
    for number, edge in enumerate(found.main_search.edges):
        entity = edge.node.entity
        place = f"{_FIELD}.edges[{number}].node.entity"
        if (read := _READERS.get(entity.typename)) is not None:
            hits.append(read(page, place, entity))
    return tuple(hits)


def _title(page: Page, place: str, entity: Entity) -> SearchHit:
    years = entity.release_year or YearRange()
    ratings = entity.ratings_summary or RatingsSummary()
    return SearchHit(
        imdb_id=title_id(entity.id),
        thing=Thing.TITLE,
        name=_text(page, f"{place}.titleText", entity.title_text),
        original_title=(entity.original_title_text and entity.original_title_text.text) or None,
        kind=kind_or_none(entity.title_type.id if entity.title_type else None),
        year=years.year,
        end_year=years.end_year,
        rank=_rank(entity),
        rating=ratings.aggregate_rating or None,
        votes=None if ratings.vote_count is msgspec.UNSET else ratings.vote_count,
        image_url=_image_url(entity),
        is_adult=entity.is_adult,
    )


def _person(page: Page, place: str, entity: Entity) -> SearchHit:
    return SearchHit(
        imdb_id=name_id(entity.id),
        thing=Thing.PERSON,
        name=_text(page, f"{place}.nameText", entity.name_text),
        rank=_rank(entity),
        image_url=_image_url(entity),
        known_for=_known_for(entity),
    )


def _company(page: Page, place: str, entity: Entity) -> SearchHit:
    best = ((entity.known_for_titles and entity.known_for_titles.edges) or ())[:1]
    return SearchHit(
        imdb_id=company_id(entity.id),
        thing=Thing.COMPANY,
        name=_text(page, f"{place}.companyText", entity.company_text),
        known_for=_joined(_named(edge.node.title) for edge in best),
        company_type=_joined(kind.text for kind in (entity.company_types or ())[:1]),
        country=(entity.country and entity.country.text) or None,
    )


def _keyword(page: Page, place: str, entity: Entity) -> SearchHit:
    return SearchHit(
        imdb_id=keyword_id(entity.id),
        thing=Thing.KEYWORD,
        name=_text(page, f"{place}.text", entity.text),
        title_count=entity.titles.total if entity.titles else None,
    )


_READERS = {"Title": _title, "Name": _person, "Company": _company, "Keyword": _keyword}


def _text(page: Page, place: str, text: OptionalText | None) -> str:
    if text is None or not text.text:
        raise PageChanged(page.url, place)
    return text.text


def _rank(entity: Entity) -> int | None:
    return (entity.meter_rank and entity.meter_rank.current_rank) or None


def _image_url(entity: Entity) -> str | None:
    return (entity.primary_image and entity.primary_image.url) or None


def _known_for(entity: Entity) -> str | None:
    """The first profession and the best known title: ``Actor, Batman & Robin (1997)``."""
    parts = [item.profession.text for item in (entity.professions or ())[:1] if item.profession]
    best = ((entity.known_for_v2 and entity.known_for_v2.credits) or ())[:1]
    return _joined([*parts, *(_named(credit.title) for credit in best)])


def _named(title: KnownTitle) -> str | None:
    """A title with its year: ``Batman & Robin (1997)``."""
    if title.title_text is None or not title.title_text.text:
        return None
    years = title.release_year
    year = f" ({years.year})" if years and years.year else ""
    return f"{title.title_text.text}{year}"


def _joined(parts: Iterable[str | None]) -> str | None:
    return ", ".join(part for part in parts if part) or None
