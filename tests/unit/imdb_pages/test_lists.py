"""Lists, searches, seasons and answers: what real ones have not shown, and damage of all sorts."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.details import DetailName
from domain.details.items import AlternativeTitle, CompanyCredit
from domain.errors import InvalidTitle, PageChanged, SourceBlocked, SourceError, TitleError
from domain.search import SearchHit, Thing
from domain.title import TitleKind
from infrastructure.scrapers.imdb_graphql.search_answer import read_hits
from infrastructure.scrapers.imdb_graphql.title_details import part_in
from infrastructure.scrapers.imdb_pages.calendar_page import read_calendar
from infrastructure.scrapers.imdb_pages.episodes_page import read_season
from infrastructure.scrapers.imdb_pages.find_page import read_find
from infrastructure.scrapers.imdb_pages.home_page import read_box_office
from infrastructure.scrapers.imdb_pages.list_page import read_list
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.ranked_list_page import read_ranked_list
from infrastructure.scrapers.imdb_pages.releaseinfo_page import read_release_info
from infrastructure.scrapers.imdb_pages.search_page import read_search
from infrastructure.scrapers.imdb_suggestion.suggestions import read_suggestions
from tests.unit.imdb_pages import pages
from tests.unit.test_parser_properties import JSON_VALUES, paths

ITEM = {
    "titleId": "tt7654321",
    "titleText": "The Quiet Harbour",
    "titleType": {"id": "tvSeries"},
    "originalTitleText": "Der stille Hafen",
    "releaseYear": 2014,
    "endYear": 2016,
    "runtime": 2700,
    "ratingSummary": {"aggregateRating": 7.4, "voteCount": 1234},
    "metascore": 61,
    "certificate": "PG-13",
    "genres": ["Drama"],
    "releaseDate": {"year": 2014, "month": 5, "day": None},
    "plot": "A captain says no.",
    "primaryImage": {"url": "https://example.org/poster.jpg"},
}
PERSON_ITEM = {
    "nameId": "nm7000001",
    "nameText": "Dana Ruiz",
    "professions": ["Director", "Writer"],
    "knownFor": {"titleText": "The Quiet Harbour"},
}
FIND = {
    "findPageMeta": {"includeAdult": False},
    "titleResults": {"results": [{"index": "tt7654321", "listItem": ITEM}]},
    "nameResults": {"results": [{"index": "nm7000001", "listItem": PERSON_ITEM}]},
    "companyResults": {
        "results": [
            {
                "id": "co7000001",
                "companyName": "Harbour Films",
                "countryText": "Germany",
                "typeText": "Production",
            }
        ]
    },
    "keywordResults": {
        "results": [{"id": "kw7000001", "keywordText": "low tide", "numTitles": 12}]
    },
}
SEARCH = {"searchResults": {"titleResults": {"total": 77, "titleListItems": [ITEM]}}}
SEASON = {
    "contentData": {
        "entityMetadata": {"id": "tt7654321"},
        "section": {
            "seasons": [{"value": "1"}, {"value": "unknown"}],
            "episodes": {
                "items": [
                    {
                        "id": "tt7654322",
                        "titleText": "Low Tide",
                        "season": "1",
                        "episode": "1",
                        "releaseDate": {"year": 2014, "month": 5, "day": 9},
                        "plot": "It ebbs.",
                        "aggregateRating": 8,
                        "voteCount": 12,
                    }
                ],
                "hasNextPage": True,
            },
        },
    }
}
RELEASE_INFO = {
    "contentData": {
        "data": {
            "title": {
                "id": "tt7654321",
                "originalTitleText": {"text": "Der stille Hafen"},
                "releaseDates": {
                    "total": 1,
                    "edges": [
                        {
                            "node": {
                                "country": {"id": "DE"},
                                "attributes": [{"text": "premiere"}],
                                "displayableProperty": {"value": {"plainText": "9 May 2014"}},
                            }
                        }
                    ],
                },
                "akas": {
                    "total": 1,
                    "edges": [
                        {
                            "node": {
                                "country": {"id": "XWW"},
                                "language": {"id": "en"},
                                "displayableProperty": {
                                    "value": {"plainText": "The Quiet Harbour"},
                                    "qualifiersInMarkdownList": [{"plainText": "festival title"}],
                                },
                            }
                        }
                    ],
                },
            }
        }
    }
}
CALENDAR = {
    "queryVariables": {"regionOverride": "DE"},
    "groups": [
        {
            "entries": [
                {
                    "id": "tt7654321",
                    "titleText": "The Quiet Harbour",
                    "titleType": {"id": "movie"},
                    "releaseDate": "Fri, 09 May 2014 00:00:00 GMT",
                    "releaseYear": {"year": 2014},
                    "genres": ["Drama"],
                    "principalCredits": [{"text": "Ada Berg"}],
                }
            ]
        }
    ],
}
HOME = {
    "pageQueryData": {
        "data": {
            "boxOfficeWeekendChart": {
                "weekendStartDate": "2014-05-09",
                "weekendEndDate": "2014-05-11",
                "entries": [
                    {
                        "title": {"id": "tt7654321", "titleText": {"text": "The Quiet Harbour"}},
                        "weekendGross": {"total": {"amount": 12, "currency": "EUR"}},
                    }
                ],
            }
        }
    }
}
LIST = {
    "mainColumnData": {
        "list": {
            "name": {"originalText": "Quiet films"},
            "titleListItemSearch": {
                "total": 2,
                "edges": [
                    {
                        "listItem": {
                            "id": "tt7654321",
                            "titleText": {"text": "The Quiet Harbour"},
                            "originalTitleText": {"text": "Der stille Hafen"},
                            "ratingsSummary": {"aggregateRating": 8, "voteCount": 1234},
                        }
                    }
                ],
            },
        }
    }
}
READERS: dict[str, tuple[Callable[[Page], Any], dict[str, Any], str]] = {
    "find": (read_find, FIND, "/find"),
    "search": (read_search, SEARCH, "/search/[tab]"),
    "season": (read_season, SEASON, "/title/[tconst]/episodes"),
    "release info": (read_release_info, RELEASE_INFO, "/title/[tconst]/releaseinfo"),
    "calendar": (read_calendar, CALENDAR, "/calendar"),
    "home": (read_box_office, HOME, "/"),
    "list": (read_list, LIST, "/list/[lsconst]"),
}


def read(kind: str, props: dict[str, Any] | None = None) -> Any:
    reader, right, route = READERS[kind]
    return reader(pages.page(pages.title_html(right if props is None else props, route)))


def suggestions(*lines: dict[str, Any]) -> tuple[SearchHit, ...]:
    return read_suggestions(pages.page(json.dumps({"q": "x", "d": list(lines)})))


class TestSuggestions:
    def test_a_series_has_its_last_year(self) -> None:
        line = {"id": "tt7654321", "l": "The Quiet Harbour", "y": 2014, "qid": "tvSeries"}
        years = ["2014-2016", "2014\N{EN DASH}2016", "2014-", None]
        ends = [suggestions(line | {"yr": text})[0].end_year for text in years]
        assert ends == [2016, 2016, None, None]

    def test_what_is_not_looked_for_is_left_out(self) -> None:
        ids = ["in0000001", "/gallery/rg1", "https://example.org", "tt7654321"]
        hits = suggestions(*({"id": one, "l": "Name"} for one in ids))
        assert [hit.imdb_id for hit in hits] == ["tt7654321"]

    def test_a_company(self) -> None:
        line = {"id": "co7000001", "l": "Harbour Films", "s": "of what is below we know nothing"}
        assert suggestions(line) == (
            SearchHit(imdb_id="co7000001", thing=Thing.COMPANY, name="Harbour Films"),
        )

    def test_a_person(self) -> None:
        line = {"id": "nm7000001", "l": "Dana Ruiz", "rank": 71, "s": "Director, Low Tide (2014)"}
        assert suggestions(line) == (
            SearchHit(
                imdb_id="nm7000001",
                thing=Thing.PERSON,
                name="Dana Ruiz",
                rank=71,
                known_for="Director, Low Tide (2014)",
            ),
        )

    def test_what_is_unknown_stays_unknown(self) -> None:
        line = {"id": "tt7654321", "l": "Name", "qid": "hologram", "rank": 0, "s": "", "i": {}}
        assert suggestions(line) == (
            SearchHit(imdb_id="tt7654321", thing=Thing.TITLE, name="Name"),
        )

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ("{}", "q"),
            ('{"q": "x", "d": {}}', "d"),
            ('{"q": "x", "d": [{"id": "tt7654321"}]}', "d[0].l"),
            ('{"q": "x", "d": [{"id": "tt7654321", "l": "N", "y": "1999"}]}', "d[0].y"),
            ('{"q": "x", "d": [', "the answer"),
            ("<html></html>", "the answer"),
        ],
    )
    def test_another_shape_is_named(self, body: str, field: str) -> None:
        with pytest.raises(PageChanged) as raised:
            read_suggestions(pages.page(body))
        assert raised.value.field == field

    def test_a_fact_that_cannot_be(self) -> None:
        with pytest.raises(InvalidTitle, match="year 12"):
            suggestions({"id": "tt7654321", "l": "Name", "y": 12})


class TestPages:
    def test_a_list_item(self) -> None:
        [title] = read("search").titles
        assert (title.kind, title.year, title.end_year) == (TitleKind.TV_SERIES, 2014, 2016)
        assert title.runtime_minutes == 45
        assert title.release_date.isoformat() == "2014-05"
        assert read("search").total == 77

    def test_a_list_item_of_which_little_is_known(self) -> None:
        bare = {"titleId": "tt7654321", "titleText": "N", "titleType": {"id": "hologram"}}
        [title] = read(
            "search", pages.having(SEARCH, "searchResults.titleResults.titleListItems", [bare])
        ).titles
        known = {name for name in title.__slots__ if getattr(title, name) not in (None, ())}
        assert known == {"imdb_id", "title"}

    def test_a_person_in_the_newer_layout_of_the_find_page(self) -> None:
        title, person, *_ = read("find")
        assert (title.rating, title.votes, title.original_title) == (7.4, 1234, "Der stille Hafen")
        assert (person.name, person.known_for) == ("Dana Ruiz", "Director, The Quiet Harbour")

    def test_types_and_years_in_words(self) -> None:
        result = {"id": "tt7654321", "titleNameText": "N", "titleTypeText": "TV Mini Series"}
        for text, years in (
            ("2014\N{EN DASH}2016", (2014, 2016)),
            ("2014\N{EN DASH} ", (2014, None)),
        ):
            results = [result | {"titleReleaseText": text}]
            hit, *_ = read("find", pages.having(FIND, "titleResults.results", results))
            assert (hit.kind, hit.year, hit.end_year) == (TitleKind.TV_MINI_SERIES, *years)

    def test_a_company_and_a_keyword(self) -> None:
        *_, company, keyword = read("find")
        assert company == SearchHit(
            imdb_id="co7000001",
            thing=Thing.COMPANY,
            name="Harbour Films",
            company_type="Production",
            country="Germany",
        )
        assert keyword == SearchHit(
            imdb_id="kw7000001", thing=Thing.KEYWORD, name="low tide", title_count=12
        )

    def test_what_is_unknown_of_companies_and_keywords_stays_unknown(self) -> None:
        bare = {"id": "co7000001", "companyName": "Harbour Films", "typeText": 0}
        props = pages.having(FIND, "companyResults.results", [bare])
        props = pages.having(props, "keywordResults.results.0.numTitles", 0)
        *_, company, keyword = read("find", props)
        assert (company.company_type, company.country, keyword.title_count) == (None, None, None)

    @pytest.mark.parametrize(
        ("thing", "path", "wrong", "field"),
        [
            (Thing.COMPANY, "companyResults", None, "companyResults"),
            (Thing.KEYWORD, "keywordResults", None, "keywordResults"),
            (Thing.COMPANY, "companyResults.results", [{"listItem": {}}], "results[0].id"),
            (Thing.COMPANY, "companyResults.results.0.typeText", 1, "results[0].typeText"),
            (Thing.KEYWORD, "keywordResults.results", ["low tide"], "results[0]"),
            (Thing.KEYWORD, "keywordResults.results.0.numTitles", "12", "results[0].numTitles"),
        ],
    )
    def test_companies_and_keywords_of_another_shape_are_named(
        self, thing: Thing, path: str, wrong: Any, field: str
    ) -> None:
        body = pages.title_html(pages.having(FIND, path, wrong), "/find")
        with pytest.raises(PageChanged) as raised:
            read_find(pages.page(body), thing=thing)
        assert raised.value.field.endswith(field)

    def test_who_looks_for_titles_needs_no_place_for_companies_and_keywords(self) -> None:
        props = {name: FIND[name] for name in ("titleResults", "nameResults")}
        assert [hit.thing for hit in read("find", props)] == [Thing.TITLE, Thing.PERSON]

    def test_adult_titles_are_missed_when_they_were_asked_for(self) -> None:
        body = pages.page(pages.title_html(FIND, "/find"))
        with pytest.raises(PageChanged, match="leaves adult titles out"):
            read_find(body, with_adult=True)
        adult = pages.having(FIND, "findPageMeta.includeAdult", True)
        assert read_find(pages.page(pages.title_html(adult, "/find")), with_adult=True)

    def test_a_season_that_goes_on(self) -> None:
        season = read("season")
        assert (season.seasons, season.is_whole) == (("1", "unknown"), False)
        assert season.episodes[0].rating == 8

    def test_an_episode_without_season_number_and_votes(self) -> None:
        items = [
            {
                "id": "tt7654322",
                "season": "unknown",
                "episode": None,
                "aggregateRating": 0,
                "voteCount": 0,
            }
        ]
        season = read("season", pages.having(SEASON, "contentData.section.episodes.items", items))
        [episode] = season.episodes
        assert (episode.season, episode.number, episode.rating, episode.votes) == (None,) * 3 + (0,)

    def test_numbers_without_end_are_no_numbers(self) -> None:
        endless = "9" * 5000
        items = [{"id": "tt7654322", "season": endless, "episode": "1"}]
        season = read("season", pages.having(SEASON, "contentData.section.episodes.items", items))
        assert (season.episodes[0].season, season.episodes[0].number) == (None, 1)
        body = ranked(ROW.format(rank=endless, title="T", id="tt0000001"))
        with pytest.raises(PageChanged, match="has no rank"):
            read_ranked_list(pages.page(body))

    def test_release_info(self) -> None:
        info = read("release info")
        assert [r.date.isoformat() for r in info.release_dates] == ["2014-05-09"]
        assert info.akas == (
            AlternativeTitle(title="Der stille Hafen", types=("original",), is_original=True),
            AlternativeTitle(
                title="The Quiet Harbour",
                region="XWW",
                language="en",
                attributes=("festival title",),
            ),
        )
        assert (info.has_all_release_dates, info.has_all_akas) == (True, True)

    @pytest.mark.parametrize(
        ("text", "day"),
        [("May 9, 2014", "2014-05-09"), ("May 2014", "2014-05"), ("2014", "2014")],
    )
    def test_dates_as_far_as_they_are_known(self, text: str, day: str) -> None:
        path = (
            "contentData.data.title.releaseDates.edges.0.node.displayableProperty.value.plainText"
        )
        info = read("release info", pages.having(RELEASE_INFO, path, text))
        assert [r.date.isoformat() for r in info.release_dates] == [day]
        with pytest.raises(PageChanged, match="no English date: '9 mai 2014'"):
            read("release info", pages.having(RELEASE_INFO, path, "9 mai 2014"))

    @pytest.mark.parametrize(
        "text",
        [
            "tomorrow",
            "",
            "Fri, 09 May 2014 00:00:00 +99999999999999",
            "Fri, 09 May 20142014201420142014 00:00:00 GMT",
            f"Fri, {'9' * 5000} May 2014 00:00:00 GMT",
        ],
    )
    def test_a_day_of_the_calendar_that_is_none(self, text: str) -> None:
        with pytest.raises(PageChanged, match=r"groups\.entries\.releaseDate"):
            read("calendar", pages.having(CALENDAR, "groups.0.entries.0.releaseDate", text))

    def test_a_list_of_which_the_page_has_a_part(self) -> None:
        listed = read("list")
        assert (listed.name, listed.total) == ("Quiet films", 2)
        [title] = listed.titles
        assert (title.imdb_id, title.original_title, title.rating) == (
            "tt7654321",
            "Der stille Hafen",
            8.0,
        )

    def test_a_list_of_something_else(self) -> None:
        path = "mainColumnData.list.titleListItemSearch"
        with pytest.raises(PageChanged, match=r"mainColumnData\.list"):
            read("list", pages.having(LIST, path, None))

    def test_a_home_page_without_the_box_office(self) -> None:
        with pytest.raises(PageChanged, match="boxOfficeWeekendChart"):
            read("home", pages.having(HOME, "pageQueryData.data.boxOfficeWeekendChart", None))
        with pytest.raises(PageChanged, match=r"weekendEndDate: is no date: 'soon'"):
            path = "pageQueryData.data.boxOfficeWeekendChart.weekendEndDate"
            read("home", pages.having(HOME, path, "soon"))


ROW = (
    '<li><span data-testid="rank-list-item-title"><span>{rank}</span>{title}</span>'
    '<a href="/title/{id}/?ref_=x"></a>'
    '<span data-testid="ratingGroup--imdb-rating"><span>8.7</span></span></li>'
)


def ranked(*rows: str) -> str:
    widget = f'<section data-testid="symphony-IMDbChartWidget"><ul>{"".join(rows)}</ul></section>'
    return f"<html><body>{widget}</body></html>"


class TestRankedList:
    def test_rows_in_order(self) -> None:
        rows = [ROW.format(rank=n, title=f" {n}th &amp; on ", id=f"tt000000{n}") for n in (1, 2)]
        titles = read_ranked_list(pages.page(ranked(*rows)))
        assert [(t.rank, t.imdb_id, t.title, t.rating) for t in titles] == [
            (1, "tt0000001", "1th & on", 8.7),
            (2, "tt0000002", "2th & on", 8.7),
        ]

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            (ranked(), "do not have all ranks"),
            (ranked(ROW.format(rank=2, title="T", id="tt0000001")), "do not have all ranks"),
            (ranked(ROW.format(rank="", title="T", id="tt0000001")), "has no rank"),
            (ranked(ROW.format(rank="1", title="T", id="nm0000001")), "no link to a title"),
            ("<html><body></body></html>", "symphony-IMDbChartWidget"),
            (ranked(ROW.format(rank="1", title="T", id="tt0000001"))[:-7], "cut short"),
            ("", "empty"),
        ],
    )
    def test_what_is_no_whole_list(self, body: str, problem: str) -> None:
        with pytest.raises(PageChanged, match=problem):
            read_ranked_list(pages.page(body))


COMPANY = {
    "__typename": "Company", "id": "co7000001", "companyText": {"text": "Harbour Films"},
    "companyTypes": [{"text": "Production"}], "country": {"text": "Germany"},
    "knownForTitles": {"edges": [{"node": {"title": {
        "titleText": {"text": "The Quiet Harbour"}, "releaseYear": {"year": 2014},
    }}}]},
}  # fmt: skip
KEYWORD = {
    "__typename": "Keyword", "id": "kw7000001", "text": {"text": "low tide"},
    "titles": {"total": 0},
}  # fmt: skip


def found_entities(*entities: dict[str, Any]) -> tuple[SearchHit, ...]:
    edges = [{"node": {"entity": entity}} for entity in entities]
    data = json.dumps({"mainSearch": {"edges": edges}}).encode()
    return read_hits(pages.page(b""), memoryview(data))


class TestAnswers:
    def test_what_is_not_looked_for_is_left_out(self) -> None:
        edges = [{"node": {"entity": {"__typename": "Interest", "id": "in0000001"}}}]
        data = json.dumps({"mainSearch": {"edges": edges}}).encode()
        assert read_hits(pages.page(b""), memoryview(data)) == ()

    def test_rank_votes_and_adult_titles_where_they_are_given(self) -> None:
        entity = {
            "__typename": "Title",
            "id": "tt7654321",
            "titleText": {"text": "N"},
            "ratingsSummary": {"aggregateRating": 8, "voteCount": 12},
            "meterRank": {"currentRank": 7},
            "isAdult": True,
        }
        data = json.dumps({"mainSearch": {"edges": [{"node": {"entity": entity}}]}}).encode()
        [hit] = read_hits(pages.page(b""), memoryview(data))
        assert (hit.rank, hit.rating, hit.votes, hit.is_adult) == (7, 8, 12, True)

    def test_a_company_and_a_keyword(self) -> None:
        assert found_entities(COMPANY, KEYWORD) == (
            SearchHit(
                imdb_id="co7000001",
                thing=Thing.COMPANY,
                name="Harbour Films",
                company_type="Production",
                country="Germany",
                known_for="The Quiet Harbour (2014)",
            ),
            SearchHit(imdb_id="kw7000001", thing=Thing.KEYWORD, name="low tide", title_count=0),
        )

    def test_what_is_unknown_of_companies_and_keywords_stays_unknown(self) -> None:
        nothing = {"companyTypes": [], "country": None, "knownForTitles": {"edges": []}}
        assert found_entities(COMPANY | nothing, KEYWORD | {"titles": None}) == (
            SearchHit(imdb_id="co7000001", thing=Thing.COMPANY, name="Harbour Films"),
            SearchHit(imdb_id="kw7000001", thing=Thing.KEYWORD, name="low tide"),
        )

    @pytest.mark.parametrize(
        ("entity", "field"),
        [
            (lambda: COMPANY | {"companyText": None}, "companyText"),
            (lambda: COMPANY | {"knownForTitles": {"edges": None}}, "knownForTitles.edges"),
            (lambda: KEYWORD | {"text": {"text": ""}}, "text"),
            (lambda: KEYWORD | {"titles": {"total": "12"}}, "titles.total"),
        ],
    )
    def test_companies_and_keywords_of_another_shape_are_named(
        self, entity: Callable[[], dict[str, Any]], field: str
    ) -> None:
        with pytest.raises(PageChanged) as raised:
            found_entities(entity())
        assert raised.value.field == f"mainSearch.edges[0].node.entity.{field}"

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ("null", "mainSearch"),
            ('{"mainSearch": null}', "mainSearch"),
            (
                (
                    '{"mainSearch": {"edges": [{"node": {"entity": {"__typename": "Title", "id": '
                    '"tt7654321"}}}]}}'
                ),
                "mainSearch.edges[0].node.entity.titleText",
            ),
        ],
    )
    def test_a_search_without_what_is_needed(self, data: str, field: str) -> None:
        with pytest.raises(PageChanged) as raised:
            read_hits(pages.page(b""), memoryview(data.encode()))
        assert raised.value.field == field

    def test_a_title_that_is_not_there(self) -> None:
        for data in (b"null", b'{"title": null}'):
            with pytest.raises(PageChanged, match="title"):
                part_in(DetailName.AKAS, pages.page(b""), memoryview(data))

    def test_a_part_says_how_to_go_on(self) -> None:
        info = {"hasNextPage": True, "endCursor": "abc"}
        data = json.dumps({"title": {"akas": {"total": 9, "edges": [], "pageInfo": info}}})
        part = part_in(DetailName.AKAS, pages.page(b""), memoryview(data.encode()))
        assert (part.is_whole, part.next_cursor) == (False, "abc")

    def test_a_distributor(self) -> None:
        node = {
            "company": {"id": "co0000001"},
            "displayableProperty": {"value": {"plainText": "Harbour Films"}},
            "category": {"id": "distribution"},
            "countries": [{"id": "DE"}, {"id": "AT"}],
            "yearsInvolved": {"year": 2014, "endYear": 2016},
            "attributes": [],
        }
        listed = {"total": 1, "edges": [{"node": node}], "pageInfo": {"hasNextPage": False}}
        data = json.dumps({"title": {"companyCredits": listed}}).encode()
        part = part_in(DetailName.COMPANIES, pages.page(b""), memoryview(data))
        assert part.items == (
            CompanyCredit(
                category="distribution",
                name="Harbour Films",
                company_id="co0000001",
                countries=("DE", "AT"),
                year=2014,
                end_year=2016,
            ),
        )


LINE = {
    "id": "tt7654321", "l": "N", "y": 2014, "yr": "2014-2016", "qid": "tvSeries", "rank": 9,
    "s": "Ada Berg, \u00d6", "i": {"imageUrl": "https://example.org/1.jpg"},
}  # fmt: skip
PERSON = {"id": "nm7000001", "l": "Dana Ruiz", "s": "Director"}
ENTITY = {
    "__typename": "Title", "id": "tt7654321", "titleText": {"text": "N"}, "releaseYear": None,
    "ratingsSummary": {"aggregateRating": 8, "voteCount": 12}, "titleType": {"id": "movie"},
    "meterRank": {"currentRank": 7}, "primaryImage": {"url": "u"}, "isAdult": False,
}  # fmt: skip
ANSWERS: dict[str, tuple[Callable[[Page], Any], Any]] = {
    "suggestions": (read_suggestions, {"q": "x", "d": [LINE, PERSON, LINE | {"id": "co7000001"}]}),
    "search": (
        lambda page: read_hits(page, memoryview(page.body)),
        {"mainSearch": {"edges": [{"node": {"entity": e}} for e in (ENTITY, COMPANY, KEYWORD)]}},
    ),
    "akas": (
        lambda page: part_in(DetailName.AKAS, page, memoryview(page.body)),
        {
            "title": {
                "akas": RELEASE_INFO["contentData"]["data"]["title"]["akas"]
                | {"pageInfo": {"hasNextPage": False}}
            }
        },
    ),
}


@pytest.mark.parametrize("kind", ANSWERS)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_answer_is_a_typed_error_or_does_not_matter(
    kind: str, data: st.DataObject
) -> None:
    reader, right = ANSWERS[kind]
    body = bytearray(json.dumps(right).encode())
    assert reader(pages.page(bytes(body)))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    TestEveryPage().attempt(reader, bytes(body[: data.draw(st.integers(0, len(body)))]))


@pytest.mark.parametrize("kind", READERS)
class TestEveryPage:
    def test_another_route_is_named(self, kind: str) -> None:
        reader, props, _ = READERS[kind]
        with pytest.raises(PageChanged, match="page: is /news, not a page of this kind"):
            reader(pages.page(pages.title_html(props, "/news")))

    def test_a_challenge_is_told(self, kind: str) -> None:
        body = b'<html><script src="https://x.awswaf.com/c.js"></script></html>'
        with pytest.raises(SourceBlocked):
            READERS[kind][0](pages.page(body))

    def test_a_page_without_data(self, kind: str) -> None:
        for body in (b"", b"<html></html>", b"<html>"):
            with pytest.raises(PageChanged, match="__NEXT_DATA__"):
                READERS[kind][0](pages.page(body))

    @given(data=st.data())
    @settings(max_examples=40, deadline=None)
    def test_damage_is_a_typed_error_or_does_not_matter(
        self, kind: str, data: st.DataObject
    ) -> None:
        reader, props, route = READERS[kind]
        body = bytearray(pages.title_html(props, route).encode())
        for _ in range(data.draw(st.integers(1, 6))):
            place = data.draw(st.integers(0, len(body) - 1))
            body[place] ^= data.draw(st.integers(1, 255))
        self.attempt(reader, bytes(body))
        self.attempt(reader, bytes(body[: data.draw(st.integers(0, len(body)))]))

    @given(data=st.data(), value=JSON_VALUES)
    @settings(max_examples=60, deadline=None)
    def test_values_of_any_type(self, kind: str, data: st.DataObject, value: Any) -> None:
        reader, props, route = READERS[kind]
        path = data.draw(st.sampled_from(sorted(paths(props))))
        changed = pages.having(props, path, value)
        self.attempt(reader, pages.title_html(changed, route).encode())

    def attempt(self, reader: Callable[[Page], Any], body: bytes) -> None:
        try:
            reader(pages.page(body))
        except (TitleError, SourceError):
            return
