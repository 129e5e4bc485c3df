"""What the JSON of all details has in common: lists in parts, texts, codes."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from domain.details import Item
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.texts import unescaped

NodeT = TypeVar("NodeT")
ShapeT = TypeVar("ShapeT", bound=Struct)

_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,5000}>")
_NO_WORD = re.compile(r"[^a-z0-9]+")


class PageInfo(Struct, frozen=True, rename="camel"):
    """Whether there are more, and what to name to get them."""

    has_next_page: bool = False
    end_cursor: str | None = None

    @property
    def next_cursor(self) -> str | None:
        """What to name to get the next part; ``None`` after the last one."""
        return self.end_cursor if self.has_next_page else None


class Edge(Struct, Generic[NodeT], frozen=True):
    """A place in a list."""

    node: NodeT


class Listed(Struct, Generic[NodeT], frozen=True, rename="camel"):
    """Some of the ``total`` items of a list; without ``edges`` only their number is told."""

    edges: list[Edge[NodeT]] | UnsetType = UNSET
    total: int | None = None
    page_info: PageInfo | None = None

    @property
    def nodes(self) -> list[NodeT]:
        """The items."""
        return [] if self.edges is UNSET else [edge.node for edge in self.edges]


MaybeListed = Listed[NodeT] | UnsetType | None
"""A list: null is one of nothing, and a key that is absent says nothing."""


class Counted(Struct, frozen=True):
    """How many there are of something."""

    total: int


class Words(Struct, frozen=True):
    """A text under the key ``text``."""

    text: str


class Coded(Struct, frozen=True):
    """A country, a language, a category, by its code."""

    id: str


class MaybeCoded(Struct, frozen=True):
    """A country of which some pages have only the name."""

    id: str | None = None


class Named(Struct, frozen=True):
    """Something with a code and a name for people."""

    id: str
    text: str | None = None


class RichText(Struct, frozen=True, rename="camel"):
    """A text: pages have it as HTML, answers of the API without markup."""

    plain_text: str | None = None
    plaid_html: str | None = None

    @property
    def text(self) -> str | None:
        """The text without markup; ``None`` when there is none."""
        if self.plain_text is not None or self.plaid_html is None:
            return self.plain_text or None
        return unescaped(_TAG.sub("", _BREAK.sub("\n", self.plaid_html))).strip() or None


@dataclass(frozen=True, slots=True)
class Part:
    """Some items of a detail, in their order.

    ``is_whole`` is false when there are more; ``next_cursor`` is what to name to get them, where
    that can be asked.
    """

    items: tuple[Item, ...]
    is_whole: bool = True
    next_cursor: str | None = None


NOTHING = Part(())
"""IMDb says that there is nothing."""


class Reader(Generic[ShapeT]):
    """Reads a detail from the JSON object of a title: the keys of ``shape``, and no others.

    Any number of threads may use it. Its decoder is made with it, at the import, which one thread
    does: msgspec must not be given the same types by several threads at once.
    """

    def __init__(self, shape: type[ShapeT], part: Callable[[ShapeT], Part | None]) -> None:
        self._decoder = msgspec.json.Decoder(shape)
        self._part = part
        self.keys = frozenset(field.encode_name for field in msgspec.structs.fields(shape))

    def read(self, page: Page, data: memoryview, where: str) -> Part | None:
        """Read a title's object; ``None`` when it does not say anything of the detail.

        Raises `PageChanged` for another shape, `InvalidTitle` when a fact breaks a rule.
        """
        return self._part(decode(self._decoder, data, page, where=where))


def part_of(listed: MaybeListed[NodeT], item: Callable[[NodeT], Item | None]) -> Part | None:
    """The items of a list, but for those of which ``item`` makes nothing."""
    if listed is None:
        return NOTHING
    if listed is UNSET or listed.edges is UNSET:
        return None
    made = (item(node) for node in listed.nodes)
    cursor = listed.page_info.next_cursor if listed.page_info else None
    items = tuple(one for one in made if one is not None)
    return Part(items, is_whole=_is_whole(listed), next_cursor=cursor)


def _is_whole(listed: Listed[Any]) -> bool:
    """A page that shows a few of a list and does not say of how many may not show all."""
    if listed.page_info is not None:
        return not listed.page_info.has_next_page
    shown = len(listed.nodes)
    return not shown if listed.total is None else shown >= listed.total


def texts_of(words: Iterable[Words | None] | None) -> tuple[str, ...]:
    """The texts that are no empty ones."""
    return tuple(word.text for word in words or () if word is not None and word.text)


def as_word(text: str) -> str:
    """A category's name as an id is written: ``edited_into`` for "Edited into"."""
    return _NO_WORD.sub("_", text.lower()).strip("_")
