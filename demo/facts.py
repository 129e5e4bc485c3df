"""The facts that the demo site shows: IMDb's Top 250 as of a day, kept in ``data/top250.json``.

The file holds facts only (names, numbers, dates and ids), copied with the date of the chart. What
was not known when they were copied is ``null`` there, and ``None`` or an empty tuple here.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

_DATA_FILE = Path(__file__).with_name("data") / "top250.json"

_FIRST_SYNTHETIC_NUMBER = 9_000_000_000
"""Ten digits, where IMDb's own ids have seven or eight: a synthetic id is never a real title's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditFacts:
    """A person's part in a title; ``imdb_id`` is ``None`` where only the name is known."""

    name: str
    imdb_id: str | None = None
    characters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseDateFacts:
    """A release date; ``day`` is ``None`` where only the month is known."""

    year: int
    month: int
    day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleFacts:
    """What the demo site knows of one title. All titles of this chart are movies.

    ``rating`` is from 0.0 to 10.0. ``directors``, ``writers`` and ``cast`` are in billing order,
    and empty where unknown.
    """

    rank: int
    imdb_id: str
    title: str
    original_title: str
    year: int
    rating: float
    votes: int
    runtime_minutes: int
    metascore: int | None
    certificate: str | None
    genres: tuple[str, ...]
    release_date: ReleaseDateFacts
    directors: tuple[CreditFacts, ...]
    writers: tuple[CreditFacts, ...]
    cast: tuple[CreditFacts, ...]


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """The chart as it stood on the day ``captured``, its titles in order of rank."""

    captured: date
    titles: tuple[TitleFacts, ...]


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody with an id, what they do (``Actor``), and the highest title that credits them."""

    imdb_id: str
    name: str
    profession: str
    title: TitleFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """What the demo site knows of a person: what the titles' credits say.

    The titles are in order of their rank; ``cast`` has the characters beside each.
    """

    imdb_id: str
    name: str
    directed: tuple[TitleFacts, ...]
    written: tuple[TitleFacts, ...]
    cast: tuple[tuple[TitleFacts, tuple[str, ...]], ...]


MERGED_IDS: Mapping[str, str] = MappingProxyType(
    {
        "tt9100000001": "tt0111161",
        "tt9100000002": "tt0068646",
        "nm9100000001": "nm0000151",
    }
)
"""Ids that the demo site has merged into others. They are synthetic: IMDb uses no ten digits."""


def people_of(chart: ChartFacts) -> dict[str, PersonFacts]:
    """Everybody whose id a title of the chart names, by id."""
    names: dict[str, str] = {}
    directed: dict[str, list[TitleFacts]] = defaultdict(list)
    written: dict[str, list[TitleFacts]] = defaultdict(list)
    cast: dict[str, list[tuple[TitleFacts, tuple[str, ...]]]] = defaultdict(list)
    for title in chart.titles:
        for person in (*title.directors, *title.writers, *title.cast):
            if person.imdb_id is not None:
                names[person.imdb_id] = person.name
        for found, people in ((directed, title.directors), (written, title.writers)):
            for person in people:
                found[person.imdb_id or ""].append(title)
        for person in title.cast:
            cast[person.imdb_id or ""].append((title, person.characters))
    return {
        imdb_id: PersonFacts(
            imdb_id=imdb_id,
            name=name,
            directed=tuple(directed[imdb_id]),
            written=tuple(written[imdb_id]),
            cast=tuple(cast[imdb_id]),
        )
        for imdb_id, name in names.items()
    }


def load_facts() -> ChartFacts:
    """Read the 250 titles that come with the project."""
    document = json.loads(_DATA_FILE.read_text(encoding="utf-8"))
    return ChartFacts(
        captured=date.fromisoformat(document["captured"]),
        titles=tuple(_title(entry) for entry in document["titles"]),
    )


def synthetic_facts(count: int) -> ChartFacts:
    """Give a chart of ``count`` titles for benchmarks.

    The first 250 are the real ones. Everything from rank 251 on is synthetic: the same facts
    again, in the same order, under ids of ten digits (from ``tt9000000251`` on) which IMDb does not
    use.
    """
    chart = load_facts()
    real = chart.titles
    titles = [
        replace(
            real[(rank - 1) % len(real)],
            rank=rank,
            imdb_id=f"tt{_FIRST_SYNTHETIC_NUMBER + rank}",
        )
        for rank in range(len(real) + 1, count + 1)
    ]
    return ChartFacts(chart.captured, (*real, *titles)[:count])


def _title(entry: dict[str, Any]) -> TitleFacts:
    credits_by_role = {
        role: tuple(_credit(person) for person in entry[role] or ())
        for role in ("directors", "writers", "cast")
    }
    parsed = {
        "genres": tuple(entry["genres"]),
        "release_date": ReleaseDateFacts(**entry["release_date"]),
    }
    return TitleFacts(**(entry | parsed | credits_by_role))


def _credit(person: dict[str, Any]) -> CreditFacts:
    return CreditFacts(
        name=person["name"],
        imdb_id=person["imdb_id"],
        characters=tuple(person.get("characters") or ()),
    )
