"""The Indian charts, which are ranked lists, and the box office, which is on the home page."""

from datetime import UTC, datetime

import pytest

from domain.chart import INDIAN_CHARTS, ChartEntry, ChartName
from domain.errors import PageChanged, SourceBlocked
from infrastructure.scrapers.imdb_pages import PageKind, identify, parse_chart
from tests.unit.imdb_pages import pages
from tests.unit.imdb_pages.test_identity_and_blocks import CHALLENGE
from tests.unit.imdb_pages.test_lists import HOME, ROW

ROWS = "".join(ROW.format(rank=rank, title="T", id=f"tt000000{rank}") for rank in (1, 2, 3))
WIDGET = f'<section data-testid="symphony-IMDbChartWidget"><ul>{ROWS}</ul></section>'
SECTION = "/special-sections/[section]/[subSection]"
MADE_AT = {"requestContext": {"timestamp": "2026-02-06T07:52:49.184Z"}}


def section_page(name: str, widget: str = WIDGET) -> str:
    data = pages.next_data(MADE_AT, SECTION)
    return pages.html_page(data, head=pages.canonical(f"/india/{name}/"), body=widget)


def home_page() -> str:
    return pages.html_page(pages.next_data(HOME | MADE_AT, "/"), head=pages.canonical("/"))


@pytest.mark.parametrize("name", sorted(INDIAN_CHARTS))
def test_an_indian_chart(name: ChartName) -> None:
    page = pages.page(section_page(name))
    chart = parse_chart(page, name)
    assert (chart.name, chart.captured_at) == (name, page.fetched_at)
    assert chart.entries == tuple(ChartEntry(n, f"tt000000{n}") for n in (1, 2, 3))
    identity = identify(page)
    assert (identity.kind, identity.chart) == (PageKind.CHART, name)


def test_the_box_office_of_the_home_page() -> None:
    page = pages.page(home_page())
    chart = parse_chart(page, ChartName.BOX_OFFICE)
    assert (chart.name, chart.entries) == (
        ChartName.BOX_OFFICE,
        (ChartEntry(1, "tt7654321"),),
    )
    assert identify(page).chart is ChartName.BOX_OFFICE


def test_a_saved_page_is_as_old_as_it_says() -> None:
    made = datetime(2026, 2, 6, 7, 52, 49, 184_000, tzinfo=UTC)
    for text, name in (
        (section_page(ChartName.TOP_TAMIL), ChartName.TOP_TAMIL),
        (home_page(), ChartName.BOX_OFFICE),
    ):
        assert parse_chart(pages.page(text, page_clock=True), name).captured_at == made


@pytest.mark.parametrize(
    ("text", "name", "problem"),
    [
        (section_page("top-rated-tamil-movies"), ChartName.TOP_INDIAN, "is not that of the chart"),
        (section_page("upcoming"), ChartName.TOP_INDIAN, "is not that of the chart"),
        (section_page("top-rated-indian-movies", ""), ChartName.TOP_INDIAN, "not the chart"),
        (home_page(), ChartName.TOP_INDIAN, "not the chart"),
        (home_page(), ChartName.TOP, "not the chart 'top'"),
        (section_page("top-rated-indian-movies"), ChartName.BOX_OFFICE, "not the chart"),
        (
            pages.html_page(
                pages.next_data(
                    pages.having(HOME, "pageQueryData.data.boxOfficeWeekendChart.entries", []), "/"
                )
            ),
            ChartName.BOX_OFFICE,
            "the chart is empty",
        ),
    ],
)
def test_another_page_is_refused(text: str, name: ChartName, problem: str) -> None:
    with pytest.raises(PageChanged, match=problem):
        parse_chart(pages.page(text), name)


@pytest.mark.parametrize("name", [ChartName.TOP_INDIAN, ChartName.BOX_OFFICE])
def test_a_challenge_is_a_challenge(name: ChartName) -> None:
    with pytest.raises(SourceBlocked):
        parse_chart(pages.page(CHALLENGE), name)


def test_a_chart_with_a_dash_in_its_name() -> None:
    text = pages.html_page(pages.next_data(pages.chart(2), "/chart/top-english-movies"))
    chart = parse_chart(pages.page(text), ChartName.TOP_ENGLISH)
    assert len(chart.entries) == 2
    assert identify(pages.page(text)).chart is ChartName.TOP_ENGLISH


def test_every_chart_is_described_once() -> None:
    descriptions = [name.description for name in ChartName]
    assert len(set(descriptions)) == len(descriptions)
