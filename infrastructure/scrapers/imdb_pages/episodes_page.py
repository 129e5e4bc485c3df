"""``/title/ttN/episodes/?season=n``: the episodes of a season, 50 a page."""

import re
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from domain.details.items import Episode
from domain.identifiers import TitleId, title_id
from infrastructure.scrapers.imdb_pages import facts
from infrastructure.scrapers.imdb_pages.ids import number_or_none
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.props import page_props

_ROUTES = re.compile(r"/title/\[tconst\]/episodes/?")


class EpisodeItem(Struct, frozen=True, rename="camel"):
    """An episode; ``season`` and ``episode`` are texts, of which some are no number."""

    id: str
    title_text: str | None = None
    season: str | None = None
    episode: str | None = None
    release_date: facts.DateParts | None = None
    plot: str | None = None
    aggregate_rating: float | None = None
    vote_count: int | None = None


class Episodes(Struct, frozen=True, rename="camel"):
    """The episodes of the page; there are more when the season has more than 50."""

    items: list[EpisodeItem]
    has_next_page: bool = False


class Season(Struct, frozen=True):
    """A season; ``value`` is its number, or ``unknown``."""

    value: str


class Section(Struct, frozen=True, rename="camel"):
    """The list of episodes, and the seasons that there are."""

    episodes: Episodes
    seasons: list[Season] | None = None


class Series(Struct, frozen=True):
    """The series."""

    id: str


class Content(Struct, frozen=True, rename="camel"):
    """What the page is about, and what it shows."""

    entity_metadata: Series
    section: Section


class EpisodesProps(Struct, frozen=True, rename="camel"):
    """The data of the page."""

    content_data: Content


_DECODER = msgspec.json.Decoder(NextData[EpisodesProps])


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonPage:
    """A part of a series: some episodes, and the names of all its seasons, to ask for them.

    ``is_whole`` is false when the season has more episodes than the page.
    """

    series_id: TitleId
    seasons: tuple[str, ...]
    episodes: tuple[Episode, ...]
    is_whole: bool


def read_season(page: Page) -> SeasonPage:
    """Read the page of a season; raises as this package says."""
    content = page_props(page, _DECODER, _ROUTES).content_data
    listed = content.section.episodes
    return SeasonPage(
        series_id=title_id(content.entity_metadata.id),
        seasons=tuple(season.value for season in content.section.seasons or ()),
        episodes=tuple(map(_episode, listed.items)),
        is_whole=not listed.has_next_page,
    )


def _episode(item: EpisodeItem) -> Episode:
    return Episode(
        episode_id=title_id(item.id),
        # Some episodes have "unknown" there.
        season=number_or_none(item.season),
        number=number_or_none(item.episode),
        title=item.title_text or None,
        air_date=facts.release_date(item.release_date),
        # Without votes the rating is 0, as in all lists of the site.
        rating=item.aggregate_rating if item.vote_count else None,
        votes=item.vote_count,
        plot=item.plot or None,
    )
