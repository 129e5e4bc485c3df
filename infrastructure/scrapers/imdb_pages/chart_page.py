"""Chart pages ``/chart/<name>/``: the ranks in ``__NEXT_DATA__``, else in JSON-LD, else in the DOM.

The DOM as IMDb serves it has 25 of the rows only, so a list from the markup must be as long as the
page says that the chart is: a part of a chart is never taken for the whole.
"""

import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from domain.chart import Chart, ChartEntry, ChartName
from domain.errors import PageChanged
from domain.identifiers import title_id
from infrastructure.scrapers.imdb_pages import facts
from infrastructure.scrapers.imdb_pages.blocking import refuse_challenge
from infrastructure.scrapers.imdb_pages.identity import (
    address_of,
    chart_of_route,
    states_address,
)
from infrastructure.scrapers.imdb_pages.json_ld import linked_chart
from infrastructure.scrapers.imdb_pages.next_data import (
    NextData,
    decode,
    find_next_data,
    is_json,
    refuse_cut_page,
)
from infrastructure.scrapers.imdb_pages.page import Page


class Node(Struct, frozen=True):
    """A title in a chart."""

    id: str


class Edge(Struct, frozen=True, rename="camel"):
    """A place in a chart."""

    current_rank: int
    node: Node


class ChartTitles(Struct, frozen=True):
    """The places of a chart."""

    edges: list[Edge]


class PageData(Struct, frozen=True, rename="camel"):
    """The data of a chart page."""

    chart_titles: ChartTitles | None = None


class PageProps(Struct, frozen=True, rename="camel"):
    """``pageData`` is absent on every page that is not a chart."""

    page_data: PageData | None = None
    request_context: facts.RequestContext | None = None


DECODER = msgspec.json.Decoder(NextData[PageProps])
"""Decodes a chart page."""

_EDGES = "pageData.chartTitles.edges"
_ROWS = "chart rows"
_TOTALS = (
    re.compile(rb"""data-testid=["']chart-layout-total-items["'][^<>]{0,200}+>\s*+([\d,]{1,12})"""),
    # The layout of 2022.
    re.compile(rb"Showing\s*<span>\s*([\d,]{1,12})\s*</span>\s*Titles"),
)


def read_chart(page: Page, name: ChartName) -> Chart:
    """Read a chart page as `parse_chart` promises."""
    data = find_next_data(page)
    if data is not None:
        decoded = decode(DECODER, data, page)
        _refuse_other_chart(page, name, decoded.page)
        props = decoded.props.page_props
        if props.page_data is not None and props.page_data.chart_titles is not None:
            ranked = [
                (edge.current_rank, edge.node.id) for edge in props.page_data.chart_titles.edges
            ]
            moment = facts.capture_time(page, props.request_context)
            entries = in_rank_order(page.url, _EDGES, ranked)
            return Chart(name, entries, moment)
    if is_json(page.body):
        raise PageChanged(page.url, _EDGES)
    return Chart(name, _entries_from_markup(page, name), page.fetched_at)


_ANY_CHART = re.compile(r"/chart/\[[^/]*\]/?")
"""A route with a parameter instead of a name, as title pages have: it says nothing of the chart."""


def _refuse_other_chart(page: Page, name: ChartName, route: str | None) -> None:
    if route is None or _ANY_CHART.fullmatch(route):
        return
    if chart_of_route(route) != name.value:
        raise PageChanged(page.url, "page", f"is {route[:80]}, not the chart {name.value!r}")


def in_rank_order(
    url: str, field: str, ranked: Sequence[tuple[int, str]]
) -> tuple[ChartEntry, ...]:
    """Put entries in rank order. Raises `PageChanged` unless they are all the ranks from 1 on."""
    if not ranked:
        raise PageChanged(url, field, "the chart is empty")
    in_order = sorted(ranked)
    for expected, (rank, _) in enumerate(in_order, 1):
        if rank != expected:
            raise PageChanged(url, field, f"rank {expected} is missing or stands twice")
    return tuple(ChartEntry(rank, title_id(imdb_id)) for rank, imdb_id in in_order)


def _entries_from_markup(page: Page, name: ChartName) -> tuple[ChartEntry, ...]:
    refuse_challenge(page)
    refuse_cut_page(page)
    if states_address(page) and address_of(page).chart is not name:
        raise PageChanged(page.url, "canonical address", f"is not that of the chart {name.value!r}")
    total = _stated_total(page)
    linked = linked_chart(page)
    if linked is not None:
        ranked = list(enumerate(linked, 1))
        _refuse_part(page, "JSON-LD ItemList", len(ranked), total)
        return in_rank_order(page.url, "JSON-LD ItemList", ranked)
    # BeautifulSoup takes longer to import than a hundred charts to read, and is hardly ever needed.
    from infrastructure.scrapers.imdb_pages.dom_chart import shown_rows

    ranked = shown_rows(page)
    if not ranked:
        raise PageChanged(page.url, _EDGES, "missing, and no chart rows are on the page either")
    if total is None:
        raise PageChanged(
            page.url, _ROWS, f"{len(ranked)} titles, and the page does not say of how many"
        )
    _refuse_part(page, _ROWS, len(ranked), total)
    return in_rank_order(page.url, _ROWS, ranked)


def _stated_total(page: Page) -> int | None:
    """How many titles the page says that the chart has."""
    for pattern in _TOTALS:
        if match := pattern.search(page.body):
            return int(match[1].replace(b",", b"") or 0)
    return None


def _refuse_part(page: Page, field: str, found: int, total: int | None) -> None:
    if total is not None and found != total:
        raise PageChanged(page.url, field, f"has {found} of {total} titles")
