"""The JSON inside the demo's pages: ``__NEXT_DATA__`` and JSON-LD, shaped as IMDb shapes them.

Its API has the same shapes for what a title page and its answers have in common.

Paths, groupings and the treatment of missing facts are those of IMDb's pages of November 2025 (the
"V2" credits), with ``actor`` and ``director`` in the JSON-LD as on pages of March 2026. A fact that
is unknown is ``null``, or absent where IMDb leaves it out.
"""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demo.companies import COMPANY_TYPE, COUNTRY, CompanyFacts, KeywordFacts
from demo.details import meter_ranking, page_details, page_keywords, reference_details, release_info
from demo.fact_search import Found
from demo.facts import (
    ChartFacts,
    CreditFacts,
    KnownPerson,
    PersonFacts,
    ReleaseDateFacts,
    TitleFacts,
)
from demo.locale import Locale
from demo.person_details import page_details as page_person_details

JsonObject = dict[str, Any]
_CreditGroup = tuple[str, str, list[JsonObject]]


@dataclass(frozen=True, slots=True)
class Request:
    """What a page answers: the server's time (ISO 8601), and for whom it is made."""

    captured: str
    locale: Locale


IMDB_URL = "https://www.imdb.com"
"""Addresses in the JSON-LD are absolute, and name IMDb wherever the page is served."""

CREDITS_SHOWN = 15
"""How many credits of a category a person's page has; a browser asks for the others."""

KNOWN_FOR_SHOWN = 4

TOTAL_STARS = 3
"""How many of the cast stand at the top of a title page."""

_DIRECTOR = "amzn1.imdb.concept.name_credit_category.ace5cb4c-8708-4238-9542-04641e7c8171"
_WRITER = "amzn1.imdb.concept.name_credit_category.c84ecaff-add5-4f2e-81db-102a41881fe3"
_STARS = "amzn1.imdb.concept.name_credit_group.7510356e-fde9-438e-b3ad-0099ba6bc8ce"
_CAST = "amzn1.imdb.concept.name_credit_group.demo-cast"
_TOP_CAST = "amzn1.imdb.concept.name_credit_group.7caf7d16-5db9-4f4f-8864-d4c6e711c686"

