"""Reading a page from Beautiful Soup's tree of the whole of it.

The JSON-LD gives what it has (votes, genres, crew), the elements the rest: of a character's names
the page shows the first one, and no release date that is not a whole day is in the JSON-LD.
"""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from bs4 import BeautifulSoup, Tag

from benchmarks.systems.saving import CreditRow, TitlePage, TitleRow

_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?")
_PERSON = re.compile(r"/name/(nm\d+)/")
_TITLE = re.compile(r"/title/(tt\d+)/")
_YEAR = re.compile(r"\((\d{4})\)")


def chart_ids(tree: BeautifulSoup, limit: int) -> list[str]:
    """The ids of the first titles: from the JSON-LD, as the elements show 25 of them only."""
    items = _json_ld(tree)["itemListElement"]
    return [_id_in(item["item"]["url"], _TITLE) for item in items[:limit]]


def title_page(tree: BeautifulSoup) -> TitlePage:
    """What the tree of a title page says."""
    linked = _json_ld(tree)
    rating = linked.get("aggregateRating", {})
    metascore = tree.find("span", class_="metacritic-score-box")
    year = _YEAR.search(_text(tree.find("title")))
    row = TitleRow(
        imdb_id=_id_in(linked["url"], _TITLE),
        kind=None,
        title=_text(tree.find(True, attrs={"data-testid": "hero__primary-text"})),
        original_title=html.unescape(linked["name"]),
        year=int(year[1]) if year else None,
        end_year=None,
        runtime_minutes=_minutes(linked.get("duration", "")),
        rating=rating.get("ratingValue"),
        votes=rating.get("ratingCount"),
        metascore=int(_text(metascore)) if metascore else None,
        certificate=linked.get("contentRating"),
        genres=[html.unescape(genre) for genre in linked.get("genre", ())],
        release_date=linked.get("datePublished"),
        plot=None,
    )
    crew = [*_crew(row.imdb_id, "director", linked), *_crew(row.imdb_id, "writer", linked)]
    return TitlePage(row, [*crew, *_cast(row.imdb_id, tree)])


def _crew(imdb_id: str, category: str, linked: Any) -> Iterator[CreditRow]:
    people = linked.get({"director": "director", "writer": "creator"}[category], ())
    for position, person in enumerate(people, 1):
        known = _PERSON.search(person.get("url", ""))
        name = html.unescape(person["name"])
        yield CreditRow(imdb_id, category, position, known and known[1], name, [])


def _cast(imdb_id: str, tree: BeautifulSoup) -> Iterator[CreditRow]:
    items = tree.find_all(True, attrs={"data-testid": "title-cast-item"})
    for position, item in enumerate(items, 1):
        actor = item.find(True, attrs={"data-testid": "title-cast-item__actor"})
        character = item.find(True, attrs={"data-testid": "cast-item-characters-link"})
        known = _PERSON.search(str(actor.get("href", ""))) if actor else None
        characters = [_text(character)] if character else []
        yield CreditRow(imdb_id, "cast", position, known and known[1], _text(actor), characters)


def _json_ld(tree: BeautifulSoup) -> Any:
    script = tree.find("script", type="application/ld+json")
    return json.loads(_text(script))


def _text(element: Tag | None) -> str:
    if element is None:
        raise ValueError("the page lacks an element")
    return element.get_text()


def _id_in(url: str, pattern: re.Pattern[str]) -> str:
    found = pattern.search(url)
    if found is None:
        raise ValueError(f"no id in {url}")
    return found[1]


def _minutes(duration: str) -> int | None:
    found = _DURATION.fullmatch(duration)
    return int(found[1] or 0) * 60 + int(found[2] or 0) if found else None
