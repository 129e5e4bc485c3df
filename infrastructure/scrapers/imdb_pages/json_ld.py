"""The page's JSON-LD (schema.org): the first fall-back when a page has no ``__NEXT_DATA__``.

Facts of IMDb's JSON-LD, checked on pages of 2022 to 2025: texts are HTML-escaped inside the JSON;
``name`` is the original title and ``alternateName`` the display title, when they differ; genres are
at most three; ``actor`` has the stars only and may be missing altogether, as may everything else;
``creator`` mixes organizations with the writers (the creators, on a series); addresses are relative
on older pages; ``description`` may be cut, so it is not read; a chart's
list has no positions: its order is the rank. A person's page is an ``Article`` about a ``Person``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from domain.errors import PageChanged
from domain.title import TitleKind
from infrastructure.scrapers.imdb_pages.billing import Billing
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.texts import unescaped

# In two steps: in one, a tag that is never closed would be searched again from each of its parts.
_SCRIPT = re.compile(rb"<script\b[^<>]{0,1000}>", re.IGNORECASE)
_TYPE = re.compile(rb"""\btype\s*=\s*["']?application/ld\+json\b""", re.IGNORECASE)
_OBJECT = re.compile(rb"\s*\{")
_LARGEST_BLOCK = 4 * 1024 * 1024
_MOST_BLOCKS = 20
_TITLE_URL = re.compile(r"/title/(?P<id>tt[0-9]{7,15})(?:[/?#]|$)")
_NAME_URL = re.compile(r"/name/(?P<id>nm[0-9]{7,15})(?:[/?#]|$)")
_DURATION = re.compile(r"PT(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<s>\d{1,6})S)?")

KINDS = {
    "Movie": TitleKind.MOVIE,
    "TVSeries": TitleKind.TV_SERIES,
    "TVEpisode": TitleKind.TV_EPISODE,
    "VideoGame": TitleKind.VIDEO_GAME,
    "PodcastSeries": TitleKind.PODCAST_SERIES,
    "PodcastEpisode": TitleKind.PODCAST_EPISODE,
}
"""schema.org types of title pages. They are coarse: IMDb says ``Movie`` for a TV movie too."""


class _Typed(Struct, frozen=True, rename={"kind": "@type"}):
    kind: str | list[str] | None = None


class _Rating(Struct, frozen=True, rename="camel"):
    rating_value: float | None = None
    rating_count: int | None = None


class _Agent(Struct, frozen=True, rename={"kind": "@type"}):
    kind: str | None = None
    url: str | None = None
    name: str | None = None


_Agents = _Agent | list[_Agent] | None


class _Work(
    Struct,
    frozen=True,
    rename={
        "kind": "@type",
        "alternate_name": "alternateName",
        "aggregate_rating": "aggregateRating",
        "content_rating": "contentRating",
        "date_published": "datePublished",
    },
):
    kind: str
    url: str | None = None
    name: str | None = None
    alternate_name: str | None = None
    aggregate_rating: _Rating | None = None
    content_rating: str | None = None
    genre: str | list[str] | None = None
    date_published: str | None = None
    duration: str | None = None
    actor: _Agents = None
    director: _Agents = None
    creator: _Agents = None


class _Item(Struct, frozen=True):
    url: str


class _ListItem(Struct, frozen=True):
    item: _Item


class _ItemList(Struct, frozen=True, rename="camel"):
    item_list_element: list[_ListItem]


_TYPED = msgspec.json.Decoder(_Typed)
_WORK = msgspec.json.Decoder(_Work)
_ITEM_LIST = msgspec.json.Decoder(_ItemList)


class _Person(
    Struct,
    frozen=True,
    rename={"birth_date": "birthDate", "death_date": "deathDate", "job_title": "jobTitle"},
):
    url: str | None = None
    name: str | None = None
    birth_date: str | None = None
    death_date: str | None = None
    job_title: str | list[str] | None = None


class _Article(Struct, frozen=True, rename={"main_entity": "mainEntity"}):
    main_entity: msgspec.Raw = msgspec.Raw(b"null")


_PERSON = msgspec.json.Decoder(_Person)
_ARTICLE = msgspec.json.Decoder(_Article)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedPerson:
    """What the JSON-LD of a person's page says, unescaped; ``None`` or empty is not said."""

    imdb_id: str | None = None
    name: str | None = None
    birth_date: str | None = None
    death_date: str | None = None
    professions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedTitle:
    """What the JSON-LD of a title page says, unescaped; ``None`` or empty is not said."""

    imdb_id: str | None = None
    kind: TitleKind | None = None
    original_title: str | None = None
    display_title: str | None = None
    rating: float | None = None
    votes: int | None = None
    certificate: str | None = None
    genres: tuple[str, ...] = ()
    date_published: str | None = None
    runtime_minutes: int | None = None
    actors: tuple[Billing, ...] = ()
    directors: tuple[Billing, ...] = ()
    creators: tuple[Billing, ...] = ()


