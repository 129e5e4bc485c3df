"""Money, pictures, links, technical facts, and other titles: episodes, connections, the like."""

from collections.abc import Iterator, Sequence

from msgspec import UNSET, Struct, UnsetType

from domain.details.items import (
    BoxOfficeFigure,
    BoxOfficeKind,
    Connection,
    Episode,
    ExternalLink,
    Image,
    SimilarTitle,
    TechnicalSpecification,
)
from domain.identifiers import title_id
from infrastructure.scrapers.imdb_pages import facts
from infrastructure.scrapers.imdb_pages.details.shapes import (
    NOTHING,
    Coded,
    MaybeListed,
    Part,
    Reader,
    RichText,
    Words,
    as_word,
    part_of,
    texts_of,
)
from infrastructure.scrapers.imdb_pages.details.words import day_of
from infrastructure.scrapers.imdb_pages.ids import number_or_none


class Money(Struct, frozen=True):
    """A sum."""

    amount: float
    currency: str


class Budget(Struct, frozen=True):
    """What it cost."""

    budget: Money | None = None


class Gross(Struct, frozen=True):
    """What it made."""

    total: Money | None = None


class OpeningWeekend(Struct, frozen=True, rename="camel"):
    """What it made in the first days."""

    gross: Gross | None = None
    weekend_end_date: str | None = None


class BoxOfficeShape(Struct, frozen=True, rename="camel"):
    """The figures; ``lifetimeGross`` is the domestic one."""

    production_budget: Budget | UnsetType | None = UNSET
    opening_weekend_gross: OpeningWeekend | UnsetType | None = UNSET
    lifetime_gross: Gross | UnsetType | None = UNSET
    international_gross: Gross | UnsetType | None = UNSET
    worldwide_gross: Gross | UnsetType | None = UNSET


def _box_office(title: BoxOfficeShape) -> Part | None:
    if title.production_budget is UNSET and title.worldwide_gross is UNSET:
        return None
    return Part(tuple(_figures(title)))


def _figures(title: BoxOfficeShape) -> Iterator[BoxOfficeFigure]:
    budget, opening = title.production_budget or None, title.opening_weekend_gross or None
    weekend = opening.gross if opening else None
    sums = (
        (BoxOfficeKind.BUDGET, budget.budget if budget else None),
        (BoxOfficeKind.OPENING_WEEKEND, weekend.total if weekend else None),
        (BoxOfficeKind.DOMESTIC, title.lifetime_gross.total if title.lifetime_gross else None),
        (
            BoxOfficeKind.INTERNATIONAL,
            title.international_gross.total if title.international_gross else None,
        ),
        (BoxOfficeKind.WORLDWIDE, title.worldwide_gross.total if title.worldwide_gross else None),
    )
    for kind, money in sums:
        if money is not None:
            is_opening = kind is BoxOfficeKind.OPENING_WEEKEND
            yield BoxOfficeFigure(
                kind=kind,
                amount=round(money.amount),
                currency=money.currency,
                date=day_of(opening.weekend_end_date) if opening and is_opening else None,
            )


BOX_OFFICE = Reader(BoxOfficeShape, _box_office)


class ImageNode(Struct, frozen=True):
    """A picture; one without an address is left out."""

    url: str | None = None
    type: str | None = None
    width: int | None = None
    height: int | None = None
    caption: RichText | None = None


class ImagesShape(Struct, frozen=True, rename="camel"):
    """The poster, and ``titleMainImages``: others, as many as are shown."""

    primary_image: ImageNode | UnsetType | None = UNSET
    title_main_images: MaybeListed[ImageNode] = UNSET


def _image(node: ImageNode, kind: str | None = None) -> Image | None:
    if not node.url:
        return None
    return Image(
        url=node.url,
        kind=node.type or kind,
        width=node.width,
        height=node.height,
        caption=node.caption.text if node.caption else None,
    )


