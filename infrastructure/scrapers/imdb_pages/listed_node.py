"""A title in the lists that the API gives, and in the pages that are made from its answers."""

import logging

from msgspec import UNSET, Struct

from domain.errors import InvalidTitle
from domain.identifiers import title_id
from domain.lists import ListedTitle
from infrastructure.scrapers.imdb_pages import facts
from infrastructure.scrapers.imdb_pages.ids import kind_or_none
from infrastructure.scrapers.imdb_pages.list_item import Image, TypeId

logger = logging.getLogger(__name__)


class ListedNode(Struct, frozen=True, rename="camel"):
    """A title with its facts; one of an unknown type is still a title."""

    id: str
    title_text: facts.TitleText
    is_adult: bool | None = None
    title_type: TypeId | None = None
    original_title_text: facts.OptionalText | None = None
    release_year: facts.YearRange | None = None
    release_date: facts.DateParts | None = None
    runtime: facts.Runtime | None = None
    ratings_summary: facts.RatingsSummary | None = None
    metacritic: facts.Metacritic | None = None
    certificate: facts.Certificate | None = None
    title_genres: facts.TitleGenres | None = None
    plot: facts.Plot | None = None
    primary_image: Image | None = None


def title_of_node(node: ListedNode) -> ListedTitle:
    """Make the title: without its facts when one of them breaks a rule, as its id is what counts.

    Raises `InvalidTitle` when its id or its name is none.
    """
    try:
        return _whole_title(node)
    except InvalidTitle as error:
        bare = ListedTitle(imdb_id=title_id(node.id), title=node.title_text.text)
        logger.warning("%s is listed without its facts: %s", node.id, error)
        return bare


def _whole_title(node: ListedNode) -> ListedTitle:
    years = node.release_year or facts.YearRange()
    ratings = node.ratings_summary or facts.RatingsSummary()
    critics = node.metacritic and node.metacritic.metascore
    genres = (node.title_genres and node.title_genres.genres) or ()
    return ListedTitle(
        imdb_id=title_id(node.id),
        title=node.title_text.text,
        kind=kind_or_none(node.title_type.id if node.title_type else None),
        original_title=(node.original_title_text and node.original_title_text.text) or None,
        year=years.year,
        end_year=years.end_year,
        runtime_minutes=facts.minutes(node.runtime.seconds if node.runtime else None),
        rating=ratings.aggregate_rating or None,
        votes=None if ratings.vote_count is UNSET else ratings.vote_count,
        metascore=critics.score if critics else None,
        certificate=(node.certificate and node.certificate.rating) or None,
        genres=tuple(entry.genre.text for entry in genres),
        release_date=facts.release_date(node.release_date),
        plot=(node.plot and node.plot.plot_text and node.plot.plot_text.plain_text) or None,
        image_url=(node.primary_image and node.primary_image.url) or None,
        is_adult=node.is_adult,
    )
