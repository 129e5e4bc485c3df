"""Numbers of a title: how long it takes, where it ranks, who votes how; and its series."""

from collections.abc import Iterator

from msgspec import UNSET, Struct, UnsetType

from domain.details.items import (
    CountryRating,
    CriticReview,
    EpisodeOf,
    Ranking,
    RankingKind,
    RatingVotes,
    Runtime,
)
from domain.identifiers import title_id
from infrastructure.scrapers.imdb_pages.details.media import DisplayableNumber, OtherTitle
from infrastructure.scrapers.imdb_pages.details.shapes import (
    NOTHING,
    Coded,
    MaybeListed,
    Part,
    Reader,
    Words,
    part_of,
    texts_of,
)
from infrastructure.scrapers.imdb_pages.ids import number_or_none


class EpisodeNumber(Struct, frozen=True, rename="camel"):
    """The place of an episode on a page."""

    season_number: int | None = None
    episode_number: int | None = None


class SeriesOfEpisode(Struct, frozen=True, rename="camel"):
    """The series of an episode, and its place there: pages have it under the other key."""

    series: OtherTitle | None = None
    displayable_episode_number: DisplayableNumber | None = None
    episode_number: EpisodeNumber | None = None


class SeriesShape(Struct, frozen=True):
    """``series``: null for what is no episode."""

    series: SeriesOfEpisode | UnsetType | None = UNSET


def _episode_of(title: SeriesShape) -> Part | None:
    if title.series is UNSET:
        return None
    if title.series is None or title.series.series is None:
        return NOTHING
    series = title.series.series
    season, number = _place(title.series)
    shown = series.title_text.text if series.title_text else None
    return Part(
        (
            EpisodeOf(
                series_id=title_id(series.id), title=shown or None, season=season, number=number
            ),
        )
    )


def _place(episode: SeriesOfEpisode) -> tuple[int | None, int | None]:
    if (on_page := episode.episode_number) is not None:
        return on_page.season_number, on_page.episode_number
    place = episode.displayable_episode_number or DisplayableNumber()
    season, number = place.displayable_season, place.episode_number
    return (
        number_or_none(season.season if season else None),
        number_or_none(number.episode_number if number else None),
    )


EPISODE_OF = Reader(SeriesShape, _episode_of)


class RuntimeNode(Struct, frozen=True):
    """How long a version takes; one of no length says nothing."""

    seconds: int
    country: Coded | None = None
    attributes: list[Words | None] | None = None


class RuntimesShape(Struct, frozen=True):
    """``runtimes``; the facts have the first as ``runtime``."""

    runtimes: MaybeListed[RuntimeNode] = UNSET


def _runtime(node: RuntimeNode) -> Runtime | None:
    if not node.seconds:
        return None
    return Runtime(
        seconds=node.seconds,
        country=node.country.id if node.country else None,
        attributes=texts_of(node.attributes),
    )


RUNTIMES = Reader(RuntimesShape, lambda title: part_of(title.runtimes, _runtime))


class RankChange(Struct, frozen=True, rename="camel"):
    """By how many places a title has moved."""

    change_direction: str | None = None
    difference: int | None = None


class MeterRank(Struct, frozen=True, rename="camel"):
    """The place in IMDb's popularity."""

    current_rank: int | None = None
    rank_change: RankChange | None = None


class TopRanking(Struct, frozen=True):
    """The place among the best rated."""

    rank: int | None = None


class TopRated(Struct, frozen=True, rename="camel"):
    """``ratingsSummary``, of which the facts read the rest."""

    top_ranking: TopRanking | None = None


class RankingsShape(Struct, frozen=True, rename="camel"):
    """Both places, null for a title that has none; pages have ``meterRanking`` alone."""

    meter_rank: MeterRank | UnsetType | None = UNSET
    top_rated: TopRated | UnsetType | None = UNSET
    meter_ranking: MeterRank | UnsetType | None = UNSET


