"""What may be searched for, which hits are kept, and in which order sources are asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.search_titles import SearchTitles
from domain.errors import (
    InvalidSearch,
    InvalidTitle,
    PageChanged,
    RunStopped,
    ScraperError,
    SourceBlocked,
    SourceUnavailable,
)
from domain.search import LONGEST_TEXT, SearchHit, SearchQuery, Thing
from domain.title import TitleKind
from infrastructure.scrapers.imdb_graphql import search as graphql
from infrastructure.scrapers.imdb_html import find
from infrastructure.scrapers.imdb_suggestion import source as suggestion


def a_hit(number: int = 133093, **changes: Any) -> SearchHit:
    facts: dict[str, Any] = {
        "imdb_id": f"tt{number:07}",
        "thing": Thing.TITLE,
        "name": "The Matrix",
        "kind": TitleKind.MOVIE,
        "year": 1999,
    }
    return SearchHit(**(facts | changes))


class TestQuery:
    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "nothing to search for"),
            (" \t\n ", "nothing to search for"),
            ("?!", "neither a letter nor a digit"),
            ("…—", "neither a letter nor a digit"),
            ("a\x00b", "characters that no title has"),
            ("a\udcffb", "characters that no title has"),
            ("x" * (LONGEST_TEXT + 1), "at most 300"),
        ],
    )
    def test_what_nobody_can_find_is_refused(self, text: str, problem: str) -> None:
        with pytest.raises(InvalidSearch, match=problem):
            SearchQuery(text=text)

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ("  the \n matrix ", "the matrix"),
            ("Ame\u0301lie", "Amélie"),
            ("七人の侍", "七人の侍"),
            ("9", "9"),
            ("x" * LONGEST_TEXT, "x" * LONGEST_TEXT),
        ],
    )
    def test_the_text_is_what_people_see(self, text: str, kept: str) -> None:
        assert SearchQuery(text=text).text == kept

    @pytest.mark.parametrize(
        ("filters", "problem"),
        [
            ({"year": 1873}, "year 1873"),
            ({"limit": 0}, "limit 0"),
            ({"limit": 1001}, "limit 1001"),
            ({"thing": Thing.PERSON, "year": 1999}, "people have no year"),
            ({"thing": Thing.PERSON, "kind": TitleKind.MOVIE}, "people have no year"),
            ({"thing": Thing.COMPANY, "year": 1999}, "companies have no year"),
            ({"thing": Thing.KEYWORD, "kind": TitleKind.MOVIE}, "keywords have no year"),
        ],
    )
    def test_filters_that_make_no_sense(self, filters: dict[str, Any], problem: str) -> None:
        with pytest.raises(InvalidSearch, match=problem):
            SearchQuery(text="matrix", **filters)

    @pytest.mark.parametrize(
        ("hit", "filters", "accepted"),
        [
            ({}, {}, True),
            ({}, {"year": 1999}, True),
            ({}, {"year": 2003}, False),
            ({"year": None}, {"year": 1999}, False),
            ({"year": 1993, "end_year": 2001}, {"year": 1999}, True),
            ({"year": 1993, "end_year": 1998}, {"year": 1999}, False),
            ({}, {"kind": TitleKind.MOVIE}, True),
            ({}, {"kind": TitleKind.SHORT}, False),
            ({"kind": None}, {"kind": TitleKind.MOVIE}, False),
            ({"is_adult": True}, {}, False),
            ({"is_adult": True}, {"with_adult": True}, True),
            ({"is_adult": False}, {}, True),
            ({}, {"thing": Thing.PERSON}, False),
            ({"thing": Thing.COMPANY, "imdb_id": "co0000001"}, {"thing": Thing.COMPANY}, True),
            ({"thing": Thing.COMPANY, "imdb_id": "co0000001"}, {"thing": Thing.KEYWORD}, False),
        ],
    )
    def test_accepts(self, hit: dict[str, Any], filters: dict[str, Any], accepted: bool) -> None:
        assert SearchQuery(text="matrix", **filters).accepts(a_hit(**hit)) is accepted


@pytest.mark.parametrize(
    "wrong",
    [
        {"imdb_id": "nm0000206"},
        {"thing": Thing.PERSON},
        {"thing": Thing.COMPANY},
        {"thing": Thing.COMPANY, "imdb_id": "co123456"},
        {"thing": Thing.KEYWORD, "imdb_id": "co0000001"},
        {"thing": Thing.KEYWORD, "imdb_id": "prison-escape"},
        {"title_count": -1},
        {"company_type": ""},
        {"country": ""},
        {"name": ""},
        {"year": 0},
        {"rank": 0},
        {"votes": -1},
        {"rating": 10.1},
        {"rating": float("nan")},
        {"stars": ("",)},
        {"image_url": ""},
    ],
)
def test_a_hit_keeps_the_rules(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidTitle):
        a_hit(**wrong)


def test_a_keyword_as_addresses_write_it() -> None:
    hit = a_hit(thing=Thing.KEYWORD, imdb_id="kw0000001", name="escape from  prison")
    assert hit.keyword == "escape-from-prison"
    assert a_hit(name="prison escape").keyword is None


@dataclass
class FakeSearch:
    """Gives what it was given, and counts how often it was asked."""

    name: str
    answer: Sequence[SearchHit] | ScraperError
    asked: int = field(default=0)

    def find(self, query: SearchQuery) -> Sequence[SearchHit]:
        self.asked += 1
        if isinstance(self.answer, ScraperError):
            raise self.answer
        return self.answer


QUERY = SearchQuery(text="the matrix", limit=2)
BLOCKED = SourceBlocked("http://a", "HTTP 202, AWS WAF challenge")


class TestChain:
    def test_the_first_with_hits_is_enough(self) -> None:
        second = FakeSearch("second", [a_hit(2)])
        outcome = SearchTitles([FakeSearch("first", [a_hit(1)]), second], self.fail).execute(QUERY)
        assert (outcome.hits, outcome.found_by, outcome.answered) == ((a_hit(1),), "first", True)
        assert second.asked == 0

    def fail(self, line: str) -> None:
        pytest.fail(line)

    def test_one_without_hits_is_not_the_last_word(self) -> None:
        searches = [FakeSearch("first", []), FakeSearch("second", [a_hit(2)])]
        assert SearchTitles(searches, self.fail).execute(QUERY).found_by == "second"

    def test_nor_is_one_whose_hits_are_of_another_year(self) -> None:
        searches = [
            FakeSearch("first", [a_hit(1, year=2003)]),
            FakeSearch("second", [a_hit(2, year=1999)]),
        ]
        query = SearchQuery(text="the matrix", year=1999)
        assert SearchTitles(searches, self.fail).execute(query).hits == (a_hit(2),)

    def test_each_hit_once_and_no_more_than_asked_for(self) -> None:
        hits = [a_hit(1), a_hit(1, name="Again"), a_hit(2), a_hit(3)]
        outcome = SearchTitles([FakeSearch("first", hits)], self.fail).execute(QUERY)
        assert outcome.hits == (a_hit(1), a_hit(2))

    @pytest.mark.parametrize(
        ("error", "line"),
        [
            (BLOCKED, "first blocks us: http://a: blocked (HTTP 202, AWS WAF challenge)"),
            (SourceUnavailable("http://a", "timed out"), "first gives no answer: http://a: timed"),
            (PageChanged("http://a", "d"), "first gives no answer: http://a: d: missing"),
        ],
    )
    def test_one_that_fails_is_named_and_the_next_is_asked(
        self, error: ScraperError, line: str
    ) -> None:
        told: list[str] = []
        searches = [FakeSearch("first", error), FakeSearch("second", [a_hit()])]
        assert SearchTitles(searches, told.append).execute(QUERY).found_by == "second"
        assert len(told) == 1
        assert told[0].startswith(line)

    def test_nothing_found_is_another_thing_than_no_answer(self) -> None:
        empty, blocked = FakeSearch("empty", []), FakeSearch("blocked", BLOCKED)
        assert SearchTitles([empty, blocked], lambda line: None).execute(QUERY).answered
        assert not SearchTitles([blocked, blocked], lambda line: None).execute(QUERY).answered

    def test_a_stopped_program_asks_nobody_else(self) -> None:
        second = FakeSearch("second", [a_hit()])
        chain = SearchTitles([FakeSearch("first", RunStopped("http://a")), second], self.fail)
        with pytest.raises(RunStopped):
            chain.execute(QUERY)
        assert second.asked == 0

    def test_it_needs_somebody_to_ask(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            SearchTitles([], self.fail)
        with pytest.raises(ValueError, match="at least one"):
            SearchTitles([FakeSearch("first", [])], self.fail, instead={Thing.KEYWORD: []})

    def test_for_some_things_others_are_asked(self) -> None:
        first, second = FakeSearch("first", []), FakeSearch("second", [])
        chain = SearchTitles([first, second], self.fail, instead={Thing.KEYWORD: [second]})
        chain.execute(SearchQuery(text="prison", thing=Thing.KEYWORD))
        assert (first.asked, second.asked) == (0, 1)
        chain.execute(SearchQuery(text="prison", thing=Thing.COMPANY))
        assert (first.asked, second.asked) == (1, 2)


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "quoted"),
        [
            ("The Matrix", "the%20matrix"),
            ("50/50", "50%2F50"),
            ("Who? #1 100%", "who%3F%20%231%20100%25"),
            ("../../a", "..%2F..%2Fa"),
            ("七人", "%E4%B8%83%E4%BA%BA"),
            ("a+b&c=d", "a%2Bb%26c%3Dd"),
        ],
    )
    def test_suggestions(self, text: str, quoted: str) -> None:
        query = SearchQuery(text=text)
        expected = f"http://s/titles/x/{quoted}.json?includeVideos=0"
        assert suggestion.address_of("http://s", query) == expected

    def test_suggestions_of_people(self) -> None:
        query = SearchQuery(text="Agnès Varda", thing=Thing.PERSON)
        address = suggestion.address_of("http://s", query)
        assert address == "http://s/names/x/agn%C3%A8s%20varda.json?includeVideos=0"

    def test_companies_are_among_suggestions_of_all_sorts(self) -> None:
        query = SearchQuery(text="Castle Rock", thing=Thing.COMPANY)
        address = suggestion.address_of("http://s", query)
        assert address == "http://s/x/castle%20rock.json?includeVideos=0"

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (SearchQuery(text="50/50 & more?"), "q=50%2F50+%26+more%3F&s=tt"),
            (
                SearchQuery(text="heat", year=1995, kind=TitleKind.MOVIE),
                "q=heat+1995&s=tt&ttype=ft",
            ),
            (SearchQuery(text="heat", kind=TitleKind.SHORT), "q=heat&s=tt"),
            (SearchQuery(text="heat", with_adult=True), "q=heat&s=tt&adult=include"),
            (SearchQuery(text="varda", thing=Thing.PERSON), "q=varda&s=nm"),
            (SearchQuery(text="castle rock", thing=Thing.COMPANY), "q=castle+rock&s=co"),
            (SearchQuery(text="prison", thing=Thing.KEYWORD), "q=prison&s=kw"),
        ],
    )
    def test_find_page(self, query: SearchQuery, expected: str) -> None:
        assert find.address_of("http://w", query) == f"http://w/find/?{expected}"

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            (SearchQuery(text="50/50"), {"types": ["TITLE"], "adult": False}),
            (SearchQuery(text="50/50", thing=Thing.PERSON), {"types": ["NAME"], "adult": False}),
            (
                SearchQuery(text="50/50", thing=Thing.COMPANY),
                {"types": ["COMPANY"], "adult": False},
            ),
            (
                SearchQuery(text="50/50", thing=Thing.KEYWORD),
                {"types": ["KEYWORD"], "adult": False},
            ),
            (SearchQuery(text="50/50", with_adult=True), {"types": ["TITLE"], "adult": True}),
            (
                SearchQuery(text="50/50", year=2011, kind=TitleKind.MOVIE),
                {
                    "types": ["TITLE"],
                    "adult": False,
                    "kinds": ["MOVIE"],
                    "released": {"start": "2011-01-01", "end": "2011-12-31"},
                },
            ),
            (
                SearchQuery(text="50/50", year=2011, kind=TitleKind.TV_SERIES),
                {"types": ["TITLE"], "adult": False, "kinds": ["TV"]},
            ),
            (
                SearchQuery(text="50/50", kind=TitleKind.SHORT),
                {"types": ["TITLE"], "adult": False},
            ),
        ],
    )
    def test_questions_to_the_api(self, query: SearchQuery, expected: dict[str, Any]) -> None:
        assert graphql.variables_of(query) == expected | {"text": "50/50", "first": 50}

    @given(text=st.text(max_size=40))
    def test_whatever_the_text_says_is_only_a_part_of_the_path(self, text: str) -> None:
        try:
            query = SearchQuery(text=text)
        except InvalidSearch:
            return
        before, _, after = suggestion.address_of("http://s", query).partition("/titles/x/")
        assert (before, after.partition(".json?")[2]) == ("http://s", "includeVideos=0")
        assert not set(after.removesuffix(".json?includeVideos=0")) & set("/?#&=+ ")
