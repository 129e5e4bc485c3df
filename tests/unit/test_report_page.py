"""The page of the report: what it says, and that nobody's title can do anything in it."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser

import pytest

from application.title_statistics import TitleStatistics
from domain.title import CreditCategory, Title, TitleKind
from infrastructure.report_page import page_of
from infrastructure.report_page.tables import KINDS
from tests.builders import a_title, credit, person_number

EVIL = "</script><img src=x onerror=alert(1)>\"'&<b>|{{ 7 * 7 }}\u2028"


def page(*titles: Title) -> str:
    found = TitleStatistics()
    found.add(titles)
    return page_of(found, made_at=datetime(2026, 1, 31, 12, tzinfo=UTC), origin="CSV files")


class Reader(HTMLParser):
    """What is in a page: headings, cells by table, tags, and the text of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.scripts: list[str] = []
        self.answers: list[str] = []
        self._open: list[str] = []
        self._table: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in {"caption", "th", "td", "script", "tr", "p"}:
            self._open.append(tag)
        if tag == "caption":
            self._table = []
        if tag == "tr":
            self._table.append([])
        if tag in {"th", "td"}:
            self._table[-1].append("")
        if tag == "p":
            self.answers.append("")

    def handle_endtag(self, tag):
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data):
        inside = self._open[-1] if self._open else None
        if inside == "caption":
            self.tables[data] = self._table
        elif inside in {"th", "td"}:
            self._table[-1][-1] += data
        elif inside == "script":
            self.scripts.append(data)
        elif inside == "p":
            self.answers[-1] += data


def figures(html: str) -> dict[str, dict]:
    (script,) = [text for text in Reader(html).scripts if text.lstrip().startswith("const FIGURES")]
    lines = re.findall(r"^(\w+): (\{.*\}),$", script, re.MULTILINE)
    return {name: json.loads(text) for name, text in lines}


def two_of(number: int, **changes: object) -> Title:
    cast = (
        credit(person_number(1), 1, category=CreditCategory.DIRECTOR),
        credit(person_number(2), 1),
    )
    return a_title(number, credits=cast, **changes)


def test_tables_have_the_figures():
    read = Reader(
        page(
            two_of(1, year=1991, rating=8.0, votes=2_000, runtime_minutes=90, metascore=95),
            two_of(2, year=1999, rating=9.0, votes=5_000, runtime_minutes=120, metascore=None),
            a_title(3, kind=TitleKind.TV_SERIES, year=2004, rating=None, votes=None, credits=(),
                    runtime_minutes=None, metascore=None, genres=()),
        )
    )  # fmt: skip
    assert read.tables["Titles by decade and kind"] == [
        ["decade", "kind", "titles", "mean rating", "votes"],
        ["1990s", "films", "2", "8.50", "7,000"],
        ["2000s", "series", "1", "–", "–"],
    ]
    assert read.tables["Runtimes in minutes by decade and kind"][1:] == [
        ["1990s", "films", "2", "90", "97.5", "105.0", "112.5", "120"]
    ]
    assert read.tables["The best rated title of each year and kind"][1:] == [
        ["1999", "films", "Title 2", "9.0", "5,000"],
        ["1991", "films", "Title 1", "8.0", "2,000"],
    ]
    assert read.tables["What critics like better than users"][1:] == [
        ["Title 1", "1991", "8.0", "95", "+15"]
    ]
    assert "What users like better than critics" not in read.tables
    assert read.tables["Directors with their cast"][1:] == [
        ["Person 1", "Person 2", "2", "8.50", "1991–1999"]
    ]
    assert "Most are of the 1990s: 2 of the 3 with a known year." in read.answers


def test_plots_have_the_figures():
    found = figures(page(two_of(1, year=1991), two_of(2, year=1999), two_of(3, year=2004)))
    assert set(found) == {
        "decades", "genres", "runtimes", "ratings", "critics", "best", "together",
    }  # fmt: skip
    (bars,) = found["decades"]["data"]
    assert (bars["name"], bars["x"], bars["y"]) == ("films", ["1990s", "2000s"], [2, 1])


def test_of_titles_of_which_nothing_is_known_it_says_so():
    bare = Title(
        imdb_id=a_title().imdb_id,
        kind=TitleKind.MOVIE,
        title="Bare",
        provenance=a_title().provenance,
    )
    html = page(bare)
    read = Reader(html)
    assert read.tables == {}
    assert figures(html) == {}
    assert [
        answer for answer in read.answers if re.match("No |The (year|genre) of no", answer)
    ] == [
        "The year of no title is known.",
        "The genre of no title is known.",
        "No title has both a known year and a known runtime.",
        "No title has both a known year and a rating.",
        "No title has both a rating and a metascore.",
        "No title with a known year and a rating has 1,000 votes.",
        "No two people have made more than one title together.",
        "No person of any title is known by an id.",
    ]


def test_titles_names_and_genres_of_others_are_text():
    evil = replace(
        two_of(1, title=EVIL, genres=(EVIL,)),
        credits=tuple(replace(c, name=EVIL) for c in two_of(1).credits),
    )
    html = page(evil, replace(evil, imdb_id=a_title(2).imdb_id))
    read = Reader(html)
    tags = {tag for tag, _ in read.tags}
    assert "img" not in tags
    assert "b" not in tags
    assert len([tag for tag, _ in read.tags if tag == "script"]) == 2
    assert read.tables["Titles by genre"][1][0] == EVIL
    assert read.tables["The best rated title of each year and kind"][1][2] == EVIL
    (bars,) = figures(html)["genres"]["data"]
    ((label, _),) = bars["customdata"]
    assert "<" not in label
    assert unescape(label) == EVIL
    assert "\u2028" not in "".join(read.scripts[1:])


def test_it_refers_to_nothing_that_a_browser_would_load():
    read = Reader(page(two_of(1), two_of(2)))
    for tag, attributes in read.tags:
        if tag in {"script", "img", "iframe"}:
            assert "src" not in attributes
        if tag == "link":
            assert attributes["href"] == "data:,"
        if tag == "a":
            target = attributes["href"]
            assert target.startswith(
                ("#", "https://www.imdb.com/title/tt", "https://www.imdb.com/name/nm")
            )
    (policy,) = [a["content"] for t, a in read.tags if t == "meta" and "http-equiv" in a]
    assert policy.startswith("default-src 'none';")


def test_tables_can_be_read_out():
    read = Reader(page(two_of(1), two_of(2)))
    tables = sum(tag == "table" for tag, _ in read.tags)
    assert tables == sum(tag == "caption" for tag, _ in read.tags) == len(read.tables)
    scopes = [attributes.get("scope") for tag, attributes in read.tags if tag == "th"]
    assert set(scopes) == {"col", "row"}
    plots = [a for _, a in read.tags if a.get("class") == "plot"]
    assert all(a["role"] == "img" and a["aria-label"] for a in plots)


@pytest.mark.parametrize("kind", TitleKind)
def test_every_kind_has_a_word(kind):
    assert KINDS[kind.value]


def test_many_kinds_and_years_fit():
    titles = [
        a_title(number, kind=list(TitleKind)[number % 13], year=1900 + number % 120)
        for number in range(1, 400)
    ]
    html = page(*titles)
    assert len(figures(html)["best"]["data"]) == 13
