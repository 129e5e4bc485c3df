"""Pages that say what we read in ``__NEXT_DATA__`` only."""

import re
from typing import TypeVar

import msgspec

from domain.errors import PageChanged
from infrastructure.scrapers.imdb_pages.blocking import refuse_challenge
from infrastructure.scrapers.imdb_pages.next_data import (
    NextData,
    decode,
    find_next_data,
    refuse_cut_page,
)
from infrastructure.scrapers.imdb_pages.page import Page

PropsT = TypeVar("PropsT")


def page_props(
    page: Page, decoder: msgspec.json.Decoder[NextData[PropsT]], routes: re.Pattern[str]
) -> PropsT:
    """Decode what a page of these routes is made from; a route that is absent says nothing.

    Raises `SourceBlocked` for a challenge page, `PageChanged` for a page of another route, and
    naming what is missing or of another shape.
    """
    data = find_next_data(page)
    if data is None:
        refuse_challenge(page)
        refuse_cut_page(page)
        raise PageChanged(page.url, "__NEXT_DATA__")
    decoded = decode(decoder, data, page)
    if decoded.page is not None and not routes.fullmatch(decoded.page):
        raise PageChanged(page.url, "page", f"is {decoded.page[:80]}, not a page of this kind")
    return decoded.props.page_props
