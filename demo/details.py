"""Details of titles as the demo site shows them: what follows from the facts, and what is made up.

Full credits, certificates, release dates and original titles are those of the facts. Everything
else is made up from the title's rank, the same every time: nobody should take it for IMDb's. The
first title has more alternative titles and trivia than an answer of the API brings at once.

The shapes are IMDb's own: `api_details` has those of its API's types, `page_details` those of
``mainColumnData``, `reference_details` and `release_info` those of these pages.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from demo.facts import CreditFacts, TitleFacts

JsonObject = dict[str, Any]

_REGIONS = ("AR", "BR", "CA", "DE", "ES", "FR", "GB", "IT", "JP", "MX")
_MANY = 60
_SHOWN = 5
_CATEGORIES = ("director", "writer", "cast")
_IMAGES = "https://m.media-amazon.com/images/M/demo"


def api_details(facts: TitleFacts) -> JsonObject:
    """The fields of a title in the API's types; a list is a function of ``first`` and ``after``."""
    return {
        **{name: partial(_connection, nodes) for name, nodes in _lists_of(facts).items()},
        **_money(facts),
        "lifetimeGross": partial(_gross, facts),
        "openingWeekendGross": partial(_opening, facts),
        "episodes": None,
        "countriesOfOrigin": _countries(facts),
        "spokenLanguages": _languages(facts),
        "primaryImage": _poster(facts),
        "awardNominations": partial(_award_nominations, facts),
        "parentsGuide": _parents_guide(facts),
        "technicalSpecifications": _technical(facts),
        "series": _series(facts),
        "meterRank": meter_ranking(facts),
        "ratingsSummary": {
            "aggregateRating": facts.rating,
            "voteCount": facts.votes,
            "topRanking": {"rank": facts.rank},
        },
        "aggregateRatingsBreakdown": _votes(facts),
        "metacritic": _metacritic(facts),
    }


def _lists_of(facts: TitleFacts) -> dict[str, list[JsonObject]]:
    """What comes in pages."""
    return {
        "akas": _akas(facts),
        "credits": _credits(facts),
        "certificates": _certificates(facts),
        "releaseDates": _release_dates(facts),
        "companyCredits": _companies(facts),
        "keywords": [_api_keyword(node) for node in _keywords(facts)],
        "taglines": _taglines(facts),
        "images": _images(facts),
        "externalLinks": _links(facts),
        "trivia": _texts("trivia", facts, _MANY if facts.rank == 1 else 3),
        "reviews": _reviews(facts),
        "connections": _connections(facts),
        "plots": _plots(facts),
        "goofs": _texts("goof", facts, 2),
        "quotes": _quotes(facts),
        "soundtrack": _tracks(facts),
        "filmingLocations": _locations(facts),
        "moreLikeThisTitles": _similar(facts),
        "runtimes": _runtimes(facts),
        "alternateVersions": _texts("version", facts, 1),
        "crazyCredits": _texts("crazy credit", facts, 1),
        "faqs": _faqs(facts),
        "interests": _interests(facts),
        "videoStrip": _videos(facts),
        "news": _news(facts),
    }


def page_details(facts: TitleFacts) -> JsonObject:
    """What ``mainColumnData`` of a title page has of the details: the first of each list."""
    wins, nominations = _award_counts(facts)
    return {
        **_money(facts),
        "wins": {"total": wins},
        "nominationsExcludeWins": {"total": nominations},
        "lifetimeGross": _gross(facts, "DOMESTIC"),
        "worldwideGross": _gross(facts, "WORLDWIDE"),
        "openingWeekendGross": _opening(facts),
        "countriesDetails": _countries(facts),
        "spokenLanguages": _languages(facts),
        "primaryImage": _poster(facts),
        "titleMainImages": _shown(_images(facts)),
        "detailsExternalLinks": _shown(_links(facts)[:1]),
        "trivia": _first(_texts("trivia", facts, 3)),
        "triviaTotal": {"total": _MANY if facts.rank == 1 else 3},
        "goofs": _first(_texts("goof", facts, 2)),
        "goofsTotal": {"total": 2},
        "quotes": _first(_quotes(facts)),
        "quotesTotal": {"total": len(_quotes(facts))},
        "soundtrack": _first(_tracks(facts)),
        "connections": _first(_connections(facts)),
        "filmingLocations": _shown(_locations(facts)),
        "moreLikeThisTitles": _first(_similar(facts), 12),
        "faqs": _shown(_faqs(facts)),
        "alternateVersions": _shown(_texts("version", facts, 1)),
        "crazyCredits": _first(_texts("crazy credit", facts, 1)),
        "videoStrip": _first(_videos(facts)),
        "series": _page_series(facts),
        "reviews": {"total": len(_reviews(facts))},
        "featuredReviews": _first(_reviews(facts)),
    }


