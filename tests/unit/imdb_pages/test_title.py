"""Title and reference pages through ``__NEXT_DATA__``: each field, and what it may not become."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from domain.errors import InvalidTitle, PageChanged, TitleNotFound
from domain.release_date import ReleaseDate
from domain.title import CreditCategory, Title, TitleKind
from infrastructure.scrapers.imdb_pages import identify, parse_title
from tests.unit.imdb_pages import pages
from tests.unit.imdb_pages.pages import having, title_html, without

REFERENCE = "/title/[tconst]/reference"
A = "aboveTheFoldData"
M = "mainColumnData"

LAYOUTS: dict[str, Callable[[], tuple[dict[str, Any], str]]] = {
    "title page V1": lambda: (pages.v1(), "/title/[tconst]"),
    "title page V2": lambda: (pages.v2(), "/title/[tconst]"),
    "reference V1": lambda: (pages.reference("v1"), REFERENCE),
    "reference V2": lambda: (pages.reference("v2"), REFERENCE),
}

EXPECTED = {
    "imdb_id": "tt7654321",
    "kind": TitleKind.MOVIE,
    "title": "The Quiet Harbour",
    "original_title": "Der stille Hafen",
    "year": 2014,
    "end_year": None,
    "runtime_minutes": 115,
    "rating": 7.4,
    "votes": 1234,
    "metascore": 61,
    "certificate": "PG-13",
    "genres": ("Drama", "Mystery", "Sci-Fi", "War"),
    "release_date": ReleaseDate(year=2014, month=5, day=9),
    "plot": 'A captain says "no" & <waits>.',
}


def read(props: dict[str, Any], route: str | None = "/title/[tconst]", **changes: Any) -> Title:
    return parse_title(pages.page(title_html(props, route), **changes))


def billed(title: Title, category: CreditCategory) -> list[tuple[str | None, str, tuple[str, ...]]]:
    return [(c.person_id, c.name, c.characters) for c in title.credits_of(category)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("field", EXPECTED)
def test_fact(layout: str, field: str) -> None:
    title = read(*LAYOUTS[layout]())
    assert getattr(title, field) == EXPECTED[field]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_credits(layout: str) -> None:
    title = read(*LAYOUTS[layout]())
    assert billed(title, CreditCategory.DIRECTOR) == [(*pages.DIRECTOR, ())]
    assert billed(title, CreditCategory.WRITER) == [(*w, ()) for w in pages.WRITERS_LISTED]
    assert billed(title, CreditCategory.CREATOR) == []
    assert billed(title, CreditCategory.CAST) == list(pages.CAST)
    assert [c.position for c in title.credits_of(CreditCategory.CAST)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("page_clock", "time"), [(False, pages.FETCHED_AT), (True, pages.SERVED_AT)]
)
def test_provenance(page_clock: bool, time: Any) -> None:
    provenance = read(pages.v2(), page_clock=page_clock).provenance
    assert (provenance.source, provenance.found_by) == ("html", "next_data")
    assert provenance.fetched_at == time


@pytest.mark.parametrize("clock", ["yesterday", "2025-11-19T16:06:06"])
def test_a_page_clock_that_tells_no_time_is_an_error(clock: str) -> None:
    props = having(pages.v2(), "requestContext.timestamp", clock)
    with pytest.raises(PageChanged) as caught:
        read(props, page_clock=True)
    assert caught.value.field == "requestContext.timestamp"
    assert read(props).provenance.fetched_at == pages.FETCHED_AT


@pytest.mark.parametrize(
    ("path", "value", "field", "expected"),
    [
        ("ratingsSummary", {"aggregateRating": None, "voteCount": 0}, "rating", None),
        ("ratingsSummary", {"aggregateRating": None, "voteCount": 0}, "votes", 0),
        ("ratingsSummary.aggregateRating", 8, "rating", 8.0),
        ("ratingsSummary.voteCount", None, "votes", None),
        ("metacritic", {"metascore": {"score": 0}}, "metascore", 0),
        ("metacritic", {"metascore": None}, "metascore", None),
        ("metacritic", None, "metascore", None),
        ("runtime", {"seconds": 43200}, "runtime_minutes", 720),
        ("runtime", {"seconds": 59}, "runtime_minutes", 1),
        ("runtime", {"seconds": 119}, "runtime_minutes", 1),
        ("runtime", {"seconds": 0}, "runtime_minutes", None),
        ("runtime", {"seconds": None}, "runtime_minutes", None),
        ("runtime", None, "runtime_minutes", None),
        ("titleText.text", "七人の侍", "title", "七人の侍"),
        ("titleText.text", "M", "title", "M"),
        ("originalTitleText.text", "", "original_title", None),
        ("originalTitleText", None, "original_title", None),
        ("certificate", {"rating": ""}, "certificate", None),
        ("certificate", None, "certificate", None),
        ("plot", {"plotText": None}, "plot", None),
        ("plot", {"plotText": {"plainText": ""}}, "plot", None),
        ("plot", None, "plot", None),
        ("genres", None, "genres", ("Drama", "Mystery")),
        ("releaseYear", None, "year", None),
        ("releaseYear", {"year": 1987, "endYear": 1994}, "end_year", 1994),
        ("releaseDate", None, "release_date", None),
        ("releaseDate", {"year": None, "month": 5, "day": 1}, "release_date", None),
        ("releaseDate.day", None, "release_date", ReleaseDate(year=2014, month=5)),
        ("releaseDate.month", None, "release_date", ReleaseDate(year=2014)),
        ("titleType.id", "tvMiniSeries", "kind", TitleKind.TV_MINI_SERIES),
    ],
)
def test_fact_as_the_page_says_it(path: str, value: Any, field: str, expected: Any) -> None:
    for props in (pages.v1(), pages.v2()):
        found = getattr(read(having(props, f"{A}.{path}", value)), field)
        assert found == expected
        assert type(found) is type(expected)


@pytest.mark.parametrize("kind", TitleKind)
def test_every_title_type(kind: TitleKind) -> None:
    assert read(having(pages.v2(), f"{A}.titleType.id", kind.value)).kind is kind


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("originalTitleText", "original_title"),
        ("releaseYear", "year"),
        ("runtime", "runtime_minutes"),
        ("metacritic", "metascore"),
        ("certificate", "certificate"),
        ("plot", "plot"),
        ("releaseDate", "release_date"),
    ],
)
def test_an_absent_optional_fact_is_unknown(key: str, field: str) -> None:
    assert getattr(read(without(pages.v2(), f"{A}.{key}")), field) is None


def test_rating_of_the_main_column_when_the_top_has_none() -> None:
    title = read(without(pages.v2(), f"{A}.ratingsSummary"))
    assert (title.rating, title.votes) == (7.4, 1234)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (f"{A}.id", f"{A}.id"),
        (f"{A}.titleText", f"{A}.titleText"),
        (f"{A}.titleText.text", f"{A}.titleText.text"),
        (f"{A}.titleType", f"{A}.titleType"),
        (f"{A}.titleType.id", f"{A}.titleType.id"),
        (f"{A}.ratingsSummary", f"{A}.ratingsSummary"),
        (f"{A}.ratingsSummary.aggregateRating", f"{A}.ratingsSummary"),
        (f"{A}.ratingsSummary.voteCount", f"{A}.ratingsSummary"),
        (f"{M}.cast.edges.0.node.name", f"{M}.cast.edges[0].node.name"),
        (f"{M}.cast.edges.0.node.name.nameText", f"{M}.cast.edges[0].node.name.nameText"),
    ],
)
def test_a_missing_core_field_is_named(path: str, field: str) -> None:
    with pytest.raises(PageChanged) as caught:
        read(without(pages.v1(), path))
    assert caught.value.field == field
    assert caught.value.url == pages.URL


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("titleText.text", 7),
        ("titleText", None),
        ("titleType.id", "hologram"),
        ("ratingsSummary.aggregateRating", "7,4"),
        ("ratingsSummary.voteCount", 12.5),
        ("ratingsSummary.voteCount", True),
        ("runtime.seconds", "1h"),
        ("metacritic.metascore.score", "61"),
        ("genres.genres", "Drama"),
        ("certificate.rating", ["PG"]),
        ("plot.plotText.plainText", 1),
        ("releaseYear.year", "2014"),
        ("releaseDate.day", 1.5),
        ("principalCreditsV2", {"credits": []}),
    ],
)
def test_a_value_of_another_type_is_named(path: str, value: Any) -> None:
    with pytest.raises(PageChanged) as caught:
        read(having(pages.v2(), f"{A}.{path}", value))
    assert caught.value.field == f"{A}.{path}"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("titleText.text", "", "title"),
        ("titleText.text", "NUL \0 inside", "title"),
        ("ratingsSummary.aggregateRating", 10.1, "rating"),
        ("ratingsSummary.voteCount", -1, "votes"),
        ("metacritic.metascore.score", 101, "metascore"),
        ("runtime.seconds", -60, "runtime_minutes"),
        ("releaseYear.year", 1066, "year"),
        ("releaseDate.month", 13, "release_date"),
        ("id", "7654321", "imdb_id"),
    ],
)
def test_a_fact_that_cannot_be_true_is_refused(path: str, value: Any, field: str) -> None:
    with pytest.raises(InvalidTitle) as caught:
        read(having(pages.v2(), f"{A}.{path}", value))
    assert caught.value.field == field


def test_any_number_of_threads_may_parse() -> None:
    bodies = [title_html(*make()) for make in LAYOUTS.values()] * 50
    with ThreadPoolExecutor(max_workers=16) as pool:
        titles = list(pool.map(lambda body: parse_title(pages.page(body)), bodies))
    assert titles[:4] * 50 == titles


def test_an_error_in_a_credit_names_the_title() -> None:
    props = having(pages.v2(), f"{M}.castV2.0.credits.0.name.id", "co0000001")
    with pytest.raises(InvalidTitle) as caught:
        read(props)
    assert (caught.value.imdb_id, caught.value.field) == (pages.TITLE_ID, "person_id")


class TestCredits:
    def test_no_cast(self) -> None:
        props = having(pages.v1(), f"{M}.cast", {"edges": []})
        props[A]["principalCredits"].pop()
        assert read(props).credits_of(CreditCategory.CAST) == ()

    @pytest.mark.parametrize("person_id", [None, ""])
    def test_a_person_without_an_id_keeps_the_name(self, person_id: str | None) -> None:
        props = having(pages.v1(), f"{M}.cast.edges.0.node.name.id", person_id)
        first = read(props).credits_of(CreditCategory.CAST)[0]
        assert (first.person_id, first.name) == (None, "Ada Berg")

    def test_stars_stand_in_for_a_cast_list(self) -> None:
        for props in (without(pages.v1(), f"{M}.cast"), without(pages.v2(), f"{M}.castV2")):
            names = [c.name for c in read(props).credits_of(CreditCategory.CAST)]
            assert names == ["Ada Berg", "Ö"]

    def test_principal_credits_stand_in_for_the_crew(self) -> None:
        v1 = having(without(pages.v1(), f"{M}.directors"), f"{M}.writers", None)
        for props in (v1, without(pages.v2(), f"{M}.crewV2")):
            title = read(props)
            assert [c.name for c in title.credits_of(CreditCategory.DIRECTOR)] == ["Dana Ruiz"]
            assert len(title.credits_of(CreditCategory.WRITER)) == 2

    def test_creators_of_a_series(self) -> None:
        v1 = having(pages.v1(), f"{M}.creators", [pages.crew_v1("creator", pages.DIRECTOR)])
        v2 = pages.v2()
        v2[A]["principalCreditsV2"].append(pages.crew_v2(pages.CREATORS, pages.DIRECTOR))
        for props in (v1, v2):
            assert billed(read(props), CreditCategory.CREATOR) == [(*pages.DIRECTOR, ())]

    def test_a_person_twice_in_a_category_is_one_credit_with_all_characters(self) -> None:
        props = pages.reference("v2")
        cast = [
            pages.row("nm7000003", "Ada Berg", ["Io", "Self"]),
            pages.row("nm7000004", "Ö", ["Pilot"]),
            pages.row("nm7000003", "Ada Berg (voice)", ["Io", "Ship"]),
            pages.row(None, "Sailor"),
            pages.row(None, "Sailor"),
        ]
        props = having(props, f"{M}.categories.2.section.items", cast)
        assert billed(read(props, REFERENCE), CreditCategory.CAST) == [
            ("nm7000003", "Ada Berg", ("Io", "Self", "Ship")),
            ("nm7000004", "Ö", ("Pilot",)),
            (None, "Sailor", ()),
            (None, "Sailor", ()),
        ]

    def test_characters_of_all_roles_and_none_of_the_empty_ones(self) -> None:
        two = pages.roles("Io", "")
        two["edges"] += [*pages.roles("Ship")["edges"], {"node": {"characters": None}}]
        two["edges"][0]["node"]["characters"]["edges"].append({"node": {"name": None}})
        v2 = having(pages.v2(), f"{M}.castV2.0.credits.0.creditedRoles", two)
        v1 = having(
            pages.v1(),
            f"{M}.cast.edges.0.node.characters",
            [{"name": "Io"}, None, {"name": None}, {"name": ""}, {"name": "Ship"}],
        )
        for props in (v1, v2):
            assert read(props).credits_of(CreditCategory.CAST)[0].characters == ("Io", "Ship")

    def test_a_page_without_any_list_of_credits_has_changed(self) -> None:
        props = pages.v2()
        del props[A]["principalCreditsV2"]
        props[M] = {}
        with pytest.raises(PageChanged, match="no other list of credits"):
            read(props)
        reference = without(pages.reference("v1"), f"{M}.categories")
        with pytest.raises(PageChanged, match="no other list of credits"):
            read(reference, REFERENCE)

    def test_principal_credits_of_a_reference_page_without_categories(self) -> None:
        props = pages.reference("v2")
        del props[M]["categories"]
        props[M]["principalCreditsV2"] = [pages.crew_v2(pages.DIRECTORS, pages.DIRECTOR)]
        assert billed(read(props, REFERENCE), CreditCategory.DIRECTOR) == [(*pages.DIRECTOR, ())]


class TestFindingTheJson:
    TITLE = title_html(pages.v2())
    SCRIPT = '<script id="__NEXT_DATA__" type="application/json">'

    @pytest.mark.parametrize(
        "tag",
        [
            '<script type="application/json" id="__NEXT_DATA__">',
            '<script nonce="a" id=\'__NEXT_DATA__\' crossorigin type="application/json">',
            "<script\n id = __NEXT_DATA__\n type=application/json >",
        ],
    )
    def test_attributes_in_any_order(self, tag: str) -> None:
        assert self.SCRIPT in self.TITLE
        body = self.TITLE.replace(self.SCRIPT, tag)
        assert parse_title(pages.page(body)).provenance.found_by == "next_data"

    @pytest.mark.parametrize(
        "decoy",
        [
            '<script>var d = document.getElementById("__NEXT_DATA__");</script>',
            '<div id="__NEXT_DATA__">{"props": 1}</div>',
            '<script data-id="__NEXT_DATA__">{"props": 1}</script>',
            "<p>__NEXT_DATA__</p>",
        ],
    )
    @pytest.mark.parametrize("place", ["<head>", "</body>"])
    def test_only_the_script_counts(self, decoy: str, place: str) -> None:
        body = self.TITLE.replace(place, f"{place}{decoy}")
        assert decoy in body
        assert parse_title(pages.page(body)).imdb_id == pages.TITLE_ID

    @pytest.mark.parametrize("before", [0, 1000])
    @pytest.mark.parametrize("behind", [0, 127, 128, 1000])
    def test_the_script_may_stand_anywhere(self, before: int, behind: int) -> None:
        script = self.TITLE[self.TITLE.index(self.SCRIPT) :].partition("</script>")[0]
        assert script.count("<") == 1
        body = f"<html>{'<p></p>' * before}{script}</script>{'<p></p>' * behind}</html>"
        assert parse_title(pages.page(body)) == parse_title(pages.page(self.TITLE))

    def test_a_tag_that_does_not_end_is_no_script(self) -> None:
        open_tag = f'<script id="__NEXT_DATA__" {"a " * 200_000}</script></body>'
        body = self.TITLE.replace("</body>", open_tag)
        assert parse_title(pages.page(body)).imdb_id == pages.TITLE_ID

    def test_a_tag_that_begins_another_is_no_script(self) -> None:
        tag = '<script </script id="__NEXT_DATA__">x</script></body>'
        body = self.TITLE.replace("</body>", tag)
        assert parse_title(pages.page(body)).imdb_id == pages.TITLE_ID

    @pytest.mark.parametrize("behind", [0, 10, 1000])
    def test_of_two_scripts_the_last_counts(self, behind: int) -> None:
        other = f'{self.SCRIPT}{{"props": 1}}</script>'
        body = self.TITLE.replace("<head>", f"<head>{other}") + "<p></p>" * behind
        assert parse_title(pages.page(body)).imdb_id == pages.TITLE_ID

    @pytest.mark.parametrize("plot", ["1 < 2", "<b>bold</b> < </scrip", "a <", "</ script>"])
    def test_a_bare_angle_bracket_does_not_end_the_json(self, plot: str) -> None:
        props = pages.v2()
        props["aboveTheFoldData"]["plot"] = {"plotText": {"plainText": plot}}
        body = title_html(props).replace("\\u003c", "<")
        assert plot in body
        assert parse_title(pages.page(body)).plot == plot

    @pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf", b"\n  ", b"\xef\xbb\xbf\r\n"])
    @pytest.mark.parametrize("indent", [None, 2])
    def test_a_body_may_be_the_json_itself(self, prefix: bytes, indent: int | None) -> None:
        text = json.dumps(json.loads(pages.next_data(pages.v2())), indent=indent)
        assert parse_title(pages.page(prefix + text.encode())).votes == 1234

    def test_a_route_that_is_not_said(self) -> None:
        assert read(pages.v2(), None).imdb_id == pages.TITLE_ID

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ("{", "__NEXT_DATA__"),
            ("[]", "__NEXT_DATA__"),
            ("null", "__NEXT_DATA__"),
            ("{}", "props"),
            ('{"props":{"pageProps":null}}', "props.pageProps"),
            ('{"props":' * 100_000, "__NEXT_DATA__"),
            ('{"x":' + "[" * 100_000, "__NEXT_DATA__"),
            ('{"props":{"pageProps":{}}} trailing', "__NEXT_DATA__"),
        ],
        ids=lambda text: text[:30],
    )
    def test_damaged_json_is_an_error_and_no_reason_to_fall_back(
        self, data: str, field: str
    ) -> None:
        body = pages.html_page(data, head=pages.json_ld(), body=pages.full_markup())
        with pytest.raises(PageChanged) as caught:
            parse_title(pages.page(body))
        assert caught.value.field == field

    @pytest.mark.parametrize("number", ["1e999", "9" * 30, "9" * 5000, "NaN", "-0.5"])
    def test_hostile_numbers(self, number: str) -> None:
        body = self.TITLE.replace('"voteCount": 1234', f'"voteCount": {number}')
        with pytest.raises((PageChanged, InvalidTitle)):
            parse_title(pages.page(body))

    @pytest.mark.parametrize("text", [b"\xff\xfe", b"\\ud800", b"\xed\xa0\x80"])
    def test_text_that_is_no_text(self, text: bytes) -> None:
        body = self.TITLE.encode().replace(b"The Quiet Harbour", text)
        with pytest.raises((PageChanged, InvalidTitle)):
            parse_title(pages.page(body))

    def test_a_page_cut_inside_the_json(self) -> None:
        cut = self.TITLE[: self.TITLE.index("voteCount")]
        with pytest.raises(PageChanged, match="cut short"):
            parse_title(pages.page(cut))


class TestOtherPages:
    @pytest.mark.parametrize(
        "route", ["/name/[nmconst]", "/title/[tconst]/releaseinfo", "/find", "/", "/chart/top"]
    )
    def test_another_page_of_imdb_is_named(self, route: str) -> None:
        with pytest.raises(PageChanged) as caught:
            read(pages.v2(), route)
        assert caught.value.field == "page"
        assert route in str(caught.value)

    @pytest.mark.parametrize("route", ["/404", "/_error"])
    def test_a_missing_title(self, route: str) -> None:
        with pytest.raises(TitleNotFound) as caught:
            read({"statusCode": 404}, route)
        assert caught.value.imdb_id == pages.TITLE_ID

    def test_an_error_page_of_the_server_is_not_a_missing_title(self) -> None:
        with pytest.raises(PageChanged):
            read({"statusCode": 500}, "/_error")

    def test_json_of_another_page(self) -> None:
        with pytest.raises(PageChanged) as caught:
            parse_title(pages.page(pages.next_data({}, None)))
        assert caught.value.field == A

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "   \n",
            "plain text",
            "<html><body><h1>Before you continue</h1><form>consent</form></body></html>",
            "<html><head><title>Error</title></head><body><h1>503</h1></body></html>",
            '<html><body><main><h1 data-testid="hero__pageTitle"></h1></main></body></html>',
            "<html><head>" + pages.canonical("/title/tt7654321/") + "</head></html>",
        ],
    )
    def test_a_page_that_is_no_title_is_never_taken_for_one(self, body: str) -> None:
        with pytest.raises(PageChanged):
            parse_title(pages.page(body))


@pytest.mark.parametrize(
    "route", ["/title/[tconst]", "/title/[tconst]/", "/title/[tconst]/reference/"]
)
def test_a_slash_at_the_end_of_a_route_makes_no_other_page(route: str) -> None:
    props = pages.reference("v2") if "reference" in route else pages.v2()
    page = pages.page(pages.title_html(props, route))
    assert parse_title(page).title == "The Quiet Harbour"
    assert identify(page).title_id == pages.TITLE_ID
