"""Each detail, in the shapes of the API and of pages: what is read, none, or not said."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.details import DetailName, item_of
from domain.details.items import (
    AlternateVersion,
    AlternativeTitle,
    AwardCounts,
    AwardNomination,
    BoxOfficeFigure,
    BoxOfficeKind,
    CompanyCredit,
    Connection,
    Country,
    CountryCertificate,
    CountryRating,
    CountryReleaseDate,
    CrazyCredit,
    CriticReview,
    Episode,
    EpisodeOf,
    ExternalLink,
    Faq,
    FilmingLocation,
    FullCredit,
    Goof,
    Image,
    Interest,
    Keyword,
    Language,
    NewsArticle,
    ParentsGuideItem,
    Plot,
    Quote,
    Ranking,
    RankingKind,
    RatingVotes,
    Review,
    Runtime,
    SimilarTitle,
    Soundtrack,
    Tagline,
    TechnicalSpecification,
    Trivia,
    Video,
)
from domain.errors import PageChanged, TitleError
from domain.release_date import ReleaseDate
from infrastructure.scrapers.imdb_pages.details import READERS, Part, billed
from infrastructure.scrapers.imdb_pages.details.shapes import RichText, as_word
from tests.unit.imdb_pages import pages
from tests.unit.test_parser_properties import JSON_VALUES, paths

ONE = "tt0000001"
Json = dict[str, Any]


def connection(*nodes: Json, total: int | None = None, more: str | None = None) -> Json:
    return {
        "total": len(nodes) if total is None else total,
        "pageInfo": {"hasNextPage": more is not None, "endCursor": more or "end"},
        "edges": [{"node": node} for node in nodes],
    }


def shown(*nodes: Json, total: int | None = None) -> Json:
    """A list as pages have it."""
    listed: Json = {"edges": [{"node": node} for node in nodes]}
    return listed if total is None else listed | {"total": total}


def words(*texts: str) -> list[Json]:
    return [{"text": text} for text in texts]


def money(amount: float, currency: str = "USD") -> Json:
    return {"amount": amount, "currency": currency}


def person(number: int) -> Json:
    return {"id": f"nm{number:07}", "nameText": {"text": f"Person {number}"}}


API: Mapping[DetailName, tuple[Json, tuple[Any, ...]]] = {
    DetailName.AKAS: (
        {
            "akas": connection(
                {
                    "displayableProperty": {
                        "value": {"plainText": "Le port"},
                        "qualifiersInMarkdownList": [{"plainText": "working title"}],
                    },
                    "country": {"id": "CA"},
                    "language": {"id": "fr"},
                }
            )
        },
        (AlternativeTitle(title="Le port", region="CA", language="fr",
                          attributes=("working title",)),),
    ),
    DetailName.FULL_CREDITS: (
        {
            "credits": connection(
                {
                    "category": {"id": "cast"}, "name": person(1),
                    "characters": [{"name": "Io"}, None], "attributes": words("voice"),
                    "castEpisodes": {"total": 9},
                },
                {
                    "category": {"id": "producer"}, "name": person(2) | {"id": ""},
                    "jobs": words("line producer", "thanks"), "crewEpisodes": {"total": 0},
                },
            )
        },
        (
            FullCredit(category="cast", billing=1, name="Person 1", person_id="nm0000001",
                       characters=("Io",), attributes=("voice",), episodes=9),
            FullCredit(category="producer", billing=1, name="Person 2",
                       job="line producer, thanks"),
        ),
    ),
    DetailName.EPISODES: (
        {
            "episodes": {
                "episodes": connection(
                    {
                        "id": "tt0000002", "titleText": {"text": "Pilot"},
                        "series": {"displayableEpisodeNumber": {
                            "displayableSeason": {"season": "1"},
                            "episodeNumber": {"episodeNumber": "2"},
                        }},
                        "releaseDate": {"year": 2014, "month": 5, "day": None},
                        "ratingsSummary": {"aggregateRating": 8, "voteCount": 7},
                        "plot": {"plotText": {"plainText": "It begins."}},
                    },
                    {
                        "id": "tt0000003", "titleText": None, "series": None,
                        "ratingsSummary": {"aggregateRating": 0, "voteCount": 0},
                    },
                )
            }
        },
        (
            Episode(episode_id="tt0000002", season=1, number=2, title="Pilot",
                    air_date=ReleaseDate(year=2014, month=5), rating=8, votes=7,
                    plot="It begins."),
            Episode(episode_id="tt0000003", votes=0),
        ),
    ),
    DetailName.CERTIFICATES: (
        {"certificates": connection(
            {"country": {"id": "DE"}, "rating": "12", "attributes": words("re-rating")}
        )},
        (CountryCertificate(country="DE", rating="12", attributes=("re-rating",)),),
    ),
    DetailName.RELEASE_DATES: (
        {"releaseDates": connection(
            {"country": {"id": "US"}, "year": 2014, "month": 5, "day": 9,
             "attributes": words("premiere")},
            {"country": {"id": "FR"}, "year": None, "month": 5, "day": 9, "attributes": None},
        )},
        (CountryReleaseDate(country="US", date=ReleaseDate(year=2014, month=5, day=9),
                            attributes=("premiere",)),),
    ),
    DetailName.COUNTRIES: (
        {"countriesDetails": {"countries": [{"id": "US", "text": "United States"}, {"id": "XX"}]}},
        (Country(country="US", name="United States"), Country(country="XX")),
    ),
    DetailName.LANGUAGES: (
        {"spokenLanguages": {"spokenLanguages": [{"id": "en", "text": "English"}]}},
        (Language(language="en", name="English"),),
    ),
    DetailName.COMPANIES: (
        {"companyCredits": connection({
            "company": {"id": "co0000001"}, "category": {"id": "distribution"},
            "displayableProperty": {"value": {"plainText": "Harbour"}},
            "countries": [{"id": "DE"}], "attributes": words("TV"),
            "yearsInvolved": {"year": 2014, "endYear": 2016},
        })},
        (CompanyCredit(category="distribution", name="Harbour", company_id="co0000001",
                       countries=("DE",), year=2014, end_year=2016, attributes=("TV",)),),
    ),
    DetailName.KEYWORDS: (
        {"keywords": connection({
            "keyword": {"text": {"text": "harbour"}},
            "interestScore": {"usersInterested": 2, "usersVoted": 3},
        })},
        (Keyword(keyword="harbour", users_interested=2, users_voted=3),),
    ),
    DetailName.TAGLINES: (
        {"taglines": connection({"text": "Wait."})},
        (Tagline(text="Wait."),),
    ),
    DetailName.BOX_OFFICE: (
        {
            "productionBudget": {"budget": money(1000000)},
            "openingWeekendGross": {"gross": {"total": money(5.4)},
                                    "weekendEndDate": "2014-05-11"},
            "lifetimeGross": {"total": money(7)},
            "internationalGross": {"total": money(8)},
            "worldwideGross": {"total": money(15, "EUR")},
        },
        (
            BoxOfficeFigure(kind=BoxOfficeKind.BUDGET, amount=1000000, currency="USD"),
            BoxOfficeFigure(kind=BoxOfficeKind.OPENING_WEEKEND, amount=5, currency="USD",
                            date=ReleaseDate(year=2014, month=5, day=11)),
            BoxOfficeFigure(kind=BoxOfficeKind.DOMESTIC, amount=7, currency="USD"),
            BoxOfficeFigure(kind=BoxOfficeKind.INTERNATIONAL, amount=8, currency="USD"),
            BoxOfficeFigure(kind=BoxOfficeKind.WORLDWIDE, amount=15, currency="EUR"),
        ),
    ),
    DetailName.AWARDS: (
        {"wins": {"total": 2}, "nominationsExcludeWins": {"total": 3}},
        (AwardCounts(wins=2, nominations=3),),
    ),
    DetailName.NOMINATIONS: (
        {"awardNominations": connection(
            {
                "isWinner": True, "category": {"text": "Best Film"},
                "award": {"text": "Bear", "eventEdition": {"year": 2015,
                                                          "event": {"text": "Berlin"}}},
                "awardedEntities": {"awardNames": [{"name": person(1)}]},
            },
            {
                "isWinner": False, "category": None,
                "award": {"text": "", "eventEdition": {"year": 2016, "event": {"text": "Paris"}}},
                "awardedEntities": {"secondaryAwardNames": [{"name": person(2)}]},
            },
        )},
        (
            AwardNomination(event="Berlin", year=2015, award="Bear", category="Best Film",
                            is_winner=True, people=("Person 1",)),
            AwardNomination(event="Paris", year=2016, is_winner=False, people=("Person 2",)),
        ),
    ),
    DetailName.IMAGES: (
        {
            "primaryImage": {"url": "https://i/1", "width": 2, "height": 3,
                             "caption": {"plainText": "Io"}},
            "titleMainImages": connection({"url": "https://i/2", "type": "still_frame"},
                                          {"url": None}),
        },
        (
            Image(url="https://i/1", kind="poster", width=2, height=3, caption="Io"),
            Image(url="https://i/2", kind="still_frame"),
        ),
    ),
    DetailName.EXTERNAL_LINKS: (
        {"externalLinks": connection({
            "url": "https://e/1", "label": "Site", "externalLinkCategory": {"id": "official"},
        })},
        (ExternalLink(category="official", url="https://e/1", label="Site"),),
    ),
    DetailName.PARENTS_GUIDE: (
        {"parentsGuide": {"categories": [{
            "category": {"id": "VIOLENCE"}, "severity": {"text": "Mild"},
            "guideItems": connection({"isSpoiler": True, "text": {"plainText": "A fight."}}),
        }]}},
        (
            ParentsGuideItem(category="violence", severity="Mild"),
            ParentsGuideItem(category="violence", text="A fight.", is_spoiler=True),
        ),
    ),
    DetailName.TRIVIA: (
        {"trivia": connection({
            "text": {"plainText": "So."}, "category": {"id": "cameo"}, "isSpoiler": False,
            "interestScore": {"usersInterested": 1, "usersVoted": 2},
        })},
        (Trivia(text="So.", category="cameo", users_interested=1, users_voted=2,
                is_spoiler=False),),
    ),
    DetailName.REVIEWS: (
        {"reviews": connection({
            "id": "rw1", "author": {"username": {"text": "ada"}}, "authorRating": 9,
            "submissionDate": "2015-01-02", "summary": {"originalText": "Good"},
            "text": {"originalText": {"plainText": "Very."}},
            "helpfulness": {"upVotes": 3, "downVotes": 1}, "spoiler": False,
        })},
        (Review(review_id="rw1", author="ada", rating=9,
                date=ReleaseDate(year=2015, month=1, day=2), summary="Good", text="Very.",
                helpful_votes=3, unhelpful_votes=1, is_spoiler=False),),
    ),
    DetailName.CONNECTIONS: (
        {"connections": connection({
            "associatedTitle": {"id": ONE, "titleText": {"text": "Two"},
                                "releaseYear": {"year": 2016}},
            "category": {"id": "followed_by"}, "description": {"plainText": "Later."},
        })},
        (Connection(category="followed_by", connected_id=ONE, title="Two", year=2016,
                    text="Later."),),
    ),
    DetailName.PLOTS: (
        {"plots": connection(
            {"plotType": "SYNOPSIS", "plotText": {"plainText": "All."}, "author": "ada",
             "isSpoiler": True},
            {"plotType": "OUTLINE", "plotText": None},
        )},
        (Plot(kind="synopsis", text="All.", author="ada", is_spoiler=True),),
    ),
    DetailName.GOOFS: (
        {"goofs": connection({"category": {"id": "continuity"}, "text": {"plainText": "Oh."},
                              "isSpoiler": False})},
        (Goof(category="continuity", text="Oh.", is_spoiler=False),),
    ),
    DetailName.QUOTES: (
        {"quotes": connection({"isSpoiler": False, "lines": [
            {"characters": [{"character": "Io"}, {"character": "Ed"}], "text": "Wait."},
            {"characters": None, "stageDirection": "they wait", "text": None},
            {"characters": [{"character": "Io"}], "stageDirection": "sighs", "text": "Still."},
        ]})},
        (Quote(lines=("Io, Ed: Wait.", "[they wait]", "Io: [sighs] Still."), is_spoiler=False),),
    ),
    DetailName.SOUNDTRACK: (
        {"soundtrack": connection({"text": "Song", "comments": [{"plainText": "By Ö"}, None]},
                                  {"text": None})},
        (Soundtrack(title="Song", comments=("By Ö",)),),
    ),
    DetailName.TECHNICAL_SPECIFICATIONS: (
        {"technicalSpecifications": {
            "soundMixes": {"items": [{"text": "Mono", "attributes": words("prints")}]},
            "aspectRatios": {"items": [{"aspectRatio": "1.85 : 1", "attributes": []}]},
            "colorations": {"items": [{"text": "Color"}]},
            "cameras": {"items": [{"camera": "Arri"}]},
            "filmLengths": {"items": [{"displayableProperty": {"value": {"plainText": "7 m"}}}]},
            "laboratories": {"items": [{"laboratory": "Lab"}]},
            "negativeFormats": {"items": [{"negativeFormat": "35 mm"}]},
            "printedFormats": {"items": [{"printedFormat": "16 mm"}]},
            "processes": {"items": [{"process": "DI"}]},
        }},
        tuple(
            TechnicalSpecification(category=category, text=text, attributes=attributes)
            for category, text, attributes in (
                ("sound_mix", "Mono", ("prints",)), ("aspect_ratio", "1.85 : 1", ()),
                ("color", "Color", ()), ("camera", "Arri", ()), ("film_length", "7 m", ()),
                ("laboratory", "Lab", ()), ("negative_format", "35 mm", ()),
                ("printed_format", "16 mm", ()), ("process", "DI", ()),
            )
        ),
    ),
    DetailName.FILMING_LOCATIONS: (
        {"filmingLocations": connection({"text": "Kiel", "attributes": words("harbour")})},
        (FilmingLocation(location="Kiel", attributes=("harbour",)),),
    ),
    DetailName.SIMILAR_TITLES: (
        {"moreLikeThisTitles": connection({"id": ONE, "titleText": {"text": "Two"}})},
        (SimilarTitle(similar_id=ONE, title="Two"),),
    ),
    DetailName.EPISODE_OF: (
        {"series": {
            "series": {"id": ONE, "titleText": {"text": "A series"}},
            "displayableEpisodeNumber": {
                "displayableSeason": {"season": "2"}, "episodeNumber": {"episodeNumber": "unknown"},
            },
        }},
        (EpisodeOf(series_id=ONE, title="A series", season=2),),
    ),
    DetailName.RUNTIMES: (
        {"runtimes": connection(
            {"seconds": 8520, "country": {"id": "FR"}, "attributes": words("restored")},
            {"seconds": 0},
        )},
        (Runtime(seconds=8520, country="FR", attributes=("restored",)),),
    ),
    DetailName.RANKINGS: (
        {
            "meterRank": {
                "currentRank": 5, "rankChange": {"changeDirection": "DOWN", "difference": 2},
            },
            "topRated": {"topRanking": {"rank": 1}},
        },
        (
            Ranking(kind=RankingKind.POPULARITY, rank=5, change=2, direction="DOWN"),
            Ranking(kind=RankingKind.TOP_RATED, rank=1),
        ),
    ),
    DetailName.RATING_HISTOGRAM: (
        {"ratingHistogram": {
            "histogram": {"histogramValues": [{"rating": 10, "voteCount": 7}]},
        }},
        (RatingVotes(rating=10, votes=7),),
    ),
    DetailName.COUNTRY_RATINGS: (
        {"countryRatings": {
            "ratingsSummaryByCountry": [{"country": "DE", "aggregate": 8.5, "voteCount": 3}],
        }},
        (CountryRating(country="DE", rating=8.5, votes=3),),
    ),
    DetailName.CRITIC_REVIEWS: (
        {"criticReviews": {"reviews": connection(
            {
                "score": 90, "site": "Paper", "reviewer": "A. B.", "quote": {"value": "Good."},
                "url": "https://example.com/",
            },
            {"score": 10},
        )}},
        (
            CriticReview(
                score=90, publisher="Paper", reviewer="A. B.", quote="Good.",
                url="https://example.com/",
            ),
            CriticReview(score=10),
        ),
    ),
    DetailName.ALTERNATE_VERSIONS: (
        {"alternateVersions": connection({"text": {"plainText": "Longer."}})},
        (AlternateVersion(text="Longer."),),
    ),
    DetailName.CRAZY_CREDITS: (
        {"crazyCredits": connection(
            {
                "text": {"plainText": "Odd."},
                "interestScore": {"usersInterested": 1, "usersVoted": 2},
            },
        )},
        (CrazyCredit(text="Odd.", users_interested=1, users_voted=2),),
    ),
    DetailName.FAQS: (
        {"faqs": connection(
            {
                "question": {"plainText": "Why?"}, "answer": {"plainText": "So."},
                "isSpoiler": True,
            },
            {"question": {"plainText": "How?"}, "answer": None, "isSpoiler": False},
        )},
        (
            Faq(question="Why?", answer="So.", is_spoiler=True),
            Faq(question="How?", is_spoiler=False),
        ),
    ),
    DetailName.INTERESTS: (
        {"interests": connection(
            {"id": "in0000001", "primaryText": {"text": "Epic"}},
            {"id": "in0000002", "primaryText": None},
        )},
        (Interest(interest_id="in0000001", name="Epic"),),
    ),
    DetailName.VIDEOS: (
        {"videoStrip": connection(
            {
                "id": "vi1", "name": {"value": "A trailer"}, "runtime": {"value": 66},
                "contentType": {"displayName": {"value": "Trailer"}},
                "createdDate": "2019-04-27T08:45:03.005Z",
            },
        )},
        (
            Video(
                video_id="vi1", name="A trailer", kind="Trailer", seconds=66,
                date=ReleaseDate(year=2019, month=4, day=27),
            ),
        ),
    ),
    DetailName.NEWS: (
        {"news": connection(
            {
                "id": "ni1", "articleTitle": {"plainText": "News"}, "date": "2020-02-03T04:05:06Z",
                "source": {"description": "Paper"}, "externalUrl": "https://example.com/",
            },
        )},
        (
            NewsArticle(
                news_id="ni1", headline="News", publisher="Paper", url="https://example.com/",
                date=ReleaseDate(year=2020, month=2, day=3),
            ),
        ),
    ),
}  # fmt: skip
"""What the API says, and what is read of it."""

HTML = {"plaidHtml": 'The <a href="/x">first</a> line<br/>&amp; the &quot;second&quot;'}
PLAIN = 'The first line\n& the "second"'

ON_PAGES: tuple[tuple[DetailName, Json, tuple[Any, ...], bool], ...] = (
    (
        DetailName.EPISODE_OF,
        {
            "series": {
                "series": {"id": ONE, "titleText": {"text": "A series"}},
                "episodeNumber": {"seasonNumber": 1, "episodeNumber": 3},
            }
        },
        (EpisodeOf(series_id=ONE, title="A series", season=1, number=3),),
        True,
    ),
    (
        DetailName.RANKINGS,
        {"meterRanking": {"currentRank": 5}},
        (Ranking(kind=RankingKind.POPULARITY, rank=5),),
        False,
    ),
    (
        DetailName.FAQS,
        {"faqs": shown({"question": {"plainText": "Why?"}}, total=4)},
        (Faq(question="Why?"),),
        False,
    ),
    (
        DetailName.COUNTRIES,
        {"countriesOfOrigin": {"countries": [{"id": "GB"}]}},
        (Country(country="GB"),),
        True,
    ),
    (
        DetailName.COMPANIES,
        {
            "production": shown({"company": {"id": "co1", "companyText": {"text": "A"}}}),
            "companies": {"total": 9},
        },
        (CompanyCredit(category="production", name="A", company_id="co1"),),
        False,
    ),
    (
        DetailName.COMPANIES,
        {
            "companyCreditCategories": [
                {
                    "category": {"id": "sales"},
                    "companyCredits": shown(
                        {
                            "company": {"id": "co1"},
                            "displayableProperty": {"value": {"plainText": "A"}},
                            "countries": [{"text": "Germany"}],
                        },
                        total=1,
                    ),
                }
            ]
        },
        (CompanyCredit(category="sales", name="A", company_id="co1"),),
        True,
    ),
    (
        DetailName.KEYWORDS,
        {"keywords": shown({"text": "sea"}, total=2)},
        (Keyword(keyword="sea"),),
        False,
    ),
    (
        DetailName.KEYWORDS,
        {"storylineKeywords": shown({"text": "sea"}, total=1)},
        (Keyword(keyword="sea"),),
        True,
    ),
    (
        DetailName.AWARDS,
        {"wins": {"total": 0}, "nominations": {"total": 4}},
        (AwardCounts(wins=0, nominations=4),),
        True,
    ),
    (
        DetailName.TRIVIA,
        {"trivia": shown({"text": HTML}), "triviaTotal": {"total": 2}},
        (Trivia(text=PLAIN),),
        False,
    ),
    (
        DetailName.GOOFS,
        {"goofs": shown({"text": HTML}), "goofsTotal": {"total": 1}},
        (Goof(category="unknown", text=PLAIN),),
        True,
    ),
    (
        DetailName.REVIEWS,
        {
            "reviews": {"total": 70},
            "featuredReviews": shown({"id": "rw1", "author": {"nickName": "ada"}}),
        },
        (Review(review_id="rw1", author="ada"),),
        False,
    ),
    (
        DetailName.EXTERNAL_LINKS,
        {
            "externalLinks": {"total": 600},
            "detailsExternalLinks": shown({"url": "https://e/1"}, total=1),
        },
        (ExternalLink(category="official", url="https://e/1"),),
        False,
    ),
    (
        DetailName.CONNECTIONS,
        {"connections": shown({"associatedTitle": {"id": ONE}, "category": {"text": "Spin-off"}})},
        (Connection(category="spin_off", connected_id=ONE),),
        False,
    ),
    (
        DetailName.PLOTS,
        {
            "outlines": shown({"plotText": HTML}),
            "summaries": shown({"plotText": {"plaidHtml": "Short."}, "author": "ada"}),
            "synopses": shown(),
        },
        (Plot(kind="outline", text=PLAIN), Plot(kind="summary", text="Short.", author="ada")),
        False,
    ),
    (
        DetailName.FULL_CREDITS,
        {
            "credits": {"completenessStatus": {"id": "complete"}},
            "categories": [
                {
                    "id": f"{pages.CONCEPT}name_credit_category.new",
                    "name": "Harbour Pilots",
                    "section": {
                        "items": [
                            {"id": None, "rowTitle": "A", "attributes": "(as B)"},
                            {"id": "nm0000001", "rowTitle": "C", "characters": ["D", ""]},
                        ],
                        "total": 3,
                    },
                }
            ],
        },
        (
            FullCredit(category="harbour_pilots", billing=1, name="A", attributes=("(as B)",)),
            FullCredit(
                category="harbour_pilots",
                billing=2,
                name="C",
                person_id="nm0000001",
                characters=("D",),
            ),
        ),
        False,
    ),
    (
        DetailName.TECHNICAL_SPECIFICATIONS,
        {"technicalSpecifications": {"soundMixes": {"items": [{"text": "Mono"}]}}},
        (TechnicalSpecification(category="sound_mix", text="Mono"),),
        False,
    ),
    (
        DetailName.FILMING_LOCATIONS,
        {"filmingLocations": shown(total=0)},
        (),
        True,
    ),
)
"""What pages say otherwise than the API, what is read of it, and whether that is all."""

NULL_IS_NONE = {name: dict.fromkeys(title) for name, (title, _) in API.items()}


def read(name: DetailName, title: Json) -> Part | None:
    return READERS[name].read(pages.page(b""), memoryview(json.dumps(title).encode()), name)


def test_every_detail_has_a_reader_of_its_own_items() -> None:
    assert set(API) == set(READERS) == set(DetailName)
    for name, (_, items) in API.items():
        assert {type(item) for item in items} == {item_of(name)}


def test_decoders_are_made_by_the_import_and_not_by_the_threads_that_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Several threads that give msgspec the same types at once end the process, now and then."""
    monkeypatch.setattr(msgspec.json, "Decoder", None)
    for name, (title, items) in API.items():
        part = read(name, title)
        assert part is not None
        assert part.items == items


