"""Small pages of people in the structure of IMDb's, with invented facts, for tests."""

import json
from collections.abc import Mapping
from typing import Any

from tests.unit.imdb_pages import pages

PERSON_ID = "nm7000002"
URL = f"https://www.imdb.com/name/{PERSON_ID}/"
ROUTE = "/name/[nmconst]"

_CREDITS = (
    # category, title, kind, years, rating, votes, characters, jobs, attributes, episodes
    ("actress", "tt7000001", "tvSeries", (1990, 1994), 7.5, 348, ("Io", "Self"), (), (), 17),
    ("actress", "tt7000002", "movie", (1987, None), None, 0, ("Ada",), (), ("voice",), 0),
    ("writer", "tt7000003", "short", (None, None), 8, 12, (), ("story by",), (), 0),
)
_KNOWN_FOR = ("writer", "tt7000004", "movie", (1957, None), 9, 918667, (), ("screenplay",), (), 0)
_CONCEPTS = {"writer": pages.WRITERS, "actress": f"{pages.CONCEPT}name_credit_category.unknown"}


def above() -> dict[str, Any]:
    """``aboveTheFold`` of a full page of a person."""
    return {
        "id": PERSON_ID,
        "nameText": {"text": "Li Wen"},
        "bio": {"text": {"plainText": 'Born "somewhere" & moved.\n\nMoved again.\n'}},
        "professions": [{"profession": {"text": text}} for text in ("Actress", "Writer")],
        "primaryProfessions": [{"category": {"text": "Actress", "id": "actress"}}],
        "birthDate": {
            "date": None,
            "dateComponents": {"day": None, "month": 4, "year": 1564, "isBCE": False},
        },
        "deathDate": {"dateComponents": {"day": 3, "month": 5, "year": 1620}},
    }


def v1() -> dict[str, Any]:
    """``pageProps`` of a person's page in the layout until 2025."""
    groups = [
        {
            "category": {"id": category, "text": category.title()},
            "credits": {
                "total": 87,
                "edges": [{"node": _credit_v1(*c)} for c in _CREDITS if c[0] == category],
            },
        }
        for category in ("actress", "writer")
    ]
    credit = _credit_v1(*_KNOWN_FOR)
    return {
        "nmconst": PERSON_ID,
        "aboveTheFold": above(),
        "mainColumnData": _main()
        | {
            "releasedPrimaryCredits": groups,
            "unreleasedPrimaryCredits": [],
            "knownForFeature": {
                "edges": [{"node": {"title": credit.pop("title"), "credit": credit}}]
            },
        },
        "requestContext": {"timestamp": "2025-11-19T16:06:06.718Z"},
    }


def v2() -> dict[str, Any]:
    """``pageProps`` of a person's page in the layout since 2025."""
    groups = [
        {
            "node": {
                "grouping": {"groupingId": _CONCEPTS[category], "text": category.title()},
                "credits": {
                    "total": 87,
                    "edges": [{"node": _credit_v2(*c)} for c in _CREDITS if c[0] == category],
                },
            }
        }
        for category in ("actress", "writer")
    ]
    return v1() | {
        "mainColumnData": _main()
        | {
            "released": {"edges": groups},
            "unreleased": {"edges": []},
            "knownForFeatureV2": {"credits": [_credit_v2(*_KNOWN_FOR)]},
        }
    }


def html(props: Mapping[str, Any], route: str | None = ROUTE) -> str:
    return pages.html_page(next_data(props, route))


def next_data(props: Mapping[str, Any], route: str | None = ROUTE) -> str:
    data: dict[str, Any] = {"props": {"pageProps": props}}
    if route is not None:
        data |= {"page": route, "query": {"nmconst": PERSON_ID}}
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def json_ld(*, article: bool = True, **changes: Any) -> str:
    """The JSON-LD of the person that `above` describes, with texts escaped as IMDb does."""
    person = {
        "@context": "https://schema.org",
        "@type": "Person",
        "url": URL,
        "name": "Li &quot;Lee&quot; Wen",
        "description": "May be cut...",
        "jobTitle": ["Actress", "Writer"],
        "birthDate": "1564-04",
        "deathDate": "1620-05-03",
    } | changes
    kept = {key: value for key, value in person.items() if value is not None}
    document = {"@type": "Article", "url": URL, "mainEntity": kept} if article else kept
    return f'<script type="application/ld+json">{json.dumps(document)}</script>'


