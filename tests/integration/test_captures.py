"""Real pages of IMDb, kept outside the project: each fact of each, one by one.

The folder is ``../shared`` beside the project, or where ``IMDB_SHARED`` points; without it these
tests are skipped, and say so.
"""

import json
import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from domain.chart import ChartName
from domain.errors import PageChanged
from domain.partial_date import PartialDate
from domain.person_profile import FilmographyCredit
from domain.release_date import ReleaseDate
from domain.title import Credit, CreditCategory, Title, TitleKind
from infrastructure.scrapers.imdb_pages import (
    Page,
    PageKind,
    block_reason,
    identify,
    parse_chart,
    parse_person,
    parse_title,
)

PROJECT = Path(__file__).resolve().parents[2]
CAPTURES = Path(os.environ.get("IMDB_SHARED") or PROJECT.parent / "shared") / "captures"

pytestmark = pytest.mark.skipif(
    not CAPTURES.is_dir(), reason="no captured pages: set IMDB_SHARED to the folder that has them"
)

FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC)
NEXT_DATA = re.compile(rb'<script id="__NEXT_DATA__".*?</script>', re.DOTALL)
JSON_LD = re.compile(rb'<script type="application/ld\+json">.*?</script>', re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a capture says, checked by hand; credits as ids and names, cast as the first and all."""

    imdb_id: str
    title: str
    votes: int
    rating: float | None
    year: int | None
    runtime_minutes: int | None
    served: str
    directors: str = ""
    writers: str = ""
    creators: str = ""
    first_cast: str = ""
    cast_count: int = 0
    original_title: str = ""
    kind: TitleKind = TitleKind.MOVIE
    end_year: int | None = None
    metascore: int | None = None
    certificate: str | None = None
    release_date: str | None = None
    genres: str = ""


ENDGAME = {
    "imdb_id": "tt4154796",
    "title": "Avengers: Endgame",
    "rating": 8.4,
    "year": 2019,
    "runtime_minutes": 181,
    "metascore": 78,
    "certificate": "PG-13",
    "release_date": "2019-04-26",
    "directors": "nm0751577 Anthony Russo; nm0751648 Joe Russo",
    "writers": "nm1321655 Christopher Markus; nm1321656 Stephen McFeely; nm0498278 Stan Lee",
    "first_cast": "nm0000375 Robert Downey Jr. as Tony Stark, Iron Man",
    "cast_count": 18,
}

TITLES = {
    "title/title_tt0088247_2022-10-27_flexget.html": Known(
        imdb_id="tt0088247",
        title="The Terminator",
        year=1984,
        rating=8.1,
        votes=860418,
        runtime_minutes=107,
        metascore=84,
        certificate="R",
        release_date="1984-10-26",
        genres="Action, Sci-Fi",
        directors="nm0000116 James Cameron",
        writers="nm0000116 James Cameron; nm0005036 Gale Anne Hurd; nm0936537 William Wisher",
        first_cast="nm0000216 Arnold Schwarzenegger as The Terminator",
        cast_count=18,
        served="2022-10-27T01:06:51.575Z",
    ),
    "title/title_tt0245429_2022-10-27_flexget.html": Known(
        imdb_id="tt0245429",
        title="Spirited Away",
        original_title="Sen to Chihiro no kamikakushi",
        year=2001,
        rating=8.6,
        votes=755373,
        runtime_minutes=125,
        metascore=96,
        certificate="PG",
        release_date="2003-03-28",
        genres="Animation, Adventure, Family, Fantasy, Mystery",
        directors="nm0594503 Hayao Miyazaki",
        writers="nm0594503 Hayao Miyazaki",
        first_cast="nm0153738 Daveigh Chase as Chihiro",
        cast_count=18,
        served="2022-10-27T01:05:27.613Z",
    ),
    "title/title_tt1190072_2022-10-27_flexget.html": Known(
        imdb_id="tt1190072",
        title="The Hunter",
        original_title="Shekarchi",
        year=2010,
        rating=6.2,
        votes=1544,
        runtime_minutes=90,
        metascore=76,
        release_date="2010-04-08",
        genres="Drama, Thriller",
        directors="nm0686020 Rafi Pitts",
        writers="nm0686020 Rafi Pitts",
        first_cast="nm0686020 Rafi Pitts as Ali Alavi",
        cast_count=18,
        served="2022-10-27T01:06:30.583Z",
    ),
    "title/title_tt0910868_2022-10-27_flexget.html": Known(
        imdb_id="tt0910868",
        title="Nightmare City 2035",
        year=2007,
        rating=3.3,
        votes=742,
        runtime_minutes=90,
        certificate="R",
        release_date="2007-12-07",
        genres="Action, Sci-Fi",
        directors="nm0935288 Terence H. Winkless",
        writers="nm0705802 Raly Radouloff; nm0935288 Terence H. Winkless",
        first_cast="nm0001028 Maxwell Caulfield as Alex McDowell",
        cast_count=14,
        served="2022-10-27T01:06:24.580Z",
    ),
    "title/title_tt1259574_2022-10-27_flexget.html": Known(
        imdb_id="tt1259574",
        title="Red Riding: The Year of Our Lord 1974",
        kind=TitleKind.TV_MOVIE,
        year=2009,
        rating=6.9,
        votes=13017,
        runtime_minutes=102,
        certificate="Not Rated",
        release_date="2009-03-05",
        genres="Crime, Drama, History",
        directors="nm0418982 Julian Jarrold",
        writers="nm0342617 Tony Grisoni; nm3030961 David Peace",
        first_cast="nm1940449 Andrew Garfield as Eddie Dunford",
        cast_count=18,
        served="2022-10-27T01:06:18.640Z",
    ),
    "title/title_tt3303790_2022-10-27_flexget.html": Known(
        imdb_id="tt3303790",
        title="Master of None",
        year=None,
        rating=None,
        votes=0,
        runtime_minutes=None,
        genres="Drama",
        served="2022-10-27T01:08:06.657Z",
    ),
    "title/title_tt0086425_2022-10-27_flexget.html": Known(
        imdb_id="tt0086425",
        title="Terms of Endearment",
        year=1983,
        rating=7.4,
        votes=60851,
        runtime_minutes=132,
        metascore=79,
        certificate="PG",
        release_date="1983-12-09",
        genres="Comedy, Drama",
        directors="nm0000985 James L. Brooks",
        writers="nm0573505 Larry McMurtry; nm0000985 James L. Brooks",
        first_cast="nm0000511 Shirley MacLaine as Aurora Greenway",
        cast_count=18,
        served="2022-10-27T01:07:15.573Z",
    ),
    "title/title_tt0387564_2022-10-27_flexget.html": Known(
        imdb_id="tt0387564",
        title="Saw",
        year=2004,
        rating=7.6,
        votes=420806,
        runtime_minutes=103,
        metascore=46,
        certificate="R",
        release_date="2004-10-29",
        genres="Horror, Mystery, Thriller",
        directors="nm1490123 James Wan",
        writers="nm1191481 Leigh Whannell; nm1490123 James Wan",
        first_cast="nm0000144 Cary Elwes as Dr. Lawrence Gordon",
        cast_count=18,
        served="2022-10-27T01:07:39.638Z",
    ),
    "title/title_tt2402107_2023-05-26_flexget.html": Known(
        imdb_id="tt2402107",
        title="Existence",
        year=2012,
        rating=4.1,
        votes=149,
        runtime_minutes=85,
        certificate="Not Rated",
        release_date="2012-10-20",
        genres="Drama",
        directors="nm3266639 Juliet Bergh",
        writers="nm3266639 Juliet Bergh; nm5058056 Jess Charlton",
        first_cast="nm1045593 Loren Taylor as Freya",
        cast_count=11,
        served="2023-05-26T03:56:51.761Z",
    ),
    "title/title_tt0092455_2024-07-26_mediahoarder.html": Known(
        imdb_id="tt0092455",
        title="Star Trek: The Next Generation",
        kind=TitleKind.TV_SERIES,
        year=1987,
        end_year=1994,
        rating=8.7,
        votes=137996,
        runtime_minutes=45,
        certificate="TV-PG",
        release_date="1987-09-26",
        genres="Action, Adventure, Drama, Sci-Fi",
        creators="nm0734472 Gene Roddenberry",
        first_cast=(
            "nm0001772 Patrick Stewart as "
            "Captain Jean-Luc Picard, Locutus of Borg, Michael Williams"
        ),
        cast_count=18,
        served="2024-07-26T23:06:52.545Z",
    ),
    "title/title_tt4154796_2024-07-26_mediahoarder.html": Known(
        votes=1284189,
        genres="Action, Adventure, Drama, Sci-Fi",
        served="2024-07-26T23:06:47.136Z",
        **ENDGAME,
    ),
    "title/title_tt0298148_2024-08-31_tanna.html": Known(
        imdb_id="tt0298148",
        title="Shrek 2",
        year=2004,
        rating=7.3,
        votes=512891,
        runtime_minutes=93,
        metascore=75,
        certificate="PG",
        release_date="2004-05-19",
        genres="Animation, Adventure, Comedy, Family, Fantasy, Romance",
        directors="nm0011470 Andrew Adamson; nm0038432 Kelly Asbury; nm0970447 Conrad Vernon",
        writers="nm0825308 William Steig; nm0011470 Andrew Adamson; nm0830294 Joe Stillman",
        first_cast="nm0000196 Mike Myers as Shrek",
        cast_count=18,
        served="2024-08-31T11:36:31.788Z",
    ),
    "title/title_tt4154796_2025-11-19_mediahoarder.html": Known(
        votes=1402527,
        genres="Action, Adventure, Sci-Fi",
        served="2025-11-19T16:06:06.718Z",
        **ENDGAME,
    ),
    "reference_json/reference_tt0133093_2025-10-13_imdbinfo.json": Known(
        imdb_id="tt0133093",
        title="Matrix",
        original_title="The Matrix",
        year=1999,
        rating=8.7,
        votes=2193347,
        runtime_minutes=136,
        metascore=73,
        certificate="T",
        release_date="1999-05-07",
        genres="Action, Sci-Fi",
        directors="nm0905154 Lana Wachowski; nm0905152 Lilly Wachowski",
        writers="nm0905152 Lilly Wachowski; nm0905154 Lana Wachowski",
        first_cast="nm0000206 Keanu Reeves as Neo",
        cast_count=41,
        served="2025-10-13T21:03:11.675Z",
    ),
    "reference_json/reference_tt1628065_episode_2025-08-06_imdbinfo.json": Known(
        imdb_id="tt1628065",
        title="Tell It to the Frogs",
        kind=TitleKind.TV_EPISODE,
        year=2010,
        rating=8.2,
        votes=19434,
        runtime_minutes=45,
        certificate="TV-14",
        release_date="2010-11-14",
        genres="Drama, Horror, Thriller",
        directors="nm0394586 Gwyneth Horder-Payton",
        # Nine lines on the page, three of them people who stand there twice.
        writers=(
            "nm0001104 Frank Darabont; nm3079117 Robert Kirkman; nm3877885 Tony Moore; "
            "nm1891501 Charlie Adlard; nm0251050 Charles H. Eglee; nm0517753 Jack LoGiudice"
        ),
        first_cast="nm0511088 Andrew Lincoln as Rick Grimes",
        cast_count=27,
        served="2025-08-06T11:41:32.956Z",
    ),
}
HTML_TITLES = [name for name in TITLES if name.endswith(".html")]
FACTS = (
    "imdb_id",
    "kind",
    "title",
    "original_title",
    "year",
    "end_year",
    "runtime_minutes",
    "rating",
    "votes",
    "metascore",
    "certificate",
    "release_date",
    "genres",
    "directors",
    "writers",
    "creators",
    "first_cast",
    "cast_count",
    "served",
)


def capture(name: str, *, strip: tuple[re.Pattern[bytes], ...] = ()) -> Page:
    """A captured page, without the parts that the patterns match."""
    body = (CAPTURES / name).read_bytes()
    for part in strip:
        body = part.sub(b"", body)
    return Page(url=name, body=body, source="saved", fetched_at=FETCHED_AT, page_clock=True)


@cache
def read(name: str) -> Title:
    return parse_title(capture(name))


def listed(credits_: tuple[Credit, ...]) -> str:
    return "; ".join(f"{credit.person_id} {credit.name}" for credit in credits_)


def as_found(title: Title) -> dict[str, Any]:
    cast = title.credits_of(CreditCategory.CAST)
    first = f"{listed(cast[:1])} as {', '.join(cast[0].characters)}" if cast else ""
    return {
        **{fact: getattr(title, fact) for fact in FACTS if hasattr(title, fact)},
        "release_date": title.release_date and title.release_date.isoformat(),
        "genres": ", ".join(title.genres),
        "directors": listed(title.credits_of(CreditCategory.DIRECTOR)),
        "writers": listed(title.credits_of(CreditCategory.WRITER)),
        "creators": listed(title.credits_of(CreditCategory.CREATOR)),
        "first_cast": first,
        "cast_count": len(cast),
        "served": title.provenance.fetched_at,
    }


def as_known(known: Known) -> dict[str, Any]:
    return {fact: getattr(known, fact) for fact in FACTS} | {
        "original_title": known.original_title or known.title,
        "served": datetime.fromisoformat(known.served),
    }


def page_props(name: str) -> dict[str, Any]:
    """The page's data by way of the standard library, to compare with."""
    body = capture(name).body
    if name.endswith(".html"):
        script = NEXT_DATA.search(body)
        assert script is not None
        body = script[0].partition(b">")[2].removesuffix(b"</script>")
    props: dict[str, Any] = json.loads(body)["props"]["pageProps"]
    return props


def test_every_title_capture_is_known() -> None:
    folders = ("title", "reference_json")
    found = {
        f"{folder}/{file.name}" for folder in folders for file in (CAPTURES / folder).iterdir()
    }
    assert found == set(TITLES)


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("name", TITLES)
def test_fact(name: str, fact: str) -> None:
    assert as_found(read(name))[fact] == as_known(TITLES[name])[fact]


@pytest.mark.parametrize("name", TITLES)
def test_plot_and_cast_are_those_of_the_page(name: str) -> None:
    props = page_props(name)
    above, main = props["aboveTheFoldData"], props["mainColumnData"]
    plot = above["plot"] and above["plot"]["plotText"] and above["plot"]["plotText"]["plainText"]
    assert read(name).plot == plot
    cast = [(c.person_id, c.name) for c in read(name).credits_of(CreditCategory.CAST)]
    if "castV2" in main:
        people = [credit["name"] for credit in main["castV2"][0]["credits"]]
    elif "cast" in main:
        people = [edge["node"]["name"] for edge in main["cast"]["edges"]]
    else:
        [section] = [c["section"] for c in main["categories"] if c["name"] == "Cast"]
        assert cast == [(item["id"], item["rowTitle"]) for item in section["items"]]
        return
    assert cast == [(person["id"], person["nameText"]["text"]) for person in people]


@pytest.mark.parametrize("name", TITLES)
def test_identity(name: str) -> None:
    identity = identify(capture(name))
    kind = PageKind.TITLE if name in HTML_TITLES else PageKind.REFERENCE
    assert (identity.kind, identity.title_id) == (kind, TITLES[name].imdb_id)


@pytest.mark.parametrize("name", HTML_TITLES)
def test_identity_by_the_canonical_address(name: str) -> None:
    identity = identify(capture(name, strip=(NEXT_DATA,)))
    assert (identity.kind, identity.title_id) == (PageKind.TITLE, TITLES[name].imdb_id)


class TestWithoutNextData:
    """Every fact that JSON-LD and markup state is the one of ``__NEXT_DATA__``."""

    @pytest.mark.parametrize("name", HTML_TITLES)
    def test_json_ld_and_markup(self, name: str) -> None:
        title = parse_title(capture(name, strip=(NEXT_DATA,)))
        assert title.provenance.found_by == "json_ld"
        self.compare(title, read(name), unknown=())
        assert read(name).genres[:3] == title.genres

    @pytest.mark.parametrize("name", HTML_TITLES)
    def test_markup_alone(self, name: str) -> None:
        title = parse_title(capture(name, strip=(NEXT_DATA, JSON_LD)))
        assert title.provenance.found_by == "dom"
        self.compare(title, read(name), unknown=("votes", "original_title", "release_date"))

    def compare(self, found: Title, right: Title, unknown: tuple[str, ...]) -> None:
        facts = (
            "imdb_id kind title year end_year runtime_minutes rating metascore certificate plot "
            "votes original_title release_date"
        )
        for fact in facts.split():
            known = getattr(found, fact)
            # Without a rating nothing is said about votes, though the data says 0.
            if known is None and (fact in unknown or (fact == "votes" and right.rating is None)):
                continue
            assert known == getattr(right, fact), fact
        for category in CreditCategory:
            credits_ = found.credits_of(category)
            assert listed(credits_) == listed(right.credits_of(category))
            for shown, full in zip(credits_, right.credits_of(category), strict=True):
                # A cast row shows the first character only.
                assert shown.characters == full.characters[:1]


CHARTS = {
    "chart/chart_top_2025-10-02_alansms.html": (
        "tt0111161",
        "tt0758758",
        "2025-10-02T21:49:06.238Z",
    ),
    "chart/chart_top_2025-05-27_anjali_IN.html": (
        "tt0111161",
        "tt0077711",
        "2025-05-27T04:52:30.480Z",
    ),
}


@pytest.mark.parametrize("name", CHARTS)
class TestCharts:
    def test_whole_chart(self, name: str) -> None:
        first, last, served = CHARTS[name]
        chart = parse_chart(capture(name), ChartName.TOP)
        edges = page_props(name)["pageData"]["chartTitles"]["edges"]
        assert [(entry.rank, entry.title_id) for entry in chart.entries] == [
            (edge["currentRank"], edge["node"]["id"]) for edge in edges
        ]
        assert (len(chart.entries), chart.entries[0].title_id) == (250, first)
        assert (chart.entries[-1].rank, chart.entries[-1].title_id) == (250, last)
        assert chart.captured_at == datetime.fromisoformat(served)
        assert identify(capture(name)).chart is ChartName.TOP

    def test_json_ld_has_the_same_order(self, name: str) -> None:
        chart = parse_chart(capture(name, strip=(NEXT_DATA,)), ChartName.TOP)
        assert chart.entries == parse_chart(capture(name), ChartName.TOP).entries

    def test_rows_as_served_are_a_part_only(self, name: str) -> None:
        with pytest.raises(PageChanged, match="has 25 of 250 titles"):
            parse_chart(capture(name, strip=(NEXT_DATA, JSON_LD)), ChartName.TOP)

    def test_it_is_no_other_chart(self, name: str) -> None:
        with pytest.raises(PageChanged, match="not the chart 'toptv'"):
            parse_chart(capture(name), ChartName.TOP_TV)


def test_chart_of_2023() -> None:
    """An extract: the page's data without its envelope, which is put around it again."""
    extract = json.loads(capture("chart_extracts/chart_top_2023-12-31_raj_pageData.json").body)
    props = {
        "pageData": extract["pageData"],
        "requestContext": {"timestamp": extract["timestamp"]},
    }
    body = json.dumps({"props": {"pageProps": props}, "page": extract["page"]}).encode()
    page = Page(url="2023", body=body, source="saved", fetched_at=FETCHED_AT, page_clock=True)
    chart = parse_chart(page, ChartName.TOP)
    assert [entry.rank for entry in chart.entries] == list(range(1, 251))
    assert chart.entries[0].title_id == "tt0111161"
    assert chart.captured_at.isoformat().startswith("2023-12-31T09:25:27")


def test_chart_in_the_markup_of_2022() -> None:
    name = "legacy/chart_top_2022-09-30_psixolog_OLD_LAYOUT.html"
    chart = parse_chart(capture(name), ChartName.TOP)
    assert [entry.rank for entry in chart.entries] == list(range(1, 251))
    assert chart.entries[0].title_id == "tt0111161"
    assert chart.captured_at == FETCHED_AT
    with pytest.raises(PageChanged):
        parse_chart(capture(name), ChartName.BOTTOM)


NOT_TITLES = [
    "chart/chart_moviemeter_2025-11-14_TRUNCATED_salahnorth.html",
    "chart/chart_top_2025-10-02_alansms.html",
    "chart/indialist_top-rated-indian-movies_2026-02-06_ankit.html",
    "chart_extracts/chart_top_2023-12-31_raj_pageData.json",
    "episodes/episodes_tt1520211_s1_2025-08_imdbinfo.json",
    "graphql/title_tt10919420_README_quote.json",
    "graphql/mainSearch_The-Matrix_2026-04_imdbinfo.json",
    "legacy/chart_top_2022-09-30_psixolog_OLD_LAYOUT.html",
    "legacy/title_tt0114478_2017-12-28_flexget_OLD_LAYOUT.html",
    "other/calendar_MX_2024-08-28_fernando.html",
    "other/home_2026-07-16_priyal.html",
    "other/releaseinfo_tt0076759_2024-10-03_mediahoarder.html",
    "person/name_nm0741627_2025-03-30_adriantodd.html",
    "search/advsearch_user-rating-7-8_2025-06-16_sxh7.html",
    "search/find_The-Odyssey-2026_2026-01-30_vkinegrab.html",
    "search/find_kiss-kiss-bang-bang-2005_2022-12-08_royrwood.html",
    "suggestion/suggest_titles_saw_2022-10-27.json",
]


@pytest.mark.parametrize("strip", [(), (NEXT_DATA,)], ids=["whole", "without __NEXT_DATA__"])
@pytest.mark.parametrize("name", NOT_TITLES)
def test_a_page_about_something_else_is_never_a_title(
    name: str, strip: tuple[re.Pattern[bytes], ...]
) -> None:
    with pytest.raises(PageChanged):
        parse_title(capture(name, strip=strip))


@pytest.mark.parametrize("name", [name for name in NOT_TITLES if "chart_top" not in name])
def test_a_page_about_something_else_is_never_a_chart(name: str) -> None:
    for chart in (ChartName.TOP, ChartName.MOVIEMETER):
        with pytest.raises(PageChanged):
            parse_chart(capture(name), chart)


@pytest.mark.parametrize("name", [*TITLES, *NOT_TITLES])
def test_no_real_page_is_taken_for_a_challenge(name: str) -> None:
    for strip in ((), (NEXT_DATA,)):
        assert block_reason(200, {}, capture(name, strip=strip).body) is None


@pytest.mark.parametrize("name", HTML_TITLES)
def test_a_page_cut_short(name: str) -> None:
    whole = capture(name)
    for part in range(1, 8):
        cut = Page(
            url=name,
            body=whole.body[: len(whole.body) * part // 8],
            source="saved",
            fetched_at=FETCHED_AT,
        )
        with pytest.raises(PageChanged):
            parse_title(cut)


def test_release_dates_are_dates() -> None:
    assert read("title/title_tt1190072_2022-10-27_flexget.html").release_date == ReleaseDate(
        year=2010, month=4, day=8
    )


PERSON = "person/name_nm0741627_2025-03-30_adriantodd.html"


def test_a_person_says_every_fact() -> None:
    person = parse_person(capture(PERSON))
    assert identify(capture(PERSON)).person_id == "nm0741627"
    assert (person.imdb_id, person.name) == ("nm0741627", "Reginald Rose")
    assert person.birth_date == PartialDate(year=1920, month=12, day=10)
    assert person.birth_place == "Manhattan, New York City, New York, USA"
    assert person.death_date == PartialDate(year=2002, month=4, day=19)
    assert person.death_place == "Norwalk, Connecticut, USA"
    assert person.professions == ("Writer", "Producer")
    assert person.biography is not None
    assert person.biography.startswith("Reginald Rose was born on 10 December 1920 in Manhattan")
    assert person.known_for == ("tt0050083", "tt0040051", "tt0054531", "tt0078294")
    assert person.total_credits == 91
    assert person.provenance.found_by == "next_data"


def test_a_person_has_the_facts_of_their_page() -> None:
    facts = parse_person(capture(PERSON)).facts
    assert [(fact.category.value, fact.year) for fact in facts] == [
        ("nickname", None), ("alternative_name", None), ("death_cause", None), ("image", None),
        ("spouse", 1963), ("spouse", 1943), ("trivia", None), ("quote", None), ("other_work", None),
    ]  # fmt: skip
    nickname, other_name, cause, image, first_wife, *_, trivia, quote, other_work = facts
    assert (nickname.text, other_name.text) == ("Reggie", "Ed Tashley")
    assert cause.text == "complications from heart failure"
    assert image.url is not None
    assert image.url.startswith("https://m.media-amazon.com/images/M/")
    assert first_wife.text == (
        "Ellen McLaughlin (July 6, 1963 - April 19, 2002) (his death, 2 children)"
    )
    assert trivia.text.startswith("Born in Manhattan, attended City College")
    assert quote.text.startswith("[about his inspiration for 12 Angry Men (1957)] It was")
    assert other_work.text == '(4/23/53) Unsold pilot: Wrote a pilot for CBS, "Love That Guy".'


def test_a_person_has_the_first_credits_of_each_category_and_what_they_are_known_for() -> None:
    person = parse_person(capture(PERSON))
    assert {name: len(listed) for name, listed in person.by_category.items()} == {
        "writer": 19,
        "producer": 1,
    }
    credits_ = {(credit.category, credit.title_id): credit for credit in person.filmography}
    assert person.filmography[0].title_id == "tt34773172"
    assert credits_["writer", "tt0402711"] == FilmographyCredit(
        category="writer", title_id="tt0402711", title="Boston Legal", kind=TitleKind.TV_SERIES,
        year=2004, end_year=2008, rating=8.5, votes=51586, jobs=('"The Defender" clips',),
        attributes=("uncredited",), episodes=1,
    )  # fmt: skip
    assert credits_["producer", "tt0050083"].jobs == ("producer",)
    film = credits_["writer", "tt0050083"]
    assert (film.title, film.year, film.rating, film.votes) == ("12 Angry Men", 1957, 9.0, 918667)
    assert film.jobs == ("screenplay", 'teleplay "Twelve Angry Men"')
    series = credits_["writer", "tt0040051"]
    assert (series.title, series.year, series.end_year, series.episodes) == (
        "Studio One", 1948, 1958, 17,
    )  # fmt: skip
    unrated = credits_["writer", "tt34773172"]
    assert (unrated.kind, unrated.rating, unrated.votes) == (TitleKind.SHORT, None, 0)


def test_a_person_without_the_data_of_the_page_is_read_from_the_json_ld() -> None:
    whole, person = (parse_person(capture(PERSON, strip=s)) for s in ((), (NEXT_DATA,)))
    assert person == replace(
        whole, birth_place=None, death_place=None, biography=None, known_for=(),
        total_credits=None, filmography=(), facts=(), provenance=person.provenance,
    )  # fmt: skip
    assert person.provenance.found_by == "json_ld"


@pytest.mark.parametrize("name", [*TITLES, *(name for name in NOT_TITLES if name != PERSON)])
@pytest.mark.parametrize("strip", [(), (NEXT_DATA,)], ids=["whole", "without __NEXT_DATA__"])
def test_a_page_about_something_else_is_never_a_person(
    name: str, strip: tuple[re.Pattern[bytes], ...]
) -> None:
    with pytest.raises(PageChanged):
        parse_person(capture(name, strip=strip))
