"""Titles of pages without ``__NEXT_DATA__``: JSON-LD first, then the markup itself."""

from typing import Any

import pytest

from domain.errors import InvalidTitle, PageChanged
from domain.release_date import ReleaseDate
from domain.title import CreditCategory, Title, TitleKind
from infrastructure.scrapers.imdb_pages import parse_title
from tests.unit.imdb_pages import pages
from tests.unit.imdb_pages.pages import linked, title_block

CANONICAL = pages.canonical("/title/tt7654321/")
YEAR = linked("releaseinfo", "2014")

EXPECTED = {
    "imdb_id": "tt7654321",
    "kind": TitleKind.MOVIE,
    "title": "The Quiet Harbour",
    "original_title": "Der stille Hafen",
    "year": 2014,
    "runtime_minutes": 115,
    "rating": 7.4,
    "votes": 1234,
    "metascore": 61,
    "certificate": "PG-13",
    "genres": ("Drama", "Mystery", "Sci-Fi"),
    "release_date": ReleaseDate(year=2014, month=5, day=9),
    "plot": 'A captain says "no" & <waits>.',
}
NOT_IN_THE_MARKUP = {"votes": None, "genres": (), "release_date": None}
NOT_IN_JSON_LD = {"year": None, "metascore": None, "plot": None}


def read(head: str = "", body: str = "", data: str | None = None) -> Title:
    return parse_title(pages.page(pages.html_page(data, head=head, body=body)))


def read_block(*entries: str, **options: Any) -> Title:
    return read(CANONICAL, pages.markup(title_block(*entries, **options)))


@pytest.mark.parametrize("field", EXPECTED)
class TestFacts:
    def test_both(self, field: str) -> None:
        assert getattr(read(pages.json_ld(), pages.full_markup()), field) == EXPECTED[field]

    def test_markup_alone(self, field: str) -> None:
        expected = EXPECTED | NOT_IN_THE_MARKUP
        assert getattr(read(CANONICAL, pages.full_markup()), field) == expected[field]

    def test_json_ld_alone(self, field: str) -> None:
        expected = EXPECTED | NOT_IN_JSON_LD
        assert getattr(read(pages.json_ld()), field) == expected[field]


def test_found_by() -> None:
    markup = pages.full_markup()
    assert read(pages.json_ld(), markup).provenance.found_by == "json_ld"
    assert read(CANONICAL, markup).provenance.found_by == "dom"


def test_next_data_without_a_title_is_no_obstacle() -> None:
    data = pages.next_data({"aboveTheFoldData": None})
    assert read(pages.json_ld(), data=data).provenance.found_by == "json_ld"


def test_credits_of_the_markup() -> None:
    title = read(pages.json_ld(), pages.full_markup())
    assert [c.name for c in title.credits_of(CreditCategory.DIRECTOR)] == ["Dana Ruiz"]
    assert [c.name for c in title.credits_of(CreditCategory.WRITER)] == ["Dana Ruiz", "Li Wen"]
    cast = [(c.person_id, c.name, c.characters) for c in title.credits_of(CreditCategory.CAST)]
    assert cast == [
        ("nm7000003", "Ada Berg", ("Captain Io",)),
        ("nm7000004", "Ö", ("Harbour Master",)),
        (None, "Uncredited Sailor", ()),
    ]


def test_credits_of_json_ld() -> None:
    title = read(pages.json_ld())
    assert [c.person_id for c in title.credits_of(CreditCategory.CAST)] == [
        "nm7000003",
        "nm7000004",
    ]
    assert [c.name for c in title.credits_of(CreditCategory.WRITER)] == ["Dana Ruiz", "Li Wen"]
    assert title.credits_of(CreditCategory.CREATOR) == ()


def test_the_creators_of_a_series_in_json_ld() -> None:
    title = read(pages.json_ld(**{"@type": "TVSeries"}))
    assert title.kind is TitleKind.TV_SERIES
    assert len(title.credits_of(CreditCategory.CREATOR)) == 2
    assert title.credits_of(CreditCategory.WRITER) == ()