def page_keywords(facts: TitleFacts) -> JsonObject:
    """``keywords`` of ``aboveTheFoldData``."""
    return _shown([{"text": node["text"]} for node in _keywords(facts)])


def meter_ranking(facts: TitleFacts) -> JsonObject:
    """The place in the popularity: ``meterRanking`` of ``aboveTheFoldData``."""
    return {
        "currentRank": facts.rank,
        "rankChange": {"changeDirection": "UP", "difference": facts.rank % 4},
    }


def reference_details(facts: TitleFacts) -> JsonObject:
    """What ``mainColumnData`` of a reference page has besides."""
    plots = _plots(facts)
    company = _companies(facts)
    return {
        "categories": [
            {
                "id": category,
                "name": category.capitalize(),
                "section": {
                    "items": [_row(person) for person in _people(facts, category)],
                    "total": len(_people(facts, category)),
                },
            }
            for category in _CATEGORIES
        ],
        "certificates": _connection(_certificates(facts), len(_certificates(facts))),
        "companyCreditCategories": [
            {
                "category": {"id": category},
                "companyCredits": _connection(
                    [node for node in company if node["category"]["id"] == category], 10
                ),
            }
            for category in ("production", "distribution")
        ],
        "taglines": _shown(_taglines(facts)),
        "storylineKeywords": page_keywords(facts),
        "outlines": _first(plots[:1]),
        "summaries": _first(plots[1:2]),
        "synopses": _first([]),
        "technicalSpecifications": _technical(facts),
    }


def release_info(facts: TitleFacts) -> JsonObject:
    """``contentData.data.title`` of the page ``releaseinfo``, with the first five akas."""
    released = [
        {
            "country": {"id": node["country"]["id"]},
            "attributes": node["attributes"],
            "displayableProperty": {"value": {"plainText": _date_text(node)}},
        }
        for node in _release_dates(facts)
    ]
    return {
        "id": facts.imdb_id,
        "originalTitleText": {"text": facts.original_title},
        "releaseDates": _shown(released),
        "akas": _shown(_akas(facts)),
    }


def _connection(
    nodes: Sequence[JsonObject], first: int, after: str | None = None, **_: Any
) -> JsonObject:
    start = int(after) if after else 0
    end = min(start + first, len(nodes))
    return {
        "total": len(nodes),
        "edges": [{"node": node} for node in nodes[start:end]],
        "pageInfo": {"hasNextPage": end < len(nodes), "endCursor": str(end)},
    }


def _shown(nodes: Sequence[JsonObject]) -> JsonObject:
    """A list as pages show it: the first few, and how many there are."""
    return {"total": len(nodes), "edges": [{"node": node} for node in nodes[:_SHOWN]]}


def _first(nodes: Sequence[JsonObject], count: int = 1) -> JsonObject:
    """A list of which a page does not say how long it is."""
    return {"edges": [{"node": node} for node in nodes[:count]]}


def _akas(facts: TitleFacts) -> list[JsonObject]:
    count = _MANY if facts.rank == 1 else 3 + facts.rank % 5
    return [
        {
            "displayableProperty": {
                "value": {"plainText": f"{facts.title} {number}"},
                "qualifiersInMarkdownList": [{"plainText": "demo title"}] if number % 2 else None,
            },
            "country": {"id": _REGIONS[number % len(_REGIONS)]},
            "language": {"id": "fr"} if number % len(_REGIONS) == _REGIONS.index("CA") else None,
        }
        for number in range(1, count + 1)
    ]


def _people(facts: TitleFacts, category: str) -> tuple[CreditFacts, ...]:
    known = {"director": facts.directors, "writer": facts.writers, "cast": facts.cast}
    return known[category]


