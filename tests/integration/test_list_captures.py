"""Real lists, searches, seasons and answers of IMDb, kept outside the project: what they say.

The folder is that of `tests.integration.test_captures`; without it these tests are skipped.
"""

import json
from datetime import date
from typing import Any

import msgspec
import pytest

from domain.details import DetailName
from domain.details.items import AlternativeTitle, CompanyCredit, CountryReleaseDate, Episode
from domain.errors import PageChanged
from domain.lists import ListedTitle, RankedTitle, UpcomingRelease, WeekendGross
from domain.release_date import ReleaseDate
from domain.search import SearchHit, SearchQuery, Thing
from domain.title import TitleKind
from infrastructure.scrapers.imdb_graphql.search_answer import read_hits
from infrastructure.scrapers.imdb_graphql.title_details import part_in
from infrastructure.scrapers.imdb_pages.calendar_page import read_calendar
from infrastructure.scrapers.imdb_pages.episodes_page import read_season
from infrastructure.scrapers.imdb_pages.find_page import read_find
from infrastructure.scrapers.imdb_pages.home_page import read_box_office
from infrastructure.scrapers.imdb_pages.ranked_list_page import read_ranked_list
from infrastructure.scrapers.imdb_pages.releaseinfo_page import read_release_info
from infrastructure.scrapers.imdb_pages.search_page import read_search
from infrastructure.scrapers.imdb_suggestion.suggestions import read_suggestions
from tests.integration import test_captures
from tests.integration.test_captures import CAPTURES, HTML_TITLES, TITLES, capture, page_props

pytestmark = test_captures.pytestmark

FIND_2026 = "search/find_The-Odyssey-2026_2026-01-30_vkinegrab.html"
FIND_2022 = "search/find_kiss-kiss-bang-bang-2005_2022-12-08_royrwood.html"
ADVANCED = "search/advsearch_user-rating-7-8_2025-06-16_sxh7.html"
INDIA = "chart/indialist_top-rated-indian-movies_2026-02-06_ankit.html"
CALENDAR = "other/calendar_MX_2024-08-28_fernando.html"
HOME = "other/home_2026-07-16_priyal.html"
RELEASE_INFO = "other/releaseinfo_tt0076759_2024-10-03_mediahoarder.html"
SEASON = "episodes/episodes_tt1520211_s1_2025-08_imdbinfo.json"
SEARCH_ANSWER = "graphql/mainSearch_The-Matrix_2026-04_imdbinfo.json"
AKAS_ANSWER = "graphql/TitleAkasPaginated_tt0076759_2024-10-03_mediahoarder.json"
COMPANIES_ANSWER = (
    "graphql/TitleCompanyCreditsPagination_specialEffects_tt4154796_2023-02_mediahoarder.json"
)
SAW = "suggestion/suggest_titles_saw_2022-10-27.json"
BY_ID = "suggestion/suggest_titles_tt0234215_2022-10-27.json"
NO_HIT = "suggestion/suggest_titles_nohit_2022-10-27.json"

READERS = {
    FIND_2026: read_find,
    FIND_2022: read_find,
    ADVANCED: read_search,
    INDIA: read_ranked_list,
    CALENDAR: read_calendar,
    HOME: read_box_office,
    RELEASE_INFO: read_release_info,
    SEASON: read_season,
}

READ_ELSEWHERE = {
    *TITLES,
    *test_captures.CHARTS,
    "README.md",
    "page-structure.md",
    "waf-facts.md",
    "chart/chart_moviemeter_2025-11-14_TRUNCATED_salahnorth.html",
    "chart_extracts/chart_top_2023-12-31_raj_pageData.json",
    "graphql/title_tt10919420_README_quote.json",
    "legacy/chart_top_2022-09-30_psixolog_OLD_LAYOUT.html",
    "legacy/title_tt0114478_2017-12-28_flexget_OLD_LAYOUT.html",
    "person/name_nm0741627_2025-03-30_adriantodd.html",
}
HERE = {*READERS, SEARCH_ANSWER, AKAS_ANSWER, COMPANIES_ANSWER, SAW, BY_ID, NO_HIT}


def test_every_capture_is_read_by_a_test() -> None:
    found = {str(file.relative_to(CAPTURES)) for file in CAPTURES.rglob("*") if file.is_file()}
    assert found == READ_ELSEWHERE | HERE


def data_of(name: str) -> memoryview:
    """The data of an answer of the API."""
    answer = msgspec.json.decode(capture(name).body, type=dict[str, msgspec.Raw])
    return memoryview(answer["data"])


