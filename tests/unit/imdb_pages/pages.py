"""Small pages in the structure of IMDb's, with invented facts, for tests."""

import html
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from infrastructure.scrapers.imdb_pages import Page

FETCHED_AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
SERVED_AT = datetime(2025, 11, 19, 16, 6, 6, 718000, tzinfo=UTC)
URL = "https://www.imdb.com/title/tt7654321/"
TITLE_ID = "tt7654321"

CONCEPT = "amzn1.imdb.concept."
DIRECTORS = f"{CONCEPT}name_credit_category.ace5cb4c-8708-4238-9542-04641e7c8171"
WRITERS = f"{CONCEPT}name_credit_category.c84ecaff-add5-4f2e-81db-102a41881fe3"
CREATORS = f"{CONCEPT}name_credit_group.85198717-6c2d-481e-93a5-47858774bcce"
TOP_CAST = f"{CONCEPT}name_credit_group.7caf7d16-5db9-4f4f-8864-d4c6e711c686"
STARS = f"{CONCEPT}name_credit_group.7510356e-fde9-438e-b3ad-0099ba6bc8ce"

DIRECTOR = ("nm7000001", "Dana Ruiz")
WRITERS_LISTED = (("nm7000001", "Dana Ruiz"), ("nm7000002", "Li Wen"))
CAST = (
    ("nm7000003", "Ada Berg", ("Captain Io", "Io's Sister")),
    ("nm7000004", "Ö", ("Harbour Master",)),
    (None, "Uncredited Sailor", ()),
)


def page(body: bytes | str, **changes: Any) -> Page:
    facts: dict[str, Any] = {
        "url": URL,
        "body": body.encode() if isinstance(body, str) else body,
        "source": "html",
        "fetched_at": FETCHED_AT,
    }
    return Page(**(facts | changes))


def name(person_id: str | None, text: str) -> dict[str, Any]:
    return {"id": person_id, "nameText": {"text": text, "__typename": "NameText"}}


def above() -> dict[str, Any]:
    """``aboveTheFoldData`` of a full title page, without credits."""
    return {
        "id": TITLE_ID,
        "titleText": {"text": "The Quiet Harbour"},
        "originalTitleText": {"text": "Der stille Hafen"},
        "titleType": {"id": "movie", "text": "Movie"},
        "releaseYear": {"year": 2014, "endYear": None},
        "ratingsSummary": {"aggregateRating": 7.4, "voteCount": 1234},
        "runtime": {"seconds": 6900},
        "metacritic": {"metascore": {"score": 61}},
        "genres": {"genres": [{"text": t, "id": t} for t in ("Drama", "Mystery", "Sci-Fi", "War")]},
        "titleGenres": {"genres": [{"genre": {"text": t}} for t in ("Drama", "Mystery")]},
        "certificate": {"rating": "PG-13"},
        "plot": {"plotText": {"plainText": 'A captain says "no" & <waits>.'}},
        "releaseDate": {"day": 9, "month": 5, "year": 2014},
    }


def v1() -> dict[str, Any]:
    """``pageProps`` of a title page in the credit layout until 2025."""
    director, writers = crew_v1("director", DIRECTOR), crew_v1("writer", *WRITERS_LISTED)
    stars = crew_v1("cast", *(member[:2] for member in CAST[:2]))
    edges = [
        {
            "node": {
                "name": name(person_id, text),
                "characters": [{"name": c} for c in characters] or None,
            }
        }
        for person_id, text, characters in CAST
    ]
    return {
        "tconst": TITLE_ID,
        "aboveTheFoldData": above() | {"principalCredits": [director, writers, stars]},
        "mainColumnData": {
            "id": TITLE_ID,
            "ratingsSummary": {"topRanking": None},
            "directors": [director],
            "writers": [writers],
            "creators": [],
            "cast": {"edges": edges},
        },
        "requestContext": {"timestamp": "2025-11-19T16:06:06.718Z"},
    }


def v2() -> dict[str, Any]:
    """``pageProps`` of a title page in the credit layout since 2025."""
    director, writers = crew_v2(DIRECTORS, DIRECTOR), crew_v2(WRITERS, *WRITERS_LISTED)
    stars = crew_v2(STARS, *(member[:2] for member in CAST[:2]))
    cast = crew_v2(TOP_CAST, *(member[:2] for member in CAST))
    for credit, (_, _, characters) in zip(cast["credits"], CAST, strict=True):
        credit["creditedRoles"] = roles(*characters)
    props = v1()
    props["aboveTheFoldData"] = above() | {"principalCreditsV2": [director, writers, stars]}
    props["mainColumnData"] = {
        "id": TITLE_ID,
        "ratingsSummary": {"topRanking": None, "aggregateRating": 7.4, "voteCount": 1234},
        "crewV2": [director, writers],
        "castV2": [cast],
    }
    return props


