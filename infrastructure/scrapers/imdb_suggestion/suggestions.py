"""Answers of the suggestion API: bytes in, hits or a typed error out.

Their keys are one letter each: ``l`` is the label, ``s`` what stands below it (the first of the
cast, or what a person is known for), ``y`` and ``yr`` the year and the years, ``qid`` the type.
"""

import re

import msgspec
from msgspec import Struct

from domain.search import FoundId, SearchHit, Thing
from infrastructure.scrapers.imdb_pages import Page
from infrastructure.scrapers.imdb_pages.ids import identified, kind_or_none
from infrastructure.scrapers.imdb_pages.next_data import decode

_YEARS = re.compile(r"[0-9]{4}\s*[\u2013-]\s*(?P<end>[0-9]{4})")


class Image(Struct, frozen=True, rename="camel"):
    """A poster or a portrait."""

    image_url: str | None = None


class Suggestion(Struct, frozen=True):
    """One line of the search box; companies and links are among them."""

    id: str
    label: str = msgspec.field(name="l")
    year: int | None = msgspec.field(name="y", default=None)
    years: str | None = msgspec.field(name="yr", default=None)
    type_id: str | None = msgspec.field(name="qid", default=None)
    rank: int | None = None
    below: str | None = msgspec.field(name="s", default=None)
    image: Image | None = msgspec.field(name="i", default=None)


class Suggestions(Struct, frozen=True):
    """The whole answer: ``q`` repeats what was asked."""

    asked: str = msgspec.field(name="q")
    lines: list[Suggestion] = msgspec.field(name="d", default_factory=list)


_DECODER = msgspec.json.Decoder(Suggestions)


def read_suggestions(page: Page) -> tuple[SearchHit, ...]:
    """Read titles, people and companies, in the order of the answer.

    No answer with a company in it has been captured; that they are known by ``co`` ids and have a
    label like all else rests on notes, and what stands below their labels is not read.
    Raises `PageChanged` naming what is missing or of another shape, `InvalidTitle` when a fact
    breaks a rule of the domain.
    """
    answer = decode(_DECODER, memoryview(page.body), page, where="the answer")
    hits = []
    for line in answer.lines:
        match identified(line.id):
            case (Thing.TITLE, imdb_id):
                hits.append(_title(imdb_id, line))
            case (Thing.PERSON, imdb_id):
                hits.append(_person(imdb_id, line))
            case (Thing.COMPANY, imdb_id):
                hits.append(_company(imdb_id, line))
    return tuple(hits)


def _title(imdb_id: FoundId, line: Suggestion) -> SearchHit:
    years = _YEARS.fullmatch((line.years or "").strip())
    return SearchHit(
        imdb_id=imdb_id,
        thing=Thing.TITLE,
        name=line.label,
        kind=kind_or_none(line.type_id),
        year=line.year,
        end_year=int(years["end"]) if years else None,
        rank=line.rank or None,
        image_url=_image_url(line),
        stars=tuple(name.strip() for name in (line.below or "").split(",") if name.strip()),
    )


def _person(imdb_id: FoundId, line: Suggestion) -> SearchHit:
    return SearchHit(
        imdb_id=imdb_id,
        thing=Thing.PERSON,
        name=line.label,
        rank=line.rank or None,
        image_url=_image_url(line),
        known_for=line.below or None,
    )


def _company(imdb_id: FoundId, line: Suggestion) -> SearchHit:
    return SearchHit(
        imdb_id=imdb_id, thing=Thing.COMPANY, name=line.label, image_url=_image_url(line)
    )


def _image_url(line: Suggestion) -> str | None:
    return (line.image and line.image.image_url) or None