class TestSuggestions:
    def test_titles_with_stars_and_rank(self) -> None:
        hits = read_suggestions(capture(SAW))
        assert [hit.imdb_id for hit in hits] == [
            line["id"] for line in json.loads(capture(SAW).body)["d"]
        ]
        assert (len(hits), hits[1].name, hits[7].imdb_id) == (
            8,
            "The Texas Chain Saw Massacre",
            "tt1233227",
        )
        assert hits[0] == SearchHit(
            imdb_id="tt0387564",
            thing=Thing.TITLE,
            name="Saw",
            kind=TitleKind.MOVIE,
            year=2004,
            rank=630,
            image_url="https://m.media-amazon.com/images/M/MV5BM2M1MzI1MWYtYmM2ZC00OWY3LTk0ZGMtNm"
            "RkNzU1NzEzMWE5XkEyXkFqcGdeQXVyODUwOTkwODk@._V1_.jpg",
            stars=("Cary Elwes", "Leigh Whannell"),
        )

    def test_an_id_finds_its_title(self) -> None:
        [hit] = read_suggestions(capture(BY_ID))
        assert (hit.imdb_id, hit.name, hit.year) == ("tt0234215", "The Matrix Reloaded", 2003)
        assert hit.stars == ("Keanu Reeves", "Laurence Fishburne")

    def test_no_hit(self) -> None:
        assert read_suggestions(capture(NO_HIT)) == ()


class TestFindPage:
    def test_layout_of_2026(self) -> None:
        hits = read_find(capture(FIND_2026))
        assert [hit.imdb_id for hit in hits] == [
            "tt33764258",
            "tt9685342",
            "tt9551928",
            "tt26421133",
            "tt37024829",
        ]
        first, second = hits[:2]
        assert (first.name, first.original_title, first.kind, first.year) == (
            "Die Odyssee",
            "The Odyssey",
            TitleKind.MOVIE,
            2026,
        )
        assert (first.rating, first.votes) == (None, 0)
        assert first.image_url is not None
        assert first.image_url.startswith("https://m.media-amazon.com/images/M/MV5BN2MyYjk2")
        assert (second.year, second.rating, second.votes) == (2021, 6.2, 4938)

    def test_layout_of_2022(self) -> None:
        hits = read_find(capture(FIND_2022))
        titles = [hit for hit in hits if hit.thing is Thing.TITLE]
        people = [hit for hit in hits if hit.thing is Thing.PERSON]
        assert [(hit.imdb_id, hit.name, hit.year) for hit in titles] == [
            ("tt0373469", "Kiss Kiss Bang Bang", 2005),
            ("tt0228488", "Kiss Kiss (Bang Bang)", 2001),
            ("tt0061870", "Kiss Kiss... Bang Bang", 1966),
            ("tt1412389", "Big Bang Kiss", 2005),
            ("tt0173568", "Kiss Kiss Bang Bang", 2000),
        ]
        assert titles[0].kind is TitleKind.MOVIE
        assert titles[0].stars == ("Robert Downey Jr.", "Val Kilmer")
        assert [(hit.imdb_id, hit.name, hit.known_for) for hit in people] == [
            ("nm1142932", "Buffy Tyler", "Actress, Frostbite (2005)"),
            ("nm13362409", "The Kids Band", None),
            ("nm13621187", "The Siss Boom Bang", None),
            ("nm1901754", "Miss Dinaz Bana", "Actress, Char Dervesh (1964)"),
            ("nm11630385", "Jazz Band 005", "Self, Portrait de Groupe (1985–)"),
        ]

    @pytest.mark.parametrize("path", [FIND_2026, FIND_2022])
    @pytest.mark.parametrize("thing", [Thing.COMPANY, Thing.KEYWORD])
    def test_companies_and_keywords_have_a_place_which_is_empty(
        self, path: str, thing: Thing
    ) -> None:
        hits = read_find(capture(path), thing=thing)
        assert hits
        assert thing not in {hit.thing for hit in hits}

    def test_the_year_picks_the_right_one(self) -> None:
        query = SearchQuery(text="kiss kiss bang bang", year=2005)
        accepted = [hit.imdb_id for hit in read_find(capture(FIND_2022)) if query.accepts(hit)]
        assert accepted == ["tt0373469", "tt1412389"]