def reference(layout: str) -> dict[str, Any]:
    """``pageProps`` of a reference page; ``layout`` is ``v1`` or ``v2``."""
    ids = ("director", "writer", "cast") if layout == "v1" else (DIRECTORS, WRITERS, TOP_CAST)
    people: Sequence[Sequence[Sequence[Any]]] = ([DIRECTOR], WRITERS_LISTED, CAST)
    top = above()
    moved = {key: top.pop(key) for key in ("metacritic", "releaseDate", "genres")}
    categories = [
        {"id": key, "section": {"items": [row(*person) for person in listed]}}
        for key, listed in zip(ids, people, strict=True)
    ]
    categories.append({"id": "producer", "section": {"items": [row("nm7000009", "Not Read")]}})
    return {
        "aboveTheFoldData": top,
        "mainColumnData": moved | {"categories": categories},
        "requestContext": {"timestamp": "2025-11-19T16:06:06.718Z"},
    }


def crew_v1(category: str, *people: Sequence[Any]) -> dict[str, Any]:
    return {
        "totalCredits": 12,
        "category": {"text": category.title(), "id": category},
        "credits": [{"name": name(*person), "attributes": None} for person in people],
    }


def crew_v2(grouping: str, *people: Sequence[Any]) -> dict[str, Any]:
    return {
        "totalCredits": 12,
        "grouping": {"text": "Any", "groupingId": grouping},
        "credits": [{"name": name(*person)} for person in people],
    }


def roles(*characters: str) -> dict[str, Any]:
    edges = [{"node": {"name": character}} for character in characters]
    return {"edges": [{"node": {"attributes": None, "characters": {"edges": edges}}}]}


def row(person_id: str | None, text: str, characters: Sequence[str] = ()) -> dict[str, Any]:
    return {"id": person_id, "rowTitle": text, "characters": list(characters)}


def chart(count: int = 3) -> dict[str, Any]:
    """``pageProps`` of a chart page with ``count`` titles, tt7000001 first."""
    edges = [
        {"currentRank": rank, "node": {"id": chart_id(rank), "titleText": {"text": f"T{rank}"}}}
        for rank in range(1, count + 1)
    ]
    return {
        "pageData": {"chartTitles": {"edges": edges}},
        "requestContext": {"timestamp": "2025-11-19T16:06:06.718Z"},
    }


def chart_id(rank: int) -> str:
    return f"tt{7000000 + rank}"


def next_data(props: Mapping[str, Any], route: str | None = "/title/[tconst]") -> str:
    data: dict[str, Any] = {"props": {"pageProps": props}}
    if route is not None:
        data |= {"page": route, "query": {"tconst": TITLE_ID}}
    # As Next.js does, so that no text can end the script.
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def html_page(data: str | None, *, head: str = "", body: str = "") -> str:
    script = f'<script id="__NEXT_DATA__" type="application/json">{data}</script>' if data else ""
    return (
        f'<!DOCTYPE html><html lang="en-US"><head><title>x - IMDb</title>{head}</head>'
        f'<body><div id="__next">{body}</div>{script}</body></html>'
    )


def title_html(props: Mapping[str, Any], route: str | None = "/title/[tconst]") -> str:
    return html_page(next_data(props, route))


def canonical(path: str) -> str:
    return f'<link rel="canonical" href="https://www.imdb.com{path}"/>'


def json_ld(**changes: Any) -> str:
    """The JSON-LD of the title that `above` describes, with texts escaped as IMDb does."""
    work = {
        "@context": "https://schema.org",
        "@type": "Movie",
        "url": f"https://www.imdb.com/title/{TITLE_ID}/",
        "name": "Der stille Hafen",
        "alternateName": "The Quiet Harbour",
        "description": "May be cut...",
        "aggregateRating": {"@type": "AggregateRating", "ratingCount": 1234, "ratingValue": 7.4},
        "contentRating": "PG-13",
        "genre": ["Drama", "Mystery", "Sci-Fi"],
        "datePublished": "2014-05-09",
        "duration": "PT1H55M",
        "actor": [agent(*member[:2]) for member in CAST[:2]],
        "director": [agent(*DIRECTOR)],
        "creator": [
            {"@type": "Organization", "url": "https://www.imdb.com/company/co0000001/"},
            *(agent(*writer) for writer in WRITERS_LISTED),
        ],
    } | changes
    kept = {key: value for key, value in work.items() if value is not None}
    return f'<script type="application/ld+json">{json.dumps(kept)}</script>'


