"""All charts: what each source can give of them, where it gets them, and what captures say."""

from typing import get_args

import pytest

from domain.chart import INDIAN_CHARTS, ChartName
from domain.errors import ChartNotFound
from infrastructure.container import charts_of_sources
from infrastructure.scrapers.imdb_graphql import Endpoint, ImdbGraphqlSource
from infrastructure.scrapers.imdb_html import ImdbHtmlSource, ReadInThread
from infrastructure.scrapers.imdb_pages import PageKind, identify, parse_chart
from shared.config import ChartSetting, SourceName
from tests.clients import LOCALE, http_client
from tests.integration import test_captures
from tests.integration.test_captures import capture
from tests.servers import page, serving
from tests.unit.imdb_pages.test_listed_charts import home_page, section_page

INDIA = "chart/indialist_top-rated-indian-movies_2026-02-06_ankit.html"
HOME = "other/home_2026-07-16_priyal.html"


def test_the_setting_knows_every_chart() -> None:
    assert get_args(ChartSetting) == tuple(name.value for name in ChartName)


def test_every_chart_has_a_source_and_every_source_tells_its_charts() -> None:
    given = charts_of_sources()
    assert set(given) == set(get_args(SourceName))
    assert set(given["html"]) == set(given["saved"]) == set(ChartName)
    assert set(given["graphql"]) == set(ChartName) - {ChartName.BOX_OFFICE}


@pytest.mark.parametrize("name", sorted(INDIAN_CHARTS))
def test_the_site_is_asked_for_an_indian_chart_where_it_is(name: ChartName) -> None:
    with serving({f"/india/{name}/": page(section_page(name).encode())}) as server:
        with http_client() as http:
            chart = ImdbHtmlSource(http, ReadInThread(), server.url, LOCALE).chart(name)
    assert (chart.name, len(chart.entries)) == (name, 3)


def test_the_site_is_asked_for_the_box_office_on_its_home_page() -> None:
    with serving({"/": page(home_page().encode())}) as server, http_client() as http:
        chart = ImdbHtmlSource(http, ReadInThread(), server.url, LOCALE).chart(ChartName.BOX_OFFICE)
    assert [entry.title_id for entry in chart.entries] == ["tt7654321"]


def test_the_api_is_not_asked_for_a_chart_that_it_does_not_have() -> None:
    with serving({}) as server, http_client() as http:
        endpoint = Endpoint(url=server.url, client_name="x", language="en-US", country="US")
        source = ImdbGraphqlSource(http, endpoint, 50, print)
        with pytest.raises(ChartNotFound, match="the API has no such chart"):
            source.chart(ChartName.BOX_OFFICE)
        assert not server.requests


@test_captures.pytestmark
def test_the_captured_list_of_indian_films_is_a_chart() -> None:
    found = capture(INDIA)
    identity = identify(found)
    assert (identity.kind, identity.chart) == (PageKind.CHART, ChartName.TOP_INDIAN)
    chart = parse_chart(found, ChartName.TOP_INDIAN)
    assert len(chart.entries) == 250
    assert [entry.title_id for entry in chart.entries][:101:100] == ["tt23849204", "tt26458038"]


@test_captures.pytestmark
def test_the_captured_home_page_has_the_box_office() -> None:
    found = capture(HOME)
    assert identify(found).chart is ChartName.BOX_OFFICE
    chart = parse_chart(found, ChartName.BOX_OFFICE)
    assert [entry.rank for entry in chart.entries] == [1, 2, 3, 4, 5, 6]
    assert chart.entries[2].title_id == "tt29355505"


@test_captures.pytestmark
def test_the_captured_advanced_search_is_known_as_one() -> None:
    name = "search/advsearch_user-rating-7-8_2025-06-16_sxh7.html"
    assert identify(capture(name)).kind is PageKind.SEARCH