def _credits(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "__typename": "Cast" if category == "cast" else "Crew",
            "category": {"id": category},
            "name": {"id": person.imdb_id, "nameText": {"text": person.name}},
            "characters": [{"name": name} for name in person.characters] or None,
            "jobs": None,
            "attributes": None,
            "episodeCredits": {"total": 0, "edges": []},
        }
        for category in _CATEGORIES
        for person in _people(facts, category)
    ]


def _row(person: CreditFacts) -> JsonObject:
    """A credit as a reference page shows it."""
    return {
        "id": person.imdb_id,
        "rowTitle": person.name,
        "characters": list(person.characters),
        "attributes": "",
    }


def _certificates(facts: TitleFacts) -> list[JsonObject]:
    if facts.certificate is None:
        return []
    return [{"country": {"id": "US"}, "rating": facts.certificate, "attributes": []}]


def _release_dates(facts: TitleFacts) -> list[JsonObject]:
    day = facts.release_date
    known = {"year": day.year, "month": day.month, "day": day.day}
    return [{"country": {"id": "US"}, **known, "attributes": []}]


def _date_text(node: JsonObject) -> str:
    months = (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    )  # fmt: skip
    day = "" if node["day"] is None else f" {node['day']},"
    return f"{months[node['month'] - 1]}{day} {node['year']}"


def _countries(facts: TitleFacts) -> JsonObject:
    known = [{"id": "US", "text": "United States"}, {"id": "GB", "text": "United Kingdom"}]
    return {"countries": known[: 1 + facts.rank % 2]}


def _languages(facts: TitleFacts) -> JsonObject:
    known = [{"id": "en", "text": "English"}, {"id": "fr", "text": "French"}]
    return {"spokenLanguages": known[: 1 + facts.rank % 2]}


def _companies(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "company": {"id": f"co{9_000_000 + number:07}"},
            "displayableProperty": {"value": {"plainText": f"Demo Pictures {number}"}},
            "category": {"id": category},
            "countries": [{"id": "US"}] if category == "distribution" else None,
            "attributes": [],
            "yearsInvolved": {"year": facts.year, "endYear": None}
            if category == "distribution"
            else None,
        }
        for category in ("production", "distribution")
        for number in range(1, 2 + facts.rank % 3)
    ]


def _keywords(facts: TitleFacts) -> list[JsonObject]:
    return [
        {"text": f"demo {genre.lower()}", "interested": number, "voted": number + facts.rank}
        for number, genre in enumerate(facts.genres)
    ]


def _api_keyword(node: JsonObject) -> JsonObject:
    return {
        "keyword": {"text": {"text": node["text"]}},
        "interestScore": {"usersInterested": node["interested"], "usersVoted": node["voted"]},
    }


def _taglines(facts: TitleFacts) -> list[JsonObject]:
    return [{"text": f"A demo of {facts.title}."}]


def _money(facts: TitleFacts) -> JsonObject:
    return {"productionBudget": {"budget": {"amount": facts.rank * 1_000_000, "currency": "USD"}}}


def _gross(facts: TitleFacts, boxOfficeArea: str) -> JsonObject | None:  # noqa: N803 - the API's
    shares = {"DOMESTIC": 2, "WORLDWIDE": 5}
    if boxOfficeArea not in shares:
        return None
    amount = facts.rank * shares[boxOfficeArea] * 1_000_000
    return {"total": {"amount": amount, "currency": "USD"}}


def _opening(facts: TitleFacts, **_: Any) -> JsonObject:
    return {
        "gross": {"total": {"amount": facts.rank * 100_000, "currency": "USD"}},
        "weekendEndDate": f"{facts.year:04}-10-16",
    }


def _award_counts(facts: TitleFacts) -> tuple[int, int]:
    return facts.rank % 7, 1 + facts.rank % 11