def linked_title(page: Page) -> LinkedTitle | None:
    """Read the first block that describes a title; ``None`` when there is none.

    Raises `PageChanged` for damaged blocks and for values of another type.
    """
    for block in _blocks(page):
        if _types(page, block) & KINDS.keys():
            return _to_title(page, decode(_WORK, block, page, where="JSON-LD"))
    return None


def linked_person(page: Page) -> LinkedPerson | None:
    """Read the first block about a person, as such or as an article's subject; ``None`` without.

    Raises `PageChanged` for damaged blocks and for values of another type.
    """
    for block in _blocks(page):
        types = _types(page, block)
        if "Person" in types:
            return _to_person(decode(_PERSON, block, page, where="JSON-LD"))
        if "Article" in types:
            subject = memoryview(decode(_ARTICLE, block, page, where="JSON-LD").main_entity)
            if "Person" in _types(page, subject):
                return _to_person(decode(_PERSON, subject, page, where="JSON-LD"))
    return None


def linked_chart(page: Page) -> list[str] | None:
    """The title ids of the page's ``ItemList`` in its order; ``None`` when there is none.

    Raises `PageChanged` for damaged blocks and for an entry that is not a title.
    """
    for block in _blocks(page):
        if "ItemList" in _types(page, block):
            entries = decode(_ITEM_LIST, block, page, where="JSON-LD").item_list_element
            return [_title_id(page, entry.item.url) for entry in entries]
    return None


def _blocks(page: Page) -> Iterator[memoryview]:
    tags = (tag for tag in _SCRIPT.finditer(page.body) if _TYPE.search(tag[0]))
    for number, tag in enumerate(tags, 1):
        end = page.body.find(b"</script", tag.end())
        if end < 0:
            raise PageChanged(page.url, "JSON-LD", "the page is cut short inside it")
        if number > _MOST_BLOCKS or end - tag.end() > _LARGEST_BLOCK:
            raise PageChanged(page.url, "JSON-LD", "more of it than any page of IMDb has")
        yield memoryview(page.body)[tag.end() : end]


def _types(page: Page, block: memoryview) -> frozenset[str]:
    """The types of a block; none for blocks that are not one object, which titles always are."""
    if not _OBJECT.match(block):
        return frozenset()
    kind = decode(_TYPED, block, page, where="JSON-LD").kind
    return frozenset([kind] if isinstance(kind, str) else kind or ())


def _to_title(page: Page, work: _Work) -> LinkedTitle:
    rating = work.aggregate_rating or _Rating()
    genres = [work.genre] if isinstance(work.genre, str) else work.genre or []
    address = _TITLE_URL.search(work.url or "")
    return LinkedTitle(
        imdb_id=address["id"] if address else None,
        kind=KINDS[work.kind],
        original_title=_text(work.name),
        display_title=_text(work.alternate_name),
        rating=rating.rating_value,
        votes=rating.rating_count,
        certificate=_text(work.content_rating),
        genres=tuple(text for genre in genres if (text := _text(genre))),
        date_published=work.date_published or None,
        runtime_minutes=_minutes(page, work.duration),
        actors=_people(page, "actor", work.actor),
        directors=_people(page, "director", work.director),
        creators=_people(page, "creator", work.creator),
    )


def _to_person(person: _Person) -> LinkedPerson:
    jobs = [person.job_title] if isinstance(person.job_title, str) else person.job_title or []
    address = _NAME_URL.search(person.url or "")
    return LinkedPerson(
        imdb_id=address["id"] if address else None,
        name=_text(person.name),
        birth_date=person.birth_date or None,
        death_date=person.death_date or None,
        professions=tuple(text for job in jobs if (text := _text(job))),
    )


def _text(escaped: str | None) -> str | None:
    return unescaped(escaped) if escaped else None


def _minutes(page: Page, duration: str | None) -> int | None:
    if not duration:
        return None
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise PageChanged(page.url, "JSON-LD duration", f"is not a duration: {duration[:80]!r}")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = hours * 60 + minutes + seconds // 60
    return total or (1 if seconds else None)


def _people(page: Page, field: str, agents: _Agents) -> tuple[Billing, ...]:
    listed = [agents] if isinstance(agents, _Agent) else agents or []
    people = []
    for agent in listed:
        if agent.kind != "Person":
            continue
        if not agent.name:
            raise PageChanged(page.url, f"JSON-LD {field}", "a person has no name")
        address = _NAME_URL.search(agent.url or "")
        people.append(Billing(address["id"] if address else None, unescaped(agent.name)))
    return tuple(people)


def _title_id(page: Page, url: str) -> str:
    match = _TITLE_URL.search(url)
    if match is None:
        raise PageChanged(page.url, "JSON-LD ItemList", f"has no title at {url[:80]!r}")
    return match["id"]
