"""Chooses how a title's page is read: by its route, and by what is on it."""

from domain.errors import InvalidTitle, PageChanged, TitleNotFound
from domain.identifiers import title_id, title_id_from
from domain.title import Title
from infrastructure.scrapers.imdb_pages import reference_page, title_page
from infrastructure.scrapers.imdb_pages.next_data import (
    NextData,
    decode,
    find_next_data,
    is_json,
    plain_route,
)
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.routes import refuse_other_route
from shared.stages import BUILD, DECODE, stage

_ROUTES = (title_page.ROUTE, reference_page.ROUTE)


def read_title(page: Page) -> Title:
    """Read a title or reference page as `parse_title` promises.

    A page is decoded as a title page first, because that is what nearly all are.
    """
    with stage(DECODE):
        data = find_next_data(page)
        decoded = None if data is None else decode(title_page.DECODER, data, page)
    with stage(BUILD):
        if data is None or decoded is None:
            return _from_markup(page)
        return _from_next_data(page, data, decoded)


def _from_next_data(page: Page, data: memoryview, decoded: NextData[title_page.PageProps]) -> Title:
    refuse_other_route(page, decoded, _ROUTES, "a title page", _not_found)
    props = decoded.props.page_props
    if props.above_the_fold_data is None:
        if is_json(page.body):
            raise PageChanged(page.url, "aboveTheFoldData")
        return _from_markup(page)
    if plain_route(decoded.page) == reference_page.ROUTE:
        reference = decode(reference_page.DECODER, data, page)
        return reference_page.to_title(page, reference.props.page_props)
    return title_page.to_title(page, props, props.above_the_fold_data)


def _from_markup(page: Page) -> Title:
    # BeautifulSoup takes longer to import than a hundred titles to read, and is hardly ever needed.
    from infrastructure.scrapers.imdb_pages.markup_title import title_from_markup

    return title_from_markup(page)


def _not_found(page: Page, decoded: NextData[title_page.PageProps]) -> TitleNotFound | None:
    stated = decoded.query.tconst if decoded.query else None
    try:
        asked = title_id_from(page.url) if stated is None else title_id(stated)
    except InvalidTitle:
        return None
    return TitleNotFound(asked, page.url)
