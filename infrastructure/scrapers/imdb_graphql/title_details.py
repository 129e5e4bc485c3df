"""Details in answers of the API: what is there of each, and what kept it from us."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Raw, Struct

from domain.details import Detail, DetailName, Item
from domain.details.items import AlternativeTitle
from domain.errors import PageChanged, TitleError
from domain.title import Title
from infrastructure.scrapers.imdb_graphql.replies import Reply, ReplyError, failure
from infrastructure.scrapers.imdb_pages.details import READERS, Part, billed
from infrastructure.scrapers.imdb_pages.next_data import decode
from infrastructure.scrapers.imdb_pages.page import Page

Found = Part | str
"""Some of a detail's items, or why there are none."""


class PartData(Struct, frozen=True):
    """``title`` is null when there is no such title."""

    title: Raw = Raw(b"null")


_DATA = msgspec.json.Decoder(PartData | None)


def detail_of(key: str, details: Collection[DetailName]) -> DetailName | None:
    """The detail that a key of a title belongs to, if it belongs to one of these."""
    return next((name for name in details if key in READERS[name].keys), None)


def read_parts(
    page: Page,
    raw: memoryview,
    details: Sequence[DetailName],
    wrong: Mapping[DetailName, ReplyError],
) -> dict[DetailName, Found]:
    """Read the details of a title's object; what is wrong with one harms no other."""
    return {name: wrong[name].text if name in wrong else _read(page, raw, name) for name in details}


def _read(page: Page, raw: memoryview, name: DetailName) -> Found:
    try:
        part = READERS[name].read(page, raw, name)
    except (PageChanged, TitleError) as error:
        return str(error)
    return part if part is not None else "the answer does not have it"


def read_part(name: DetailName, reply: Reply) -> Part:
    """Read an answer to the query for more of a detail.

    Raises the `failure` of its first error, `PageChanged`, `InvalidTitle`.
    """
    for error in reply.errors:
        raise failure(reply, error)
    return part_in(name, reply.page, reply.data)


def part_in(name: DetailName, page: Page, data: memoryview) -> Part:
    """Read the data of an answer about one title; raises `PageChanged`, `InvalidTitle`."""
    found = decode(_DATA, data, page, where=name)
    if found is None or bytes(found.title) == b"null":
        raise PageChanged(page.url, "title")
    part = READERS[name].read(page, memoryview(found.title), name)
    if part is None:
        raise PageChanged(page.url, name)
    return part


def _original(name: DetailName, title: Title) -> Iterator[AlternativeTitle]:
    """The original title, which IMDb shows before the others and does not count among them."""
    if name is DetailName.AKAS and title.original_title is not None:
        text = title.original_title
        yield AlternativeTitle(title=text, types=("original",), is_original=True)


@dataclass(slots=True)
class Gathered:
    """A detail of a title while its parts come in; used by one thread."""

    name: DetailName
    items: list[Item]
    is_whole: bool
    next_cursor: str | None

    @classmethod
    def of(cls, name: DetailName, part: Part) -> "Gathered":
        """Begin with the first part."""
        return cls(name, list(part.items), part.is_whole, part.next_cursor)

    def add(self, page_url: str, part: Part) -> None:
        """Add the part after the others; raises `PageChanged` when going on would never end."""
        if part.next_cursor is not None and (
            not part.items or part.next_cursor == self.next_cursor
        ):
            raise PageChanged(page_url, f"{self.name}.pageInfo", "promises more, does not lead on")
        self.items += part.items
        self.is_whole, self.next_cursor = part.is_whole, part.next_cursor

    def detail(self, title: Title) -> Detail:
        """The detail, of the same source and time as its title."""
        return Detail(
            name=self.name,
            items=(*_original(self.name, title), *billed(self.items)),
            is_whole=self.is_whole,
            provenance=title.provenance,
        )
