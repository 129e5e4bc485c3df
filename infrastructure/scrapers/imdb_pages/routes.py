"""Tells the page that was asked for from IMDb's own 404 page, and from pages of another kind."""

from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

from domain.errors import PageChanged, ScraperError
from infrastructure.scrapers.imdb_pages.next_data import NextData, plain_route
from infrastructure.scrapers.imdb_pages.page import Page

_ERROR_ROUTES = frozenset({"/404", "/_error"})
"""The routes of IMDb's own error pages."""


class HasStatus(Protocol):
    """What Next.js gives to a page that may be an error page."""

    @property
    def status_code(self) -> int | None:
        """The HTTP status that an error page tells of."""


StatusT = TypeVar("StatusT", bound=HasStatus)


def refuse_other_route(
    page: Page,
    decoded: NextData[StatusT],
    routes: Collection[str],
    wanted: str,
    not_found: Callable[[Page, NextData[StatusT]], ScraperError | None],
) -> None:
    """Raise unless a page is of one of these routes; a route that is absent says nothing.

    IMDb's own 404 page is the error of ``not_found``, which gives ``None`` when what was asked for
    is unknown. Any other page is `PageChanged`: not what was ``wanted``, such as a title page.
    """
    route = plain_route(decoded.page)
    if route is None or route in routes:
        return
    is_missing = route == "/404" or decoded.props.page_props.status_code == 404
    if route in _ERROR_ROUTES and is_missing and (error := not_found(page, decoded)) is not None:
        raise error
    raise PageChanged(page.url, "page", f"is {route[:80]}, not {wanted}")
