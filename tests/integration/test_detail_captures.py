"""Real pages of IMDb, kept outside the project: the details that they have.

As in `test_captures`: without the folder these tests are skipped.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from domain.details import Detail, DetailName, Item
from domain.details.items import (
    AlternativeTitle,
    AwardCounts,
    BoxOfficeFigure,
    BoxOfficeKind,
    CompanyCredit,
    CountryCertificate,
    Episode,
    EpisodeOf,
    FullCredit,
    Ranking,
    RankingKind,
    TechnicalSpecification,
    Video,
)
from domain.identifiers import TitleId
from domain.release_date import ReleaseDate
from infrastructure.scrapers.imdb_pages.detail_pages import PAGE_OF, DetailPage
from infrastructure.scrapers.imdb_pages.details.pages import (
    detail_page_of,
    join_seasons,
    read_release_details,
    read_season_page,
    read_title_details,
)
from tests.integration import test_captures
from tests.integration.test_captures import capture

pytestmark = test_captures.pytestmark

ON_TITLE_PAGES = [name for name, page in PAGE_OF.items() if page is DetailPage.TITLE]
ON_REFERENCES = [name for name, page in PAGE_OF.items() if page is DetailPage.REFERENCE]
MATRIX = "reference_json/reference_tt0133093_2025-10-13_imdbinfo.json"
EPISODE = "reference_json/reference_tt1628065_episode_2025-08-06_imdbinfo.json"
STAR_WARS = "other/releaseinfo_tt0076759_2024-10-03_mediahoarder.html"
DEAD = "episodes/episodes_tt1520211_s1_2025-08_imdbinfo.json"


@dataclass(frozen=True)
class Known:
    """What a title page says, read off it by hand.

    ``sums`` are the budget, the opening weekend with its end, the domestic and the whole gross.
    """

    countries: str
    languages: str
    awards: tuple[int, int]
    sums: tuple[int | None, int | None, str | None, int | None, int | None]
    keywords: str
    similar: int = 12
    connection: str | None = None
    poster_width: int | None = None
    currency: str = "USD"


KNOWN = {
    "title_tt0086425_2022-10-27_flexget.html": Known(
        "US", "en", (32, 18), (8_000_000, 3_498_813, "1983-11-27", 108_423_489, 108_423_749),
        "cancer, dying young, extramarital affair, terminal illness, mother daughter relationship",
        connection="featured_in", poster_width=675,
    ),
    "title_tt0088247_2022-10-27_flexget.html": Known(
        "GB US", "en es", (8, 6), (6_400_000, 4_020_663, "1984-10-28", 38_371_200, 78_371_200),
        "time travel, cyborg, loss of loved one, robotics, future war",
        connection="edited_into", poster_width=1066,
    ),
    "title_tt0092455_2024-07-26_mediahoarder.html": Known(
        "US", "en tlh fr", (39, 61), (None, None, None, None, None),
        "cult tv, famous opening theme, star trek, space exploration, space",
        connection="edited_into", poster_width=1434,
    ),
    "title_tt0245429_2022-10-27_flexget.html": Known(
        "JP", "ja en", (58, 31), (19_000_000, 449_839, "2002-09-22", 13_750_644, 355_725_195),
        "spirit world, studio ghibli, child protagonist, falling from height, real name",
        connection="edited_into", poster_width=1956,
    ),
    "title_tt0298148_2024-08-31_tanna.html": Known(
        "US", "en", (18, 52),
        (150_000_000, 108_037_878, "2004-05-23", 444_854_717, 932_396_221),
        "ogre, princess, sequel, character asks are we there yet, coughing up a hairball",
        connection="featured_in", poster_width=2031,
    ),
    "title_tt0387564_2022-10-27_flexget.html": Known(
        "US", "en", (8, 10), (1_200_000, 18_276_468, "2004-10-31", 56_000_369, 103_911_669),
        "surprise ending, locked in a room, trapped in a room, mind game, flashback",
        connection="edited_into", poster_width=640,
    ),
    "title_tt0910868_2022-10-27_flexget.html": Known(
        "BG US", "en", (0, 0), (None, None, None, None, None), "", 10, poster_width=1240,
    ),
    "title_tt1190072_2022-10-27_flexget.html": Known(
        "IR DE", "fa", (0, 3), (None, None, None, None, 28_608),
        "ex convict, forest, death, abandoned house, hunting rifle",
        connection="features", poster_width=3508,
    ),
    "title_tt1259574_2022-10-27_flexget.html": Known(
        "GB", "en", (5, 10), (9_000_000, 14_526, "2010-02-07", 151_644, 151_644),
        "evil cop, evil policeman, evil man, human monster, gloomy",
        connection="featured_in", poster_width=800,
    ),
    "title_tt2402107_2023-05-26_flexget.html": Known(
        "NZ", "en", (0, 0), (250_000, None, None, None, None), "post apocalypse",
        poster_width=3119, currency="NZD",
    ),
    "title_tt3303790_2022-10-27_flexget.html": Known(
        "US", "", (0, 0), (None, None, None, None, None), "f rated", 1,
    ),
    "title_tt4154796_2024-07-26_mediahoarder.html": Known(
        "US", "en ja xh de", (70, 133),
        (356_000_000, 357_115_007, "2019-04-28", 858_373_000, 2_799_439_100),
        "time travel, superhero, super villain, cosmic, marvel cinematic universe",
        connection="edited_from", poster_width=1382,
    ),
    "title_tt4154796_2025-11-19_mediahoarder.html": Known(
        "US", "en ja xh de", (70, 132),
        (356_000_000, 357_115_007, "2019-04-28", 858_373_000, 2_799_439_100),
        "time travel, superhero, super villain, cosmic, marvel cinematic universe",
        connection="edited_from", poster_width=1382,
    ),
}  # fmt: skip


def details_of(name: str, names: list[DetailName]) -> dict[DetailName, Any]:
    return dict(read_title_details(capture(name), names, TitleId(_id_in(name))))


def _id_in(name: str) -> str:
    return next(part for part in name.replace("/", "_").split("_") if part.startswith("tt"))


def items_of(found: dict[DetailName, Any], name: DetailName) -> tuple[Item, ...]:
    detail = found[name]
    assert isinstance(detail, Detail), detail
    return detail.items


def test_every_capture_of_a_title_page_is_known() -> None:
    assert {f"title/{name}" for name in KNOWN} == {
        name for name in test_captures.HTML_TITLES if name.startswith("title/")
    }


@pytest.mark.parametrize("name", KNOWN)
def test_a_title_page(name: str) -> None:
    known, found = KNOWN[name], details_of(f"title/{name}", ON_TITLE_PAGES)

    def shown(detail: DetailName, field: str) -> list[Any]:
        return [getattr(item, field) for item in items_of(found, detail)]

    assert shown(DetailName.COUNTRIES, "country") == known.countries.split()
    assert shown(DetailName.LANGUAGES, "language") == known.languages.split()
    wins, nominations = known.awards
    assert items_of(found, DetailName.AWARDS) == (AwardCounts(wins=wins, nominations=nominations),)
    assert items_of(found, DetailName.BOX_OFFICE) == figures(known)
    assert shown(DetailName.KEYWORDS, "keyword") == [k for k in known.keywords.split(", ") if k]
    connected = [known.connection] if known.connection else []
    assert shown(DetailName.CONNECTIONS, "category") == connected
    posters = [
        getattr(item, "width", None)
        for item in items_of(found, DetailName.IMAGES)
        if getattr(item, "kind", None) == "poster"
    ]
    assert posters == ([known.poster_width] if known.poster_width else [])
    assert len(items_of(found, DetailName.SIMILAR_TITLES)) == known.similar
    for detail in found.values():
        assert isinstance(detail, Detail), detail


def figures(known: Known) -> tuple[Item, ...]:
    budget, opening, weekend, domestic, worldwide = known.sums
    sums = (
        (BoxOfficeKind.BUDGET, budget, None),
        (BoxOfficeKind.OPENING_WEEKEND, opening, weekend),
        (BoxOfficeKind.DOMESTIC, domestic, None),
        (BoxOfficeKind.WORLDWIDE, worldwide, None),
    )
    return tuple(
        BoxOfficeFigure(
            kind=kind,
            amount=amount,
            currency=known.currency,
            date=ReleaseDate.fromisoformat(end) if end else None,
        )
        for kind, amount, end in sums
        if amount is not None
    )


def test_what_a_recent_page_says_in_words() -> None:
    found = details_of("title/title_tt4154796_2025-11-19_mediahoarder.html", ON_TITLE_PAGES)
    [quote] = items_of(found, DetailName.QUOTES)
    assert getattr(quote, "lines", None) == ("Steve Rogers: Avengers! Assemble.",)
    [track] = items_of(found, DetailName.SOUNDTRACK)
    assert getattr(track, "comments", ())[1] == "Performed by Traffic"
    reviews = items_of(found, DetailName.REVIEWS)
    assert [getattr(review, "author", None) for review in reviews[:2]] == [
        "larshoeijmans", "ahmetkozan",
    ]  # fmt: skip
    [trivium] = items_of(found, DetailName.TRIVIA)
    text = getattr(trivium, "text", "")
    assert text.startswith("(at around 41 mins) Robert Downey Jr. once told")
    assert "<" not in text
    [ranking] = items_of(found, DetailName.RANKINGS)
    assert ranking == Ranking(kind=RankingKind.POPULARITY, rank=338, change=23, direction="DOWN")
    faqs = items_of(found, DetailName.FAQS)
    assert getattr(faqs[0], "question", None) == 'Is "Avengers: Endgame" based on a comic book?'
    [version] = items_of(found, DetailName.ALTERNATE_VERSIONS)
    assert getattr(version, "text", "").startswith("On June 28, 2019, the film was re-released")
    assert not found[DetailName.ALTERNATE_VERSIONS].is_whole
    [crazy] = items_of(found, DetailName.CRAZY_CREDITS)
    assert "this is the sound of Tony Stark forging his suit" in getattr(crazy, "text", "")
    assert items_of(found, DetailName.VIDEOS)[0] == Video(
        video_id="vi2163260441", name='"Policy" Trailer', kind="Trailer", seconds=66
    )
    assert items_of(found, DetailName.EPISODE_OF) == ()
    [location] = items_of(found, DetailName.FILMING_LOCATIONS)
    assert getattr(location, "attributes", ()) == ("Thor Meets His Mother In Asgard",)


def test_a_reference_page_of_concepts() -> None:
    found = details_of(MATRIX, ON_REFERENCES)
    credits_ = items_of(found, DetailName.FULL_CREDITS)
    assert credits_[1] == FullCredit(
        category="director", billing=2, name="Lilly Wachowski", person_id="nm0905152",
        attributes=("(as The Wachowski Brothers)",),
    )  # fmt: skip
    producers = [c for c in credits_ if getattr(c, "category", None) == "producer"]
    assert (len(producers), producers[0]) == (
        10,
        FullCredit(
            category="producer", billing=1, name="Bruce Berman", person_id="nm0075732",
            attributes=("executive producer",),
        ),
    )  # fmt: skip
    categories = {getattr(c, "category", "") for c in credits_}
    assert len(categories) == 30
    assert {"art_director", "camera_department", "stunts", "miscellaneous"} <= categories
    certificates = items_of(found, DetailName.CERTIFICATES)
    assert (len(certificates), certificates[0]) == (
        64,
        CountryCertificate(country="AR", rating="13"),
    )
    assert found[DetailName.CERTIFICATES].is_whole
    companies = items_of(found, DetailName.COMPANIES)
    assert companies[0] == CompanyCredit(
        category="production", name="Warner Bros.", company_id="co0002663",
        attributes=("A Warner Bros. Presentation",),
    )  # fmt: skip
    technical = items_of(found, DetailName.TECHNICAL_SPECIFICATIONS)
    assert (
        TechnicalSpecification(
            category="aspect_ratio", text="2.20 : 1", attributes=("70 mm prints",)
        )
        in technical
    )
    assert TechnicalSpecification(category="film_length", text="7 reels") in technical
    assert [getattr(p, "kind", None) for p in items_of(found, DetailName.PLOTS)] == [
        "outline", "summary", "synopsis",
    ]  # fmt: skip
    assert [getattr(t, "text", None) for t in items_of(found, DetailName.TAGLINES)] == [
        "Free your mind"
    ]


def test_a_reference_page_of_words() -> None:
    found = details_of(EPISODE, ON_REFERENCES)
    credits_ = items_of(found, DetailName.FULL_CREDITS)
    assert getattr(credits_[0], "name", None) == "Gwyneth Horder-Payton"
    cast = [c for c in credits_ if getattr(c, "category", None) == "cast"]
    assert (len(cast), getattr(cast[-1], "billing", None)) == (27, 27)
    assert not found[DetailName.FULL_CREDITS].is_whole
    assert len(items_of(found, DetailName.CERTIFICATES)) == 22
    assert items_of(found, DetailName.TAGLINES) == ()


def test_the_series_of_an_episode() -> None:
    found = details_of(EPISODE, [DetailName.EPISODE_OF])
    assert items_of(found, DetailName.EPISODE_OF) == (
        EpisodeOf(series_id="tt1520211", title="The Walking Dead", season=1, number=3),
    )


def test_the_page_with_release_dates_and_alternative_titles() -> None:
    page = capture(STAR_WARS)
    assert detail_page_of(page) == (DetailPage.RELEASE_INFO, "tt0076759")
    names = [DetailName.AKAS, DetailName.RELEASE_DATES]
    found = read_release_details(page, names, TitleId("tt0076759"))
    akas = items_of(found, DetailName.AKAS)
    assert akas[0] == AlternativeTitle(title="Star Wars", types=("original",), is_original=True)
    assert (len(akas), found[DetailName.AKAS].is_whole) == (6, False)  # type: ignore[union-attr]
    assert len(items_of(found, DetailName.RELEASE_DATES)) == 5


def test_the_page_of_a_season() -> None:
    page = capture(DEAD)
    assert detail_page_of(page) == (DetailPage.EPISODES, "tt1520211")
    season = read_season_page(page, TitleId("tt1520211"))
    detail = join_seasons([season], are_all=False)
    assert not detail.is_whole
    first = detail.items[0]
    assert isinstance(first, Episode)
    assert (first.season, first.number) == (1, 1)
    assert len(detail.items) == 6
