"""Answers of the API about people, as tests need them."""

import json
from typing import Any

from tests.servers import Answer, Handler
from tests.unit.graphql_answers import Json, body
from tests.unit.imdb_pages import pages, person_pages

WRITER = {"id": pages.WRITERS, "text": "Writer"}
ACTRESS = {"id": f"{pages.CONCEPT}name_credit_category.unknown", "text": "Actress"}


def role(category: Json, *characters: str, **changes: Any) -> Json:
    names = {"edges": [{"node": {"name": name}} for name in characters]}
    return {
        "category": category,
        "text": None,
        "attributes": None,
        "characters": names if characters else None,
    } | changes


def credit(number: int, *roles: Json, episodes: int = 0) -> Json:
    """A credit for a title; that of an actress unless it is said otherwise."""
    listed = roles or (role(ACTRESS, f"Somebody {number}"),)
    return {
        "title": {
            "id": f"tt{number:07}",
            "titleText": {"text": f"Title {number}"},
            "titleType": {"id": "tvSeries" if episodes else "movie"},
            "releaseYear": {"year": 1990, "endYear": None},
            "ratingsSummary": {"aggregateRating": 7, "voteCount": 12},
        },
        "creditedRoles": {"edges": [{"node": one} for one in listed]},
        "episodeCredits": {"total": episodes},
    }


def credits_of(nodes: list[Json], first: int = 1000, after: str | None = None) -> Json:
    """A part of a list of credits; the cursor is the place of the last one."""
    start = int(after or 0)
    end = min(start + first, len(nodes))
    return {
        "total": len(nodes),
        "edges": [{"node": node} for node in nodes[start:end]],
        "pageInfo": {"hasNextPage": end < len(nodes), "endCursor": str(end)},
    }


def person(imdb_id: str, **changes: Any) -> Json:
    """A person with every fact and one credit."""
    return {
        "id": imdb_id,
        "meta": {"canonicalId": imdb_id},
        "nameText": {"text": f"Person {imdb_id}"},
        "bio": {"text": {"plainText": "Born.\n\nMoved.\n"}},
        "professions": [{"profession": {"text": text}} for text in ("Actress", "Writer")],
        "birthDate": {"dateComponents": {"year": 1964, "month": 4, "day": None, "isBCE": False}},
        "birthLocation": {"text": "Stratford"},
        "deathDate": {"dateComponents": {"year": 2020, "month": 5, "day": 3, "isBCE": False}},
        "deathLocation": None,
        "creditSummary": {"totalCredits": {"total": 91}},
        "knownForV2": {"credits": [{"title": {"id": "tt7000004", "titleText": {"text": "Known"}}}]},
        "creditsV2": credits_of([credit(1)]),
        **person_pages.details(),
    } | changes


def asked(handler: Handler) -> Json:
    """The variables of a question."""
    variables: Json = json.loads(handler.body)["variables"]
    return variables


def answering(filmographies: dict[str, list[Json]] | None = None, **known: Any) -> Answer:
    """Answers for people: these where they are named, else whole ones, with the credits given."""

    def answer(handler: Handler) -> None:
        variables = asked(handler)
        names = [dict(known.get(i) or person(i)) if known.get(i, 1) else None
                 for i in variables["ids"]]  # fmt: skip
        for imdb_id, name in zip(variables["ids"], names, strict=True):
            if name is not None and imdb_id in (filmographies or {}):
                nodes = (filmographies or {})[imdb_id]
                name["creditsV2"] = credits_of(nodes, variables["first"], variables["after"])
        handler.reply_packed(body({"names": names}))

    return answer
