"""The items of each detail. Facts are as IMDb gives them; codes of countries are ISO 3166-1."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from domain.details.detail import DetailName
from domain.details.item import AnyCount, Item, Range
from domain.identifiers import NameId, TitleId
from domain.release_date import FIRST_YEAR, LAST_YEAR, ReleaseDate

_Rating = Annotated[float, Range(0, 10)]
_Year = Annotated[int, Range(FIRST_YEAR, LAST_YEAR)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternativeTitle(Item):
    """A title by which it is known in a ``region`` (code of a country or an area), or anywhere.

    ``types`` are such as ``imdbDisplay``, ``original``, ``working``; ``attributes`` are remarks.
    """

    title: str
    region: str | None = None
    language: str | None = None
    types: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    is_original: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FullCredit(Item):
    """One person's part in a title, of any category (``producer``, ``composer``, ``cast``, ...).

    ``billing`` is the position in the category, from 1 on; ``job`` what is said of crew;
    ``episodes`` the number of episodes of a series; ``attributes`` remarks (``uncredited``).
    """

    category: str
    billing: Annotated[int, Range(1, 2**31 - 1)]
    name: str
    person_id: NameId | None = None
    characters: tuple[str, ...] = ()
    job: str | None = None
    attributes: tuple[str, ...] = ()
    episodes: AnyCount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode(Item):
    """An episode of a series. Season and number are ``None`` when IMDb does not know them."""

    episode_id: TitleId
    season: AnyCount | None = None
    number: AnyCount | None = None
    title: str | None = None
    air_date: ReleaseDate | None = None
    rating: _Rating | None = None
    votes: AnyCount | None = None
    plot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryCertificate(Item):
    """An age rating in a country."""

    country: str
    rating: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryReleaseDate(Item):
    """When a title came out in a country; ``attributes`` say where or how (a festival, TV)."""

    country: str
    date: ReleaseDate
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Country(Item):
    """A country of origin."""

    country: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Language(Item):
    """A language spoken; ``language`` is its ISO 639 code."""

    language: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyCredit(Item):
    """What a company did: ``category`` is ``production``, ``distribution``, ``sales``, ...

    ``countries`` and years are those for which a distributor has it.
    """

    category: str
    name: str
    company_id: str | None = None
    countries: tuple[str, ...] = ()
    year: _Year | None = None
    end_year: _Year | None = None
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword(Item):
    """A keyword, with how many of those who voted find it relevant."""

    keyword: str
    users_interested: AnyCount | None = None
    users_voted: AnyCount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagline(Item):
    """A slogan of the advertising."""

    text: str


class BoxOfficeKind(StrEnum):
    """What a sum of money is."""

    BUDGET = "budget"
    OPENING_WEEKEND = "opening_weekend"
    DOMESTIC = "domestic"
    INTERNATIONAL = "international"
    WORLDWIDE = "worldwide"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxOfficeFigure(Item):
    """A sum in whole units of a ``currency`` (ISO 4217); ``date`` is when a weekend ended."""

    kind: BoxOfficeKind
    amount: AnyCount
    currency: str
    date: ReleaseDate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardCounts(Item):
    """How many awards were won, and for how many there were nominations that won none."""

    wins: AnyCount
    nominations: AnyCount


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardNomination(Item):
    """A nomination, which ``is_winner`` or not."""

    event: str
    year: _Year | None = None
    award: str | None = None
    category: str | None = None
    is_winner: bool | None = None
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Item):
    """A picture: ``kind`` is ``poster``, ``still_frame``, ...; width and height in pixels."""

    url: str
    kind: str | None = None
    width: AnyCount | None = None
    height: AnyCount | None = None
    caption: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalLink(Item):
    """A page elsewhere: ``category`` is ``official``, ``miscellaneous``, ..."""

    category: str
    url: str
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentsGuideItem(Item):
    """What parents may want to know: how severe a ``category`` is, or a remark on it."""

    category: str
    severity: str | None = None
    text: str | None = None
    is_spoiler: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trivia(Item):
    """Something worth knowing, with how many of those who voted find it interesting."""

    text: str
    category: str | None = None
    users_interested: AnyCount | None = None
    users_voted: AnyCount | None = None
    is_spoiler: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Item):
    """A user's review; ``rating`` from 1 to 10; how many find it helpful, and how many do not."""

    review_id: str
    author: str | None = None
    rating: Annotated[int, Range(1, 10)] | None = None
    date: ReleaseDate | None = None
    summary: str | None = None
    text: str | None = None
    helpful_votes: AnyCount | None = None
    unhelpful_votes: AnyCount | None = None
    is_spoiler: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Item):
    """A title that has to do with this one: ``category`` is ``followed_by``, ``spoofs``, ..."""

    category: str
    connected_id: TitleId
    title: str | None = None
    year: _Year | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot(Item):
    """The plot: ``kind`` is ``outline``, ``summary`` or ``synopsis``."""

    kind: str
    text: str
    author: str | None = None
    is_spoiler: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Goof(Item):
    """A mistake in a title: ``category`` is ``continuity``, ``anachronism``, ..."""

    category: str
    text: str
    is_spoiler: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote(Item):
    """Lines that are said, each with its speaker before a colon where that is known."""

    lines: tuple[str, ...]
    is_spoiler: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundtrack(Item):
    """A piece of music; ``comments`` name who wrote and who performed it."""

    title: str
    comments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicalSpecification(Item):
    """``category`` is ``aspect_ratio``, ``color``, ``sound_mix``, ``camera``, ..."""

    category: str
    text: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmingLocation(Item):
    """Where it was filmed; ``attributes`` say which scenes."""

    location: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarTitle(Item):
    """A title that IMDb recommends to those who like this one."""

    similar_id: TitleId
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeOf(Item):
    """The series that a title is an episode of, and its place there, as far as IMDb knows it."""

    series_id: TitleId
    title: str | None = None
    season: AnyCount | None = None
    number: AnyCount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime(Item):
    """How long a version takes; ``attributes`` are remarks, such as ``director's cut``."""

    seconds: Annotated[int, Range(1, 2**31 - 1)]
    country: str | None = None
    attributes: tuple[str, ...] = ()