def _images(title: ImagesShape) -> Part | None:
    others = part_of(title.title_main_images, _image)
    primary = title.primary_image or None
    if others is None and primary is None:
        return None if title.primary_image is UNSET else NOTHING
    poster = _image(primary, "poster") if primary else None
    items = ((poster,) if poster else ()) + (others.items if others else ())
    if others is None:
        return Part(items, is_whole=False)
    return Part(items, others.is_whole, others.next_cursor)


IMAGES = Reader(ImagesShape, _images)


class LinkNode(Struct, frozen=True, rename="camel"):
    """A page elsewhere; title pages show the official ones, without their category."""

    url: str
    label: str | None = None
    external_link_category: Coded | None = None


class LinksShape(Struct, frozen=True, rename="camel"):
    """``externalLinks`` of the API (title pages have their number there)."""

    external_links: MaybeListed[LinkNode] = UNSET
    details_external_links: MaybeListed[LinkNode] = UNSET


def _link(node: LinkNode) -> ExternalLink:
    category = node.external_link_category.id if node.external_link_category else "official"
    return ExternalLink(category=category, url=node.url, label=node.label or None)


def _links(title: LinksShape) -> Part | None:
    if title.details_external_links is UNSET:
        return part_of(title.external_links, _link)
    shown = part_of(title.details_external_links, _link)
    # Those of other categories are on another page.
    return None if shown is None else Part(shown.items, is_whole=False)


EXTERNAL_LINKS = Reader(LinksShape, _links)


class Specification(Struct, frozen=True, rename="camel"):
    """One of the technical facts: each list has the text under a key of its own."""

    text: str | None = None
    aspect_ratio: str | None = None
    camera: str | None = None
    laboratory: str | None = None
    negative_format: str | None = None
    printed_format: str | None = None
    process: str | None = None
    displayable_property: "SpecificationProperty | None" = None
    attributes: list[Words | None] | None = None

    @property
    def shown(self) -> str | None:
        """The text."""
        property_ = self.displayable_property
        return (
            self.text
            or self.aspect_ratio
            or self.camera
            or self.laboratory
            or self.negative_format
            or self.printed_format
            or self.process
            or (property_.value.text if property_ else None)
        )


class SpecificationProperty(Struct, frozen=True):
    """The text as it is shown."""

    value: RichText


class Specifications(Struct, frozen=True):
    """The facts of a category."""

    items: list[Specification] | None = None


class TechnicalSpecifications(Struct, frozen=True, rename="camel"):
    """The categories; title pages have the first three."""

    sound_mixes: Specifications | None = None
    aspect_ratios: Specifications | None = None
    colorations: Specifications | None = None
    cameras: Specifications | UnsetType | None = UNSET
    film_lengths: Specifications | UnsetType | None = UNSET
    laboratories: Specifications | UnsetType | None = UNSET
    negative_formats: Specifications | UnsetType | None = UNSET
    printed_formats: Specifications | UnsetType | None = UNSET
    processes: Specifications | UnsetType | None = UNSET


class TechnicalShape(Struct, frozen=True, rename="camel"):
    """``technicalSpecifications``, everywhere the same."""

    technical_specifications: TechnicalSpecifications | UnsetType | None = UNSET


def _technical(title: TechnicalShape) -> Part | None:
    known = title.technical_specifications
    if known is UNSET:
        return None
    if known is None:
        return NOTHING
    groups: Sequence[tuple[str, Specifications | UnsetType | None]] = (
        ("sound_mix", known.sound_mixes),
        ("aspect_ratio", known.aspect_ratios),
        ("color", known.colorations),
        ("camera", known.cameras),
        ("film_length", known.film_lengths),
        ("laboratory", known.laboratories),
        ("negative_format", known.negative_formats),
        ("printed_format", known.printed_formats),
        ("process", known.processes),
    )
    items = tuple(
        TechnicalSpecification(category=category, text=shown, attributes=texts_of(item.attributes))
        for category, group in groups
        if group
        for item in group.items or ()
        if (shown := item.shown)
    )
    return Part(items, is_whole=known.cameras is not UNSET)


