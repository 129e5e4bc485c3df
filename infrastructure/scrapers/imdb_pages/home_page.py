"""The home page: of what changes every hour we read the box office of the last weekend."""

import re
from datetime import date

import msgspec
from msgspec import Struct

from domain.errors import PageChanged
from domain.identifiers import title_id
from domain.lists import BoxOfficeWeekend, WeekendGross
from infrastructure.scrapers.imdb_pages.facts import TitleText
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.props import page_props

_ROUTES = re.compile(r"/")
_CHART = "pageQueryData.data.boxOfficeWeekendChart"


class Money(Struct, frozen=True):
    """A sum in whole units of a currency (ISO 4217)."""

    amount: int
    currency: str


class Gross(Struct, frozen=True):
    """What was taken."""

    total: Money


class BoxOfficeTitle(Struct, frozen=True, rename="camel"):
    """A title in cinemas."""

    id: str
    title_text: TitleText
    lifetime_gross: Gross | None = None


class BoxOfficeEntry(Struct, frozen=True, rename="camel"):
    """A place in the list."""

    title: BoxOfficeTitle
    weekend_gross: Gross


class BoxOfficeChart(Struct, frozen=True, rename="camel"):
    """The titles of a weekend, the highest takings first."""

    weekend_start_date: str
    weekend_end_date: str
    entries: list[BoxOfficeEntry]


class Data(Struct, frozen=True, rename="camel"):
    """The answer that the page was made from."""

    box_office_weekend_chart: BoxOfficeChart | None = None


class QueryData(Struct, frozen=True):
    """What the page shows."""

    data: Data


class HomeProps(Struct, frozen=True, rename="camel"):
    """The data of the page."""

    page_query_data: QueryData


_DECODER = msgspec.json.Decoder(NextData[HomeProps])


def read_box_office(page: Page) -> BoxOfficeWeekend:
    """Read the box office; raises as this package says."""
    chart = page_props(page, _DECODER, _ROUTES).page_query_data.data.box_office_weekend_chart
    if chart is None:
        raise PageChanged(page.url, _CHART)
    return BoxOfficeWeekend(
        first_day=_day(page, "weekendStartDate", chart.weekend_start_date),
        last_day=_day(page, "weekendEndDate", chart.weekend_end_date),
        titles=tuple(_gross(rank, entry) for rank, entry in enumerate(chart.entries, 1)),
    )


def _gross(rank: int, entry: BoxOfficeEntry) -> WeekendGross:
    weekend, lifetime = entry.weekend_gross.total, entry.title.lifetime_gross
    return WeekendGross(
        rank=rank,
        imdb_id=title_id(entry.title.id),
        title=entry.title.title_text.text,
        weekend_amount=weekend.amount,
        weekend_currency=weekend.currency,
        lifetime_amount=lifetime.total.amount if lifetime else None,
        lifetime_currency=lifetime.total.currency if lifetime else None,
    )


def _day(page: Page, name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PageChanged(page.url, f"{_CHART}.{name}", f"is no date: {text[:40]!r}") from error