def _award_nominations(
    facts: TitleFacts,
    first: int,
    after: str | None = None,
    filter: JsonObject | None = None,  # noqa: A002 - the argument's name
) -> JsonObject:
    wins, lost = _award_counts(facts)
    wanted = (filter or {}).get("wins")
    nodes = [
        {
            "isWinner": number < wins,
            "award": {
                "text": "Demo Award",
                "eventEdition": {"year": facts.year, "event": {"text": "Demo Festival"}},
            },
            "category": {"text": f"Best Demo {number + 1}"},
            "awardedEntities": {
                "__typename": "AwardedNames",
                "awardNames": [
                    {"name": {"nameText": {"text": person.name}}} for person in facts.directors[:1]
                ],
            },
        }
        for number in range(wins + lost)
    ]
    if wanted == "WINS_ONLY":
        nodes = nodes[:wins]
    elif wanted == "EXCLUDE_WINS":
        nodes = nodes[wins:]
    return _connection(nodes, first, after)


def _poster(facts: TitleFacts) -> JsonObject:
    return {
        "url": f"{_IMAGES}/{facts.imdb_id}.jpg",
        "type": None,
        "width": 1000,
        "height": 1500,
        "caption": {"plainText": f"Poster of {facts.title}"},
    }


def _images(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "url": f"{_IMAGES}/{facts.imdb_id}-{number}.jpg",
            "type": None,
            "width": 1600,
            "height": 900,
            "caption": None,
        }
        for number in range(1, 3)
    ]


def _links(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "url": f"https://example.com/{facts.imdb_id}/{category}",
            "label": f"Demo {category}",
            "externalLinkCategory": {"id": category},
        }
        for category in ("official", "miscellaneous")
    ]


def _texts(what: str, facts: TitleFacts, count: int) -> list[JsonObject]:
    return [
        {
            "text": {"plainText": f"Made up {what} {number} of {facts.title}."},
            "category": {"id": "miscellaneous"},
            "interestScore": {"usersInterested": number, "usersVoted": number + 1},
            "isSpoiler": number % 2 == 0,
        }
        for number in range(1, count + 1)
    ]


def _parents_guide(facts: TitleFacts) -> JsonObject:
    nodes = [{"isSpoiler": False, "text": {"plainText": f"Nothing is known of {facts.title}."}}]
    return {
        "categories": [
            {
                "category": {"id": "VIOLENCE"},
                "severity": {"text": ("None", "Mild", "Moderate")[facts.rank % 3]},
                "guideItems": partial(_connection, nodes),
            }
        ]
    }


def _reviews(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "id": f"rw{facts.rank:04}{number:03}",
            "author": {"username": {"text": f"demo-user-{number}"}},
            "authorRating": 1 + (facts.rank + number) % 10,
            "submissionDate": f"2020-01-{number:02}",
            "summary": {"originalText": f"Review {number}"},
            "text": {"originalText": {"plainText": f"A made up review of {facts.title}."}},
            "helpfulness": {"upVotes": number, "downVotes": facts.rank},
            "spoiler": False,
        }
        for number in range(1, 4)
    ]


def _other(facts: TitleFacts, step: int) -> JsonObject:
    return {
        "id": f"tt{9_100_000_000 + facts.rank + step}",
        "titleText": {"text": f"Demo title {facts.rank + step}"},
        "releaseYear": {"year": facts.year},
    }


def _connections(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "associatedTitle": _other(facts, step),
            "category": {"id": category, "text": category.replace("_", " ").capitalize()},
            "description": None,
        }
        for step, category in enumerate(("followed_by", "referenced_in"), 1)
    ]


def _similar(facts: TitleFacts) -> list[JsonObject]:
    return [_other(facts, step) for step in range(1, 4)]


def _plots(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "plotType": kind,
            "plotText": {"plainText": f"A made up {kind.lower()} of {facts.title}."},
            "author": None if kind == "OUTLINE" else "demo-user",
            "isSpoiler": False,
        }
        for kind in ("OUTLINE", "SUMMARY")
    ]


def _quotes(facts: TitleFacts) -> list[JsonObject]:
    speaker = [{"character": name} for person in facts.cast[:1] for name in person.characters[:1]]
    line = {"characters": speaker, "stageDirection": None, "text": "This is a demo."}
    return [{"lines": [line], "isSpoiler": False}]


def _tracks(facts: TitleFacts) -> list[JsonObject]:
    return [
        {"text": f"Demo Song {number}", "comments": [{"plainText": f"For {facts.title}"}]}
        for number in (1, 2)
    ]