_SCRIPT_ESCAPES = str.maketrans(
    {
        "&": "\\u0026",
        "<": "\\u003c",
        ">": "\\u003e",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)
"""What Next.js escapes in the JSON of ``__NEXT_DATA__``, so that no text can end the script."""


def script_json(value: JsonObject) -> str:
    """Write JSON that is safe inside a ``<script>`` element, whatever the texts in it say."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_SCRIPT_ESCAPES)


def json_ld(document: JsonObject) -> str:
    """Write JSON-LD as IMDb does: its texts are HTML-escaped, so that none can end the script."""
    return json.dumps(_escape_texts(document), ensure_ascii=False, separators=(",", ":"))


def title_next_data(facts: TitleFacts, request: Request) -> JsonObject:
    """``__NEXT_DATA__`` of a title page; ``request`` is what it answers."""
    page_props = {
        "tconst": facts.imdb_id,
        "aboveTheFoldData": _above_the_fold(facts),
        "mainColumnData": _main_column(facts),
    }
    return _next_data("/title/[tconst]", {"tconst": facts.imdb_id}, page_props, request)


def reference_next_data(facts: TitleFacts, request: Request) -> JsonObject:
    """``__NEXT_DATA__`` of the reference page of a title."""
    page_props = {
        "tconst": facts.imdb_id,
        "aboveTheFoldData": title_facts(facts),
        "mainColumnData": {**_main_column(facts), **reference_details(facts)},
    }
    return _next_data("/title/[tconst]/reference", {"tconst": facts.imdb_id}, page_props, request)


def release_info_next_data(facts: TitleFacts, request: Request) -> JsonObject:
    """``__NEXT_DATA__`` of the page with release dates and alternative titles."""
    page_props = {"contentData": {"data": {"title": release_info(facts)}}}
    route = "/title/[tconst]/releaseinfo"
    return _next_data(route, {"tconst": facts.imdb_id}, page_props, request)


def person_next_data(facts: PersonFacts, request: Request) -> JsonObject:
    """``__NEXT_DATA__`` of a person's page; births and biographies are not among our facts.

    What else is said of them is made up (`person_details`).
    """
    groups = _filmography(facts)
    page_props = {
        "nmconst": facts.imdb_id,
        "aboveTheFold": _person_facts(facts),
        "mainColumnData": {
            "id": facts.imdb_id,
            **_places(),
            **page_person_details(facts),
            "creditSummary": _credit_summary(groups),
            "released": {"edges": [{"node": _credit_group(*group)} for group in groups]},
            "unreleased": {"edges": []},
            "knownForFeatureV2": {"credits": _known_for(groups)[:KNOWN_FOR_SHOWN]},
        },
    }
    return _next_data("/name/[nmconst]", {"nmconst": facts.imdb_id}, page_props, request)


def person_answer(facts: PersonFacts) -> JsonObject:
    """A person in an answer of the GraphQL API, with all ``credits`` in a list."""
    groups = _filmography(facts)
    return {
        **_person_facts(facts),
        **_places(),
        "creditSummary": _credit_summary(groups),
        "knownFor": _known_for(groups),
        "credits": [credit for _, _, credits_ in groups for credit in credits_],
    }


def _person_facts(facts: PersonFacts) -> JsonObject:
    return {
        "id": facts.imdb_id,
        "nameText": {"text": facts.name},
        "professions": [{"profession": {"text": text}} for text in professions(facts)],
        **dict.fromkeys(("bio", "birthDate", "deathDate")),
    }


def _places() -> JsonObject:
    return {"birthLocation": None, "deathLocation": None}


def _credit_summary(groups: Sequence[_CreditGroup]) -> JsonObject:
    return {"totalCredits": {"total": sum(len(credits_) for _, _, credits_ in groups)}}


def _known_for(groups: Sequence[_CreditGroup]) -> list[JsonObject]:
    """A credit of each title, that with the most votes first."""
    credits_ = {credit["title"]["id"]: credit for group in groups for credit in group[2]}
    return sorted(
        credits_.values(), key=lambda credit: -credit["title"]["ratingsSummary"]["voteCount"]
    )


def person_json_ld(facts: PersonFacts) -> JsonObject:
    """JSON-LD of a person's page, before escaping: an article about the person."""
    url = f"{IMDB_URL}/name/{facts.imdb_id}/"
    person: JsonObject = {"@type": "Person", "url": url, "name": facts.name}
    if jobs := professions(facts):
        person["jobTitle"] = jobs
    context = "https://schema.org"
    return {"@context": context, "@type": "Article", "url": url, "mainEntity": person}


def professions(facts: PersonFacts) -> list[str]:
    """What our facts say that somebody is; actor or actress they do not."""
    known = (("Director", facts.directed), ("Writer", facts.written))
    return [name for name, titles in known if titles]


def chart_next_data(chart: ChartFacts, request: Request) -> JsonObject:
    """``__NEXT_DATA__`` of the chart page; ``request`` is what it answers."""
    edges = [{"currentRank": facts.rank, "node": _chart_node(facts)} for facts in chart.titles]
    page_data = {"chartTitles": {"total": len(edges), "edges": edges}}
    return _next_data("/chart/top", {}, {"pageData": page_data}, request)


def find_next_data(text: str, found: Found, request: Request) -> JsonObject:
    """``__NEXT_DATA__`` of the page of a search; ``request`` is what it answers."""
    page_props = {
        "findPageMeta": {"searchTerm": text, "includeAdult": False, "isExactMatch": False},
        "nameResults": {"results": [_person_item(person) for person in found.people]},
        "titleResults": {"results": [_list_item(facts) for facts in found.titles]},
        "companyResults": {"results": [_company_result(company) for company in found.companies]},
        "interestResults": {"results": []},
        "keywordResults": {"results": [_keyword_result(keyword) for keyword in found.keywords]},
    }
    return _next_data("/find", {"q": text}, page_props, request)


def search_next_data(titles: Sequence[TitleFacts], total: int, request: Request) -> JsonObject:
    """``__NEXT_DATA__`` of the page of the advanced search, with some of ``total`` titles."""
    items = [_list_item(facts)["listItem"] for facts in titles]
    results = {"titleListItems": items, "total": total, "endCursor": str(len(items))}
    page_props = {"tabID": "title", "searchResults": {"titleResults": results}}
    return _next_data("/search/[tab]", {"tab": "title"}, page_props, request)


def list_next_data(
    list_id: str, name: str, titles: Sequence[TitleFacts], request: Request
) -> JsonObject:
    """``__NEXT_DATA__`` of the page of somebody's list."""
    edges = [{"listItem": title_facts(facts)} for facts in titles]
    page_props = {
        "mainColumnData": {
            "list": {
                "id": list_id,
                "name": {"originalText": name},
                "titleListItemSearch": {
                    "total": len(edges),
                    "edges": edges,
                    "pageInfo": {"hasNextPage": False, "endCursor": None},
                },
            }
        }
    }
    return _next_data("/list/[lsconst]", {"lsconst": list_id}, page_props, request)


def suggestion(facts: TitleFacts) -> JsonObject:
    """A title in the answer of the suggestion API."""
    return {
        "id": facts.imdb_id,
        "l": facts.title,
        "q": "feature",
        "qid": "movie",
        "s": ", ".join(person.name for person in facts.cast[:2]),
        "y": facts.year,
    }


def person_entity(person: KnownPerson) -> JsonObject:
    """A person in an answer of the GraphQL API."""
    known = {"titleText": {"text": person.title.title}, "releaseYear": {"year": person.title.year}}
    return {
        "__typename": "Name",
        "id": person.imdb_id,
        "nameText": {"text": person.name},
        "professions": [{"profession": {"text": person.profession}}],
        "knownForV2": lambda limit: {"credits": [{"title": known}][:limit]},
    }


def company_entity(company: CompanyFacts) -> JsonObject:
    """A company in an answer of the GraphQL API."""
    edges = [
        {
            "node": {
                "title": {
                    "titleText": {"text": facts.title},
                    "releaseYear": {"year": facts.year},
                }
            }
        }
        for facts in company.titles
    ]
    return {
        "__typename": "Company",
        "id": company.imdb_id,
        "companyText": {"text": company.name},
        "companyTypes": [{"text": COMPANY_TYPE}],
        "country": {"text": COUNTRY},
        "knownForTitles": {"edges": edges},
    }


def keyword_entity(keyword: KeywordFacts) -> JsonObject:
    """A keyword in an answer of the GraphQL API."""
    return {
        "__typename": "Keyword",
        "id": keyword.imdb_id,
        "text": {"text": keyword.text},
        "titles": {"edges": [], "total": keyword.title_count},
    }


def iso_day(released: ReleaseDateFacts) -> str:
    """A release as ``1994-10-14``, or ``1994-10`` where the day is unknown."""
    month = f"{released.year:04d}-{released.month:02d}"
    return month if released.day is None else f"{month}-{released.day:02d}"


def person_suggestion(person: KnownPerson) -> JsonObject:
    """A person in the answer of the suggestion API."""
    known_for = f"{person.profession}, {person.title.title} ({person.title.year})"
    return {"id": person.imdb_id, "l": person.name, "s": known_for}


def company_suggestion(company: CompanyFacts) -> JsonObject:
    """A company in the answer of the suggestion API."""
    return {"id": company.imdb_id, "l": company.name}


def title_json_ld(facts: TitleFacts) -> JsonObject:
    """JSON-LD of a title page, before escaping: the name is the original title."""
    people = {
        "actor": facts.cast[:TOTAL_STARS],
        "director": facts.directors,
        "creator": facts.writers,
    }
    document = {"@context": "https://schema.org", **_ld_movie(facts), "genre": list(facts.genres)}
    if facts.release_date.day is not None:
        document["datePublished"] = _iso_date(facts.release_date)
    document |= {
        role: [_ld_person(person) for person in credited]
        for role, credited in people.items()
        if credited
    }
    return document


def chart_json_ld(chart: ChartFacts) -> JsonObject:
    """JSON-LD of the chart page, before escaping: all titles in order, without their ranks."""
    items = [{"@type": "ListItem", "item": _ld_movie(facts)} for facts in chart.titles]
    return {"@context": "https://schema.org", "@type": "ItemList", "itemListElement": items}


def runtime_text(minutes: int) -> str:
    """A runtime as IMDb shows it: ``2h 22m``, ``3h`` or ``45m``."""
    hours, rest = divmod(minutes, 60)
    return " ".join(f"{value}{unit}" for value, unit in ((hours, "h"), (rest, "m")) if value)


def _next_data(
    page: str, query: JsonObject, page_props: JsonObject, request: Request
) -> JsonObject:
    surroundings = {
        "requestContext": {
            "timestamp": request.captured,
            "sidecar": {
                "account": {"isLoggedIn": False},
                "localizationResponse": {
                    "userCountryCode": request.locale.country,
                    "userLanguage": request.locale.language,
                },
            },
        },
        "translationContext": {
            "i18n": {"translations": {"resources": {"common_rating": "IMDb rating"}}}
        },
        "urqlState": None,
        "fetchState": None,
    }
    return {
        "props": {"pageProps": page_props | surroundings, "__N_SSP": True},
        "page": page,
        "query": query,
        "buildId": "imdb-demo-site",
        "isFallback": False,
        "gssp": True,
        "locale": "en-US",
        "locales": ["en-US"],
        "defaultLocale": "en-US",
        "scriptLoader": [],
    }


def title_facts(facts: TitleFacts) -> JsonObject:
    """The facts of a title, without its credits."""
    metascore = facts.metascore
    return {
        **_common_facts(facts),
        "metacritic": None if metascore is None else {"metascore": {"score": metascore}},
    }


def principal_credits(facts: TitleFacts) -> list[JsonObject]:
    """The crew, and the stars."""
    crew = _crew(facts)
    if stars := facts.cast[:TOTAL_STARS]:
        crew.append(_grouping(_STARS, "Star", stars, total=len(facts.cast)))
    return crew


def top_cast(facts: TitleFacts) -> list[JsonObject]:
    """The cast with characters: one group, or none."""
    if not facts.cast:
        return []
    return [
        {
            "grouping": {"groupingId": _TOP_CAST, "text": "Top Cast"},
            "totalCredits": len(facts.cast),
            "credits": [_cast_credit(person) for person in facts.cast],
        }
    ]


def _above_the_fold(facts: TitleFacts) -> JsonObject:
    return {
        **title_facts(facts),
        "canRate": {"isRatable": True},
        "genres": {"genres": [{"text": genre, "id": genre} for genre in facts.genres]},
        "principalCreditsV2": principal_credits(facts),
        "keywords": page_keywords(facts),
        "meterRanking": meter_ranking(facts),
    }


def _main_column(facts: TitleFacts) -> JsonObject:
    ratings = _ratings(facts) | {
        "topRanking": {"id": f"topRated:{facts.imdb_id}:en_US", "rank": facts.rank}
    }
    return {
        "id": facts.imdb_id,
        "ratingsSummary": ratings,
        "episodes": None,
        "castV2": top_cast(facts),
        "crewV2": _crew(facts),
        "titleText": {"text": facts.title},
        "originalTitleText": {"text": facts.original_title},
        "releaseDate": _release_date(facts.release_date),
        "runtime": _runtime(facts),
        **page_details(facts),
    }


def _chart_node(facts: TitleFacts) -> JsonObject:
    return {**_common_facts(facts), "canRate": {"isRatable": True}}


def _common_facts(facts: TitleFacts) -> JsonObject:
    certificate = facts.certificate
    return {
        "id": facts.imdb_id,
        "titleText": {"text": facts.title},
        "titleType": {
            "displayableProperty": {"value": {"plainText": ""}},
            "text": "Movie",
            "id": "movie",
            "isSeries": False,
            "isEpisode": False,
            "categories": [{"value": "movie"}],
            "canHaveEpisodes": False,
        },
        "originalTitleText": {"text": facts.original_title},
        "certificate": None if certificate is None else {"rating": certificate},
        "releaseYear": {"year": facts.year, "endYear": None},
        "releaseDate": _release_date(facts.release_date),
        "runtime": _runtime(facts),
        "ratingsSummary": _ratings(facts),
        "series": None,
        "plot": None,
        "titleGenres": {"genres": [{"genre": {"text": genre}} for genre in facts.genres]},
    }


def _list_item(facts: TitleFacts) -> JsonObject:
    """A title in a list; a certificate or metascore that is unknown is absent there."""
    item = {
        "titleId": facts.imdb_id,
        "titleText": facts.title,
        "originalTitleText": facts.original_title,
        "titleType": {"id": "movie", "text": "", "canHaveEpisodes": False},
        "releaseYear": facts.year,
        "endYear": None,
        "runtime": facts.runtime_minutes * 60,
        "ratingSummary": _ratings(facts),
        "genres": list(facts.genres),
        "releaseDate": _release_date(facts.release_date),
        "plot": None,
        "principalCredits": [],
    }
    for name, value in (("certificate", facts.certificate), ("metascore", facts.metascore)):
        item |= {} if value is None else {name: value}
    return {"index": facts.imdb_id, "listItem": item}


def _person_item(person: KnownPerson) -> JsonObject:
    item = {
        "nameId": person.imdb_id,
        "nameText": person.name,
        "professions": [person.profession],
        "knownFor": {"titleId": person.title.imdb_id, "titleText": person.title.title},
    }
    return {"index": person.imdb_id, "listItem": item}


def _company_result(company: CompanyFacts) -> JsonObject:
    return {
        "id": company.imdb_id,
        "companyName": company.name,
        "countryText": COUNTRY,
        "typeText": COMPANY_TYPE,
    }


def _keyword_result(keyword: KeywordFacts) -> JsonObject:
    return {
        "id": keyword.imdb_id,
        "keywordText": keyword.text,
        "numTitles": keyword.title_count,
    }


def _ratings(facts: TitleFacts) -> JsonObject:
    return {"aggregateRating": _number(facts.rating), "voteCount": facts.votes}


def _number(value: float) -> float | int:
    """IMDb is served by JavaScript, which writes a whole rating as ``8`` and not as ``8.0``."""
    return int(value) if value.is_integer() else value


def _runtime(facts: TitleFacts) -> JsonObject:
    text = runtime_text(facts.runtime_minutes)
    return {
        "seconds": facts.runtime_minutes * 60,
        "displayableProperty": {"value": {"plainText": text}},
    }


def _release_date(released: ReleaseDateFacts) -> JsonObject:
    return {"day": released.day, "month": released.month, "year": released.year}


def _crew(facts: TitleFacts) -> list[JsonObject]:
    groupings = ((_DIRECTOR, "Director", facts.directors), (_WRITER, "Writer", facts.writers))
    return [
        _grouping(grouping_id, label, people, total=len(people))
        for grouping_id, label, people in groupings
        if people
    ]


def _grouping(
    grouping_id: str, label: str, people: Sequence[CreditFacts], *, total: int
) -> JsonObject:
    return {
        "totalCredits": total,
        "grouping": {"text": label if total == 1 else f"{label}s", "groupingId": grouping_id},
        "credits": [{"name": _name(person)} for person in people],
    }


def _name(person: CreditFacts) -> JsonObject:
    return {"nameText": {"text": person.name}, "id": person.imdb_id}


def _cast_credit(person: CreditFacts) -> JsonObject:
    """A cast credit; "actor" and "actress" are not among our facts, so its category is "Cast"."""
    characters = {"edges": [{"node": {"name": name}} for name in person.characters]}
    role = {
        "category": {"text": "Cast"},
        "attributes": None,
        "characters": characters if person.characters else None,
    }
    return {
        "name": _name(person),
        "creditedRoles": {"edges": [{"node": role}]},
        "episodeCredits": {"total": 0, "yearRange": None},
    }


def _filmography(facts: PersonFacts) -> list[_CreditGroup]:
    """Concept, name and credits of each category that a person has credits in."""
    cast = [_person_credit("Cast", title, characters) for title, characters in facts.cast]
    groups = [
        (_DIRECTOR, "Director", [_person_credit("Director", title) for title in facts.directed]),
        (_WRITER, "Writer", [_person_credit("Writer", title) for title in facts.written]),
        (_CAST, "Cast", cast),
    ]
    return [group for group in groups if group[2]]


def _credit_group(concept: str, name: str, credits_: list[JsonObject]) -> JsonObject:
    return {
        "grouping": {"text": name, "groupingId": concept},
        "credits": {
            "total": len(credits_),
            "edges": [{"node": credit} for credit in credits_[:CREDITS_SHOWN]],
            "pageInfo": {"hasNextPage": len(credits_) > CREDITS_SHOWN},
        },
    }


def _person_credit(category: str, facts: TitleFacts, characters: Sequence[str] = ()) -> JsonObject:
    edges = [{"node": {"name": name}} for name in characters]
    role = {
        "category": {"text": category},
        "text": None,
        "attributes": None,
        "characters": {"edges": edges} if edges else None,
    }
    return {
        "title": {**_common_facts(facts), "canRate": {"isRatable": True}},
        "creditedRoles": {"edges": [{"node": role}]},
        "episodeCredits": {"total": 0, "yearRange": None},
    }


def _ld_movie(facts: TitleFacts) -> JsonObject:
    document: JsonObject = {
        "@type": "Movie",
        "url": f"{IMDB_URL}/title/{facts.imdb_id}/",
        "name": facts.original_title,
        "alternateName": facts.title if facts.title != facts.original_title else None,
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingCount": facts.votes,
            "bestRating": 10,
            "worstRating": 1,
            "ratingValue": _number(facts.rating),
        },
        "contentRating": facts.certificate,
        "genre": ", ".join(facts.genres),
        "duration": "PT" + runtime_text(facts.runtime_minutes).replace(" ", "").upper(),
    }
    return {name: value for name, value in document.items() if value is not None}


def _ld_person(person: CreditFacts) -> JsonObject:
    known = {} if person.imdb_id is None else {"url": f"{IMDB_URL}/name/{person.imdb_id}/"}
    return {"@type": "Person", **known, "name": person.name}


def _iso_date(released: ReleaseDateFacts) -> str:
    return f"{released.year:04d}-{released.month:02d}-{released.day:02d}"


def _escape_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _escape_texts(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_escape_texts(inner) for inner in value]
    if isinstance(value, str):
        return html.escape(value, quote=False).replace('"', "&quot;").replace("'", "&apos;")
    return value
