"""A chart in answers of the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import Struct

from domain.chart import Chart, ChartName
from domain.errors import ChartNotFound, PageChanged
from infrastructure.scrapers.imdb_graphql.connection import PageInfo
from infrastructure.scrapers.imdb_graphql.replies import Reply, failure
from infrastructure.scrapers.imdb_pages import chart_page
from infrastructure.scrapers.imdb_pages.next_data import decode

_FIELD = "chartTitles"


class ChartTitles(chart_page.ChartTitles, frozen=True, rename="camel"):
    """Some of the ``total`` places of a chart."""

    total: int
    page_info: PageInfo


class ChartData(Struct, frozen=True, rename="camel"):
    """``chart_titles`` is null when there is no such chart."""

    chart_titles: ChartTitles | None = None


_DATA = msgspec.json.Decoder(ChartData | None)


@dataclass(frozen=True, slots=True)
class ChartPart:
    """A part of a chart, and when and where it was had."""

    titles: ChartTitles
    url: str
    fetched_at: datetime

    def next_after(self, parts: Sequence["ChartPart"]) -> str | None:
        """What to name to get the part after this one, the last of ``parts``; ``None`` at the end.

        Raises `PageChanged` when going on would never end.
        """
        info = self.titles.page_info
        if not info.has_next_page:
            return None
        known = {part.titles.page_info.end_cursor for part in parts[:-1]}
        if not self.titles.edges or info.end_cursor is None or info.end_cursor in known:
            raise PageChanged(self.url, f"{_FIELD}.pageInfo", "promises more and does not lead on")
        return info.end_cursor


def read_part(name: ChartName, reply: Reply) -> ChartPart:
    """Read one answer; raises the `failure` of its first error, `ChartNotFound`, `PageChanged`."""
    for error in reply.errors:
        raise failure(reply, error)
    data = decode(_DATA, reply.data, reply.page, where=_FIELD)
    if data is None or data.chart_titles is None:
        raise ChartNotFound(name, reply.page.url)
    return ChartPart(data.chart_titles, reply.page.url, reply.page.fetched_at)


def join_parts(name: ChartName, parts: Sequence[ChartPart]) -> Chart:
    """The whole chart, as it stood when its first part was had.

    Raises `PageChanged` unless all places of it are there, each once.
    """
    first = parts[0]
    ranked = [(edge.current_rank, edge.node.id) for part in parts for edge in part.titles.edges]
    if len(ranked) != first.titles.total:
        found = f"has {len(ranked)} of {first.titles.total} titles"
        raise PageChanged(first.url, f"{_FIELD}.edges", found)
    entries = chart_page.in_rank_order(first.url, f"{_FIELD}.edges", ranked)
    return Chart(name, entries, first.fetched_at)
