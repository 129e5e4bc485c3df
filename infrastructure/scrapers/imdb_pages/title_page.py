"""The title page ``/title/ttN/``: what we read of its ``__NEXT_DATA__``, in both credit layouts."""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET, Struct, UnsetType

from domain.errors import PageChanged
from domain.identifiers import title_id
from domain.title import Credit, CreditCategory, Title
from infrastructure.scrapers.imdb_pages import billing, facts
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page

ROUTE = "/title/[tconst]"


class AboveTheFold(facts.AboveTheFold, frozen=True, rename="camel"):
    """The top of the page, with the principal credits: the first few of each category."""

    principal_credits: list[billing.GroupV1] | UnsetType | None = UNSET
    principal_credits_v2: list[billing.GroupV2] | UnsetType | None = UNSET


class MainColumn(facts.MainColumn, frozen=True, rename="camel"):
    """The main column: the crew of the page and the top of the cast (up to 18)."""

    directors: list[billing.GroupV1] | UnsetType | None = UNSET
    writers: list[billing.GroupV1] | UnsetType | None = UNSET
    creators: list[billing.GroupV1] | UnsetType | None = UNSET
    cast: billing.CastV1 | UnsetType | None = UNSET
    crew_v2: list[billing.GroupV2] | UnsetType | None = UNSET
    cast_v2: list[billing.GroupV2] | UnsetType | None = UNSET


class PageProps(Struct, frozen=True, rename="camel"):
    """``aboveTheFoldData`` is absent on every page that is not about one title."""

    above_the_fold_data: AboveTheFold | None = None
    main_column_data: MainColumn | None = None
    request_context: facts.RequestContext | None = None
    status_code: int | None = None


DECODER = msgspec.json.Decoder(NextData[PageProps])
"""Decodes a title page; of a reference page it reads the facts but not the credits."""


def to_title(page: Page, props: PageProps, above: AboveTheFold) -> Title:
    """Make the title of a decoded page.

    Raises `PageChanged` when no list of credits is where we know it, `InvalidTitle` when a fact
    breaks a rule of the domain.
    """
    main = props.main_column_data or MainColumn()
    _refuse_without_credits(page, above, main)
    # Before the credits, whose errors quote it.
    title_id(above.id)
    listed = [credit for category in CreditCategory for credit in _credits(above, main, category)]
    moment = facts.capture_time(page, props.request_context)
    return facts.build_title(page, above, main, listed, moment)


def _refuse_without_credits(page: Page, above: AboveTheFold, main: MainColumn) -> None:
    lists = (
        above.principal_credits,
        above.principal_credits_v2,
        main.directors,
        main.writers,
        main.creators,
        main.cast,
        main.crew_v2,
        main.cast_v2,
    )
    if all(listed is UNSET for listed in lists):
        raise PageChanged(
            page.url,
            "mainColumnData.castV2",
            "missing, and no other list of credits that we know is on the page",
        )


def _credits(above: AboveTheFold, main: MainColumn, category: CreditCategory) -> list[Credit]:
    """The credits of a category from the fullest list that has any.

    The principal credits come last: they are the first few of a list, and their cast is "Stars".
    """
    candidates = [
        _fullest_v2(main, category),
        _fullest_v1(main, category),
        billing.in_category_v2(above.principal_credits_v2 or None, category),
        billing.in_category_v1(above.principal_credits or None, category),
    ]
    return billing.first_known(above.id, category, candidates)


def _fullest_v2(main: MainColumn, category: CreditCategory) -> Iterator[billing.Billing]:
    if category is not CreditCategory.CAST:
        yield from billing.in_category_v2(main.crew_v2 or None, category)
        return
    for group in main.cast_v2 or ():
        yield from billing.billed_v2(group.credits or ())


def _fullest_v1(main: MainColumn, category: CreditCategory) -> Iterator[billing.Billing]:
    if category is CreditCategory.CAST:
        edges = main.cast.edges if main.cast else None
        yield from billing.billed_v1(edge.node for edge in edges or ())
        return
    crew = {
        CreditCategory.DIRECTOR: main.directors,
        CreditCategory.WRITER: main.writers,
        CreditCategory.CREATOR: main.creators,
    }
    # The key says the category: these groups have no category id.
    for group in crew[category] or ():
        yield from billing.billed_v1(group.credits or ())
