"""Answers with a title's alternative titles (``akas``)."""

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from domain.details.items import AlternativeTitle
from domain.errors import PageChanged
from infrastructure.scrapers.imdb_graphql.connection import Connection
from infrastructure.scrapers.imdb_pages.akas import AkaNode, alternative_title
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page


class TitleNode(Struct, frozen=True):
    """A title; the answer does not repeat its id."""

    akas: Connection[AkaNode]


class AkasData(Struct, frozen=True):
    """``title`` is null when there is no such title."""

    title: TitleNode | None = None


_DATA = msgspec.json.Decoder(AkasData | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AkasPart:
    """Some of ``total`` alternative titles; ``next_cursor`` is ``None`` for the last of them."""

    total: int
    akas: tuple[AlternativeTitle, ...]
    next_cursor: str | None


def read_akas(page: Page, data: memoryview) -> AkasPart:
    """Read ``data`` of an answer that came from ``page``.

    Raises `PageChanged` naming what is missing or of another shape (``title``: there is no such
    title), `InvalidTitle` when a fact breaks a rule of the domain.
    """
    found = decode(_DATA, data, page, where="akas")
    if found is None or found.title is None:
        raise PageChanged(page.url, "title")
    akas = found.title.akas
    return AkasPart(
        total=akas.total,
        akas=tuple(alternative_title(edge.node) for edge in akas.edges),
        next_cursor=akas.page_info.next_cursor,
    )
