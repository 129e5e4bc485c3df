"""Answers of the API as tests need them: whole, and changed where a test is about something."""

import json
from typing import Any

from domain.title import CreditCategory
from infrastructure.scrapers.imdb_pages.billing import CATEGORIES
from tests.servers import Answer, Handler

Json = dict[str, Any]

DISCLAIMER = "For private use only."

_IDS = {category: group for group, category in reversed(CATEGORIES.items()) if "concept" in group}


def person(number: int, *characters: str) -> Json:
    """A credit; with characters one of the cast."""
    credit: Json = {"name": {"id": f"nm{number:07}", "nameText": {"text": f"Person {number}"}}}
    if characters:
        names = {"edges": [{"node": {"name": name}} for name in characters]}
        credit["creditedRoles"] = {"edges": [{"node": {"characters": names}}]}
    return credit


def group(category: CreditCategory, *credits_: Json) -> Json:
    return {"grouping": {"groupingId": _IDS[category]}, "credits": list(credits_)}


def title(imdb_id: str, **changes: Any) -> Json:
    """A title with every fact."""
    return {
        "id": imdb_id,
        "meta": {"canonicalId": imdb_id},
        "titleType": {"id": "movie"},
        "titleText": {"text": f"Title {imdb_id}"},
        "originalTitleText": {"text": f"Titel {imdb_id}"},
        "releaseYear": {"year": 1999, "endYear": None},
        "releaseDate": {"year": 1999, "month": 3, "day": 31},
        "runtime": {"seconds": 8160},
        "ratingsSummary": {"aggregateRating": 8, "voteCount": 1234},
        "metacritic": {"metascore": {"score": 73}},
        "certificate": {"rating": "R"},
        "titleGenres": {"genres": [{"genre": {"text": "Action"}}, {"genre": {"text": "Sci-Fi"}}]},
        "plot": {"plotText": {"plainText": "Somebody learns something."}},
        "principals": [
            group(CreditCategory.DIRECTOR, person(1), person(2)),
            group(CreditCategory.WRITER, person(1)),
            group(CreditCategory.CREATOR, person(3)),
        ],
        "topCast": [group(CreditCategory.CAST, person(4, "The One", "Tom"), person(5))],
    } | changes


def body(data: Json | None, *errors: Json) -> bytes:
    document: Json = {"data": data, "extensions": {"disclaimer": DISCLAIMER}}
    if errors:
        document["errors"] = list(errors)
    return json.dumps(document).encode()


def error(message: str, code: str | None = None, path: list[Any] | None = None) -> Json:
    told: Json = {"message": message}
    if code is not None:
        told["extensions"] = {"code": code}
    if path is not None:
        told["path"] = path
    return told


def asked_ids(handler: Handler) -> list[str]:
    """The ids that a question for titles names."""
    ids: list[str] = json.loads(handler.body)["variables"]["ids"]
    return ids


def answering(**known: Any) -> Answer:
    """Answers questions for titles: with these where they are named by id, else with whole ones."""

    def answer(handler: Handler) -> None:
        titles = [known.get(i, title(i)) for i in asked_ids(handler)]
        handler.reply_packed(body({"titles": titles}))

    return answer


def chart(total: int, ranks: range, **page_info: Any) -> bytes:
    """Some of the places of a chart; the title of rank 7 is tt0000007."""
    edges = [{"currentRank": rank, "node": {"id": f"tt{rank:07}"}} for rank in ranks]
    info = {"hasNextPage": False, "endCursor": None} | page_info
    return body({"chartTitles": {"total": total, "edges": edges, "pageInfo": info}})
