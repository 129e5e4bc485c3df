"""Tells what a page is from its route or its canonical address, without reading its facts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from msgspec import Struct

from domain.chart import ChartName
from domain.errors import InvalidTitle, PageChanged
from domain.identifiers import NameId, TitleId, name_id, title_id
from infrastructure.scrapers.imdb_pages import reference_page, title_page
from infrastructure.scrapers.imdb_pages.blocking import refuse_challenge
from infrastructure.scrapers.imdb_pages.next_data import NextData, decode, find_next_data
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.texts import unescaped


class PageKind(StrEnum):
    """The pages that this package tells apart."""

    TITLE = "title"
    REFERENCE = "reference"
    CHART = "chart"
    PERSON = "person"
    SEARCH = "search"
    LIST = "list"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageIdentity:
    """What a page is about: a title, a person, a chart, or (``other``) nothing that we read.

    A page of the advanced search or of somebody's list is about many titles, and has no id here.
    """

    kind: PageKind
    title_id: TitleId | None = None
    chart: ChartName | None = None
    person_id: NameId | None = None


OTHER = PageIdentity(kind=PageKind.OTHER)

PERSON_ROUTE = "/name/[nmconst]"
SEARCH_ROUTES = re.compile(r"/search/(\[tab\]|title)/?")
LIST_ROUTES = re.compile(r"/list/\[[a-z]+\]/?")

_TITLE_ROUTES = {title_page.ROUTE: PageKind.TITLE, reference_page.ROUTE: PageKind.REFERENCE}
_CHART_ROUTE = re.compile(r"/chart/(?P<chart>[a-z-]+)/?")
_HOME_ROUTE = "/"
_SECTION_ROUTE = "/special-sections/[section]/[subSection]"
# In two steps: in one, a tag that is never closed would be searched again from each of its parts.
_TAG = re.compile(rb"<(?:link|meta)\b[^<>]{0,2000}>", re.IGNORECASE)
_STATES_ADDRESS = re.compile(
    rb"""<link\b.*\brel=["']?canonical\b|<meta\b.*["']og:url["']""", re.IGNORECASE | re.DOTALL
)
_ADDRESS = re.compile(rb"""\b(?:href|content)=["'](?P<url>https?://[^"']+)["']""", re.IGNORECASE)
_IMDB_PAGE = re.compile(
    r"https?://(?:[a-z0-9-]+\.)*imdb\.com(?:/[a-z]{2}(?:-[a-z]{2})?)?/"
    r"(?:title/(?P<title>tt[0-9]{7,15})(?P<reference>/reference)?|(?:chart|india)/(?P<chart>[a-z-]+)"
    r"|name/(?P<name>nm[0-9]{7,15}))"
    r"/?(?:[?#].*)?",
    re.IGNORECASE,
)


class _Subject(Struct, frozen=True):
    id: str | None = None


class _PageProps(Struct, frozen=True, rename="camel"):
    tconst: str | None = None
    nmconst: str | None = None
    above_the_fold_data: _Subject | None = None
    above_the_fold: _Subject | None = None


_DECODER = msgspec.json.Decoder(NextData[_PageProps])


def identify(page: Page) -> PageIdentity:
    """Tell what a page is, without reading its facts: cheap, to index a folder of saved pages.

    A damaged page is known by its canonical address, if that is left. Raises `SourceBlocked` for
    a challenge page; everything that we do not know is `PageKind.OTHER`.
    """
    refuse_challenge(page)
    try:
        data = find_next_data(page)
        found = decode(_DECODER, data, page) if data is not None else None
    except PageChanged:
        found = None
    if found is None or found.page == _SECTION_ROUTE:
        return address_of(page)
    if found.page is None:
        return _without_route(page, found)
    return _by_route(found.page, found)


def _by_route(route: str, found: NextData[_PageProps]) -> PageIdentity:
    if route.rstrip("/") == PERSON_ROUTE:
        return PageIdentity(kind=PageKind.PERSON, person_id=_person_of(found))
    if kind := _TITLE_ROUTES.get(route.rstrip("/")):
        return PageIdentity(kind=kind, title_id=_title_of(found))
    for routes, kind in ((SEARCH_ROUTES, PageKind.SEARCH), (LIST_ROUTES, PageKind.LIST)):
        if routes.fullmatch(route):
            return PageIdentity(kind=kind)
    return _chart_identity(chart_of_route(route))


def _without_route(page: Page, found: NextData[_PageProps]) -> PageIdentity:
    if found.props.page_props.above_the_fold_data is not None:
        return PageIdentity(kind=PageKind.TITLE, title_id=_title_of(found))
    if found.props.page_props.above_the_fold is not None:
        return PageIdentity(kind=PageKind.PERSON, person_id=_person_of(found))
    return address_of(page)


def chart_of_route(route: str) -> str | None:
    """The last part of a chart's route, also of charts that we do not know.

    The home page has the box office.
    """
    if route == _HOME_ROUTE:
        return ChartName.BOX_OFFICE.value
    match = _CHART_ROUTE.fullmatch(route)
    return match["chart"] if match else None


def address_of(page: Page) -> PageIdentity:
    """What a page is by the canonical address (or ``og:url``) that its HTML states."""
    for address in _addresses(page):
        url = unescaped(address["url"].decode("utf-8", "replace"))
        match = _IMDB_PAGE.fullmatch(url)
        if match is None:
            return OTHER
        if match["chart"]:
            return _chart_identity(match["chart"].lower())
        if match["name"]:
            return PageIdentity(kind=PageKind.PERSON, person_id=NameId(match["name"].lower()))
        kind = PageKind.REFERENCE if match["reference"] else PageKind.TITLE
        return PageIdentity(kind=kind, title_id=TitleId(match["title"].lower()))
    return OTHER


def states_address(page: Page) -> bool:
    """Tell whether the HTML says at all which page it is."""
    return any(True for _ in _addresses(page))


def _addresses(page: Page) -> Iterator[re.Match[bytes]]:
    for tag in _TAG.finditer(page.body):
        if _STATES_ADDRESS.match(tag[0]) and (address := _ADDRESS.search(tag[0])):
            yield address


def _chart_identity(name: str | None) -> PageIdentity:
    if name is None or name not in {chart.value for chart in ChartName}:
        return OTHER
    return PageIdentity(kind=PageKind.CHART, chart=ChartName(name))


def _title_of(found: NextData[_PageProps]) -> TitleId | None:
    """The first of the places that state the title's id; not every page has each of them."""
    props = found.props.page_props
    subject = props.above_the_fold_data
    for candidate in (
        subject.id if subject else None,
        props.tconst,
        found.query.tconst if found.query else None,
    ):
        try:
            return title_id(candidate)
        except InvalidTitle:
            continue
    return None


def _person_of(found: NextData[_PageProps]) -> NameId | None:
    props = found.props.page_props
    for candidate in (
        props.above_the_fold.id if props.above_the_fold else None,
        props.nmconst,
        found.query.nmconst if found.query else None,
    ):
        try:
            return name_id(candidate)
        except InvalidTitle:
            continue
    return None
