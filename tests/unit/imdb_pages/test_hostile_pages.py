"""Pages made to harm whoever reads them: each is read or refused, and at a bounded price.

Where the price is time, the page is made so large that a reader which is not linear would not come
to an end before the tests' own time limit.
"""

import json
import warnings
from typing import Any

import pytest

from domain.chart import ChartName
from domain.errors import PageChanged, ScraperError
from domain.title import Title
from infrastructure.scrapers.imdb_pages import identify, parse_chart, parse_title
from infrastructure.scrapers.imdb_pages.texts import unescaped
from tests.unit.imdb_pages import pages

pytestmark = pytest.mark.timeout(60)

HEADING = '<h1 data-testid="hero__pageTitle">T</h1>'
LINE = '<ul class="ipc-inline-list">'


def read(body: str | bytes) -> list[ScraperError]:
    """What the three readers refuse a page with."""
    page = pages.page(body, page_clock=True)
    refused = []
    for reader in (parse_title, lambda page: parse_chart(page, ChartName.TOP), identify):
        try:
            reader(page)
        except ScraperError as error:
            refused.append(error)
    return refused


def title_with(path: str, value: Any) -> Title:
    return parse_title(
        pages.page(pages.title_html(pages.having(pages.v1(), path, value)), page_clock=True)
    )


def with_main(inner: str) -> str:
    return pages.html_page(None, body=f"<main>{inner}</main>")


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "right"),
        [
            ("&#65;&#x41;&#0065;", "AAA"),
            ("&#" + "0" * 9000 + "65;", "A"),
            # What the HTML standard puts in the place of a character that there is not.
            ("a&#" + "1" * 9000 + ";b", "a\ufffdb"),
            ("a&#" + "1" * 9000 + "b", "a\ufffdb"),
            ("&#x" + "1" * 9000 + ";", "\ufffd"),
            ("&#1114112;", "\ufffd"),
            ("&#10000000", "\ufffd"),
            ("&amp;#" + "1" * 9000 + ";", "&#" + "1" * 9000 + ";"),
        ],
    )
    def test_character_references(self, text: str, right: str) -> None:
        assert unescaped(text) == right

    def test_a_reference_of_5000_digits_in_the_json_ld(self) -> None:
        body = pages.html_page(
            None, head=pages.json_ld(name="x&#" + "1" * 5000 + ";"), body=pages.full_markup()
        )
        title = parse_title(pages.page(body.replace("Der stille Hafen</div>", "</div>")))
        assert title.original_title == "x\ufffd"

    def test_a_reference_of_5000_digits_in_the_markup(self) -> None:
        block = pages.title_block("2014", original="x&#" + "1" * 5000 + ";")
        body = pages.html_page(None, head=pages.json_ld(), body=pages.markup(block))
        assert parse_title(pages.page(body)).original_title == "x\ufffd"

    @pytest.mark.parametrize("digits", [30, 4000, 5_000_000])
    @pytest.mark.parametrize("sign", ["", "-", "0."])
    def test_a_number_of_very_many_digits_in_the_json(self, sign: str, digits: int) -> None:
        page = pages.title_html(pages.v1()).replace(
            '"voteCount": 1234', f'"voteCount": {sign}{"9" * digits}'
        )
        errors = read(page)
        assert errors
        assert all(len(str(error)) < 500 for error in errors)


class TestMessages:
    @pytest.mark.parametrize(
        "path",
        [
            "aboveTheFoldData.titleType.id",
            "aboveTheFoldData.id",
            "aboveTheFoldData.releaseYear.year",
            "aboveTheFoldData.certificate.rating",
            "requestContext.timestamp",
        ],
    )
    @pytest.mark.parametrize("value", ["x" * 3_000_000, ["x" * 3_000_000], "\0" * 3_000_000])
    def test_do_not_quote_a_whole_page(self, path: str, value: object) -> None:
        page = pages.title_html(pages.having(pages.v1(), path, value))
        for error in read(page):
            assert len(str(error)) < 500, str(error)[:200]

    @pytest.mark.parametrize("props", [pages.v1(), pages.reference("v2")])
    def test_of_a_credit_on_a_page_with_an_id_without_end(self, props: dict[str, Any]) -> None:
        props = pages.having(props, "aboveTheFoldData.id", "tt" + "1" * 3_000_000)
        for path in ("mainColumnData.directors.0.credits.0.name.nameText.text",
                     "mainColumnData.categories.0.section.items.0.rowTitle"):  # fmt: skip
            if path.split(".")[1] in props["mainColumnData"]:
                props = pages.having(props, path, "")
        route = "/title/[tconst]" + ("" if "tconst" in props else "/reference")
        errors = read(pages.title_html(props, route))
        assert "imdb_id" in str(errors[0])
        assert all(len(str(error)) < 500 for error in errors)

    def test_of_a_route_without_end(self) -> None:
        for error in read(pages.title_html(pages.v1(), "/chart/" + "x" * 3_000_000)):
            assert len(str(error)) < 500


class TestTimes:
    @pytest.mark.parametrize(
        "timestamp", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"]
    )
    def test_a_time_that_utc_does_not_have_is_refused(self, timestamp: str) -> None:
        with pytest.raises(PageChanged, match=r"requestContext\.timestamp"):
            title_with("requestContext.timestamp", timestamp)


