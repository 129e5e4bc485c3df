"""Details of titles in the JSON of IMDb, which pages and answers of the API have in common.

`READERS` has what reads each of them from the object of a title: ``mainColumnData`` or
``aboveTheFoldData`` of a page, or a title in an answer of the API. Nothing here is loaded before a
detail is asked for.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from domain.details import DetailName
from infrastructure.scrapers.imdb_pages.details import (
    extras,
    figures,
    media,
    people,
    places,
    words,
)
from infrastructure.scrapers.imdb_pages.details.people import billed
from infrastructure.scrapers.imdb_pages.details.shapes import Part, Reader

__all__ = ["READERS", "Part", "Reader", "billed"]

READERS: Mapping[DetailName, Reader[Any]] = MappingProxyType(
    {
        DetailName.AKAS: places.AKAS,
        DetailName.FULL_CREDITS: people.FULL_CREDITS,
        DetailName.EPISODES: media.EPISODES,
        DetailName.CERTIFICATES: places.CERTIFICATES,
        DetailName.RELEASE_DATES: places.RELEASE_DATES,
        DetailName.COUNTRIES: places.COUNTRIES,
        DetailName.LANGUAGES: places.LANGUAGES,
        DetailName.COMPANIES: places.COMPANIES,
        DetailName.KEYWORDS: words.KEYWORDS,
        DetailName.TAGLINES: words.TAGLINES,
        DetailName.BOX_OFFICE: media.BOX_OFFICE,
        DetailName.AWARDS: people.AWARDS,
        DetailName.NOMINATIONS: people.NOMINATIONS,
        DetailName.IMAGES: media.IMAGES,
        DetailName.EXTERNAL_LINKS: media.EXTERNAL_LINKS,
        DetailName.PARENTS_GUIDE: words.PARENTS_GUIDE,
        DetailName.TRIVIA: words.TRIVIA,
        DetailName.REVIEWS: words.REVIEWS,
        DetailName.CONNECTIONS: media.CONNECTIONS,
        DetailName.PLOTS: words.PLOTS,
        DetailName.GOOFS: words.GOOFS,
        DetailName.QUOTES: words.QUOTES,
        DetailName.SOUNDTRACK: words.SOUNDTRACK,
        DetailName.TECHNICAL_SPECIFICATIONS: media.TECHNICAL_SPECIFICATIONS,
        DetailName.FILMING_LOCATIONS: places.FILMING_LOCATIONS,
        DetailName.SIMILAR_TITLES: media.SIMILAR_TITLES,
        DetailName.EPISODE_OF: figures.EPISODE_OF,
        DetailName.RUNTIMES: figures.RUNTIMES,
        DetailName.RANKINGS: figures.RANKINGS,
        DetailName.RATING_HISTOGRAM: figures.RATING_HISTOGRAM,
        DetailName.COUNTRY_RATINGS: figures.COUNTRY_RATINGS,
        DetailName.CRITIC_REVIEWS: figures.CRITIC_REVIEWS,
        DetailName.ALTERNATE_VERSIONS: extras.ALTERNATE_VERSIONS,
        DetailName.CRAZY_CREDITS: extras.CRAZY_CREDITS,
        DetailName.FAQS: extras.FAQS,
        DetailName.INTERESTS: extras.INTERESTS,
        DetailName.VIDEOS: extras.VIDEOS,
        DetailName.NEWS: extras.NEWS,
    }
)
"""What reads each detail."""