def _rankings(title: RankingsShape) -> Part | None:
    if title.meter_rank is UNSET and title.meter_ranking is UNSET:
        return None
    return Part(tuple(_places(title)), is_whole=title.top_rated is not UNSET)


def _places(title: RankingsShape) -> Iterator[Ranking]:
    meter = title.meter_rank or title.meter_ranking or MeterRank()
    if meter.current_rank:
        change = meter.rank_change or RankChange()
        yield Ranking(
            kind=RankingKind.POPULARITY,
            rank=meter.current_rank,
            change=change.difference,
            direction=change.change_direction,
        )
    top = (title.top_rated or TopRated()).top_ranking
    if top is not None and top.rank:
        yield Ranking(kind=RankingKind.TOP_RATED, rank=top.rank)


RANKINGS = Reader(RankingsShape, _rankings)


class HistogramValue(Struct, frozen=True, rename="camel"):
    """How many have given a rating."""

    rating: int
    vote_count: int


class Histogram(Struct, frozen=True, rename="camel"):
    """All ratings."""

    histogram_values: list[HistogramValue] | None = None


class HistogramHolder(Struct, frozen=True):
    """``aggregateRatingsBreakdown``."""

    histogram: Histogram | None = None


class HistogramShape(Struct, frozen=True, rename="camel"):
    """The key is an alias of ours: what people of which country think is beside it."""

    rating_histogram: HistogramHolder | UnsetType | None = UNSET


def _histogram(title: HistogramShape) -> Part | None:
    if title.rating_histogram is UNSET:
        return None
    held = title.rating_histogram.histogram if title.rating_histogram else None
    values = (held.histogram_values if held else None) or ()
    return Part(tuple(RatingVotes(rating=one.rating, votes=one.vote_count) for one in values))


RATING_HISTOGRAM = Reader(HistogramShape, _histogram)


class CountrySummary(Struct, frozen=True, rename="camel"):
    """What the users of a country think."""

    country: str
    aggregate: float
    vote_count: int


class CountrySummaries(Struct, frozen=True, rename="camel"):
    """``aggregateRatingsBreakdown``."""

    ratings_summary_by_country: list[CountrySummary] | None = None


class CountryRatingsShape(Struct, frozen=True, rename="camel"):
    """The key is an alias of ours."""

    country_ratings: CountrySummaries | UnsetType | None = UNSET


def _country_ratings(title: CountryRatingsShape) -> Part | None:
    if title.country_ratings is UNSET:
        return None
    held = title.country_ratings
    summaries = (held.ratings_summary_by_country if held else None) or ()
    return Part(
        tuple(
            CountryRating(country=one.country, rating=one.aggregate, votes=one.vote_count)
            for one in summaries
        )
    )


COUNTRY_RATINGS = Reader(CountryRatingsShape, _country_ratings)


class Localized(Struct, frozen=True):
    """A text in the language that was asked for."""

    value: str | None = None


class CriticNode(Struct, frozen=True):
    """A critic's review."""

    score: int
    site: str | None = None
    reviewer: str | None = None
    quote: Localized | None = None
    url: str | None = None


class CriticReviews(Struct, frozen=True):
    """``metacritic``, of which the facts read the metascore."""

    reviews: MaybeListed[CriticNode] = UNSET


class CriticReviewsShape(Struct, frozen=True, rename="camel"):
    """The key is an alias of ours; null for what Metacritic does not have."""

    critic_reviews: CriticReviews | UnsetType | None = UNSET


def _critic_review(node: CriticNode) -> CriticReview:
    return CriticReview(
        score=node.score,
        publisher=node.site or None,
        reviewer=node.reviewer or None,
        quote=(node.quote and node.quote.value) or None,
        url=node.url or None,
    )


def _critic_reviews(title: CriticReviewsShape) -> Part | None:
    if title.critic_reviews is UNSET:
        return None
    held = title.critic_reviews
    return NOTHING if held is None else part_of(held.reviews, _critic_review)


CRITIC_REVIEWS = Reader(CriticReviewsShape, _critic_reviews)
