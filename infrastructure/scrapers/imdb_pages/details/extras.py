"""What else IMDb has about a title: other versions, questions, finer genres, videos, news."""

from msgspec import UNSET, Struct

from domain.details.items import (
    AlternateVersion,
    CrazyCredit,
    Faq,
    Interest,
    NewsArticle,
    Video,
)
from infrastructure.scrapers.imdb_pages.details.figures import Localized
from infrastructure.scrapers.imdb_pages.details.shapes import (
    MaybeListed,
    Reader,
    RichText,
    Words,
    part_of,
)
from infrastructure.scrapers.imdb_pages.details.words import Interest as Votes
from infrastructure.scrapers.imdb_pages.details.words import TextNode, day_of


class VersionsShape(Struct, frozen=True, rename="camel"):
    """``alternateVersions``; one without a text is left out."""

    alternate_versions: MaybeListed[TextNode] = UNSET


def _version(node: TextNode) -> AlternateVersion | None:
    return AlternateVersion(text=node.text.text) if node.text.text else None


ALTERNATE_VERSIONS = Reader(
    VersionsShape, lambda title: part_of(title.alternate_versions, _version)
)


class CrazyCreditsShape(Struct, frozen=True, rename="camel"):
    """``crazyCredits``; one without a text is left out."""

    crazy_credits: MaybeListed[TextNode] = UNSET


def _crazy_credit(node: TextNode) -> CrazyCredit | None:
    votes = node.interest_score or Votes()
    if not node.text.text:
        return None
    return CrazyCredit(
        text=node.text.text,
        users_interested=votes.users_interested,
        users_voted=votes.users_voted,
    )


CRAZY_CREDITS = Reader(CrazyCreditsShape, lambda title: part_of(title.crazy_credits, _crazy_credit))


class FaqNode(Struct, frozen=True, rename="camel"):
    """A question, and its answer if anybody has given one."""

    question: RichText
    answer: RichText | None = None
    is_spoiler: bool | None = None


class FaqsShape(Struct, frozen=True):
    """``faqs``."""

    faqs: MaybeListed[FaqNode] = UNSET


def _faq(node: FaqNode) -> Faq:
    return Faq(
        question=node.question.text or "",
        answer=node.answer.text if node.answer else None,
        is_spoiler=node.is_spoiler,
    )


FAQS = Reader(FaqsShape, lambda title: part_of(title.faqs, _faq))


class InterestNode(Struct, frozen=True, rename="camel"):
    """A finer genre; one without a name is left out."""

    id: str
    primary_text: Words | None = None


class InterestsShape(Struct, frozen=True):
    """``interests``."""

    interests: MaybeListed[InterestNode] = UNSET


def _interest(node: InterestNode) -> Interest | None:
    if node.primary_text is None or not node.primary_text.text:
        return None
    return Interest(interest_id=node.id, name=node.primary_text.text)


INTERESTS = Reader(InterestsShape, lambda title: part_of(title.interests, _interest))


class ContentType(Struct, frozen=True, rename="camel"):
    """What sort of video it is."""

    display_name: Localized | None = None


class VideoRuntime(Struct, frozen=True):
    """How long it takes; the API knows no other unit than seconds."""

    value: int | None = None


class VideoNode(Struct, frozen=True, rename="camel"):
    """A video; one without a name is left out."""

    id: str
    name: Localized | None = None
    content_type: ContentType | None = None
    runtime: VideoRuntime | None = None
    created_date: str | None = None


class VideosShape(Struct, frozen=True, rename="camel"):
    """``videoStrip``."""

    video_strip: MaybeListed[VideoNode] = UNSET


def _video(node: VideoNode) -> Video | None:
    if node.name is None or not node.name.value:
        return None
    kind = node.content_type.display_name if node.content_type else None
    return Video(
        video_id=node.id,
        name=node.name.value,
        kind=(kind and kind.value) or None,
        seconds=node.runtime.value if node.runtime else None,
        date=day_of((node.created_date or "")[:10]),
    )


VIDEOS = Reader(VideosShape, lambda title: part_of(title.video_strip, _video))


class NewsSource(Struct, frozen=True):
    """Who has the article."""

    description: str | None = None


class NewsNode(Struct, frozen=True, rename="camel"):
    """A headline."""

    id: str
    article_title: RichText
    date: str | None = None
    source: NewsSource | None = None
    external_url: str | None = None


class NewsShape(Struct, frozen=True):
    """``news``: the newest."""

    news: MaybeListed[NewsNode] = UNSET


def _article(node: NewsNode) -> NewsArticle:
    return NewsArticle(
        news_id=node.id,
        headline=node.article_title.text or "",
        date=day_of((node.date or "")[:10]),
        publisher=(node.source and node.source.description) or None,
        url=node.external_url or None,
    )


NEWS = Reader(NewsShape, lambda title: part_of(title.news, _article))
