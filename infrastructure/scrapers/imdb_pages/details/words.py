"""What people have written about a title: keywords, plots, trivia, reviews, and the like."""

from collections.abc import Iterator
from datetime import date

from msgspec import UNSET, Struct, UnsetType

from domain.details.items import (
    Goof,
    Keyword,
    ParentsGuideItem,
    Plot,
    Quote,
    Review,
    Soundtrack,
    Tagline,
    Trivia,
)
from domain.release_date import ReleaseDate
from infrastructure.scrapers.imdb_pages.details.shapes import (
    Coded,
    Counted,
    Listed,
    MaybeListed,
    Part,
    Reader,
    RichText,
    Words,
    as_word,
    part_of,
)


class Interest(Struct, frozen=True, rename="camel"):
    """How many of those who voted find something interesting."""

    users_interested: int | None = None
    users_voted: int | None = None


class KeywordText(Struct, frozen=True):
    """A keyword of the API."""

    text: Words


class KeywordNode(Struct, frozen=True, rename="camel"):
    """A keyword: pages have just its text."""

    keyword: KeywordText | None = None
    text: str | None = None
    interest_score: Interest | None = None


class KeywordsShape(Struct, frozen=True, rename="camel"):
    """``keywords``; on reference pages the first few are ``storylineKeywords``."""

    keywords: MaybeListed[KeywordNode] = UNSET
    storyline_keywords: MaybeListed[KeywordNode] = UNSET


def _keyword(node: KeywordNode) -> Keyword:
    interest = node.interest_score or Interest()
    return Keyword(
        keyword=node.keyword.text.text if node.keyword else node.text or "",
        users_interested=interest.users_interested,
        users_voted=interest.users_voted,
    )


def _keywords(title: KeywordsShape) -> Part | None:
    listed = title.keywords if title.keywords is not UNSET else title.storyline_keywords
    return part_of(listed, _keyword)


KEYWORDS = Reader(KeywordsShape, _keywords)


class TaglinesShape(Struct, frozen=True):
    """``taglines`` of the API and of reference pages."""

    taglines: MaybeListed[Words] = UNSET


TAGLINES = Reader(
    TaglinesShape, lambda title: part_of(title.taglines, lambda node: Tagline(text=node.text))
)


class TextNode(Struct, frozen=True, rename="camel"):
    """A goof or a piece of trivia; pages have only the text."""

    text: RichText
    category: Coded | None = None
    interest_score: Interest | None = None
    is_spoiler: bool | None = None


class TriviaShape(Struct, frozen=True, rename="camel"):
    """``trivia``; a page has the first, and how many there are beside it."""

    trivia: MaybeListed[TextNode] = UNSET
    trivia_total: Counted | None = None


def _trivium(node: TextNode) -> Trivia:
    interest = node.interest_score or Interest()
    return Trivia(
        text=node.text.text or "",
        category=node.category.id if node.category else None,
        users_interested=interest.users_interested,
        users_voted=interest.users_voted,
        is_spoiler=node.is_spoiler,
    )


TRIVIA = Reader(
    TriviaShape, lambda title: _with_total(part_of(title.trivia, _trivium), title.trivia_total)
)


class GoofsShape(Struct, frozen=True, rename="camel"):
    """``goofs``, as ``trivia``."""

    goofs: MaybeListed[TextNode] = UNSET
    goofs_total: Counted | None = None


def _goof(node: TextNode) -> Goof:
    # Pages do not say of which category it is.
    category = node.category.id if node.category else "unknown"
    return Goof(category=category, text=node.text.text or "", is_spoiler=node.is_spoiler)


GOOFS = Reader(
    GoofsShape, lambda title: _with_total(part_of(title.goofs, _goof), title.goofs_total)
)


class Speaker(Struct, frozen=True):
    """Who says a line."""

    character: str | None = None


class Line(Struct, frozen=True, rename="camel"):
    """A line, or what is done."""

    characters: list[Speaker] | None = None
    stage_direction: str | None = None
    text: str | None = None


class QuoteNode(Struct, frozen=True, rename="camel"):
    """A few lines."""

    lines: list[Line]
    is_spoiler: bool | None = None


class QuotesShape(Struct, frozen=True, rename="camel"):
    """``quotes``, as ``trivia``."""

    quotes: MaybeListed[QuoteNode] = UNSET
    quotes_total: Counted | None = None


def _quote(node: QuoteNode) -> Quote:
    lines = tuple(_line(line) for line in node.lines)
    return Quote(lines=tuple(line for line in lines if line), is_spoiler=node.is_spoiler)


def _line(line: Line) -> str:
    speakers = ", ".join(who.character for who in line.characters or () if who.character)
    direction = f"[{line.stage_direction}]" if line.stage_direction else ""
    said = " ".join(part for part in (direction, line.text) if part)
    return f"{speakers}: {said}" if speakers and said else said


QUOTES = Reader(
    QuotesShape, lambda title: _with_total(part_of(title.quotes, _quote), title.quotes_total)
)


class TrackNode(Struct, frozen=True):
    """A piece of music; one without a title is left out."""

    text: str | None = None
    comments: list[RichText | None] | None = None


class SoundtrackShape(Struct, frozen=True):
    """``soundtrack``; a page has the first."""

    soundtrack: MaybeListed[TrackNode] = UNSET


def _track(node: TrackNode) -> Soundtrack | None:
    comments = (comment.text for comment in node.comments or () if comment is not None)
    found = tuple(comment for comment in comments if comment)
    return Soundtrack(title=node.text, comments=found) if node.text else None


SOUNDTRACK = Reader(SoundtrackShape, lambda title: part_of(title.soundtrack, _track))


