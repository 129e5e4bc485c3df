"""A title in the lists of the site since 2023: results of ``/find`` and ``/search/title``."""

from msgspec import Struct

from domain.identifiers import title_id
from domain.lists import ListedTitle
from infrastructure.scrapers.imdb_pages import facts
from infrastructure.scrapers.imdb_pages.ids import kind_or_none


class TypeId(Struct, frozen=True):
    """One of IMDb's title types."""

    id: str | None = None


class RatingSummary(Struct, frozen=True, rename="camel"):
    """Without votes both are 0."""

    aggregate_rating: float | None = None
    vote_count: int | None = None


class Image(Struct, frozen=True):
    """The poster."""

    url: str | None = None


class ListItem(Struct, frozen=True, rename="camel"):
    """A title; ``runtime`` is in seconds, and what is unknown is null or absent."""

    title_id: str
    title_text: str
    title_type: TypeId | None = None
    original_title_text: str | None = None
    release_year: int | None = None
    end_year: int | None = None
    runtime: int | None = None
    rating_summary: RatingSummary | None = None
    metascore: int | None = None
    certificate: str | None = None
    genres: list[str] | None = None
    release_date: facts.DateParts | None = None
    plot: str | None = None
    primary_image: Image | None = None


def listed_title(item: ListItem) -> ListedTitle:
    """Build the title; raises `InvalidTitle` when a fact breaks a rule."""
    summary = item.rating_summary or RatingSummary()
    return ListedTitle(
        imdb_id=title_id(item.title_id),
        title=item.title_text,
        kind=kind_or_none(item.title_type.id if item.title_type else None),
        original_title=item.original_title_text or None,
        year=item.release_year or None,
        end_year=item.end_year or None,
        runtime_minutes=facts.minutes(item.runtime),
        rating=summary.aggregate_rating if summary.vote_count else None,
        votes=summary.vote_count,
        metascore=item.metascore,
        certificate=item.certificate or None,
        genres=tuple(item.genres or ()),
        release_date=facts.release_date(item.release_date),
        plot=item.plot or None,
        image_url=(item.primary_image and item.primary_image.url) or None,
    )