TECHNICAL_SPECIFICATIONS = Reader(TechnicalShape, _technical)


class OtherTitle(Struct, frozen=True, rename="camel"):
    """Another title."""

    id: str
    title_text: Words | None = None
    release_year: facts.YearRange | None = None


class ConnectionCategory(Struct, frozen=True):
    """What two titles have to do with each other; pages have only the text."""

    id: str | None = None
    text: str | None = None


class ConnectionNode(Struct, frozen=True, rename="camel"):
    """A connection."""

    associated_title: OtherTitle
    category: ConnectionCategory
    description: RichText | None = None


class ConnectionsShape(Struct, frozen=True):
    """``connections``; a page has the first."""

    connections: MaybeListed[ConnectionNode] = UNSET


def _connection(node: ConnectionNode) -> Connection:
    other = node.associated_title
    return Connection(
        category=node.category.id or as_word(node.category.text or ""),
        connected_id=title_id(other.id),
        title=other.title_text.text if other.title_text else None,
        year=other.release_year.year if other.release_year else None,
        text=node.description.text if node.description else None,
    )


CONNECTIONS = Reader(ConnectionsShape, lambda title: part_of(title.connections, _connection))


class SimilarShape(Struct, frozen=True, rename="camel"):
    """``moreLikeThisTitles``: a page has twelve."""

    more_like_this_titles: MaybeListed[OtherTitle] = UNSET


def _similar(node: OtherTitle) -> SimilarTitle:
    shown = node.title_text.text if node.title_text else None
    return SimilarTitle(similar_id=title_id(node.id), title=shown or None)


SIMILAR_TITLES = Reader(SimilarShape, lambda title: part_of(title.more_like_this_titles, _similar))


class SeasonValue(Struct, frozen=True):
    """A season: a number as text, or ``unknown``."""

    season: str | None = None


class EpisodeValue(Struct, frozen=True, rename="camel"):
    """An episode's number as text, or ``unknown``."""

    episode_number: str | None = None


class DisplayableNumber(Struct, frozen=True, rename="camel"):
    """Where an episode stands in its series."""

    displayable_season: SeasonValue | None = None
    episode_number: EpisodeValue | None = None


class EpisodeSeries(Struct, frozen=True, rename="camel"):
    """What an episode says of its series."""

    displayable_episode_number: DisplayableNumber | None = None


class EpisodeNode(Struct, frozen=True, rename="camel"):
    """An episode, as a title of its own."""

    id: str
    title_text: Words | None = None
    series: EpisodeSeries | None = None
    release_date: facts.DateParts | None = None
    ratings_summary: facts.RatingsSummary | None = None
    plot: facts.Plot | None = None


class EpisodesList(Struct, frozen=True):
    """The episodes of a series (pages have their number there)."""

    episodes: MaybeListed[EpisodeNode] = UNSET


class EpisodesShape(Struct, frozen=True):
    """``episodes``: null for what is no series."""

    episodes: EpisodesList | UnsetType | None = UNSET


def _episode(node: EpisodeNode) -> Episode:
    place = (node.series and node.series.displayable_episode_number) or DisplayableNumber()
    season, number = place.displayable_season, place.episode_number
    summary = node.ratings_summary or facts.RatingsSummary()
    votes = summary.vote_count or None
    plot = node.plot.plot_text if node.plot else None
    return Episode(
        episode_id=title_id(node.id),
        season=number_or_none(season.season if season else None),
        number=number_or_none(number.episode_number if number else None),
        title=(node.title_text and node.title_text.text) or None,
        air_date=facts.release_date(node.release_date),
        rating=(summary.aggregate_rating or None) if votes else None,
        votes=None if summary.vote_count is UNSET else summary.vote_count,
        plot=(plot and plot.plain_text) or None,
    )


def _episodes(title: EpisodesShape) -> Part | None:
    if title.episodes is UNSET:
        return None
    return NOTHING if title.episodes is None else part_of(title.episodes.episodes, _episode)


EPISODES = Reader(EpisodesShape, _episodes)
