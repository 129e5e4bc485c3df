"""``/calendar/``: what comes out in a country in the next year, by day."""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec
from msgspec import Struct

from domain.errors import PageChanged
from domain.identifiers import title_id
from domain.lists import Calendar, UpcomingRelease
from domain.release_date import ReleaseDate
from infrastructure.scrapers.imdb_pages.facts import YearRange
from infrastructure.scrapers.imdb_pages.ids import kind_or_none
from infrastructure.scrapers.imdb_pages.list_item import TypeId
from infrastructure.scrapers.imdb_pages.next_data import NextData
from infrastructure.scrapers.imdb_pages.page import Page
from infrastructure.scrapers.imdb_pages.props import page_props

_ROUTES = re.compile(r"/calendar/?")


class Star(Struct, frozen=True):
    """One of the first of the cast."""

    text: str


class Entry(Struct, frozen=True, rename="camel"):
    """A title; ``releaseDate`` is a date of HTTP, at midnight in Greenwich."""

    id: str
    title_text: str
    release_date: str
    title_type: TypeId | None = None
    release_year: YearRange | None = None
    genres: list[str] | None = None
    principal_credits: list[Star] | None = None


class Day(Struct, frozen=True):
    """What comes out on a day."""

    entries: list[Entry]


class Variables(Struct, frozen=True, rename="camel"):
    """What the page was asked for."""

    region_override: str


class CalendarProps(Struct, frozen=True, rename="camel"):
    """The data of the page."""

    groups: list[Day]
    query_variables: Variables


_DECODER = msgspec.json.Decoder(NextData[CalendarProps])


def read_calendar(page: Page) -> Calendar:
    """Read the page; raises as this package says."""
    props = page_props(page, _DECODER, _ROUTES)
    entries = (entry for day in props.groups for entry in day.entries)
    return Calendar(
        country=props.query_variables.region_override,
        releases=tuple(_release(page, entry) for entry in entries),
    )


def _release(page: Page, entry: Entry) -> UpcomingRelease:
    day = _day(page, entry.release_date)
    return UpcomingRelease(
        imdb_id=title_id(entry.id),
        title=entry.title_text,
        release_date=ReleaseDate(year=day.year, month=day.month, day=day.day),
        kind=kind_or_none(entry.title_type.id if entry.title_type else None),
        year=entry.release_year.year if entry.release_year else None,
        genres=tuple(entry.genres or ()),
        stars=tuple(star.text for star in entry.principal_credits or ()),
    )


def _day(page: Page, text: str) -> datetime:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, OverflowError) as error:
        detail = f"is no date: {text[:40]!r}"
        raise PageChanged(page.url, "groups.entries.releaseDate", detail) from error
