"""Which page of the site says which detail."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from domain.details import DetailName
from domain.title import TitleKind


class DetailPage(StrEnum):
    """The pages of a title, by the end of their addresses."""

    TITLE = ""
    REFERENCE = "reference/"
    RELEASE_INFO = "releaseinfo/"
    EPISODES = "episodes/"


PAGE_OF: Mapping[DetailName, DetailPage] = MappingProxyType(
    {
        DetailName.AKAS: DetailPage.RELEASE_INFO,
        DetailName.FULL_CREDITS: DetailPage.REFERENCE,
        DetailName.EPISODES: DetailPage.EPISODES,
        DetailName.CERTIFICATES: DetailPage.REFERENCE,
        DetailName.RELEASE_DATES: DetailPage.RELEASE_INFO,
        DetailName.COUNTRIES: DetailPage.TITLE,
        DetailName.LANGUAGES: DetailPage.TITLE,
        DetailName.COMPANIES: DetailPage.REFERENCE,
        DetailName.KEYWORDS: DetailPage.TITLE,
        DetailName.TAGLINES: DetailPage.REFERENCE,
        DetailName.BOX_OFFICE: DetailPage.TITLE,
        DetailName.AWARDS: DetailPage.TITLE,
        DetailName.IMAGES: DetailPage.TITLE,
        DetailName.EXTERNAL_LINKS: DetailPage.TITLE,
        DetailName.TRIVIA: DetailPage.TITLE,
        DetailName.REVIEWS: DetailPage.TITLE,
        DetailName.CONNECTIONS: DetailPage.TITLE,
        DetailName.PLOTS: DetailPage.REFERENCE,
        DetailName.GOOFS: DetailPage.TITLE,
        DetailName.QUOTES: DetailPage.TITLE,
        DetailName.SOUNDTRACK: DetailPage.TITLE,
        DetailName.TECHNICAL_SPECIFICATIONS: DetailPage.REFERENCE,
        DetailName.FILMING_LOCATIONS: DetailPage.TITLE,
        DetailName.SIMILAR_TITLES: DetailPage.TITLE,
        DetailName.EPISODE_OF: DetailPage.TITLE,
        DetailName.RANKINGS: DetailPage.TITLE,
        DetailName.ALTERNATE_VERSIONS: DetailPage.TITLE,
        DetailName.CRAZY_CREDITS: DetailPage.TITLE,
        DetailName.FAQS: DetailPage.TITLE,
        DetailName.VIDEOS: DetailPage.TITLE,
    }
)
"""The page that has the most of each detail; what is not here, no page says that we read."""

SERIES = frozenset({TitleKind.TV_SERIES, TitleKind.TV_MINI_SERIES, TitleKind.PODCAST_SERIES})
"""What has episodes."""
