"""Filters as they are given and checked, and titles from the first of several sources."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.list_titles import Listing, ListTitles
from domain.discovery import GENRES, SortBy, Span, TitleFilter, genre_named, keyword_named
from domain.errors import (
    InvalidFilter,
    InvalidTitle,
    ListNotFound,
    PageChanged,
    RunStopped,
    ScraperError,
    SourceBlocked,
)
from domain.identifiers import list_id_from
from domain.lists import ListedTitle, TitleList
from domain.title import TitleKind
from infrastructure.cli.filters import filter_from
from infrastructure.scrapers.imdb_graphql import discovery as graphql
from infrastructure.scrapers.imdb_html import discovery as html


class TestOptions:
    @pytest.mark.parametrize(
        ("text", "span"),
        [
            ("1970-1979", Span(1970, 1979)),
            (" 1970 - 1979 ", Span(1970, 1979)),
            ("1999", Span(1999, 1999)),
            ("2020-", Span(2020, None)),
            ("-1930", Span(None, 1930)),
        ],
    )
    def test_from_to(self, text: str, span: Span[int]) -> None:
        assert filter_from(year=text).years == span

    def test_thousands_may_have_commas_and_ratings_a_fraction(self) -> None:
        wanted = filter_from(votes="10,000-", rating="7.5-10")
        assert (wanted.votes, wanted.ratings) == (Span(10_000, None), Span(7.5, 10.0))

    def test_min_votes(self) -> None:
        assert filter_from(min_votes="1,500").votes == Span(1500, None)

    def test_names_as_people_write_them(self) -> None:
        wanted = filter_from(
            kinds=["MOVIE", "tvseries"],
            genres=["sci fi", "HORROR", "film noir"],
            countries=["us"],
            languages=["JA"],
            keywords=["Time  Travel"],
            people=["https://www.imdb.com/name/nm0634240/?ref_=x"],
            rated_by="https://www.imdb.com/user/ur12345678/ratings",
            words="  the   godfather ",
            sort="Rating",
        )
        assert wanted == TitleFilter(
            kinds=(TitleKind.MOVIE, TitleKind.TV_SERIES),
            genres=("Sci-Fi", "Horror", "Film-Noir"),
            countries=("US",),
            languages=("ja",),
            keywords=("time-travel",),
            people=("nm0634240",),
            rated_by="ur12345678",
            words="the godfather",
            sort=SortBy.RATING,
        )

    def test_all_problems_at_once(self) -> None:
        with pytest.raises(InvalidFilter) as caught:
            filter_from(
                kinds=["film"], genres=["horor"], year="1989-1970", rating="0-11", votes="many",
                runtime="0-", countries=["USA!"], languages=["english"], keywords=["?"],
                words="...", people=["tt0111161"], sort="best", limit="0",
            )  # fmt: skip
        told = "\n".join(caught.value.problems)
        for problem in (
            "kind 'film': known are movie, tvSeries",
            "genre 'horor': known are Action, Adventure",
            "year 1989-1970: the first is more than the second",
            "rating 0: must be from 1 to 10",
            "rating 11: must be from 1 to 10",
            "votes 'many': must be whole numbers such as",
            "runtime 0: must be from 1",
            "country 'USA!': must be a code",
            "language 'english': must be a code",
            "keyword '?': has neither a letter nor a digit",
            "title '...': has neither a letter nor a digit",
            "person 'tt0111161': is a title, not a person",
            "sort 'best': known are popularity, title",
            "limit 0: must be from 1 to 10,000",
        ):
            assert problem in told
        assert len(caught.value.problems) == 14

    @pytest.mark.parametrize(
        ("given_", "problem"),
        [
            ({"year": "-"}, "must be whole numbers"),
            ({"year": ""}, "must be whole numbers"),
            ({"year": "1970-1979-1980"}, "must be whole numbers"),
            ({"year": "1999.5"}, "must be whole numbers"),
            ({"year": "1700-"}, "year 1700: must be from 1,874"),
            ({"votes": "1-2", "min_votes": "1"}, "give one"),
            ({"min_votes": "-1"}, "min-votes '-1': must be a whole number"),
            ({"words": "a\x00b"}, "characters that no text"),
            ({"words": "x" * 301}, "301 characters"),
            ({"rated_by": "me"}, "user 'me': must be 'ur'"),
            ({"limit": "10001"}, "limit 10001"),
            ({"limit": "many"}, "limit 'many': must be a whole number"),
            ({"limit": "9" * 5000}, "must be a whole number"),
        ],
        ids=str,
    )
    def test_what_is_wrong_is_told(self, given_: dict[str, Any], problem: str) -> None:
        with pytest.raises(InvalidFilter, match=problem):
            filter_from(**given_)

    @given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
    def test_any_text_gives_a_filter_or_problems(self, a: str, b: str, c: str) -> None:
        try:
            wanted = filter_from(year=a, rating=b, genres=[b], keywords=[c], words=a)
        except InvalidFilter as error:
            assert error.problems  # noqa: PT017 - any filter that is none must say why
        else:
            assert not wanted.years.is_open
            assert set(wanted.genres) <= set(GENRES)

    @pytest.mark.parametrize("genre", GENRES)
    def test_every_genre_is_known_by_its_letters(self, genre: str) -> None:
        assert genre_named(genre.replace("-", " ").upper()) == genre

    def test_a_keyword_is_written_as_its_id(self) -> None:
        assert keyword_named(" Based on_novel ") == "based-on-novel"


class TestWhatIsAsked:
    WANTED = TitleFilter(
        kinds=(TitleKind.MOVIE, TitleKind.SHORT),
        genres=("Horror",),
        years=Span(1970, 1979),
        ratings=Span(7.5, None),
        votes=Span(None, 9000),
        runtimes=Span(60, 90),
        countries=("US", "IT"),
        languages=("en",),
        keywords=("time-travel",),
        people=("nm0634240",),
        companies=("co0040620",),
        words="the & house",
        sort=SortBy.RATING,
        limit=300,
    )

    def test_by_address(self) -> None:
        assert html.address_of("http://x", self.WANTED) == (
            "http://x/search/title/?title_type=movie,short&genres=Horror"
            "&release_date=1970-01-01,1979-12-31&user_rating=7.5,&num_votes=,9000&runtime=60,90"
            "&countries=US,IT&languages=en&keywords=time-travel&role=nm0634240"
            "&companies=co0040620"
            "&title=the+%26+house&sort=user_rating,desc&count=250"
        )

    def test_by_address_without_filters(self) -> None:
        assert html.address_of("http://x", TitleFilter(with_adult=True)) == (
            "http://x/search/title/?adult=include&sort=moviemeter,asc&count=50"
        )

    def test_of_the_api(self) -> None:
        assert graphql.variables_of(self.WANTED) == {
            "sort": {"sortBy": "USER_RATING", "sortOrder": "DESC"},
            "explicit": {"explicitContentFilter": "EXCLUDE_ADULT"},
            "kinds": {"anyTitleTypeIds": ["movie", "short"]},
            "genres": {"allGenreIds": ["Horror"]},
            "released": {"releaseDateRange": {"start": "1970-01-01", "end": "1979-12-31"}},
            "ratings": {"aggregateRatingRange": {"min": 7.5}, "ratingsCountRange": {"max": 9000}},
            "runtime": {"runtimeRangeMinutes": {"min": 60, "max": 90}},
            "countries": {"allCountries": ["US", "IT"]},
            "languages": {"allLanguages": ["en"]},
            "keywords": {"allKeywords": ["time-travel"]},
            "people": {"allNameIds": ["nm0634240"]},
            "companies": {"allCompanyIds": ["co0040620"]},
            "words": {"searchTerm": "the & house"},
        }

    def test_of_the_api_what_a_user_has_rated(self) -> None:
        variables = graphql.variables_of(TitleFilter(rated_by="ur12345678"))
        assert variables["ratedBy"] == {"filterType": "INCLUDE", "userId": "ur12345678"}

    def test_of_the_api_without_filters(self) -> None:
        assert graphql.variables_of(TitleFilter(with_adult=True)) == {
            "sort": {"sortBy": "POPULARITY", "sortOrder": "ASC"},
            "explicit": {"explicitContentFilter": "INCLUDE_ADULT"},
        }

    def test_every_order_has_a_name_everywhere(self) -> None:
        for sorts in (html.SORTS, graphql.SORTS):
            assert set(sorts) == set(SortBy)
            assert len(set(sorts.values())) == len(SortBy)


def a_title(number: int, **changes: Any) -> ListedTitle:
    return ListedTitle(imdb_id=f"tt{number:07}", title=f"Title {number}", **changes)


def a_page(*numbers: int, total: int = 5, **changes: Any) -> TitleList:
    return TitleList(total=total, titles=tuple(a_title(n, **changes) for n in numbers))


@dataclass
class Scripted:
    """A source that gives these pages, and raises the errors among them."""

    name: str
    script: Sequence[TitleList | ScraperError]
    asked: int = field(default=0)

    def pages(self, wanted: str) -> Iterator[TitleList]:
        for step in self.script:
            self.asked += 1
            if isinstance(step, ScraperError):
                raise step
            yield step


BLOCKED = SourceBlocked("http://x/", "challenge")
CHANGED = PageChanged("http://x/", "total")


class TestListing:
    def listed(
        self, *sources: Scripted, limit: int = 10, with_adult: bool = False
    ) -> tuple[list[int], Listing, list[str]]:
        told: list[str] = []
        ways = ListTitles(sources, told.append)
        listing = ways.execute("wanted", limit=limit, with_adult=with_adult)
        numbers = [int(title.imdb_id[2:]) for title in listing]
        return numbers, listing, told

    def test_page_after_page_of_the_first_source(self) -> None:
        second = Scripted("b", [a_page(9)])
        numbers, listing, told = self.listed(
            Scripted("a", [a_page(1, 2), a_page(3, 4), a_page(5)]), second
        )
        assert (numbers, told, second.asked) == ([1, 2, 3, 4, 5], [], 0)
        assert (listing.answered, listing.total, listing.is_cut) == (True, 5, False)

    def test_no_page_is_asked_for_that_is_not_wanted(self) -> None:
        source = Scripted("a", [a_page(1, 2), a_page(3, 4), a_page(5)])
        assert self.listed(source, limit=2)[0] == [1, 2]
        assert source.asked == 1
        assert self.listed(Scripted("a", source.script), limit=3)[0] == [1, 2, 3]

    def test_titles_come_as_their_pages_come(self) -> None:
        source = Scripted("a", [a_page(1), BLOCKED])
        listing = ListTitles([source], lambda line: None).execute("x", limit=9, with_adult=False)
        titles = iter(listing)
        assert next(titles) == a_title(1)
        assert source.asked == 1

    def test_the_next_source_goes_on_where_one_stops(self) -> None:
        numbers, listing, told = self.listed(
            Scripted("a", [a_page(1, 2)]), Scripted("b", [a_page(1, 2, 3), a_page(4, 5)])
        )
        assert numbers == [1, 2, 3, 4, 5]
        assert told == ["a gives no more than 2 of 5 titles"]
        assert not listing.is_cut

    @pytest.mark.parametrize(
        ("error", "state"), [(BLOCKED, "blocks us"), (CHANGED, "gives no answer")]
    )
    def test_the_next_source_goes_on_where_one_fails(self, error: ScraperError, state: str) -> None:
        numbers, listing, told = self.listed(
            Scripted("a", [a_page(1, 2), error]), Scripted("b", [a_page(2, 1, 3, 5, 4)])
        )
        assert numbers == [1, 2, 3, 5, 4]
        assert told == [f"a {state}: {error}"]
        assert not listing.is_cut

    def test_when_none_has_all_it_is_known(self) -> None:
        numbers, listing, _ = self.listed(Scripted("a", [a_page(1, 2)]), Scripted("b", [BLOCKED]))
        assert (numbers, listing.answered, listing.is_cut) == ([1, 2], True, True)

    def test_when_nobody_answers_that_is_known(self) -> None:
        numbers, listing, told = self.listed(Scripted("a", [BLOCKED]), Scripted("b", [CHANGED]))
        assert (numbers, listing.answered, listing.is_missing) == ([], False, False)
        assert len(told) == 2

    def test_nothing_is_an_answer(self) -> None:
        second = Scripted("b", [a_page(1)])
        numbers, listing, told = self.listed(Scripted("a", [a_page(total=0)]), second)
        assert (numbers, listing.answered, told, second.asked) == ([], True, [], 0)

    def test_a_list_that_is_missing_is_told_as_such(self) -> None:
        missing = ListNotFound("ls0000001", "http://x/")
        _, listing, told = self.listed(Scripted("a", [missing]), Scripted("b", [missing]))
        assert (listing.answered, listing.is_missing) == (False, True)
        assert told[0].startswith("a has none: list ls0000001: there is none, or it is private")

    def test_adult_titles_are_left_out_and_do_not_count_as_missing(self) -> None:
        script = [a_page(1, 2), a_page(3, is_adult=True), a_page(4, 5)]
        numbers, listing, told = self.listed(Scripted("a", script))
        assert (numbers, told, listing.is_cut) == ([1, 2, 4, 5], [], False)
        numbers, *_ = self.listed(Scripted("a", script), with_adult=True)
        assert numbers == [1, 2, 3, 4, 5]

    def test_what_is_left_out_is_made_up_for_by_what_comes_after(self) -> None:
        adult = a_page(1, 2, total=9, is_adult=True)
        numbers, listing, _ = self.listed(
            Scripted("a", [adult]), Scripted("b", [adult, a_page(3, 4, 5, total=9)]), limit=2
        )
        assert numbers == [3, 4]
        assert not listing.is_cut

    def test_a_stop_is_no_failure(self) -> None:
        with pytest.raises(RunStopped):
            self.listed(Scripted("a", [RunStopped("http://x/")]), Scripted("b", [a_page(1)]))

    def test_there_must_be_a_source(self) -> None:
        with pytest.raises(ValueError, match="at least one source"):
            ListTitles([], print)


@pytest.mark.parametrize(
    "text",
    [
        "ls048276758",
        " LS048276758 ",
        "https://www.imdb.com/list/ls048276758/",
        "www.imdb.com/list/ls048276758?ref_=x",
        "https://www.imdb.com/de/list/ls048276758/",
    ],
)
def test_a_list_by_id_or_address(text: str) -> None:
    assert list_id_from(text) == "ls048276758"


@pytest.mark.parametrize("text", ["", "ls1", "tt0111161", "https://x.com/list/ls048276758/"])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(InvalidTitle, match="must be 'ls' and 7 or more digits"):
        list_id_from(text)