def test_no_key_of_a_title_belongs_to_two_details() -> None:
    keys = [key for reader in READERS.values() for key in reader.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", DetailName)
def test_what_the_api_says(name: DetailName) -> None:
    title, items = API[name]
    part = read(name, title | {"id": ONE, "unknown": [1]})
    assert part == Part(items, is_whole=True, next_cursor=None)


@pytest.mark.parametrize(
    ("name", "title", "items", "is_whole"), ON_PAGES, ids=[case[0].value for case in ON_PAGES]
)
def test_what_pages_say(
    name: DetailName, title: Json, items: tuple[Any, ...], is_whole: bool
) -> None:
    part = read(name, title)
    assert part is not None
    assert (part.items, part.is_whole) == (items, is_whole)


@pytest.mark.parametrize("name", DetailName)
def test_null_is_none_and_absent_is_unsaid(name: DetailName) -> None:
    assert read(name, NULL_IS_NONE[name]) == Part((), is_whole=True)
    assert read(name, {"id": ONE}) is None


@pytest.mark.parametrize("name", DetailName)
def test_a_number_instead_of_a_list_is_named(name: DetailName) -> None:
    with pytest.raises(PageChanged):
        read(name, dict.fromkeys(API[name][0], 5))


def test_a_part_says_how_to_go_on() -> None:
    part = read(DetailName.TAGLINES, {"taglines": connection({"text": "A"}, total=9, more="x")})
    assert part == Part((Tagline(text="A"),), is_whole=False, next_cursor="x")


def test_a_list_of_which_only_the_number_is_told_is_unsaid() -> None:
    assert read(DetailName.REVIEWS, {"reviews": {"total": 9}}) is None
    assert read(DetailName.EPISODES, {"episodes": {"episodes": {"total": 9}}}) is None


def test_a_guide_with_more_remarks_is_not_whole() -> None:
    items = connection({"text": {"plainText": "A"}}, total=2)
    guide = {"categories": [{"category": {"id": "X"}, "guideItems": items}]}
    part = read(DetailName.PARENTS_GUIDE, {"parentsGuide": guide})
    assert part is not None
    assert not part.is_whole


def test_credits_are_billed_in_each_category() -> None:
    credits_ = [
        FullCredit(category=category, billing=1, name=category) for category in ("a", "b", "a")
    ]
    assert [getattr(one, "billing", None) for one in billed(credits_)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b<br />c", "a\nb\nc"),
        ('<a href="x">A</a> &lt;b&gt;', "A <b>"),
        ("1 < 2", "1 < 2"),
        ("  ", None),
        ("<i></i>", None),
        ("<" * 9000, "<" * 9000),
    ],
)
def test_markup_is_taken_away(html: str, text: str | None) -> None:
    assert RichText(plaid_html=html).text == text


@pytest.mark.parametrize(
    ("name", "word"),
    [("Edited into", "edited_into"), ("Spin-off from", "spin_off_from"), ("ALCOHOL", "alcohol")],
)
def test_a_name_as_a_word(name: str, word: str) -> None:
    assert as_word(name) == word


@pytest.mark.parametrize("name", DetailName)
@given(data=st.data(), value=JSON_VALUES)
@settings(max_examples=40, deadline=None)
def test_values_of_any_type_are_read_or_a_typed_error(
    name: DetailName, data: st.DataObject, value: Any
) -> None:
    title, _ = API[name]
    path = data.draw(st.sampled_from(sorted(paths(title))))
    changed = pages.having(title, path, value)
    try:
        part = read(name, changed)
    except (PageChanged, TitleError):
        return
    assert part is None or {type(item) for item in part.items} <= {item_of(name)}