class RankingKind(StrEnum):
    """The lists in which IMDb ranks a title."""

    POPULARITY = "popularity"
    TOP_RATED = "top_rated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Item):
    """A title's place in a list, from 1 on, when it was asked.

    ``change`` is by how many places it has moved, and ``direction`` whither: ``UP``, ``DOWN`` or
    ``FLAT``.
    """

    kind: RankingKind
    rank: Annotated[int, Range(1, 2**31 - 1)]
    change: AnyCount | None = None
    direction: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingVotes(Item):
    """How many users have given a title this rating."""

    rating: Annotated[int, Range(1, 10)]
    votes: AnyCount


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryRating(Item):
    """The mean of the votes of a country's users, and how many they are."""

    country: str
    rating: _Rating
    votes: AnyCount


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticReview(Item):
    """A critic's review as Metacritic has it; ``score`` from 0 to 100."""

    score: Annotated[int, Range(0, 100)]
    publisher: str | None = None
    reviewer: str | None = None
    quote: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternateVersion(Item):
    """How a version differs: cut for television, restored, ..."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CrazyCredit(Item):
    """Something odd in the credits that are shown with a title."""

    text: str
    users_interested: AnyCount | None = None
    users_voted: AnyCount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Faq(Item):
    """A question that is often asked; ``answer`` is ``None`` while nobody has answered it."""

    question: str
    answer: str | None = None
    is_spoiler: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest(Item):
    """A finer genre (``Prison Drama``), with IMDb's id for it (``in0000081``)."""

    interest_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Item):
    """A trailer, a clip or an interview by its id (``vi...``); its addresses expire."""

    video_id: str
    name: str
    kind: str | None = None
    seconds: AnyCount | None = None
    date: ReleaseDate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsArticle(Item):
    """A headline about a title; ``publisher`` is who has the article, under ``url``."""

    news_id: str
    headline: str
    date: ReleaseDate | None = None
    publisher: str | None = None
    url: str | None = None


ITEMS: dict[DetailName, type[Item]] = {
    DetailName.AKAS: AlternativeTitle,
    DetailName.FULL_CREDITS: FullCredit,
    DetailName.EPISODES: Episode,
    DetailName.CERTIFICATES: CountryCertificate,
    DetailName.RELEASE_DATES: CountryReleaseDate,
    DetailName.COUNTRIES: Country,
    DetailName.LANGUAGES: Language,
    DetailName.COMPANIES: CompanyCredit,
    DetailName.KEYWORDS: Keyword,
    DetailName.TAGLINES: Tagline,
    DetailName.BOX_OFFICE: BoxOfficeFigure,
    DetailName.AWARDS: AwardCounts,
    DetailName.NOMINATIONS: AwardNomination,
    DetailName.IMAGES: Image,
    DetailName.EXTERNAL_LINKS: ExternalLink,
    DetailName.PARENTS_GUIDE: ParentsGuideItem,
    DetailName.TRIVIA: Trivia,
    DetailName.REVIEWS: Review,
    DetailName.CONNECTIONS: Connection,
    DetailName.PLOTS: Plot,
    DetailName.GOOFS: Goof,
    DetailName.QUOTES: Quote,
    DetailName.SOUNDTRACK: Soundtrack,
    DetailName.TECHNICAL_SPECIFICATIONS: TechnicalSpecification,
    DetailName.FILMING_LOCATIONS: FilmingLocation,
    DetailName.SIMILAR_TITLES: SimilarTitle,
    DetailName.EPISODE_OF: EpisodeOf,
    DetailName.RUNTIMES: Runtime,
    DetailName.RANKINGS: Ranking,
    DetailName.RATING_HISTOGRAM: RatingVotes,
    DetailName.COUNTRY_RATINGS: CountryRating,
    DetailName.CRITIC_REVIEWS: CriticReview,
    DetailName.ALTERNATE_VERSIONS: AlternateVersion,
    DetailName.CRAZY_CREDITS: CrazyCredit,
    DetailName.FAQS: Faq,
    DetailName.INTERESTS: Interest,
    DetailName.VIDEOS: Video,
    DetailName.NEWS: NewsArticle,
}
"""The kind of item of each detail."""
