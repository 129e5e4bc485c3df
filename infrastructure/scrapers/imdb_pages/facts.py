"""The facts of a title as IMDb's JSON spells them, and the title that is built from them.

The types name only what we read, by the names of IMDb's own schema; the same shapes stand in
title pages, reference pages and answers of the GraphQL API. A key that is absent says the same as
``null``: unknown. A value of another type is an error that names its path.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import UNSET, Struct, UnsetType

from domain import title as domain
from domain.errors import InvalidTitle, PageChanged
from domain.identifiers import title_id
from domain.provenance import Provenance
from domain.release_date import ReleaseDate
from infrastructure.scrapers.imdb_pages.page import Page


class TitleText(Struct, frozen=True):
    """A title's text; every title has one."""

    text: str


class OptionalText(Struct, frozen=True):
    """A text that a title may lack."""

    text: str | None = None


class TitleType(Struct, frozen=True):
    """``id`` is one of IMDb's title types; another one is an error, not a guess."""

    id: domain.TitleKind


class YearRange(Struct, frozen=True, rename="camel"):
    """Years of release; ``end_year`` for series that have ended."""

    year: int | None = None
    end_year: int | None = None


class RatingsSummary(Struct, frozen=True, rename="camel"):
    """A null rating is unrated, an absent key is another object of the same name (the main column
    of older pages has only the rank there)."""

    aggregate_rating: float | UnsetType | None = UNSET
    vote_count: int | UnsetType | None = UNSET


class Runtime(Struct, frozen=True):
    """Seconds."""

    seconds: int | None = None


class Metascore(Struct, frozen=True):
    """From 0 to 100; 0 is a score."""

    score: int | None = None


class Metacritic(Struct, frozen=True):
    """What Metacritic says."""

    metascore: Metascore | None = None


class Genre(Struct, frozen=True):
    """A genre by its display name."""

    text: str


class Genres(Struct, frozen=True):
    """All genres of a title."""

    genres: list[Genre] | None = None


class TitleGenre(Struct, frozen=True):
    """A genre in the newer list."""

    genre: Genre


class TitleGenres(Struct, frozen=True):
    """The newer list of genres: at most three."""

    genres: list[TitleGenre] | None = None


class Certificate(Struct, frozen=True):
    """The certificate of the page's country."""

    rating: str | None = None


class PlainText(Struct, frozen=True, rename="camel"):
    """Text without markup."""

    plain_text: str | None = None


class Plot(Struct, frozen=True, rename="camel"):
    """The short plot."""

    plot_text: PlainText | None = None


class DateParts(Struct, frozen=True):
    """A date of which any part may be unknown."""

    year: int | None = None
    month: int | None = None
    day: int | None = None


class RequestContext(Struct, frozen=True):
    """The request that the page answers; ``timestamp`` is the server's time in ISO 8601."""

    timestamp: str | None = None


class AboveTheFold(Struct, frozen=True, rename="camel"):
    """``aboveTheFoldData`` as title and reference pages share it."""

    id: str
    title_text: TitleText
    title_type: TitleType
    original_title_text: OptionalText | None = None
    release_year: YearRange | None = None
    ratings_summary: RatingsSummary | None = None
    runtime: Runtime | None = None
    metacritic: Metacritic | None = None
    genres: Genres | None = None
    title_genres: TitleGenres | None = None
    certificate: Certificate | None = None
    plot: Plot | None = None
    release_date: DateParts | None = None


class MainColumn(Struct, frozen=True, rename="camel"):
    """``mainColumnData`` as far as it repeats the facts; reference pages have some only there."""

    ratings_summary: RatingsSummary | None = None
    metacritic: Metacritic | None = None
    genres: Genres | None = None
    release_date: DateParts | None = None


def minutes(seconds: int | None) -> int | None:
    """Whole minutes of a runtime; a known one is at least 1, and 0 seconds is unknown."""
    if not seconds:
        return None
    return max(1, seconds // 60) if seconds > 0 else seconds


def release_date(parts: DateParts | None) -> ReleaseDate | None:
    """A date as far as it is known. A month needs a year and a day needs a month: IMDb leaves out
    any of them, and what cannot be placed is dropped. Raises `InvalidTitle` for no date at all."""
    if parts is None or parts.year is None:
        return None
    day = parts.day if parts.month is not None else None
    return ReleaseDate(year=parts.year, month=parts.month, day=day)


def capture_time(page: Page, context: RequestContext | None) -> datetime:
    """When the facts were true: the page's own clock when `Page.page_clock` asks for it.

    Raises `PageChanged` when that clock does not tell a time with a zone.
    """
    if not page.page_clock or context is None or not context.timestamp:
        return page.fetched_at
    try:
        moment = datetime.fromisoformat(context.timestamp)
        if moment.utcoffset() is not None:
            # Near the years 1 and 9999, not every time of another zone is one of UTC.
            return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise PageChanged(
            page.url, "requestContext.timestamp", f"is not a time: {context.timestamp[:80]!r}"
        ) from error
    raise PageChanged(page.url, "requestContext.timestamp", "has no time zone")


def build_title(
    page: Page,
    above: AboveTheFold,
    main: MainColumn,
    credit_list: Sequence[domain.Credit],
    fetched_at: datetime,
    *,
    found_by: str = "next_data",
) -> domain.Title:
    """Put the facts of ``__NEXT_DATA__``, or of a title in an answer of the API, together.

    Raises `PageChanged` when there is no rating summary, `InvalidTitle` when a fact breaks a rule.
    """
    rating, votes = _rating(page, above.ratings_summary, main.ratings_summary)
    critics = above.metacritic or main.metacritic
    years = above.release_year or YearRange()
    return domain.Title(
        imdb_id=title_id(above.id),
        kind=above.title_type.id,
        title=above.title_text.text,
        original_title=(above.original_title_text and above.original_title_text.text) or None,
        year=years.year,
        end_year=years.end_year,
        runtime_minutes=minutes(above.runtime.seconds if above.runtime else None),
        rating=rating,
        votes=votes,
        metascore=critics.metascore.score if critics and critics.metascore else None,
        certificate=(above.certificate and above.certificate.rating) or None,
        genres=_genres(above, main),
        release_date=_known_date(above, main),
        plot=(above.plot and above.plot.plot_text and above.plot.plot_text.plain_text) or None,
        credits=tuple(credit_list),
        provenance=Provenance(source=page.source, found_by=found_by, fetched_at=fetched_at),
    )


def _known_date(above: AboveTheFold, main: MainColumn) -> ReleaseDate | None:
    try:
        return release_date(above.release_date) or release_date(main.release_date)
    except InvalidTitle as error:
        raise InvalidTitle(error.field, error.value, error.rule, imdb_id=above.id) from error


def _rating(page: Page, *summaries: RatingsSummary | None) -> tuple[float | None, int | None]:
    """The rating and votes of the first summary that has both keys."""
    for summary in summaries:
        if (
            summary is not None
            and summary.aggregate_rating is not UNSET
            and summary.vote_count is not UNSET
        ):
            return summary.aggregate_rating, summary.vote_count
    raise PageChanged(
        page.url, "aboveTheFoldData.ratingsSummary", "no aggregateRating with its voteCount"
    )


def _genres(above: AboveTheFold, main: MainColumn) -> tuple[str, ...]:
    """The full list where there is one, else the newer, shorter list."""
    for listed in (above.genres, main.genres):
        if listed is not None and listed.genres:
            return tuple(genre.text for genre in listed.genres)
    newer = above.title_genres.genres if above.title_genres else None
    return tuple(entry.genre.text for entry in newer or ())