def test_texts_are_unescaped_after_parsing() -> None:
    title = read(
        pages.json_ld(
            name="Schr&ouml;der&apos;s &amp; Co",
            alternateName=None,
            director=pages.agent(None, "O'B"),
        )
    )
    assert title.title == title.original_title == "Schröder's & Co"
    [director] = title.credits_of(CreditCategory.DIRECTOR)
    assert (director.name, director.person_id) == ("O'B", None)


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"aggregateRating": None}, "rating", None),
        ({"aggregateRating": None}, "votes", None),
        ({"duration": None}, "runtime_minutes", None),
        ({"duration": "PT10H5M"}, "runtime_minutes", 605),
        ({"duration": "PT45M"}, "runtime_minutes", 45),
        ({"duration": "PT30S"}, "runtime_minutes", 1),
        ({"datePublished": None}, "release_date", None),
        ({"datePublished": "2014"}, "release_date", ReleaseDate(year=2014)),
        ({"contentRating": None}, "certificate", None),
        ({"genre": "Drama"}, "genres", ("Drama",)),
        ({"genre": None}, "genres", ()),
        ({"alternateName": None}, "title", "Der stille Hafen"),
    ],
)
def test_what_json_ld_leaves_out_is_unknown(
    changes: dict[str, Any], field: str, expected: Any
) -> None:
    assert getattr(read(pages.json_ld(**changes)), field) == expected


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"duration": "two hours"}, "duration"),
        ({"aggregateRating": {"ratingValue": "high"}}, "ratingValue"),
        ({"name": None, "alternateName": None}, "name"),
        ({"actor": {"@type": "Person", "url": "/name/nm7000003/"}}, "actor"),
    ],
)
def test_json_ld_of_another_shape_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(PageChanged, match=named):
        read(pages.json_ld(**changes))


def test_a_date_that_no_calendar_has() -> None:
    with pytest.raises(InvalidTitle) as caught:
        read(pages.json_ld(datePublished="2014-02-30"))
    assert (caught.value.field, caught.value.imdb_id) == ("release_date", pages.TITLE_ID)


def test_blocks_about_other_things_are_passed_over() -> None:
    crumbs = '<script type="application/ld+json">{"@type": "BreadcrumbList"}</script>'
    several = '<script type="application/ld+json">[{"@type": "Movie"}]</script>'
    assert read(crumbs + several + pages.json_ld()).imdb_id == pages.TITLE_ID


def test_more_json_ld_than_any_page_has() -> None:
    crumbs = '<script type="application/ld+json">{"@type": "BreadcrumbList"}</script>'
    with pytest.raises(PageChanged, match="more of it"):
        read(crumbs * 25 + pages.json_ld())


@pytest.mark.parametrize(
    "block", ["{", '{"@type": 1}', '{"a":' * 50_000], ids=["cut", "type", "deep"]
)
def test_damaged_json_ld(block: str) -> None:
    with pytest.raises(PageChanged, match=r"JSON-LD|@type"):
        read(f'<script type="application/ld+json">{block}</script>')


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("TV Series", TitleKind.TV_SERIES),
        ("TV Mini Series", TitleKind.TV_MINI_SERIES),
        ("TV Movie", TitleKind.TV_MOVIE),
        ("TV Episode", TitleKind.TV_EPISODE),
        ("Video Game", TitleKind.VIDEO_GAME),
        ("Podcast Series", TitleKind.PODCAST_SERIES),
        (linked("releaseinfo", "Episode aired Nov 14, 2014"), TitleKind.TV_EPISODE),
        (YEAR, TitleKind.MOVIE),
    ],
)
def test_kind_of_the_title_block(entry: str, kind: TitleKind) -> None:
    assert read_block(entry).kind is kind


def test_the_title_block_knows_a_tv_movie_better_than_json_ld() -> None:
    body = pages.markup(title_block("TV Movie", YEAR))
    assert read(pages.json_ld(), body).kind is TitleKind.TV_MOVIE