def _technical(facts: TitleFacts) -> JsonObject:
    lists: JsonObject = dict.fromkeys(
        ("cameras", "filmLengths", "laboratories", "negativeFormats", "printedFormats", "processes")
    )
    return {
        **{name: {"items": []} for name in lists},
        "soundMixes": {"items": [{"text": "Demo Sound", "attributes": []}]},
        "aspectRatios": {
            "items": [{"aspectRatio": "1.85 : 1", "attributes": [{"text": "demo prints"}]}]
        },
        "colorations": {"items": [{"text": "Color", "attributes": []}]},
    }


def _locations(facts: TitleFacts) -> list[JsonObject]:
    return [
        {"text": f"Demo Street {number}, Nowhere", "attributes": [{"text": "a scene"}]}
        for number in range(1, 2 + facts.rank % 8)
    ]


def _runtimes(facts: TitleFacts) -> list[JsonObject]:
    seconds = facts.runtime_minutes * 60
    longer = {
        "seconds": seconds + 600,
        "country": {"id": "FR"},
        "attributes": [{"text": "demo cut"}],
    }
    shown: JsonObject = {"seconds": seconds, "country": None, "attributes": []}
    return [shown, longer][: 1 + facts.rank % 2]


def _series(facts: TitleFacts) -> JsonObject | None:
    """Nothing on the demo site is an episode, but every tenth title plays at being one."""
    if facts.rank % 10:
        return None
    return {
        "series": _other(facts, 5),
        "displayableEpisodeNumber": {
            "displayableSeason": {"season": "1"},
            "episodeNumber": {"episodeNumber": str(facts.rank)},
        },
    }


def _page_series(facts: TitleFacts) -> JsonObject | None:
    series = _series(facts)
    if series is None:
        return None
    return {
        "series": series["series"],
        "episodeNumber": {"seasonNumber": 1, "episodeNumber": facts.rank},
    }


def _votes(facts: TitleFacts) -> JsonObject:
    """The votes of the facts, all of them for the two ratings next to the mean."""
    votes, rating = facts.votes, int(facts.rating)
    halves = {rating: votes - votes // 2, min(rating + 1, 10): votes // 2}
    return {
        "histogram": {
            "histogramValues": [
                {"rating": number, "voteCount": halves.get(number, 0)} for number in range(1, 11)
            ]
        },
        "ratingsSummaryByCountry": partial(_country_votes, facts),
    }


def _country_votes(facts: TitleFacts, limit: int) -> list[JsonObject]:
    return [
        {"country": region, "aggregate": facts.rating, "voteCount": facts.rank + number}
        for number, region in enumerate(_REGIONS[:limit])
    ]


def _metacritic(facts: TitleFacts) -> JsonObject | None:
    if facts.metascore is None:
        return None
    nodes = [
        {
            "score": facts.metascore,
            "site": "Demo Times",
            "reviewer": "A. Critic",
            "quote": {"value": f"A demo of {facts.title}."},
            "url": f"https://example.com/{facts.imdb_id}/review",
        }
    ]
    return {
        "metascore": {"score": facts.metascore},
        "reviews": partial(_connection, nodes),
    }


def _faqs(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "question": {"plainText": f"Is this about {facts.title}?"},
            "answer": {"plainText": "No: it is made up."} if facts.rank % 2 else None,
            "isSpoiler": False,
        }
    ]


def _interests(facts: TitleFacts) -> list[JsonObject]:
    return [
        {"id": f"in9{number:06}", "primaryText": {"text": f"Demo {genre}"}}
        for number, genre in enumerate(facts.genres)
    ]


def _videos(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "id": f"vi9{facts.rank:06}",
            "name": {"value": f"Trailer of {facts.title}"},
            "contentType": {"displayName": {"value": "Trailer"}},
            "runtime": {"value": 60 + facts.rank},
            "createdDate": f"{facts.year:04}-01-02T03:04:05Z",
        }
    ]


def _news(facts: TitleFacts) -> list[JsonObject]:
    return [
        {
            "id": f"ni9{facts.rank:06}",
            "articleTitle": {"plainText": f"Nothing new of {facts.title}"},
            "date": "2020-02-03T04:05:06Z",
            "source": {"description": "Demo News"},
            "externalUrl": f"https://example.com/{facts.imdb_id}/news",
        }
    ]