class TestAdvancedSearch:
    def test_all_titles_of_the_page(self) -> None:
        found = read_search(capture(ADVANCED))
        items = page_props(ADVANCED)["searchResults"]["titleResults"]["titleListItems"]
        assert (found.total, len(found.titles)) == (579327, 50)
        assert [(t.imdb_id, t.title, t.kind and t.kind.value, t.year) for t in found.titles] == [
            (i["titleId"], i["titleText"], i["titleType"]["id"], i["releaseYear"]) for i in items
        ]
        assert [(t.rating, t.votes, t.metascore, t.certificate) for t in found.titles] == [
            (
                i["ratingSummary"]["aggregateRating"],
                i["ratingSummary"]["voteCount"],
                i.get("metascore"),
                i.get("certificate"),
            )
            for i in items
        ]
        assert all(7 <= title.rating <= 8 for title in found.titles if title.rating is not None)

    def test_the_first_of_them(self) -> None:
        first, *_ = read_search(capture(ADVANCED)).titles
        assert first == ListedTitle(
            imdb_id="tt7181546",
            title="Ballerina",
            kind=TitleKind.MOVIE,
            original_title="Ballerina",
            year=2025,
            runtime_minutes=124,
            rating=7.3,
            votes=26286,
            metascore=59,
            certificate="R",
            genres=("Action", "Thriller"),
            release_date=ReleaseDate(year=2025, month=6, day=6),
            plot=first.plot,
            image_url=first.image_url,
        )
        assert first.plot is not None
        assert first.plot.startswith("An assassin trained in the traditions of the Ruska Roma")

    def test_series_have_their_last_year(self) -> None:
        by_id = {title.imdb_id: title for title in read_search(capture(ADVANCED)).titles}
        residence = by_id["tt8740614"]
        assert (residence.kind, residence.year, residence.end_year, residence.metascore) == (
            TitleKind.TV_MINI_SERIES,
            2025,
            2025,
            None,
        )


def test_the_list_of_indian_movies() -> None:
    titles = read_ranked_list(capture(INDIA))
    assert [title.rank for title in titles] == list(range(1, 251))
    assert len({title.imdb_id for title in titles}) == 250
    assert titles[0] == RankedTitle(rank=1, imdb_id="tt23849204", title="12th Fail", rating=8.7)
    assert titles[100] == RankedTitle(
        rank=101, imdb_id="tt26458038", title="Manjummel Boys", rating=8.2
    )
    assert all(title.rating and 7 < title.rating < 10 for title in titles)


def test_the_calendar_of_mexico() -> None:
    calendar = read_calendar(capture(CALENDAR))
    assert (calendar.country, len(calendar.releases)) == ("MX", 61)
    first = calendar.releases[0]
    assert first == UpcomingRelease(
        imdb_id="tt23468450",
        title="Longlegs: Coleccionista De Almas",
        release_date=ReleaseDate(year=2024, month=8, day=29),
        kind=TitleKind.MOVIE,
        year=2024,
        genres=first.genres,
        stars=("Maika Monroe", "Nicolas Cage", "Blair Underwood", "Alicia Witt"),
    )
    assert first.genres[0] == "Crime"
    days = [release.release_date.isoformat() for release in calendar.releases]
    assert days == sorted(days)
    assert [(r.imdb_id, r.release_date.isoformat()) for r in calendar.releases][-1][1] <= (
        "2025-08-28"
    )


def test_the_box_office_on_the_home_page() -> None:
    weekend = read_box_office(capture(HOME))
    assert (weekend.first_day, weekend.last_day) == (date(2026, 7, 10), date(2026, 7, 12))
    assert [title.rank for title in weekend.titles] == [1, 2, 3, 4, 5, 6]
    assert weekend.titles[2] == WeekendGross(
        rank=3,
        imdb_id="tt29355505",
        title="Toy Story 5",
        weekend_amount=19_007_761,
        weekend_currency="USD",
        lifetime_amount=410_606_567,
        lifetime_currency="USD",
    )


def test_the_release_info_of_star_wars() -> None:
    info = read_release_info(capture(RELEASE_INFO))
    assert (info.title_id, info.has_all_release_dates, info.has_all_akas) == (
        "tt0076759",
        False,
        False,
    )
    assert info.release_dates == (
        release("US", "1977-05-25"),
        release("CA", "1977-06-24", "Vancouver, British Columbia", "premiere"),
        release("PH", "1977-08-23", "Davao"),
        release("FR", "1977-09", "Deauville Film Festival"),
        release("ES", "1977-09-19", "San Sebastian Film Festival"),
    )
    assert info.akas[:4] == (
        AlternativeTitle(title="Star Wars", types=("original",), is_original=True),
        AlternativeTitle(title="La guerra de las galaxias", region="AR"),
        AlternativeTitle(title="Star Wars: Episode IV - A New Hope", region="AU"),
        AlternativeTitle(title="Ulduz müharibələri", region="AZ", attributes=("short title",)),
    )
    assert len(info.akas) == 6


def release(country: str, day: str, *attributes: str) -> CountryReleaseDate:
    return CountryReleaseDate(
        country=country, date=ReleaseDate.fromisoformat(day), attributes=attributes
    )