def _main() -> dict[str, Any]:
    return {
        "id": PERSON_ID,
        "birthLocation": {"text": "Stratford"},
        "deathLocation": None,
        "creditSummary": {"totalCredits": {"total": 91}},
        **details(),
        # Pages have their texts as HTML, the other relations in lists of their own.
        "trivia": {
            "edges": [{"node": {"displayableArticle": {"body": {"plaidHtml": "A &amp; <b>b</b>"}}}}]
        },
        "children": {"total": 1, "edges": [{"node": relation("Bo Wen", "nm7000009", "Child")}]},
        "publicityListings": {"total": 3},
        "akas": {"edges": [{"node": shown("Lee")}]},
    }


def shown(text: str) -> dict[str, Any]:
    return {"displayableProperty": {"value": {"plainText": text}}}


def relation(name: str, imdb_id: str | None, kind: str | None) -> dict[str, Any]:
    return {
        "relationName": {"name": imdb_id and {"id": imdb_id}, "nameText": name, **shown("Other")},
        "relationshipType": kind and {"text": kind},
    }


def details() -> dict[str, Any]:
    """What pages and answers of the API have alike."""
    marriage = {
        "spouse": {"name": {"id": "nm7000005"}, "asMarkdown": {"plainText": "An Wen"}},
        "attributes": [{"text": "divorced"}, {"text": "2 children"}],
        "timeRange": shown("May 1, 1590 - 1600"),
    }
    return {
        "birthName": {"text": "Wen Li"},
        "nickNames": [shown("Lee"), {"text": "El"}],
        "height": {"measurement": {"value": 1.829, "unit": "METER"}},
        "deathCause": shown("fever"),
        "primaryImage": {"url": "https://example.org/i.jpg", "caption": {"plainText": "Li Wen"}},
        "personalDetailsSpouses": [marriage, {"spouse": None}],
        "quotes": {"edges": [{"node": {"text": {"plainText": "So?"}}}], "total": 1},
        "trademarks": None,
        "otherWorks": {
            "edges": [{"node": {"text": {"plainText": "A play"}, "fromDate": "1599-01-01"}}]
        },
        "titleSalaries": {
            "edges": [
                {
                    "node": {
                        "title": {"id": "tt7000004", "titleText": {"text": "Known"}},
                        **shown("$100"),
                    }
                }
            ]
        },
        "personalDetailsExternalLinks": {
            "edges": [
                {"node": {"url": "https://example.org/", "label": "Fans"}},
                {
                    "node": {
                        "url": "https://example.org/li",
                        "externalLinkCategory": {"text": "Official sites"},
                    }
                },
            ]
        },
    }


def _title(
    imdb_id: str, kind: str, years: tuple[Any, Any], rating: Any, votes: int
) -> dict[str, Any]:
    return {
        "id": imdb_id,
        "titleText": {"text": f"Title {imdb_id}"},
        "originalTitleText": {"text": "Not read"},
        "titleType": {"id": kind, "text": kind},
        "releaseYear": {"year": years[0], "endYear": years[1]},
        "ratingsSummary": {"aggregateRating": rating, "voteCount": votes},
    }


def _credit_v1(category: str, imdb_id: str, *facts: Any) -> dict[str, Any]:
    *title, characters, jobs, attributes, episodes = facts
    return {
        "category": {"id": category, "text": category.title()},
        "title": _title(imdb_id, *title),
        "characters": [{"name": name} for name in characters] or None,
        "jobs": [{"id": job, "text": job} for job in jobs] or None,
        "attributes": [{"text": text} for text in attributes] or None,
        "episodeCredits": {"total": episodes, "yearRange": None},
    }


def _credit_v2(category: str, imdb_id: str, *facts: Any) -> dict[str, Any]:
    *title, characters, jobs, attributes, episodes = facts
    named = {"id": _CONCEPTS[category], "text": category.title()}
    remarks = [{"text": text} for text in attributes] or None
    roles = [
        {
            "category": named,
            "text": name,
            "attributes": remarks,
            "characters": {"edges": [{"node": {"name": name}}]},
        }
        for name in characters
    ]
    roles += [
        {"category": named, "text": job, "attributes": remarks, "characters": None}
        for job in (*jobs, category.title())
        if not characters
    ]
    return {
        "title": _title(imdb_id, *title),
        "creditedRoles": {"edges": [{"node": role} for role in roles]},
        "episodeCredits": {"total": episodes},
    }