class PlotNode(Struct, frozen=True, rename="camel"):
    """A plot; its type is absent where one type was asked for."""

    plot_text: RichText | None = None
    plot_type: str | None = None
    author: str | None = None
    is_spoiler: bool | None = None


class PlotsShape(Struct, frozen=True):
    """``plots`` of the API; a reference page has the first of each type."""

    plots: MaybeListed[PlotNode] = UNSET
    outlines: MaybeListed[PlotNode] = UNSET
    summaries: MaybeListed[PlotNode] = UNSET
    synopses: MaybeListed[PlotNode] = UNSET


def _plot(node: PlotNode, kind: str) -> Plot | None:
    text = node.plot_text.text if node.plot_text else None
    if not text:
        return None
    return Plot(
        kind=(node.plot_type or kind).lower(),
        text=text,
        author=node.author or None,
        is_spoiler=node.is_spoiler,
    )


def _plots(title: PlotsShape) -> Part | None:
    if title.plots is not UNSET:
        return part_of(title.plots, lambda node: _plot(node, "summary"))
    shown = (
        ("outline", title.outlines),
        ("summary", title.summaries),
        ("synopsis", title.synopses),
    )
    parts = [part for kind, listed in shown if (part := _plots_of(kind, listed)) is not None]
    if not parts:
        return None
    items = tuple(item for part in parts for item in part.items)
    return Part(items, is_whole=not items)


def _plots_of(kind: str, listed: Listed[PlotNode] | UnsetType | None) -> Part | None:
    return part_of(listed, lambda node: _plot(node, kind))


PLOTS = Reader(PlotsShape, _plots)


class ReviewAuthor(Struct, frozen=True, rename="camel"):
    """Who wrote it: pages of 2022 have the name under the other key."""

    username: Words | None = None
    nick_name: str | None = None


class ReviewSummary(Struct, frozen=True, rename="camel"):
    """The heading of a review."""

    original_text: str | None = None


class ReviewText(Struct, frozen=True, rename="camel"):
    """The review."""

    original_text: RichText | None = None


class Helpfulness(Struct, frozen=True, rename="camel"):
    """How many find it helpful, or not."""

    up_votes: int | None = None
    down_votes: int | None = None


class ReviewNode(Struct, frozen=True, rename="camel"):
    """A user's review."""

    id: str
    author: ReviewAuthor | None = None
    author_rating: int | None = None
    submission_date: str | None = None
    summary: ReviewSummary | None = None
    text: ReviewText | None = None
    helpfulness: Helpfulness | None = None
    spoiler: bool | None = None


class ReviewsShape(Struct, frozen=True, rename="camel"):
    """``reviews`` of the API; pages have their number there, and show a few featured ones."""

    reviews: MaybeListed[ReviewNode] = UNSET
    featured_reviews: MaybeListed[ReviewNode] = UNSET


def _review(node: ReviewNode) -> Review:
    author, helpful = node.author or ReviewAuthor(), node.helpfulness or Helpfulness()
    written = node.text.original_text if node.text else None
    return Review(
        review_id=node.id,
        author=(author.username.text if author.username else author.nick_name) or None,
        rating=node.author_rating,
        date=day_of(node.submission_date),
        summary=(node.summary and node.summary.original_text) or None,
        text=written.text if written else None,
        helpful_votes=helpful.up_votes,
        unhelpful_votes=helpful.down_votes,
        is_spoiler=node.spoiler,
    )


def day_of(text: str | None) -> ReleaseDate | None:
    """A day as JSON has it, ``2019-04-28``; `ValueError` never: what is none is unknown."""
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return ReleaseDate(year=found.year, month=found.month, day=found.day)


def _reviews(title: ReviewsShape) -> Part | None:
    if title.featured_reviews is UNSET:
        return part_of(title.reviews, _review)
    total = title.reviews.total if isinstance(title.reviews, Listed) else None
    counted = None if total is None else Counted(total)
    return _with_total(part_of(title.featured_reviews, _review), counted)


REVIEWS = Reader(ReviewsShape, _reviews)


class GuideNode(Struct, frozen=True, rename="camel"):
    """A remark."""

    text: RichText
    is_spoiler: bool | None = None


class GuideCategory(Struct, frozen=True, rename="camel"):
    """How severe a category is, and remarks on it."""

    category: Coded
    severity: Words | None = None
    guide_items: Listed[GuideNode] | None = None


class Guide(Struct, frozen=True):
    """All categories."""

    categories: list[GuideCategory] | None = None


class ParentsGuideShape(Struct, frozen=True, rename="camel"):
    """``parentsGuide`` of the API."""

    parents_guide: Guide | UnsetType | None = UNSET


def _parents_guide(title: ParentsGuideShape) -> Part | None:
    if title.parents_guide is UNSET:
        return None
    categories = (title.parents_guide.categories if title.parents_guide else None) or ()
    listed = [category.guide_items for category in categories if category.guide_items]
    return Part(
        tuple(item for category in categories for item in _guide_items(category)),
        is_whole=all(part.total is None or part.total <= len(part.nodes) for part in listed),
    )


def _guide_items(category: GuideCategory) -> Iterator[ParentsGuideItem]:
    name = as_word(category.category.id)
    if category.severity is not None:
        yield ParentsGuideItem(category=name, severity=category.severity.text)
    for node in category.guide_items.nodes if category.guide_items else ():
        yield ParentsGuideItem(category=name, text=node.text.text, is_spoiler=node.is_spoiler)


PARENTS_GUIDE = Reader(ParentsGuideShape, _parents_guide)


def _with_total(part: Part | None, total: Counted | None) -> Part | None:
    """A part of a list whose number stands elsewhere."""
    if part is None or total is None:
        return part
    return Part(part.items, len(part.items) >= total.total, part.next_cursor)
