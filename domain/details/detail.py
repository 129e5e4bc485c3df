"""A detail: all items of one sort that a source gives of a title."""

from dataclasses import dataclass
from enum import StrEnum

from domain.details.item import Item
from domain.errors import InvalidTitle
from domain.provenance import Provenance


class DetailName(StrEnum):
    """The details, by the names that settings, tables and files have for them."""

    AKAS = "akas"
    FULL_CREDITS = "full_credits"
    EPISODES = "episodes"
    CERTIFICATES = "certificates"
    RELEASE_DATES = "release_dates"
    COUNTRIES = "countries"
    LANGUAGES = "languages"
    COMPANIES = "companies"
    KEYWORDS = "keywords"
    TAGLINES = "taglines"
    BOX_OFFICE = "box_office"
    AWARDS = "awards"
    NOMINATIONS = "nominations"
    IMAGES = "images"
    EXTERNAL_LINKS = "external_links"
    PARENTS_GUIDE = "parents_guide"
    TRIVIA = "trivia"
    REVIEWS = "reviews"
    CONNECTIONS = "connections"
    PLOTS = "plots"
    GOOFS = "goofs"
    QUOTES = "quotes"
    SOUNDTRACK = "soundtrack"
    TECHNICAL_SPECIFICATIONS = "technical_specifications"
    FILMING_LOCATIONS = "filming_locations"
    SIMILAR_TITLES = "similar_titles"
    EPISODE_OF = "episode_of"
    RUNTIMES = "runtimes"
    RANKINGS = "rankings"
    RATING_HISTOGRAM = "rating_histogram"
    COUNTRY_RATINGS = "country_ratings"
    CRITIC_REVIEWS = "critic_reviews"
    ALTERNATE_VERSIONS = "alternate_versions"
    CRAZY_CREDITS = "crazy_credits"
    FAQS = "faqs"
    INTERESTS = "interests"
    VIDEOS = "videos"
    NEWS = "news"


def item_of(name: DetailName) -> type[Item]:
    """The kind of item that a detail is made of."""
    from domain.details.items import ITEMS

    return ITEMS[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """All items of one sort, in the order of the source, and where they came from.

    No items: the source says that there are none, which is something else than having no detail.
    ``is_whole`` is false when the source has more than were read. Raises `InvalidTitle` for an item
    of another sort.
    """

    name: DetailName
    items: tuple[Item, ...]
    provenance: Provenance
    is_whole: bool = True

    def __post_init__(self) -> None:
        expected = item_of(self.name)
        for item in self.items:
            if type(item) is not expected:
                rule = f"must be {expected.__name__} objects"
                raise InvalidTitle(self.name.value, item, rule)
