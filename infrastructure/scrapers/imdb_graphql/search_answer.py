"""Answers to ``mainSearch``: titles and people by words, best first."""

import msgspec
from msgspec import Struct

from domain.errors import PageChanged
from domain.identifiers import name_id, title_id
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
    """A title that a person is known for."""

    title_text: OptionalText | None = None
    release_year: YearRange | None = None


class KnownCredit(Struct, frozen=True):
    """A credit that a person is known for."""

    title: KnownTitle


class KnownFor(Struct, frozen=True):
    """The credits that a person is known for, the best known first."""

    credits: list[KnownCredit] | None = None


class Entity(Struct, frozen=True, rename="camel"):
    """A title, a person, or (``__typename``) something that we do not look for."""

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
        if entity.typename == "Title":
            hits.append(_title(page, place, entity))
        elif entity.typename == "Name":
            hits.append(_person(page, place, entity))
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
    for credit in ((entity.known_for_v2 and entity.known_for_v2.credits) or ())[:1]:
        title, years = credit.title.title_text, credit.title.release_year
        year = f" ({years.year})" if years and years.year else ""
        parts += [f"{title.text}{year}" if title and title.text else None]
    return ", ".join(part for part in parts if part) or None
