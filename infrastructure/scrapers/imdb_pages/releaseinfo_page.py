"""``/title/ttN/releaseinfo/``: release dates and alternative titles, five of each as served."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import Struct

from domain.details.items import AlternativeTitle, CountryReleaseDate
from domain.errors import PageChanged
from domain.identifiers import TitleId, title_id
from domain.release_date import ReleaseDate
from infrastructure.scrapers.imdb_pages.akas import AkaNode, Coded, alternative_title
from infrastructure.scrapers.imdb_pages.facts import OptionalText, PlainText
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.props import page_props

_FORMS = ("%B %d %Y", "%d %B %Y", "%B %Y", "%Y")
_ROUTES = re.compile(r"/title/\[tconst\]/releaseinfo/?")


class Remark(Struct, frozen=True):
    """Where or how a title came out."""

    text: str


class Property(Struct, frozen=True):
    """A date as the page shows it."""

    value: PlainText


class ReleaseNode(Struct, frozen=True, rename="camel"):
    """A release."""

    displayable_property: Property
    country: Coded | None = None
    attributes: list[Remark] | None = None


class ReleaseEdge(Struct, frozen=True):
    """A release in the list."""

    node: ReleaseNode


class AkaEdge(Struct, frozen=True):
    """An alternative title in the list."""

    node: AkaNode


class Releases(Struct, frozen=True):
    """Some of the ``total`` releases."""

    total: int
    edges: list[ReleaseEdge]


class Akas(Struct, frozen=True):
    """Some of the ``total`` alternative titles."""

    total: int
    edges: list[AkaEdge]


class TitleNode(Struct, frozen=True, rename="camel"):
    """The title."""

    id: str
    release_dates: Releases
    akas: Akas
    original_title_text: OptionalText | None = None


class Data(Struct, frozen=True):
    """The answer that the page was made from."""

    title: TitleNode


class Content(Struct, frozen=True):
    """What the page shows."""

    data: Data


class ReleaseInfoProps(Struct, frozen=True, rename="camel"):
    """The data of the page."""

    content_data: Content


_DECODER = msgspec.json.Decoder(NextData[ReleaseInfoProps])


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInfo:
    """Release dates and alternative titles of a title, and whether they are all there are.

    The first of ``akas`` is the original title.
    """

    title_id: TitleId
    release_dates: tuple[CountryReleaseDate, ...]
    has_all_release_dates: bool
    akas: tuple[AlternativeTitle, ...]
    has_all_akas: bool


def read_release_info(page: Page) -> ReleaseInfo:
    """Read the page; raises as this package says, also for dates that are not in English."""
    title = page_props(page, _DECODER, _ROUTES).content_data.data.title
    releases, akas = title.release_dates, title.akas
    return ReleaseInfo(
        title_id=title_id(title.id),
        release_dates=tuple(_releases(page, (edge.node for edge in releases.edges))),
        has_all_release_dates=len(releases.edges) >= releases.total,
        akas=(*_original(title), *(alternative_title(edge.node) for edge in akas.edges)),
        has_all_akas=len(akas.edges) >= akas.total,
    )


def _original(title: TitleNode) -> Iterator[AlternativeTitle]:
    """The original title, which the page shows as a row of its own and does not count."""
    if title.original_title_text and title.original_title_text.text:
        text = title.original_title_text.text
        yield AlternativeTitle(title=text, types=("original",), is_original=True)


def _releases(page: Page, nodes: Iterable[ReleaseNode]) -> Iterator[CountryReleaseDate]:
    for number, node in enumerate(nodes):
        where = f"releaseDates.edges[{number}].node"
        if node.country is None:
            raise PageChanged(page.url, f"{where}.country")
        yield CountryReleaseDate(
            country=node.country.id,
            date=_date(page, where, node.displayable_property.value.plain_text or ""),
            attributes=tuple(remark.text for remark in node.attributes or ()),
        )


def _date(page: Page, where: str, text: str) -> ReleaseDate:
    """Read a date in English, with the month before the day or after it, as far as it is known."""
    words = text.replace(",", " ").split()
    for form in _FORMS:
        try:
            read = datetime.strptime(" ".join(words), form)  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        return ReleaseDate(
            year=read.year,
            month=read.month if "%B" in form else None,
            day=read.day if "%d" in form else None,
        )
    raise PageChanged(
        page.url, f"{where}.displayableProperty", f"is no English date: {text[:40]!r}"
    )
