"""Chart pages: whole charts in rank order, or an error that says what is missing."""

from typing import Any

import pytest

from domain.chart import Chart, ChartName
from domain.errors import InvalidTitle, PageChanged
from infrastructure.scrapers.imdb_pages import parse_chart
from tests.unit.imdb_pages import pages
from tests.unit.imdb_pages.pages import chart_id

EDGES = "pageData.chartTitles.edges"
CANONICAL = pages.canonical("/chart/top/")


def read(body: str, name: ChartName = ChartName.TOP, **changes: Any) -> Chart:
    return parse_chart(pages.page(body, url="https://www.imdb.com/chart/top/", **changes), name)


def from_next_data(props: dict[str, Any], route: str | None = "/chart/top") -> Chart:
    return read(pages.title_html(props, route))


def ids(chart: Chart) -> list[str]:
    assert [entry.rank for entry in chart.entries] == list(range(1, len(chart.entries) + 1))
    return [entry.title_id for entry in chart.entries]


def item_list(*title_ids: str) -> str:
    items = ",".join(
        f'{{"@type":"ListItem","item":{{"@type":"Movie","url":"https://www.imdb.com/title/{i}/"}}}}'
        for i in title_ids
    )
    return (
        '<script type="application/ld+json">'
        f'{{"@type":"ItemList","itemListElement":[{items}]}}</script>'
    )


def rows(*title_ids: str, ranks: str = "heading") -> str:
    shown = []
    for rank, imdb_id in enumerate(title_ids, 1):
        apart = (
            f'<div data-testid="title-list-item-ranking">#{rank}</div>' if ranks == "apart" else ""
        )
        number = f"{rank}. " if ranks == "heading" else ""
        shown.append(
            f'<li class="ipc-metadata-list-summary-item sc-1">{apart}'
            f'<a href="/title/{imdb_id}/?ref_=c_{rank}"><h3>{number}1917</h3></a>'
            f'<a href="/title/{imdb_id}/reviews">x</a></li>'
        )
    return f"<ul>{''.join(shown)}</ul>"


def total(count: str) -> str:
    return f'<div data-testid="chart-layout-total-items" class="sc-2">{count} Titles</div>'


def old_rows(*title_ids: str) -> str:
    cells = [
        f'<td class="titleColumn">\n {rank}.\n <a href="/title/{imdb_id}/">1917</a> (2019)</td>'
        for rank, imdb_id in enumerate(title_ids, 1)
    ]
    table = f"<table><tr>{'</tr><tr>'.join(cells)}</tr></table>"
    return f'<div class="desc">Showing <span>{len(title_ids)}</span> Titles</div>{table}'


@pytest.mark.parametrize("name", ChartName)
def test_each_chart(name: ChartName) -> None:
    chart = read(pages.title_html(pages.chart(), f"/chart/{name.value}"), name)
    assert chart.name is name
    assert ids(chart) == [chart_id(1), chart_id(2), chart_id(3)]


@pytest.mark.parametrize(
    ("page_clock", "time"), [(False, pages.FETCHED_AT), (True, pages.SERVED_AT)]
)
def test_time(page_clock: bool, time: Any) -> None:
    body = pages.title_html(pages.chart(), "/chart/top")
    assert read(body, page_clock=page_clock).captured_at == time


def test_ranks_and_not_places_make_the_order() -> None:
    props = pages.chart()
    props["pageData"]["chartTitles"]["edges"].reverse()
    assert ids(from_next_data(props)) == [chart_id(1), chart_id(2), chart_id(3)]


def test_a_page_that_does_not_say_which_chart_it_is() -> None:
    assert len(from_next_data(pages.chart(), None).entries) == 3


@pytest.mark.parametrize("route", ["/chart/toptv", "/chart/boxoffice", "/title/[tconst]", "/"])
def test_another_page_is_named(route: str) -> None:
    with pytest.raises(PageChanged, match="not the chart 'top'"):
        from_next_data(pages.chart(), route)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("pageData.chartTitles.edges", [], EDGES),
        ("pageData.chartTitles.edges", None, EDGES),
        ("pageData.chartTitles.edges.1.currentRank", "2", f"{EDGES}[1].currentRank"),
        ("pageData.chartTitles.edges.1.node", None, f"{EDGES}[1].node"),
        ("pageData.chartTitles.edges.1.currentRank", 1, EDGES),
        ("pageData.chartTitles.edges.0.currentRank", 0, EDGES),
        ("pageData.chartTitles.edges.1.currentRank", 7, EDGES),
    ],
)
def test_a_chart_of_another_shape_is_named(path: str, value: Any, field: str) -> None:
    with pytest.raises(PageChanged) as caught:
        from_next_data(pages.having(pages.chart(), path, value))
    assert caught.value.field == field