@pytest.mark.parametrize(
    ("entry", "field", "expected"),
    [
        (linked("releaseinfo", "1987\u20131994"), "year", 1987),
        (linked("releaseinfo", "1987\u20131994"), "end_year", 1994),
        (linked("releaseinfo", "2019\u2013 "), "end_year", None),
        ("2019", "year", 2019),
        (linked("releaseinfo", "Episode aired Nov 14, 2014"), "year", 2014),
        ("45m", "runtime_minutes", 45),
        ("3h", "runtime_minutes", 180),
        ("12h 5m", "runtime_minutes", 725),
        ("2<!-- -->h<!-- --> <!-- -->5<!-- -->m", "runtime_minutes", 125),
        ("40s", "runtime_minutes", 1),
        (linked("parentalguide", "Not Rated"), "certificate", "Not Rated"),
    ],
)
@pytest.mark.parametrize("layout", [2022, 2024])
def test_line_below_the_title(layout: int, entry: str, field: str, expected: Any) -> None:
    assert getattr(read_block(entry, layout=layout), field) == expected


@pytest.mark.parametrize("layout", [2022, 2024])
def test_titles_of_both_layouts(layout: int) -> None:
    title = read_block(layout=layout, title="Tom &amp; Ann", original="T&#39;m og Ann")
    assert (title.title, title.original_title) == ("Tom & Ann", "T'm og Ann")
    assert (title.year, title.runtime_minutes, title.certificate) == (None, None, None)


def test_a_decimal_comma_is_read_as_one() -> None:
    body = pages.markup(title_block(YEAR), rating="8,1")
    assert read(CANONICAL, body).rating == 8.1


def test_no_rating_and_no_metascore() -> None:
    body = pages.markup(title_block(YEAR), rating="").replace("metacritic-score-box", "none")
    title = read(CANONICAL, body)
    assert (title.rating, title.metascore) == (None, None)


def test_metascore_zero() -> None:
    assert read(CANONICAL, pages.markup(title_block(YEAR), metascore="0")).metascore == 0


def test_a_plot_that_is_cut_is_unknown() -> None:
    body = pages.full_markup().replace("waits&gt;.", '... <a href="/x">Read all</a>')
    assert read(CANONICAL, body).plot is None


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("1h 55m", "1 Std. 55 Min.", "Std"),
        (">2014<", ">soon<", "soon"),
        ("7.4", "high", "rating"),
        (">61<", ">tbd<", "metascore"),
        ("Director<", "Regie<", "Regie"),
        (">Ada Berg</a><ul", "></a><ul", "cast"),
    ],
)
def test_what_we_do_not_understand_is_named(old: str, new: str, named: str) -> None:
    body = pages.full_markup()
    assert old in body
    with pytest.raises(PageChanged, match=named):
        read(CANONICAL, body.replace(old, new))


def test_a_page_that_does_not_say_its_id() -> None:
    for head in ("", pages.json_ld(url=None)):
        with pytest.raises(PageChanged, match="no title id"):
            read(head, pages.full_markup())


@pytest.mark.parametrize(
    "address", ["https://example.org/title/tt7654321/", "https://www.imdb.com/"]
)
def test_a_film_on_a_page_of_another_address(address: str) -> None:
    head = f'<link rel="canonical" href="{address}"/>{pages.json_ld()}'
    with pytest.raises(PageChanged, match="not that of a title page"):
        read(head, pages.full_markup())


def test_a_page_without_its_end_may_lack_what_we_read() -> None:
    whole = pages.html_page(None, head=pages.json_ld(), body=pages.full_markup())
    for cut in (whole.removesuffix("</html>"), whole[: len(whole) // 2]):
        with pytest.raises(PageChanged, match="cut short"):
            parse_title(pages.page(cut))


def test_markup_larger_than_any_page() -> None:
    body = pages.full_markup().replace("</main>", "<p>x</p>" * 1_200_000 + "</main>")
    with pytest.raises(PageChanged, match="larger"):
        read(CANONICAL, body)


def test_markup_of_great_depth() -> None:
    body = (
        pages.full_markup()
        .replace("<main role=", "<main data-x=")
        .replace("</main>", "<div>" * 30_000 + "</main>")
    )
    assert read(CANONICAL, body).imdb_id == pages.TITLE_ID
