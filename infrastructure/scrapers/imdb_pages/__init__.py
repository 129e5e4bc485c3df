"""IMDb's pages: bytes in, domain objects or a typed error out, no input or output of its own.

Every function is pure and may be called from any number of threads. The knowledge of each kind of
page lives in one module: `title_page`, `reference_page`, `person_page`, `chart_page`; the
fall-backs, for pages without ``__NEXT_DATA__``, in `json_ld` and `dom`. Every other page has a
module with a function ``read_...``, imported from there by the few that need it: `find_page`,
`search_page`, `episodes_page`, `releaseinfo_page`, `calendar_page`, `home_page` and
`ranked_list_page`. They raise `SourceBlocked` for a challenge page, `PageChanged` for another page
and naming what is missing or of another shape, `InvalidTitle` when a fact breaks a rule.
"""

from domain.chart import INDIAN_CHARTS, Chart, ChartName
from domain.person_profile import PersonProfile
from domain.title import Title
from infrastructure.scrapers.imdb_pages.blocking import block_reason
from infrastructure.scrapers.imdb_pages.chart_page import read_chart
from infrastructure.scrapers.imdb_pages.identity import PageIdentity, PageKind, identify
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.title_reader import read_title

__all__ = [
    "Page",
    "PageIdentity",
    "PageKind",
    "block_reason",
    "identify",
    "parse_chart",
    "parse_person",
    "parse_title",
]


_MARKS = {
    ChartName.BOX_OFFICE: b"boxOfficeWeekendChart",
    **dict.fromkeys(INDIAN_CHARTS, b"symphony-IMDbChartWidget"),
}
"""What stands in a page that shows a chart in another way than chart pages do."""


def parse_title(page: Page) -> Title:
    """Read a title page or a reference page.

    Raises `SourceBlocked` for a challenge page, `TitleNotFound` for IMDb's page for a missing
    title, `PageChanged` naming what is missing or of another shape (also for every page that is
    not about one title), `InvalidTitle` when a fact breaks a rule of the domain.
    """
    return read_title(page)


def parse_person(page: Page) -> PersonProfile:
    """Read the page of a person.

    Raises `SourceBlocked` for a challenge page, `PersonNotFound` for IMDb's page for a missing
    person, `PageChanged` naming what is missing or of another shape (also for every page that is
    not about one person), `InvalidTitle` when a fact breaks a rule of the domain.
    """
    # Most runs have no use for it, and to make its many types takes time.
    from infrastructure.scrapers.imdb_pages.person_reader import read_person

    return read_person(page)


def parse_chart(page: Page, name: ChartName) -> Chart:
    """Read a whole chart, in rank order.

    The Indian charts may be ranked lists, the box office may be that of the home page. Raises
    `SourceBlocked` for a challenge page, `PageChanged` for another page or chart, for one that has
    only a part of its titles, and naming what is missing or of another shape; `InvalidTitle` when
    an entry breaks a rule of the domain.
    """
    mark = _MARKS.get(name)
    if mark is not None and mark in page.body:
        # Most runs have no use for them, and BeautifulSoup takes time to load.
        from infrastructure.scrapers.imdb_pages.listed_charts import read_listed_chart

        return read_listed_chart(page, name)
    return read_chart(page, name)
