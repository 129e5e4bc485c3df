"""Charts that have no chart page of the usual kind: the Indian ones, and the box office."""

from datetime import datetime

import msgspec
from msgspec import Struct

from domain.chart import Chart, ChartEntry, ChartName
from domain.errors import PageChanged
from infrastructure.scrapers.imdb_pages import facts
from infrastructure.scrapers.imdb_pages.home_page import read_box_office
from infrastructure.scrapers.imdb_pages.identity import address_of, states_address
from infrastructure.scrapers.imdb_pages.next_data import NextData, decode, find_next_data
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.ranked_list_page import read_ranked_list


class PageProps(Struct, frozen=True, rename="camel"):
    """When the page was made."""

    request_context: facts.RequestContext | None = None


_DECODER = msgspec.json.Decoder(NextData[PageProps])


def read_listed_chart(page: Page, name: ChartName) -> Chart:
    """Read the box office from the home page, or an Indian chart; raises as this package says."""
    if name is ChartName.BOX_OFFICE:
        titles = [(title.rank, title.imdb_id) for title in read_box_office(page).titles]
        if not titles:
            raise PageChanged(page.url, "boxOfficeWeekendChart", "the chart is empty")
    else:
        if states_address(page) and address_of(page).chart is not name:
            detail = f"is not that of the chart {name.value!r}"
            raise PageChanged(page.url, "canonical address", detail)
        titles = [(title.rank, title.imdb_id) for title in read_ranked_list(page)]
    entries = tuple(ChartEntry(rank, imdb_id) for rank, imdb_id in titles)
    return Chart(name, entries, _moment(page))


def _moment(page: Page) -> datetime:
    data = find_next_data(page) if page.page_clock else None
    if data is None:
        return page.fetched_at
    return facts.capture_time(page, decode(_DECODER, data, page).props.page_props.request_context)