def test_the_first_season_of_the_walking_dead() -> None:
    season = read_season(capture(SEASON))
    assert (season.series_id, season.is_whole) == ("tt1520211", True)
    assert season.seasons == tuple(str(number) for number in range(1, 12))
    assert [(e.episode_id, e.number, e.title) for e in season.episodes] == [
        ("tt1589921", 1, "Days Gone Bye"),
        ("tt1628064", 2, "Guts"),
        ("tt1628065", 3, "Tell It to the Frogs"),
        ("tt1628066", 4, "Vatos"),
        ("tt1628067", 5, "Wildfire"),
        ("tt1628068", 6, "TS-19"),
    ]
    third = season.episodes[2]
    assert third == Episode(
        episode_id="tt1628065",
        season=1,
        number=3,
        title="Tell It to the Frogs",
        air_date=ReleaseDate(year=2010, month=11, day=14),
        rating=8.2,
        votes=19436,
        plot=third.plot,
    )
    assert all(episode.plot for episode in season.episodes)


def test_the_answer_to_a_search() -> None:
    hits = read_hits(capture(SEARCH_ANSWER), data_of(SEARCH_ANSWER))
    edges = json.loads(capture(SEARCH_ANSWER).body)["data"]["mainSearch"]["edges"]
    assert [hit.imdb_id for hit in hits] == [edge["node"]["imdbId"] for edge in edges]
    by_id = {hit.imdb_id: hit for hit in hits}
    first = hits[0]
    assert (first.name, first.original_title, first.kind, first.year, first.rating) == (
        "The Matrix",
        "The Matrix",
        TitleKind.MOVIE,
        1999,
        8.7,
    )
    assert (first.votes, first.is_adult) == (None, None)
    unreleased = by_id["tt31998838"]
    assert (unreleased.name, unreleased.year, unreleased.rating) == ("Matrix 5", None, None)
    assert by_id["tt0106062"].kind is TitleKind.TV_SERIES
    assert by_id["tt0277828"].kind is TitleKind.VIDEO_GAME
    assert [(h.imdb_id, h.name, h.known_for) for h in hits if h.thing is Thing.PERSON] == [
        ("nm0091443", "Christian Boeving", "Actor, Batman & Robin (1997)"),
        ("nm13482073", "Matrix Quevedo", "Production Department, The Dresden Sun (2026)"),
    ]


def test_the_answer_with_alternative_titles() -> None:
    part = part_in(DetailName.AKAS, capture(AKAS_ANSWER), data_of(AKAS_ANSWER))
    akas = [aka for aka in part.items if isinstance(aka, AlternativeTitle)]
    nodes: list[dict[str, Any]] = [
        edge["node"]
        for edge in json.loads(capture(AKAS_ANSWER).body)["data"]["title"]["akas"]["edges"]
    ]
    assert (len(part.items), part.is_whole, part.next_cursor) == (119, True, None)
    assert [(aka.title, aka.region) for aka in akas] == [
        (node["displayableProperty"]["value"]["plainText"], node["country"]["id"]) for node in nodes
    ]
    assert (
        AlternativeTitle(
            title="Междузвездни войни",
            region="BG",
            language="bg",
            attributes=("Alternative Title",),
        )
        in akas
    )


def test_the_answer_with_companies() -> None:
    """It was asked for companies of one category, which its nodes do not repeat."""
    data = json.loads(bytes(data_of(COMPANIES_ANSWER)))
    for edge in data["title"]["companyCredits"]["edges"]:
        edge["node"]["category"] = {"id": "specialEffects"}
    body = memoryview(json.dumps(data).encode())
    part = part_in(DetailName.COMPANIES, capture(COMPANIES_ANSWER), body)
    assert (len(part.items), part.is_whole, part.next_cursor) == (30, True, None)
    assert part.items[0] == CompanyCredit(
        category="specialEffects",
        name="Territory Studio",
        company_id="co0454255",
        attributes=("monitor graphics",),
    )
    assert part.items[9] == CompanyCredit(
        category="specialEffects",
        name="Digital Domain",
        company_id="co0011313",
        attributes=("Digital Domain 3.0", "visual effects and animation"),
    )
    last = part.items[-1]
    assert isinstance(last, CompanyCredit)
    assert last.attributes == ()


@pytest.mark.parametrize("name", READERS)
def test_a_page_of_another_kind_is_refused(name: str) -> None:
    for other in (*READERS, HTML_TITLES[0]):
        if READERS.get(other) is not READERS[name]:
            with pytest.raises(PageChanged):
                READERS[name](capture(other))
