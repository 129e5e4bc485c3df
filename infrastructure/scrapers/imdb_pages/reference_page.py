"""The page ``/title/ttN/reference``: what we read of its ``__NEXT_DATA__``, with the full cast."""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET, Struct, UnsetType

from domain.errors import PageChanged
from domain.identifiers import title_id
from domain.title import Credit, CreditCategory, Title
from infrastructure.scrapers.imdb_pages import billing, facts
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page

ROUTE = "/title/[tconst]/reference"


class Item(Struct, frozen=True, rename="camel"):
    """One credit as the page shows it: a row with the person's name as its title."""

    row_title: str
    id: str | None = None
    characters: list[str | None] | None = None


class Section(Struct, frozen=True):
    """The rows of a category."""

    items: list[Item] | None = None


class Category(Struct, frozen=True):
    """A category of credits; ``id`` is a word in the V1 layout and a concept id in V2."""

    id: str
    section: Section | None = None


class MainColumn(facts.MainColumn, frozen=True, rename="camel"):
    """The main column, with the credits of the whole title."""

    categories: list[Category] | UnsetType | None = UNSET
    principal_credits: list[billing.GroupV1] | UnsetType | None = UNSET
    principal_credits_v2: list[billing.GroupV2] | UnsetType | None = UNSET


class PageProps(Struct, frozen=True, rename="camel"):
    """``aboveTheFoldData`` is shorter than on a title page; the main column has the rest."""

    above_the_fold_data: facts.AboveTheFold
    main_column_data: MainColumn
    request_context: facts.RequestContext | None = None


DECODER = msgspec.json.Decoder(NextData[PageProps])
"""Decodes a reference page."""


def to_title(page: Page, props: PageProps) -> Title:
    """Make the title of a decoded page.

    Raises `PageChanged` when no list of credits is where we know it, `InvalidTitle` when a fact
    breaks a rule of the domain.
    """
    above, main = props.above_the_fold_data, props.main_column_data
    lists = (main.categories, main.principal_credits, main.principal_credits_v2)
    if all(listed is UNSET for listed in lists):
        raise PageChanged(
            page.url,
            "mainColumnData.categories",
            "missing, and no other list of credits that we know is on the page",
        )
    # Before the credits, whose errors quote it.
    imdb_id = title_id(above.id)
    listed = [credit for category in CreditCategory for credit in _credits(imdb_id, main, category)]
    moment = facts.capture_time(page, props.request_context)
    return facts.build_title(page, above, main, listed, moment)


def _credits(imdb_id: str, main: MainColumn, category: CreditCategory) -> list[Credit]:
    candidates = [
        _listed(main, category),
        billing.in_category_v2(main.principal_credits_v2 or None, category),
        billing.in_category_v1(main.principal_credits or None, category),
    ]
    return billing.first_known(imdb_id, category, candidates)


def _listed(main: MainColumn, wanted: CreditCategory) -> Iterator[billing.Billing]:
    for category in main.categories or ():
        if billing.CATEGORIES.get(category.id) is not wanted:
            continue
        for item in (category.section.items if category.section else None) or ():
            characters = tuple(name for name in item.characters or () if name)
            yield billing.Billing(item.id, item.row_title, characters)
