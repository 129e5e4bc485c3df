"""What the demo site says of people beside their credits: all of it is made up.

It follows from the person's id, the same every time: nobody should take it for IMDb's. Nobody has
died here; every tenth has more trivia than the API is asked for at once.

The shapes are IMDb's own: `api_details` has those of its API's types, `page_details` those of
``mainColumnData``, where long lists have their first item only and awards are counted.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from demo.facts import PersonFacts

JsonObject = dict[str, Any]

_IMAGES = "https://m.media-amazon.com/images/M/demo"
_MANY = 60
_FIRST_YEAR = 1950


def api_details(facts: PersonFacts) -> JsonObject:
    """The fields of a person in the API's types; a list is a function of ``first``."""
    lists = {**_short_lists(facts), **_long_lists(facts)}
    lists["relations"] = _relations(facts)
    lists["awardNominations"] = _nominations(facts)
    lists["publicityListings"] = _publicity(facts)
    lists["externalLinks"] = _links(facts)
    lists["news"] = _news(facts)
    return {
        **_plain(facts),
        "spouses": _spouses(facts),
        **{name: partial(_listed, nodes) for name, nodes in lists.items()},
    }


def page_details(facts: PersonFacts) -> JsonObject:
    """What ``mainColumnData`` of a person's page has of the details."""
    won = sum(nomination["isWinner"] for nomination in _nominations(facts))
    return {
        **_plain(facts),
        **{name: _listed(nodes) for name, nodes in _short_lists(facts).items()},
        **{name: _listed(nodes, 1) for name, nodes in _long_lists(facts).items()},
        "personalDetailsSpouses": _spouses(facts),
        "personalDetailsExternalLinks": _listed(_links(facts)),
        "parents": _listed([]),
        "children": _listed(_relations(facts)),
        "others": _listed([]),
        "wins": {"total": won},
        "nominationsExcludeWins": {"total": len(_nominations(facts)) - won},
        "publicityListings": {"total": len(_publicity(facts))},
    }


def _listed(nodes: Sequence[JsonObject], first: int = 50, **_: Any) -> JsonObject:
    return {"total": len(nodes), "edges": [{"node": node} for node in nodes[:first]]}


def _number(facts: PersonFacts) -> int:
    return int(facts.imdb_id[2:])


def _year(facts: PersonFacts) -> int:
    return _FIRST_YEAR + _number(facts) % 60


def _shown(text: str) -> JsonObject:
    return {"displayableProperty": {"value": {"plainText": text}}}


def _plain(facts: PersonFacts) -> JsonObject:
    centimetres = 150 + _number(facts) % 50
    return {
        "birthName": {"text": f"{facts.name} Demo", **_shown(f"{facts.name} Demo")},
        "nickNames": [{"text": "Demo", **_shown("Demo")}],
        "height": {
            "measurement": {"value": centimetres, "unit": "CENTIMETER"},
            **_shown(f"{centimetres / 100} m"),
        },
        "deathCause": None,
        "primaryImage": {
            "url": f"{_IMAGES}/{facts.imdb_id}.jpg",
            "caption": {"plainText": f"Portrait of {facts.name}"},
        },
    }


def _spouses(facts: PersonFacts) -> list[JsonObject]:
    return [
        {
            "spouse": {"name": None, "asMarkdown": {"plainText": "A. Demo"}},
            "attributes": [{"text": "2 children"}],
            "timeRange": _shown(f"May 1, {_year(facts)} - present"),
        }
    ]


def _short_lists(facts: PersonFacts) -> dict[str, list[JsonObject]]:
    return {"akas": [_shown(f"{facts.name[:1]}. Demo")]}


def _long_lists(facts: PersonFacts) -> dict[str, list[JsonObject]]:
    year = _year(facts)
    return {
        "trivia": _texts("trivia", facts, _MANY if _number(facts) % 10 == 0 else 2),
        "quotes": _texts("quote", facts, 2),
        "trademarks": _texts("trademark", facts, 1),
        "otherWorks": [
            {**node, "fromDate": f"{year:04}-05-01"} for node in _texts("other work", facts, 1)
        ],
        "titleSalaries": [
            {"title": title, **_shown(f"${_number(facts) % 900 + 100},000")}
            for title in _titles(facts)
        ],
    }


def _texts(what: str, facts: PersonFacts, count: int) -> list[JsonObject]:
    return [
        {
            "text": {"plainText": f"Made-up {what} {number} of {facts.name}."},
            "displayableArticle": {
                "body": {"plaidHtml": f"Made-up <b>{what}</b> {number} of {facts.name}."}
            },
        }
        for number in range(1, count + 1)
    ]


def _titles(facts: PersonFacts) -> list[JsonObject]:
    """The first title that they are credited for."""
    titles = [*facts.directed, *facts.written, *(title for title, _ in facts.cast)]
    return [{"id": title.imdb_id, "titleText": {"text": title.title}} for title in titles[:1]]


def _relations(facts: PersonFacts) -> list[JsonObject]:
    name = f"{facts.name} Jr."
    return [
        {
            "relationName": {"name": None, "nameText": name, **_shown(name)},
            "relationshipType": {"text": "Child"},
        }
    ]


def _nominations(facts: PersonFacts) -> list[JsonObject]:
    titles = [{"title": title} for title in _titles(facts)]
    edition = {"year": _year(facts), "event": {"text": "Demo Festival"}}
    return [
        {
            "isWinner": number == 1,
            "award": {"text": "Demo Award", "eventEdition": edition},
            "category": {"text": f"Best Demo {number}"},
            "awardedEntities": {"__typename": "AwardedNames", "secondaryAwardTitles": titles},
        }
        for number in range(1, 2 + _number(facts) % 3)
    ]


def _publicity(facts: PersonFacts) -> list[JsonObject]:
    return [
        {
            "__typename": "PublicityInterview",
            "category": {"text": "Interview"},
            "publication": "Demo Times",
            "date": f"{_year(facts):04}-06-01",
            "title": {"text": f"Asking {facts.name}"},
        }
    ]


def _news(facts: PersonFacts) -> list[JsonObject]:
    return [
        {
            "articleTitle": {"plainText": f"Nothing new of {facts.name}"},
            "date": "2020-02-03T04:05:06Z",
            "externalUrl": f"https://example.org/{facts.imdb_id}/news",
        }
    ]


def _links(facts: PersonFacts) -> list[JsonObject]:
    return [
        {
            "url": f"https://example.org/{facts.imdb_id}",
            "label": "A demo of a site",
            "externalLinkCategory": {"text": "Official sites"},
        }
    ]