class TestDepth:
    @pytest.mark.parametrize(
        "hostile", ["[" * 3_000_000, '{"a":' * 1_000_000, "[" * 900 + "]" * 900]
    )
    def test_json_in_json(self, hostile: str) -> None:
        for where in ("next", "ld"):
            data = f'{{"@type": "Movie", "name": {hostile}, "props": {hostile}}}'
            head = f'<script type="application/ld+json">{data}</script>' if where == "ld" else ""
            errors = read(pages.html_page(data if where == "next" else None, head=head))
            assert any(isinstance(error, PageChanged) for error in errors)

    @pytest.mark.parametrize(
        "tag",
        [
            '<div data-testid="title-cast-item">',
            "<li><a href=x>",
            '<li data-testid="title-pc-principal-credit"><span>Star</span><ul><a href=/name/nm1>',
            "<b>",
        ],
    )
    def test_elements_in_elements(self, tag: str) -> None:
        errors = read(with_main(HEADING + LINE + tag * 10_000))
        assert "nested" in str(errors[0]) or "elements" in str(errors[0])

    def test_rows_in_rows(self) -> None:
        row = '<li class="ipc-metadata-list-summary-item"><a href="/title/tt7000001/"><div>'
        errors = read(pages.html_page(None, body=row * 10_000))
        assert len(errors) == 2

    def test_a_page_as_deep_as_pages_are(self) -> None:
        block = pages.title_block(f"{'<span>' * 20}2014{'</span>' * 20}")
        body = pages.html_page(None, head=pages.json_ld(), body=pages.markup(block))
        assert parse_title(pages.page(body)).year == 2014


class TestQuantity:
    def test_elements(self) -> None:
        errors = read(with_main(HEADING + LINE + "<li>2014</li>" * 100_000))
        assert "more elements" in str(errors[0])

    def test_attributes(self) -> None:
        attributes = " ".join(f"a{number}=1" for number in range(600_000))
        assert "larger" in str(read(with_main(f"{HEADING}<ul {attributes}></ul>"))[0])

    @pytest.mark.parametrize(
        "part",
        [
            "<link" + " rel=canonical" * 70,
            '<meta content="' + ' "og:url"' * 200,
            "<script" + " type=application/ld+json" * 20,
            "<script" + " id=__NEXT_DATA__x" * 50,
            "__NEXT_DATA__",
            "<script id=__NEXT_DATA__ ",
            ">Original title:",
            'data-testid="chart-layout-total-items"',
            "Showing <span>",
            "<main ",
            "&#" + "1" * 500,
            "&" + "a" * 500,
        ],
    )
    def test_of_what_the_readers_look_for(self, part: str) -> None:
        much = part * (30_000_000 // len(part))
        assert read(pages.html_page(None, head=much))
        assert read(with_main(HEADING + much[:7_000_000]))

    @pytest.mark.parametrize("spaces", [" ", "\n", " \t"])
    def test_spaces_after_a_word_that_is_looked_for(self, spaces: str) -> None:
        for word in (">Original title:", "Showing", 'chart-layout-total-items">', "<main"):
            assert read(with_main(HEADING + word + spaces * 1_000_000))

    def test_one_person_in_very_many_credits(self) -> None:
        count = 100_000
        edges = [
            {
                "node": {
                    "name": pages.name("nm0000001", "A"),
                    "characters": [{"name": f"Number {number}"}],
                }
            }
            for number in range(count)
        ]
        (actor,) = title_with("mainColumnData.cast.edges", edges).credits[-1:]
        assert len(actor.characters) == count
        assert actor.characters[-1] == f"Number {count - 1}"


class TestEntities:
    BOMB = (
        '<?xml version="1.0"?><!DOCTYPE html [<!ENTITY a "aaaaaaaaaaaaaaaa">'
        + "".join(
            f'<!ENTITY {name} "{f"&{of};" * 100}">'
            for of, name in zip("abcdefg", "bcdefgh", strict=True)
        )
        + '<!ENTITY file SYSTEM "file:///etc/passwd">]>'
    )

    @pytest.mark.parametrize("entity", ["h", "file"])
    def test_declared_by_a_page_are_not_expanded(self, entity: str) -> None:
        block = pages.title_block(pages.linked("releaseinfo", "2014"), title=f"T &{entity};")
        body = pages.html_page(None, head=pages.json_ld(), body=pages.markup(block))
        title = parse_title(pages.page(self.BOMB + body))
        assert title.title == f"T &{entity};"

    def test_in_the_rows_of_a_chart(self) -> None:
        row = '<td class="titleColumn">&h;1. <a href="/title/tt7000001/">&file;</a></td>'
        body = f"Showing <span>1</span> Titles<table><tr>{row}</tr></table>"
        page = pages.page(self.BOMB + pages.html_page(None, body=body))
        assert [entry.rank for entry in parse_chart(page, ChartName.TOP).entries] == [1]


@pytest.mark.parametrize(
    "body",
    [
        with_main("poster.html"),
        with_main("https://www.imdb.com/title/tt7654321/"),
        '<?xml version="1.0"?><x>' + "</html>",
        "<?xml ?></html>",
    ],
)
def test_no_library_warns_the_user_of_a_page(body: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(body)


def test_duplicate_keys_in_json_are_no_way_around_a_rule() -> None:
    data = pages.next_data(pages.v1())
    twice = data.replace('"voteCount": 1234', '"voteCount": 1234, "voteCount": -5')
    assert json.loads(twice) != json.loads(data)
    assert "votes -5" in str(read(pages.html_page(twice))[0])