def test_a_hole_in_the_ranks_is_no_whole_chart() -> None:
    with pytest.raises(PageChanged, match="rank 2 is missing"):
        from_next_data(pages.without(pages.chart(), "pageData.chartTitles.edges.1"))


@pytest.mark.parametrize("imdb_id", ["nm0000001", "", chart_id(1)])
def test_an_entry_that_is_no_title_of_its_own(imdb_id: str) -> None:
    with pytest.raises(InvalidTitle):
        from_next_data(pages.having(pages.chart(), "pageData.chartTitles.edges.1.node.id", imdb_id))


class TestFallBacks:
    IDS = (chart_id(1), chart_id(2), chart_id(3))

    @pytest.mark.parametrize(
        "body",
        [
            item_list(*IDS),
            item_list(*IDS) + total("3") + rows(*IDS[:1]),
            total("3") + rows(*IDS),
            total("3") + rows(*IDS, ranks="apart"),
            total("3") + rows(*IDS, ranks="none"),
            old_rows(*IDS),
        ],
        ids=["JSON-LD", "JSON-LD and some rows", "rows", "ranks apart", "no ranks", "2022"],
    )
    def test_chart(self, body: str) -> None:
        chart = read(pages.html_page(None, head=CANONICAL, body=body))
        assert ids(chart) == list(self.IDS)
        assert chart.captured_at == pages.FETCHED_AT

    def test_next_data_without_chart_data_is_no_obstacle(self) -> None:
        data = pages.next_data({"pageData": None}, "/chart/top")
        chart = read(pages.html_page(data, head=item_list(*self.IDS)))
        assert ids(chart) == list(self.IDS)

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (total("250") + rows(*IDS), "has 3 of 250 titles"),
            (total("1,000") + rows(*IDS), "has 3 of 1000 titles"),
            (rows(*IDS), "3 titles, and the page does not say of how many"),
            (total("250") + item_list(*IDS), "has 3 of 250 titles"),
            (item_list(), "empty"),
            (total("250"), "no chart rows"),
            ("", "no chart rows"),
            (total("3") + rows(*IDS).replace("3. ", "9. "), "rank 3"),
            (total("3") + rows(*IDS).replace("3. ", ""), "only 2 of 3 rows have a rank"),
            (total("1") + '<li class="ipc-metadata-list-summary-item"></li>', "no link"),
            (item_list("nm7000001"), "no title at"),
        ],
    )
    def test_a_part_is_never_taken_for_the_whole(self, body: str, message: str) -> None:
        with pytest.raises(PageChanged, match=message):
            read(pages.html_page(None, head=CANONICAL, body=body))

    @pytest.mark.parametrize("path", ["/chart/toptv/", "/chart/boxoffice/", "/list/ls1/"])
    def test_another_list_is_named(self, path: str) -> None:
        with pytest.raises(PageChanged, match="not that of the chart 'top'"):
            read(pages.html_page(None, head=pages.canonical(path), body=item_list(*self.IDS)))

    def test_a_page_cut_short(self) -> None:
        with pytest.raises(PageChanged, match="cut short"):
            read(pages.html_page(None, body=item_list(*self.IDS)).removesuffix("</html>"))

    def test_json_of_another_page(self) -> None:
        with pytest.raises(PageChanged) as caught:
            read(pages.next_data({}, None))
        assert caught.value.field == EDGES


@pytest.mark.parametrize("route", ["/chart/top", "/chart/top/", "/chart/[chart]", None])
def test_routes_that_do_not_speak_against_the_chart(route: str | None) -> None:
    page = pages.page(pages.html_page(pages.next_data(pages.chart(3), route)))
    assert len(parse_chart(page, ChartName.TOP).entries) == 3