def agent(person_id: str | None, text: str) -> dict[str, Any]:
    url = {"url": f"/name/{person_id}/"} if person_id else {}
    return {"@type": "Person", "name": html.escape(text)} | url


def title_block(
    *entries: str, layout: int = 2024, title: str = "The Quiet Harbour", original: str = ""
) -> str:
    """The title block of the markup; ``entries`` are the list items below the title."""
    items = "".join(f'<li role="presentation">{entry}</li>' for entry in entries)
    shown = f"<div>Original title: {original}</div>" if original else ""
    if layout == 2022:
        return (
            f'<h1 data-testid="hero-title-block__title">{title}</h1><div>{shown}'
            f'<ul class="ipc-inline-list" data-testid="hero-title-block__metadata">{items}</ul>'
            "</div>"
        )
    return (
        f'<div><h1 data-testid="hero__pageTitle"><span data-testid="hero__primary-text">{title}'
        f'</span></h1>{shown}<ul class="ipc-inline-list" role="presentation">{items}</ul></div>'
    )


def linked(path: str, text: str) -> str:
    return f'<a class="ipc-link" href="/title/{TITLE_ID}/{path}?ref_=tt">{text}</a>'


def principal(label: str, *people: Sequence[Any]) -> str:
    links = "".join(
        f'<li><a href="/name/{person_id}/?ref_=tt">{text}</a></li>' for person_id, text in people
    )
    return (
        f'<li data-testid="title-pc-principal-credit"><span>{label}</span>'
        f'<div><ul class="ipc-inline-list">{links}</ul></div></li>'
    )


def cast_row(person_id: str | None, text: str, characters: Sequence[str] = ()) -> str:
    href = f' href="/name/{person_id}/?ref_=tt"' if person_id else ""
    links = "".join(
        f'<li><a data-testid="cast-item-characters-link"><span>{c}</span></a>'
        "<span>(voice)</span><span>…</span></li>"
        for c in characters[:1]
    )
    return (
        f'<div data-testid="title-cast-item"><a data-testid="title-cast-item__actor"{href}>{text}'
        f'</a><ul class="ipc-inline-list">{links}</ul></div>'
    )


def markup(block: str, *, rating: str = "7.4", metascore: str = "61") -> str:
    """A whole ``<main>`` with the facts of `above`; the principal credits twice, as IMDb has."""
    principals = (
        principal("Director", DIRECTOR)
        + principal("Writers", *WRITERS_LISTED)
        + principal("Stars", *(member[:2] for member in CAST[:2]))
    )
    score = (
        '<div data-testid="hero-rating-bar__aggregate-rating__score">'
        f"<span>{rating}</span><span>/<!-- -->10</span></div>"
    )
    return (
        f'<main role="main"><section>{block}{score if rating else ""}'
        f'<span class="sc-1 metacritic-score-box">{metascore}</span>'
        '<p data-testid="plot"><span data-testid="plot-xl">'
        "A captain says &quot;no&quot; &amp; &lt;waits&gt;.</span></p>"
        f"{principals}{principals}</section>"
        f"<section>{''.join(cast_row(*member) for member in CAST)}</section></main>"
    )


def full_markup() -> str:
    return markup(
        title_block(
            linked("releaseinfo", "2014"),
            linked("parentalguide", "PG-13"),
            "1h 55m",
            original="Der stille Hafen",
        )
    )


def without(props: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A copy without the key at the dotted path."""
    return _changed(props, path, lambda parent, key: parent.pop(key))


def having(props: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at the dotted path; numbers in the path are places in lists."""
    return _changed(props, path, lambda parent, key: parent.__setitem__(key, value))


def _changed(props: Mapping[str, Any], path: str, change: Any) -> dict[str, Any]:
    copy = deepcopy(dict(props))
    *parents, last = path.split(".")
    place: Any = copy
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    change(place, int(last) if isinstance(place, list) else last)
    return copy
